"""Every instance of every claim comes back from JSON text bit by bit, and the claim says the same of it."""

import dataclasses
import json
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pytest
from flint import fmpq, fmpq_mat
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import seed as with_seed

from properties import registry
from properties.chapters.ngd.ngd_radius import OwnBall
from properties.descent.instances import MapInstance
from properties.descent.losses import LossRecipe, Misstatement
from properties.engine.claim import Bound, Claim, Family, InstanceVerdict
from properties.engine.replay.counterexample import Circumstances, Refutation, read_counterexample, write_counterexample
from properties.engine.replay.instance_document import InstanceDocument, from_document, to_document
from properties.engine.search import evaluate_instance
from properties.engine.stable_names import FORM
from properties.engine.statistics import Trials
from properties.exact.exact_network import ExactNetwork
from theory.direction import UNBOUNDED, CertifiedSteps, LowerBound, UpperBound
from theory.errors import ChoiceError, DocumentError, ShapeError
from theory.maps.affine import PerturbedAffine
from theory.network.two_layer import TwoLayerNetwork
from theory.stability import PathCertificate

SEED = 5


def difference(given: Any, found: Any, path: str = "instance") -> str | None:
    """Where two instances differ in a type or a bit; None where they do not."""
    if isinstance(given, float | np.floating):
        return None if isinstance(found, float) and float(given).hex() == found.hex() else path
    if dataclasses.is_dataclass(given):
        parts = [(field.name, field.init) for field in dataclasses.fields(given)]
        pairs = [(name, getattr(given, name), getattr(found, name, None)) for name, stored in parts if stored]
    elif isinstance(given, Mapping):
        pairs = [(key, given[key], found.get(key)) for key in given]
    elif isinstance(given, tuple):
        pairs = [(str(i), *pair) for i, pair in enumerate(zip(given, found, strict=True))]
    elif isinstance(given, np.ndarray):
        same = given.dtype == found.dtype and given.shape == found.shape and given.tobytes() == found.tobytes()
        return None if same else path
    else:
        return None if given == found and type(given) is type(found) else path
    if type(given) is not type(found):
        return path
    differences = (difference(one, other, f"{path}.{name}") for name, one, other in pairs)
    return next((where for where in differences if where is not None), None)


def names_of_classes(tree: Any) -> Iterator[str]:
    """How a document names each class in it."""
    if isinstance(tree, Mapping) and set(tree) == {"type", "fields"}:
        yield tree["type"]
    parts: Any = tree.values() if isinstance(tree, Mapping) else tree if isinstance(tree, list) else ()
    for part in parts:
        yield from names_of_classes(part)


LONG_TRIALS = ("T5", "T5-width", "T3-tube", "T3-tube-ratio")
"""Claims whose trials draw wide networks or train some, for seconds: their stream of random numbers stands for them here."""


def first_of_the_stream(instance: Any, trials: Trials) -> list[Bound]:
    """A count that no other seed, family or description gives."""
    return [trials.at_most(f"{trials.rng.random()} of {instance}", 0, 64, 0.1)]


FAMILIES = [
    pytest.param(claim, family, id=f"{claim.id} {family.id}")
    for claim in registry.values()
    for family in claim.families
]


def drawn(family: Family[Any]) -> Mapping[str, Any]:
    """One description of the family, neither the first nor the simplest."""
    found: list[Mapping[str, Any]] = []

    @with_seed(SEED)
    @settings(
        max_examples=2, deadline=None, database=None, suppress_health_check=list(HealthCheck), phases=[Phase.generate]
    )
    @given(family.descriptions())
    def draw(description: Mapping[str, Any]) -> None:
        found.append(description)

    draw()
    return found[-1]


