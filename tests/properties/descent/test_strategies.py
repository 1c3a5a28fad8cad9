"""The strategies reach every kind of inputs, family, initialisation and shape: seen in the arrays drawn, not in labels."""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from fractions import Fraction
from functools import cache
from itertools import islice
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, find, given, seed, settings

from properties import registry
from properties.chapters.kfac import kfac_instances
from properties.descent.inputs import ANGLES, INPUT_KINDS, draw_inputs, weighted_kinds
from properties.descent.rows import general_rows, integer_rows
from properties.descent.strategies import Dial, build_relu, least_of_rows
from properties.engine.claim import Family, InstanceVerdict
from properties.engine.search import evaluate
from properties.engine.statistics import description_key
from theory.inputs import FloatArray
from theory.network.two_layer import TwoLayerNetwork

SETTINGS = settings(
    database=None, deadline=None, phases=(Phase.generate,), suppress_health_check=list(HealthCheck), max_examples=150
)


def family(claim: str, id: str) -> Family[Any]:
    return next(found for found in registry[claim].families if found.id == id)


@cache
def drawn_with(number: int, claim: str, id: str) -> tuple[Mapping[str, Any], ...]:
    """Draws with one fixed seed."""
    found: list[Mapping[str, Any]] = []

    @seed(number)
    @SETTINGS
    @given(family(claim, id).descriptions())
    def collect(description: Mapping[str, Any]) -> None:
        found.append(description)

    collect()
    return tuple(found)


def descriptions(claim: str, id: str) -> Iterator[Mapping[str, Any]]:
    """Draws with eight fixed seeds, as a search dwells on what it drew before; each description once, drawn when it is asked for."""
    met = set()
    for number in range(8):
        for description in drawn_with(number, claim, id):
            key = description_key(description)
            if key not in met:
                met.add(key)
                yield description


def rows_of(instance: Any) -> FloatArray:
    """The unit rows of an instance's inputs."""
    while not (hasattr(instance, "inputs") or hasattr(instance, "rows")):
        instance = instance.network if hasattr(instance, "network") else instance.descent
    return np.asarray(instance.inputs if hasattr(instance, "inputs") else instance.rows)


def network_of(instance: Any) -> TwoLayerNetwork:
    while not hasattr(instance, "net"):
        instance = instance.network if hasattr(instance, "network") else instance.descent
    net = instance.net
    assert isinstance(net, TwoLayerNetwork)
    return net


# --- independent means: exact rational rank, angles, signs ------------------------------------------------------------


def rational_rank(rows: FloatArray) -> int:
    """By elimination in fractions."""
    left = [[Fraction(x) for x in row] for row in rows.tolist()]
    rank = 0
    for column in range(rows.shape[1]):
        pivot = next((row for row in left if row[column] != 0), None)
        if pivot is None:
            continue
        left.remove(pivot)
        rank += 1
        left = [[x - row[column] / pivot[column] * p for x, p in zip(row, pivot, strict=True)] for row in left]
    return rank


def angles(rows: FloatArray) -> list[float]:
    """Of every pair, also tiny ones and those near pi."""
    pairs = [(rows[i], rows[j]) for i in range(len(rows)) for j in range(i)]
    return [2 * math.atan2(float(np.linalg.norm(x - y)), float(np.linalg.norm(x + y))) for x, y in pairs]


def small_integers(rows: FloatArray) -> bool:
    """Whether every row is a multiple of a vector with entries of -2 to 2."""
    ratios = [np.abs(row / np.abs(row).max()) for row in rows]
    return all(bool(np.isin(np.round(ratio, 12), (0.0, 0.5, 1.0)).all()) for ratio in ratios)


def symmetric(net: TwoLayerNetwork) -> bool:
    """Whether neurons come in pairs (w, a), (w, -a)."""
    half = net.width // 2
    paired = net.width % 2 == 0 and np.array_equal(net.weights[:half], net.weights[half:])
    return paired and np.array_equal(net.signs[:half], -net.signs[half:])


