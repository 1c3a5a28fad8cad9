"""Scalar obligations and chains of T5-width and its lemmas (docs/generalisation.md), and the chains of T5-dist and T5-rad.

``r`` is ``(r(0)^T G(0)^{-1} r(0))^{1/2}``, ``lam`` is lambda, ``Y0`` its square with G(0) and ``Y1`` with G_inf; ``s`` in O-bernstein is ``(2 V L)^{1/2}``.
"""

from theory.proof.chain import Chain, argued, checked, proved
from theory.proof.implication import Implication
from theory.proof.obligation import Mutation, Obligation
from theory.proofs.identities import GRAM, PSEUDO_INVERSE
from theory.proofs.kernels import CHERNOFF
from theory.proofs.segments import INTEGRAL

_RATIO = "0 <= g < 1/2"
_MU = {"mu": "g/(1-g)"}

TUBE = Obligation(
    "O-tube",
    "T5-tube: mu < 1; one step; the sum of a geometric series, step by step; the motion of a neuron, and of all weights, squared; "
    "from G(0) to s G_inf",
    (
        Implication((_RATIO,), "mu < 1", _MU),
        Implication(
            (_RATIO, "0 < eta <= 1", "0 <= x <= mu*r"),
            "(1-eta)*r + eta*x <= rate*r",
            {**_MU, "rate": "1 - eta*(1-2*g)/(1-g)"},
        ),
        Implication((_RATIO,), "eta + (1 - eta*(1-mu))/(1-mu) == 1/(1-mu)", _MU),
        Implication(
            (_RATIO, "0 < lam"),
            "(r/(1-mu))**2/(lam*(1-g)**2) == motion2",
            {**_MU, "motion2": "r**2/(lam*(1-2*g)**2)"},
        ),
        Implication((_RATIO,), "(r/(1-mu))**2/(1-g) == distance2", {**_MU, "distance2": "r**2*(1-g)/(1-2*g)**2"}),
        Implication(("0 < s", "0 < lambda0", "lam >= s*lambda0", "0 <= Y0 <= Y1/s"), "Y0/lam <= Y1/(s**2*lambda0)"),
        Implication(("0 <= g", "0 < s", "lam >= s*lambda0", "x <= g*s*lambda0"), "x <= g*lam"),
    ),
    (
        Mutation("half", "g up to 1/2", {"g < 1/2": "g <= 1/2"}),
        Mutation("as-linear", "the factor 1 - eta", {"1 - eta*(1-2*g)/(1-g)": "1 - eta"}, part=1),
        Mutation("two-mu", "mu counted twice in the series", {"(1 - eta*(1-mu))/": "(1 - eta*(1-2*mu))/"}, part=2),
        Mutation("one-g", "1-g in place of 1-2g", {"(lam*(1-2*g)**2)": "(lam*(1-g)**2)"}, part=3),
        Mutation("no-g", "the distance without 1-g", {"r**2*(1-g)/": "r**2/"}, part=4),
        Mutation("one-s", "s in place of s^2", {"s**2*lambda0": "s*lambda0"}, part=5),
        Mutation("smaller-lambda", "lambda >= 0.999 s lambda0", {"lam >= s": "lam >= 999/1000*s"}, part=6),
    ),
)

MARGIN = Obligation(
    "O-margin",
    "T5-margin: a density of p/(2b) on [-b, b] gives b p/2 and b^2 p/3 for the integrals b^2/2 and b^3/3 of b - z and its square over [0, b]",
    (
        Implication(("0 < b",), "2*density*(b**2/2) == b*p/2", {"density": "p/(2*b)"}),
        Implication(("0 < b",), "2*density*(b**3/3) == b**2*p/3", {"density": "p/(2*b)"}),
    ),
    (
        Mutation("one-side", "one side alone", {"2*density": "density"}),
        Mutation("one-side-square", "one side alone", {"2*density": "density"}, part=1),
    ),
)

BERNSTEIN = Obligation(
    "O-bernstein",
    "K-bernstein: at t = (2 V L)^{1/2} + 2 b L/3 Bernstein's exponent t^2/(2(V + b t/3)) is at least L",
    (
        Implication(
            ("0 <= s", "0 <= b", "0 <= L"),
            "t**2 >= s**2 + 2*L*b*t/3",
            {"t": "s + 2*b*L/3"},
        ),
    ),
    (Mutation("smaller", "0.66 in place of 2/3", {"s + 2*b*L/3": "s + 66/100*b*L"}),),
)

