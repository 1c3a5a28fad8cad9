"""Programs that say something false of a data set: each takes one wrong turn, with forged certificates where a type would stop it."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from properties.dataset import input_certificate, rung, rung_certificate, transformations
from properties.dataset.contribution import Prediction
from properties.dataset.natural_gradient_numbers import NaturalGradientNumbers
from properties.dataset.report import dataset_answer, dataset_view
from properties.dataset.rung import RungContext
from properties.dataset.topics import gradient_data, kfac_real, real_data, width_data
from properties.engine.claim import Verdict
from tests.properties.engine.run.planted import changed_code
from theory.direction import Attained, Bound, CertifiedSteps, LowerBound, UpperBound
from theory.inputs import normalise_rows
from theory.kernels.limiting import limiting_pattern_gram_eigenvalue
from theory.network.gram import largest_gram_eigenvalue
from theory.stability import ball, path
from theory.theorems import ngd, width

Plant = Callable[[pytest.MonkeyPatch], None]
"""Plants the fault."""

PLANTS: dict[str, tuple[str, Plant]] = {}
"""By name the case on which it shows, and the fault."""


def plant(case: str) -> Callable[[Plant], Plant]:
    """Register a fault under the words of its function's name."""

    def register(function: Plant) -> Plant:
        PLANTS[function.__name__.replace("_", " ")] = case, function
        return function

    return register


def changed(
    monkeypatch: pytest.MonkeyPatch, holder: Any, name: str, change: Callable[[Any], Callable[..., Any]]
) -> None:
    """Replace a function by what ``change`` makes of it."""
    monkeypatch.setattr(holder, name, change(getattr(holder, name)))


def scaled(bound: Any, factor: float) -> Any:
    """A forged bound of the same kind."""
    return type(bound)(factor * bound)


# --- named by those who found the lines unwatched -----------------------------------------------------------------------


@plant("undecided")
def condition_2_is_decided_by_the_attack(monkeypatch: pytest.MonkeyPatch) -> None:
    changed(
        monkeypatch, real_data, "below", lambda below: lambda limit, most, found: below(limit, UpperBound(float(found)))
    )


@plant("undecided")
def step_sizes_come_from_the_attack(monkeypatch: pytest.MonkeyPatch) -> None:
    """The certificate of this case is 0.5726, and the attack 0.4674."""
    change = lambda limits: lambda constant: limits(UpperBound(0.46748) if constant > 0.5 else constant)  # noqa: E731
    changed(monkeypatch, real_data, "step_limits", change)


@plant("every theorem on its path")
def a_prediction_is_certified_for_many_more_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        real_data, "Prediction", lambda source, factor, _: Prediction(source, factor, CertifiedSteps(10**4))
    )


@plant("given rows")
def degeneracy_is_decided_on_normalised_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    changed(monkeypatch, input_certificate, "degeneracy", lambda decide: lambda rows: decide(normalise_rows(rows)))


# --- constants ----------------------------------------------------------------------------------------------------------


@plant("holds")
def lambda_stands_for_its_root(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ball, "stability_constant", lambda change, least: UpperBound(3 * change / least))


@plant("independent")
def lambda_is_that_of_another_network(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(RungContext, "lambda_min", property(lambda self: scaled(self.ball.lambda_min, 1.25)))


@plant("holds")
def the_number_of_rows_stands_for_the_width(monkeypatch: pytest.MonkeyPatch) -> None:
    changed(monkeypatch, ball, "spectral_bound", lambda bound: lambda norm, flips, m: bound(norm, flips, 2))


@plant("holds")
def the_larger_of_two_bounds_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        ball.ChangeBounds,
        "best",
        property(lambda self: max(self.frobenius, self.spectral) if self.condition == "2" else self.spectral),
    )
    changed(monkeypatch, ball, "spectral_bound", lambda bound: lambda *given: scaled(bound(*given), 1.01))


@plant("undecided")
def the_ball_is_half_as_wide(monkeypatch: pytest.MonkeyPatch) -> None:
    def narrow(certify: Callable[..., Any]) -> Callable[..., Any]:
        def certified(net: Any, inputs: Any, y: Any, condition: str = "2") -> Any:
            whole = certify(net, inputs, y, condition=condition)
            return replace(
                certify(net, inputs, y, condition=condition, radius=float(whole.radius) / 2), radius=whole.radius
            )

        return certified

    changed(monkeypatch, rung, "certify_ball", narrow)


