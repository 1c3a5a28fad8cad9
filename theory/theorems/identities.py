"""The identities, and E-step: the statements (docs/theory.md) and their chains; no scalar inequality ends them.

I-gram [derived]. ``J J^T = K o S S^T``. I-homog [derived]. ``u(W) = J(W) vec W`` (ReLU).
I-scale [derived]. ``J(cW) = J(W)`` and ``u(cW) = c u(W)`` for c > 0 (ReLU).
I-pinv [derived]. ``(J^T J)^+ J^T = J^T (J J^T)^{-1}`` at full row rank.
I-kfac [derived]. The structured K-FAC step is ``unvec(((S^T S)^+ x (X^T X)^+) J^T r)``.
I-kfac-fn [derived]. ``J(W') vec dW = -eta ((S' S^+) o P) r``.
I-dual [derived]. The n x m trajectory is the m x d trajectory. I-counts [derived]. ``A A^T`` consists of integers, exact in float32.
E-step [derived]. One float64 step from a stored iterate is within the bounds of theory/rigour/one_step.py and gram_rounding.py.

What they speak of: theory/network/two_layer.py, theory/descent/steps.py, theory/rigour/one_step.py.
"""

from theory.proof.chain import Chain, Link, argued, checked
from theory.theorems.segments import INTEGRAL, SCHUR

SECTION = 1

_HERE = "docs/proofs/identities.md: "
_ROUNDING = "docs/proofs/rounding.md: "


def _identity(id: str, *links: Link) -> Chain:
    return Chain(id, (*links, checked("the identity on instances", id)))


GRAM = argued("(J J')_ik = sum over r and j of S_ir x_ij S_kr x_kj", f"{_HERE}P2.1")
PSEUDO_INVERSE = argued("(J'J)^+ J' = J' (J J')^{-1} = J^+, by the singular value decomposition", f"{_HERE}P2.3")
KRONECKER = argued("(A x B) vec M = vec(A M B'), and (S'S)^+ S' = S^+", f"{_HERE}P2.4")
KRONECKER_MOVE = (
    PSEUDO_INVERSE,
    KRONECKER,
    argued("entry i of J(W') vec M is S'_i M x_i", f"{_HERE}P2.5"),
)
COUNTS = argued("partial sums are integers of at most 2^24", f"{_HERE}P2.7")
ROUNDED_GRAM = (
    argued("sums of products with k roundings are off by gamma_k of their magnitudes", f"{_ROUNDING}P11.1"),
    COUNTS,
    argued("the entries of the computed Gram matrices", f"{_ROUNDING}P11.2"),
)
CERTIFIED = argued(
    "a Cholesky factorisation certifies a lower bound of the least eigenvalue", "docs/proofs/stability.md: P4.7"
)

CHAINS = (
    _identity("I-gram", GRAM),
    _identity("I-homog", argued("1[z >= 0] z = max(z, 0)", f"{_HERE}P2.2")),
    _identity("I-scale", argued("1[c z >= 0] = 1[z >= 0] and max(c z, 0) = c max(z, 0) for c > 0", f"{_HERE}P2.8")),
    _identity("I-pinv", PSEUDO_INVERSE),
    _identity("I-kfac", PSEUDO_INVERSE, KRONECKER),
    _identity("I-kfac-fn", *KRONECKER_MOVE),
    _identity(
        "I-dual",
        GRAM,
        PSEUDO_INVERSE,
        KRONECKER,
        argued("dZ = X dW' is an n x n matrix times S, a function of Z alone", f"{_HERE}P2.6"),
    ),
    _identity("I-counts", COUNTS),
    Chain(
        "E-step",
        (
            *ROUNDED_GRAM,
            CERTIFIED,
            argued("outputs and residuals by accurate sums", f"{_ROUNDING}P11.3"),
            INTEGRAL,
            SCHUR,
            argued("a step of NGD or GD: its coefficients' defect and its sweep", f"{_ROUNDING}P11.4"),
            argued("its length", f"{_ROUNDING}P11.5"),
            argued("a step of K-FAC: the defect of H^{-1} diag(r), and the error of P and X^+", f"{_ROUNDING}P11.6"),
            argued("steps of parameter maps and of feature maps", f"{_ROUNDING}P11.7"),
            argued("a step of K-FAC with factored damping: P and Y depend on X continuously", f"{_ROUNDING}P11.8"),
            argued(
                "steps of neurons that are kept a chunk at a time: sums by chunks, exact counts", f"{_ROUNDING}P11.9"
            ),
            checked("computed steps against steps in balls", "E-step"),
        ),
    ),
)
