"""Widths of a tube: how far the pre-activation of an input, or of an input and a neuron, may be from where it started."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from theory.entries import float64_entries
from theory.errors import ScaleError, ShapeError
from theory.inputs import FloatArray


class Widths(Protocol):
    """Widths ``b``, one number an input or one a pair (input, neuron); all ``>= 0``."""

    def of(self, neurons: slice) -> NDArray[np.floating]:
        """Those of some neurons, shape (n, k) or (n, 1)."""
        ...

    def array(self) -> FloatArray:
        """All of them, shape (n,) or (n, m)."""
        ...

    def contain(self, other: Widths) -> bool:
        """Whether no width of the other ones is above these."""
        ...


@dataclass(frozen=True)
class InputWidths:
    """One number an input."""

    values: FloatArray
    """Shape (n,)."""

    def of(self, neurons: slice) -> FloatArray:
        """The same for all neurons, shape (n, 1)."""
        return self.values[:, None]

    def array(self) -> FloatArray:
        """Shape (n,)."""
        return self.values

    def contain(self, other: Widths) -> bool:
        """Entry by entry."""
        return bool((other.array() <= self.values).all())


@dataclass(frozen=True)
class NeuronWidths:
    """One number a pair."""

    values: NDArray[np.floating]
    """Shape (n, m), float32 or float64."""

    def of(self, neurons: slice) -> NDArray[np.floating]:
        """Shape (n, k)."""
        return self.values[:, neurons]

    def array(self) -> FloatArray:
        """Shape (n, m)."""
        return np.asarray(self.values, dtype=np.float64)

    def contain(self, other: Widths) -> bool:
        """Entry by entry."""
        return bool((other.of(slice(None)) <= self.values).all())


def given_widths(widths: ArrayLike | Widths, inputs: int, neurons: int) -> Widths:
    """Widths (n,) or (n, m) of a caller. Raises ShapeError, NotFiniteError, ScaleError (a negative one)."""
    if isinstance(widths, (InputWidths, NeuronWidths)):
        return widths
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
