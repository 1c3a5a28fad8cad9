"""Problems drawn from small descriptions: a few layers, whole weights and data, biases in halves."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from properties.engine.descriptions import described
from theory.conformance.problem import Problem, Stage
from theory.inputs import FloatArray

Description = Mapping[str, Any]

SIMPLE: Description = {
    "net": "linear",
    "activation": "identity",
    "width": 2,
    "hidden": 2,
    "outputs": 3,
    "data": 1,
    "positions": 1,
    "ragged": False,
    "bias": False,
    "loss": "half squared",
    "reduction": "batch",
    "approximation": "expand",
    "single": False,
    "seed": 0,
}
"""One datum, one layer of weights (3, 2)."""

CONVOLUTIONS = (
    (2, 1, 1, 0),
    (2, 2, 1, 0),
    (2, 1, 2, 0),
    (3, 1, 1, 1),
    (2, 2, 1, 1),
    (3, 2, 1, 1),
    (2, 1, 1, 1),
    (1, 1, 1, 0),
)
"""Kernel, stride, dilation, padding."""


def whole(rng: np.random.Generator, *shape: int, most: int = 2) -> FloatArray:
    """Whole numbers from -most to most but 0."""
    sizes = rng.integers(1, most + 1, shape) * rng.choice((-1, 1), shape)
    return np.asarray(sizes, dtype=np.float64)


def parameter(rng: np.random.Generator, rows: int, columns: int, bias: bool) -> FloatArray:
    """A matrix of whole numbers, with a bias in halves as its last column."""
    W = whole(rng, rows, columns)
    return np.hstack([W, whole(rng, rows, 1) + 0.5]) if bias else W


def stages_of(d: Description) -> list[tuple[Stage, int, int]]:
    """The stages of a net, each with the rows and columns of its matrix; 0 where it has none."""
    act, width, hidden, C = d["activation"], d["width"], d["hidden"], d["outputs"]
    if d["loss"] == "softmax":
        C = max(C, 2)  # of one class it is constant
    kernel, stride, dilation, padding = CONVOLUTIONS[d.get("convolution", 0)]

    def conv(p: int, into: int, outof: int, a: str = act) -> tuple[Stage, int, int]:
        return Stage("convolution", p, a, kernel, stride, dilation, padding), outof, into * kernel

    def plain(p: int, into: int, outof: int, a: str = "identity") -> tuple[Stage, int, int]:
        return Stage("linear", p, a), outof, into

    pool, flat = (Stage("pool"), 0, 0), (Stage("flatten"), 0, 0)
    after = (
        conv(0, 1, 1)[0].positions(max(d["positions"], dilation * (kernel - 1) + 1)) if "convolution" in d["net"] else 1
    )
    nets: dict[str, list[tuple[Stage, int, int]]] = {
        "linear": [plain(0, width, C)],
        "deep": [plain(0, width, hidden, act), plain(1, hidden, C)],
        "deeper": [plain(0, width, hidden, act), plain(1, hidden, hidden + 1, act), plain(2, hidden + 1, C)],
        "tied": [plain(0, width, width, act), plain(0, width, width, act), plain(1, width, C)],
        "tokens": [plain(0, width, hidden, act), plain(1, hidden, C)],
        "mixed-tokens": [
            plain(0, width, hidden, "identity"),
            (Stage("convolution", 1, "identity", 2, 1, 1, 0), C, 2 * hidden),
        ],
        "pooled": [plain(0, width, hidden, act), pool, plain(1, hidden, C)],
        "summed": [plain(0, width, hidden, act), (Stage("pool", mean=False), 0, 0), plain(1, hidden, C)],
        "window": [
            plain(0, width, hidden, "identity"),
            (Stage("convolution", 1, "identity", 2), hidden, 2 * hidden),
            pool,
        ],
        "convolution": [conv(0, width, C, "identity")],
        "pooled-convolution": [conv(0, width, hidden), pool, plain(1, hidden, C)],
        "two-convolutions": [
            (Stage("convolution", 0, "identity", 2), hidden, 2 * width),
            (Stage("convolution", 1, "identity", 2), C, 2 * hidden),
            pool,
        ],
        "flat-convolution": [conv(0, width, hidden), flat, plain(1, hidden * after, C)],
    }
    return nets[d["net"]]


def problem_of(d: Description) -> Problem:
    """The problem of a description with the keys of ``SIMPLE``, and maybe ``convolution``, a number of ``CONVOLUTIONS``."""
    rng = np.random.default_rng(d["seed"])
    layout = stages_of(d)
    parameters: dict[int, FloatArray] = {}
    for stage, rows, columns in layout:
        if stage.parameter >= 0 and stage.parameter not in parameters:
            parameters[stage.parameter] = parameter(rng, rows, columns, d["bias"])
    stages = tuple(stage for stage, _, _ in layout)
    lengths = [lengths_of(d, n) for n in range(d["data"])]
    inputs = tuple(whole(rng, T, d["width"]) for T in lengths)
    after = []
    for T in lengths:
        for stage in stages:
            T = stage.positions(T)
        after.append(T)
    C = [rows for _, rows, _ in layout if rows][-1]
    return Problem(
        stages=stages,
        parameters=tuple(parameters[p] for p in sorted(parameters)),
        biases=(d["bias"],) * len(parameters),
        trained=(True,) * len(parameters),
        inputs=inputs,
        targets=tuple(targets_of(rng, d["loss"], T, C) for T in after),
        loss=d["loss"],
        reduction=d["reduction"],
        approximation=d["approximation"],
        single=d["single"],
    )


def lengths_of(d: Description, datum: int) -> int:
    """How many positions a datum has."""
    if d["net"] in ("linear", "deep", "deeper", "tied"):
        return 1
    kernel, _, dilation, _ = CONVOLUTIONS[d.get("convolution", 0)]
    least = {"two-convolutions": 3, "mixed-tokens": 2, "window": 2}.get(d["net"], 1)
    if d["net"].endswith("convolution"):
        least = dilation * (kernel - 1) + 1
        if d["net"].startswith("flat"):
            return max(int(d["positions"]), least)
    return max(int(d["positions"]) + (datum % 3 if d["ragged"] else 0), least)


def targets_of(rng: np.random.Generator, loss: str, positions: int, outputs: int) -> FloatArray:
    """Targets of one datum."""
    if loss == "softmax":
        return np.eye(outputs)[rng.integers(0, outputs, positions)]
    if loss == "logistic":
        return rng.integers(0, 2, (positions, outputs)).astype(np.float64)
    return rng.integers(-3, 4, (positions, outputs)).astype(np.float64)


def drawn(**parts: Any) -> SearchStrategy[Description]:
    """Descriptions: of every key of ``SIMPLE`` the values named, each a tuple, or else the usual ones."""
    usual: dict[str, Any] = {
        "net": ("linear",),
        "activation": ("identity", "relu", "tanh"),
        "width": (2, 1, 3),
        "hidden": (2, 1, 3),
        "outputs": (3, 1, 2),
        "data": (1, 2, 3, 4),
        "positions": (1, 2, 3),
        "ragged": (False, True),
        "bias": (False, True),
        "loss": ("half squared", "squared"),
        "reduction": ("batch", "sum", "outputs"),
        "approximation": ("expand",),
        "single": (False, True),
    }
    chosen = {key: st.sampled_from(values) for key, values in {**usual, **parts}.items()}
    return described({**chosen, "seed": st.integers(0, 2**16)})


def simple(**changes: Any) -> Description:
    """``SIMPLE`` with changes."""
    return {**SIMPLE, **changes}
