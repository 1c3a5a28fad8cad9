"""The constants in the obligations are those that the functions of theory/theorems/ compute, and are met with equality.

Both are evaluated at the same exact rational points: the obligation's text in fractions, the function in balls of 300 bits. There
are so many points that two rational functions of the degrees that occur here are the same when they agree at all of them.
"""

from collections.abc import Callable
from fractions import Fraction

import pytest
from flint import arb, fmpq

from theory.proof.formula import comparisons, holds, value
from theory.proofs import obligations
from theory.rigour.precision import working_precision
from theory.theorems import finite_width, general_loss, gradient_descent, kfac, ngd, width

Numbers = dict[str, arb]

C, HALF_C = Fraction(3, 10), Fraction(3, 20)
c = C / 3
q = 2 * C / (3 - C)
"""The C that belongs to a deficit q is 3q/(2+q)."""

LOSS = {"mu": Fraction(2, 3), "L": Fraction(7, 5)}
WIDTH = {
    "n": Fraction(5),
    "E": Fraction(7),
    "C": Fraction(2, 5),
    "nu": Fraction(1, 3),
    "eigenvalue": Fraction(1, 7),
    "delta": Fraction(1, 10),
    "pi": Fraction(22, 7),
    "m": Fraction(1000),
}


def targets(found: Numbers) -> arb:
    """``||y||^2``, for which ``E = ||y||^2 + n nu^2/2``."""
    return found["E"] - 5 * found.get("nu", arb(1)) ** 2 / 2


def given_deficit(found: Numbers) -> arb:
    return 3 * found["q"] / (2 + found["q"])


def of_c(function: Callable[..., float], *rest: object) -> Callable[[Numbers], float]:
    """A function of C at C = 3c."""
    return lambda found: function(3 * found["c"], *rest)