SEEN: Mapping[str, Callable[[FloatArray], bool]] = {
    "uniform": lambda rows: len(rows) > 2 and min(angles(rows)) > 0.5,
    "clustered": lambda rows: len(rows) > 2 and 0.01 < min(angles(rows)) and max(angles(rows)) < 1.0,
    "nearly parallel": lambda rows: any(0 < angle < 0.02 for angle in angles(rows)),
    "antiparallel": lambda rows: any(angle > math.pi - 1e-12 for angle in angles(rows)),
    "duplicated": lambda rows: 0.0 in angles(rows),
    "rank-deficient": lambda rows: len(rows) > 1 and rational_rank(rows) < rows.shape[1] <= len(rows),
    "integer": lambda rows: rows.shape[1] > 2 and small_integers(rows),
    "n > d": lambda rows: len(rows) > rows.shape[1],
    "n <= d": lambda rows: 1 < len(rows) <= rows.shape[1],
}
"""What has to be seen among the inputs of a family."""

INPUT_FAMILIES = (
    ("T1", "F1"),
    ("T1-sharp", "F2"),
    ("T1-step", "F1"),
    ("T1-step", "F2"),
    ("C2-fro", "enumerated"),
    ("C2-fro", "attacked"),
    ("C2-spec", "attacked"),
    ("C2-smooth", "smooth"),
    ("C2-path", "relu paths"),
    ("C2-path", "smooth paths"),
    ("K2-path", "relu paths"),
)


def family_rows(claim: str, id: str) -> Iterator[FloatArray]:
    """The inputs of every draw, built by the family, but with a width of no consequence where that saves time."""
    build = family(claim, id).build
    for description in descriptions(claim, id):
        narrow = {**description, "half_width": 10} if "half_width" in description else description
        yield rows_of(build(narrow))


@pytest.mark.parametrize(("claim", "id"), INPUT_FAMILIES)
def test_every_kind_of_inputs_is_seen(claim: str, id: str) -> None:
    unseen, drawn = set(SEEN), family_rows(claim, id)
    while unseen and (rows := next(drawn, None)) is not None:
        unseen -= {name for name in unseen if SEEN[name](rows)}
    assert unseen == set()


@pytest.mark.parametrize(("claim", "id"), [("T1-step", "F1"), ("T1-step", "F2"), ("T1", "F2")])
def test_angles_go_down_to_1e_minus_8(claim: str, id: str) -> None:
    smallest: set[int] = set()
    drawn = family_rows(claim, id)
    while not ({-1, -8} <= smallest and len(smallest) >= 6) and (rows := next(drawn, None)) is not None:
        smallest |= {round(math.log10(angle)) for angle in angles(rows) if 0 < angle < 0.2}
    assert {-1, -8} <= smallest
    assert len(smallest) >= 6


FAMILIES = (
    *INPUT_FAMILIES,
    ("C2-spec", "single input"),
    ("C2-spec", "whole costs"),
    ("C2-path", "turning relu paths"),
)


@pytest.mark.parametrize(("claim", "id"), FAMILIES)
def test_both_initialisations_are_seen(claim: str, id: str) -> None:
    build = family(claim, id).build
    count: Counter[bool] = Counter()
    for description in islice(descriptions(claim, id), 40):
        narrow = {**description, "half_width": 40} if "half_width" in description else description
        count[symmetric(network_of(build(narrow)))] += 1
    assert min(count[True], count[False]) >= 5


def test_symmetric_initialisation_starts_at_0_and_plain_ones_do_not() -> None:
    starts = set()
    for description in islice(descriptions("T1", "F2"), 40):
        instance = family("T1", "F2").build(description)
        net, rows = instance.net, instance.inputs
        starts.add((symmetric(net), bool(np.abs(net.outputs(rows)).max() < 1e-12)))
    assert starts == {(True, True), (False, False)}


