"""One width an input: a tube counted whole has the bounds of one whose pairs are listed; a sample is a guess, which all neurons judge."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import numpy as np
import pytest

from theory.inputs import FloatArray, normalise_rows
from theory.network.two_layer import TwoLayerNetwork
from theory.stability import TubeCertificate, certify_tube
from theory.stability.tube import certificate, input_tube
from theory.stability.tube.bounds import TubeBounds, bounds_at
from theory.stability.tube.candidates import candidates, chosen, chosen_pattern
from theory.stability.tube.input_tube import InputTube, pattern_within, sample_of
from theory.stability.tube.packed import WORD, unpacked
from theory.stability.tube.rectifier_tube import RectifierTube
from theory.stability.tube.start import Start, tube_start
from theory.stability.tube.widths import InputWidths

Problem = tuple[TwoLayerNetwork, FloatArray, FloatArray]


def problem(inputs: int, width: int, symmetric: bool, seed: int = 0) -> Problem:
    """A network, unit rows and signs as targets."""
    rng = np.random.default_rng(seed)
    rows = normalise_rows(np.eye(inputs) + rng.standard_normal((inputs, inputs)) / (4 * inputs))
    net = TwoLayerNetwork.initialise(width, inputs, 1.0, rng, symmetric=symmetric)
    return net, rows, rng.choice([-1.0, 1.0], inputs)


def numbers(bounds: TubeBounds) -> tuple[FloatArray, ...]:
    """All that is bounded."""
    scalars = bounds.gram_change_norm, bounds.product_norm, bounds.jacobian_change, bounds.frozen, bounds.lambda_min
    return bounds.gram_change, bounds.product_change, np.array(scalars)


@pytest.mark.parametrize("inputs", [3, 40])
@pytest.mark.parametrize("reach", [0.0, 1e-3, 0.02, 0.3])
def test_counted_whole_or_from_lists_it_is_the_same_tube(inputs: int, reach: float) -> None:
    """From widths of no pair to widths of most of them."""
    net, rows, y = problem(inputs, 6000, False)
    start, widths = tube_start(net, rows, y), np.linspace(reach, 2 * reach, inputs)
    whole = InputTube(start).bounds(InputWidths(widths))
    listed = bounds_at(start, widths)
    np.testing.assert_array_equal(numbers(whole)[0], numbers(listed)[0])
    np.testing.assert_array_equal(numbers(whole)[1], numbers(listed)[1])
    assert (numbers(whole)[2] == numbers(listed)[2]).all()


def test_no_width_above_the_tube_is_within() -> None:
    net, rows, y = problem(3, 500, True)
    tube = InputTube(tube_start(net, rows, y))
    assert not tube.within(InputWidths(np.zeros(3)))
    tube.bounds(InputWidths(np.array([0.1, 0.2, 0.3])))
    assert tube.within(InputWidths(np.array([0.1, 0.2, 0.3])))
    assert not tube.within(InputWidths(np.array([0.1, np.nextafter(0.2, 1), 0.3])))


def test_pairs_that_an_error_brings_within_a_width_may_flip(monkeypatch: pytest.MonkeyPatch) -> None:
    """Counted whole with the largest error of a piece, listed with each neuron's own; exactly at the boundary too, in numbers without rounding."""
    monkeypatch.setattr(input_tube, "LENGTH", WORD)
    monkeypatch.setattr(input_tube, "TOGETHER", 2)
    rng = np.random.default_rng(0)
    z, error = rng.integers(-16, 17, (3, 2 * WORD + 1)) / 16, rng.choice([0.0, 0.0625, 0.5], 2 * WORD + 1)
    error[WORD:] = np.minimum(error[WORD:], 0.0625)
    start = dataclasses.replace(tube_start(*problem(3, 2 * WORD + 1, False)), pre_activations=z, error=error)
    limit = np.array([0.0, 0.25, 0.5])
    largest = np.repeat([0.5, 0.0625], [WORD, WORD + 1])
    largest[-1] = error[-1]
    for i in range(3):
        whole = unpacked(pattern_within(start, limit), len(error))
        listed = candidates(start, limit)
        own = unpacked(chosen_pattern(start, listed, chosen(listed, InputWidths(limit))), len(error))
        assert whole[i].tolist() == [abs(z[i, r]) <= limit[i] + largest[r] for r in range(len(error))]
        assert own[i].tolist() == [abs(z[i, r]) <= limit[i] + error[r] for r in range(len(error))]


@pytest.fixture
def small_samples(monkeypatch: pytest.MonkeyPatch) -> None:
    """Samples of small networks too."""
    monkeypatch.setattr(input_tube, "FEWEST_SAMPLED", 1000)
    monkeypatch.setattr(certificate, "FEWEST_PAIRS", {False: 1, True: 0})


