"""The certificates of Conditions 2 and K2: the statements (docs/theory.md) and their chains; no scalar inequality ends their proofs.

Over a ball of radius R about W(0), for ReLU; flipping (i, r) costs ``|w_r(0)^T x_i|``; functions: theory/stability/.

C2-fro [derived]. ``||J(W) - J(0)||_F^2 = #flips/m``, ``#flips <= min_{mu >= 0} (mu R^2 + sum_r max_j (j - mu s_rj)_+)``.
C2-spec [derived]. ``||J(W) - J(0)||_2^2 <= ||X||_2^2 max_i k_i(R)/m``, k_i(R) the most neurons that can flip input i; exact for n = 1.
C2-smooth [derived]. ``||J(W) - J(0)||_2 <= L ||X||_2 ||W - W(0)||_F/sqrt(m)`` for smooth activations with ``|phi''| <= L``.
C2-path [derived]. Along the segments of a run alone: exact norms at division points, ``(#flips/m)^{1/2}`` in between.
K2-fro [derived]. ``||S - S(0)||_F^2 = #flips/m``. K2-smooth [derived]. ``||S - S(0)||_2 <= L ||X||_2 ||W - W(0)||_F/sqrt(m)``.
K2-spec [derived]. ``||S - S(0)||_2^2 <= max_i min_mu (mu R^2 + sum_r max_{j >= rank of i} (j - mu s_rj)_+)/m``, never above K2-fro.
K2-path [derived]. C2-path with a column of ones in the place of X.
"""

from theory.proof.chain import Chain, argued, checked
from theory.theorems.identities import CERTIFIED, GRAM, ROUNDED_GRAM
from theory.theorems.segments import PARAGRAPHS, SCHUR

SECTION = 3

_HERE = "docs/proofs/stability.md: "
FLIPS = argued(
    "||J(W) - J(0)||_F^2 = ||S(W) - S(0)||_F^2 = #flips/m; a flip of (i, r) costs (w_r(0).x_i)^2", f"{_HERE}P4.1"
)
_KNAPSACK = argued("weak duality bounds the number of flips, for every mu", f"{_HERE}P4.2")
_BINS = argued("costs lowered to the edges of bins give no fewer flips", f"{_HERE}P4.9")
_ITEMS = argued("a neuron's flips are items with the same dual function", f"{_HERE}P4.10")
_DRAWN = argued("what Z, K and the signs certify is true of every W with X W^T = Z", f"{_HERE}P4.11")
_SPECTRAL = (
    GRAM,
    SCHUR,
    FLIPS,
    argued("||K o dS dS'|| <= ||K|| max_i (dS dS')_ii, counted for one input; equality for n = 1", f"{_HERE}P4.3"),
)
_SMOOTH = argued("|dS_ir| <= m^{-1/2} L |(w_r - w_r(0)).x_i|", f"{_HERE}P4.4")
_SMOOTH_JACOBIAN = (
    GRAM,
    SCHUR,
    _SMOOTH,
    argued("||K o dS dS'|| <= ||K|| max_i ||dS_i||^2", f"{_HERE}P4.8"),
)
_SEGMENT = (
    argued("on a segment every pair changes its activation at most once", f"{PARAGRAPHS}P1.2"),
    *_SPECTRAL,
    *_SMOOTH_JACOBIAN[2:],
    argued("between division points the norm grows by at most (#flips in between/m)^{1/2}", f"{_HERE}P4.5"),
    argued("of a run only the pairs that flip on each segment are needed", f"{_HERE}P4.12"),
    argued("so the steps that were followed obey the rates of the theorems", f"{PARAGRAPHS}P1.5"),
)
_ON_INSTANCES = "the bound on instances, against attacks and exact suprema"
_AGAINST_ATTACKS = "the bound on instances, against attacks"

CHAINS = (
    Chain("C2-fro", (*_SPECTRAL, _KNAPSACK, _BINS, _ITEMS, checked(_ON_INSTANCES, "C2-fro"))),
    Chain("C2-spec", (*_SPECTRAL, _BINS, _DRAWN, checked(_ON_INSTANCES, "C2-spec"))),
    Chain("C2-smooth", (*_SMOOTH_JACOBIAN, checked(_AGAINST_ATTACKS, "C2-smooth"))),
    Chain("C2-path", (*_SEGMENT, checked("the bound on segments", "C2-path"))),
    Chain("K2-fro", (FLIPS, _KNAPSACK, *ROUNDED_GRAM, CERTIFIED, checked(_ON_INSTANCES, "K2-fro"))),
    Chain(
        "K2-spec",
        (
            *_SPECTRAL,
            _KNAPSACK,
            argued(
                "(v.D_r)^2 <= c_r times the sum of v_i^2 over the inputs that r flips; a knapsack an input",
                f"{_HERE}P4.6",
            ),
            _BINS,
            _ITEMS,
            argued("flips that weigh for an input are items with its dual function", f"{_HERE}P4.13"),
            checked(_ON_INSTANCES, "K2-spec"),
        ),
    ),
    Chain("K2-smooth", (_SMOOTH, checked(_AGAINST_ATTACKS, "K2-smooth"))),
    Chain("K2-path", (*_SEGMENT, checked("the bound on segments", "K2-path"))),
)
