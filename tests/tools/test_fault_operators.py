"""Each operator of semantic faults, on a small source: exactly the change that it is for."""

import pytest
from fault_testing.fault import Fault
from fault_testing.place import File, Vocabulary
from fault_testing.planting import OPERATORS, faults_of, is_another_program
from mutation_testing.source import Source

VOCABULARY = Vocabulary(
    frozenset({"certificate", "attack", "lower", "upper", "measured", "predicted"}),
    {"theory.directed": frozenset({"at_most_exact", "at_least_exact", "float_above", "float_below"})},
)
VERDICT = "def verdict(a: float, b: float) -> bool:\n    return {}\n"
CASES: dict[str, list[tuple[str, str, set[str]]]] = {
    "certificate-and-attack": [
        ("", "x = instance.certificate.constant", {"x = instance.attack.constant"}),
        ("", "x = instance.attack.constant", {"x = instance.certificate.constant"}),
        ("attack_ball = certify_ball = None\n", "x = certified", set()),
    ],
    "direction": [
        ("", "x = bounds.lower", {"x = bounds.upper"}),
        ("", "x = text.lower()", set()),
        ("", "x = bound.measured", {"x = bound.predicted"}),
        ("", "at_most(label, a, b, r)", {"at_most(label, b, b, r)"}),
        ("", "trials.at_most(label, a, b, r)", set()),
        ("low, smallest = largest = 1, 2\n", "x = smallest", {"x = largest"}),
    ],
    "rounding-direction": [
        ("", "x = np.nextafter(a, np.inf)", {"x = np.nextafter(a, -(np.inf))"}),
        ("", "x = math.floor(a)", {"x = math.ceil(a)"}),
        (
            "",
            "from theory.directed import at_most_exact",
            {"from theory.directed import at_least_exact as at_most_exact"},
        ),
        ("from theory.directed import float_above, float_below\n", "x = float_above(a)", {"x = float_below(a)"}),
    ],
    "rounding-lost": [
        ("", "at_most(label, a, b, r + s)", {"at_most(label, a, b, 0.0)"}),
        ("", "require(name, a, r)", {"require(name, a, 0.0)"}),
        ("", "within_rounding(name, a, r)", {"within_rounding(name, a, 2 * r)"}),
        ("", "x = rounded_up(a / b)", {"x = float(a / b)"}),
    ],
    "radius-lost": [
        ("from flint import arb\n", "x = ball.upper()", {"x = ball.mid()"}),
        ("from flint import arb\n", "x = arb(a, r)", {"x = arb(a)"}),
        ("from flint import arb\n", "x = ball.rad()", {"x = (0 * ball.rad())"}),
        ("", "x = text.upper()", set()),
    ],
    "evidence-raised": [
        ("", "x = Evidence.TESTED", {"x = Evidence.ENCLOSED"}),
        ("", "x = Evidence.ESTIMATED", {"x = Evidence.ENCLOSED"}),
        ("", "x = Evidence.ENCLOSED", set()),
        ("", "x = Basis.ARGUED", {"x = Basis.PROVED"}),
    ],
    "verdict-raised": [
        ("", "x = Verdict.UNDECIDED", {"x = Verdict.HOLDS"}),
        ("", "x = Standing.UNDECIDED", {"x = Standing.PROVED"}),
        ("", "x = InstanceVerdict.VACUOUS", {"x = InstanceVerdict.HOLDS"}),
    ],
    "strictness": [
        ("", VERDICT.format("a <= b"), {VERDICT.format("a < b")}),
        ("", VERDICT.format("a > b"), {VERDICT.format("a >= b")}),
        ("", "x = a <= b", set()),
    ],
    "tolerance": [
        ("", VERDICT.format("a <= b"), {VERDICT.format("a <= b + 1e-6")}),
        ("", VERDICT.format("a > b"), {VERDICT.format("a > b - 1e-6")}),
        ("", VERDICT.format("len(a) > len(b)"), set()),
    ],
    "any-and-all": [
        ("", "x = any(y)", {"x = all(y)"}),
        ("", "x = y.all(axis=1)", {"x = y.any(axis=1)"}),
    ],
    "mean-and-max": [
        ("", "x = y.max(axis=1)", {"x = y.mean(axis=1)"}),
        ("", "x = np.mean(y)", {"x = np.max(y)"}),
        ("", "x = max(a, b)", {"x = (lambda values: sum(values) / len(values))([a, b])"}),
    ],
    "min-and-max": [
        ("", "x = min(y)", {"x = max(y)"}),
        ("", "x = np.maximum(a, b)", {"x = np.minimum(a, b)"}),
        ("", "x = np.linalg.eigvalsh(a)[0]", {"x = np.linalg.eigvalsh(a)[-1]"}),
        ("", "x = rows[0]", set()),
    ],
    "root": [
        ("", "x = a / math.sqrt(b + c)", {"x = a / (b + c)"}),
        ("", "x = a / lambda_min", {"x = a / lambda_min ** 0.5"}),
        ("", "x = (a + b) ** 2", {"x = (a + b)"}),
    ],
    "end-dropped": [
        (
            "",
            "for x in segments:\n    pass\n",
            {f"for x in list(segments)[{ends}]:\n    pass\n" for ends in (":-1", "1:")},
        ),
        ("", "x = range(n)", {"x = range(0 + 1, n)", "x = range(0, n - 1)"}),
        ("", "x = range(1, n)", {"x = range(1 + 1, n)", "x = range(1, n - 1)"}),
        ("", "x = y[1:]", {"x = y"}),
    ],
    "off-by-one": [
        ("", "x = factor ** steps", {"x = factor ** (steps - 1)", "x = factor ** (steps + 1)"}),
        ("", "x = factor ** (k - 1)", {"x = factor ** (k)"}),
        ("", "x = range(n)", {"x = range(n + 1)"}),
        ("", "x = a / len(b)", {"x = a / (len(b) - 1)"}),
        ("", "x = a * n", {"x = a * (n - 1)"}),
        ("", "x = gamma(4 * n)", set()),
    ],
    "term-dropped": [
        ("", "x = a + b * c", {"x = a", "x = (b * c)"}),
        ("", "x = a - b", {"x = a", "x = (-b)"}),
        ("", "x = gamma(a + b)", set()),
        ("", 'x = "a" + b', set()),
        ("", "x = [a] + b", set()),
    ],
    "constant": [
        ("", "x = 1 - C / 3", {"x = 1 - C / 2"}),
        ("", "x = 2 * C", {"x = 1 * C"}),
        ("", "x = 1 / C", {"x = 2 / C"}),
        ("", "x = 2.0 ** 10", {"x = 2.0 ** 9"}),
        ("", "x = y[3]", set()),
        ("", "x = gamma(2 * k)", set()),
    ],
    "norm": [
        ("", "x = np.linalg.norm(a, 2)", {"x = np.linalg.norm(a)", "x = np.max(np.linalg.norm(a, axis=1))"}),
        ("", "x = np.linalg.norm(a)", {"x = np.max(np.abs(a))"}),
        ("", "x = np.linalg.norm(a, axis=1)", {"x = np.linalg.norm(a, axis=1, ord=1)"}),
    ],
    "transposed": [
        ("", "x = a @ b.T", {"x = a @ b"}),
        ("", "x = a.transpose() * b", {"x = a * b"}),
    ],
    "sign-of-step": [
        ("", "x = w - eta * g", {"x = w + (eta * g)"}),
        ("", "x = 1 - self.step_size", {"x = 1 + self.step_size"}),
        ("", "x = w - g", set()),
    ],
    "hypothesis-dropped": [
        ("", "require(name, a - b, r)", {"require(name, abs(a - b), r)"}),
        ("", "if a < 0:\n    raise ValueError\n", {"if False:\n    raise ValueError\n"}),
        ("", VERDICT.format("a > 0 and b > 0"), {VERDICT.format("((b > 0))"), VERDICT.format("((a > 0))")}),
    ],
    "hypothesis-narrowed": [("", "require(name, a, r)", {"require(name, a - abs(a) / 2 - 0.01, r)"})],
    "conclusion-weakened": [
        ("", "at_most(label, a, b, r)", {"at_most(label, a, b * 1.1, r)"}),
        ("", 'Implication(("0 < c",), "x <= c")', {'Implication(("0 < c",), "x <= c + 1/1000")'}),
        ("", 'Implication(("0 < c",), "x >= c")', {'Implication(("0 < c",), "x >= c - 1/1000")'}),
    ],
    "obligation-narrowed": [
        ("", 'Implication(("0 < c < 1/2",), "x <= c")', {'Implication(("0 < c < (1/2)/2",), "x <= c")'}),
        ("", 'Implication(("0 < c",), "x <= c")', {'Implication(("0 + 1/100 < c",), "x <= c")'}),
        ("", '_STEP = "0 < eta <= limit"', {'_STEP = "0 < eta <= (limit)/2"'}),
    ],
    "mutant-lost": [
        ("", "x = claim.with_mutants(a, b)", {"x = claim.with_mutants(*(), b)", "x = claim.with_mutants(a, *())"}),
        (
            "",
            'x = rule.claim("a", "b", c, d, e)',
            {'x = rule.claim("a", "b", c, *(), e)', 'x = rule.claim("a", "b", c, d, *())'},
        ),
        ("", 'x = (Mutation("a"), Mutation("b"))', {'x = (*(), Mutation("b"))', 'x = (Mutation("a"), *())'}),
        ("", 'x = mutant("a", drops="b")', {'x = mutant("a", drops="")'}),
    ],
    "relabelled": [
        ("argued = checked = None\n", 'argued("step", "place")', {'checked("step", "place")'}),
        ("", "x = Basis.PROVED", {"x = Basis.CHECKED"}),
    ],
}
"""By operator: what stands before, a statement, and all that the operator makes of it."""


