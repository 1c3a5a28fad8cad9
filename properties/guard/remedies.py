"""What to change, in the step or in the options, where the cause of a refutation is known: what several causes are told.

What one cause alone is told stands beside its name: a convention's, a damping's, a factor's (multiples.py), an answer's that is none, a
habit's. Symbols are those of docs/guard.md; what is to be typed is Python, with the names of the step's arguments.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from properties.engine.report.causes import CODE
from properties.guard.damping import Damping

FORMULAS: Mapping[str, str] = {
    "ngd": "V = J^T (J J^T)^-1 r",
    "kfac": "V = (S^T S)^+ (S^T diag(r) X) (X^T X)^+",
}
"""The direction V of ``W' = W - eta V``, by the optimiser."""

UPDATED = f"{CODE} - step_size * V"
"""The code of a step."""

TAKE = "take {formula}"
SUMMED = "take sums over the inputs, not means (no 1/n, reduction='sum')"
PSEUDO_INVERSE = "take the pseudo-inverse (numpy.linalg.pinv, lstsq) in place of an inverse or a solve"
UNJUDGED = (
    f"{PSEUDO_INVERSE}; a step that is documented to raise there is declared by --singular raises, one that promises "
    "nothing there by --singular unjudged"
)
NO_DECAY = "leave weight decay out (0)"
EVERY = "take every row, neuron, column and parameter, in J and in what is moved"
FACTORS = "take both factors: {formula}"
ORDER = "the order is {formula}"
OUTPUTS = "the curvature is made of the outputs' gradients, J, not of the loss's: {formula}"
OUTER = "a factor is the sum of the inputs' own outer products: {formula}"
EKFAC = "EKFAC is another optimiser, which is not judged; K-FAC's step is {formula}"
WHOLE = "take all of the curvature, nothing of it alone: {formula}"
UNCENTRED = "subtract no mean: {formula}"
POWER = "the curvature's power is -1: {formula}"
WEIGHTS = "of the parameters, W alone is trained: {formula}"
GRADIENT = "multiply the gradient by the inverse of the curvature: {formula}"


@dataclass(frozen=True)
class Cause:
    """What a wrong step does, in a sentence."""

    said: str
    remedy: str
    """What to change; empty where no cause is known, and nowhere else."""


@dataclass(frozen=True)
class Meant:
    """The step that is meant, as remedies name it."""

    optimiser: str
    damping: Damping | None

    @property
    def formula(self) -> str:
        """Its direction."""
        return FORMULAS[self.optimiser] if self.damping is None else f"V = {self.damping.formula}"

    def told(self, remedy: str, place: str = "") -> str:
        """A remedy with ``{formula}``, ``{damping}`` and ``{place}`` filled in: of the step, what is declared, the line that an exception came through."""
        damping = "" if self.damping is None else self.damping.text
        return remedy.format(formula=self.formula, damping=damping, place=place or "what raises there")
