"""Every known cause is told what to change, and who does what he is told has the right step."""

import ast
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from properties import guard
from properties.engine.report.causes import (
    CAUSE,
    CODE,
    REMEDY,
    UNKNOWN_CAUSES,
    known_causes,
    same_exception,
    told_of,
    told_once,
)
from properties.guard import controls as c
from properties.guard import special_steps
from properties.guard.claims import own_claims
from properties.guard.conventions import conventions, exact
from properties.guard.damping import KINDS, Damping
from properties.guard.damping_fit import ON_EPS, ON_STEP, FittedFamily
from properties.guard.dampings import Family, families
from properties.guard.diagnosis import NO_STEP, NONE_KNOWN, TROUBLES, causes_of, matching
from properties.guard.implementation import OPTIMISERS, Implementation, Trouble
from properties.guard.instances import FIRST_WIDE, StepInstance, hand_problem, wide_problem
from properties.guard.multiples import Multiple
from properties.guard.readings import COMMON, OF_KFAC, OF_NGD
from properties.guard.remedies import PSEUDO_INVERSE, UNJUDGED, Meant
from properties.guard.singular_instances import SingularInstance, first_singular, singular_problem
from properties.guard.workings import Convention
from tests.properties.guard.test_guard_causes import DESCRIPTION, FACTORS, RIGHT
from tests.properties.guard.test_guard_refutations import in_place, told_lines
from theory.inputs import FloatArray


def meants(optimiser: str) -> list[Meant]:
    """Every step that may be meant."""
    return [Meant(optimiser, None), *(Meant(optimiser, Damping.of(0.02, kind, optimiser)) for kind in KINDS[optimiser])]


def fitted(family: Family) -> list[FittedFamily]:
    """A damping with an eps below, in and above what may be declared, as it is and with each change."""
    changes = [(), *((text,) for text, _ in (*ON_EPS, *ON_STEP) if text)]
    return [FittedFamily(family, eps, change, 25) for eps in ("1e-10", "0.02", "2e+06") for change in changes]


def told(
    optimiser: str, known: Iterable[Convention], damped: Iterable[Family], troubles: Mapping[Trouble, str]
) -> Iterator[tuple[str, str, Meant]]:
    """Every cause of a table with what is said to change, whatever is meant."""
    for meant in meants(optimiser):
        yield from ((one.name, meant.told(one.remedy), meant) for one in known)
        yield from ((one.name, one.remedy(meant), meant) for family in damped for one in fitted(family))
        yield from ((one.name, meant.told(troubles.get(one, "")), meant) for one in Trouble)


def lacking(all_told: Iterable[tuple[str, str, Meant]]) -> set[str]:
    """The causes that nothing is said for, or with a word that was not put in, or the formula alone where more is known."""
    alone = {"the step", "the step of NGD", Trouble.ENDED.name}
    return {
        name
        for name, said, meant in all_told
        if len(said.split()) < 4 or re.search(r"[{}]", said) or (said == f"take {meant.formula}" and name not in alone)
    }


def known_of(optimiser: str) -> list[Convention]:
    """All conventions without a parameter, that without a damping which is meant among them."""
    right = exact(optimiser)
    return list(conventions(optimiser, right))


@pytest.mark.parametrize("optimiser", OPTIMISERS)
def test_every_convention_damping_and_trouble_has_a_remedy(optimiser: str) -> None:
    """It names the formula, the option, or what to leave out."""
    assert lacking(told(optimiser, known_of(optimiser), families(optimiser), TROUBLES)) == set()