@pytest.mark.parametrize(("claim", "family"), FAMILIES)
def test_every_instance_survives_its_file(claim: Claim[Any], family: Family[Any], tmp_path: Any) -> None:
    """Built from a drawn description, written, read back: equal to the last bit, with equal evaluations."""
    if claim.id in LONG_TRIALS:
        claim = dataclasses.replace(claim, sampled=first_of_the_stream)
    description = drawn(family)
    instance = family.build(description)
    evaluation = evaluate_instance(claim, family.id, description, instance, SEED)
    circumstances = Circumstances(claim.id, claim.statement, "quick", SEED, {})
    path = write_counterexample(tmp_path, Refutation(evaluation, to_document(instance)), circumstances)
    assert all(FORM.fullmatch(name) for name in names_of_classes(json.loads(path.read_text())["instance"]))
    back = read_counterexample(path)
    assert difference(instance, back.instance) is None
    again = evaluate_instance(claim, back.family, back.description, back.instance, back.seed)
    assert repr(again) == repr(evaluation)  # every digit, NaN included
    assert evaluation.verdict is not InstanceVerdict.REFUTED


def test_instances_of_the_families_of_mutants_survive_too() -> None:
    """Those that their claim does not have; what is evaluated on them is seen by the tests of replays."""
    of_claims = {id(family) for claim in registry.values() for family in claim.families}
    mutants = [mutant for claim in registry.values() for mutant in claim.mutants]
    own = {id(family): (mutant.id, family) for mutant in mutants for family in mutant.claim.families}
    for name, family in (own[key] for key in own.keys() - of_claims):
        instance = family.build(drawn(family))
        document = to_document(instance)
        tree = json.loads(json.dumps(document.tree))
        assert difference(instance, from_document(InstanceDocument(tree, document.arrays))) is None, name


def whole() -> MapInstance:
    recipe = LossRecipe("pseudo-Huber", ridge=0.5, scale=2.0, misstatement=Misstatement(ridge=2.0**-40))
    model = PerturbedAffine(np.eye(2), np.ones((2, 2)), 0.25)
    return MapInstance(model, np.array([0.1, -0.0]), 0.5, 3, loss=recipe)


def test_a_comparison_sees_every_field() -> None:
    """The comparison above, on instances that differ in one field or one bit."""
    one = whole()
    assert difference(one, whole()) is None
    assert difference(one, dataclasses.replace(one, eta=np.nextafter(0.5, 1))) == "instance.eta"
    assert difference(one, dataclasses.replace(one, targets=np.array([0.1, 0.0]))) == "instance.targets"
    assert difference(one, dataclasses.replace(one, loss=LossRecipe())) == "instance.loss.kind"
    assert difference(one, dataclasses.replace(one, optimiser="gd")) == "instance.optimiser"
    assert difference(one, dataclasses.replace(one, model=PerturbedAffine(np.eye(2), np.eye(2), 0.25))) is not None


def test_what_a_document_looks_like() -> None:
    document = to_document(whole())
    assert json.loads(json.dumps(document.tree)) == document.tree
    assert set(document.arrays) == {"model.linear", "model.frequencies", "targets"}
    assert document.tree["type"] == "map-run"
    fields = document.tree["fields"]
    assert fields["targets"] == {"array": "targets"}
    assert fields["loss"]["fields"]["misstatement"]["fields"]["ridge"] == 2.0**-40
    assert fields["loss"]["fields"]["weights"] is None


