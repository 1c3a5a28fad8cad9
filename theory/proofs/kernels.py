"""Scalar obligations of K-schur and K-sep (theory/theorems/kernels.py).

``w_k = (2k)!/(4^k k!^2)``, so that ``c_k = w_k/(2k+1)``.
"""

from theory.proofs.chain import Chain, argued, checked, proved
from theory.rigour.implication import Implication
from theory.rigour.obligation import Mutation, Obligation

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
    "K-sep's tail: w_k^2 (k + 1/3) does not increase, so it is above its limit 1/pi, and so is w_k^2 (k + 1/2), which the bound uses; "
    "w_{k+1}/w_k = (2k+1)/(2k+2)",
    (
        Implication(("0 <= k", "0 < w"), "next**2*(k + 4/3) <= w**2*(k + 1/3)", {"next": "w*(2*k+1)/(2*k+2)"}),
        Implication(("1 <= k",), "2*k*(2*k-1)/(4*k**2)*(2*k-1)/(2*k+1) == (2*k-1)**2/(2*k*(2*k+1))"),
    ),
    (
        Mutation(
            "k",
            "w_k^2 (k + 0.333) does not increase",
            {"4/3) <= w**2*(k + 1/3": "1333/1000) <= w**2*(k + 333/1000"},
        ),
        Mutation(
            "2k+3",
            "2k + 3 in the recursion of c_k",
            {"(2*k*(2*k+1))": "(2*k*(2*k+3))"},
            part=1,
        ),
    ),
)

OBLIGATIONS = (PAIR, WALLIS)

_MODULE = "theory/theorems/kernels.py: "

CHAINS = (
    Chain(
        "K-schur",
        (
            argued(
                "Schur: K and S_inf - lambda_S I are positive semidefinite, K_ii = 1", f"{_MODULE}K-schur [derived]"
            ),
            proved("the smaller eigenvalue of a 2x2 principal submatrix is 1/2 - |G_ij|", PAIR),
            checked("the conclusion on instances", "K-schur"),
        ),
    ),
    Chain(
        "K-sep",
        (
            argued(
                "G_inf = K/4 + (1/2 pi) sum c_k K^{o(2k+2)}, and Gershgorin on every Hadamard power",
                f"{_MODULE}K-sep [derived]",
            ),
            checked("the closed form of G_inf", "K-closed"),
            proved("the tail of sum c_k beyond the terms that are summed", WALLIS),
            checked("the conclusion on instances", "K-sep"),
        ),
    ),
)
