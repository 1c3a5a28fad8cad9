"""Widths of a tube: how far the pre-activation of an input, or of an input and a neuron, may be from where it started."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from theory.entries import float64_entries
from theory.errors import ScaleError, ShapeError
from theory.inputs import FloatArray


class Entries(Protocol):
    """Some pairs (input, neuron) of a block of neurons."""

    @property
    def neurons(self) -> slice:
        """The block."""
        ...

    @property
    def inputs(self) -> NDArray[np.integer]:
        """i, shape (k,)."""
        ...

    @property
    def columns(self) -> NDArray[np.integer]:
        """r, counted from the block's first, shape (k,)."""
        ...


class Widths(Protocol):
    """Widths ``b``, one number an input or one a pair (input, neuron); all ``>= 0``."""

    @property
    def largest(self) -> FloatArray:
        """For each input a number that none of its widths is above, shape (n,)."""
        ...

    def at(self, entries: Entries) -> NDArray[np.floating]:
        """Those of some pairs, shape (k,)."""
        ...

    def array(self) -> FloatArray:
        """All of them, shape (n,) or (n, m)."""
        ...


@dataclass(frozen=True)
class InputWidths:
    """One number an input."""

    values: FloatArray
    """Shape (n,)."""

    @property
    def largest(self) -> FloatArray:
        """The numbers themselves."""
        return self.values

    def at(self, entries: Entries) -> FloatArray:
        """Those of the inputs."""
        return np.asarray(self.values[entries.inputs])

    def array(self) -> FloatArray:
        """Shape (n,)."""
        return self.values


@dataclass(frozen=True)
class NeuronWidths:
    """One number a pair."""

    values: FloatArray
    """Shape (n, m)."""

    @property
    def largest(self) -> FloatArray:
        """Shape (n,)."""
        return np.asarray(self.values.max(axis=1))

    def at(self, entries: Entries) -> FloatArray:
        """Those of the pairs."""
        return np.asarray(self.values[entries.inputs, entries.neurons.start + entries.columns])

    def array(self) -> FloatArray:
        """Shape (n, m)."""
        return self.values


@dataclass(frozen=True)
class Scaled:
    """Widths, all multiplied by a positive number."""

    widths: Widths
    factor: float

    @property
    def largest(self) -> FloatArray:
        """Shape (n,)."""
        return np.nextafter(self.widths.largest * self.factor, np.inf)

    def at(self, entries: Entries) -> FloatArray:
        """Those of the pairs."""
        return np.asarray(self.widths.at(entries) * self.factor, dtype=np.float64)

    def array(self) -> FloatArray:
        """Shape (n,) or (n, m)."""
        return self.widths.array() * self.factor


def given_widths(widths: ArrayLike, inputs: int, neurons: int) -> InputWidths | NeuronWidths:
    """Widths (n,) or (n, m) of a caller. Raises ShapeError, NotFiniteError, ScaleError (a negative one)."""
    axes = np.ndim(widths)
    if axes not in (1, 2):
        raise ShapeError(f"the widths have {axes} axes; take one number an input (n,), or one a pair (n, m)")
    values = float64_entries(widths, "the widths", axes)
    expected = (inputs,) if axes == 1 else (inputs, neurons)
    if values.shape != expected:
        raise ShapeError(f"the widths have shape {values.shape}; {inputs} inputs and {neurons} neurons need {expected}")
    if (values < 0).any():
        raise ScaleError(f"a width is {values.min()}; a tube's widths are 0 or more")
    return InputWidths(values) if axes == 1 else NeuronWidths(values)