def test_exact_and_infinite_numbers() -> None:
    rationals = fmpq_mat([[fmpq(1, 3), fmpq(-2)]])
    exact = ExactNetwork(rationals, rationals, (-1,), fmpq_mat([[fmpq(10**40, 7)]]))
    exact.outputs  # noqa: B018  what is cached is not stored
    document = to_document(exact)
    assert set(document.tree["fields"]) == {"inputs", "weights", "signs", "targets"}
    assert document.tree["fields"]["inputs"] == {"rationals": [["1/3", "-2"]]}
    assert document.tree["fields"]["signs"] == {"tuple": [-1]}
    assert from_document(document) == exact
    ball = OwnBall(LowerBound(0.25), np.float64(-np.inf), UNBOUNDED)
    back = from_document(to_document(ball))
    assert back == ball
    assert (type(back.lambda_min), type(back.radius), type(back.constant)) == (LowerBound, float, UpperBound)
    path = PathCertificate(UpperBound(6.0), CertifiedSteps(2), LowerBound(0.25), np.ones(2), np.ones(2), np.ones(3))
    read = from_document(to_document(path))
    assert [type(value) for value in (read.constant, read.steps, read.lambda_min)] == [
        UpperBound,
        CertifiedSteps,
        LowerBound,
    ]
    more = to_document(path)
    more.tree["fields"]["steps"] = 10**6
    with pytest.raises(ShapeError, match="1000000 steps are to be certified, but 2 segments are bounded"):
        from_document(more)
    fields = dataclasses.fields(TwoLayerNetwork)
    net = to_document(TwoLayerNetwork(np.ones((1, 1)), np.ones(1)))
    assert set(net.tree["fields"]) == {field.name for field in fields if field.init} < {field.name for field in fields}


@dataclasses.dataclass(frozen=True)
class Elsewhere:
    value: float


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (Elsewhere(1.0), r"the instance is of the type .*Elsewhere, which no document can hold"),
        ((whole(), difference), "1 is of the type builtins.function"),
        (dataclasses.replace(whole(), targets=np.array([1, 2], dtype=object)), "targets is of the type numpy.ndarray"),
        ({"kind": LossRecipe}, "kind is of the type builtins.type"),
        ({1: 2}, "the instance is of the type builtins.dict"),
    ],
)
def test_what_no_document_can_hold(value: Any, said: str) -> None:
    with pytest.raises(DocumentError, match=said):
        to_document(value)


@pytest.mark.parametrize(
    "name",
    [
        "subprocess.Popen",
        "builtins.eval",
        "properties.descent.instances.np",
        "properties.descent.instances.dataclass",
        "properties.descent.instances.descending",
        "properties.descent.instances.TwoLayerNetwork",  # defined elsewhere
        "properties.engine.results.Result",  # not an instance
        "properties.not_there.Thing",
        "properties.engine.replay.replay.Replay",  # a frozen dataclass that no file ever held
        "verified_natural_gradient.properties.instances.MapInstance",
        "tests.properties.engine.replay.test_instance_document.Elsewhere",
        "MapInstance",
        "",
    ],
)
def test_nothing_but_classes_with_a_stable_name_is_constructed(name: str) -> None:
    with pytest.raises(DocumentError, match="is the name of no class of instances here"):
        from_document(InstanceDocument({"type": name, "fields": {}}, {}))


def test_a_module_that_is_not_loaded_is_not_imported() -> None:
    with pytest.raises(DocumentError):
        from_document(InstanceDocument({"type": "properties.conftest.Thing", "fields": {}}, {}))


@pytest.mark.parametrize(
    ("array", "said"),
    [
        (np.array([0.1, np.nan]), r"targets\[1\] is nan; the entries of arrays are finite"),
        (np.array([np.inf, 0.1]), r"targets\[0\] is inf"),
        (np.array([0.1, 0.2], dtype=np.float32), "the array targets holds float32"),
        (np.array(["0.1", "0.2"]), "the array targets holds str"),
        (np.array([1, 2]), "targets is an array of int64 with 1 axes, but .* takes"),
    ],
)
def test_arrays_are_finite_and_of_the_declared_type(array: np.ndarray[Any, Any], said: str) -> None:
    document = to_document(whole())
    with pytest.raises(DocumentError, match=said):
        from_document(InstanceDocument(document.tree, {**document.arrays, "targets": array}))


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"eta": "0.5"}, "eta is '0.5', but map-run takes <class 'float'>"),
        ({"eta": True}, "eta is True"),
        ({"eta": {"float": "nan"}}, "eta is {'float': 'nan'}, which stands for nothing"),
        ({"eta": float("nan")}, "eta is nan, which stands for nothing"),
        ({"steps": 2.0}, "steps is 2.0"),
        ({"model": None}, "model is None"),
        ({"loss": 3}, "loss is 3"),
        ({"targets": [0.5, 0.5]}, r"targets is \[0.5, 0.5\], which stands for nothing"),
        ({"targets": {"array": "absent"}}, "targets refers to the array 'absent', which is not there"),
    ],
)
def test_fields_are_of_the_declared_type(changes: Mapping[str, Any], said: str) -> None:
    document = to_document(whole())
    tree = {**document.tree, "fields": {**document.tree["fields"], **changes}}
    with pytest.raises(DocumentError, match=said):
        from_document(InstanceDocument(tree, document.arrays))


