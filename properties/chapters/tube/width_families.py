"""Where T3-tube and T3-tube-ratio are looked at: data of every kind, and networks drawn at the width itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from hypothesis import strategies as st

from properties.chapters.tube.width_instances import TubeWidthInstance
from properties.descent.random_networks import Description, unit_inputs
from properties.engine.claim import Depth, Family
from properties.engine.descriptions import described
from theory.inputs import normalise_rows
from theory.theorems.tube_plan import RATIO_FORM
from theory.theorems.tube_width import FORMS


def _forms(ratio_form: bool) -> Sequence[str]:
    return (RATIO_FORM,) if ratio_form else FORMS


def _build(description: Description) -> TubeWidthInstance:
    d = description
    rng = np.random.default_rng(d["seed"])
    rows = unit_inputs(d["kind"], d["n"], d["d"], rng)
    targets = np.round(rng.standard_normal(len(rows)) * 10.0 ** d["target_exponent"], 6)
    scale, delta = 2.0 ** d["scale_exponent"], d["delta_percent"] / 100
    return TubeWidthInstance(rows, targets, scale, delta, d["form"], d["symmetric"], d["ratio_percent"] / 100)


def _family(
    id: str, title: str, ratio_form: bool, targets: range, symmetric: Sequence[bool], counts: Sequence[int]
) -> Family[TubeWidthInstance]:
    return Family(
        id,
        title,
        lambda: described(
            {
                "kind": st.sampled_from(["uniform", "clustered", "antiparallel", "orthogonal"]),
                "n": st.sampled_from([1, 2, 3, 4, 6]),
                "d": st.integers(2, 6),
                "form": st.sampled_from(_forms(ratio_form)),
                "target_exponent": st.sampled_from(targets),
                "scale_exponent": st.sampled_from([-3, -1, 1, 3]),
                "delta_percent": st.integers(1, 99),
                "ratio_percent": st.sampled_from([0, 0, 10, 25, 50, 80]),
                "symmetric": st.sampled_from(symmetric),
                "seed": st.integers(0, 2**20),
            }
        ),
        _build,
        dict(zip(Depth, counts, strict=True)),
    )


def inputs(ratio_form: bool) -> Family[TubeWidthInstance]:
    """Rows of every kind."""
    title = "uniform, clustered, antiparallel and orthogonal rows; every delta, nu, mu and length of y"
    return _family("inputs", title, ratio_form, range(-3, 3), (True, True, False), (30, 200, 1500))


def few_counts(ratio_form: bool) -> Family[TubeWidthInstance]:
    """Where the first or the third width is the largest one."""
    title = "y short, symmetric initialisation: the second width is the smallest"
    return _family("short targets", title, ratio_form, range(-6, -3), (True,), (60, 60, 60))


NETWORKS = 200
"""Drawn for one description; enough to refute a failure rate halfway from delta to 1."""

DIMENSION = 100
"""Of random unit inputs, which are written in their own span."""


def _build_drawn(description: Description) -> TubeWidthInstance:
    d = description
    n = d["n"]
    rows = np.eye(n)
    if d["kind"] == "random":
        drawn = unit_inputs("uniform", n, DIMENSION, np.random.default_rng(n))
        rows = normalise_rows(np.linalg.qr(drawn.T)[1].T)
    targets = np.full(n, d["length"])
    return TubeWidthInstance(rows, targets, 1.0, 0.1, d["form"], d["symmetric"], 0.0, d["networks"])


def _descriptions(
    forms: Sequence[str], lengths: Mapping[int, float], alone: int, independent: int
) -> list[Description]:
    """Orthonormal and random inputs of every size in every form, small ones first; independent neurons with ``alone`` inputs."""
    found: list[Description] = [
        {"kind": kind, "n": n, "form": form, "length": length, "symmetric": True, "networks": NETWORKS}
        for n, length in lengths.items()
        for kind in ("orthonormal", "random")
        for form in forms
        if kind == "orthonormal" or form == forms[-1]
    ]
    last: Description = {"kind": "orthonormal", "n": alone, "form": forms[-1], "length": 1.0, "symmetric": False}
    return [*found, {**last, "networks": independent}]


def _drawn(
    forms: Sequence[str], lengths: Mapping[int, float], alone: int, independent: int = NETWORKS
) -> Family[TubeWidthInstance]:
    every = _descriptions(forms, lengths, alone, independent)
    return Family(
        "drawn",
        f"{NETWORKS} networks of the theorem's own width ({independent} with independent neurons), delta = 0.1, nu = 1: "
        "n orthonormal or random unit inputs",
        lambda: st.sampled_from(every),
        _build_drawn,
        dict(zip(Depth, (1, len(every), len(every)), strict=True)),
        listed=tuple(every),
    )


DRAWN = _drawn(FORMS, {2: 1.0, 4: 1.0, 10: 1.0}, 2)

FEWER = 80
"""Networks of independent neurons for T3-tube-ratio: each has three million, and takes as long as thirty of the others."""

DRAWN_RATIO = _drawn((RATIO_FORM,), {2: 0.5, 4: 0.25}, 1, FEWER)


def _narrow(ratio_form: bool) -> Family[TubeWidthInstance]:
    return Family(
        "narrow",
        "networks of a smaller width, orthonormal inputs",
        lambda: described(
            {
                "kind": st.just("orthonormal"),
                "n": st.sampled_from([2, 3]),
                "form": st.sampled_from(_forms(ratio_form)),
                "length": st.just(1.0),
                "symmetric": st.just(True),
                "networks": st.just(NETWORKS),
            }
        ),
        _build_drawn,
        dict.fromkeys(Depth, 4),
    )


NARROW = {ratio_form: _narrow(ratio_form) for ratio_form in (False, True)}
