"""Families of networks in tubes: drawn ones, whose ratio is dialled, and those that are made to flip."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from hypothesis import strategies as st

from properties.chapters.tube.closing import Closing
from properties.chapters.tube.instances import CERTIFIED, FORMS, TubeNetwork
from properties.chapters.tube.planned import PLANS, SINGLED_OUT, realised
from properties.descent.inputs import draw_inputs
from properties.engine.claim import Family
from properties.engine.descriptions import described_family
from theory.descent.damped_ngd import DampedNaturalGradient
from theory.inputs import FloatArray
from theory.network.two_layer import TwoLayerNetwork

Description = Mapping[str, Any]

SEARCH = (40, 100, 300)
"""Examples of a mutant's family."""

SMOOTH: dict[str, Any] = {
    "activation": st.sampled_from(["softplus", "tanh", "erf", "sin"]),
    "inputs": st.integers(1, 3),
    "half_width": st.integers(4, 12),
    "steps": st.integers(2, 6),
    "certified": st.sampled_from(["", *CERTIFIED]),
}
"""Every entry is a ball there: few neurons."""


def optimiser_of(description: Description, closing: Closing) -> str:
    """NGD, or damped NGD with the share of ``lambda_min(G(0))`` that the description asks for."""
    share = description.get("damping")
    return "ngd" if share is None else DampedNaturalGradient(share * max(closing.first, 0.0)).name


def build_drawn(description: Description) -> TubeNetwork:
    """A random network, and r(0) in a random direction as long as a tube with the ratio that is asked for allows."""
    d, rng = description, np.random.default_rng(description["seed"])
    inputs: FloatArray = draw_inputs(d["inputs"], d["dimension"], d["kind"], rng)
    net = TwoLayerNetwork.initialise(2 * d["half_width"], d["dimension"], 1.0, rng, d["symmetric"], d["activation"])
    drawn_direction: FloatArray = rng.standard_normal(len(inputs))
    direction = np.asarray(drawn_direction / np.linalg.norm(drawn_direction))
    closing = Closing(net, inputs)
    found = closing.dialled(direction, d["ratio_percent"] / 100, d["form"])
    length, widths = found if found is not None else (1.0, np.ones(len(inputs)))
    return TubeNetwork(
        net,
        inputs,
        net.outputs(inputs) - length * direction,
        widths / d.get("narrowed", 1),
        d["step_percent"] / 100,
        d["steps"],
        d.get("certified") or d["form"],
        optimiser=optimiser_of(d, closing),
    )


def build_planned(description: Description) -> TubeNetwork:
    """A network made to flip; where no tube closes, in one of the widths that are asked for."""
    d = description
    net, inputs, residual = realised(PLANS[d["plan"]](d["fixed"], d["flipping"]))
    closing = Closing(net, inputs)
    found = closing.closed(residual, d["form"])
    b = np.full(len(inputs), d.get("reach", 1.0)) if found is None else found[1]
    eta, optimiser = d["step_percent"] / 100, optimiser_of(d, closing)
    targets = net.outputs(inputs) - residual
    return TubeNetwork(net, inputs, targets, b, eta, d["steps"], d["form"], optimiser=optimiser)


def drawn(counts: tuple[int, int, int], id: str = "relu", **changes: Any) -> Family[TubeNetwork]:
    """Random networks; mu is dialled."""
    parts = {
        "inputs": st.sampled_from([1, 2, 2, 3, 4]),
        "dimension": st.integers(3, 6),
        "kind": st.sampled_from(["uniform", "uniform", "orthogonal", "clustered"]),
        "half_width": st.sampled_from([64, 128, 256]),
        "symmetric": st.booleans(),
        "activation": st.just("relu"),
        "ratio_percent": st.sampled_from([95, 70, 50, 35, 25, 15, 5]),
        "step_percent": st.sampled_from([10, 30, 50, 80, 100, 100]),
        "steps": st.integers(2, 20),
        "form": st.sampled_from(FORMS),
        "seed": st.integers(0, 2**20),
    }
    title = "small networks with a tube that closes, their runs in balls"
    return described_family(id, title, build_drawn, counts, **{**parts, **changes})


def planned(counts: tuple[int, int, int], id: str = "planned", **changes: Any) -> Family[TubeNetwork]:
    """Networks made to flip at once."""
    parts = {
        "plan": st.sampled_from([name for name in PLANS if name not in SINGLED_OUT]),
        "fixed": st.integers(4, 40),
        "flipping": st.integers(1, 12),
        "step_percent": st.sampled_from([10, 20, 50, 100, 100]),
        "steps": st.integers(2, 30),
        "form": st.sampled_from(FORMS),
    }
    title = "networks made to flip at once, their runs in balls"
    return described_family(id, title, build_planned, counts, **{**parts, **changes})