def test_classes_check_their_own_fields() -> None:
    document = to_document(TwoLayerNetwork(np.ones((2, 1)), np.ones(2)))
    with pytest.raises(ShapeError, match=r"the instance \(two-layer-network\): 3 signs for 2 neurons"):
        from_document(InstanceDocument(document.tree, {**document.arrays, "signs": np.ones(3)}))
    tree = {**document.tree, "fields": {**document.tree["fields"], "activation": "step"}}
    with pytest.raises(ChoiceError, match="unknown activation 'step'"):
        from_document(InstanceDocument(tree, document.arrays))


@pytest.mark.parametrize("field", dataclasses.fields(MapInstance), ids=lambda field: str(field.name))
def test_a_field_that_is_left_out_takes_its_default_or_is_missed(field: dataclasses.Field[Any]) -> None:
    document = to_document(dataclasses.replace(whole(), targets=np.ones(2)))
    rest = {name: part for name, part in document.tree["fields"].items() if name != field.name}
    needed = {name for part in json.dumps(rest).split('"array": "')[1:] for name in [part.partition('"')[0]]}
    without = InstanceDocument(
        {**document.tree, "fields": rest}, {name: array for name, array in document.arrays.items() if name in needed}
    )
    if field.default is dataclasses.MISSING:
        with pytest.raises(DocumentError, match=f"the instance .map-run. lacks {field.name}"):
            from_document(without)
    else:
        found = from_document(without)
        assert getattr(found, field.name) == field.default


@pytest.mark.parametrize("rows", [[], [[]], [["1"], ["1", "2"]], ["12"], [["1", None]], [["1/0"]], [["0.5"]]])
def test_a_matrix_of_rationals_is_rectangular(rows: Any) -> None:
    with pytest.raises(DocumentError):
        from_document(InstanceDocument({"rationals": rows}, {}))


LONG_ROWS = ((0,) * 5 + (1,) + (0,) * 6, (-3, 10**30) * 6)


@pytest.mark.parametrize(
    ("given", "text"),
    [
        (LONG_ROWS[0], "0*5 1 0*6"),
        (LONG_ROWS[1], "-3 " + " -3 ".join([str(10**30)] * 6)),
        (LONG_ROWS, ["0*5 1 0*6", "-3 " + " -3 ".join([str(10**30)] * 6)]),
    ],
)
def test_long_tuples_of_integers_are_written_in_runs(given: Any, text: Any) -> None:
    document = to_document(given)
    assert document == InstanceDocument({"integers": text}, {})
    found = from_document(InstanceDocument(json.loads(json.dumps(document.tree)), {}))
    assert difference(given, found) is None


@pytest.mark.parametrize("given", [(0,) * 11, (True,) * 12, ((0,) * 12, (0,) * 11), ((0,) * 12, None), (0.0,) * 12])
def test_other_tuples_are_written_entry_by_entry(given: Any) -> None:
    document = to_document(given)
    assert "tuple" in document.tree
    assert difference(given, from_document(document)) is None


@pytest.mark.parametrize(
    "text", ["", "1*0", "1*", "*3", "1,2", "1 2 x", "0*9999999", "0*600000 1*600000", [1], "1.0", "1  2"]
)
def test_runs_that_are_none_are_refused(text: Any) -> None:
    with pytest.raises(DocumentError):
        from_document(InstanceDocument({"integers": text}, {}))