TIES: list[tuple[str, int, str, dict[str, Fraction], Callable[[Numbers], float]]] = [
    ("O-t1", 0, "limit", {"C": C}, lambda v: ngd.step_limit(v["C"], "T1")),
    ("O-q", 0, "q", {"C": C}, lambda v: ngd.deficit(v["C"])),
    ("O-ball", 1, "radius", {"C": C}, lambda v: ngd.radius(v["C"], arb(1), arb(1), "T1")),
    ("O-ball", 1, "radius", {"C": C}, lambda v: kfac.radius(v["C"], arb(1), arb(1), 1.0, 1.0)),
    ("O-ball", 1, "radius", {"C": C}, lambda v: gradient_descent.radius(v["C"], arb(1), arb(1), "T0")),
    ("O-tq", 1, "radius", {"C": C}, lambda v: ngd.radius(v["C"], arb(1), arb(1), "T1-q")),
    ("O-tq", 2, "limit", {"C": C}, lambda v: ngd.step_limit(v["C"], "T1-q")),
    ("O-tight", 1, "rho", {"c": c}, of_c(ngd.contraction_ratio)),
    ("O-tight", 1, "limit", {"c": c}, of_c(ngd.step_limit, "T1-sharp")),
    ("O-sharp-lemma", 0, "along", {"c": c}, lambda v: ngd.lemma_constants(v["c"])[0]),
    ("O-sharp-lemma", 2, "constant", {"c": c}, lambda v: ngd.lemma_constants(v["c"])[1]),
    ("O-sharp-lo", 0, "factor_limit", {"c": c}, of_c(ngd.factor_limit)),
    ("O-sharp-lo", 0, "along", {"c": c}, lambda v: ngd.lemma_constants(v["c"])[0]),
    ("O-sharp-hi", 0, "factor_limit", {"c": c}, of_c(ngd.factor_limit)),
    ("O-sharp-rate", 0, "limit", {"c": c}, of_c(ngd.step_limit, "T1-sharp")),
    ("O-sharp-rate", 0, "limit", {"c": c}, lambda v: kfac.step_limit(3 * v["c"], h_max=1.0, theorem="T4-sharp")),
    ("O-sharp-rate", 1, "factor_limit", {"c": c}, of_c(ngd.factor_limit)),
    ("O-sharp-ball", 1, "radius", {"c": c}, of_c(ngd.radius, arb(1), arb(1), "T1-sharp")),
    ("O-line-sharp", 3, "sine2", {"c": c}, lambda v: ngd.line_sine(3 * v["c"], "T1-line-sharp") ** 2),
    ("O-line-sharp", 3, "q", {"c": c}, of_c(ngd.line_sine)),
    ("O-t2", 0, "limit", {"C": HALF_C, **LOSS}, lambda v: general_loss.step_limit(v["C"], v["mu"], v["L"], "T2")),
    ("O-t2q-factor", 0, "factor_limit", {"q": q, **LOSS}, lambda v: general_loss.validity_limit(given_deficit(v), v["mu"], v["L"])),
    ("O-t2q-rate", 0, "limit", {"q": q, **LOSS}, lambda v: general_loss.step_limit(given_deficit(v), v["mu"], v["L"])),
    ("O-t2q-rate", 2, "q", {"C": C, **LOSS}, lambda v: ngd.deficit(v["C"])),
    ("O-t2-ball", 0, "radius", {"C": C, "kappa": Fraction(2)}, lambda v: general_loss.radius(v["C"], arb(1), arb(1), 1.0, v["kappa"], "T2")),
    ("O-t2-ball", 1, "radius", {"C": C, "kappa": Fraction(2)}, lambda v: general_loss.radius(v["C"], arb(1), arb(1), 1.0, v["kappa"])),
    ("O-t4", 1, "limit", {"q": q}, lambda v: kfac.step_limit(given_deficit(v), h_max=1.0, theorem="T4-lev")),
    ("O-t4-least", 3, "limit", {"c": c}, lambda v: kfac.step_limit(3 * v["c"], h_max=1.0, theorem="T4-least")),
    ("O-t4-contained", 0, "paper", {"C": C, "mu": Fraction(3, 2), "h_max": Fraction(1, 3)}, lambda v: kfac.step_limit(v["C"], mu_min=v["mu"], theorem="T4")),
    ("O-t4-contained", 0, "leverage", {"C": C, "mu": Fraction(3, 2), "h_max": Fraction(1, 3)}, lambda v: kfac.step_limit(v["C"], h_max=v["h_max"], theorem="T4-lev")),
    ("O-t0", 1, "limit", {"c": c}, lambda v: gradient_descent.step_limit(3 * v["c"], arb(2), arb(1), "T0") * (2 + v["c"]) ** 2),
    ("O-t0-sharp", 0, "limit", {"c": c}, lambda v: gradient_descent.step_limit(3 * v["c"], arb(2), arb(1), "T0-sharp") * (2 + v["c"]) ** 2),
    ("O-t0-ball", 2, "radius", {"c": c}, of_c(gradient_descent.radius, arb(1), arb(1), "T0-sharp")),
    ("O-t0-advantage", 2, "least", {"c": c}, of_c(gradient_descent.least_guarantee)),
    ("O-t3", 1, "R2", {"share": Fraction(1, 30), "E": Fraction(7), "eigenvalue": Fraction(1, 7)}, lambda v: width.squared_condition_radius(targets(v), 5, arb(1), 3 * v["share"], v["eigenvalue"])),
    ("O-t3", 2, "limit", WIDTH, lambda v: width.stability_width(targets(v), 5, v["nu"], v["delta"], v["C"], v["eigenvalue"]) * arb.pi() / v["pi"]),
    ("O-t3", 2, "R2", WIDTH, lambda v: width.squared_condition_radius(targets(v), 5, v["nu"], v["delta"], v["eigenvalue"])),
    ("O-t3", 2, "kappa", WIDTH, lambda v: width.change_constant(arb(1)) ** 3 * arb.pi() / v["pi"]),
    ("O-t3", 2, "cube", WIDTH, lambda v: width.squared_change_bound(v["R2"].sqrt(), 5, v["nu"], v["delta"] / 3, 1000) ** 3 * arb.pi() / v["pi"]),
    ("O-t3-symmetric", 1, "limit", WIDTH, lambda v: width.stability_width(arb(7), 5, v["nu"], v["delta"], v["C"], v["eigenvalue"], True) * arb.pi() / v["pi"]),
    ("O-t3-symmetric", 1, "R2", WIDTH, lambda v: width.squared_condition_radius(arb(7), 5, v["nu"], v["delta"], v["eigenvalue"], True)),
    ("O-t3-symmetric", 1, "cube", WIDTH, lambda v: width.squared_change_bound(v["R2"].sqrt(), 5, v["nu"], v["delta"] / 2, 1000) ** 3 * arb.pi() / v["pi"]),
    ("O-tube", 1, "rate", {"g": Fraction(1, 5), "eta": Fraction(2, 3)}, lambda v: finite_width.tube_rate(v["eta"], v["g"])),
    ("O-tube", 3, "motion2", {"g": Fraction(1, 5), "r": Fraction(3), "lam": Fraction(1, 7)}, lambda v: finite_width.tube_bound(v["r"], v["lam"], arb(1), arb(1), v["g"], 1) ** 2),
    ("O-tube", 4, "distance2", {"g": Fraction(1, 5), "r": Fraction(3)}, lambda v: finite_width.distance_bound(v["r"], arb(1), v["g"]) ** 2),
    ("O-bernstein", 0, "t", {"s": Fraction(3), "b": Fraction(2), "L": Fraction(5)}, lambda v: finite_width.bernstein_deviation(v["s"] ** 2 / (2 * v["L"]), v["b"], v["L"])),
    ("O-t4-width", 1, "R2", {**WIDTH, "h": Fraction(1, 2), "mu_min": Fraction(1, 3), "mu_max": Fraction(2)}, lambda v: width.squared_condition_radius(targets(v), 5, v["nu"], v["delta"], v["eigenvalue"] * v["h"] * v["mu_min"])),
    ("O-t4-width-symmetric", 1, "limit", WIDTH, lambda v: width.stability_width(arb(7), 5, v["nu"], v["delta"], v["C"], v["eigenvalue"], True) * arb.pi() / v["pi"]),
    ("O-t4-width-symmetric", 1, "R2", {**WIDTH, "h": Fraction(1, 2), "mu_min": Fraction(1, 3), "mu_max": Fraction(2)}, lambda v: width.squared_condition_radius(arb(7), 5, v["nu"], v["delta"], v["eigenvalue"] * v["h"] * v["mu_min"], True)),
    ("O-t3-least", 1, "limit", WIDTH, lambda v: width.stability_width(targets(v), 5, v["nu"], v["delta"], v["C"], v["eigenvalue"]) * arb.pi() / v["pi"]),
    ("O-t3-least", 2, "limit", WIDTH, lambda v: width.stability_width(arb(7), 5, v["nu"], v["delta"], v["C"], v["eigenvalue"], True) * arb.pi() / v["pi"]),
]  # fmt: skip