@plant("every theorem on its path")
def the_last_row_is_dropped_along_the_path(monkeypatch: pytest.MonkeyPatch) -> None:
    def fewer(certify: Callable[..., Any]) -> Callable[..., Any]:
        return lambda net, inputs, y, *others, **named: certify(net, inputs[:-1], y[:-1], *others, **named)

    changed(monkeypatch, rung, "certify_path_until_broken", fewer)


@plant("no theorem")
def only_the_first_segment_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    def first(*given: Any) -> Any:
        return given[0][0] if isinstance(given[0], list) else max(*given)

    monkeypatch.setattr(path, "max", first, raising=False)


@plant("every theorem on its path")
def an_estimate_at_the_iterates_is_called_certified(monkeypatch: pytest.MonkeyPatch) -> None:
    changed(
        monkeypatch,
        path,
        "stability_constant",
        lambda constant: lambda change, least: scaled(constant(change, least), 0.97),
    )


@plant("no theorem")
def k_fac_divides_by_lambda_of_g(monkeypatch: pytest.MonkeyPatch) -> None:
    def other(constant: Callable[..., Any]) -> Callable[..., Any]:
        return lambda change, least: constant(change, LowerBound(0.2316) if least < 0.1 else least)

    changed(monkeypatch, ball, "stability_constant", other)


@plant("independent")
def the_norm_of_the_residual_is_squared(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(RungContext, "residual_norm", property(lambda self: float(self.residual @ self.residual)))


# --- step sizes, factors, counts ------------------------------------------------------------------------------------------


@plant("every theorem on its path")
def the_limit_of_another_theorem_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    changed(
        monkeypatch,
        real_data,
        "step_limits",
        lambda limits: lambda constant: {**limits(constant), "T1": limits(constant)["T1-q"]},
    )


@plant("holds")
def the_factor_of_the_square_is_taken_for_that_of_the_norm(monkeypatch: pytest.MonkeyPatch) -> None:
    def squared(rate: Callable[..., Any]) -> Callable[..., Any]:
        return lambda eta, C, theorem: UpperBound(1 - eta) if theorem == "T1" else rate(eta, C, theorem)

    monkeypatch.setattr(real_data, "ngd", Proxy(ngd, rate=squared(ngd.rate)))


@plant("every theorem on its path")
def k_fac_s_factor_is_squared(monkeypatch: pytest.MonkeyPatch) -> None:
    changed(monkeypatch, kfac_real, "rate", lambda rate: lambda *given: UpperBound(float(rate(*given)) ** 2))


@plant("independent")
def leverage_scores_are_swapped(monkeypatch: pytest.MonkeyPatch) -> None:
    def swapped(bounds: Callable[..., Any]) -> Callable[..., Any]:
        return lambda geometry: (
            (found := bounds(geometry)) and replace(found, leverage=(1.5 - found.leverage[0], 1.5 - found.leverage[1]))
        )

    changed(monkeypatch, kfac_real, "input_bounds", swapped)


@plant("every theorem on its path")
def a_step_size_is_allowed_by_the_constant_of_another_path(monkeypatch: pytest.MonkeyPatch) -> None:
    def fixed(certified: Callable[..., Any]) -> Callable[..., Any]:
        def found(context: Any, first: Any) -> Any:
            limits = real_data.step_limits(first.constant)
            return {theorem: (scaled(limit, 0.95), first) for theorem, limit in limits.items() if limit > 0}

        return found

    changed(monkeypatch, real_data, "certified_steps", fixed)


@plant("every theorem on its path")
def gd_takes_the_square_of_the_norm(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gradient_data, "operator_norm", largest_gram_eigenvalue)


@plant("every theorem on its path")
def gd_s_count_is_that_of_the_squared_residual(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gradient_data, "REDUCTION", math.sqrt(rung.REDUCTION))


@plant("no theorem")
def kappa_is_that_of_j(monkeypatch: pytest.MonkeyPatch) -> None:
    changed(
        monkeypatch,
        gradient_data,
        "condition_number",
        lambda kappa: lambda *given: UpperBound(math.sqrt(kappa(*given))),
    )


@plant("independent")
def a_count_is_off_by_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rung.ObservedRun, "iterations", property(lambda self: self.steps + 1))


@plant("no theorem")
def a_count_is_that_of_another_optimiser(monkeypatch: pytest.MonkeyPatch) -> None:
    changed(
        monkeypatch,
        rung_certificate,
        "linearised_iterations",
        lambda count: lambda name, *others: count("ngd" if name == "kfac" else name, *others),
    )


