"""Where a theorem's proof uses an obligation: for which numbers the theorem speaks, and that the obligation was proved for all of them.

A range is written in the theorem's own letters, its limits from theory/theorems/, and says what the obligation's letters stand for
there. ``ties`` are implications, decided by the provers: whoever is in the range meets each hypothesis of the obligation. An
obligation proved for less than a theorem needs has a tie that is refuted.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from flint import fmpq

from theory.proof.formula import names
from theory.proof.implication import Implication
from theory.proof.obligation import Obligation
from theory.theorems import gradient_descent, kfac, ngd

DEFICIT, RATIO = "2*C/(3-C)", "(3+C)/(3-C)"

STEP_LIMITS: Mapping[str, str] = {
    "T1": "(1-2*C)/(1+C)**2",
    "T1-q": "(3-C)*(3-5*C)/(9*(1-C)**2)",
    "T1-sharp": "3*(3+C)*(1-C)/(3-C)**2",
    "T4": "mu_min*(1-2*C)/(1+C)**2",
    "T4-lev": "(3-C)*(3-5*C)/(9*(1-C)**2)/h_max",
    "T4-sharp": "3*(3+C)*(1-C)/(3-C)**2/h_max",
    "T4-least": "3*(3+C)*(1-C)/(3-C)**2/h_max",
    "T0": "(3-5*C)/(3-C)",
    "T0-sharp": "(3-2*C)/(3-C)",
    "T2": "2*(mu - (mu+L)*C)/(mu*(mu+L)*(1+C)**2)",
    "T2-q": "2*(3-C)*(3*mu - (3*mu+2*L)*C)/(9*mu*(mu+L)*(1-C)**2)",
}
"""The largest step size for which a theorem gives the paper's rate, in T0's case times L^2; the functions ``step_limit``."""

FACTOR_LIMITS: Mapping[str, str] = {
    "T1-q": "1",
    "T1-sharp": "(3+C)*3*(1-C)/(9-6*C-C**2)",
    "T2-q": "(2*mu*(3-C) - 2*C*(mu+L))/(3*mu*(mu+L)*(1-C))",
}
"""The largest step size for which the theorem's own factor holds: ``validity_limit``, ``factor_limit``."""


@dataclass(frozen=True)
class Range:
    """What a theorem's proof needs of one part of an obligation, or of two that share the work."""

    theorem: str
    cases: tuple[tuple[str, int], ...]
    """Obligations and their parts."""
    hypotheses: tuple[str, ...]
    """The numbers of which the theorem speaks."""
    where: Mapping[str, str] = field(default_factory=dict)
    """What the obligation's letters stand for."""
    split: str = ""
    """Of two cases the first is for numbers at which this is not positive, the second for those at which it is not negative."""

    def ties(self, obligations: Mapping[str, Obligation]) -> Iterator[Implication]:
        """One implication for every hypothesis of every case: it follows from the range. Raises ValueError, KeyError."""
        for place, (id, part) in enumerate(self.cases):
            yield from self.tied(obligations[id].parts[part], place)

    def tied(self, implication: Implication, place: int = 0) -> Iterator[Implication]:
        """The same for one case. Raises ValueError where one letter means two things."""
        sides = [f"{self.split} {'>=' if place else '<='} 0"] if self.split else []
        shared = self.where.keys() & implication.where.keys()
        if any(self.where[name] != implication.where[name] for name in shared):
            raise ValueError(f"{self.theorem}: {', '.join(shared)} has two meanings in {implication}")
        where = {**self.where, **implication.where}
        for hypothesis in implication.hypotheses:
            yield Implication(
                (*self.hypotheses, *sides), hypothesis, _needed(where, (*self.hypotheses, *sides, hypothesis))
            )


def _needed(where: Mapping[str, str], texts: tuple[str, ...]) -> dict[str, str]:
    """The definitions that the texts use, directly or by others, in their order."""
    used = {name for text in texts for name in names(text)}
    for name, text in reversed(list(where.items())):
        if name in used:
            used |= set(names(text))
    return {name: text for name, text in where.items() if name in used}


def constants(limit: fmpq, applies_there: bool) -> str:
    """The C of which a theorem speaks, as a comparison."""
    return f"0 <= C {'<=' if applies_there else '<'} {limit.p}/{limit.q}"


