"""Scalar obligations of K-schur and K-sep (theory/theorems/kernels.py), and the chains of the kernels' claims.

``w_k = (2k)!/(4^k k!^2)``, so that ``c_k = w_k/(2k+1)``.
"""

from theory.proof.chain import Chain, argued, checked, proved
from theory.proof.implication import Implication
from theory.proof.obligation import Mutation, Obligation
from theory.proofs.identities import GRAM
from theory.proofs.segments import SCHUR

PAIR = Obligation(
    "O-schur-pair",
    "K-schur: the smaller root of the 2x2 matrix with diagonal 1/2 and entry g is 1/2 - |g|",
    (Implication(("0 <= g",), "(1/2 - x)**2 - g**2 == (x - (1/2 - g))*(x - (1/2 + g))"),),
    (
        Mutation(
            "halved",
            "1/2 - g/2",
            {"(1/2 - g)": "(1/2 - g/2)"},
        ),
    ),
)

WALLIS = Obligation(
    "O-sep-wallis",
    "K-sep's tail: with I_j the integral of sin^j over a quarter of the circle, I_2k = (pi/2) w_k and I_{2k+1} = 1/((2k+1) w_k) "
    "pass from k to k+1, and I_{2k+1} <= I_2k is w_k^2 (k + 1/2) >= 1/pi; I_{j+2} = (j+1)/(j+2) I_j, w_{k+1}/w_k = (2k+1)/(2k+2)",
    (
        Implication(
            ("0 <= k", "even == pi/2*w"),
            "even*(2*k+1)/(2*k+2) == pi/2*next",
            {"next": "w*(2*k+1)/(2*k+2)"},
        ),
        Implication(
            ("0 <= k", "0 < w", "odd == 1/((2*k+1)*w)"),
            "odd*(2*k+2)/(2*k+3) == 1/((2*k+3)*next)",
            {"next": "w*(2*k+1)/(2*k+2)"},
        ),
        Implication(
            ("0 <= k", "0 < w", "0 < pi", "odd <= even"),
            "w**2*(k + 1/2) >= 1/pi",
            {"even": "pi/2*w", "odd": "1/((2*k+1)*w)"},
        ),
    ),
    (
        Mutation("2k+3", "(2k+1)/(2k+3) in the recursion of w_k alone", {"w*(2*k+1)/(2*k+2)": "w*(2*k+1)/(2*k+3)"}),
        Mutation("2k+2", "1/((2k+2) w_k)", {"odd == 1/((2*k+1)*w)": "odd == 1/((2*k+2)*w)"}, part=1),
        Mutation("smaller", "w_k^2 (k + 0.499)", {"(k + 1/2)": "(k + 499/1000)"}, part=2),
        Mutation("longer", "I_{2k+1} up to 1.001 I_2k", {"odd <= even": "odd <= 1001/1000*even"}, part=2),
    ),
)

TAIL = Obligation(
    "O-sep-tail",
    "K-sep's tail: c_k >= w_k - w_{k+1}, so that the sum from N on telescopes to w_N less the limit of w_k, which is 0 as w_k^2 (3k+1) <= 1 "
    "passes from k to k+1; c_k = w_k/(2k+1) obeys c_k/c_{k-1} = (2k-1)^2/(2k(2k+1))",
    (
        Implication(("0 <= k", "0 < w"), "w/(2*k+1) >= w - next", {"next": "w*(2*k+1)/(2*k+2)"}),
        Implication(("0 <= k", "0 < w", "w**2*(3*k+1) <= 1"), "next**2*(3*k+4) <= 1", {"next": "w*(2*k+1)/(2*k+2)"}),
        Implication(("1 <= k",), "2*k*(2*k-1)/(4*k**2)*(2*k-1)/(2*k+1) == (2*k-1)**2/(2*k*(2*k+1))"),
    ),
    (
        Mutation("doubled", "2 (w_k - w_{k+1})", {">= w - next": ">= 2*(w - next)"}),
        Mutation("larger", "w_k^2 (4k+1) <= 1", {"(3*k+1)": "(4*k+1)", "(3*k+4)": "(4*k+5)"}, part=1),
        Mutation("2k+3", "2k + 3 in the recursion of c_k", {"(2*k*(2*k+1))": "(2*k*(2*k+3))"}, part=2),
    ),
)

OBLIGATIONS = (PAIR, WALLIS, TAIL)

_HERE = "docs/proofs/kernels.md: "
_CLOSED = (
    GRAM,
    argued("two half planes meet in a sector of angle pi minus the inputs' angle", f"{_HERE}P3.1"),
)
CHERNOFF = (
    GRAM,
    argued(
        "the matrix Chernoff inequality for summands of one distribution, by Golden-Thompson; pairs count once",
        f"{_HERE}P3.10",
    ),
)

CHAINS = (
    Chain(
        "K-closed",
        (
            *_CLOSED,
            argued("the roundings of the float64 kernels, counted", f"{_HERE}P3.2"),
            checked("both on instances", "K-closed"),
        ),
    ),
    Chain(
        "K-pd",
        (
            *_CLOSED,
            argued("G_inf: a null vector's sum does not jump across the hyperplanes w.x_i = 0", f"{_HERE}P3.3"),
            argued("S_inf: the same for numbers in place of vectors", f"{_HERE}P3.4"),
            CHERNOFF[1],
            argued("at K-chernoff's width the failure is at most delta", "docs/proofs/width.md: P7.5"),
            checked("K-chernoff's frequency", "K-chernoff"),
            checked("both equivalences, and the probability, on instances", "K-pd"),
        ),
    ),
    Chain(
        "K-schur",
        (
            *_CLOSED,
            SCHUR,
            argued(
                "K and S_inf - lambda_S I are positive semidefinite, K_ii = 1; principal submatrices", f"{_HERE}P3.5"
            ),
            proved("the eigenvalues of a 2x2 matrix with diagonal 1/2 and entry g >= 0 are 1/2 - g and 1/2 + g", PAIR),
            checked("the conclusion on instances", "K-schur"),
        ),
    ),
    Chain(
        "K-sep",
        (
            *_CLOSED,
            checked("the closed form of G_inf", "K-closed"),
            SCHUR,
            argued(
                "G_inf = K/4 + (1/2 pi) sum c_k K^{o(2k+2)}, and Gershgorin on every Hadamard power",
                f"{_HERE}P3.6",
            ),
            argued("from k = ceil((p-2)/2) on the brackets are at least 1/2", f"{_HERE}P3.7"),
            proved(
                "the recursions of Wallis's integrals, and what the comparison of two of them says: w_k^2 (k + 1/2) >= 1/pi",
                WALLIS,
            ),
            proved("c_k >= w_k - w_{k+1}; w_k^2 <= 1/(3k+1) passes from k to k+1; c_k's recursion", TAIL),
            argued("so the tail beyond the terms that are summed is at least (pi (N + 1/2))^{-1/2}", f"{_HERE}P3.8"),
            checked("the conclusion on instances", "K-sep"),
        ),
    ),
    Chain(
        "K-hoeffding",
        (
            *_CLOSED,
            argued("Hoeffding's inequality for m independent 0/1 variables; pairs count once", f"{_HERE}P3.9"),
            checked("the frequency", "K-hoeffding"),
        ),
    ),
    Chain("K-chernoff", (*CHERNOFF, checked("the frequency", "K-chernoff"))),
)