@pytest.mark.parametrize("optimiser", OPTIMISERS)
@pytest.mark.parametrize("planted", ["", "take {formula}"])
def test_one_without_a_remedy_is_found(planted: str, optimiser: str) -> None:
    """Each of them in turn."""
    for one in known_of(optimiser):
        found = lacking(told(optimiser, [replace(one, remedy=planted)], [], TROUBLES))
        assert found == ({one.name} - {"the step", "the step of NGD"} if planted == "take {formula}" else {one.name})
    for family in families(optimiser):
        found = lacking(told(optimiser, [], [replace(family, remedy="", damps=False)], TROUBLES))
        assert found == {one.name for one in fitted(family)}
    for trouble in Trouble:
        others = {one: said for one, said in TROUBLES.items() if one is not trouble}
        assert lacking(told(optimiser, [], [], others)) == {trouble.name}


def test_every_reading_of_a_factor_has_a_way_to_mend_it() -> None:
    found = [one for table in (COMMON, OF_NGD, OF_KFAC) for known in table.values() for one in known]
    assert all(known for table in (COMMON, OF_NGD, OF_KFAC) for known in table.values())
    assert all(len(one.way.split()) >= 4 for one in found)
    assert len({one.said: one.way for one in found}) == len(set(found))


def causes_without_a_remedy(source: str) -> list[str]:
    """The sentences of causes that a module makes with nothing to change."""
    calls = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call)]
    made = [node for node in calls if isinstance(node.func, ast.Name) and node.func.id in ("Cause", "_matched")]
    assert all(not node.keywords for node in made)
    return [ast.unparse(node.args[0]) for node in made if ast.unparse(node.args[-1]) in ("''", "None")]


def test_nothing_is_left_out_of_a_cause_but_of_an_unknown_one() -> None:
    """Wherever one is made."""
    modules = sorted(Path(guard.__file__).parent.glob("*.py"))
    found = [one for module in modules for one in causes_without_a_remedy(module.read_text(encoding="utf-8"))]
    assert found == ["NONE_KNOWN.format(tried=len(probes) + len(own))", "f'not looked for, as {error}'"]
    assert NONE_KNOWN.startswith(UNKNOWN_CAUSES)
    assert causes_without_a_remedy('Cause(f"a {b}", "")\n_matched("c", 3, "d")') == ["f'a {b}'"]


def test_code_in_a_remedy_is_told_from_formulas_by_how_it_begins() -> None:
    """Wherever the step's update is written in code, and nowhere else."""
    said = [one for optimiser in OPTIMISERS for _, one, _ in told(optimiser, known_of(optimiser), [], TROUBLES)]
    said += [NO_STEP, *(f"{Multiple(k, (a, 0.0, 0.5, 0.0), 9).undone}" for k in (-1, 0.25, 1e-7) for a in (-1, 0, 2))]
    code = [one for one in said if "step_size * V" in one]
    assert all(one.partition(CODE)[2].startswith(" - step_size * V") for one in code)
    assert [one for one in said if CODE in one] == code
    assert len(code) >= 10


@pytest.mark.parametrize(
    ("k", "exponents", "said"),
    [
        (1.0, (-1, 0, 0, 0), "multiply the direction V that it takes by n: return weights - step_size * V * len(X)"),
        (1.0, (-1, 0, -1, 0), "multiply the direction V that it takes by (n d): return weights - step_size * V * (len(X) * X.shape[1])"),
        (-1.0, (-1, 0, 0, 0), "divide the direction V that it takes by -1/n: return weights - step_size * V / (-1/len(X))"),
        (2.0, (0, 0.5, 0, 0), "divide the direction V that it takes by 2 m^(1/2): return weights - step_size * V / (2 * len(signs)**(1/2))"),
        (1.0, (0, -0.5, 0, 0), "multiply the direction V that it takes by m^(1/2): return weights - step_size * V * (len(signs)**(1/2))"),
        (1e-7, (2, 0, 0, 0), "divide the direction V that it takes by 1e-07 n^2: return weights - step_size * V / (1e-07 * len(X)**2)"),
        (1.01, (0, 0, 0, -1), "divide the direction V that it takes by 1.01/eta: return weights - step_size * V / (1.01/step_size)"),
    ],
)  # fmt: skip
def test_a_factor_is_undone_in_words_and_in_code(
    k: float, exponents: tuple[float, float, float, float], said: str
) -> None:
    assert Multiple(k, exponents, 25).undone == said


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
    (cause,) = matching(wrong, StepInstance(hand_problem(DESCRIPTION, optimiser), wrong))
    said = cause.remedy
    if factor == "sign":
        assert said == "subtract: W' = W - eta V, with r = u - y"
        return
    call = wide_problem(FIRST_WIDE[2], optimiser).call()
    given = (call.weights, call.signs, call.inputs, call.targets, call.step_size)
    net = c.Dense(*given[:4])
    V = number(net) * RIGHT[optimiser](net).reshape(call.weights.shape)
    assert returned(said, V, given) == pytest.approx(right(*given), rel=1e-9, abs=1e-12)