def _of(limits: Mapping[str, fmpq], applies: Callable[[fmpq, str], bool] | None) -> dict[str, str]:
    return {
        theorem: constants(limit, applies is not None and applies(limit, theorem)) for theorem, limit in limits.items()
    }


CONSTANTS: Mapping[str, str] = {
    **_of(ngd.CONSTANT_LIMITS, ngd.applies),
    **_of(kfac.CONSTANT_LIMITS, None),
    **_of(gradient_descent.CONSTANT_LIMITS, gradient_descent.applies),
    "T1-line": "0 <= C <= 1",
}
"""The C of which the theorems speak."""

_T2 = ("0 < mu <= L", "0 <= C", "C*(mu+L) < mu")
_T2_Q = ("0 < mu <= L", "0 <= C", "3*(mu+L)*C <= 3*mu + L", "(2*mu+L)*C < 3*mu")
_STEP = "0 < eta <= step"
_THIRD = {"c": "C/3"}
_Q = {"q": DEFICIT}


def _needs(theorem: str, obligation: str, parts: tuple[int, ...], *hypotheses: str, **where: str) -> list[Range]:
    """One range for several parts, each of which is proved for all of it."""
    return [Range(theorem, ((obligation, part),), hypotheses, where) for part in parts]


def _steps(theorem: str) -> tuple[tuple[str, str], dict[str, str]]:
    """C and eta of a theorem, and what bounds eta."""
    return (CONSTANTS[theorem], _STEP), {"step": STEP_LIMITS[theorem]}


_SHARP = (CONSTANTS["T1-sharp"], "0 < eta <= step")
_SHARP_STEP = {**_THIRD, "step": FACTOR_LIMITS["T1-sharp"]}


def _lemma(theorem: str, bounds: str, **where: str) -> list[Range]:
    return [
        *_needs(theorem, "O-sharp-S", (0,), bounds, "0 <= q < c**2", **where),
        *_needs(theorem, "O-sharp-lemma", (0,), bounds, "0 <= q < c**2", **where),
        *_needs(theorem, "O-sharp-lemma", (1,), bounds, **where),
        *_needs(theorem, "O-sharp-lemma", (2,), bounds, "x >= 1", "y <= 1", **where),
    ]


def _one_step(theorem: str) -> list[Range]:
    """T1-sharp's step, also that of T4-sharp, where ``eta`` stands for eta h_max; Lemma S is for c > 0."""
    large = "s >= 1-c"
    return [
        *_lemma(theorem, "0 < C < 1", **_THIRD),
        *_needs(theorem, "O-sharp-goal", (0,), CONSTANTS["T1-sharp"], **_THIRD),
        *_needs(theorem, "O-sharp-goal", (1,), *_SHARP, large, **_SHARP_STEP),
        *_needs(theorem, "O-sharp-goal", (2,), *_SHARP, **_SHARP_STEP),
        Range(theorem, (("O-sharp-lo", 0), ("O-sharp-hi", 0)), (*_SHARP, large), _SHARP_STEP, "s - (1+c)"),
        *_needs(theorem, "O-sharp-lo", (1,), *_SHARP, "0 <= e2 <= c**2", "v2 - e2 >= lemma", **_SHARP_STEP),
        *_needs(theorem, "O-sharp-hi", (1,), *_SHARP, "0 <= e <= c", "s >= 1+c", **_SHARP_STEP),
    ]


def _rate(theorem: str) -> list[Range]:
    """What T1-sharp's step limit gives, as well where it is one of eta h_max."""
    return [
        *_needs(theorem, "O-sharp-rate", (0, 2), CONSTANTS["T1-sharp"], _STEP, **_THIRD, step=STEP_LIMITS["T1-sharp"]),
        *_needs(theorem, "O-sharp-rate", (1,), CONSTANTS["T1-sharp"], **_THIRD),
    ]


