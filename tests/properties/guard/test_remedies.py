"""Every known cause is told what to change, and who does what he is told has the right step."""

import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from properties.engine.report.causes import CAUSE, REMEDY, known_causes, same_exception, told_of, told_once
from properties.guard import controls as c
from properties.guard.claims import own_claims
from properties.guard.conventions import conventions
from properties.guard.damping import Damping
from properties.guard.dampings import families
from properties.guard.diagnosis import matching
from properties.guard.implementation import OPTIMISERS, Implementation, reference
from properties.guard.instances import FIRST_WIDE, StepInstance, hand_problem, wide_problem
from properties.guard.multiples import COMMON, OF_KFAC, OF_NGD
from properties.guard.remedies import FORMULAS, WAYS, remedy
from tests.properties.guard.test_guard_causes import DESCRIPTION, FACTORS, RIGHT
from tests.properties.guard.test_guard_refutations import told_lines
from theory.inputs import FloatArray


def test_every_cause_of_a_factor_has_a_way_to_mend_it() -> None:
    causes = {cause for table in (COMMON, OF_NGD, OF_KFAC) for found in table.values() for cause in found}
    assert causes == set(WAYS)


@pytest.mark.parametrize("optimiser", OPTIMISERS)
def test_every_convention_has_a_remedy(optimiser: str) -> None:
    """It names the formula, the option, or what to leave out; braces would be a word that was not put in."""
    names = [one.name for one in conventions(optimiser)]
    names += [one.name.format(eps="eps = 0.02") for one in families(optimiser)]
    for name in names:
        said = remedy(f"matches {name} on all 25 instances tried", reference(optimiser))
        assert len(said.split()) >= 4, name
        assert not re.search(r"[{}]", said.replace("J^{", "")), name
        assert said != f"take {FORMULAS[optimiser]}" or name in ("the step", "the step of NGD"), name


def returned(said: str, V: FloatArray, given: tuple[Any, ...]) -> FloatArray:
    """What the line of code in a remedy returns, V being the direction of the wrong step."""
    (code,) = re.findall(r"return (weights - step_size \* V [*/] .*)$", said)
    names = dict(zip(("weights", "signs", "X", "y", "step_size"), given, strict=True))
    return np.asarray(eval(code, {"len": len}, {**names, "V": V}))


@pytest.mark.parametrize("optimiser", OPTIMISERS)
@pytest.mark.parametrize("factor", [*FACTORS, "-3 d/n", "1/(n d)"])
def test_a_step_of_a_wrong_length_is_mended_by_its_remedy(factor: str, optimiser: str) -> None:
    more: dict[str, Callable[[c.Dense], float]] = {
        "-3 d/n": lambda net: -3 * net.inputs.shape[1] / len(net.targets),
        "1/(n d)": lambda net: 1 / net.inputs.size,
    }
    number = FACTORS[factor][0] if factor in FACTORS else more[factor]
    right = c.stepping(RIGHT[optimiser])
    wrong = Implementation.of("own", optimiser, c.stepping(c.times(number, RIGHT[optimiser])))
    (sentence,) = matching(wrong, StepInstance(hand_problem(DESCRIPTION, optimiser), wrong))
    said = remedy(sentence, wrong)
    if factor == "sign":
        assert said == "subtract: W' = W - eta V, with r = u - y"
        return
    call = wide_problem(FIRST_WIDE[2], optimiser).call()
    given = (call.weights, call.signs, call.inputs, call.targets, call.step_size)
    net = c.Dense(*given[:4])
    V = number(net) * RIGHT[optimiser](net).reshape(call.weights.shape)
    assert returned(said, V, given) == pytest.approx(right(*given), rel=1e-9, abs=1e-12)


def test_a_mean_is_told_from_a_sum_in_words() -> None:
    said = remedy(
        "matches 1/n times the step (the gradient of the mean loss with the Fisher matrix of the sum; or the step size "
        "divided by n) on all 25 instances tried",
        reference("ngd"),
    )
    assert said == (
        "in the gradient take sums over the inputs, not means (no 1/n, reduction='sum'): J^T r; or pass step_size on as it is "
        "given, not step_size / n; or multiply the direction V that it takes by n: return weights - step_size * V * len(X)"
    )