POINTS = 24

WHOLE = ("n", "m", "E")
"""Counts, and what goes with them, stay as they are."""


def moved(point: dict[str, Fraction], place: int) -> dict[str, Fraction]:
    """Another point, every letter at most halved, each by a share of its own; kappa, mu and L stay in their order."""
    found = {}
    for letter, (name, number) in enumerate(point.items()):
        share = Fraction((place * (2 * letter + 7)) % 61, 122)
        found[name] = number if name in WHOLE else number * (1 - share)
    return found


@pytest.mark.parametrize(
    ("id", "part", "name", "point", "function"), TIES, ids=lambda x: x if isinstance(x, str) else ""
)
def test_a_definition_is_the_constant_of_the_code(
    id: str, part: int, name: str, point: dict[str, Fraction], function: Callable[[Numbers], float]
) -> None:
    implication = obligations[id].parts[part]
    for place in range(POINTS):
        found = implication.values({**dict.fromkeys(implication.variables, Fraction(1)), **moved(point, place)})
        with working_precision(300):
            balls = {key: arb(fmpq(number.numerator, number.denominator)) for key, number in found.items()}
            difference = function(balls) - balls[name]
            assert difference.contains(0)
            assert abs(difference).upper() < abs(balls[name]) * arb(2) ** -250
            assert found[name] not in (0, 1)


