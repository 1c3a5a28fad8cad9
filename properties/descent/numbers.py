"""The numbers that a theorem's constants take of an instance, in floats or in balls."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from operator import attrgetter
from types import MappingProxyType
from typing import Any

from theory.descent.optimiser import as_optimiser
from theory.reals import real

PLACES: Mapping[str, Callable[[Any], float]] = MappingProxyType(
    {
        "C": attrgetter("certificate.constant"),
        "lambda_min": attrgetter("certificate.lambda_min"),
        "norm": attrgetter("operator_norm"),
        "mu": attrgetter("objective.strong_convexity"),
        "L": attrgetter("objective.smoothness"),
        "h_min": lambda instance: instance.bounds.h_min[0],
        "h_max": lambda instance: instance.bounds.h_max[1],
        "mean": lambda instance: instance.bounds.rank / len(instance.bounds.leverage[0]),
        "mu_min": lambda instance: instance.bounds.smallest_eigenvalue[0],
        "mu_max": lambda instance: instance.bounds.largest_eigenvalue[1],
    }
)
"""Where an instance has what it does not have under the number's own name."""


class Numbers:
    """Each exact as given, looked up when it is asked for.

    First what is given here, then the instance's attribute, then ``PLACES``, then its optimiser's. A theorem that needs another number
    gives its instances, or its optimiser, an attribute of that name.
    """

    C: Any
    """Of Condition 2, 3 or K2: as certified, or as a mutant pretends."""
    eta: Any
    """The step size."""
    lambda_min: Any
    """Of G(0); for K-FAC sigma^2, that of H(0)."""
    residual_norm: Any
    """``||r(0)||``."""
    norm: Any
    """``||J(0)||_2``, from above."""
    mu: Any
    """Strong convexity of the loss."""
    L: Any
    """Its smoothness."""
    h_min: Any
    """The smallest leverage score of the inputs, from below."""
    h_max: Any
    """The largest, from above."""
    mean: Any
    """The mean leverage score rank/n: for mutants."""
    mu_min: Any
    """The smallest nonzero eigenvalue of X^T X, from below."""
    mu_max: Any
    """The largest, from above."""

    def __init__(self, instance: object = None, kind: Callable[[float], Any] = float, **given: Any) -> None:
        """The numbers of an instance, as ``float`` or as ``arb``; ``given`` come first, as they are."""
        self._instance, self._kind, self._given = instance, kind, given
        self._found: dict[Callable[[Numbers], Any], Any] = {}

    def __getattr__(self, name: str) -> Any:
        """Look a number up. Raises AttributeError where the instance has none of that name, ScaleError where it is no number."""
        if name.startswith("_"):
            raise AttributeError(name)
        if name in self._given:
            return self._given[name]
        own = getattr(self._instance, name, None)
        if own is None and name not in PLACES:
            own = self._optimiser_s(name)
        return self._kind(real(PLACES[name](self._instance) if own is None else own, name))

    def _optimiser_s(self, name: str) -> Any:
        chosen = getattr(self._instance, "optimiser", None)
        own = None if chosen is None else getattr(as_optimiser(chosen), name, None)
        if own is None:
            raise AttributeError(
                f"{type(self._instance).__name__} has no number {name!r}, and no optimiser that has it"
            )
        return own

    def once(self, number: Callable[[Numbers], Any]) -> Any:
        """``number(self)``, such as a theorem's factor, worked out at the first call: the steps of a run share it."""
        if number not in self._found:
            self._found[number] = number(self)
        return self._found[number]

    def but(self, **given: Any) -> Numbers:
        """The same with some numbers given."""
        return Numbers(self._instance, self._kind, **{**self._given, **given})