def remedies_of(step: Callable[..., Any], optimiser: str = "ngd", damping: Damping | None = None) -> list[str]:
    """What a step is told to change."""
    own = Implementation.of("own", optimiser, step, damping)
    return [one.remedy for one in causes_of(own, StepInstance(hand_problem(DESCRIPTION, optimiser, damping), own))]


def test_a_mean_is_told_from_a_sum_in_words() -> None:
    (said,) = remedies_of(c.stepping(c.times(lambda net: 1 / len(net.targets), c.natural)))
    assert said == (
        "in the gradient take sums over the inputs, not means (no 1/n, reduction='sum'): J^T r; or pass step_size on as it is "
        "given, not step_size / n; or multiply the direction V that it takes by n: return weights - step_size * V * len(X)"
    )


@pytest.mark.parametrize(
    ("power", "said"), [(1, "multiply the direction by step_size once"), (-1, "multiply the direction by step_size")]
)
def test_a_step_size_in_the_wrong_place_is_no_factor(power: int, said: str) -> None:
    right = c.stepping(c.natural)
    assert remedies_of(lambda w, a, X, y, eta: right(w, a, X, y, eta ** (1 + power))) == [said]


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
    (cause,) = matching(wrong, StepInstance(hand_problem(DESCRIPTION, optimiser), wrong))
    said = re.search(r"; or, if it is meant, give --damping (\S+) --damping-kind (\w+)$", cause.remedy)
    assert said is not None
    assert said[2] == kind
    damping = Damping.of(said[1], said[2], optimiser)
    declared = Implementation.of("own", optimiser, step, damping)
    assert matching(declared, StepInstance(hand_problem(DESCRIPTION, optimiser, damping), declared)) == []


@pytest.mark.parametrize(("eps", "offered"), [("1e-08", True), ("1e-09", False), ("2e+06", False)])
def test_no_option_is_named_that_would_be_refused(eps: str, offered: bool) -> None:
    found = FittedFamily(next(iter(families("ngd"))), eps, (), 25)
    assert ("--damping " in found.remedy(Meant("ngd", None))) == offered


def test_another_damping_than_the_declared_one_is_told_both_ways() -> None:
    damping = Damping.of(0.01, "gram", "ngd")
    declared = Implementation.of("own", "ngd", c.stepping(c.damped_fisher(0.02)), damping)
    (cause,) = matching(declared, StepInstance(hand_problem(DESCRIPTION, "ngd", damping), declared))
    assert cause.remedy == (
        f"take the damping that is declared, {damping.text}: V = {damping.formula}; or, if it is meant, give --damping 0.02 "
        "--damping-kind gram"
    )
    (none,) = remedies_of(c.stepping(c.natural), "ngd", damping)
    assert none.endswith("or leave --damping out")


