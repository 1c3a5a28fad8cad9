"""Counterexample files give every instance back bit by bit, and say what is wrong with those that are damaged."""

import dataclasses
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from flint import fmpq

from properties.chapters.gradient.gradient_linear import LinearInstance
from properties.engine.claim import Bound, Evaluation, Evidence, InstanceVerdict, Verdict, require
from properties.engine.replay.counterexample import (
    INLINE_ENTRIES,
    SCHEMA,
    TOLD,
    TOLD_OF_MUTANTS,
    WIDTH,
    Circumstances,
    Refutation,
    content_digest,
    read_counterexample,
    told,
    write_counterexample,
)
from properties.engine.replay.instance_document import to_document
from properties.engine.report.commands import Commands
from properties.engine.report.entries import evaluation_entry
from theory.errors import CounterexampleError, EditedFileError

FLOATS = np.array([[0.1, -0.0, 5e-324], [1e300, -2.5, 1 / 3]])


def linear(jacobian: np.ndarray[Any, Any] = FLOATS) -> LinearInstance:
    return LinearInstance(jacobian, np.array([0.5, 0.25]), fmpq(1, 3), 2)


def refutation(instance: LinearInstance, rounded: tuple[str, ...] = ()) -> Refutation:
    bound = Bound("residual norm after step 3", 1.1, 1.0, 1e-15, Verdict.REFUTED, Evidence.ENCLOSED, bits=106)
    evaluation = Evaluation(
        "F3",
        {"n": 2, "fraction": 0.1, "kind": "sphere", "shape": (2, 3)},
        (require("C < 1", 0.25),),
        (bound,),
        InstanceVerdict.REFUTED,
        ("flips",),
    )
    return Refutation(evaluation, to_document(instance), rounded)


def write(directory: Path, one: Refutation, claim_id: str = "T1/rate") -> Path:
    commands = Commands(("--option", "value"), "a report", console="natural-gradient")
    circumstances = Circumstances(claim_id, "a statement", "quick", 5, {"numpy": "2"}, commands=commands)
    return write_counterexample(directory, one, circumstances)


def content_of(path: Path) -> dict[str, Any]:
    return dict(json.loads(path.read_text(encoding="utf-8")))


@pytest.mark.parametrize("order", ["C", "F"])
def test_an_instance_comes_back_bit_by_bit(tmp_path: Path, order: Any) -> None:
    given = linear(np.array(FLOATS, order=order))
    back = read_counterexample(write(tmp_path, refutation(given))).instance
    assert type(back) is LinearInstance
    assert back.jacobian.tobytes() == given.jacobian.tobytes()
    assert back.jacobian.flags.f_contiguous == given.jacobian.flags.f_contiguous
    assert back.residual.tobytes() == given.residual.tobytes()
    assert (back.eta, back.steps) == (fmpq(1, 3), 2)
    with pytest.raises(ValueError, match="read-only"):
        back.jacobian[0, 0] = 1.0


def test_what_the_file_says(tmp_path: Path) -> None:
    path = write(tmp_path, refutation(linear(), ("residual",)))
    assert path.parent == tmp_path / "counterexamples"
    assert path.name.startswith("T1-rate-")
    content = content_of(path)
    assert content["schema"] == SCHEMA
    command = f"natural-gradient replay 'a report/counterexamples/{path.name}' --option value"
    assert content["replay"] == command
    assert content["claim"] == "T1/rate"
    assert content["statement"] == "a statement"
    assert content["family"] == "F3"
    assert content["description"] == {"n": 2, "fraction": 0.1, "kind": "sphere", "shape": {"tuple": [2, 3]}}
    assert content["rounded"] == ["residual"]
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
    assert content["arrays"]["residual"] == {"dtype": "float64", "shape": [2], "order": "C", "values": [0.5, 0.25]}
    assert content["instance"]["fields"]["jacobian"] == {"array": "jacobian"}
    assert content["precision"] == 106
    assert (content["seed"], content["depth"], content["environment"]) == (5, "quick", {"numpy": "2"})
    assert max(len(line) for line in path.read_text().splitlines()) <= WIDTH


