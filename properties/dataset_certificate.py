"""A data set's certificate: kernels, conditions on a ladder of widths, step limits, predicted and observed iterations."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

from properties.claim import Depth, Evaluation
from properties.claims.real_data import evaluate_real_data
from properties.datasets import Dataset
from properties.linearised import linearised_iterations
from theory.descent import trajectory
from theory.errors import RankDeficientError
from theory.geometry import InputGeometry
from theory.gram import degeneracy, limiting_gram_eigenvalue, limiting_pattern_gram_eigenvalue
from theory.inputs import FloatArray
from theory.network import TwoLayerNetwork
from theory.rigour import largest_eigenvalue_upper_bound
from theory.stability import attack_ball, certify_ball, certify_path
from theory.theorems import ngd

REDUCTION = 1e-6
"""Iterations are counted until ``||r(k)||/||r(0)||`` falls to this."""

STEP_SIZE = 0.5
"""NGD's step size on the ladder."""

STEP_CAPS = {"ngd": 80, "kfac": 150, "gd": 500}
"""Runs end after so many steps; a count beyond it is the linearised model's."""

CURVES = ("ngd", "kfac", "gd")


@dataclass(frozen=True)
class Rung:
    """One width of the ladder: how many rows of the data, and how the network is initialised."""

    rows: int
    width: int
    scale: float
    symmetric: bool
    parts: int


def ladder(rows: int, depth: Depth) -> tuple[Rung, ...]:
    """All rows (to m = 8,192 when thorough), 100 rows at m = 4,096, and the first 10 rows to m = 400,000 or 100,000."""
    quick = depth is Depth.QUICK
    few = min(10, rows)
    rungs = [
        Rung(rows, width, 1.0, False, 4 if rows > 100 else 16)
        for width in ((1024, 8192) if depth is Depth.THOROUGH else (1024,))
    ]
    if rows > 100:
        rungs.append(Rung(100, 4096, 1.0, False, 16))
    rungs += [Rung(few, width, 4.0, True, 64) for width in ((10_000, 100_000) if quick else (10_000, 100_000, 400_000))]
    return tuple(rungs)


@dataclass(frozen=True)
class Iterations:
    """How many steps one optimiser needs, from theorem, model and run; None: not available or not reached."""

    step_size: float
    predicted: int | None
    """By the theorem named in ``source``, whose hypotheses are certified for this run."""
    source: str | None
    linearised: int | None
    """By the linearised model (the Jacobian frozen at initialisation)."""
    observed: int | None
    steps_run: int


@dataclass(frozen=True)
class RungCertificate:
    """What is certified and observed at one width."""

    rung: Rung
    lambda_min: float
    residual_norm: float
    radius: float
    ball_constant: float
    attack_constant: float
    path_constant: float
    path_steps: int
    step_limits: Mapping[str, Mapping[str, float]]
    """Largest step with ``||r(k)||^2 <= (1-eta)^k ||r(0)||^2`` by theorem, from the ball's and from the path's C."""
    iterations: Mapping[str, Iterations]
    halving_error: float
    """``max_k | ||r(k+1)|| / ||r(k)|| - (1 - eta) | / (1 - eta)`` of NGD's run."""
    step_ratio: float
    """The largest ``measured / predicted`` of T1-step on NGD's run."""


