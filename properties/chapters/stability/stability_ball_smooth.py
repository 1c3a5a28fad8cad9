"""C2-smooth, K2-smooth: no attack exceeds a certificate of the whole ball for smooth activations; in balls."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from flint import arb
from hypothesis import strategies as st

from properties.chapters.stability.stability_ball import BALL_KINDS, certified_square
from properties.chapters.stability.stability_instances import SmoothInstance, build_smooth
from properties.engine.claim import Bound, Claim, Provenance, at_most_enclosed
from properties.engine.descriptions import described_family
from properties.engine.formulas import Formulas
from properties.engine.rule import Stated, mutant
from theory.network.two_layer import ACTIVATIONS
from theory.rigour.precision import working_precision
from theory.stability.ball import smooth_bound
from theory.stability.norms import input_norm_squared

SMOOTH = tuple(name for name, phi in ACTIVATIONS.items() if phi.curvature is not None)
BALL_BITS = 128


CURVED = described_family(
    "smooth",
    "softplus, tanh, erf, sin: attacked, also where the activation bends most",
    build_smooth,
    (40, 260, 2500),
    kind=st.sampled_from((*("curved",) * 8, *BALL_KINDS)),
    activation=st.sampled_from(SMOOTH),
    inputs=st.integers(1, 4),
    dimension=st.integers(1, 4),
    width=st.integers(1, 12),
    symmetric=st.booleans(),
    radius_percent=st.integers(1, 300),
    seed=st.integers(0, 2**20),
)
"""Half of the networks sit where the activation bends most."""


TOLD = 1 + 2.0**-40
"""The ball's number is the Rayleigh quotient of an eigenvector computed in floats, short of the maximum by n^2 eps."""


@dataclass(frozen=True)
class SmoothCertificate(Stated):
    """A bound over the ball, as a claim or a mutant states it."""

    certified: Callable[[SmoothInstance], float] = lambda i: i.certificate.changes.smooth

    def conclusion(self, instance: SmoothInstance) -> Sequence[Bound]:
        """The attack's weights, evaluated in balls, do not exceed the certificate."""
        with working_precision(BALL_BITS):
            change, certificate = instance.change(), instance.certificate
            norm = f"||{instance.changed} - {instance.changed}(0)||_2"
            bounds = [
                at_most_enclosed(f"attack of {norm} at most the bound", change, arb(self.certified(instance))),
                at_most_enclosed("what the attack reports at most its change", arb(instance.attack[0]), change * TOLD),
            ]
            if certificate.lambda_min > 0:
                allowed = arb(certified_square(certificate.constant, certificate.lambda_min)).sqrt()
                bounds.append(at_most_enclosed("attack of C at most the certified constant", change, allowed))
        return bounds

    def features(self, instance: SmoothInstance) -> Sequence[str]:
        """Attacks that come near."""
        near = instance.attack[0] > 0.9 * instance.certificate.changes.smooth
        return ["attack within 10% of the bound"] if near else []


def bound(instance: SmoothInstance, norm_squared: float, curvature_share: float, width: int) -> float:
    """The bound of another norm, curvature or width: for mutants."""
    curvature = instance.net.phi.curvature
    assert curvature is not None
    return smooth_bound(norm_squared, curvature_share * curvature, instance.radius, width, instance.net.dim)


def smooth_claim(condition: str = "2") -> Claim[SmoothInstance]:
    """C2-smooth, or K2-smooth for Condition K2, with its mutants."""
    name, id = ("S", "K2-smooth") if condition == "K2" else ("J", "C2-smooth")
    return SmoothCertificate().claim(
        id,
        f"||{name}(W) - {name}(0)||_2 <= L ||X||_2 ||W - W(0)||_F/m^{{1/2}} when |phi''| <= L",
        Provenance.DERIVED,
        mutant("quarter", "C taken as C/4", certified=lambda i: i.certificate.changes.smooth / 4),
        mutant(
            "half-curvature",
            "L/2",
            "|phi''| <= L",
            certified=lambda i: bound(i, input_norm_squared(i.rows), 0.5, i.net.width),
        ),
        mutant("without-norm", "||X||_2 dropped", certified=lambda i: bound(i, 1.0, 1.0, i.net.width)),
        mutant(
            "width",
            "1/m instead of 1/m^{1/2}",
            certified=lambda i: bound(i, input_norm_squared(i.rows), 1.0, i.net.width**2),
        ),
        families=(dataclasses.replace(CURVED, build=partial(build_smooth, condition=condition)),),
        formulas=Formulas(
            hypotheses=(r"$\abs{\varphi^{\prime\prime}}\le L$",),
            conclusion=(rf"$\norm{{{name}(W)-{name}(0)}}_2\le\dfrac{{L\,\norm{{X}}_2\norm{{W-W(0)}}_F}}{{\sqrt m}}$",),
        ),
        also=("|phi''| <= L",),
    )


CLAIMS: tuple[Claim[Any], ...] = (smooth_claim(),)
