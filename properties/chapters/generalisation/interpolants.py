"""T5-dist: in the linearised model NGD and GD reach the interpolant nearest to theta(0); in exact rational arithmetic."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from flint import fmpq, fmpq_mat
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from properties.chapters.generalisation.linearised_model import (
    LinearisedInstance,
    kfac_displacement,
    of_integers,
    of_network,
    squared_norm,
)
from properties.chapters.identities.identity_checks import equal, full_rank
from properties.engine.claim import (
    Bound,
    Claim,
    Depth,
    Family,
    Hypothesis,
    Provenance,
    Verdict,
    as_float,
    at_most_exactly,
    require,
)
from properties.engine.descriptions import described, described_family
from properties.engine.formulas import Formulas
from properties.engine.rule import Stated, mutant, replaced
from properties.exact.eigenvalues import identity
from properties.exact.identity_instances import build_network, network_descriptions

Description = Mapping[str, Any]

SHAPES = (("uniform", 1, 1), ("uniform", 2, 2), ("uniform", 3, 3), ("uniform", 3, 2), ("clustered", 2, 3))
"""(kind, n, d) of the networks: rank X = n and below."""


def equal_numbers(label: str, left: fmpq, right: fmpq) -> Bound:
    """``left = right`` between rational numbers."""
    return equal(label, fmpq_mat([[left]]), fmpq_mat([[right]]))


def step_hypotheses(instance: LinearisedInstance) -> Sequence[Hypothesis]:
    """The step sizes alone."""
    ngd = 2 - instance.ngd_step
    contraction = require("0 < eta < 2/lambda_max for GD: ||I - eta G|| <= c < 1", as_float(1 - instance.contraction))
    if not instance.contracts:
        contraction = dataclasses.replace(contraction, verdict=Verdict.UNDECIDED)
    return [require("0 < eta < 2 for NGD", as_float(ngd) or -1.0), contraction]


def nearest_distance_squared(instance: LinearisedInstance) -> fmpq:
    """``r(0)^T G^{-1} r(0)``."""
    return _form(instance.gram, instance.residual)


def _form(gram: fmpq_mat, vector: fmpq_mat) -> fmpq:
    return (vector.transpose() * gram.solve(vector))[0, 0]


@dataclass(frozen=True)
class NearestInterpolant(Stated):
    """Where both optimisers end, and how they get there."""

    limit: Callable[[LinearisedInstance], fmpq_mat] = lambda instance: instance.nearest
    distance_squared: Callable[[LinearisedInstance], fmpq] = nearest_distance_squared
    ngd_factor: Callable[[fmpq], fmpq] = lambda eta: 1 - eta
    contraction: Callable[[LinearisedInstance], fmpq] = lambda instance: instance.contraction
    limited: bool = True
    """Whether the step sizes have limits."""
    besides: Callable[[LinearisedInstance], Sequence[Hypothesis]] = lambda _: ()

    def hypotheses(self, instance: LinearisedInstance) -> Sequence[Hypothesis]:
        """J has full row rank; both step sizes are within their limits, GD's by an exact contraction below 1."""
        rank = full_rank("J", instance.jacobian)
        judged = self.limited and rank.verdict is Verdict.HOLDS
        return [rank, *(step_hypotheses(instance) if judged else ()), *self.besides(instance)]

    def conclusion(self, instance: LinearisedInstance) -> Sequence[Bound]:
        """D, from theta(0) to the limit: it interpolates, is the shortest, and both optimisers tend to it, step by step."""
        J, k = instance.jacobian, instance.steps
        D = self.limit(instance)
        across = identity(J.ncols()) - instance.pseudo_inverse * J
        ngd, gd = instance.displacement("ngd", k), instance.displacement("gd", k)
        remaining = instance.residual + J * gd
        gap = gd - D
        return [
            equal("J (theta(0) + D) = y", J * D, -instance.residual),
            equal("D = -J^+ r(0)", D, -(instance.pseudo_inverse * instance.residual)),
            equal("D is orthogonal to the null space of J", across * D, fmpq_mat(J.ncols(), 1)),
            equal_numbers("||D||^2 = r(0)^T G^{-1} r(0)", squared_norm(D), self.distance_squared(instance)),
            equal("NGD after k steps: (1 - (1-eta)^k) D", ngd, (1 - self.ngd_factor(instance.ngd_step) ** k) * D),
            at_most_exactly(
                "NGD's squared distance to the limit after k steps <= r(0)^T G^{-1} r(0)",
                squared_norm(ngd - D),
                self.distance_squared(instance),
            ),
            equal("GD after k steps: D + J^T G^{-1} r(k)", gap, J.transpose() * instance.gram.solve(remaining)),
            at_most_exactly(
                "GD's squared distance to the limit after k steps <= c^{2k} r(0)^T G^{-1} r(0)",
                squared_norm(gap),
                self.contraction(instance) ** (2 * k) * self.distance_squared(instance),
            ),
        ]

    def features(self, instance: LinearisedInstance) -> Sequence[str]:
        """Whether the start has u(0) = 0, and whether GD oscillates."""
        found = ["u(0) = 0"] if instance.residual == -instance.targets else ["u(0) != 0"]
        if instance.gd_share > fmpq(1, 2):
            found.append("GD beyond 1/lambda_max")
        return found


# --- families --------------------------------------------------------------------------------------------------------


WITHIN, BEYOND = (2, 99), (101, 150)
"""Step sizes in percent of their limits, 2 for NGD and 2/lambda_max(G) for GD."""

Range = tuple[int, int]