@pytest.mark.parametrize("fault", ["the step size applied twice", "the step size ignored"])
def test_a_step_size_in_the_wrong_place_is_no_factor(fault: str) -> None:
    factor = {"the step size applied twice": "eta", "the step size ignored": "1/eta"}[fault]
    assert (
        remedy(f"matches {factor} times the step ({fault}) on all 9 instances tried", reference("ngd")) == WAYS[fault]
    )


DAMPED = [
    ("ngd", "gram", c.damped_fisher(0.02)),
    ("kfac", "factors", lambda net: c.kronecker(net, 0.02, 0.02)),
    ("kfac", "product", c.damped_product(0.02)),
]


@pytest.mark.parametrize(("optimiser", "kind", "direction"), DAMPED)
def test_the_options_that_declare_a_damping_are_those_with_which_the_step_is_right(
    optimiser: str, kind: str, direction: c.Direction
) -> None:
    step = c.stepping(direction)
    wrong = Implementation.of("own", optimiser, step)
    (sentence,) = matching(wrong, StepInstance(hand_problem(DESCRIPTION, optimiser), wrong))
    said = re.search(r"; or, if it is meant, give --damping (\S+) --damping-kind (\w+)$", remedy(sentence, wrong))
    assert said is not None
    assert said[2] == kind
    damping = Damping.of(said[1], said[2], optimiser)
    declared = Implementation.of("own", optimiser, step, damping)
    assert matching(declared, StepInstance(hand_problem(DESCRIPTION, optimiser, damping), declared)) == []


@pytest.mark.parametrize(("eps", "offered"), [("1e-08", True), ("1e-09", False), ("2e+06", False)])
def test_no_option_is_named_that_would_be_refused(eps: str, offered: bool) -> None:
    cause = f"matches damping on G (or on the Fisher matrix) with eps = {eps} on all 25 instances tried"
    assert ("--damping " in remedy(cause, reference("ngd"))) == offered


def test_another_damping_than_the_declared_one_is_told_both_ways() -> None:
    damping = Damping.of(0.01, "gram", "ngd")
    declared = Implementation.of("own", "ngd", c.stepping(c.damped_fisher(0.02)), damping)
    (sentence,) = matching(declared, StepInstance(hand_problem(DESCRIPTION, "ngd", damping), declared))
    assert remedy(sentence, declared) == (
        f"take the damping that is declared, {damping.text}: V = {damping.formula}; or, if it is meant, give --damping 0.02 "
        "--damping-kind gram"
    )
    none = "matches the step without damping on all 25 instances tried"
    assert remedy(none, declared).endswith("or leave --damping out")


@pytest.mark.parametrize(("meant", "taken", "option"), [("ngd", c.kronecker, "kfac"), ("kfac", c.natural, "ngd")])
def test_the_other_optimiser_s_step_is_told_its_option(meant: str, taken: c.Direction, option: str) -> None:
    wrong = Implementation.of("own", meant, c.stepping(taken))
    (sentence,) = matching(wrong, StepInstance(hand_problem(DESCRIPTION, meant), wrong))
    assert remedy(sentence, wrong).startswith(f"give --optimiser {option} where ")


@pytest.mark.parametrize(
    ("cause", "said"),
    [
        ("the step raised LinAlgError: Singular matrix on 24 of the 24 small instances tried", "take the pseudo-inverse"),
        ("the step raised LinAlgError: Singular matrix here, with n = 2, d = 2, m = 4, where G (2 x 2) has the rank 1, and on none of the 24 small instances tried", "take the pseudo-inverse (numpy.linalg.pinv, lstsq) in place of an inverse or a solve; a step that is documented to raise there is declared by --singular raises"),
        ("the step raised LinAlgError: Last 2 dimensions of the array must be square on 24 of the 24 small instances tried", "mend a.py, line 3; "),
        ("the step raised TypeError: None on 3 of the 24 small instances tried", "mend a.py, line 3; "),
        ("the step returned None, not the new weights on 24 of the 24 small instances tried", "return the new weights"),
        ("the step itself is exact on all 25 instances tried; its contract is what is broken, as it changes its argument weights", "work on copies"),
        ("the step is exact on all 24 small instances tried (2 <= n <= 5), and not on this one, of n = 9: it depends on the size", "look for what sets in"),
        ("calls 1 to 2 on the same input are exact, call 3 on the same input is not (state is kept)", "keep nothing from one call"),
        ("matches a pseudo-inverse of G with a relative cut-off between 0.1 and 0.2 (of J: between 0.3 and 0.4) on all 2 instances tried", "cut off eigenvalues"),
        ("matches the exact step clipped to the length 1 on all 24 instances tried", "leave the length"),
        ("matches the exact step computed in float32 and returned in float64 on all 24 instances tried", "keep float64"),
        ("matches 1/n times the gradient step (plain gradient descent) on all 24 instances tried", "multiply the gradient by the inverse of the curvature: V = J^T (J J^T)^-1 r; and multiply the direction V that it takes by n: "),
    ],
)  # fmt: skip
def test_other_causes_are_told_what_to_change(cause: str, said: str) -> None:
    assert remedy(cause, reference("ngd"), "a.py, line 3").startswith(said)


