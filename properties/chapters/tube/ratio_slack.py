"""How tight the tube is: its ratio beside what an attack reaches in the same tube, and how far a run goes in it."""

from __future__ import annotations

import numpy as np

from properties.chapters.tube.patterns import nearly_equal
from properties.chapters.tube.ratio import SharpRatio
from properties.engine.claim import as_float
from properties.engine.slack import SlackRow
from theory.inputs import FloatArray
from theory.network.two_layer import TwoLayerNetwork
from theory.stability import certify_tube
from theory.stability.tube.attack import attack_tube
from theory.stability.tube.movement import largest_movement

WIDTH, SCALE, STEP_SIZE, STEPS = 2000, 3.0, 0.5, 8


def towards_each_other(size: int) -> FloatArray:
    """Unit rows (n, n): three parts of an axis of their own and one part of each other; correlations of 2/3 for four."""
    rows = 2 * np.eye(size) + 1
    return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True))


def tightness_row(title: str, inputs: FloatArray, scale: float, per_neuron: bool) -> SlackRow:
    """One seeded network with targets of size 1: mu of its tube, what an attack reaches, and the part of the widths that NGD uses."""
    rng = np.random.default_rng(3)
    net = TwoLayerNetwork.initialise(width=WIDTH, dim=inputs.shape[1], scale=scale, rng=rng, symmetric=True)
    targets = rng.choice([-1.0, 1.0], len(inputs))
    certificate = certify_tube(net, inputs, targets, per_neuron=per_neuron)
    attack = attack_tube(certificate.start, certificate.widths, rng)
    used = largest_movement(net, inputs, targets, STEP_SIZE, STEPS, certificate.widths)
    widths = "a pair" if per_neuron else "an input"
    return SlackRow(
        claim="T1-tube",
        quantity=f"mu in the tube of {title}, m = {WIDTH}, nu = {scale:g}, a width {widths}",
        proved=float(certificate.contraction),
        refuted=float(attack.ratio),
        remark=f"activations in the tube attain the smaller number; NGD at eta = {STEP_SIZE} moves by {used:.2f} of the width at most",
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


def tightness_rows() -> tuple[SlackRow, ...]:
    """Orthonormal inputs and correlated ones, with widths an input and a pair."""
    return tuple(
        tightness_row(title, inputs, scale, per_neuron)
        for title, inputs, scale in (
            ("4 orthonormal inputs", np.eye(4), SCALE),
            ("4 inputs with correlations 2/3", towards_each_other(4), 10 * SCALE),
        )
        for per_neuron in (False, True)
    )


MEASURED_SLACK = {"T1-tube": tightness_rows}

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