def _natural_gradient() -> list[Range]:
    (c1, step1), limit1 = _steps("T1")
    (_, step_q), limit_q = _steps("T1-q")
    sharp = CONSTANTS["T1-sharp"]
    return [
        *_needs("T1", "O-q", (0, 1), c1),
        *_needs("T1", "O-t1-square", (0,), c1, "0 < eta", "x**2 + y**2 <= C**2"),
        *_needs("T1", "O-t1", (0,), c1, step1, **limit1),
        *_needs("T1", "O-ball", (0,), c1, step1, "0 <= s", "s**2 == 1 - eta", **limit1),
        *_needs("T1", "O-ball", (1,), c1),
        *_needs("T1-q", "O-q", (0, 1), CONSTANTS["T1-q"]),
        *_needs("T1-q", "O-tq", (0, 1), CONSTANTS["T1-q"]),
        *_needs("T1-q", "O-tq", (2,), "0 <= C < 3/5", step_q, **limit_q),
        *_needs("T1-tight", "O-tight", (0,), sharp, **_THIRD),
        *_needs("T1-tight", "O-tight", (1,), sharp, "eta > step", **_THIRD, step=STEP_LIMITS["T1-sharp"]),
        *_needs("T1-first", "O-first", (0,), "0 < eta <= 3", "0 <= r", "0 < s"),
        *_needs("T1-line", "O-q", (0, 1), CONSTANTS["T1-line"]),
        *_needs("T1-line", "O-line", (0, 1), CONSTANTS["T1-line"], "x**2 + y**2 <= q**2", **_Q),
        *_lemma("T1-lemma-S", "0 < c < 1"),
        *_one_step("T1-sharp-adversary"),
        *_one_step("T1-sharp"),
        *_rate("T1-sharp"),
        *_needs("T1-sharp", "O-sharp-ball", (0, 1), sharp, **_THIRD),
        *_lemma("T1-line-sharp", "0 < C <= 1", **_THIRD),
        *_needs("T1-line-sharp", "O-line-sharp", (0, 1, 2, 3), CONSTANTS["T1-line"], **_THIRD),
    ]


def _general_losses() -> list[Range]:
    step, own = {"step": STEP_LIMITS["T2"]}, {"step": FACTOR_LIMITS["T2-q"]}
    shrunk = "b**2 == 1 - 2*eta*mu*L/(mu+L)"
    paper = ("0 < mu <= L", "0 <= C", "(3*mu + 2*L)*C < 3*mu")
    on_segment = "g2 == mu**2 + t*(L**2 - mu**2)"
    root = ("eta*mu < 1", "0 <= t <= 1", "y >= 0", "y**2 == x**2 + d")
    first = {"x": "1 - eta*mu", "d": "-t*eta*(L-mu)*(2 - eta*(mu+L))"}
    kappa = {"kappa": "L/mu"}
    return [
        *_needs("T2", "O-q", (0, 1), *_T2),
        *_needs("T2", "O-t2", (0,), *_T2, _STEP, **step),
        *_needs("T2", "O-ball", (0,), *_T2, _STEP, "0 <= s", shrunk.replace("b", "s", 1), **step),
        *_needs("T2", "O-t2-ball", (0,), *_T2, **kappa),
        *_needs("T2-q", "O-q", (0, 1), *_T2_Q),
        *_needs("T2-q", "O-t2-coercive", (0,), *_T2_Q),
        *_needs("T2-q", "O-t2-coercive", (1, 2), *_T2_Q, on_segment),
        *_needs("T2-q", "O-t2q-factor", (0,), *_T2_Q, _STEP, **_Q, **own),
        *_needs("T2-q", "O-t2q-factor", (1,), *_T2_Q, _STEP, *root, **own, **first),
        *_needs("T2-q", "O-t2q-factor", (1,), *_T2_Q, *root[1:], x="mu", d="t*(L**2 - mu**2)"),
        *_needs("T2-q", "O-t2q-factor", (2,), *_T2_Q, _STEP, "eta*mu < 1", **_Q, **own),
        *_needs("T2-q", "O-t2q-factor", (3,), *_T2_Q, "mu*step >= 1", **_Q, **own),
        *_needs("T2-q", "O-t2q-rate", (0,), *paper, _STEP, **_Q, step=STEP_LIMITS["T2-q"]),
        *_needs("T2-q", "O-t2q-rate", (1,), *paper, **_Q),
        *_needs("T2-q", "O-t2q-rate", (2,), *paper),
        *_needs("T2-q", "O-t2-ball", (1,), *_T2_Q, **kappa),
        *_needs("T2-q", "O-t2-ball", (2,), *_T2_Q, "0 < eta", **kappa),
    ]