def counted_wholes(monkeypatch: pytest.MonkeyPatch, width: int) -> list[int]:
    """How often all neurons are counted, as an entry each."""
    calls: list[int] = []

    def noted(bounds: Callable[..., TubeBounds]) -> Callable[..., TubeBounds]:
        def wrapper(tube: InputTube | RectifierTube, *arguments: object) -> TubeBounds:
            if tube.start.distinct == width:
                calls.append(1)
            return bounds(tube, *arguments)

        return wrapper

    for kind in (InputTube, RectifierTube):
        monkeypatch.setattr(kind, "bounds", noted(kind.bounds))
    return calls


@pytest.mark.usefixtures("small_samples")
@pytest.mark.parametrize("per_neuron", [False, True])
@pytest.mark.parametrize("symmetric", [False, True])
def test_all_neurons_are_counted_once_and_the_tube_is_hardly_wider(
    per_neuron: bool, symmetric: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    net, rows, y = problem(8, 40_000, symmetric)
    with monkeypatch.context() as patch:
        patch.setattr(certificate, "sample_of", lambda start: None)
        least = certify_tube(net, rows, y, per_neuron=per_neuron)
    calls = counted_wholes(monkeypatch, net.width // (2 if symmetric else 1))
    found = certify_tube(net, rows, y, per_neuron=per_neuron)
    assert found.certified
    assert len(calls) == 1
    assert found.path_sum < least.path_sum * 1.02
    assert closes(found)


def closes(found: TubeCertificate) -> bool:
    """``F(b) <= b`` once more, in the tube of the widths that are handed out."""
    again = bounds_at(found.start, found.widths)
    return bool(again.ratio <= found.contraction and again.product_norm <= found.bounds.product_norm)


@pytest.mark.usefixtures("small_samples")
@pytest.mark.parametrize("per_neuron", [False, True])
def test_a_sample_that_says_too_little_convinces_nobody(per_neuron: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of neurons far from every boundary: the guess is too narrow, and the iteration over all neurons goes on as without it."""
    net, rows, y = problem(4, 40_000, False)

    def far(start: Start) -> Start | None:
        sample = sample_of(start)
        if sample is not None:
            sample.pre_activations[:] = np.where(sample.pattern, 100.0, -100.0)
        return sample

    with monkeypatch.context() as patch:
        patch.setattr(certificate, "sample_of", lambda start: None)
        least = certify_tube(net, rows, y, per_neuron=per_neuron)
    monkeypatch.setattr(certificate, "sample_of", far)
    monkeypatch.setattr(certificate, "FEWEST_PAIRS", {False: 0, True: 0})
    monkeypatch.setattr(certificate, "SAMPLE_MARGIN", 1.0)
    found = certify_tube(net, rows, y, per_neuron=per_neuron)
    assert found.certified
    assert closes(found)
    np.testing.assert_array_equal(found.widths, least.widths)


def test_a_sample_has_neurons_from_everywhere_and_few_networks_have_one(monkeypatch: pytest.MonkeyPatch) -> None:
    net, rows, y = problem(3, 40_000, False)
    start = tube_start(net, rows, y)
    assert sample_of(start) is None
    monkeypatch.setattr(input_tube, "FEWEST_SAMPLED", 1000)
    sample = sample_of(start)
    assert sample is not None
    assert sample.pattern.shape == sample.pre_activations.shape == (3, len(sample.error))
    assert 40_000 / input_tube.SAMPLED <= len(sample.error) <= 40_000 / input_tube.SAMPLED + input_tube.RUN
    np.testing.assert_array_equal(sample.pre_activations[:, -1], start.pre_activations[:, 36_864 + input_tube.RUN - 1])
    np.testing.assert_array_equal(sample.distinct_counts, sample.pattern.astype(int) @ sample.pattern.T.astype(int))


@pytest.mark.usefixtures("small_samples")
@pytest.mark.parametrize("per_neuron", [False, True])
@pytest.mark.parametrize(("limit", "value"), [("FEWEST_PAIRS", {False: 10_000, True: 10_000}), ("SAMPLE_TURNS", 0)])
def test_a_sample_that_has_few_pairs_or_does_not_close_soon_is_not_asked(
    per_neuron: bool, limit: str, value: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All neurons are iterated on: more than one tube of them is counted."""
    net, rows, y = problem(8, 40_000, False)
    monkeypatch.setattr(certificate, limit, value)
    calls = counted_wholes(monkeypatch, net.width)
    assert certify_tube(net, rows, y, per_neuron=per_neuron).certified
    assert len(calls) > 1
