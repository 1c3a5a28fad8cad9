"""Every obligation is proved for all numbers of which its theorem speaks, says no less than it could, and neither can shrink unseen."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

import pytest
from flint import fmpq

from tests.theory.narrowing import MARGIN, Narrower, Side, narrower, not_proved, replaced, scaled_limits, sides
from theory.catalogue import chains, obligations, ranges
from theory.proof.formula import holds
from theory.proof.provers import Prover
from theory.proof.range import Range
from theory.theorems import general_loss, gradient_descent, kfac, ngd, ngd_sharp

POSITIVE = "proved for all positive reals, where the theorem has counts, probabilities or pi"
AT_LEAST_1 = (
    "proved for all positive reals, where the theorem has pi, a count, or a norm of rows of length 1: at least 1"
)
LARGER = "proved up to a larger constant than its theorems have"
WIDER = {
    "O-tight 0: c + 1/1000 < 1": LARGER,
    "O-t2-ball 2: C + 1/1000 < 1": LARGER,
    "O-t2q-rate 0: q + 1/1000 < 1": LARGER,
    "O-sharp-lo 0: 0 + 1/1000 < s": "the theorem has s >= 1-c",
    **{f"O-r0-tail 0: 0 + 1/1000 < {name}": POSITIVE for name in ("n", "pi")},
    **{
        f"O-t3-tube{form} 0: 0 + 1/1000 < {name}": AT_LEAST_1
        for form in ("", "-sided")
        for name in ("kappa", "row2", "m", "pi")
    },
    **{f"O-t3-tube{form} 1: 0 + 1/1000 < kappa": AT_LEAST_1 for form in ("", "-sided", "-independent")},
    "O-t3-tube-independent 0: 0 + 1/1000 < kappa": AT_LEAST_1,
    **{f"O-t3-tube-ratio 0: 0 + 1/1000 < {name}": AT_LEAST_1 for name in ("W", "row2", "m", "pi")},
    **{f"O-t3-tube-ratio {part}: 0 + 1/1000 < k": AT_LEAST_1 for part in (1, 2)},
    "O-t4-contained 1: 0 + 1/1000 < mu_max": "mu_max >= 1, for leverage scores are at most 1",
    **{f"O-flips 1: 0 + 1/1000 < {name}": POSITIVE for name in ("n", "m", "pi")},
    **{f"O-t3 2: 0 + 1/1000 < {name}": POSITIVE for name in ("n", "pi")},
    **{f"O-t3-symmetric 1: 0 + 1/1000 < {name}": POSITIVE for name in ("n", "pi")},
    **{f"O-t4-width 1: 0 + 1/1000 < {name}": POSITIVE for name in ("n", "pi")},
    **{f"O-t4-width-symmetric 1: 0 + 1/1000 < {name}": POSITIVE for name in ("n", "pi")},
    **{f"O-t3-least {part}: 0 + 1/1000 < {name}": POSITIVE for part in (1, 2) for name in ("n", "m", "pi")},
    "O-sep-wallis 2: 0 + 1/1000 < pi": POSITIVE,
    **{f"O-t4-least {part}: 0 + 1/1000 < rho": "rho >= 1" for part in (2, 4)},
}
"""Comparisons in the obligations that are weaker than any theorem needs by 1/1000 at least, and why."""

VANISHING = {
    ("O-sharp-goal", 1),
    ("O-sharp-lo", 0),
    ("O-sharp-hi", 0),
    ("O-line", 1),
    ("O-t4-least", 3),
    ("O-t3-tube-ratio", 6),
}
"""Conclusions whose larger side vanishes where they are tight, or nearly: a share of it is nothing there."""

LOOSE = {("O-line-sharp", 1), ("O-t0-ball", 3), ("O-t3-tube-ratio", 5)}
"""Conclusions that are said for a sign, an order or in rounded numbers only, and have room."""

SHARE_ALONE = {("O-t0-advantage", 2)}
"""Conclusions about numbers of at most 1, where a share says as much as that itself, which the prover does not decide in a minute."""

SAMPLE = 7
"""Of the many obligations that say less each so-and-so-many-th is tried here, all in tests/deep."""


@pytest.fixture(scope="module")
def z3() -> Iterator[Prover]:
    with Prover("z3", 60.0) as found:
        yield found


@pytest.mark.parametrize("theorem", sorted({one.theorem for one in ranges}))
def test_obligations_are_proved_for_all_that_a_theorem_needs(theorem: str, z3: Prover) -> None:
    for one in ranges:
        if one.theorem == theorem:
            assert not_proved(one, obligations, z3) == [], one.cases


def test_every_part_of_every_proof_has_its_range() -> None:
    """A new obligation, or one that another theorem takes up, needs a line in RANGES of the theorem's module."""
    stated = {(one.theorem, id) for one in ranges for id, _ in one.cases}
    assert stated == {(theorem, id) for theorem, chain in chains.items() for id in chain.obligations}
    parts = {case for one in ranges for case in one.cases}
    assert parts == {(id, part) for id, one in obligations.items() for part in range(len(one.parts))}


@pytest.mark.parametrize("less", list(narrower())[::SAMPLE], ids=lambda less: less.name)
def test_a_hypothesis_stronger_by_a_thousandth_is_noticed(less: Narrower, z3: Prover) -> None:
    assert less.noticed(z3) is (less.name not in WIDER)