def _leverage(theorem: str) -> list[Range]:
    unit = ("0 < mu_min <= mu_max", "h*mu_min <= length <= h*mu_max", "length == 1")
    return [
        *_needs(theorem, "O-leverage", (0,), "0 < mu_min <= square <= mu_max"),
        *_needs(theorem, "O-leverage", (1, 2), *unit),
    ]


def _kronecker(theorem: str) -> list[Range]:
    """Leverage scores lie between 1/mu_max and min(1, 1/mu_min); ``h`` stands for eta h_max."""
    scores = ("0 < mu_min <= mu_max", "1 <= h_min*mu_max", "h_min <= h_max", "h_max <= 1", "h_max*mu_min <= 1")
    given, where = (CONSTANTS[theorem], _STEP, *scores), {"step": STEP_LIMITS[theorem]}
    found = [
        *_needs(theorem, "O-telescope", (0,), "0 < a", "0 <= b", "b**2 <= a**2 - x"),
        *_needs(theorem, "O-ball", (1,), CONSTANTS[theorem]),
        *_needs(theorem, "O-ball", (0,), "0 <= s", "s**2 == 1 - x", "0 < x <= 1"),
        *_needs(theorem, "O-t4-contained", (2,), *given, "0 <= r", **where),
    ]
    if theorem in ("T4-sharp", "T4-least"):
        found += [*_one_step(theorem), *_rate(theorem)]
    if theorem == "T4-sharp":
        return found
    if theorem == "T4-least":
        step = (CONSTANTS[theorem], "0 < t <= step")
        limited = {**_THIRD, "step": STEP_LIMITS["T1-sharp"]}
        shares = ("0 < theta <= 1", "theta <= A", "theta <= B")
        return [
            *found,
            *_needs(theorem, "O-t4-least", (0,), "0 <= nu <= 1"),
            *_needs(theorem, "O-t4-least", (1,), "0 <= nu <= 1", *shares),
            *_needs(theorem, "O-t4-least", (2,), CONSTANTS[theorem], *scores, **_THIRD, rho=RATIO),
            *_needs(theorem, "O-t4-least", (3,), *step, **limited),
            *_needs(theorem, "O-t4-least", (4,), *step, "0 < theta <= 1", **limited, rho=RATIO),
            *_needs(theorem, "O-t4-least", (5,), *step, "0 < theta <= 1", **limited),
        ]
    found += _needs(theorem, "O-q", (0, 1), CONSTANTS[theorem])
    found += _needs(theorem, "O-t4", (0, 1), *given, **where, **_Q, h="eta*h_max")
    if theorem == "T4":
        found += _leverage(theorem)
        found += _needs(theorem, "O-t4-contained", (0,), CONSTANTS[theorem], *scores, mu="mu_min")
        found += _needs(theorem, "O-t4-contained", (1,), *given, **where)
    return found


def _gradient_descent() -> list[Range]:
    small, sharp = CONSTANTS["T0"], CONSTANTS["T0-sharp"]
    x, limit = "0 < x <= step", {**_THIRD, "step": STEP_LIMITS["T0"]}
    steps = {**_THIRD, "step": STEP_LIMITS["T0-sharp"]}
    telescope = [
        one
        for theorem in ("T0", "T0-sharp")
        for one in _needs(theorem, "O-telescope", (0,), "0 < a", "0 <= b", "b**2 <= a**2 - x")
    ]
    return [
        *telescope,
        *_needs("T0", "O-t0", (0,), small, "t >= 1-c", **_THIRD),
        *_needs("T0", "O-t0", (1,), small, x, **limit),
        *_needs("T0", "O-ball", (0,), "0 <= s", "s**2 == 1 - x", "0 < x <= 1"),
        *_needs("T0", "O-ball", (1,), small),
        Range("T0-sharp", (("O-t0-sharp", 0), ("O-t0-sharp", 1)), (sharp, x, "t >= 1-c"), steps, "t - (1+c)"),
        *_needs("T0-sharp", "O-t0-sharp", (2,), sharp, x, **steps),
        *_needs("T0-sharp", "O-t0-sharp", (3,), small, **_THIRD),
        Range("T0-sharp", (("O-t0-ball", 0), ("O-t0-ball", 1)), (sharp, x, "t >= 1-c"), steps, "t - (1+c)"),
        *_needs("T0-sharp", "O-t0-ball", (2, 3), sharp, **_THIRD),
        *_needs("T0-advantage", "O-t0-advantage", (0,), sharp, **_THIRD),
        *_needs("T0-advantage", "O-t0-advantage", (1,), small, **_THIRD),
        *_needs("T0-advantage", "O-t0-advantage", (2,), small, "1 <= s", "s**2 <= n", **_THIRD),
        *_needs("T0-advantage", "O-t0-two", (0,), "0 < w < W", "0 < eta", "1 - eta*w < (W-w)/(W+w)"),
    ]


