"""The lines about one network, NGD, K-FAC, GD and the widths, compared with the truth number by number."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Any

from flint import arb

from tests.properties.dataset import exact_theorems as theorems
from tests.properties.dataset.data_lines import CAPS, EXACTLY, GD_STEPS, HALF, SLACK, STEPS, STORED, Comparison, Truth
from tests.properties.dataset.exact_rung import precise, rational
from tests.properties.dataset.exact_theorems import GD, KFAC, NGD

N = r"(\S+?)"
PREDICTED = r"(-|\d+ \([^)]*\))"


@precise
def complaints(
    lines: Sequence[str], values: Mapping[str, Any], row: Any, said: tuple[str, str], truth: Truth
) -> list[str]:
    """Lines, JSON values, table row, the answer and its grounds in words about one network whose G(0) and X have full rank."""
    compared = Comparison()
    _network(compared, lines, values, truth)
    _tubes(compared, lines, values["tube"], truth)
    _natural_gradient(compared, lines, values["ngd"], truth)
    _kronecker(compared, lines, values["kfac"], truth)
    _gradient(compared, lines, values["gd"], truth)
    _widths(compared, lines, values["widths"], values["width"], truth)
    _table(compared, row, truth)
    _answer(compared, said[0], truth)
    _grounds(compared, said[1], truth)
    return compared.found


def _network(compared: Comparison, lines: Sequence[str], values: Mapping[str, Any], truth: Truth) -> None:
    if found := compared.line(lines, rf"n = .*: lambda_min\(G\(0\)\) >= {N}, \|\|r\(0\)\|\| = {N}", "lambda_min"):
        compared.lower("lambda_min", found[0], truth.low, 5)
        compared.near("||r(0)||", found[1], truth.residual_norm, 4)
    compared.lower("lambda_min (value)", values["lambda_min"], truth.low)
    runs = ", ".join(rf"{name} {N}/{N}/{PREDICTED}" for name in ("NGD", "K-FAC", "GD"))
    found = compared.line(lines, rf"steps to 1e-06, observed/linearised/predicted: {runs}", "counts")
    for index, name in enumerate(CAPS if found else ()):
        observed, linearised, predicted = found[3 * index : 3 * index + 3]
        count = truth.observed[name]
        compared.same(f"{name} observed", observed, f">{CAPS[name]}" if count is None else str(count))
        compared.same(f"{name} linearised", linearised, str(truth.linearised[name]))
        _prediction(compared, name, predicted, values["iterations"][name], truth)


def _prediction(compared: Comparison, name: str, text: str, values: Mapping[str, Any], truth: Truth) -> None:
    factors = truth.predicted[name]
    if not factors:
        compared.same(f"{name} predicted", (text, values["predicted"], values["certified_steps"]), ("-", None, None))
        return
    best = truth.smallest_factor(factors)
    count, source = theorems.count(best), str(values["source"])
    steps = count if source == "T1-tube" else STEPS
    certified = f", certified for {steps} steps" if count > steps else ""
    compared.same(f"{name} predicted", text, f"{count} ({source}{certified})")
    compared.same(f"{name} predicted (values)", (values["predicted"], values["certified_steps"]), (count, steps))
    if source not in factors or not abs(factors[source] - best) < 2.0**-36:
        compared.found.append(f"{name}'s prediction is from {source}, which is not the fastest of {', '.join(factors)}")


def _tubes(compared: Comparison, lines: Sequence[str], values: Mapping[str, Any], truth: Truth) -> None:
    """What the tubes say; where none closes no rate is named."""
    each = {"NGD": ("ngd", "1", "eta", truth.tube), "K-FAC": ("kfac", "1/h_max", "eta h_min", truth.pattern_tube)}
    for title, (name, largest, taken, progress) in each.items():
        found = values[name]
        if progress is None:
            compared.line(lines, rf"{title} in the tube: not certified, as .*", f"that no tube of {title} closes")
            compared.same(f"the ratio of {title}'s tube", (found["contraction"], found["progress"]), (None, None))
            continue
        start = rf"{title} in the tube: certified for every eta <= {largest} and every k: "
        rate = rf"\|\|r\(k\)\|\| <= \(1 - {N} {taken}\)\^k \|\|r\(0\)\|\|"
        if hit := compared.line(lines, start + rate, f"{title}'s tube"):
            compared.progress(f"1 - mu of {title}'s tube", hit[0], progress, 3)
        compared.progress(f"1 - mu of {title}'s tube (value)", found["progress"], progress, 17)


def _natural_gradient(compared: Comparison, lines: Sequence[str], values: Mapping[str, Any], truth: Truth) -> None:
    C, attack, (path, _) = truth.ball[0], truth.attack[0], truth.on_path("ngd", HALF)
    _condition(compared, lines, C, attack, truth)
    limits = ", ".join(f"{theorem} {N}" for theorem in NGD)
    found = compared.line(
        lines,
        rf"NGD: C over the ball <= {N} \(attack {N}\), which allows every eta up to {limits}; along the path of eta = 0\.5 C <= {N}",
        "C",
    )
    if found:
        compared.upper("C over the ball", found[0], C, 4)
        compared.lower("the attack", found[1], attack, 4)
        for theorem, text in zip(NGD, found[2:5], strict=True):
            compared.lower(f"{theorem}'s limit over the ball", text, truth.limit("ngd", theorem, C), 3)
        compared.upper("C along NGD's path", found[5], path, 4)
    if (true := truth.suprema[0]) is not None and not (attack <= true * EXACTLY and true <= C * (1 + SLACK)):
        compared.found.append("the attack, the supremum over the ball and its certificate are not in this order")
    found = compared.line(
        lines, rf"step sizes certified on a path of their own, of {STEPS} steps: {limits} \(0: none is\)", "own paths"
    )
    for theorem, text in zip(NGD, found, strict=bool(found)):
        one = truth.admitted[theorem]
        compared.lower(f"{theorem} on its own path", text, arb(0) if one is None else arb(one.eta), 3)
    known = {"radius": truth.exact.radius(), "ball_constant": C, "path_constant": path}
    for key, true_value in known.items():
        compared.upper(f"{key} (value)", values[key], true_value)
    compared.lower("attack_constant (value)", values["attack_constant"], attack)
    compared.same("path_steps (value)", values["path_steps"], STEPS)
    own = {theorem: STEPS for theorem in NGD if truth.admitted[theorem] is not None}
    compared.same("certified_steps (value)", dict(values["certified_steps"]), own)
    for theorem in NGD:
        compared.lower(
            f"{theorem}, ball (value)", values["step_limits"]["ball"][theorem], truth.limit("ngd", theorem, C)
        )
        one = truth.admitted[theorem]
        allowed = values["step_limits"]["path"][theorem]
        compared.lower(f"{theorem}, path (value)", allowed, arb(0) if one is None else arb(one.eta))
    ratio = truth.step_ratio
    stepwise = "J does not change, where T1-step is an equality" if ratio is None else rf"T1-step's ratio at most {N}"
    halves = r"NGD at eta = 0\.5: every step multiplies the residual by 0\.5 to within"
    if found := compared.line(lines, rf"{halves} {N}%; {stepwise}", "the run"):
        compared.upper(
            "the error of halving",
            found[0],
            100 * (truth.halving_error - truth.single),
            2,
            100 * (truth.halving_noise + 2 * truth.single),
        )
    if found and ratio is not None:
        compared.upper("T1-step's ratio", found[1], ratio, 6)


def _condition(compared: Comparison, lines: Sequence[str], C: arb, attack: arb, truth: Truth) -> None:
    where = rf"Condition 2 over the ball of radius {N} >= 3 \|\|r\(0\)\|\|/lambda\^\(1/2\): "
    forms = {
        "holds": rf"holds, J changes by at most {N} \(certified\)",
        "not decided": rf"not decided, certificate {N}, attack {N}",
        "fails": rf"fails, as weights were found in it that flip {N}% of the activations and change J by {N}: "
        rf"C is at least {N}, 0\.5 is the most that is allowed",
    }
    kind = truth.kind(C, attack)
    found = compared.line(lines, where + forms[kind], f"that Condition 2 {kind}")
    if not found:
        return
    compared.upper("Condition 2's radius", found[0], truth.exact.radius(), 4)
    root = truth.low.sqrt()
    if kind == "holds":
        compared.upper("the change of J", found[1], C * root / 3, 3)
    elif kind == "not decided":
        compared.upper("Condition 2's certificate", found[1], C, 4)
        compared.lower("Condition 2's attack", found[2], attack, 4)
    else:
        moved = [[rational(x) for x in w] for w in truth.attacked[0].tolist()]
        pairs = zip(truth.exact.pattern, truth.pattern_at(moved), strict=True)
        flips = sum(a != b for old, new in pairs for a, b in zip(old, new, strict=True))
        compared.same("the flips", found[1], f"{100 * flips / (truth.exact.n * truth.exact.m):.1f}")
        compared.lower("the change of J found", found[2], attack * root / 3, 3)
        compared.lower("C found", found[3], attack, 3)


def _kronecker(compared: Comparison, lines: Sequence[str], values: Mapping[str, Any], truth: Truth) -> None:
    sigma, C, attack = truth.exact.pattern_eigenvalues[0], truth.ball[1], truth.attack[1]
    path, _ = truth.on_path("kfac", truth.first_step("kfac"))
    found = compared.line(
        lines,
        rf"K-FAC: lambda_min\(H\(0\)\) >= {N}; K2's C over the ball <= {N} \(attack {N}\), along the path <= {N}",
        "K2's C",
    )
    if found:
        compared.lower("lambda_min(H(0))", found[0], sigma, 5)
        compared.upper("K2's C over the ball", found[1], C, 4)
        compared.lower("K2's attack", found[2], attack, 4)
        compared.upper("C along K-FAC's path", found[3], path, 4)
    if (true := truth.suprema[1]) is not None and not (attack <= true * EXACTLY and true <= C * (1 + SLACK)):
        compared.found.append("K2's attack, the supremum over its ball and the certificate are not in this order")
    named = ("T4", "T4-lev", "T4-sharp and T4-least")
    limits = ", ".join(f"{theorem} {N}" for theorem in named)
    found = compared.line(
        lines, rf"K-FAC: such a C along the path of another step size would allow it up to {limits}", "K-FAC's limits"
    )
    for theorem, text in zip(KFAC[:-1], found, strict=bool(found)):
        compared.lower(f"{theorem}'s limit", text, truth.limit("kfac", theorem, path), 4)
    for theorem in KFAC:
        one = truth.admitted[theorem]
        pattern = rf"{theorem} at eta = {N} \(C <= {N} on its own path\): residual times at most {N} a step, (\d+) steps to 1e-06 \(certified for (\d+)\); observed (.*)"
        if one is None:
            compared.same(
                f"lines on {theorem}", [line for line in lines if line.strip().startswith(f"{theorem} at")], []
            )
            continue
        if found := compared.line(lines, pattern, theorem):
            factor = truth.inputs.factor(theorem, one.eta, one.constant)
            compared.lower(f"{theorem}'s step size", found[0], arb(one.eta) * STORED, 4)
            compared.upper(f"{theorem}'s C", found[1], one.constant, 4)
            compared.upper(f"{theorem}'s factor", found[2], factor, 6)
            run = truth.exact.run("kfac", one.eta, CAPS["kfac"] if one.first else 400, theorems.REDUCTION)
            observed = run.first_below(theorems.REDUCTION)
            shown = f"more than {len(run.residuals) - 1}" if observed is None else str(observed)
            compared.same(f"{theorem}'s counts", found[3:], (str(theorems.count(factor)), str(STEPS), shown))
    inputs = truth.inputs
    for key, true_value in (("h_min", arb(inputs.h_min)), ("mu_min", inputs.mu_min), ("sigma_squared", sigma)):
        compared.lower(f"{key} (value)", values[key], true_value)
    for key, true_value in (
        ("h_max", arb(inputs.h_max)),
        ("mu_max", inputs.mu_max),
        ("radius", truth.exact.radius(False)),
        ("ball_constant", C),
    ):
        compared.upper(f"K-FAC's {key} (value)", values[key], true_value)


def _gradient(compared: Comparison, lines: Sequence[str], values: Mapping[str, Any], truth: Truth) -> None:
    top, (path, _) = truth.exact.eigenvalues[-1], truth.on_path("gd", truth.first_step("gd"), GD_STEPS)
    allowed = {theorem: one for theorem in GD if (one := truth.admitted[theorem]) is not None}
    each = ", ".join(
        rf"{theorem} allows eta = {N} \(C <= {N} on its own path\) and guarantees 1e-06 after (\d+) steps"
        for theorem in allowed
    )
    found = compared.line(
        lines,
        rf"GD: C along {GD_STEPS} steps <= {N}; {each or 'no step size that T0 allows'} \(certified for {GD_STEPS} steps, further while C holds\)",
        "GD's C",
    )
    if found:
        compared.upper("C along GD's path", found[0], path, 4)
    for index, (theorem, one) in enumerate(allowed.items() if found else ()):
        eta, constant, count = found[1 + 3 * index : 4 + 3 * index]
        factor = theorems.gd_factor(theorem, one.eta, one.constant, top, truth.low)
        compared.lower(f"{theorem}'s step size", eta, arb(one.eta), 4)
        compared.upper(f"{theorem}'s C", constant, one.constant, 4)
        compared.same(f"{theorem}'s count", count, str(theorems.count(factor)))
        compared.upper(f"{theorem}'s factor (value)", values["theorems"][theorem]["factor"], factor)
    least = theorems.least_linearised(truth.exact)
    needed = (
        f"no eta <= 2/\\|\\|J\\(0\\)\\|\\|\\^2 takes fewer than {least} steps"
        if least > 1
        else "one step may be enough"
    )
    found = compared.line(lines, rf"GD: kappa\(G\(0\)\) <= {N}; linearised, as computed, {needed} to 1e-06", "kappa")
    if found:
        compared.upper("kappa", found[0], top / truth.low, 4)


def _widths(compared: Comparison, lines: Sequence[str], values: Mapping[str, Any], m: int, truth: Truth) -> None:
    names = {"T3": ("2", "NGD", "ngd"), "T4-width": ("K2", "K-FAC", "kfac")}
    for index, (theorem, (condition, name, optimiser)) in enumerate(names.items()):
        ball, (path, _) = truth.ball[index], truth.on_path(optimiser, truth.first_step(optimiser))
        if arb(HALF) > ball:
            standing, expected = rf"it is certified over the ball \(C <= {N}\)", [ball]
        elif arb(HALF) > path:
            standing, expected = (
                rf"it is certified along {name}'s path \(C <= {N}\), not over the ball \({N}\)",
                [path, ball],
            )
        else:
            standing, expected = rf"it is not certified: C <= {N} along {name}'s path, {N} over the ball", [path, ball]
        start = rf"{theorem} asks for m >= {N} for Condition {condition}\(0\.5\) with probability 0\.9; at m = {m} "
        found = compared.line(lines, start + standing, theorem)
        needed = theorems.width(theorem, truth.exact, truth.scale, truth.symmetric)
        for label, text, true in zip(
            (f"{theorem}'s width", f"{theorem}'s C", f"{theorem}'s C"), found, [needed, *expected], strict=False
        ):
            compared.upper(label, text, true, 4)
        compared.upper(
            f"{theorem}'s width (value)", values[theorem]["width"], needed, noise=arb(2)
        )  # whole, perhaps even


def _table(compared: Comparison, row: Any, truth: Truth) -> None:
    """The report's table."""
    C, attack, (path, _) = truth.ball[0], truth.attack[0], truth.on_path("ngd", HALF)
    compared.lower("lambda_min in the table", row.lambda_min, truth.low, 4)
    compared.upper("C over the ball in the table", row.certified, C, 4)
    compared.lower("the attack in the table", row.attacked, attack, 4)
    compared.upper("C along the path in the table", row.path, path, 4)
    for theorem, own, over in zip(NGD, row.steps, row.ball_steps, strict=True):
        one = truth.admitted[theorem]
        compared.lower(f"{theorem} in the table", own, arb(0) if one is None else arb(one.eta), 4)
        compared.lower(f"{theorem} over the ball in the table", over, truth.limit("ngd", theorem, C), 4)
    ball = {
        "fails": "fails over the ball: weights in it have C ≥ ½",
        "not decided": "not certified over the ball, and not refuted",
    }
    along = (
        "certified along NGD's path for T1"
        if arb(HALF) > path
        else "on NGD's path C is too large for T1, but below 1: T1-sharp applies"
        if path < 1
        else "on NGD's path C is not below 1: no theorem applies"
    )
    kind = truth.kind(C, attack)
    compared.same(
        "the reason",
        row.reason,
        "Condition 2 certified over the ball for T1" if kind == "holds" else f"{ball[kind]}; {along}",
    )
    factors = truth.predicted["ngd"]
    count = theorems.count(truth.smallest_factor(factors)) if factors else None
    compared.same("counts in the table", (row.observed, row.predicted), (truth.observed["ngd"], count))
    steps = count if row.source == "T1-tube" else STEPS
    compared.same("certified steps in the table", row.certified_steps, steps if factors else None)
    if truth.tube is None:
        compared.same("the tube in the table", row.tube, None)
    else:
        compared.progress("the tube in the table", row.tube, truth.tube, 4)