@pytest.mark.parametrize("less", list(scaled_limits())[::SAMPLE], ids=lambda less: less.name)
def test_a_limit_shorter_by_a_thousandth_is_noticed(less: Narrower, z3: Prover) -> None:
    assert less.noticed(z3)


@pytest.mark.parametrize(
    ("id", "old", "new"),
    [
        ("O-sharp-lo", "0 <= c < 1/3", "0 <= c < 1/4"),
        ("O-t1", "0 <= C < 1/2", "0 <= C < 49/100"),
        ("O-t0-ball", "0 <= c <= 1/4", "0 <= c < 1/4"),
        ("O-t4", "0 <= q < 1/2", "0 < q < 1/2"),
        ("O-t2", "C*(mu+L) < mu", "C*(mu+L) < 9/10*mu"),
        ("O-q", "0 <= C <= 1", "0 <= C < 49/100"),
        ("O-sharp-hi", "s >= 1+c", "2 >= s >= 1+c"),
        ("O-t2-coercive", "0 < mu <= L", "0 < 2*mu <= L"),
    ],
)
def test_a_range_that_leaves_something_out_is_noticed(id: str, old: str, new: str, z3: Prover) -> None:

    for part, implication in enumerate(obligations[id].parts):
        if old in implication.hypotheses:
            known = replaced(id, part, implication.changed({old: new}))
            assert Narrower(id, part, old, new, known, ()).noticed(z3)


@pytest.mark.parametrize("side", list(sides()), ids=lambda side: side.name)
def test_a_conclusion_is_tight(side: Side, z3: Prover) -> None:
    """With a ten-thousandth less on its larger side it is refuted, a share of it or that itself."""
    vanishing, loose = (side.id, side.part) in VANISHING, (side.id, side.part) in LOOSE
    assert side.holds_by(f"(1 - {MARGIN})", z3) is (vanishing or loose)
    if (side.id, side.part) not in SHARE_ALONE:
        assert side.holds_with_room(MARGIN, z3) is loose


@pytest.mark.parametrize("side", list(sides())[::SAMPLE], ids=lambda side: side.name)
def test_a_conclusion_weaker_by_a_thousandth_is_not_tight(side: Side, z3: Prover) -> None:
    assert side.holds_by(f"1001/1000*(1 - {MARGIN})", z3)


def rational(number: fmpq) -> Fraction:
    return Fraction(int(number.p), int(number.q))


def test_constants_of_the_ranges_are_those_of_the_code() -> None:
    tiny = fmpq(1, 10**12)
    for module in (ngd, gradient_descent):
        for theorem in module.THEOREMS:
            limit = module.CONSTANT_LIMITS[theorem]
            for C in (fmpq(0), limit - tiny, limit, limit + tiny):
                assert holds(module.SPEAKS[theorem], {"C": rational(C)}) is module.applies(C, theorem)
    assert ngd_sharp.SPEAKS == ngd.SPEAKS["T1-sharp"]
    for theorem in kfac.THEOREMS:
        limit = kfac.CONSTANT_LIMITS[theorem]
        assert kfac.step_limit(limit, h_max=fmpq(1), mu_min=fmpq(1), theorem=theorem) == 0
        assert not holds(kfac.SPEAKS[theorem], {"C": rational(limit)})
        assert holds(kfac.SPEAKS[theorem], {"C": rational(limit - tiny)})
    for mu, L in ((fmpq(1), fmpq(1)), (fmpq(2, 3), fmpq(7, 5)), (fmpq(1), fmpq(50))):
        for theorem in general_loss.THEOREMS:
            (one,) = [
                one
                for one in ranges
                if one.theorem == theorem and one.cases == (("O-t2-ball", 0 if theorem == "T2" else 1),)
            ]
            end = general_loss.constant_limit(mu, L, theorem)
            for C in (fmpq(0), end - tiny, end, end + tiny):
                values = {"C": rational(C), "mu": rational(mu), "L": rational(L)}
                stated = all(holds(text, values) for text in one.hypotheses)
                assert stated is general_loss.applies(C, mu, L, theorem)


def test_beyond_the_constants_there_is_no_step() -> None:
    tiny, one, mu, L = fmpq(1, 10**9), fmpq(1), fmpq(2, 3), fmpq(7, 5)
    for theorem, limit in {**ngd.CONSTANT_LIMITS, "T1-q": fmpq(3, 5)}.items():
        assert ngd.step_limit(limit + tiny, theorem) == 0 < ngd.step_limit(limit - tiny, theorem)
    for theorem, limit in kfac.CONSTANT_LIMITS.items():
        assert kfac.step_limit(limit + tiny, h_max=one, mu_min=one, theorem=theorem) == 0
    for theorem, limit in gradient_descent.CONSTANT_LIMITS.items():
        assert gradient_descent.step_limit(limit + tiny, one, one, theorem) == 0
    for theorem, limit in (("T2", mu / (mu + L)), ("T2-q", 3 * mu / (3 * mu + 2 * L))):
        assert general_loss.step_limit(limit + tiny, mu, L, theorem) == 0
        assert general_loss.step_limit(limit - tiny, mu, L, theorem) > 0


def test_a_letter_has_one_meaning() -> None:
    implication = obligations["O-t4"].parts[1]
    clash = Range("T4", (("O-t4", 1),), ("0 <= C",), {"limit": "C"})
    with pytest.raises(ValueError, match="two meanings"):
        list(clash.tied(implication))
