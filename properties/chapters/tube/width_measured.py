"""How far T3-tube's widths are from what drawn networks need: ``python -m properties.chapters.tube.width_measured`` prints it."""

from __future__ import annotations

import numpy as np

from properties.chapters.tube.width_slack import half_certified, widths
from properties.reading.datasets import load_dataset
from theory.direction import computed
from theory.inputs import FloatArray


def line(name: str, X: FloatArray, y: FloatArray, scale: float, narrowest: int, widest: int) -> str:
    """The least power of 2 at which most drawn networks are certified, estimated, and what each form asks for beside it."""
    found = half_certified(X, y, scale, narrowest, widest)
    asked = ", ".join(
        f"{form} {computed(m)} ({computed(m / found, 2)} times)" for form, m in widths(X, y, scale).items()
    )
    return f"{name}, nu = {scale:g}: estimated from m = {found}; {asked}"


def main() -> None:
    """Orthonormal inputs, and the first ten digits."""
    print(line("10 orthonormal", np.eye(10), np.ones(10), 1.0, 11, 15))
    data = load_dataset("digits-4-9")
    print(line("10 digits", data.X[:10], data.y[:10], 100.0, 8, 17))


if __name__ == "__main__":
    main()