@pytest.mark.parametrize("optimiser", ["ngd", "kfac"])
@pytest.mark.parametrize("seed", range(2))
def test_relu_networks_have_the_constant_that_is_asked_for_to_within_one_flip(optimiser: str, seed: int) -> None:
    """With one unit input k flips among a active neurons change J by ``(k/a)^{1/2}`` of its norm, S as well: ``C = 3 (k/a)^{1/2}``."""
    dial = Dial(1.0, lambda C: 0.5)
    description = {
        "inputs": 1,
        "dimension": 3,
        "shape": (1, 3),
        "kind": "uniform",
        "half_width": 2000,
        "scale": 4,
        "symmetric": True,
        "constant_tenth": 5,
        "constant_percent": 50,
        "step_percent": 50,
        "seed": seed,
    }
    instance = (
        build_relu(description, dial)
        if optimiser == "ngd"
        else kfac_instances.build_relu(description, dial, lambda C, numbers: 0.5)
    )
    active = int(np.count_nonzero(instance.net.pre_activations(instance.inputs) >= 0))
    asked, flips = (0.55 / 3) ** 2 * active, (instance.certificate.constant / 3) ** 2 * active
    assert asked - 1 < flips < asked + 2.0**-20  # far more than the certificate's rounding


@pytest.mark.parametrize(("claim", "id", "least"), [("T1-sharp", "F1", 0.6), ("T1", "F2", 0.6), ("T1-step", "F1", 0.7)])
def test_most_draws_are_not_vacuous(claim: str, id: str, least: float) -> None:
    found = family(claim, id)
    drawn = list(islice(descriptions(claim, id), 240))
    sample = drawn[::12] if id == "F1" else drawn[::3]
    verdicts = Counter(evaluate(registry[claim], found, description).verdict for description in sample)
    assert verdicts[InstanceVerdict.HOLDS] >= least * len(sample)
    assert set(verdicts) <= {InstanceVerdict.HOLDS, InstanceVerdict.VACUOUS, InstanceVerdict.UNDECIDED_HYPOTHESIS}


def test_every_family_of_descent_is_there() -> None:
    for claim in ("T1", "T1-q", "T1-sharp", "T1-first"):
        in_balls = {"balls", "balls smooth", "balls wide"} - ({"balls wide"} if claim == "T1-first" else set())
        assert {found.id for found in registry[claim].families} == {"F1", "F2", "F3", "F4"} | in_balls
    assert {"F1", "F2", "F3"} <= {found.id for found in registry["T1-line"].families}


# --- descriptions ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("claim", "id"), [*FAMILIES, ("T1", "F3"), ("T1", "F4")])
def test_descriptions_are_simple_values_that_do_not_repeat(claim: str, id: str) -> None:
    found = [description for number in range(2) for description in drawn_with(number, claim, id)]
    assert all(isinstance(value, (bool, int, str)) for description in found for value in description.values())
    assert json.loads(json.dumps(found[0])) == found[0]
    assert len({tuple(description) for description in found}) == 1
    assert len({description_key(description) for description in found}) >= 250  # of 300


@pytest.mark.parametrize(("claim", "id"), [("T1-step", "F1"), ("T1-step", "F2"), ("C2-fro", "attacked"), ("T1", "F2")])
def test_descriptions_shrink_to_the_simplest(claim: str, id: str) -> None:
    simplest = find(family(claim, id).descriptions(), lambda description: True, settings=settings(database=None))
    assert (simplest["inputs"], simplest["dimension"], simplest["kind"]) == (1, 1, "uniform")
    assert not simplest["symmetric"]
    assert simplest["seed"] == 0