@plant("K-FAC on smaller steps only")
def k_fac_s_prediction_is_that_of_another_step_size(monkeypatch: pytest.MonkeyPatch) -> None:
    code = changed_code(kfac_real.kronecker, " if check.step_size == eta", "")
    monkeypatch.setattr(kfac_real.kronecker, "__code__", code)


@plant("every theorem on its path")
def the_slowest_theorem_predicts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(real_data, "min", lambda found, **named: max(found, **named), raising=False)


# --- widths and inputs ------------------------------------------------------------------------------------------------------


@plant("no theorem")
def a_symmetric_network_gets_the_width_of_an_independent_one(monkeypatch: pytest.MonkeyPatch) -> None:
    def other(*given: Any, symmetric: bool) -> Any:
        return plain(*given, symmetric=not symmetric)

    plain: Any = width.width

    monkeypatch.setattr(width_data, "width", Proxy(width, width=other))


@plant("no theorem")
def kappa_of_the_inputs_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(width, "input_condition", lambda _: 1.0)


@plant("undecided")
def a_width_holds_where_nothing_is_certified(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(width_data, "below", lambda limit, constant: Verdict.HOLDS)


@plant("no theorem")
def lambda_s_stands_for_lambda_0(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(input_certificate, "limiting_gram_eigenvalue", limiting_pattern_gram_eigenvalue)


@plant("no theorem")
def the_norm_of_the_inputs_is_not_squared(monkeypatch: pytest.MonkeyPatch) -> None:
    changed(
        monkeypatch,
        input_certificate,
        "input_norm_squared",
        lambda norm: lambda rows: UpperBound(math.sqrt(norm(rows))),
    )


@plant("given rows")
def the_kernel_is_that_of_normalised_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    def perturbed(bound: Callable[..., Any]) -> Callable[..., Any]:
        return lambda rows: bound(np.asarray(rows, dtype=float) + 0.01 * np.eye(len(rows), rows.shape[1]))

    changed(monkeypatch, input_certificate, "limiting_pattern_gram_eigenvalue", perturbed)


@plant("standardised")
def columns_are_divided_by_their_largest_entry(monkeypatch: pytest.MonkeyPatch) -> None:
    def columns(given: Any) -> Any:
        centred = given - given.mean(axis=0)
        return centred / np.abs(centred).max(axis=0), "columns centred"

    monkeypatch.setattr(transformations, "standard_columns", columns)


# --- what is printed ----------------------------------------------------------------------------------------------------------


def nearest(bound: Bound, count: int = 6) -> str:
    """A bound rounded to nearest."""
    return f"{float(bound):.{count}g}"


@plant("no theorem")
def bounds_are_rounded_to_nearest(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (real_data, kfac_real, gradient_data, width_data, rung_certificate):
        monkeypatch.setattr(module, "digits", nearest)


@plant("no theorem")
def the_table_rounds_to_nearest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dataset_view, "digits", nearest)


@plant("undecided")
def the_table_swaps_certificate_and_attack(monkeypatch: pytest.MonkeyPatch) -> None:
    read = NaturalGradientNumbers.from_json

    def swapped(values: Any) -> NaturalGradientNumbers:
        found = read(values)
        if found.ball_constant is None or found.attack_constant is None:
            return found
        most, least = UpperBound(float(found.attack_constant)), Attained(float(found.attack_constant))
        return replace(found, ball_constant=most, attack_constant=least)

    monkeypatch.setattr(dataset_view, "NaturalGradientNumbers", Proxy(NaturalGradientNumbers, from_json=swapped))


@plant("every theorem on its path")
def the_answer_names_another_theorem(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dataset_answer, "DERIVED", ("T1-q",))


@plant("every theorem on its path")
def the_answer_takes_a_sharper_theorem_for_the_paper_s(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        dataset_answer, "_of_the_paper", lambda group: dataset_answer._by_condition_2(group, ("T1-sharp",))
    )


@plant("holds")
def the_answer_says_the_ball_for_the_path(monkeypatch: pytest.MonkeyPatch) -> None:
    def everywhere(limits: Callable[..., Any]) -> Callable[..., Any]:
        return lambda one: {theorem: (eta, True) for theorem, (eta, _) in limits(one).items()}

    changed(monkeypatch, dataset_answer, "_limits", everywhere)


class Proxy:
    """A module or class with some of its attributes replaced."""

    def __init__(self, original: Any, **others: Any) -> None:
        self.__dict__.update(others)
        self._original = original

    def __getattr__(self, name: str) -> Any:
        return getattr(self._original, name)
