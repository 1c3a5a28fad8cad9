"""The network that a stream draws: whatever looks at it, in whatever order, it is the same."""

from __future__ import annotations

import numpy as np
import pytest

from tests.theory.streaming.streams import general_rows, small
from theory.errors import InputError, ScaleError, WidthError
from theory.network.gram import exact_pattern
from theory.rigour.pre_activations import pre_activation_errors
from theory.streaming.stream import neuron_stream


@pytest.mark.parametrize("symmetric", [False, True])
def test_the_network_is_that_of_its_chunks(symmetric: bool) -> None:
    stream, _ = small(width=5000, scale=2.0, symmetric=symmetric, chunk=700)
    net = stream.network()
    assert net.weights.shape == (5000, 4)
    assert sum(stream.size(chunk) for chunk in stream.chunks) == stream.distinct == 5000 // stream.copies
    last = stream.chunks[-1]
    (block,) = stream.blocks(last)
    first = last * stream.chunk
    np.testing.assert_array_equal(block.weights, net.weights[first : stream.distinct])
    np.testing.assert_array_equal(block.signs, net.signs[first : stream.distinct])
    rng = np.random.Generator(np.random.SFC64(np.random.SeedSequence(stream.entropy, spawn_key=(last,))))
    rng.bytes(-(-len(block.signs) // 8))
    np.testing.assert_array_equal(block.weights, 2.0 * rng.standard_normal(net.weights[first : stream.distinct].shape))


def test_blocks_of_one_chunk_are_one_draw() -> None:
    one, _ = small(width=40_000, chunk=40_000)
    blocks = list(one.blocks(0))
    assert len(blocks) > 1
    rng = np.random.Generator(np.random.SFC64(np.random.SeedSequence(1, spawn_key=(0,))))
    bits = np.unpackbits(np.frombuffer(rng.bytes(5000), dtype=np.uint8))
    np.testing.assert_array_equal(np.concatenate([block.signs for block in blocks]), np.where(bits, 1.0, -1.0))
    weights = np.concatenate([block.weights for block in blocks if block.weights is not None])
    np.testing.assert_array_equal(weights, rng.standard_normal((40_000, 4)))


def test_the_error_and_the_pattern_are_those_of_the_network() -> None:
    stream, _ = small(width=2000)
    block = next(stream.blocks(1))
    assert block.weights is not None
    assert (block.errors >= pre_activation_errors(block.weights)).all()
    net = stream.network()
    pattern = np.concatenate([one.pattern() for chunk in stream.chunks for one in stream.blocks(chunk)], axis=1)
    np.testing.assert_array_equal(pattern, exact_pattern(net, stream.rows))


def test_pre_activations_drawn_directly_have_the_kernel_s_law() -> None:
    rows = general_rows(3, 12)
    stream = neuron_stream(rows, 9000, 0.5, 3, chunk=4000)
    assert stream.root is not None
    assert stream.normals == 3
    assert neuron_stream(rows, 9000, 0.5, 3, direct=False).root is None
    np.testing.assert_allclose(stream.root @ stream.root.T, rows @ rows.T, rtol=0, atol=1e-14)
    block = next(stream.blocks(2))
    rng = np.random.Generator(np.random.SFC64(np.random.SeedSequence(3, spawn_key=(2,))))
    rng.bytes(125)
    normals = 0.5 * rng.standard_normal((1000, 3))
    np.testing.assert_allclose(block.pre_activations, stream.root @ normals.T, rtol=0, atol=1e-14)
    np.testing.assert_array_equal(block.pattern(), block.pre_activations >= 0)
    with pytest.raises(WidthError, match="no weights"):
        stream.network()


def test_rows_that_depend_on_each_other_are_not_drawn_directly() -> None:
    rows = general_rows(3, 12)
    with pytest.raises(ScaleError, match="not certainly independent"):
        neuron_stream(np.vstack([rows, rows[:1]]), 100, 1.0, 0, direct=True)
    assert neuron_stream(np.vstack([rows, rows[:1]]), 100, 1.0, 0).root is None


@pytest.mark.parametrize(
    ("width", "scale", "symmetric", "chunk"),
    [(0, 1.0, False, 10), (7, 1.0, True, 10), (10, 0.0, False, 10), (10, 1e300, False, 10), (10, 1.0, False, 0), (2, 1.0, False, 10)],
)  # fmt: skip
def test_what_no_network_has_is_refused(width: int, scale: float, symmetric: bool, chunk: int) -> None:
    with pytest.raises(InputError):
        neuron_stream(general_rows(9, 4), width, scale, 0, symmetric, chunk)


def test_a_seed_is_not_negative() -> None:
    with pytest.raises(ScaleError, match="entropy is -1"):
        neuron_stream(general_rows(2, 2), 10, 1.0, -1)