ADVICE = r"(?: Your rows are nearly parallel: try --standardise\.)?"


def _answer(compared: Comparison, said: str, truth: Truth) -> None:
    """The sentence that answers: the paper's step size, and what allows more, or what is estimated to."""
    limits = {theorem: _limit(truth, theorem) for theorem in NGD}
    best = max(("T1-sharp", "T1-q", "T1"), key=lambda theorem: float(limits[theorem][0].mid()))
    short = {
        theorem: f"steps of {N} \\(certified for {STEPS} steps\\)" if own else f"steps up to {N} \\(certified\\)"
        for theorem, (_, own) in limits.items()
    }
    place = f"n all {truth.exact.n} rows at m = {truth.exact.m:,}, "
    every, told = r"every step up to 1 \(certified\)", []
    if limits["T1"][0] > 0:
        told = ["T1"]
        pattern = f"O{place}T1 allows {short['T1']}"
        more = f", T1-tube {every}" if truth.tube is not None else f", {best} {short[best]}" if best != "T1" else ""
    else:
        pattern = "T1 allows no step on any network tried"
        nothing = ", nor does another theorem on NGD"
        own = f"; o{place}{best} allows {short[best]}" if limits[best][0] > 0 else nothing
        more = f"; o{place}T1-tube allows {every}" if truth.tube is not None else own
    told += [best] if truth.tube is None and best != "T1" and limits[best][0] > 0 else []
    number = r"\d\S*"
    estimate = rf"(?:; on all {truth.exact.n} rows T1-tube is estimated to allow every step up to 1 from m = {number} on(?:, or from nu = {number} on)?)?"
    found = compared.line([said], rf"{pattern}{more}{estimate if truth.tube is None else ''}\.", "the answer")
    for theorem, text in zip(told, found, strict=bool(found)):
        compared.lower(f"{theorem} in the answer", text, limits[theorem][0], 3)


