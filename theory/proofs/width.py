"""Scalar obligations of C2-prob, T3 and T4-width (theory/theorems/width.py): the composition of lemmas into a width.

Positive reals: ``eigenvalue`` (lambda0, or lambda_S), ``nu``, ``delta``, ``n``, ``E = ||y||^2 + n nu^2/2``, and ``kappa = kappa_3^3 = 27/(2 pi)``. ``x`` is
C2-prob's bound of ``||J(W) - J(0)||_F^2``, of which only the cube is a polynomial, so that cubes are compared (O-cubes).
The logarithm enters as ``log``, pi as any positive number.
"""

from theory.proofs.chain import Chain, argued, checked, proved
from theory.rigour.implication import Implication
from theory.rigour.obligation import Mutation, Obligation

_POSITIVE = ("0 < eigenvalue", "0 < nu", "0 < delta", "0 < n", "0 < E", "0 < C", "0 < pi")
_KAPPA = {"kappa": "27/2/pi"}
WIDTH = "1728*324*27/(2*pi)*n**3*E/(C**6*nu**2*eigenvalue**4*delta**3)"
SYMMETRIC_WIDTH = "1728*48*27/(2*pi)*n**3*E/(C**6*nu**2*eigenvalue**4*delta**2)"

_CUBE = "kappa*n**3*R2/(nu**2*share**2*m)"

FLIPS = Obligation(
    "O-flips",
    "C2-prob: a/t^2 + b t at the best t, where t^3 = 2a/b, is (3/2)(2 a b^2)^{1/3}; with a = nR^2 and b = nm(2/pi)^{1/2}/(nu delta) "
    "its cube over m^3 is kappa_3^3 n^3 R^2/(nu^2 delta^2 m), kappa_3^3 = 27/(2 pi)",
    (
        Implication(("0 < b", "0 < t"), "(a/t**2 + b*t)**3 == 27/8*(2*a*b**2)", {"a": "b*t**3/2"}),
        Implication(
            ("0 < n", "0 < m", "0 < nu", "0 < delta", "0 < pi", "0 <= R2"),
            "27/8*(2*a*b2)/m**3 == 27/(2*pi)*n**3*R2/(nu**2*delta**2*m)",
            {"a": "n*R2", "b2": "n**2*m**2*(2/pi)/(nu**2*delta**2)"},
        ),
    ),
    (
        Mutation("t^3", "t^3 = a/b", {"b*t**3/2": "b*t**3"}),
        Mutation(
            "1/pi",
            "1/pi in place of 2/pi",
            {"n**2*m**2*(2/pi)/(nu**2*delta**2)": "n**2*m**2*(1/pi)/(nu**2*delta**2)"},
            part=1,
        ),
    ),
)

CUBES = Obligation(
    "O-cubes",
    "T3, T4-width: cubes of numbers that are not negative are ordered as the numbers are",
    (Implication(("0 <= x", "0 <= y", "x**3 <= y**3"), "x <= y"),),
    (Mutation("smaller", "x <= 0.999 y", {"x <= y": "x <= 999/1000*y"}),),
)

_CHERNOFF = Implication(
    ("0 < beta", "0 < eigenvalue", "0 < norm2", "m >= limit"),
    "beta*m*eigenvalue/norm2 >= log",
    {"limit": "norm2*log/(beta*eigenvalue)"},
)
"""``beta m lambda0/||X||_2^2`` in the exponent of K-chernoff, at the first width; ``log = ln(n/share)``.

What it means for the probability, ``n exp(-log) = share``, is no inequality of polynomials: ``_FIRST_WIDTH`` argues it.
"""

_CONDITION = Implication(
    ("0 < eigenvalue", "smallest > 3/4*eigenvalue", "0 <= x <= C**2/9*(3/4*eigenvalue)"), "x <= C**2/9*smallest"
)
"""From C2-prob's bound to Condition 2(C) or K2(C), squared; ``smallest`` is lambda_min(G(0)) or lambda_min(H(0))."""

COMPOSITION = Obligation(
    "O-t3",
    "T3: K-chernoff, R0 and C2-prob at delta/3 each. The first width is enough for K-chernoff; R bounds Condition 2's radius; at the "
    "second width the cube of C2-prob's bound is at most that of (C^2/9)(3/4 lambda0); the squared Jacobian's change is at most (C^2/9) lambda",
    (
        _CHERNOFF,
        Implication(
            ("0 < eigenvalue", "smallest > 3/4*eigenvalue", "0 < share", "0 <= r2 <= E/share"),
            "9*r2/smallest <= R2",
            {"delta": "3*share", "R2": "36*E/(delta*eigenvalue)"},
        ),
        Implication(
            (*_POSITIVE, "m >= limit"),
            "cube <= (C**2/9*(3/4*eigenvalue))**3",
            {**_KAPPA, "limit": WIDTH, "share": "delta/3", "R2": "36*E/(delta*eigenvalue)", "cube": _CUBE},
        ),
        _CONDITION,
    ),
    (
        Mutation(
            "narrower-chernoff",
            "the first width times 0.999",
            {"m >= limit": "m >= 999/1000*limit"},
        ),
        Mutation("ball-35", "R^2 = 35.9 E/(delta lambda0)", {"36*E": "359/10*E"}, 1),
        Mutation(
            "narrower",
            "the second width times 0.999",
            {"m >= limit": "m >= 999/1000*limit"},
            part=2,
        ),
        Mutation("delta/4", "C2-prob at delta/4", {"delta/3": "delta/4"}, part=2),
        Mutation(
            "eigenvalue-kept",
            "lambda > 0.749 lambda0",
            {"smallest > 3/4*eigenvalue": "smallest > 749/1000*eigenvalue"},
            part=3,
        ),
    ),
)