def test_the_points_differ_in_every_letter() -> None:
    points = [moved(WIDTH, place) for place in range(POINTS)]
    for name in set(WIDTH) - set(WHOLE):
        assert len({point[name] for point in points}) == POINTS


TIGHT = [
    ("O-t1", 0, "eta", {"C": C}),
    ("O-tq", 2, "eta", {"C": C}),
    ("O-sharp-rate", 0, "eta", {"c": c}),
    ("O-sharp-rate", 2, "eta", {"c": c}),
    ("O-t2", 0, "eta", {"C": HALF_C, **LOSS}),
    ("O-t2q-rate", 0, "eta", {"q": q, **LOSS}),
    ("O-t4", 1, "h", {"q": q}),
    ("O-t0", 1, "x", {"c": c}),
    ("O-t3", 2, "m", WIDTH),
    ("O-t3-symmetric", 1, "m", WIDTH),
]


@pytest.mark.parametrize(("id", "part", "variable", "point"), TIGHT)
def test_at_the_limit_there_is_equality_and_beyond_a_violation(
    id: str, part: int, variable: str, point: dict[str, Fraction]
) -> None:
    """``eta = limit`` turns the conclusion into an equality; 1.0001 times it (0.9999, for a width) violates it."""
    implication = obligations[id].parts[part]
    at = {**dict.fromkeys(implication.variables, Fraction(1)), **point}
    limit = implication.values(at)["limit"]
    ((left, _, right),) = comparisons(implication.conclusion)

    found = implication.values({**at, variable: limit})
    assert all(holds(text, found) for text in implication.hypotheses)
    assert value(left, found) == value(right, found)

    wider = Fraction(10001 if variable != "m" else 9999, 10000)
    assert not holds(implication.conclusion, implication.values({**at, variable: limit * wider}))
    within = {**at, variable: limit / wider}
    assert holds(implication.conclusion, implication.values(within))


def test_the_chernoff_width_is_the_obligation_s_rounded_up() -> None:
    implication = obligations["O-t3"].parts[0]
    beta, log = width.chernoff_exponent(), (arb(5) / arb(fmpq(1, 30))).log()
    numbers = {"beta": Fraction(beta), "eigenvalue": Fraction(1, 7), "norm2": Fraction(3), "m": Fraction(1)}
    limit = implication.values({**numbers, "log": Fraction(float(log))})["limit"]
    assert limit <= width.chernoff_width(1 / 7, 3.0, 5, 1 / 30) <= limit + 2


def test_rates_are_the_factors_in_the_obligations() -> None:
    """The squares that the obligations compare are those of ``rate``."""
    eta = Fraction(1, 3)
    with working_precision(300):

        def ball(number: Fraction) -> arb:
            return arb(fmpq(number.numerator, number.denominator))

        for id, part, found, own in (
            ("O-tq", 2, {"C": C}, ngd.rate(ball(eta), ball(C), "T1-q")),
            ("O-sharp-rate", 0, {"c": c}, ngd.rate(ball(eta), ball(C), "T1-sharp")),
        ):
            implication = obligations[id].parts[part]
            ((left, _, right),) = comparisons(implication.conclusion)
            values = implication.values({**found, "eta": eta})
            assert (own**2 - ball(value(left, values))).contains(0)
            assert (ngd.rate(ball(eta), ball(C), "T1") ** 2 - ball(value(right, values))).contains(0)
        implication = obligations["O-t2q-rate"].parts[0]
        ((left, _, right),) = comparisons(implication.conclusion)
        values = implication.values({"q": q, **LOSS, "eta": eta})
        mu, L = ball(LOSS["mu"]), ball(LOSS["L"])
        for side, theorem in ((left, "T2-q"), (right, "T2")):
            rate = general_loss.rate(ball(eta), ball(C), mu, L, theorem)
            assert (rate**2 - ball(value(side, values))).contains(0)
