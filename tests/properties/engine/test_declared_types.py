"""Declared types are seen through, whichever way a version of Python or NumPy writes them."""

import sys
import typing
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Final, Literal, NewType, TypeVar

import numpy as np
import pytest
from numpy.typing import NDArray
from typing_extensions import TypeAliasType, TypeVarTuple

from properties.engine.declared_types import conforms, expanded

Number = TypeVar("Number", bound=np.number[Any])
First = TypeVar("First")
Second = TypeVar("Second")
Several = TypeVarTuple("Several")

Vector = TypeAliasType("Vector", np.ndarray[Any, np.dtype[Number]], type_params=(Number,))
FloatVector = TypeAliasType("FloatVector", Vector[np.float64])
Same = TypeAliasType("Same", First, type_params=(First,))
Swapped = TypeAliasType("Swapped", Mapping[Second, First] | First, type_params=(First, Second))
Optional = TypeAliasType("Optional", Vector[Number] | None, type_params=(Number,))
Nothing = TypeAliasType("Nothing", None)
Last = TypeAliasType("Last", tuple[*Several] | First, type_params=(Several, First))
Metres = NewType("Metres", float)

FLOATS, INTEGERS = np.zeros(2), np.zeros(2, dtype=np.int64)


@pytest.mark.parametrize(
    ("hint", "fits", "fails"),
    [
        (NDArray[np.float64], FLOATS, INTEGERS),
        (NDArray[np.float64 | np.bool_], FLOATS, INTEGERS),
        (NDArray[np.floating[Any]], FLOATS, INTEGERS),
        (NDArray[Any], INTEGERS, 2.0),
        (NDArray, INTEGERS, 2.0),
        (np.ndarray, FLOATS, 2.0),
        (np.ndarray[Any, Any], INTEGERS, None),
        (Vector[np.float64], FLOATS, INTEGERS),
        (Vector, INTEGERS, np.zeros(2, dtype=bool)),
        (FloatVector, FLOATS, INTEGERS),
        (Same[FloatVector], FLOATS, INTEGERS),
        (Same[Same[np.ndarray[Any, np.dtype[np.int64]]]], INTEGERS, FLOATS),
        (Same, "anything", ...),
        (Swapped[int, str], 3, "3"),
        (Swapped[int, str], {}, ()),
        (Optional[np.float64], None, INTEGERS),
        (Optional[np.float64] | str, "text", 3),
        (Nothing, None, 0),
        (Last[int, float, str], "text", 3),
        (Last[int, float, str], (1, 2.0), 3),
        (Annotated[FloatVector, "of unit length"], FLOATS, INTEGERS),
        (Final[Same[int]], 3, True),
        (Metres, 1, "1 m"),
        (Literal["gd", 1], "gd", "adam"),
        (Literal["gd", 1], 1, True),
        (Sequence[int], (), {}),
    ],
)
def test_a_type_is_what_it_stands_for(hint: Any, fits: Any, fails: Any) -> None:
    assert conforms(fits, hint)
    assert fails is ... or not conforms(fails, hint)


STATEMENTS = """
import numpy as np
type Vector[Number: np.generic] = np.ndarray[tuple[int], np.dtype[Number]]
type Floats = Vector[np.float64]
type Chosen[Other, Entry: np.generic] = Vector[Entry] | Other
hints = [Floats, Vector[np.float64], Chosen[str, np.float64]]
"""


def test_type_statements_are_seen_through() -> None:
    """Where Python has them; the cases above stand for them elsewhere."""
    namespace: dict[str, Any] = {"hints": [FloatVector]}
    if sys.version_info >= (3, 12):
        exec(STATEMENTS, namespace)
    for hint in namespace["hints"]:
        assert conforms(FLOATS, hint)
        assert not conforms(INTEGERS, hint)


def test_parts_of_a_type_stay_as_they_are() -> None:
    assert expanded(Swapped[int, Same[str]]) == Mapping[Same[str], int] | int
    assert typing.get_origin(expanded(NDArray[np.int8])) is np.ndarray