def test_of_many_bounds_the_worst_are_told_and_all_are_covered(tmp_path: Path) -> None:
    """A digit that changes in a bound that the file does not tell changes the digest of all."""
    one = refutation(linear())
    (bad,) = one.evaluation.bounds
    many = tuple(dataclasses.replace(bad, label=f"{k}", measured=k / 100, verdict=Verdict.HOLDS) for k in range(9))
    entry = evaluation_entry(dataclasses.replace(one.evaluation, bounds=(*many, bad)))
    short = told(entry, TOLD)
    assert [bound["label"] for bound in short["bounds"]] == ["4", "5", "6", "7", "8", bad.label]
    assert (len(short["bounds"]), short["all_bounds"]["count"]) == (TOLD, 10)
    entry["bounds"][0]["measured"] += 1e-9
    assert told(entry, TOLD)["bounds"] == short["bounds"]
    assert told(entry, TOLD)["all_bounds"] != short["all_bounds"]
    assert told(short, TOLD) == short
    assert [bound["label"] for bound in told(entry, TOLD_OF_MUTANTS)["bounds"]] == [bad.label]


def test_the_circumstances_come_back(tmp_path: Path) -> None:
    """The stream of a sampled claim hangs on the description to the last type: a tuple stays a tuple."""
    one = refutation(linear())
    back = read_counterexample(write(tmp_path, one))
    assert (back.claim, back.statement, back.family, back.seed) == ("T1/rate", "a statement", "F3", 5)
    assert repr(back.description) == repr(one.evaluation.description)
    assert back.recorded["bounds"][0]["ratio"] == 1.1
    assert back.environment == {"numpy": "2"}


def test_many_entries_go_beside_the_file(tmp_path: Path) -> None:
    rng = np.random.default_rng(7)
    at_limit, above = (rng.standard_normal((entries, 1)) for entries in (INLINE_ENTRIES - 2, INLINE_ENTRIES))
    small, large = (write(tmp_path, refutation(linear(jacobian))) for jacobian in (at_limit, above))
    assert not small.with_suffix(".npz").exists()
    assert large.with_suffix(".npz").exists()
    assert large.stat().st_size < 5000
    assert np.array_equal(read_counterexample(small).instance.jacobian, at_limit)
    assert np.array_equal(read_counterexample(large).instance.jacobian, above)
    assert not list(tmp_path.rglob("*.tmp"))


def test_a_pair_of_files_belongs_together(tmp_path: Path) -> None:
    rng = np.random.default_rng(7)
    path, other = (write(tmp_path, refutation(linear(rng.standard_normal((INLINE_ENTRIES, 1))))) for _ in range(2))
    beside = path.with_suffix(".npz")
    whole = beside.read_bytes()
    beside.write_bytes(other.with_suffix(".npz").read_bytes())
    with pytest.raises(EditedFileError, match=r"not the one that .* was written with; take the pair"):
        read_counterexample(path)
    beside.write_bytes(whole[:1000])
    with pytest.raises(CounterexampleError, match=r"lacks the array jacobian of .* or is damaged"):
        read_counterexample(path)
    np.savez(beside, other=np.zeros(3))
    with pytest.raises(CounterexampleError, match="lacks the array jacobian"):
        read_counterexample(path)
    beside.unlink()
    with pytest.raises(CounterexampleError, match="which must lie beside it and does not"):
        read_counterexample(path)
    beside.write_bytes(whole)
    assert read_counterexample(path).claim == "T1/rate"


