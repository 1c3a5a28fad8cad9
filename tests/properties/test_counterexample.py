"""Counterexample files give every array back bit by bit."""

import json
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from properties.claim import Bound, Evaluation, Evidence, InstanceVerdict, Verdict, require
from properties.counterexample import INLINE_ENTRIES, read_counterexample, write_counterexample
from properties.results import Refutation
from theory.errors import DataFileError


def refutation(**arrays: np.ndarray[Any, Any]) -> Refutation:
    bound = Bound("residual norm after step 3", 1.1, 1.0, 1e-15, Verdict.REFUTED, Evidence.ENCLOSED, bits=106)
    evaluation = Evaluation(
        "F3",
        {"n": 2, "fraction": 0.1, "kind": "sphere"},
        (require("C < 1", 0.25),),
        (bound,),
        InstanceVerdict.REFUTED,
        ("flips",),
    )
    return Refutation(evaluation, arrays, 106)


def write(directory: Path, one: Refutation, claim_id: str = "T1/rate") -> Path:
    return write_counterexample(
        directory, claim_id, "a statement", one, depth="quick", seed=5, environment={"numpy": "2"}
    )


ARRAYS = {
    "floats": np.array([[0.1, -0.0, 5e-324], [np.nan, -np.inf, 1 / 3]]),
    "single": np.array([0.1], dtype=np.float32),
    "integers": np.array([2**62 + 1, -1]),
    "flags": np.array([[True], [False]]),
    "scalar": np.array(2.5),
    "empty": np.zeros((0, 3)),
}


def test_arrays_come_back_bit_by_bit(tmp_path: Path) -> None:
    path = write(tmp_path, refutation(**ARRAYS))
    content = read_counterexample(path)
    for name, array in ARRAYS.items():
        back = content["arrays"][name]
        assert back.shape == array.shape
        assert back.tobytes() == (array.astype(np.float64) if name == "single" else array).tobytes()


def test_what_the_file_says(tmp_path: Path) -> None:
    path = write(tmp_path, refutation(w=np.array([0.5])))
    assert path.parent == tmp_path
    assert path.name.startswith("T1-rate-")
    content = json.loads(path.read_text())
    assert content["claim"] == "T1/rate"
    assert content["statement"] == "a statement"
    assert content["family"] == "F3"
    assert content["description"] == {"n": 2, "fraction": 0.1, "kind": "sphere"}
    assert content["verdict"] == "refuted"
    assert content["hypotheses"] == [{"name": "C < 1", "verdict": "holds", "margin": 0.25}]
    assert content["bounds"] == [
        {
            "label": "residual norm after step 3",
            "measured": 1.1,
            "predicted": 1.0,
            "ratio": 1.1,
            "rounding": 1e-15,
            "verdict": "refuted",
            "evidence": "enclosed",
        }
    ]
    assert content["arrays"]["w"]["values"] == ["0x1.0000000000000p-1"]
    assert (content["precision"], content["confirmed_bits"]) == (106, 106)
    assert (content["seed"], content["depth"], content["environment"]) == (5, "quick", {"numpy": "2"})


def test_many_entries_go_beside_the_file(tmp_path: Path) -> None:
    rng = np.random.default_rng(7)
    at_limit, above = rng.standard_normal(INLINE_ENTRIES), rng.standard_normal((INLINE_ENTRIES // 2, 2))
    small = write(tmp_path, refutation(w=at_limit))
    assert not small.with_suffix(".npz").exists()
    large = write(tmp_path, refutation(w=above, one=np.ones(1)))
    assert large.with_suffix(".npz").exists()
    assert large.stat().st_size < 5000
    np.testing.assert_array_equal(read_counterexample(small)["arrays"]["w"], at_limit)
    np.testing.assert_array_equal(read_counterexample(large)["arrays"]["w"], above)
    assert not [path for path in tmp_path.iterdir() if path.suffix == ".tmp"]


def test_exact_numbers_become_text(tmp_path: Path) -> None:
    path = write(tmp_path, refutation(q=np.array([Fraction(1, 3), Fraction(2)], dtype=object)))
    assert read_counterexample(path)["arrays"]["q"].tolist() == ["1/3", "2"]


def test_names_are_stable_distinct_and_safe(tmp_path: Path) -> None:
    one, other = refutation(w=np.array([0.5])), refutation(w=np.array([0.25]))
    first = write(tmp_path, one)
    assert write(tmp_path, one) == first
    assert write(tmp_path, other) != first
    assert write(tmp_path, one, "T1-rate") != first
    hostile = write(tmp_path, one, "../../etc/<x> y")
    assert hostile.parent == tmp_path
    assert hostile.resolve().parent == tmp_path.resolve()


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"schema": 99}', '{"schema": 1, "arrays": {"w": {}}}'])
def test_what_is_no_counterexample_is_said_so(tmp_path: Path, text: str) -> None:
    path = tmp_path / "bad.json"
    path.write_text(text)
    with pytest.raises(DataFileError, match=r"not a counterexample file|schema 99, this version reads 1"):
        read_counterexample(path)