@dataclass(frozen=True)
class DatasetCertificate:
    """The whole certificate. ``results`` are evaluations of claims on family F5; ``curves`` feed the report."""

    name: str
    source: str
    n: int
    d: int
    rank: int
    lambda_0: float
    lambda_S: float
    spectral_norm_squared: float
    leverage: tuple[float, float]
    closest_pair: tuple[int, int]
    closest_angle: float
    """Radians between the closest pair of rows; n = 1 has none: infinite."""
    degeneracy: str
    rungs: tuple[RungCertificate, ...]
    problems: tuple[str, ...]
    results: tuple[tuple[str, Evaluation], ...] = field(repr=False)
    curves: Mapping[str, Mapping[str, tuple[list[float], list[float] | None]]] = field(repr=False)

    def to_json(self) -> dict[str, Any]:
        """Everything but results and curves, as plain JSON values; non-finite numbers become strings."""
        data = asdict(self)
        del data["results"], data["curves"]
        return dict(_plain(data))

    def lines(self) -> list[str]:
        """The certificate for a terminal."""
        first, second = self.closest_pair
        found = [
            f"data set {self.name}: n = {self.n}, d = {self.d}, rank {self.rank}; {self.source}",
            (
                f"  lambda0 >= {self.lambda_0:.6g}, lambda_S >= {self.lambda_S:.6g} (certified); ||X||_2^2 <= "
                f"{self.spectral_norm_squared:.6g}; leverage {self.leverage[0]:.4g} to {self.leverage[1]:.4g}"
            ),
            f"  closest pair: rows {first} and {second} at {self.closest_angle:.4g} rad" if self.n > 1 else "  one row",
            f"  {self.degeneracy}",
            (
                "  rows      m scale  lambda_min>=   ||r(0)||  C ball (attack)     C path  eta T1   T1-q  T1-sharp   "
                "steps to 1e-6: NGD, K-FAC, GD (observed/linearised)"
            ),
        ]
        for item in self.rungs:
            limits = item.step_limits["path"]
            counts = ", ".join(_count(item.iterations[name]) for name in CURVES if name in item.iterations)
            found.append(
                f"  {item.rung.rows:4d} {item.rung.width:6d} {item.rung.scale:5g}  {item.lambda_min:12.5g} "
                f"{item.residual_norm:10.4g}  {item.ball_constant:6.3g} ({item.attack_constant:6.3g}) "
                f"{item.path_constant:9.3g}  {limits['T1']:6.3f} {limits['T1-q']:6.3f} {limits['T1-sharp']:8.3f}   {counts}"
            )
        return [*found, *(f"  {problem}" for problem in self.problems)]


def _count(iterations: Iterations) -> str:
    observed = str(iterations.observed) if iterations.observed is not None else f">{iterations.steps_run}"
    return f"{observed}/{iterations.linearised if iterations.linearised is not None else '-'}"


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    return value


def certify_dataset(dataset: Dataset, depth: Depth, seed: int = 0) -> DatasetCertificate:
    """Certify, run and evaluate; a condition that cannot be certified is a result, not an error."""
    geometry = InputGeometry.of(dataset.X)
    reason = degeneracy(dataset.raw_X)
    results: list[tuple[str, Evaluation]] = []
    rungs, problems, curves = [], [], {}
    for rung in ladder(len(dataset.X), depth):
        label = f"n = {rung.rows}, m = {rung.width}"
        try:
            certificate, curve, evaluations = _certify_rung(dataset, rung, seed)
        except RankDeficientError as error:
            problems.append(f"{label}: {error}")
            continue
        rungs.append(certificate)
        curves[label] = curve
        results += evaluations
    pair, angle = closest_pair(dataset.X)
    return DatasetCertificate(
        name=dataset.name,
        source=dataset.source,
        n=len(dataset.X),
        d=dataset.X.shape[1],
        rank=geometry.rank,
        lambda_0=limiting_gram_eigenvalue(dataset.raw_X),
        lambda_S=limiting_pattern_gram_eigenvalue(dataset.raw_X),
        spectral_norm_squared=largest_eigenvalue_upper_bound(geometry.kernel),
        leverage=(float(geometry.leverage.min()), float(geometry.leverage.max())),
        closest_pair=pair,
        closest_angle=angle,
        degeneracy=reason.reason(),
        rungs=tuple(rungs),
        problems=tuple(problems),
        results=tuple(results),
        curves=curves,
    )