@pytest.mark.parametrize(("meant", "taken", "option"), [("ngd", c.kronecker, "kfac"), ("kfac", c.natural, "ngd")])
def test_the_other_optimiser_s_step_is_told_its_option(meant: str, taken: c.Direction, option: str) -> None:
    wrong = Implementation.of("own", meant, c.stepping(taken))
    (cause,) = matching(wrong, StepInstance(hand_problem(DESCRIPTION, meant), wrong))
    assert cause.remedy.startswith(f"give --optimiser {option} where ")


def raised_by(error: Exception, *dims: int) -> Callable[..., Any]:
    """A step that raises for these d, or for all, and returns None for the others."""

    def step(weights: FloatArray, *rest: Any) -> None:
        if not dims or weights.shape[1] in dims:
            raise error

    return step


async def deferred(*given: Any) -> Any:
    return given[0]


SINGULAR = np.linalg.LinAlgError("Singular matrix")
SQUARE = np.linalg.LinAlgError("Last 2 dimensions of the array must be square")
STEPS: list[tuple[Callable[..., Any], str]] = [
    (raised_by(SINGULAR), f"{PSEUDO_INVERSE}: J^T J, "),
    (raised_by(np.linalg.LinAlgError("not positive definite.")), f"{PSEUDO_INVERSE}: J^T J, "),
    (raised_by(SINGULAR, 5), f"{PSEUDO_INVERSE}: J^T J, "),
    (raised_by(SQUARE), "mend a.py, line 3; "),
    (raised_by(SQUARE, 2, 3), "mend a.py, line 3; "),
    (raised_by(SQUARE, 5), "return the new weights (m, d), where they were changed in place too"),
    (lambda *given: None, "return the new weights (m, d), where they were changed in place too"),
    (lambda w, *rest: w[0], "return an array of the shape of weights, (m, d)"),
    (lambda w, *rest: w.astype(int), "return real floating-point numbers"),
    (deferred, "make the step a plain function that returns the new weights"),
    (lambda w, *rest: np.full_like(w, np.nan), "no entry may be NaN or infinite: "),
    (in_place, "work on copies: weights = weights.copy()"),
    (c.stepping(c.natural), "return an array of its own from every call"),
    (lambda w, *rest: w, "return weights - step_size * V, not weights as they were given"),
    (c.stepping(lambda net: c.natural(net) / np.linalg.norm(c.natural(net))), "leave the length of the step as it is"),
    (c.single_precision, "keep float64 throughout"),
    (c.stepping(c.cut_off(0.2)), "cut off eigenvalues at the size of their rounding alone"),
    (
        c.stepping(c.times(lambda net: 1 / len(net.targets), c.gradient)),
        "multiply the gradient by the inverse of the curvature: V = J^T (J J^T)^-1 r; and multiply the direction V ",
    ),
]


@pytest.mark.parametrize(("step", "said"), STEPS)
def test_other_causes_are_told_what_to_change(step: Callable[..., Any], said: str) -> None:
    own = Implementation.of("own", "ngd", step)
    changes = {"kind": "clustered", "rows": 3} if said.startswith("cut off") else {}
    cause, *_ = causes_of(own, StepInstance(hand_problem({**DESCRIPTION, **changes}, "ngd"), own), "a.py, line 3")
    assert cause.remedy.startswith(said)


@pytest.mark.parametrize(
    ("there", "said"),
    [
        (raised_by(SINGULAR), UNJUDGED),
        (raised_by(np.linalg.LinAlgError("the matrix is singular.")), f"{PSEUDO_INVERSE}: J^T J, "),
        (raised_by(RuntimeError("not today")), "mend what raises there; "),
        (lambda weights, *rest: weights + 1.0, UNJUDGED),
    ],
)
def test_where_the_matrix_is_singular_the_options_are_told(there: Callable[..., Any], said: str) -> None:
    own = Implementation.of("own", "ngd", special_steps.elsewhere("ngd", there))
    problem = singular_problem(next(iter(first_singular("ngd"))), own)
    cause, *_ = causes_of(own, SingularInstance(problem, own))
    assert cause.remedy.startswith(said)


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