_NETWORK = ("n >= 1", "m >= 1", "0 < nu", "0 < delta < 1", "3 < pi < 4")
_GIVEN = ("n >= 1", "0 < eigenvalue", "0 < nu", "0 < delta < 1", "0 < E", "0 < C <= 1", "3 < pi < 4")
_KEPT = ("0 < eigenvalue", "smallest > 3/4*eigenvalue")


def _widths(theorem: str) -> list[Range]:
    plain = "1728*324*27/2/pi*n**3*E/(C**6*nu**2*eigenvalue**4*delta**3)"
    symmetric = "1728*48*27/2/pi*n**3*E/(C**6*nu**2*eigenvalue**4*delta**2)"
    found = [
        *_needs(theorem, "O-flips", (0,), "0 < b", "0 < t"),
        *_needs(theorem, "O-flips", (1,), *_NETWORK, "0 <= R2"),
    ]
    if theorem == "C2-prob":
        return found
    second = _needs(theorem, "O-t3", (2,), *_GIVEN, "m >= width", width=plain)
    found += [
        *_needs(theorem, "O-cubes", (0,), "0 <= x", "0 <= y", "x**3 <= y**3"),
        *_needs(theorem, "O-t3", (0,), "0 < beta < 1", "0 < eigenvalue", "0 < norm2", "beta*eigenvalue*m >= norm2*log"),
        *_needs(theorem, "O-t3", (1,), *_KEPT, "0 < share < 1", "0 <= r2 <= E/share"),
        *_needs(theorem, "O-t3", (3,), *_KEPT, "0 <= x <= C**2/12*eigenvalue"),
    ]
    given = ("0 < beta < 1", "0 < eigenvalue", "0 < norm2")
    if theorem == "T3":
        enough = "27/2/pi*n**3*(36*E/(delta*eigenvalue))/(nu**2*(delta/3)**2*m) <= (C**2/12*eigenvalue)**3"
        of_pairs = "27/2/pi*n**3*(12*E/eigenvalue)/(nu**2*(delta/2)**2*m) <= (C**2/12*eigenvalue)**3"
        return [
            *found,
            *second,
            *_needs(theorem, "O-t3-symmetric", (0,), *_KEPT, "0 <= E"),
            *_needs(theorem, "O-t3-symmetric", (1,), *_GIVEN, "m >= width", width=symmetric),
            *_needs(theorem, "O-t3-symmetric", (2,), *given, "beta*eigenvalue*m >= 2*norm2*log"),
            *_needs(theorem, "O-t3-least", (0,), *given, "beta*m*eigenvalue/norm2 >= log"),
            *_needs(theorem, "O-t3-least", (1,), *_GIVEN, "m >= 1", enough),
            *_needs(theorem, "O-t3-least", (2,), *_GIVEN, "m >= 1", of_pairs),
            *_needs(theorem, "O-t3-least", (3,), *given, "beta*(m/2)*eigenvalue/norm2 >= log"),
        ]
    scores = ("0 < mu_min <= mu_max", "h*mu_max >= 1", "h*mu_min <= 1")
    return [
        *found,
        *second,
        *_needs(theorem, "O-t4-width", (0,), *_KEPT, *scores, "0 < share < 1", "0 <= r2 <= E/share"),
        *_needs(theorem, "O-t4-width", (1,), *_GIVEN, *scores, "m >= mu_max/mu_min*width", width=plain),
        *_needs(theorem, "O-t4-width-symmetric", (0,), *_KEPT, *scores, "0 <= E"),
        *_needs(theorem, "O-t4-width-symmetric", (1,), *_GIVEN, *scores, "m >= mu_max/mu_min*width", width=symmetric),
        *_needs(theorem, "O-t4-width-symmetric", (2,), *given, "beta*eigenvalue*m >= 2*norm2*log"),
        *_leverage(theorem),
    ]


