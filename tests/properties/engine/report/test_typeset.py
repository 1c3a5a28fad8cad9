"""Formulas in ASCII become signs; names of claims and mutants stay."""

import pytest

from properties.engine.report.typeset import numbers, typeset


@pytest.mark.parametrize(
    ("ascii", "signs"),
    [
        ("0 < eta <= (1-2C)/(1+C)^2", "0 < η ≤ (1−2C)/(1+C)²"),
        ("||r(k)|| <= (1-eta)^k ||r(0)||", "‖r(k)‖ ≤ (1−η)ᵏ ‖r(0)‖"),
        ("lambda0 and lambda_min(G(0)), G_inf^{-1}", "λ₀ and λ_min(G(0)), G∞^{−1}"),
        ("a mu-strongly convex loss, 10^-6", "a μ-strongly convex loss, 10⁻⁶"),
        ("T4-sharp/rho-at-half-C, T1/eta-beyond", "T4-sharp/rho-at-half-C, T1/eta-beyond"),
        ("theory of beta-decay, etamin", "theory of beta-decay, etamin"),
        ("moves W by -eta J^+ r, W' - W = -eta x", "moves W by −η J^+ r, W' − W = −η x"),
        ("(1 - 0.971 eta)^k from m = 1.6e+10 on", "(1 − 0.971 η)ᵏ from m = 1.6·10¹⁰ on"),
        ("f = 2(1-c)/(1-3c+4c^2), m^(-1/2)", "f = 2(1−c)/(1−3c+4c²), m^(−1/2)"),
        ("max |computed - exact| <= (pi - arccos rho)/(2 pi)", "max |computed − exact| ≤ (π − arccos ρ)/(2 π)"),
        ("Theorem 3 (m = Omega(n^4/(nu^2 lambda0^4)))", "Theorem 3 (m = Ω(n⁴/(ν² λ₀⁴)))"),
        ("||X||_2^2 ln(3n/delta), M = 1728*324/pi", "‖X‖₂² ln(3n/δ), M = 1728·324/π"),
        ("docs/theta, T1/eta, T4-lev/mu, own/eps", "docs/theta, T1/eta, T4-lev/mu, own/eps"),
        ("plain words stay as they are", "plain words stay as they are"),
    ],
)
def test_signs(ascii: str, signs: str) -> None:
    assert typeset(ascii) == signs


@pytest.mark.parametrize(
    ("ascii", "signs"),
    [
        ("1.7e+13", "1.7·10¹³"),
        ("1e-06", "10⁻⁶"),
        ("-2.5e-150 to 3e4", "−2.5·10⁻¹⁵⁰ to 3·10⁴"),
        ("1 - 6.8e-06", "1 − 6.8·10⁻⁶"),
        ("at least -3.5, and -2", "at least −3.5, and −2"),
        ("0.25, 1,024 and inf", "0.25, 1,024 and inf"),
        ("digits-4-9, 2019-2020, T1-tube, --standardise, K-FAC", "digits-4-9, 2019-2020, T1-tube, --standardise, K-FAC"),
        ("own-I-pinv-4e7f504ba1.json, counterexamples/T3-2e10a.json", "own-I-pinv-4e7f504ba1.json, counterexamples/T3-2e10a.json"),
        ("a well - known thing", "a well - known thing"),
    ],
)  # fmt: skip
def test_numbers_of_prose(ascii: str, signs: str) -> None:
    assert numbers(ascii) == signs
