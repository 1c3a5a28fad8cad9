"""One situation in which a bound is nearly attained: what is computed, how far off it is, and the bound that says so."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from tests.theory.rounding_model.arithmetic import EXACT, MODES, UP, Director, Site
from tests.theory.rounding_model.machine import Theory
from tests.theory.rounding_model.terms import Term, left_out

UNIT_ROUNDOFF = 2.0**-20
"""Of the coarse arithmetic: float64 itself is exact beside it, and so are products of three roundings."""

NEGLIGIBLE = 2.0**-46
"""Relative: what float64, in which the model runs, may add to an error that attains its bound."""

SEEDS = 4
"""Ways to round drawn for each operation by itself, where rounding all of them the same way is not enough."""

MANY_SEEDS = 12
"""The same for the wide sweep."""

Measured = Iterable[tuple[float, float]]
"""Pairs of an error and its bound."""


@dataclass(frozen=True)
class Case:
    """``measure`` computes with a copy of theory/ and compares; ``watches`` names the functions whose terms it needs."""

    name: str
    watches: tuple[str, ...]
    """Dotted names below theory/: ``module:function``."""
    measure: Callable[[Theory], Measured]
    searched: bool = False
    """Whether single operations are to be aimed, beyond rounding all of them the same way."""

    def worst(self, theory: Theory, director: Director) -> float:
        """The largest error over its bound, less 1, when operations round as the director says."""
        theory.arithmetic.director = director
        try:
            return max((_excess(error, bound) for error, bound in self.measure(theory)), default=-1.0)
        finally:
            theory.arithmetic.director = Director(UNIT_ROUNDOFF)

    def directors(self, theory: Theory, seeds: int = SEEDS) -> list[Director]:
        """The ways to round that come nearest to the bound, nearest first."""
        known = theory.directors.get((self.name, seeds))
        if known is not None:
            return known
        plain = [Director(UNIT_ROUNDOFF, mode) for mode in (EXACT, *MODES)]
        found = plain + [Director(UNIT_ROUNDOFF, f"random {seed}") for seed in range(seeds if self.searched else 0)]
        found.sort(key=lambda director: -self.worst(theory, director))
        theory.directors[self.name, seeds] = found
        return found


def _excess(error: float, bound: float) -> float:
    if error != error or bound != bound:  # what is no number bounds nothing, and would be lost among others
        return float("inf")
    if error <= bound:  # both may be 0, or inf
        return error / bound - 1 if bound > 0 and error < bound else 0.0 if error == bound else -1.0
    return error / bound - 1 if bound > 0 else float("inf")


def aimed(case: Case, theory: Theory) -> Director:
    """Each operation rounded the way that by itself brings the error nearest to the bound; first order in the roundings."""
    probe = Director(UNIT_ROUNDOFF, UP)
    case.worst(theory, probe)
    modes: dict[Site, str] = {}
    base = case.worst(theory, Director(UNIT_ROUNDOFF))
    for site in list(probe.seen):
        found = {mode: case.worst(theory, Director(UNIT_ROUNDOFF, EXACT, {site: mode})) for mode in MODES}
        best = max(found, key=found.__getitem__)
        if found[best] > base:
            modes[site] = best
    director = Director(UNIT_ROUNDOFF, EXACT, modes)
    reached = case.worst(theory, director)
    for site, mode in list(modes.items()):  # in company another way may be better
        for other in MODES:
            if other != mode:
                trial = Director(UNIT_ROUNDOFF, EXACT, {**modes, site: other})
                value = case.worst(theory, trial)
                if value > reached:
                    reached, modes, director = value, {**modes, site: other}, trial
    return director


def exceeded(case: Case, theory: Theory, directors: Iterable[Director], term: Term) -> bool:
    """Whether the case shows that the bound without the term is none."""
    with left_out(theory, term):
        for director in directors:
            try:
                if case.worst(theory, director) > NEGLIGIBLE:
                    return True
            except (AttributeError, TypeError, ValueError, ArithmeticError, LookupError):
                return True  # the program without the term does not run
    return False


def named(cases: Iterable[Case]) -> Iterator[tuple[str, str]]:
    """Module and function of everything that some case watches, each once."""
    seen: dict[str, None] = {}
    for case in cases:
        for name in case.watches:
            seen.setdefault(name)
    for name in seen:
        module, function = name.split(":")
        yield f"theory.{module}", function
