"""Inputs, targets and scales for T3 and T4-width, and networks of the composed width that can be drawn."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import cache, partial

import numpy as np
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from properties.chapters.width.width_instances import WidthInstance
from properties.descent.random_networks import Description, unit_inputs
from properties.engine.claim import Depth, Family
from properties.engine.descriptions import described
from properties.engine.extras import Extra
from properties.reading.datasets import load_dataset
from theory.inputs import FloatArray
from theory.theorems.width import stability_width

Descriptions = Callable[[], SearchStrategy[Description]]


def _build(theorem: str, description: Description) -> WidthInstance:
    d = description
    rng = np.random.default_rng(d["seed"])
    inputs = unit_inputs(d["kind"], d["n"], d["d"], rng)
    targets = np.round(rng.standard_normal(len(inputs)) * 10.0 ** d["target_exponent"], 6)
    return WidthInstance(
        inputs,
        targets,
        10.0 ** d["scale_exponent"],
        d["delta_percent"] / 100,
        d["C_percent"] / 100,
        theorem,
        d["symmetric"],
    )


def _descriptions(inputs: range, targets: range, scales: range, C: range, symmetric: Sequence[bool]) -> Descriptions:
    return lambda: described(
        {
            "kind": st.sampled_from(["uniform", "clustered", "nearly parallel", "antiparallel", "orthogonal"]),
            "n": st.sampled_from(inputs),
            "d": st.integers(2, 5),
            "target_exponent": st.sampled_from(targets),
            "scale_exponent": st.sampled_from(scales),
            "delta_percent": st.integers(1, 99),
            "C_percent": st.integers(C[0], C[-1]),
            "symmetric": st.sampled_from(symmetric),
            "seed": st.integers(0, 2**20),
        }
    )


def inputs(theorem: str) -> Family[WidthInstance]:
    """Rows of every kind."""
    return Family(
        "inputs",
        "uniform, clustered, nearly parallel, antiparallel and orthogonal rows; every C, delta, nu and length of y",
        _descriptions(range(1, 6), range(-4, 3), range(-3, 4), range(1, 300), (False, True)),
        partial(_build, theorem),
        {Depth.QUICK: 40, Depth.NORMAL: 250, Depth.THOROUGH: 2000},
    )


def short_targets(theorem: str) -> Family[WidthInstance]:
    """Where K-chernoff's width is the larger one."""
    return Family(
        "short targets",
        "y short beside nu, symmetric initialisation: K-chernoff's width is the larger one",
        _descriptions(range(2, 6), range(-4, -2), range(2, 4), range(100, 300), (True,)),
        partial(_build, theorem),
        dict.fromkeys(Depth, 60),
    )


def _build_nearly_dependent(description: Description) -> WidthInstance:
    d = description
    angle = 10.0 ** -d["angle_exponent"]
    rows = np.array([[1.0, 0.0, 0.0], [-math.cos(angle), math.sin(angle), 0.0], [0.0, 0.0, 1.0]])
    inputs = rows[: d["n"], : d["n"]]
    return WidthInstance(inputs, np.full(len(inputs), 1.0), 1.0, 0.1, d["C_percent"] / 100, "T4-width", d["symmetric"])


NEARLY_DEPENDENT = Family[WidthInstance](
    "nearly dependent",
    "rows at an angle of 0.1 to 1e-20 from antiparallel: a singular value that float64 may take for 0",
    lambda: described(
        {
            "n": st.integers(2, 3),
            "angle_exponent": st.sampled_from([1, 2, 3, 4, 17, 18, 19, 20]),
            "C_percent": st.integers(10, 100),
            "symmetric": st.booleans(),
        }
    ),
    _build_nearly_dependent,
    {Depth.QUICK: 10, Depth.NORMAL: 40, Depth.THOROUGH: 200},
)


@cache
def _digits() -> tuple[FloatArray, FloatArray]:
    data = load_dataset("digits-4-9")
    return data.X, data.y


def _build_digits(theorem: str, description: Description) -> WidthInstance:
    d = description
    X, y = _digits()
    rows = d["rows"]
    name = f"{rows} digits, nu = {d['scale']}, symmetric = {d['symmetric']}"
    return WidthInstance(X[:rows], y[:rows], float(d["scale"]), 0.1, 0.5, theorem, d["symmetric"], data=name)


def data(theorem: str) -> Family[WidthInstance]:
    """Rows of digits."""
    return Family(
        "digits",
        "the first rows of digits 4 versus 9, delta = 0.1, C = 1/2",
        lambda: described(
            {"rows": st.sampled_from([10, 100]), "scale": st.sampled_from([1, 4]), "symmetric": st.booleans()}
        ),
        partial(_build_digits, theorem),
        {Depth.QUICK: 2, Depth.NORMAL: 8, Depth.THOROUGH: 8},
        extra=Extra.DATA,
    )


def _build_end_to_end(description: Description) -> WidthInstance:
    """The length of y follows from the width that is asked for."""
    d = description
    n, delta, C = d["n"], d["delta_percent"] / 100, d["C_percent"] / 100
    unit = float(stability_width(1.0, n, 1.0, delta, C, 0.5, symmetric=True))
    targets = np.full(n, math.sqrt(d["hundreds"] * 100 / unit / n))
    return WidthInstance(np.eye(n), targets, 1.0, delta, C, "T3", True, drawn=True)


def _end_to_end(
    inputs: list[int], delta: range, C: range, hundreds: range, counts: Sequence[int]
) -> Family[WidthInstance]:
    return Family(
        "end to end",
        "orthogonal rows, symmetric initialisation, y short enough: networks of the composed width, sampled",
        lambda: described(
            {
                "n": st.sampled_from(inputs),
                "delta_percent": st.integers(delta[0], delta[-1]),
                "C_percent": st.integers(C[0], C[-1]),
                "hundreds": st.integers(hundreds[0], hundreds[-1]),
            }
        ),
        _build_end_to_end,
        dict(zip(Depth, counts, strict=True)),
    )


END_TO_END = _end_to_end([1, 2, 3], range(1, 76), range(10, 101), range(1, 150), (3, 12, 60))
WIDE = _end_to_end([1], range(90, 96), range(80, 101), range(1500, 2000), (10, 10, 10))