def test_nothing_is_advised_where_nothing_is_known() -> None:
    assert remedy("none of those known matches on all 24 instances tried", reference("ngd")) == ""
    assert remedy("not looked for, as the step a:b was not loaded", reference("ngd")) == ""


def test_the_remedy_stands_behind_its_cause() -> None:
    lines = told_lines("own-T1", c.stepping(c.times(lambda net: len(net.targets) ** 2, c.natural)))
    cause, change = lines[-2:]
    assert cause.startswith(f"{CAUSE}matches n^2 times the step (1/n twice in the Fisher matrix)")
    assert change.startswith(f"{REMEDY}in the Fisher matrix take sums over the inputs, not means")


# --- an exception ----------------------------------------------------------------------------------------------------


def raising(weights: FloatArray, signs: FloatArray, X: FloatArray, y: FloatArray, step_size: float) -> FloatArray:
    raise ValueError(f"cannot multiply {weights.shape} by {X.shape}")


def test_an_exception_whose_text_has_the_sizes_is_one() -> None:
    lines = told_lines("own-I-pinv", raising)
    (cause,) = [line for line in lines if line.startswith(CAUSE)]
    assert re.fullmatch(
        r"cause: the step raised ValueError: cannot multiply \(\d, \d\) by \(\d, \d\) on 24 of the 24 small instances tried",
        cause,
    )
    assert lines[-1].startswith(f"{REMEDY}mend ")
    assert "test_remedies.py, line " in lines[-1]


def test_an_exception_is_told_once_with_the_claims_that_it_breaks() -> None:
    claims = own_claims(Implementation.of("own", "ngd", raising))
    entries: list[dict[str, Any]] = [{"id": id, "explanation": told_lines(id, raising)} for id in claims]
    (found,) = told_of(entries)
    assert found.claims == list(claims)
    assert [line.partition(": ")[0] for line in found.causes] == ["cause", "remedy"]
    told: dict[str, str] = {}
    first, *others = [told_once(entry["id"], entry["explanation"], told) for entry in entries]
    assert not same_exception(entries[0], first)
    for entry, lines in zip(entries[1:], others, strict=True):
        assert same_exception(entry, lines)
        assert known_causes(lines) == "as for own-contract"
        assert not any(line.startswith(REMEDY) for line in lines)


def test_other_exceptions_and_other_causes_are_told_apart() -> None:
    def entry(id: str, *causes: str) -> dict[str, Any]:
        return {
            "id": id,
            "explanation": [line for cause in causes for line in (f"{CAUSE}{cause}", f"{REMEDY}{cause}!")],
        }

    entries = [
        entry("a", "the step raised E: 1 here, with n = 2, and on none of the 24 small instances tried"),
        entry("b", "the step raised E: 2 here, with n = 5, and on none of the 24 small instances tried"),
        entry("c", "the step raised F: 1 here, with n = 5, and on none of the 24 small instances tried"),
        entry("d", "matches 2 times the step on all 25 instances tried", "another"),
        entry("e", "matches 3 times the step on all 25 instances tried", "another"),
        {"id": "f"},
    ]
    assert [list(found.claims) for found in told_of(entries)] == [["a", "b"], ["c"], ["d", "e"], ["e"], ["f"]]
    assert list(told_of(entries)[3].causes) == [
        "cause: matches 3 times the step on all 25 instances tried",
        "remedy: matches 3 times the step on all 25 instances tried!",
    ]
