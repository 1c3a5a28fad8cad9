"""Counterexample files written once are read for ever: fixed files, classes that moved, classes that gained a field."""

import dataclasses
import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from flint import fmpq

from properties import registry
from properties.chapters.gradient.gradient_linear import LinearInstance
from properties.descent.former_paths import FORMER_PATHS
from properties.descent.losses import LossRecipe
from properties.engine import stable_names
from properties.engine.claim import InstanceVerdict
from properties.engine.replay.counterexample import READABLE, SCHEMA, read_counterexample
from properties.engine.replay.instance_document import InstanceDocument, from_document, to_document
from properties.engine.replay.replay import load_replays, replay_entry
from properties.engine.stable_names import named_class, stable_name, stored_as
from properties.guard.judgements import FixedInstance
from properties.suite import SUITE
from theory.errors import DocumentError
from theory.inputs import FloatArray

HERE = Path(__file__).parent
DOCS = Path(__file__).parents[4] / "docs" / "counterexamples"
FIXED = HERE / "counterexamples"
FIELDS = HERE / "stored_fields.json"
"""The fields of each class, as the files that were written until now may hold them."""

DIGESTS = {
    DOCS
    / "C2-path-first-step-only-b739e564ee.json": "2cb857b2c190859cb51853c5abd32a52677c3e6fdaae7e26ed0c0f69252cda15",
    DOCS
    / "T0-linear-diagonal-kernel-c2754f853b.json": "2b10ee9326663d98cd4dd9c95e134e549510016246d80dffe4cddef3076a34ea",
    DOCS
    / "T0-step-beyond-divergence-4a5c3ba34f.json": "64118fa8c34273698a6558d4a3841dd44da02394fdf1785a782e2536914a9c0a",
    FIXED / "own-T1-step-d2dc00a468.json": "630ae87083089e8d50a2c562351b2bd165d610e16d974f5a357ec1ba346a6634",
    FIXED
    / "C2-path-first-step-only-c3b65f01b2.json": "ce1ff5ace54aaf9c4b34045bb1d9356a9d299db252b9b760b5404e0865e81a32",
    FIXED
    / "T0-linear-diagonal-kernel-d07f09c84d.json": "31d566c5cfeaef62a9f2253a562212cf571b8a03624936d5ee32ca5efdf07429",
    FIXED
    / "T2-q-step-without-kappa-ee00367394.json": "fff4bb8514cde97784be101d00b2f09a7bf059384a6fb6b8e3702239eba79aca",
    FIXED / "I-counts-half-8fd137b416.json": "aaf5b75e0e636eaa6cab66b5d58259ecdb4fb6c8eb1093d34013f01c851b11d2",
}
"""SHA-256 of files that stay as they are: of schema 2, and then of each later schema."""


@pytest.mark.parametrize("path", DIGESTS, ids=lambda path: str(path.stem))
def test_fixed_files_stay_and_are_read(path: Path) -> None:
    assert hashlib.sha256(path.read_bytes()).hexdigest() == DIGESTS[path]
    found = read_counterexample(path)
    assert dataclasses.is_dataclass(found.instance)


def test_there_are_fixed_files_of_every_schema() -> None:
    assert {json.loads(path.read_text())["schema"] for path in DIGESTS} == set(READABLE)
    assert max(READABLE) == SCHEMA


@pytest.mark.parametrize("path", [path for path in DIGESTS if not path.name.startswith("own-")], ids=lambda p: p.stem)
def test_fixed_files_are_refuted_again(path: Path) -> None:
    (replay,) = load_replays([str(path)], Path.cwd(), registry)
    assert replay_entry(replay)["verdict"] == InstanceVerdict.REFUTED.value


# --- classes that moved, or gained a field ---------------------------------------------------------------------------


@dataclasses.dataclass(frozen=True)
class MovedAndLarger:
    """What ``linear-descent`` could become: another module, another name, two more fields, another order."""

    eta: fmpq
    steps: int
    jacobian: FloatArray
    residual: FloatArray
    momentum: float = 0.0
    loss: LossRecipe = dataclasses.field(default_factory=LossRecipe)


