"""One rung of the ladder as topics see it: the network, its data, its certificates and its runs, each made once."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from properties.chapters.ngd.ngd_step import NetworkSteps
from properties.dataset.followed import Followed
from properties.dataset.ladder import Rung
from properties.dataset.transformations import is_shuffled
from properties.descent.instances import NetworkInstance, Run
from properties.engine.claim import Claim, Evaluation
from properties.engine.search import evaluate_instance
from properties.reading.datasets import Dataset
from theory.descent.lazy import residual_curve
from theory.direction import LowerBound, UpperBound, as_upper_bound
from theory.entries import GivenArray
from theory.errors import DescentError
from theory.inputs import FloatArray, normalise_rows
from theory.kernels.geometry import InputGeometry
from theory.network.definiteness import Definiteness, rectifier_definiteness
from theory.network.gram import exact_counts, gram_eigenvalue
from theory.network.two_layer import TwoLayerNetwork
from theory.stability import BallCertificate, PathCertificate, certify_ball, certify_path_until_broken
from theory.stability.norms import residual_norm
from theory.theorems import ngd

REDUCTION = 1e-6
"""Iterations are counted until ``||r(k)||/||r(0)||`` falls to this."""

STEP_CAPS: Mapping[str, int] = {"ngd": 80, "kfac": 150, "gd": 500}
"""Runs end after so many steps; a count beyond it is the linearised model's."""

NGD_STEP_SIZE, KFAC_SHARE = 0.5, 0.5
"""NGD's step size, and K-FAC's times the largest leverage score (T4-lev); GD's is ``1/||J(0)||_2^2``."""


MOST_WEIGHTS = 2**26
"""Above so many weights (512 MiB) the inputs are given by their coordinates in the space that they span."""


def in_own_span(inputs: FloatArray) -> FloatArray:
    """Unit rows (n, d), n < d, in an orthonormal basis of an n-dimensional space that contains them: shape (n, n).

    Inner products stay the same but for rounding, and so does the distribution of a network's pre-activations.
    """
    return normalise_rows(inputs @ np.linalg.qr(inputs.T)[0])


@dataclass(frozen=True)
class ObservedRun:
    """What an optimiser did: its step size, and ``||r(k)||`` (not squared) until the reduction, the cap or a break."""

    step_size: float
    residual_norms: FloatArray
    broken: str | None = None
    """Why the step after the last could not be computed; None when it was not asked for."""

    @property
    def iterations(self) -> int | None:
        """The first k with ``||r(k)|| <= REDUCTION ||r(0)||``; None when the run ended before."""
        reached = np.flatnonzero(self.residual_norms <= REDUCTION * self.residual_norms[0])
        return int(reached[0]) if reached.size else None

    @property
    def steps(self) -> int:
        """How many steps were taken."""
        return len(self.residual_norms) - 1