def closest_pair(inputs: FloatArray) -> tuple[tuple[int, int], float]:
    """Indices and angle (radians) of the two unit rows that are closest, ``2 atan2(|x-y|, |x+y|)``; inf for one row."""
    if len(inputs) == 1:
        return (0, 0), math.inf
    correlation = inputs @ inputs.T
    np.fill_diagonal(correlation, -np.inf)
    i, j = (int(k) for k in np.unravel_index(int(np.argmax(correlation)), correlation.shape))
    difference, total = np.linalg.norm(inputs[i] - inputs[j]), np.linalg.norm(inputs[i] + inputs[j])
    return (min(i, j), max(i, j)), 2 * math.atan2(float(difference), float(total))


def _certify_rung(
    dataset: Dataset, rung: Rung, seed: int
) -> tuple[RungCertificate, dict[str, tuple[list[float], list[float] | None]], list[tuple[str, Evaluation]]]:
    inputs, y = dataset.X[: rung.rows], dataset.y[: rung.rows]
    rng = np.random.default_rng([seed, rung.rows, rung.width])
    net = TwoLayerNetwork.initialise(rung.width, inputs.shape[1], rung.scale, rng, symmetric=rung.symmetric)
    ball = certify_ball(net, inputs, y)
    attack = attack_ball(net, inputs, y, rng=rng)
    steps = ngd.iterations(1 - STEP_SIZE, REDUCTION)
    path = certify_path(net, inputs, y, STEP_SIZE, steps, parts=rung.parts)
    evaluations, step_ratio, prediction = evaluate_real_data(net, inputs, y, STEP_SIZE, steps, path, rung.parts)
    runs = _runs(net, inputs, y)
    gram = net.gram(inputs)
    residual = net.outputs(inputs) - y
    iterations = {}
    curves: dict[str, tuple[list[float], list[float] | None]] = {}
    for name, (eta, norms) in runs.items():
        reached = np.flatnonzero(norms <= REDUCTION * norms[0])
        iterations[name] = Iterations(
            step_size=eta,
            predicted=prediction[1] if name == "ngd" and prediction else None,
            source=prediction[0] if name == "ngd" and prediction else None,
            linearised=linearised_iterations(name, eta, inputs, gram, residual, REDUCTION),
            observed=int(reached[0]) if reached.size else None,
            steps_run=len(norms) - 1,
        )
        bound = None
        if name == "ngd" and prediction:
            factor = ngd.rate(eta, path.constant, prediction[0])
            bound = [float(norms[0] * factor**k) for k in range(path.steps + 1)]
        curves[name] = ([float(norm) for norm in norms], bound)
    descent = runs["ngd"][1]
    ratios = descent[1:] / descent[:-1] / (1 - STEP_SIZE)
    certificate = RungCertificate(
        rung=rung,
        lambda_min=ball.lambda_min,
        residual_norm=float(np.linalg.norm(residual)),
        radius=ball.radius,
        ball_constant=ball.constant,
        attack_constant=attack.constant,
        path_constant=path.constant,
        path_steps=path.steps,
        step_limits={"ball": _limits(ball.constant), "path": _limits(path.constant)},
        iterations=iterations,
        halving_error=float(np.abs(ratios - 1).max()),
        step_ratio=step_ratio,
    )
    return certificate, curves, evaluations


def _limits(constant: float) -> dict[str, float]:
    return {theorem: ngd.step_limit(min(constant, 2.99), theorem) for theorem in ngd.THEOREMS}


def _runs(net: TwoLayerNetwork, inputs: FloatArray, y: FloatArray) -> dict[str, tuple[float, FloatArray]]:
    """Step size and residual norms of NGD, K-FAC (step 1) and GD (step ``1/||J(0)||_2^2``), until 1e-6 or the cap."""
    gd_step = 1 / float(np.linalg.eigvalsh(net.gram(inputs))[-1])
    plan: Sequence[tuple[str, float]] = (
        ("ngd", STEP_SIZE),
        ("kfac", 1.0),
        ("gd", gd_step),
    )
    runs = {}
    for name, eta in plan:
        found = trajectory(net, inputs, y, eta, STEP_CAPS[name], name, measure_steps=False, reduction=REDUCTION)
        runs[name] = (eta, found.residual_norms)
    return runs