def test_duplicated_inputs_shrink_to_three_on_the_line_or_two() -> None:
    def duplicated(description: Mapping[str, Any]) -> bool:
        rng = np.random.default_rng(description["seed"])
        return 0.0 in angles(draw_inputs(description["inputs"], description["dimension"], description["kind"], rng))

    simplest = find(
        family("T1-step", "F2").descriptions(), duplicated, settings=settings(database=None, max_examples=2000)
    )
    assert simplest["inputs"] <= 3
    assert simplest["dimension"] == 1


# --- the kinds -------------------------------------------------------------------------------------------------------


def test_rows_of_integers_are_all_that_there_are_but_0() -> None:
    every = {(float(a), float(b)) for a in range(-2, 3) for b in range(-2, 3)} - {(0.0, 0.0)}
    drawn = integer_rows(400, 2, 2, np.random.default_rng(1))
    assert {tuple(row) for row in drawn.tolist()} == every
    directions = {round(math.atan2(a, b), 9) for a, b in every}
    rows = draw_inputs(400, 2, "integer", np.random.default_rng(1))
    assert {round(math.atan2(a, b), 9) + 0.0 for a, b in rows.tolist()} == directions


@pytest.mark.parametrize(("kind", "multiple"), [("nearly parallel", 2.0), ("nearly antiparallel", -1.0)])
def test_the_last_row_is_nearly_a_multiple_of_the_first(kind: str, multiple: float) -> None:
    """Of another length where they are parallel: nothing may depend on the lengths of rows."""
    for exponent in (1, 8):
        rows = general_rows(kind, 4, 3, exponent, np.random.default_rng(2))
        assert 0 < np.linalg.norm(rows[-1] - multiple * rows[0]) < 6 * 10.0**-exponent


@pytest.mark.parametrize("kind", INPUT_KINDS)
@pytest.mark.parametrize("shape", [(1, 1), (1, 3), (2, 1), (3, 1), (2, 2), (4, 2), (3, 3), (5, 3), (3, 5), (5, 6)])
def test_rows_of_every_kind(kind: str, shape: tuple[int, int]) -> None:
    n, d = shape
    rows = draw_inputs(n, d, kind, np.random.default_rng(3))
    assert rows.shape == (n, d)
    assert np.abs(np.square(rows).sum(axis=1) - 1).max() <= (d + 2) * 2.0**-52
    if kind in ANGLES and n > 1 and d > 1:
        assert angles(rows[:2])[0] == pytest.approx(float(kind.split()[1]), rel=1e-6)
    if kind == "duplicated" and n > 1:
        assert np.array_equal(rows[0], rows[1])
    if kind == "antiparallel":
        assert np.array_equal(rows[n - n // 2 :], -rows[: n // 2])
    if kind == "rank-deficient" and d > 1:
        assert rational_rank(rows) < d
        assert n < 3 or rational_rank(rows) < n
    if kind == "integer":
        assert small_integers(rows)
    if kind == "uniform" and d > 1:
        assert rational_rank(rows) == min(n, d)
    if kind == "orthogonal" and n <= d:
        assert rows @ rows.T == pytest.approx(np.eye(n), abs=1e-12)


def test_integer_rows_have_zeros_and_other_entries_in_every_place() -> None:
    rows = draw_inputs(400, 3, "integer", np.random.default_rng(1))
    signs = {tuple(row) for row in np.sign(rows).tolist()}
    assert len(signs) == 3**3 - 1  # all but the zero row


def test_weights_of_kinds() -> None:
    kinds = Counter(weighted_kinds())
    assert set(kinds) == set(INPUT_KINDS) - {"orthogonal"}
    assert weighted_kinds()[0] == "uniform"
    assert kinds["duplicated"] / kinds.total() < 0.06
    assert not set(ANGLES[3:]) & set(weighted_kinds(ANGLES[:3]))


def test_the_least_of_rows_are_those_of_all_in_order() -> None:
    values = np.random.default_rng(2).standard_normal((3, 50))
    for count in (1, 7, 50):
        assert np.array_equal(least_of_rows(values, count), np.sort(values, axis=1)[:, :count])
