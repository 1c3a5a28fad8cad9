"""What is no number gets a named error from every constant of every theorem, argument by argument."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from flint import arb

from theory.catalogue import modules
from theory.errors import InputError, ScaleError
from theory.theorems import kernels, kfac, ngd

GOOD: Mapping[str, Any] = {
    **dict.fromkeys(("eta", "C", "delta", "epsilon", "stability", "kept", "factor", "reduction", "variation"), 0.1),
    **dict.fromkeys(("h_min", "mu_min", "lambda_min", "lambda0", "eigenvalue", "low", "leverage", "entry"), 0.5),
    **dict.fromkeys(("h_max", "mu", "L", "mu_max", "operator_norm", "largest", "high", "scale", "residual_norm"), 1.0),
    **dict.fromkeys(("sigma_squared", "deviation", "radius", "trace", "inverse_form", "mean_square"), 1.0),
    **dict.fromkeys(("squared_targets", "spectral_norm_squared"), 1.0),
    **dict.fromkeys(("quotient", "largest_correlation"), 0.25),
    **dict.fromkeys(("n", "width"), 4),
    "eigenvalues": np.array([0.1, 0.2]),
    "components": np.array([0.5, 0.5]),
    "X": np.eye(2),
    "y": np.ones(2),
    "gram": np.eye(2),
    "residual": np.ones(2),
}
"""An admissible value of an argument, whatever the function; of others 1/4, and 4 where they are counts."""

IN_A_TUBE: Mapping[str, Any] = {**dict.fromkeys(("mu", "ratio", "first_ratio"), 0.25), "q": 0.1}
"""In theorems on tubes these are ratios below 1."""

HELPERS = {
    "in_kind",
    "first_coefficients",
    "remaining_coefficients",
    "change_constant",
    "composition_constant",
    "width_quotient",
    "first_width",
    "overlap",
}
"""Functions that are no constants of a theorem."""

NO_NUMBERS = (None, "0.5", [0.1])


def functions() -> Iterator[tuple[ModuleType, str, Callable[..., Any]]]:
    for module in modules:
        for name, function in inspect.getmembers(module, inspect.isfunction):
            public = not name.startswith("_") and "__" not in name  # generated variants have "__" in their names
            numbers = "Range" not in str(inspect.signature(function).return_annotation)
            if function.__module__ == module.__name__ and public and numbers and name not in HELPERS:
                yield module, name, function


def variants(function: Callable[..., Any]) -> Iterator[dict[str, Any]]:
    """Admissible arguments, once for each theorem or form that the function knows."""
    parameters = inspect.signature(function).parameters
    arguments = {
        name: GOOD.get(name, 4 if parameter.annotation in (int, "int") else 0.25)
        for name, parameter in parameters.items()
        if name in GOOD or parameter.default is inspect.Parameter.empty
    }
    module = inspect.getmodule(function)
    assert module is not None
    if ".tube" in module.__name__:
        arguments |= {name: value for name, value in IN_A_TUBE.items() if name in arguments}
    if "form" in parameters:
        yield from ({**arguments, "form": form} for form in getattr(module, "FORMS", kernels.SEPARATION_FORMS))
    elif "theorem" in parameters:
        yield from ({**arguments, "theorem": name} for name in module.THEOREMS)
    else:
        yield arguments


def needed(function: Callable[..., Any], arguments: Mapping[str, Any], name: str) -> bool:
    """Whether the function looks at the argument at all: K-FAC's theorems do not need all of their constants."""
    parameter = inspect.signature(function).parameters[name]
    if parameter.default is not None or parameter.kind is not inspect.Parameter.KEYWORD_ONLY:
        return True
    try:
        function(**{key: value for key, value in arguments.items() if key != name})
    except InputError:
        return True
    return False


CASES = [
    pytest.param(
        function,
        arguments,
        name,
        id=f"{module.__name__.rpartition('.')[2]}.{label}-{name}-{list(arguments.values())[-1]}",
    )
    for module, label, function in functions()
    for arguments in variants(function)
    for name, value in arguments.items()
    if name not in ("theorem", "form") and needed(function, arguments, name)
]


@pytest.mark.parametrize(("function", "arguments", "name"), CASES)
def test_each_argument_is_checked(function: Callable[..., Any], arguments: Mapping[str, Any], name: str) -> None:
    function(**arguments)
    for wrong in NO_NUMBERS:
        if isinstance(arguments[name], np.ndarray) and isinstance(wrong, list):
            continue
        with pytest.raises(InputError) as raised:
            function(**{**arguments, name: wrong})
        assert str(wrong if not isinstance(arguments[name], np.ndarray) else "") in str(raised.value)


NORMS = ("residual_norm", "deviation", "variation", "squared_targets", "radius", "trace")
"""Arguments that are norms, or sums of squares: no negative number is one, and neither is nan."""

NORM_CASES = [case for case in CASES if case.values[2] in NORMS and not str(case.id).startswith("kernels.")]


@pytest.mark.parametrize(("function", "arguments", "name"), NORM_CASES)
def test_a_norm_is_finite_and_not_negative(
    function: Callable[..., Any], arguments: Mapping[str, Any], name: str
) -> None:
    assert np.isfinite(float(function(**{**arguments, name: 0.0})))
    for wrong in (np.nan, -1.0, -1e-300, np.inf):
        with pytest.raises(ScaleError):
            function(**{**arguments, name: wrong})


def test_every_theorem_with_a_radius_is_among_them() -> None:
    found = " ".join(str(case.id) for case in NORM_CASES)
    for module in ("ngd", "general_loss", "kfac", "gradient_descent"):
        assert f"{module}.radius-residual_norm" in found or f"{module}.radius[" in found
    for module in ("condition", "kfac"):
        assert f"{module}.stability_constant" in found


def test_a_ball_that_may_be_a_norm_is_one() -> None:
    assert isinstance(ngd.radius(0.5, arb(0, 1e-9), arb(1)), arb)
    for wrong in (arb(-1), arb("nan"), arb("inf"), arb(0, "inf")):
        with pytest.raises(ScaleError):
            ngd.radius(0.5, wrong, 1.0)
        with pytest.raises(ScaleError):
            kfac.condition_radius(wrong, 1.0, 1.0, 1.0)
