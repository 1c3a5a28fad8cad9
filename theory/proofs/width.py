"""Scalar obligations of C2-prob, T3 and T4-width (theory/theorems/width.py): the composition of lemmas into a width.

Positive reals: ``eigenvalue`` (lambda0, or lambda_S), ``nu``, ``delta``, ``n``, ``E = ||y||^2 + n nu^2/2``, and ``kappa = kappa_3^3 = 27/(2 pi)``. ``x`` is
C2-prob's bound of ``||J(W) - J(0)||_F^2``, of which only the cube is a polynomial, so that cubes are compared (O-cubes).
The logarithm enters as ``log``, pi as any positive number.
"""

from theory.proof.chain import Chain, argued, checked, proved
from theory.proof.implication import Implication
from theory.proof.obligation import Mutation, Obligation
from theory.proofs.kernels import CHERNOFF
from theory.proofs.kfac import LEVERAGE, LEVERAGE_BOUNDS
from theory.proofs.stability import FLIPS as FLIPPED

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

_PAIRS_CHERNOFF = Implication(
    ("0 < beta", "0 < eigenvalue", "0 < norm2", "m >= limit"),
    "beta*(m/2)*eigenvalue/norm2 >= log",
    {"limit": "2*norm2*log/(beta*eigenvalue)"},
)
"""``_CHERNOFF`` for m/2 independent pairs."""

_HALF_CHERNOFF = Mutation("as-independent", "the first width of independent neurons", {"2*norm2": "norm2"}, part=2)

LEAST = Obligation(
    "O-t3-least",
    "T3: m is at least a width when the lemma that asks for it is satisfied; the two initialisations",
    (
        Implication(
            ("0 < beta", "0 < eigenvalue", "0 < norm2", "beta*m*eigenvalue/norm2 >= log"),
            "m >= limit",
            {"limit": "norm2*log/(beta*eigenvalue)"},
        ),
        Implication(
            (*_POSITIVE, "0 < m", "cube <= (C**2/9*(3/4*eigenvalue))**3"),
            "m >= limit",
            {**_KAPPA, "limit": WIDTH, "share": "delta/3", "R2": "36*E/(delta*eigenvalue)", "cube": _CUBE},
        ),
        Implication(
            (*_POSITIVE, "0 < m", "cube <= (C**2/9*(3/4*eigenvalue))**3"),
            "m >= limit",
            {**_KAPPA, "limit": SYMMETRIC_WIDTH, "share": "delta/2", "R2": "12*E/eigenvalue", "cube": _CUBE},
        ),
        Implication(
            ("0 < beta", "0 < eigenvalue", "0 < norm2", "beta*(m/2)*eigenvalue/norm2 >= log"),
            "m >= limit",
            {"limit": "2*norm2*log/(beta*eigenvalue)"},
        ),
    ),
    (
        Mutation("wider", "the first width times 1.001", {"m >= limit": "m >= 1001/1000*limit"}),
        Mutation("wider-2", "the second width times 1.001", {"m >= limit": "m >= 1001/1000*limit"}, part=1),
        Mutation("wider-3", "the symmetric width times 1.001", {"m >= limit": "m >= 1001/1000*limit"}, part=2),
        Mutation("wider-4", "the first width of pairs times 1.001", {"m >= limit": "m >= 1001/1000*limit"}, part=3),
    ),
)

