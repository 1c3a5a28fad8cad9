"""Checks at the door, of arrays above all: whole-array tests first, the offending index only on failure."""

import math
import numbers
from collections.abc import Collection

import numpy as np
from numpy.typing import ArrayLike, NDArray

from theory.direction import raised, reduced
from theory.entries import (
    GivenArray,
    changed_entries,
    float64_entries,
    given_array,
    ratio_rows,
    rounded_entries,
)
from theory.errors import (
    ChoiceError,
    NotNormalisedError,
    ScaleError,
    ShapeError,
    SignError,
    WidthError,
    ZeroRowError,
)

FloatArray = NDArray[np.float64]

SMALLEST_DISTANCE = 2.0**-400
"""Beside the square of such a distance, all that underflows among fewer than 2^60 squares is nothing: 2^-1014."""


FINITE_AT_ONCE = 2**16
"""Entries that are looked at together."""

LARGEST_SCALE = 2.0**300
"""Targets and weights of data sets have a size between this and its inverse, or are 0."""


def known_theorem(name: str, known: Collection[str]) -> str:
    """The theorem's name. Raises ChoiceError when it is not among those that are known here."""
    if name not in known:
        raise ChoiceError(f"unknown theorem {name!r}; known: {', '.join(known)}")
    return name


def finite_array(values: ArrayLike, name: str, axes: int) -> FloatArray:
    """Return ``values`` as float64 with the given number of axes and at least one entry; none is rounded.

    Raises ShapeError, NotFiniteError, RoundedEntryError (an entry is no float64 number).
    """
    plain = type(values) is np.ndarray and values.dtype == np.float64 and values.ndim == axes and values.size > 0
    if plain and _all_finite(np.asarray(values)):
        return np.asarray(values, dtype=np.float64)
    return float64_entries(values, name, axes)


def _all_finite(values: FloatArray) -> bool:
    """Whether all entries are, looked at in parts that stay in the cache."""
    if values.size <= FINITE_AT_ONCE:
        return bool(np.isfinite(values).all())
    flat = values.reshape(-1) if values.flags.c_contiguous else values
    step = FINITE_AT_ONCE if flat.ndim == 1 else len(flat)
    return all(bool(np.isfinite(flat[start : start + step]).all()) for start in range(0, len(flat), step))


def given_rows(values: ArrayLike, name: str = "X") -> GivenArray:
    """Return an (n, d) array of the entries as given, of any kind of number, whose rows have any nonzero norm.

    Raises ShapeError, NotFiniteError, ZeroRowError.
    """
    return _nonzero_rows(given_array(values, name, 2), name)


def direction_rows(values: ArrayLike, name: str = "X") -> FloatArray:
    """Return an (n, d) array of float64 whose rows have any nonzero norm.

    Raises ShapeError, NotFiniteError, RoundedEntryError, ZeroRowError.
    """
    return _nonzero_rows(finite_array(values, name, 2), name)


def _nonzero_rows(array: GivenArray, name: str) -> GivenArray:
    nonzero = (array != 0).any(axis=1)
    if not nonzero.all():
        row = int(np.flatnonzero(~nonzero)[0])
        raise ZeroRowError(f"row {row} of {name} is zero and has no direction; remove it")
    return array


def unit_rows(values: ArrayLike, name: str = "X") -> FloatArray:
    """Return an (n, d) array whose rows satisfy ``| ||x||^2 - 1 | <= (d + 2) 2^-52``.

    Raises ShapeError, NotFiniteError, ZeroRowError, NotNormalisedError.
    """
    array = finite_array(values, name, 2)
    deviation = np.abs(np.einsum("ij,ij->i", array, array) - 1.0)
    allowed = (array.shape[1] + 2) * 2.0**-52
    if (deviation > allowed).any():
        _nonzero_rows(array, name)  # has an error of its own
        row = int(np.argmax(deviation))
        raise NotNormalisedError(
            f"the squared norm of row {row} of {name} is off 1 by {raised(deviation[row], 3)}, allowed is {reduced(allowed, 3)}; "
            f"use theory.inputs.normalise_rows"
        )
    return array


def normalise_rows(values: ArrayLike, name: str = "X") -> FloatArray:
    """Divide every row by its Euclidean norm, without overflow or underflow, in float64.

    Entries that are no float64 numbers are rounded once, relative to the largest of their row.
    Raises ShapeError, NotFiniteError, ZeroRowError.
    """
    plain = type(values) is np.ndarray and values.dtype == np.float64
    array = direction_rows(values, name) if plain else _comparable(given_rows(values, name))
    _, exponent = np.frexp(np.abs(array.T, order="C").max(axis=0))
    scaled = np.ldexp(array, -exponent[:, None])  # an exact scaling but for entries far below the largest of their row
    return np.asarray(scaled / np.sqrt(np.square(scaled).sum(axis=1, keepdims=True)))