SYMMETRIC = Obligation(
    "O-t3-symmetric",
    "T3 under symmetric initialisation: K-chernoff and C2-prob at delta/2 each, r(0) = -y; E is ||y||^2 here",
    (
        Implication(
            ("0 < eigenvalue", "smallest > 3/4*eigenvalue", "0 <= E"), "9*E/smallest <= R2", {"R2": "12*E/eigenvalue"}
        ),
        Implication(
            (*_POSITIVE, "m >= limit"),
            "cube <= (C**2/9*(3/4*eigenvalue))**3",
            {**_KAPPA, "limit": SYMMETRIC_WIDTH, "share": "delta/2", "R2": "12*E/eigenvalue", "cube": _CUBE},
        ),
    ),
    (
        Mutation("ball-11", "R^2 = 11.9 E/lambda0", {"12*E": "119/10*E"}),
        Mutation(
            "narrower",
            "the second width times 0.999",
            {"m >= limit": "m >= 999/1000*limit"},
            part=1,
        ),
    ),
)

PATTERN = Obligation(
    "O-t4-width",
    "T4-width: the same with K2's ball, R^2 = 36 E/(delta lambda_S h_min mu_min), and h_min >= 1/mu_max: a factor kappa_X = mu_max/mu_min",
    (
        Implication(
            ("0 < eigenvalue", "smallest > 3/4*eigenvalue", "0 < share", "0 < h", "0 < mu_min", "0 <= r2 <= E/share"),
            "9*r2/(smallest*h*mu_min) <= R2",
            {"delta": "3*share", "R2": "36*E/(delta*eigenvalue*h*mu_min)"},
        ),
        Implication(
            (
                *_POSITIVE,
                "0 < mu_min",
                "0 < mu_max",
                "h*mu_max >= 1",
                "m >= mu_max/mu_min*limit",
            ),
            "cube <= (C**2/9*(3/4*eigenvalue))**3",
            {
                **_KAPPA,
                "limit": WIDTH,
                "share": "delta/3",
                "R2": "36*E/(delta*eigenvalue*h*mu_min)",
                "cube": _CUBE,
            },
        ),
    ),
    (
        Mutation(
            "ball-35",
            "35.9 in place of 36",
            {"36*E": "359/10*E"},
        ),
        Mutation("smaller-h", "h_min >= 0.999/mu_max", {"h*mu_max >= 1": "h*mu_max >= 999/1000"}, part=1),
        Mutation(
            "no-kappa",
            "without kappa_X",
            {"mu_max/mu_min*limit": "limit"},
            part=1,
        ),
    ),
)

OBLIGATIONS = (FLIPS, CUBES, COMPOSITION, SYMMETRIC, PATTERN)

_MODULE = "theory/theorems/width.py: "
_CHANGE_LINKS = (
    argued("a flip has |z| <= t or ||w_r - w_r(0)|| > t; Markov's inequality", f"{_MODULE}For every t > 0 a flip has"),
    proved("the best t gives kappa_3", FLIPS),
    checked("C2-prob's frequency", "C2-prob"),
)
_START_LINKS = (
    argued("Markov's inequality for ||r(0)||^2", f"{_MODULE}R0 [paper, with constants]"),
    checked("R0's mean and frequency", "R0"),
)
_CHERNOFF_LINKS = (
    argued("Tropp's matrix Chernoff inequality [L]", f"{_MODULE}From the matrix Chernoff inequality"),
    checked("K-chernoff's frequency", "K-chernoff"),
)

_FIRST_WIDTH = argued(
    "with log = ln(n/share) the exponent at the first width makes the failure at most the share: n exp(-log) = share",
    f"{_MODULE}the failure is at most ``n exp(-ln(n/share)) = share``",
)

CHAINS = (
    Chain("K-chernoff", _CHERNOFF_LINKS),
    Chain("R0", _START_LINKS),
    Chain("C2-prob", _CHANGE_LINKS),
    Chain(
        "T3",
        (
            *_CHERNOFF_LINKS,
            *_START_LINKS,
            *_CHANGE_LINKS,
            argued("a union bound over three events of probability delta/3", f"{_MODULE}at delta/3 each"),
            proved("their composition, by cubes", COMPOSITION, CUBES),
            _FIRST_WIDTH,
            proved("under symmetric initialisation, with two events of probability delta/2", SYMMETRIC),
            checked("the conclusion on instances", "T3"),
        ),
    ),
    Chain(
        "T4-width",
        (
            *_CHERNOFF_LINKS,
            *_START_LINKS,
            *_CHANGE_LINKS,
            proved("the first width, and from C2-prob's bound to the condition", COMPOSITION, CUBES),
            _FIRST_WIDTH,
            argued("h_min >= 1/mu_max", f"{_MODULE}``h_min >= 1/mu_max``"),
            proved("the ball and the second width, with a factor kappa_X", PATTERN),
            checked("the conclusion on instances", "T4-width"),
        ),
    ),
)
