"""Formulas in ASCII become signs; names of claims and mutants stay."""

import pytest

from properties.engine.report.typeset import typeset


@pytest.mark.parametrize(
    ("ascii", "signs"),
    [
        ("0 < eta <= (1-2C)/(1+C)^2", "0 < η ≤ (1-2C)/(1+C)²"),
        ("||r(k)|| <= (1-eta)^k ||r(0)||", "‖r(k)‖ ≤ (1-η)ᵏ ‖r(0)‖"),
        ("lambda0 and lambda_min(G(0)), G_inf^{-1}", "λ₀ and λ_min(G(0)), G∞^{-1}"),
        ("a mu-strongly convex loss, 10^-6", "a μ-strongly convex loss, 10⁻⁶"),
        ("T4-sharp/rho-at-half-C, T1/eta-beyond", "T4-sharp/rho-at-half-C, T1/eta-beyond"),
        ("theory of beta-decay, etamin", "theory of beta-decay, etamin"),
        ("plain words stay as they are", "plain words stay as they are"),
    ],
)
def test_signs(ascii: str, signs: str) -> None:
    assert typeset(ascii) == signs
