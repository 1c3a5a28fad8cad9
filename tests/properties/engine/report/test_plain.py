"""Plain values: what JSON can hold."""

import json
import math
from enum import StrEnum
from pathlib import Path

import numpy as np

from properties.engine.report.plain import json_text, number, plain


def test_plain_values() -> None:
    class Colour(StrEnum):
        RED = "red"

    value = {
        "a": (np.float64(0.1), np.int64(3), np.bool_(True), None),
        Colour.RED: np.array([[1.5, np.inf]]),
        3: {2, 1},
        "path": Path("x"),
        "nan": math.nan,
        "low": -math.inf,
    }
    expected = {"a": [0.1, 3, True, None], "red": [[1.5, "inf"]], "3": [1, 2], "path": "x", "nan": "nan", "low": "-inf"}
    assert plain(value) == expected
    assert [type(entry) for entry in plain(value)["a"]] == [float, int, bool, type(None)]
    assert json.loads(json_text(value)) == expected
    assert number("-inf") == -math.inf