SYMMETRIC = Obligation(
    "O-t3-symmetric",
    "T3 under symmetric initialisation: K-chernoff and C2-prob at delta/2 each, r(0) = -y; E is ||y||^2 here. R bounds "
    "Condition 2's radius; at the second width the cube of C2-prob's bound is at most that of (C^2/9)(3/4 lambda0); the first width is enough for m/2 pairs",
    (
        Implication(
            ("0 < eigenvalue", "smallest > 3/4*eigenvalue", "0 <= E"), "9*E/smallest <= R2", {"R2": "12*E/eigenvalue"}
        ),
        Implication(
            (*_POSITIVE, "m >= limit"),
            "cube <= (C**2/9*(3/4*eigenvalue))**3",
            {**_KAPPA, "limit": SYMMETRIC_WIDTH, "share": "delta/2", "R2": "12*E/eigenvalue", "cube": _CUBE},
        ),
        _PAIRS_CHERNOFF,
    ),
    (
        Mutation("ball-11", "R^2 = 11.9 E/lambda0", {"12*E": "119/10*E"}),
        Mutation(
            "narrower",
            "the second width times 0.999",
            {"m >= limit": "m >= 999/1000*limit"},
            part=1,
        ),
        _HALF_CHERNOFF,
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

PATTERN_SYMMETRIC = Obligation(
    "O-t4-width-symmetric",
    "T4-width under symmetric initialisation: R^2 = 12 ||y||^2/(lambda_S h_min mu_min) bounds K2's radius; "
    "with h_min >= 1/mu_max the second width is kappa_X times the symmetric one of T3; E is ||y||^2 here; the first width is enough for m/2 pairs",
    (
        Implication(
            ("0 < eigenvalue", "smallest > 3/4*eigenvalue", "0 < h", "0 < mu_min", "0 <= E"),
            "9*E/(smallest*h*mu_min) <= R2",
            {"R2": "12*E/(eigenvalue*h*mu_min)"},
        ),
        Implication(
            (*_POSITIVE, "0 < mu_min", "0 < mu_max", "h*mu_max >= 1", "m >= mu_max/mu_min*limit"),
            "cube <= (C**2/9*(3/4*eigenvalue))**3",
            {
                **_KAPPA,
                "limit": SYMMETRIC_WIDTH,
                "share": "delta/2",
                "R2": "12*E/(eigenvalue*h*mu_min)",
                "cube": _CUBE,
            },
        ),
        _PAIRS_CHERNOFF,
    ),
    (
        Mutation("ball-11", "11.9 in place of 12", {"12*E": "119/10*E"}),
        Mutation("smaller-h", "h_min >= 0.999/mu_max", {"h*mu_max >= 1": "h*mu_max >= 999/1000"}, part=1),
        Mutation("no-kappa", "without kappa_X", {"mu_max/mu_min*limit": "limit"}, part=1),
        Mutation("delta/3", "C2-prob at delta/3", {"delta/2": "delta/3"}, part=1),
        _HALF_CHERNOFF,
    ),
)

OBLIGATIONS = (FLIPS, CUBES, COMPOSITION, LEAST, SYMMETRIC, PATTERN, PATTERN_SYMMETRIC)

_HERE = "docs/proofs/width.md: "
_FLIP_LINKS = (
    FLIPPED,
    argued("a flip has |z| <= t or ||w_r - w_r(0)|| > t; Markov's inequality", f"{_HERE}P7.2"),
    proved("the best t gives kappa_3, cubed", FLIPS),
)
_CHANGE_LINKS = (*_FLIP_LINKS, checked("C2-prob's frequency", "C2-prob"))
_START_LINKS = (
    argued("E u_i(0) = 0 and E u_i(0)^2 = nu^2/2; Markov's inequality", f"{_HERE}P7.1"),
    checked("R0's mean and frequency", "R0"),
)
_CHERNOFF_LINKS = (*CHERNOFF, checked("K-chernoff's frequency", "K-chernoff"))

_UNION = argued("the failures of the lemmas add up to at most delta; R is fixed before the draw", f"{_HERE}P7.4")
_FIRST_WIDTH = argued(
    "with log = ln(n/share) the exponent at the first width makes the failure at most the share: n exp(-log) = share",
    f"{_HERE}P7.5",
)
_BY_CUBES = argued("C2-prob's bound is compared by its cube; Condition 2(C), or K2(C), follows", f"{_HERE}P7.6")

CHAINS = (
    Chain("R0", _START_LINKS),
    Chain(
        "C2-prob",
        (
            *_FLIP_LINKS,
            argued(
                "n = 1: Doob's inequality for the empirical distribution, so that R need not be fixed", f"{_HERE}P7.3"
            ),
            checked("the frequency", "C2-prob"),
        ),
    ),
    Chain(
        "T3",
        (
            *_CHERNOFF_LINKS,
            *_START_LINKS,
            *_CHANGE_LINKS,
            _UNION,
            proved(
                "independent neurons: the exponent at the first width, R^2 above the squared radius, the cube at the second width; "
                "for pairs too, x <= (C^2/9)(3/4 lambda0) gives x <= (C^2/9) lambda where lambda > 3/4 lambda0",
                COMPOSITION,
            ),
            proved(
                "pairs: the exponent at the first width, R^2 above the squared radius, the cube at the second width where y is not 0",
                SYMMETRIC,
            ),
            proved("numbers that are not negative are ordered as their cubes", CUBES),
            _FIRST_WIDTH,
            _BY_CUBES,
            proved("each lemma's requirement makes m at least its width", LEAST),
            argued("so the width is enough, and the least for which the lemmas compose", f"{_HERE}P7.7"),
            checked("the conclusion on instances", "T3"),
        ),
    ),
    Chain(
        "T4-width",
        (
            *_CHERNOFF_LINKS,
            *_START_LINKS,
            *_CHANGE_LINKS,
            _UNION,
            proved(
                "independent neurons: the exponent at the first width; for pairs too, x <= (C^2/9)(3/4 lambda_S) gives "
                "x <= (C^2/9) sigma^2 where sigma^2 > 3/4 lambda_S",
                COMPOSITION,
            ),
            proved("numbers that are not negative are ordered as their cubes", CUBES),
            _FIRST_WIDTH,
            _BY_CUBES,
            LEVERAGE_BOUNDS,
            proved("h mu_max >= 1 for a unit row, from h mu_min <= ||x_i||^2 <= h mu_max", LEVERAGE),
            proved(
                "independent neurons: R^2 above K2's squared radius, and the cube at kappa_X times the second width",
                PATTERN,
            ),
            proved(
                "pairs: the exponent at the first width, R^2 above K2's squared radius, the cube at kappa_X times the second width "
                "where y is not 0",
                PATTERN_SYMMETRIC,
            ),
            argued("so the width is enough, with either initialisation", f"{_HERE}P7.8"),
            checked("the conclusion on instances", "T4-width"),
        ),
    ),
)
