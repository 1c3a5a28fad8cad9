"""Certified tubes by the thousand, each followed in balls: none is left, no factor is exceeded."""

from collections import Counter
from collections.abc import Mapping
from typing import Any

import numpy as np

from properties.chapters.tube.damped import DAMPING, T1_DAMPED_TUBE
from properties.chapters.tube.families import build_drawn
from properties.chapters.tube.instances import CERTIFIED, FORMS
from properties.chapters.tube.ngd import T1_TUBE
from properties.engine.claim import InstanceVerdict
from properties.engine.search import evaluate_instance

SMOOTH = ("softplus", "tanh", "erf", "sin")


def drawn_description(rng: np.random.Generator) -> Mapping[str, Any]:
    """One tube: ReLU or smooth, one width an input or one a pair, with damping or without."""
    smooth, damped = bool(rng.random() < 0.2), bool(rng.random() < 0.3)
    certified = str(rng.choice(["", *CERTIFIED, *CERTIFIED]))
    given: dict[str, Any] = {
        "inputs": int(rng.integers(1, 4 if smooth else 5)),
        "dimension": int(rng.integers(3, 7)),
        "kind": str(rng.choice(["uniform", "orthogonal", "clustered"])),
        "half_width": int(rng.integers(4, 13)) if smooth else int(rng.choice([64, 128, 256])),
        "symmetric": bool(rng.random() < 0.5),
        "activation": str(rng.choice(SMOOTH)) if smooth else "relu",
        "ratio_percent": int(rng.choice([95, 70, 50, 35, 25, 15, 5])),
        "step_percent": int(rng.choice([10, 30, 50, 80, 100])),
        "steps": int(rng.integers(2, 6 if smooth else 16)),
        "form": "residual" if damped else str(rng.choice(FORMS)),
        "certified": certified,
        "seed": int(rng.integers(2**30)),
    }
    if damped:
        given["damping"] = float(rng.choice(DAMPING))
    return given


def no_false_certificate(seed: int, count: int) -> Counter[str]:
    """Evaluate so many tubes; what they were, by name. Raises AssertionError for one that is left or a factor that is exceeded."""
    rng, counted = np.random.default_rng(seed), Counter[str]()
    for _ in range(count):
        description = drawn_description(rng)
        damped = "damping" in description
        claim = T1_DAMPED_TUBE if damped else T1_TUBE
        found = evaluate_instance(claim, "sweep", description, build_drawn(description), seed)
        assert found.verdict is not InstanceVerdict.REFUTED, (description, found.bounds)
        counted[str(found.verdict)] += 1
        if found.verdict is InstanceVerdict.HOLDS:
            names = [
                description["certified"] or f"given widths, {description['form']}",
                "damped" if damped else "undamped",
                "relu" if description["activation"] == "relu" else "smooth",
            ]
            counted.update([*names, *(name for name in found.features if name == "flips" or name.startswith("mu"))])
    return counted