class RungContext:
    """What a topic is called with. Everything that costs something is made when first asked for, and once."""

    def __init__(self, dataset: Dataset, rung: Rung, seed: int) -> None:
        """Take the first rows of the data set and initialise the network of the rung."""
        self.rung = rung
        self.optimisers = rung.optimisers
        """Those that topics are asked about, all or one after the other."""
        self.raw_inputs: GivenArray = dataset.given_X[: rung.rows]
        """The rows as given, of any nonzero norm."""
        self.inputs: FloatArray = dataset.X[: rung.rows]
        """Unit rows X, shape (n, d); in coordinates of their span where m d would be too large (``rotated``)."""
        self.rotated = rung.width * self.inputs.shape[1] > MOST_WEIGHTS and rung.rows < self.inputs.shape[1]
        if self.rotated:
            self.inputs = in_own_span(self.inputs)
        self.y: FloatArray = dataset.y[: rung.rows]
        self._seed = (seed, rung.rows, rung.width)
        self.net = TwoLayerNetwork.initialise(
            rung.width, self.inputs.shape[1], rung.scale, self.generator("network"), symmetric=rung.symmetric
        ).keeping()
        self._runs: dict[str, ObservedRun] = {}
        self._steps: dict[tuple[str, float, int], Run] = {}
        self._paths: dict[tuple[str, float, int], tuple[PathCertificate | None, DescentError | None]] = {}
        self.rows_given = len(dataset.X)
        """The rows of the whole data set."""
        self.shuffled = is_shuffled(dataset)
        """Whether the first rows are not those of the file."""
        self.targets_vary = bool((dataset.y != dataset.y[0]).any())
        """Whether the whole data set has more than one target."""

    def generator(self, purpose: str) -> np.random.Generator:
        """A stream of random numbers of its own for each purpose, the same in every run with the same seed."""
        return np.random.default_rng([*self._seed, *purpose.encode()])

    def description(self, step_size: float, steps: int) -> dict[str, float | int]:
        """How an evaluation on this rung is described."""
        return {"rows": self.rung.rows, "width": self.rung.width, "step_size": step_size, "steps": steps}

    def evaluated(self, claim: Claim[Any], instance: NetworkInstance) -> Evaluation:
        """The claim on a run of this network; one optimiser with one step size takes the same steps in all of them, which are bounded once."""
        key = (instance.optimiser, float(instance.eta), instance.steps)
        if key in self._steps:
            vars(instance)["run"] = self._steps[key]
        found = evaluate_instance(claim, "F5", self.description(instance.eta, instance.steps), instance)
        if "run" in vars(instance):
            self._steps[key] = instance.run
        return found

    @cached_property
    def geometry(self) -> InputGeometry:
        """K, P, leverage scores."""
        return InputGeometry.of(self.inputs)

    @cached_property
    def ball(self) -> BallCertificate:
        """Conditions 1 and 2(C) over the ball of the paper's radius."""
        return certify_ball(self.net, self.inputs, self.y)

    @cached_property
    def feature_ball(self) -> BallCertificate:
        """Conditions K1 and K2(C) over the ball of K-FAC's radius."""
        return certify_ball(self.net, self.inputs, self.y, condition="K2")

    @cached_property
    def lambda_min(self) -> LowerBound:
        """Certified lower bound of ``lambda_min(G(0))``."""
        return gram_eigenvalue(self.net, self.inputs)

    @property
    def radius(self) -> UpperBound:
        """Condition 2's radius ``3 ||r(0)|| / lambda^{1/2}`` (not squared), rounded up; inf without Condition 1."""
        return as_upper_bound(self.ball.radius, "the radius of Condition 2's ball")

    @cached_property
    def gram(self) -> FloatArray:
        """``G(0)``, shape (n, n)."""
        return self.net.gram(self.inputs)

    @cached_property
    def residual(self) -> FloatArray:
        """``r(0)``, shape (n,)."""
        return self.net.outputs(self.inputs) - self.y

    @property
    def residual_norm(self) -> float:
        """``||r(0)||`` (not squared), as computed."""
        return float(np.linalg.norm(self.residual))

    @cached_property
    def step_sizes(self) -> Mapping[str, float]:
        """The step size of each optimiser's run."""
        largest = float(np.linalg.eigvalsh(self.gram)[-1])
        kfac = KFAC_SHARE / float(self.geometry.leverage.max())
        return {"ngd": NGD_STEP_SIZE, "kfac": kfac, "gd": 1 / largest if largest > 0 else math.inf}

    def run(self, optimiser: str) -> ObservedRun:
        """What "ngd", "kfac" or "gd" does on this rung, up to a step that cannot be computed. Raises ScaleError."""
        if optimiser not in self._runs:
            found = self._as_followed() if optimiser == "ngd" else None
            self._runs[optimiser] = found or self.observe(optimiser, self.step_sizes[optimiser], STEP_CAPS[optimiser])
        return self._runs[optimiser]

    def _as_followed(self) -> ObservedRun | None:
        """NGD's run where it reaches the reduction on its path, or among the steps of which the tube is asked; None elsewhere."""
        norms: FloatArray
        if self.rung.tube_only:
            try:
                taken = self.ngd_run.network.run
            except DescentError:
                return None
            self._steps["ngd", NGD_STEP_SIZE, self.ngd_steps] = taken
            norms = np.array([taken.steps[0].before, *(step.after for step in taken.steps)])
        else:
            path = self._path("ngd", NGD_STEP_SIZE, self.ngd_steps)[0]
            if path is None:
                return None
            norms = path.residual_norms
        reached = ObservedRun(NGD_STEP_SIZE, norms).iterations
        return None if reached is None else ObservedRun(NGD_STEP_SIZE, norms[: reached + 1])

    def observe(self, optimiser: str, step_size: float, cap: int) -> ObservedRun:
        """A run with another step size, of at most ``cap`` steps. Raises ScaleError."""
        norms, broken = residual_curve(self.net, self.inputs, self.y, step_size, cap, optimiser, REDUCTION)
        return ObservedRun(step_size, norms, None if broken is None else str(broken))

    @property
    def nothing_to_learn(self) -> bool:
        """Whether the residual at initialisation cannot be told from zero: all targets 0, a symmetric initialisation."""
        return not residual_norm(self.net, self.inputs, self.y)[0] > 0

    def path(self, optimiser: str, step_size: float, steps: int, bounded: bool = False) -> PathCertificate:
        """Condition 2(C) along the path of NGD or GD (C2-path), K2(C) along K-FAC's, up to a step that cannot be computed.

        ``bounded``: for claims that will be evaluated on its steps, whose rounding is bounded on the way.
        Raises RankDeficientError, DivergenceError when there is no first step.
        """
        path, broken = self._path(optimiser, step_size, steps, bounded)
        if path is None:
            assert broken is not None
            raise broken
        return path

    def path_end(self, optimiser: str, step_size: float, steps: int) -> str | None:
        """Why that path has fewer steps than asked for; None when it has all."""
        broken = self._path(optimiser, step_size, steps)[1]
        return None if broken is None else str(broken)

    @cached_property
    def ngd_run(self) -> NetworkSteps:
        """NGD's run of this rung, as T1-step takes it."""
        run = NetworkInstance(self.net, self.inputs, self.y, NGD_STEP_SIZE, self.ngd_steps)
        return NetworkSteps(run, self.rung.parts)

    def _path(
        self, optimiser: str, step_size: float, steps: int, bounded: bool = False
    ) -> tuple[PathCertificate | None, DescentError | None]:
        key = (optimiser, step_size, steps)
        if key not in self._paths:
            own = key == ("ngd", NGD_STEP_SIZE, self.ngd_steps)
            followed = Followed(optimiser, step_size, self.ngd_run if own else None)
            try:
                path, broken = certify_path_until_broken(
                    self.net,
                    self.inputs,
                    self.y,
                    step_size,
                    steps,
                    optimiser,
                    parts=self.rung.parts,
                    stepping=followed.stepping if own or bounded else None,
                )
            except DescentError as error:
                self._paths[key] = None, error
                return self._paths[key]
            self._paths[key] = path, broken
            if own or bounded:
                self._steps[optimiser, step_size, path.steps] = followed.run
            if own:
                vars(self.ngd_run)["steps"] = followed.varying
        return self._paths[key]

    @cached_property
    def definiteness(self) -> Definiteness:
        """What is known of G(0): certified singular, certified positive definite, or neither."""
        return rectifier_definiteness(self.inputs, exact_counts(self.net, self.inputs), self.net.width)

    @property
    def condition_1_text(self) -> str:
        """Whether Condition 1 fails for certain, or is not certified in float64, with what is known of G(0)."""
        verdict = "fails" if self.definiteness.singular else "is not certified in float64"
        return f"Condition 1 {verdict}: {self.definiteness.text('G(0)')}"

    @property
    def ngd_steps(self) -> int:
        """Steps of NGD that the linear rate needs for the reduction: as many as its path is certified for."""
        return ngd.iterations(1 - NGD_STEP_SIZE, REDUCTION)