def test_names_are_stable_distinct_and_safe(tmp_path: Path) -> None:
    one, other = refutation(linear()), refutation(linear(2 * FLOATS))
    first = write(tmp_path, one)
    assert write(tmp_path, one) == first
    assert write(tmp_path, other) != first
    stepped = dataclasses.replace(linear(), steps=3)
    assert write(tmp_path, refutation(stepped)) != first
    assert write(tmp_path, one, "T1-rate") != first
    hostile = write(tmp_path, one, "../../etc/<x> y")
    assert hostile.parent == first.parent
    assert hostile.resolve().parent == first.parent.resolve()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "is not JSON, perhaps truncated"),
        ("[]", "holds a list, not a counterexample"),
        ("{}", "it has no schema"),
        ('{"schema": 99}', "schema 99, this version reads 2 and 3"),
        ('{"schema": 1, "claim": "T1/rate"}', "or find the counterexample again with --claim T1$"),
        ('{"schema": 1, "claims": []}', "is the record of a run, not a counterexample"),
        ('{"schema": 2}', "lacks replay, claim, statement"),
        ('{"schema": NaN}', "is not JSON, .*the number NaN"),
        ('{"schema": 1e999}', "is not JSON, .*the number 1e999"),
        ("[" * 100_000, "is not JSON"),
        (b"\xff\xfe\x00", "is not JSON"),
    ],
)
def test_what_is_no_counterexample_is_said_so(tmp_path: Path, text: str | bytes, said: str) -> None:
    path = tmp_path / "bad.json"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    with pytest.raises(CounterexampleError, match=said):
        read_counterexample(path)


def test_what_is_no_file_is_said_so(tmp_path: Path) -> None:
    with pytest.raises(CounterexampleError, match=r"does not exist; name a \.json file"):
        read_counterexample(tmp_path / "absent.json")
    with pytest.raises(CounterexampleError, match="is not a file"):
        read_counterexample(tmp_path)


@pytest.mark.parametrize(
    "change",
    [
        lambda content: content["arrays"]["residual"]["values"].__setitem__(0, 0.75),
        lambda content: content["instance"]["fields"].__setitem__("steps", 3),
        lambda content: content["bounds"][0].__setitem__("measured", 1.2),
        lambda content: content["description"].__setitem__("n", 3),
        lambda content: content.__setitem__("seed", 6),
        lambda content: content.__setitem__("digest", "sha256:0"),
    ],
)
def test_every_edit_is_detected(tmp_path: Path, change: Callable[[Mapping[str, Any]], None]) -> None:
    path = write(tmp_path, refutation(linear()))
    content = content_of(path)
    change(content)
    path.write_text(json.dumps(content))
    with pytest.raises(EditedFileError, match=r"edited or corrupted since it was written; .* with --claim T1$"):
        read_counterexample(path)


def test_another_layout_of_the_same_content_is_no_edit(tmp_path: Path) -> None:
    path = write(tmp_path, refutation(linear()))
    path.write_text(json.dumps(content_of(path), indent=7, sort_keys=True))
    assert read_counterexample(path).claim == "T1/rate"