@pytest.mark.parametrize("path", [path for path in DIGESTS if "T0-linear" in path.name], ids=lambda path: path.stem)
def test_a_class_moves_and_gains_fields(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = read_counterexample(path).instance
    assert type(before) is LinearInstance
    monkeypatch.setitem(stable_names._classes, "linear-descent", MovedAndLarger)
    after = read_counterexample(path).instance
    assert type(after) is MovedAndLarger
    assert (after.eta, after.steps) == (before.eta, before.steps)
    assert after.jacobian.tobytes() == before.jacobian.tobytes()
    assert (after.momentum, after.loss) == (0.0, LossRecipe())
    document = to_document(after)
    assert document.tree["type"] == "linear-descent"
    assert "test_stable_names" not in json.dumps(document.tree)


@dataclasses.dataclass(frozen=True)
class MovedAndBroken:
    """A field without a default is what no file has."""

    jacobian: FloatArray
    residual: FloatArray
    eta: fmpq
    steps: int
    momentum: float


def test_a_field_without_a_default_is_missed(monkeypatch: pytest.MonkeyPatch) -> None:
    document = to_document(LinearInstance(np.eye(2), np.ones(2), fmpq(1, 2), 1))
    monkeypatch.setitem(stable_names._classes, "linear-descent", MovedAndBroken)
    with pytest.raises(DocumentError, match=r"the instance \(linear-descent\) lacks momentum"):
        from_document(document)


def test_an_unknown_field_is_refused() -> None:
    """Defaults do not make room for names that were misspelt."""
    document = to_document(LossRecipe())
    fields = {"rigde": document.tree["fields"]["ridge"], "kind": "squared"}
    with pytest.raises(DocumentError, match=r"the instance \(loss\) has no field rigde"):
        from_document(InstanceDocument({"type": "loss", "fields": fields}, {}))


def needed(kind: type) -> set[str]:
    missing = dataclasses.MISSING
    return {
        field.name
        for field in dataclasses.fields(kind)
        if field.init and field.default is missing and field.default_factory is missing
    }


def unreadable(kind: type, held: set[str]) -> set[str]:
    """The fields that files have and the class lacks, and those without a default that files lack."""
    accepted = {field.name for field in dataclasses.fields(kind) if field.init}
    return (held - accepted) | (needed(kind) - held)


@pytest.mark.parametrize(("name", "held"), json.loads(FIELDS.read_text()).items())
def test_every_class_takes_the_fields_that_files_hold(name: str, held: list[str]) -> None:
    SUITE.stored()  # as a replay does
    kind = named_class(name)
    assert kind is not None, f"no class is called {name} any more: files that were written cannot be read"
    assert not unreadable(kind, set(held)), f"{name}: give new fields a default, and keep the old ones"


def test_a_change_that_makes_files_unreadable_is_seen() -> None:
    held = {"jacobian", "residual", "eta", "steps"}
    assert unreadable(MovedAndLarger, held) == set()
    assert unreadable(MovedAndBroken, held) == {"momentum"}
    assert unreadable(MovedAndLarger, {*held, "rate"}) == {"rate"}


def test_every_class_has_its_fields_on_record() -> None:
    """A new class, or a class with a new field, is added to the file of fields, which only grows."""
    SUITE.stored()
    here = {name: kind for name, kind in stable_names._classes.items() if kind.__module__.partition(".")[0] != "tests"}
    recorded = json.loads(FIELDS.read_text())
    assert set(here) == set(recorded)
    assert all(needed(kind) <= set(recorded[name]) for name, kind in here.items())


# --- names -----------------------------------------------------------------------------------------------------------


def test_every_former_path_leads_to_a_class() -> None:
    for path, name in FORMER_PATHS.items():
        kind = named_class(path)
        assert kind is not None
        assert stable_name(kind) == name
        assert "." not in name


def test_classes_that_no_claim_loads_are_loaded_by_a_replay() -> None:
    on_data, on_steps = {"data-run", "kfac-data-run"}, {"step-fixed-point", "step-singular-answer"}
    assert {stable_name(kind) for kind in SUITE.stored()} == {
        *on_data,
        *on_steps,
        "implementation-after-calls",
        "conformance-solve",
        "conformance-run",
    }


def test_a_subclass_has_a_name_of_its_own() -> None:
    @dataclasses.dataclass(frozen=True)
    class Nearly(LinearInstance):
        pass

    instance = Nearly(np.eye(2), np.ones(2), fmpq(1, 2), 1)
    with pytest.raises(DocumentError, match=r"Nearly, which no document can hold; .*stable name .@stored_as"):
        to_document(instance)
    assert stable_name(FixedInstance) != stable_name(FixedInstance.__bases__[0])


class Plain:
    pass


@dataclasses.dataclass
class Mutable:
    pass


@pytest.mark.parametrize(
    ("name", "kind", "error", "said"),
    [
        ("plain", Plain, TypeError, "Plain is no frozen dataclass; put @stored_as above @dataclass"),
        ("mutable", Mutable, TypeError, "Mutable is no frozen dataclass"),
        ("properties.Thing", MovedAndLarger, ValueError, "is no name for MovedAndLarger: take small letters"),
        ("", MovedAndLarger, ValueError, "is no name"),
        (
            "map-run",
            MovedAndLarger,
            ValueError,
            "'map-run' is the name of properties.descent.instances.MapInstance already",
        ),
    ],
)
def test_names_that_are_refused(name: str, kind: type, error: type[Exception], said: str) -> None:
    before: dict[str, Any] = dict(stable_names._classes)
    with pytest.raises(error, match=said):
        stored_as(name)(kind)
    assert stable_names._classes == before


def test_a_module_that_is_loaded_anew_replaces_its_class(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stable_names, "_classes", dict(stable_names._classes))
    again = type("LinearInstance", (), dict(vars(LinearInstance)))
    again.__module__ = LinearInstance.__module__
    assert stored_as("linear-descent")(again) is again
    assert named_class("linear-descent") is again