def planted(name: str, text: str) -> list[Fault]:
    operators = [operator for operator in OPERATORS if operator.name == name]
    return list(faults_of(File(source(text), VOCABULARY), operators))


def source(text: str) -> Source:
    return Source(text, "theory/theorems/small.py")


@pytest.mark.parametrize("name", [operator.name for operator in OPERATORS])
def test_exactly_the_intended_changes(name: str) -> None:
    for before, statement, expected in CASES[name]:
        faults = [fault for fault in planted(name, before + statement) if fault.start >= len(before)]
        found = [fault.applied(before + statement)[len(before) :] for fault in faults]
        assert set(found) == expected, statement
        assert len(found) == len(expected), statement
        assert all(is_another_program(fault, source(before + statement)) for fault in faults)


def test_an_operator_without_a_case_would_be_seen() -> None:
    assert CASES.keys() == {operator.name for operator in OPERATORS}
    assert len(OPERATORS) == len(CASES)


def test_a_fault_tells_where_it_is() -> None:
    text = "def rate(eta: float, C: float) -> float:\n    return 1 - C / 3\n"
    (fault,) = planted("constant", text)
    assert (fault.file, fault.line, fault.operator, fault.definition) == (
        "theory/theorems/small.py",
        2,
        "constant",
        "rate",
    )
    assert (fault.before, fault.after) == ("return 1 - C / 3", "return 1 - C / 2")


@pytest.mark.parametrize(
    "text",
    [
        '"""The largest min(a, b) / 3."""',
        'def f(x: "min(a)") -> "max(b)":\n    raise ValueError(max(x))\n',
        'x = f"{max(y)}"',
    ],
)
def test_docstrings_annotations_and_messages_are_left_alone(text: str) -> None:
    assert not list(faults_of(File(Source(text, "theory/small.py"))))


def test_a_change_to_the_same_program_or_to_none_is_no_fault() -> None:
    text = "x = a + b"
    (first, _) = planted("term-dropped", text)
    same = Fault(**{**vars(first), "start": 4, "end": 9, "text": "(a + b)"})
    none = Fault(**{**vars(first), "start": 4, "end": 9, "text": "a +"})
    assert is_another_program(first, source(text))
    assert not is_another_program(same, source(text))
    assert not is_another_program(none, source(text))


def test_outside_of_mathematics_formulas_are_left_alone() -> None:
    (operator,) = [operator for operator in OPERATORS if operator.name == "term-dropped"]
    assert not list(faults_of(File(Source("x = a + b", "properties/report/page.py")), [operator]))
    assert len(list(faults_of(File(Source("x = a + b", "theory/page.py")), [operator]))) == 2