def _comparable(given: GivenArray) -> FloatArray:
    """The rows in float64; where that would change entries, multiples of the rows whose largest entries are about 1."""
    rounded = rounded_entries(given)
    if not changed_entries(given, rounded).any():
        return rounded
    rows = []
    for row in ratio_rows(given):
        exponent = max(abs(p).bit_length() - q.bit_length() for p, q in row)
        up, down = max(-exponent, 0), max(exponent, 0)
        rows.append([(p << up) / (q << down) for p, q in row])
    return np.array(rows)


def target_vector(values: ArrayLike, rows: int) -> FloatArray:
    """Return targets of shape (n,). Raises ShapeError, NotFiniteError, RoundedEntryError."""
    array = finite_array(values, "y", 1)
    if array.shape != (rows,):
        raise ShapeError(f"y has {array.shape[0]} entries, X has {rows} rows; they must agree")
    return array


def is_real(value: object) -> bool:
    """Whether ``value`` is one finite real number, of Python or NumPy: neither text nor None nor a truth value."""
    number = value.item() if isinstance(value, np.ndarray) and value.ndim == 0 else value
    return isinstance(number, numbers.Real) and not isinstance(number, (bool, np.bool_)) and math.isfinite(number)


def positive(value: float, name: str) -> float:
    """Return a finite positive number. Raises ScaleError."""
    if not is_real(value) or value <= 0:
        raise ScaleError(f"{name} is {value}; it must be a finite positive number")
    return float(value)


def distance(value: float, name: str) -> float:
    """Return a number of at least 0; inf is a distance, not a number is none. Raises ScaleError."""
    number = value.item() if isinstance(value, np.ndarray) and value.ndim == 0 else value
    real = isinstance(number, numbers.Real) and not isinstance(number, (bool, np.bool_))
    if not (real and number >= 0):
        raise ScaleError(f"{name} is {value}; it must be a number, 0 or more")
    return _float_above(number)


def _float_above(number: float) -> float:
    """The number as a float64, rounded up where it is none."""
    rounded = float(number)
    return rounded if rounded >= number else math.nextafter(rounded, math.inf)


def ball_radius(value: float, name: str) -> float:
    """Return 0, inf, or a number of at least ``SMALLEST_DISTANCE``, below which squares of distances vanish. Raises ScaleError."""
    radius = distance(value, name)
    if 0 < radius < SMALLEST_DISTANCE:
        raise ScaleError(f"{name} is {value}; squares of such a size leave the range of float64, so change the scale")
    return radius


def positive_distance(value: float, name: str) -> float:
    """Return a number of at least ``SMALLEST_DISTANCE`` with a finite square. Raises ScaleError."""
    distance = positive(value, name)
    if not (distance >= SMALLEST_DISTANCE and distance * distance < math.inf):
        raise ScaleError(f"{name} is {value}; squares of such a size leave the range of float64, so change the scale")
    return distance


def positive_count(value: int, name: str) -> int:
    """Return a positive integer. Raises WidthError."""
    if not is_real(value) or int(value) != value or value <= 0:
        raise WidthError(f"{name} is {value}; it must be a positive integer")
    return int(value)


def independent_neurons(width: int, symmetric: bool) -> int:
    """How many neurons of a width are drawn independently: all, or one of each pair under symmetric initialisation.

    Raises WidthError (not positive, or odd and symmetric).
    """
    m = positive_count(width, "width")
    if symmetric and m % 2:
        raise WidthError(f"width is {m}; symmetric initialisation pairs neurons and needs an even width")
    return m // 2 if symmetric else m


def sign_vector(values: ArrayLike, name: str = "signs") -> FloatArray:
    """Return a vector of -1 and +1. Raises ShapeError, NotFiniteError, SignError."""
    array = finite_array(values, name, 1)
    wrong = np.abs(array) != 1
    if wrong.any():
        where = int(np.flatnonzero(wrong)[0])
        raise SignError(f"{name}[{where}] is {array[where]}; entries are -1 or +1")
    return array


def enough_parameters(rows: int, width: int, dim: int) -> None:
    """Raise WidthError when n > m d: no Jacobian with n rows and m d columns has full row rank then."""
    if rows > width * dim:
        raise WidthError(
            f"n = {rows} inputs but only m d = {width} x {dim} parameters: the Jacobian cannot have full row rank; "
            f"take a width of at least {-(-rows // dim)}"
        )