_KERNELS = [
    *_needs("K-schur", "O-schur-pair", (0,), "0 <= g <= 1/2"),
    *_needs("K-sep", "O-sep-wallis", (0,), "0 <= k", "0 < w <= 1", "even == pi/2*w"),
    *_needs("K-sep", "O-sep-wallis", (1,), "0 <= k", "0 < w <= 1", "odd == 1/((2*k+1)*w)"),
    *_needs("K-sep", "O-sep-wallis", (2,), "0 <= k", "0 < w <= 1", "3 < pi < 4", "1/((2*k+1)*w) <= pi/2*w"),
    *_needs("K-sep", "O-sep-tail", (0,), "0 <= k", "0 < w <= 1"),
    *_needs("K-sep", "O-sep-tail", (1,), "0 <= k", "0 < w <= 1", "w**2*(3*k+1) <= 1"),
    *_needs("K-sep", "O-sep-tail", (2,), "1 <= k"),
]


def _generalisation(theorem: str) -> list[Range]:
    """T5-tube, and T5-width with all its lemmas: g in [0, 1/2), mu = g/(1-g)."""
    ratio, kept = "0 <= g < 1/2", ("0 < s < 1", "0 < lambda0 <= 1/2", "lam >= s*lambda0")
    found = []
    if theorem in ("T5-tube", "T5-width"):
        found += [
            *_needs(theorem, "O-tube", (0, 2, 4), ratio),
            *_needs(theorem, "O-tube", (1,), ratio, "0 < eta <= 1", "0 <= x", "x*(1-g) <= g*r"),
            *_needs(theorem, "O-tube", (3,), ratio, "0 < lam"),
            *_needs(theorem, "O-tube", (5,), *kept, "0 <= Y0 <= Y1/s"),
            *_needs(theorem, "O-tube", (6,), ratio, *kept, "x <= g*s*lambda0"),
        ]
    if theorem in ("T5-margin", "T5-width"):
        found += _needs(theorem, "O-margin", (0, 1), "0 < b")
    if theorem in ("K-bernstein", "T5-width"):
        found += _needs(theorem, "O-bernstein", (0,), "0 <= s", "0 <= b", "0 <= L")
    return found


_DESCENT = (*_natural_gradient(), *_gradient_descent())

_REST_ON = {
    "T1-radius": ("T1", "T1-q", "T1-sharp", "T0", "T0-sharp"),
    "T1-line": ("T1-sharp",),
    "T1-line-sharp": ("T1-sharp",),
}
"""Theorems that rest on the whole proofs of others."""

RANGES: tuple[Range, ...] = (
    *_KERNELS,
    *_DESCENT,
    *(
        replace(one, theorem=theorem)
        for theorem, others in _REST_ON.items()
        for one in _DESCENT
        if one.theorem in others
    ),
    *_general_losses(),
    *(one for theorem in ("T4", "T4-lev", "T4-sharp", "T4-least") for one in _kronecker(theorem)),
    *(one for theorem in ("C2-prob", "T3", "T4-width") for one in _widths(theorem)),
    *(one for theorem in ("T5-tube", "T5-margin", "K-bernstein", "T5-width") for one in _generalisation(theorem)),
)
"""For every theorem whose proof needs an obligation, and every part of it, where it is needed."""


def ties_of(obligation: Obligation) -> list[tuple[str, Implication]]:
    """What has to follow besides the obligation, so that it is proved for all that theorems need: each once, with a theorem."""
    found: dict[str, tuple[str, Implication]] = {}
    for one in RANGES:
        for place, (id, part) in enumerate(one.cases):
            if id == obligation.id:
                for tie in one.tied(obligation.parts[part], place):
                    found.setdefault(repr(tie), (one.theorem, tie))
    return list(found.values())