def _limit(truth: Truth, theorem: str) -> tuple[arb, bool]:
    """The largest step size that the theorem allows, and whether on a path of its own."""
    one, over = truth.admitted[theorem], truth.limit("ngd", theorem, truth.ball[0])
    own = arb(0) if one is None else arb(one.eta)
    return (own, True) if own > over else (over, False)


def _grounds(compared: Comparison, said: str, truth: Truth) -> None:
    """What it rests on: the tube's rate, or the best theorem's step size and the paper's, or why there is none."""
    limits: dict[str, tuple[arb, str]] = {}
    for theorem in NGD:
        eta, own = _limit(truth, theorem)
        path, ball = (
            f"of {N} \\(certified along its own path of {STEPS} steps\\)",
            f"up to {N} \\(certified over the ball\\)",
        )
        limits[theorem] = eta, f"steps {path if own else ball}"
    paper = (
        f", and the paper's T1 allows {limits['T1'][1]}"
        if limits["T1"][0] > 0
        else ", while the paper's T1 allows none"
    )
    if truth.tube is not None:
        start = f"On all {truth.exact.n} rows at m = {truth.exact.m:,} and nu = {truth.scale:g}, T1-tube allows every step up to 1 "
        rate = rf"\(certified for every number of steps\): \|\|r\(k\)\|\| <= \(1 - {N} eta\)\^k \|\|r\(0\)\|\|"
        if found := compared.line([said], rf"{start}{rate}{paper}\.{ADVICE}", "the grounds"):
            compared.progress("1 - mu in the grounds", found[0], truth.tube, 3)
            for text in found[1:]:
                compared.lower("T1 in the grounds", text, limits["T1"][0], 3)
        return
    best = max(("T1-sharp", "T1-q", "T1"), key=lambda theorem: float(limits[theorem][0].mid()))
    m, n = f"{truth.exact.m:,}", truth.exact.n
    if not limits[best][0] > 0:
        path, _ = truth.on_path("ngd", HALF)
        why = (
            "because at m = {m} C along NGD's path is certified to be at most {N}, and theorems with Condition 2 need C < 1, the paper's T1 C < 1/2"
            if not path < 1
            else "because at m = {m} no step size was found whose own path allows it, though C along NGD's path is at most {N}"
        )
        number = r"\d\S*"
        more = rf"(?:, while T1-tube is estimated to allow every step up to 1 from m = {number} on(?:, or from nu = {number} on)?)?"
        if found := compared.line(
            [said],
            rf"On all {n} rows no step of NGD is certified, {why.format(m=m, N=N)}{more}\.{ADVICE}",
            "the grounds",
        ):
            compared.upper("C in the grounds", found[0], path, 3)
        return
    paper = paper if best != "T1" else ""
    found = compared.line(
        [said], rf"On all {n} rows at m = {m}, {best} allows {limits[best][1]}{paper}\.{ADVICE}", "the grounds"
    )
    for theorem, text in zip((best, "T1"), found, strict=False):
        compared.lower(f"{theorem} in the grounds", text, limits[theorem][0], 3)
        assert Fraction(text) >= 0