def _step_parts(ngd: Range = WITHIN, gd: Range = WITHIN) -> dict[str, SearchStrategy[Any]]:
    return {
        "ngd_share_percent": st.integers(*ngd),
        "gd_share_percent": st.integers(*gd),
        "steps": st.integers(1, 4),
    }


def _steps(description: Description) -> tuple[fmpq, fmpq, int]:
    return (
        fmpq(description["ngd_share_percent"], 50),
        fmpq(description["gd_share_percent"], 100),
        int(description["steps"]),
    )


def _build_linear(description: Description, rank_deficient: bool = False) -> LinearisedInstance:
    rng = np.random.default_rng(description["seed"])
    n = description["outputs"]
    jacobian = rng.integers(-3, 4, (n, n + description["extra_parameters"])).astype(float)
    if rank_deficient:
        jacobian[-1] = 2 * jacobian[0] if n > 1 else 0
    start = rng.integers(-2, 3, jacobian.shape[1]).astype(float)
    return of_integers(jacobian, start, rng.integers(-3, 4, n).astype(float), *_steps(description))


def _network_descriptions() -> SearchStrategy[Description]:
    networks = network_descriptions(("ngd",), (4, 9), SHAPES, ("gaussian", "symmetric"))
    return st.tuples(networks, described(_step_parts())).map(lambda parts: {**parts[0], **parts[1]})


def _build_network(description: Description) -> LinearisedInstance:
    return of_network(build_network(description).exact, *_steps(description))


def linear(ngd: Range = WITHIN, gd: Range = WITHIN, rank_deficient: bool = False) -> Family[LinearisedInstance]:
    """Linear models with small integer entries."""
    return described_family(
        "linear",
        "linear models with small integers",
        partial(_build_linear, rank_deficient=rank_deficient),
        (40, 220, 2200),
        outputs=st.integers(1, 4),
        extra_parameters=st.integers(0, 3),
        **_step_parts(ngd, gd),
        seed=st.integers(0, 2**20),
    )


NETWORKS = Family(
    "frozen networks",
    "two-layer ReLU networks with frozen pattern",
    _network_descriptions,
    _build_network,
    {Depth.QUICK: 15, Depth.NORMAL: 90, Depth.THOROUGH: 800},
)


# --- the claim and its mutants ---------------------------------------------------------------------------------------


def _from_the_origin(instance: LinearisedInstance) -> fmpq_mat:
    """To the interpolant of least norm, the one nearest to the origin."""
    return instance.pseudo_inverse * instance.targets - instance.start


def _kfac_limit(instance: LinearisedInstance) -> fmpq_mat:
    assert instance.network is not None
    return kfac_displacement(instance.network)


def _pattern_features_of_full_rank(instance: LinearisedInstance) -> Sequence[Hypothesis]:
    assert instance.network is not None
    return [full_rank("S", instance.network.features)]


def _interpolation_alone(instance: LinearisedInstance) -> Sequence[Bound]:
    D = -(instance.pseudo_inverse * instance.residual)
    return [equal("J (theta(0) + D) = y", instance.jacobian * D, -instance.residual)]


T5_DIST = NearestInterpolant().claim(
    "T5-dist",
    "in the linearised model NGD (0 < eta < 2) and GD (0 < eta < 2/lambda_max(G)) reach the same interpolant, "
    "the one nearest to theta(0), at squared distance r(0)^T G(0)^{-1} r(0)",
    Provenance.DERIVED,
    mutant(
        "kfac-too",
        "K-FAC reaches that interpolant as well",
        families=(NETWORKS,),
        limit=_kfac_limit,
        besides=_pattern_features_of_full_rank,
    ),
    mutant("origin", "the interpolant of least norm, whatever theta(0)", limit=_from_the_origin),
    mutant(
        "targets-alone",
        "squared distance y^T G^{-1} y, whatever u(0)",
        distance_squared=lambda instance: _form(instance.gram, instance.targets),
    ),
    mutant(
        "gram-squared",
        "squared distance r(0)^T G^{-2} r(0)",
        distance_squared=lambda instance: squared_norm(instance.gram.solve(instance.residual)),
    ),
    mutant(
        "ngd-twice-as-fast",
        "NGD has covered 1 - (1-eta)^{2k} of the way after k steps",
        ngd_factor=lambda eta: (1 - eta) ** 2,
    ),
    mutant(
        "ngd-step-limit-dropped",
        "NGD approaches the limit for every step size",
        "0 < eta < 2 for NGD",
        (linear(ngd=BEYOND),),
        limited=False,
    ),
    mutant(
        "gd-step-limit-dropped",
        "GD approaches the limit for every step size",
        "0 < eta < 2/lambda_max for GD",
        (linear(gd=BEYOND),),
        limited=False,
        contraction=lambda _: fmpq(1),
    ),
    replaced(
        "rank-dropped",
        "the limit interpolates whatever the rank of J",
        "rank J = n",
        families=(linear(rank_deficient=True),),
        hypotheses=lambda _: (),
        conclusion=_interpolation_alone,
    ),
    families=(linear(), NETWORKS),
    formulas=Formulas(
        hypotheses=(
            "the linearised model",
            r"NGD with $0<\eta<2$, GD with $0<\eta<\dfrac{2}{\lambda_{\max}(G)}$",
        ),
        conclusion=(
            r"Both reach the same interpolant, the one nearest to $\theta(0)$, at squared distance $r(0)^\top G(0)^{-1}r(0)$.",
        ),
    ),
    also=(
        "rank J = n",
        "0 < eta < 2 for NGD",
        "0 < eta < 2/lambda_max for GD",
    ),
)

CLAIMS: tuple[Claim[Any], ...] = (T5_DIST,)