OBLIGATIONS: tuple[Obligation, ...] = (TUBE, MARGIN, BERNSTEIN)

_DOCS = "docs/generalisation.md: "

_MOTION = (
    INTEGRAL,
    argued("in the tube G and the Jacobian of a segment change little, entry by entry", f"{_DOCS}P12.1"),
    argued("one step in the norms of G(0)^{-1} and of the residual", f"{_DOCS}P12.2"),
    argued("the steps add up to motions that stay in the tube; induction", f"{_DOCS}P12.3"),
    proved("mu < 1, the factor, the series, the squared motions", TUBE),
)
_TRACE = (GRAM, argued("tr G_inf = n/2, as its diagonal is 1/2", "docs/proofs/kernels.md: P3.1"))
_UNIFORM = (
    argued("one radius: symmetrisation, contraction, McDiarmid [L]", f"{_DOCS}P12.11"),
    argued("the complexity of a ball", "docs/proofs/generalisation.md: P10.2"),
    *_TRACE,
    checked("the complexity of a ball", "T5-rad"),
    argued("N radii, a loss of at most 1", f"{_DOCS}P12.12"),
)
_MARGINS = (
    argued("a Gaussian density is at most p/(2b)", f"{_DOCS}P12.5"),
    proved("its integrals", MARGIN),
)
_BERNSTEIN = (
    argued("Bernstein's inequality [L]", f"{_DOCS}P12.7"),
    proved("its exponent at the deviation", BERNSTEIN),
)
_RELATIVE = (
    *CHERNOFF,
    argued("the same for G_inf^{-1/2} G(0) G_inf^{-1/2} and a share s, and beta >= (1-s)^2/2", f"{_DOCS}P12.6"),
)
_LINEARISED = (argued("a neuron's error is at most b - |z|, and 0 unless its sign changes", f"{_DOCS}P12.4"),)

CHAINS = (
    Chain(
        "T5-dist",
        (
            PSEUDO_INVERSE,
            argued(
                "both optimisers stay in theta(0) + row space of J and end where J theta = y",
                "docs/proofs/gradient-descent.md: P9.5",
                "docs/proofs/generalisation.md: P10.1",
            ),
            checked("the identity on instances", "T5-dist"),
        ),
    ),
    Chain(
        "T5-rad",
        (
            argued("E ||J' sigma|| <= (tr G)^{1/2} for independent signs", "docs/proofs/generalisation.md: P10.2"),
            *_TRACE,
            checked("the conclusion on instances", "T5-rad"),
        ),
    ),
    Chain("T5-tube", (*_MOTION, checked("the conclusion on instances", "T5-tube"))),
    Chain("T5-new", (*_LINEARISED, checked("the conclusion on instances", "T5-new"))),
    Chain("T5-margin", (*_MARGINS, checked("the conclusion on instances", "T5-margin"))),
    Chain("K-bernstein", (*_BERNSTEIN, checked("the conclusion on instances", "K-bernstein"))),
    Chain("K-relative", (*_RELATIVE, checked("the conclusion on instances", "K-relative"))),
    Chain("T5-uniform", (*_UNIFORM, checked("the conclusion on instances", "T5-uniform"))),
    Chain(
        "T5-width",
        (
            *_RELATIVE,
            *_MARGINS,
            *_BERNSTEIN,
            argued("few neurons can flip on the sample", f"{_DOCS}P12.7"),
            argued("the mean error on the sample and on the population", f"{_DOCS}P12.8"),
            argued("features have length about 1/2; u(0) is small", f"{_DOCS}P12.9"),
            checked("K-relative, T5-margin, K-bernstein, R0", "K-relative", "T5-margin", "K-bernstein", "R0"),
            *_MOTION,
            argued("the tube of T5-width is one of T5-tube", f"{_DOCS}P12.10"),
            *_LINEARISED,
            *_UNIFORM,
            argued("the sum of the terms, and of the failures", f"{_DOCS}P12.13"),
            checked("its parts on instances", "T5-tube", "T5-new", "T5-uniform"),
            checked("the conclusion on instances", "T5-width"),
        ),
    ),
)
