"""What ``natural-gradient certify`` says of ball, tube and trajectory, a line each.

PYTEST_DONT_REWRITE: the module holds no assertions and may be imported before pytest starts.
"""

from __future__ import annotations

import math

from properties.engine.report.plain import counted
from theory.descent.optimiser import as_optimiser
from theory.direction import as_lower_bound, as_upper_bound, digits, raised, stated
from theory.inputs import FloatArray
from theory.kernels.geometry import InputGeometry
from theory.rigour.input_bounds import input_bounds
from theory.stability.ball import BallCertificate
from theory.streaming.certificate import StreamedCertificate
from theory.streaming.trajectory import StreamedTrajectory
from theory.streaming.tube import StreamedTube
from theory.theorems import kfac, ngd


def certificate_lines(found: StreamedCertificate) -> list[str]:
    """What is certified of ball and tube."""
    start = found.start
    lines = [
        f"Condition 1: {stated({'lambda_min(G(0))': start.lambda_min})}, {stated({'||r(0)||': start.residual_norm})}"
        if start.lambda_min > 0
        else "Condition 1 is not certified: no positive lambda_min(G(0)); take other inputs, or more neurons"
    ]
    if found.ball is not None and found.ball.changes.condition == "K2":
        lines += _pattern_ball(found.ball, found.stream.rows)
    elif found.ball is not None and start.lambda_min > 0:
        lines += _ball(found.ball)
    if found.tube is not None:
        lines += _tube(found.tube)
    return lines


def _ball(ball: BallCertificate) -> list[str]:
    line = f"Condition 2 on the paper's ball, {stated({'radius': ball.radius})}: {stated({'C': ball.constant})}"
    if not ball.constant < ngd.constant_limit("T1"):
        return [line, "  T1 asks for C < 1/2"]
    limit = as_lower_bound(ngd.step_limit(ball.constant, "T1"), "T1's step limit")
    return [
        line,
        f"  T1: ||r(k)||^2 <= (1-eta)^k ||r(0)||^2 for every 0 < eta <= {digits(limit)} and every k (certified)",
    ]


def _pattern_ball(ball: BallCertificate, rows: FloatArray) -> list[str]:
    if not ball.lambda_min > 0:
        return ["Condition K1 is not certified: no positive lambda_min(H(0)); take other inputs, or more neurons"]
    line = f"Condition K1: {stated({'lambda_min(H(0))': ball.lambda_min})}"
    if not math.isfinite(ball.radius):
        return [line, "Condition K2: the rank of X is not certified, and no radius with it"]
    lines = [
        line,
        f"Condition K2 on the paper's ball, {stated({'radius': ball.radius})}: {stated({'C': ball.constant})}",
    ]
    if not ball.constant < kfac.constant_limit("T4-lev"):
        return [*lines, "  T4-lev asks for C < 3/5"]
    inputs = input_bounds(InputGeometry.of(rows))
    limit = as_lower_bound(
        kfac.step_limit(ball.constant, h_max=inputs.h_max[1], theorem="T4-lev"), "T4-lev's step limit"
    )
    return [
        *lines,
        f"  T4-lev: ||r(k)||^2 <= (1-h eta)^k ||r(0)||^2, h = {digits(inputs.h_min[0])}, for every 0 < eta <= {digits(limit)} and every k (certified)",
    ]


def _tube(tube: StreamedTube) -> list[str]:
    if tube.certified:
        return [
            f"Tube: {stated({'mu': tube.contraction, 'path sum': tube.path_sum})}",
            "  T1-tube: ||r(k)|| <= (1-(1-mu)eta)^k ||r(0)|| for every 0 < eta <= 1 and every k (certified)",
        ]
    return [] if tube.failure is None else [f"Tube: not certified, as {tube.failure}"]


def trajectory_lines(found: StreamedTrajectory, tube: StreamedTube | None) -> list[str]:
    """What holds along the steps, and in a tube for every step."""
    title, path = as_optimiser(found.optimiser).title, found.path
    lines = [
        f"Trajectory of {title}, eta = {found.step_size:g}; {stated({'||r(0)||': found.steps[0].before})}; each step from the Z stored before it",
    ]
    for k, (step, (_, most), constant) in enumerate(
        zip(found.steps, found.factors, path.step_constants, strict=True), 1
    ):
        after = stated({f"||r({k})||": step.after})
        quotient = f"||r({k})||/||r({k - 1})||"
        known = stated({quotient: most}) if math.isfinite(most) else f"r({k - 1}) is not told from 0"
        so_far = f"; C so far <= {raised(constant)}" if path.lambda_min > 0 else ""
        lines.append(f"  {after}, {known}{so_far}")
    named = f"Condition {found.condition} along {counted(path.steps, 'step')}"
    lines.append(
        f"{named}: {stated({'C': path.constant})}"
        if path.lambda_min > 0
        else f"{named}: not certified, as Condition {'K1' if found.condition == 'K2' else '1'} is not"
    )
    if tube is not None and tube.certified and found.optimiser == "ngd" and found.step_size <= 1:
        rate = as_upper_bound(ngd.rate(found.step_size, tube.contraction, "T1-tube"), "T1-tube's factor")
        lines.append(f"  T1-tube: of the exact run {stated({'||r(k+1)||/||r(k)||': rate})}, for every k")
    if found.broken is not None:
        lines.append(f"  no further step: {found.broken}")
    return lines
