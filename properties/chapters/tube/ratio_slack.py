"""How tight the tube is: its ratio and factor beside what an adversary reaches in it, and its widths beside what a run needs of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial

import numpy as np

from properties.chapters.tube.patterns import nearly_equal
from properties.chapters.tube.ratio import SharpRatio
from properties.engine.claim import as_float
from properties.engine.slack import SlackRow
from theory.inputs import FloatArray
from theory.network.two_layer import TwoLayerNetwork
from theory.stability import certify_tube
from theory.stability.tube.attack import attack_tube
from theory.stability.tube.movement import movement

WIDTH, SCALE, STEP_SIZE, STEPS = 2000, 3.0, 0.5, 12


def towards_each_other(size: int) -> FloatArray:
    """Unit rows (n, n): three parts of an axis of their own and one part of each other; correlations of 2/3 for four."""
    rows = 2 * np.eye(size) + 1
    return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True))


@dataclass(frozen=True)
class Tightness:
    """One seeded network with targets of size 1 in its certified tube, beside an adversary in that tube and beside its own run."""

    title: str
    """Of the inputs."""
    inputs: FloatArray
    """Independent rows (n, d), so that there are weights with every pattern that the widths allow."""
    scale: float
    per_neuron: bool = True
    optimiser: str = "ngd"
    width: int = WIDTH

    @property
    def claim(self) -> str:
        """The theorem's id."""
        return "T4-tube" if self.optimiser == "kfac" else "T1-tube"

    def rows(self) -> tuple[SlackRow, ...]:
        """mu and the factor of a step, certified and attained by patterns; the widths, and what the run needs of them."""
        rng = np.random.default_rng(3)
        net = TwoLayerNetwork.initialise(self.width, self.inputs.shape[1], self.scale, rng, symmetric=True)
        targets = rng.choice([-1.0, 1.0], len(self.inputs))
        found = certify_tube(net, self.inputs, targets, self.optimiser, per_neuron=self.per_neuron)
        attack = attack_tube(found.start, found.widths, rng)
        slower = attack_tube(found.start, found.widths, rng, STEP_SIZE)
        run = movement(net, self.inputs, targets, STEP_SIZE, STEPS, found.widths, self.optimiser)
        widths = "a pair" if self.per_neuron else "an input"
        where = f"the tube of {self.title}, m = {self.width}, nu = {self.scale:g}, a width {widths}"
        shares = {
            "mu": float(attack.ratio / found.contraction),
            "S": run.path / found.path_sum,
            "the widths beside S": run.used * found.path_sum / run.path,
        }
        matrix = "||I - eta M||_2" if self.optimiser == "kfac" else "||r(k+1)||/||r(k)||"
        return (
            SlackRow(
                self.claim, f"mu in {where}", None, float(found.contraction), float(attack.ratio), remark=PATTERNS
            ),
            SlackRow(
                self.claim,
                f"the largest {matrix} at eta = {STEP_SIZE} in {where}",
                None,
                1 - STEP_SIZE * (1 - float(found.contraction)),
                float(slower.factor),
                remark=PATTERNS,
            ),
            SlackRow(
                self.claim,
                f"the widths, in units of b, in {where}",
                None,
                1.0,
                run.used,
                remark=f"used at eta = {STEP_SIZE}; of mu, S and the widths beside S the shares {_listed(shares)} are used: "
                f"the next factor lies in {min(shares, key=lambda name: shares[name])}",
            ),
        )


PATTERNS = "patterns that the widths allow attain the smaller number"


def _listed(shares: Mapping[str, float]) -> str:
    return ", ".join(f"{share:.2f}" for share in shares.values())


TUBES = (
    *(
        Tightness(title, inputs, scale, per_neuron)
        for title, inputs, scale in (
            ("4 orthonormal inputs", np.eye(4), SCALE),
            ("4 inputs with correlations 2/3", towards_each_other(4), 10 * SCALE),
        )
        for per_neuron in (False, True)
    ),
    Tightness("4 orthonormal inputs", np.eye(4), 10 * SCALE, optimiser="kfac"),
    Tightness("4 inputs with correlations 2/3", towards_each_other(4), 10 * SCALE, optimiser="kfac"),
)


def _limit_row() -> SlackRow:
    """From where on T1-tube-sharp fails, at one instance of its mutant's family."""
    at = SharpRatio().numbers(nearly_equal({"nearness": 2**14, "first": 12, "second": 10**7, "both": 9}))
    return SlackRow(
        claim="T1-tube-sharp",
        quantity="the largest xi/lambda_c",
        proved=1.0,
        refuted=as_float(at.xi / at.lambda_c),
        witness="T1-tube-sharp/xi-unlimited",
    )


def measured_rows(claim: str) -> tuple[SlackRow, ...]:
    """Those of T1-tube or of T4-tube."""
    return tuple(row for tube in TUBES if tube.claim == claim for row in tube.rows())


MEASURED_SLACK = {id: partial(measured_rows, id) for id in ("T1-tube", "T4-tube")}

SLACK = (
    SlackRow(
        claim="C2-tube-ratio",
        quantity="the factor of the second form",
        proved=0.5,
        refuted=0.49,
        witness="C2-tube-ratio/smaller-half",
        remark="attained in the limit (P13.42)",
    ),
    SlackRow(
        claim="C2-tube-ratio",
        quantity="the factor of the fourth form",
        proved=1.0,
        refuted=0.91,
        witness="C2-tube-ratio/smaller-fourth",
        remark="attained in the limit (P13.44)",
    ),
    _limit_row(),
)