def entry(name: str, **changes: Any) -> Callable[[dict[str, Any]], None]:
    return lambda content: content["arrays"][name].update(changes)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (entry("residual", dtype="float32"), "has dtype 'float32'"),
        (entry("residual", dtype="object"), "has dtype 'object'"),
        (entry("residual", dtype="int64"), "is one of int64, but has the entry 0.5"),
        (entry("residual", values=["0.5", 0.25]), "is one of float64, but has the entry '0.5'"),
        (entry("residual", shape=[3]), "do not have the shape that the file states"),
        (entry("jacobian", shape=[3, 2]), "do not have the shape that the file states"),
        (entry("residual", order="A"), "order 'A'"),
        (entry("residual", file="../residual.npz"), "which must lie beside it and does not"),
        (lambda content: content["arrays"].pop("residual"), "residual refers to the array 'residual', which is not"),
        (lambda content: content["arrays"].update(spare=content["arrays"]["residual"]), "nothing refers to the arrays"),
        (lambda content: content["instance"]["fields"].pop("steps"), r"the instance \(linear-descent\) lacks steps"),
        (lambda content: content["instance"]["fields"].update(more=1), "has no field more"),
        (lambda content: content["instance"]["fields"].update(steps=2.0), "steps is 2.0, but .* takes <class 'int'>"),
        (lambda content: content["instance"]["fields"].update(eta={"rational": "1/0"}), "not a rational number"),
        (lambda content: content["instance"]["fields"].update(eta={"eval": "1"}), "which stands for nothing"),
        (lambda content: content["instance"].update(type="subprocess.Popen"), "the name of no class of instances here"),
        (lambda content: content.update(description=3), "which stands for nothing"),
        (lambda content: content.update(arrays=[]), "cannot be read as a counterexample"),
        (lambda content: content.update(seed="x"), "seed of the file is 'x', not a natural number"),
        (lambda content: content.update(seed=True), "seed of the file is 'True', not a natural number"),
        (lambda content: content.update(seed=-1), "seed of the file is '-1', not a natural number"),
        (lambda content: content.update(precision=53.0), "precision of the file is '53.0', not a natural number"),
        (lambda content: content.update(verdict="false"), "verdict of the file is 'false', not one of holds, refuted"),
        (lambda content: content.update(verdict=["holds"]), "verdict of the file is .*, not one of holds, refuted"),
        (lambda content: content.update(evidence=None), "evidence of the file is 'None', not one of tested, estimated"),
        (lambda content: content.update(features={}), "features of the file is '{}', not a list of texts"),
        (lambda content: content.update(rounded=[1]), "rounded of the file is .*, not a list of texts"),
        (lambda content: content.update(rounded="eta"), "rounded of the file is 'eta', not a list of texts"),
        (lambda content: content.update(environment=[["numpy", "2"]]), "environment of the file .* not a mapping"),
        (lambda content: content.update(claim=1), "claim of the file is '1', not a text"),
        (lambda content: content.update(replay=[]), "replay of the file is .*, not a text"),
        (lambda content: content.update(bounds={}), "bounds of the file is '{}', not a list"),
        (lambda content: content.update(hypotheses=None), "hypotheses of the file is 'None', not a list"),
        (lambda content: content["bounds"].append({}), r"bounds\[1\] is not label, measured"),
        (lambda content: content["bounds"].append(7), r"bounds\[1\] is not label, measured"),
        (lambda content: content["bounds"][0].pop("ratio"), r"bounds\[0\] is not label, measured"),
        (lambda content: content["bounds"][0].update(ratio=None), r"ratio of bounds\[0\] is 'None', not a number"),
        (lambda content: content["bounds"][0].update(ratio="much"), r"ratio of bounds\[0\] is 'much', not a number"),
        (lambda content: content["bounds"][0].update(ratio=[1.0]), r"ratio of bounds\[0\] is .*, not a number"),
        (
            lambda content: content["bounds"][0].update(measured=True),
            r"measured of bounds\[0\] is 'True', not a number",
        ),
        (lambda content: content["bounds"][0].update(label=0), r"label of bounds\[0\] is '0', not a text"),
        (lambda content: content["bounds"][0].update(verdict="vacuous"), r"verdict of bounds\[0\] is 'vacuous', not"),
        (lambda content: content["bounds"][0].update(evidence="heard"), r"evidence of bounds\[0\] is 'heard', not"),
        (
            lambda content: content["hypotheses"][0].update(margin={}),
            r"margin of hypotheses\[0\] is '{}', not a number",
        ),
        (lambda content: content["hypotheses"][0].pop("name"), r"hypotheses\[0\] is not name, verdict, margin"),
        (
            lambda content: content["bounds"][0].update(ratio=10**400),
            "the number 10000000000000000000... of 401 digits",
        ),
        (lambda content: content["instance"]["fields"].update(steps=10**400), "the number 1000.* of 401 digits"),
        (lambda content: content.update(evidence="tested") or content.pop("features"), "lacks features: it is damaged"),
    ],
)
def test_what_a_digest_cannot_see_is_checked(tmp_path: Path, change: Callable[[Any], None], said: str) -> None:
    """Files whose digest is right, and whose content is not."""
    path = write(tmp_path, refutation(linear()))
    content = content_of(path)
    change(content)
    path.write_text(json.dumps({**content, "digest": content_digest(content)}))
    with pytest.raises(CounterexampleError, match=said):
        read_counterexample(path)
