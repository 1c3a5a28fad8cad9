"""Where T3-tube and T3-tube-ratio are looked at: data of every kind, and networks drawn at the width itself."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import numpy as np
from hypothesis import strategies as st

from properties.chapters.tube.width_instances import TubeWidthInstance
from properties.descent.random_networks import Description, unit_inputs
from properties.engine.claim import Depth, Family
from properties.engine.descriptions import described
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


def _build_drawn(networks: Sequence[int], description: Description) -> TubeWidthInstance:
    d = description
    n = d["n"]
    rng = np.random.default_rng(d["seed"])
    rows = np.eye(n) if d["kind"] == "orthonormal" else unit_inputs("uniform", n, d.get("d", 10), rng)
    count = networks[0] if n <= 4 else networks[-1]
    return TubeWidthInstance(rows, np.ones(n) * d.get("length", 1.0), 1.0, 0.1, d["form"], d["symmetric"], 0.0, count)


def _descriptions(forms: Sequence[str], sizes: Sequence[int]) -> list[Description]:
    """Every kind of data, size and form once; independent neurons at the smallest size."""
    found: list[Description] = [
        {"kind": kind, "n": n, "form": form, "symmetric": True, "seed": 0}
        for n in sizes
        for kind in ("orthonormal", "random")
        for form in forms
    ]
    return found + [{"kind": "orthonormal", "n": 2, "form": form, "symmetric": False, "seed": 0} for form in forms]


def _drawn(forms: Sequence[str]) -> Family[TubeWidthInstance]:
    quick = _descriptions(forms, [2])
    return Family(
        "drawn",
        "networks of the theorem's own width, delta = 0.1, nu = 1: n orthonormal or random unit inputs, y all 1",
        lambda: st.sampled_from(quick),
        partial(_build_drawn, (200,)),
        dict.fromkeys(Depth, 1),
    )


DRAWN, DRAWN_RATIO = _drawn(FORMS), _drawn((RATIO_FORM,))

NARROW = {
    ratio_form: Family(
        "narrow",
        "networks of a smaller width, n orthonormal inputs",
        lambda ratio_form=ratio_form: described(
            {
                "kind": st.just("orthonormal"),
                "n": st.sampled_from([2, 3]),
                "form": st.sampled_from(_forms(ratio_form)),
                "symmetric": st.booleans(),
                "seed": st.just(0),
            }
        ),
        partial(_build_drawn, (200,)),
        dict.fromkeys(Depth, 4),
    )
    for ratio_form in (False, True)
}
