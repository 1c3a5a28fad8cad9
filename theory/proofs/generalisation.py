"""The chains of T5, T5-dist and T5-rad (theory/theorems/generalisation.py); no scalar inequality ends their proofs."""

from theory.proofs.chain import Chain, argued, checked
from theory.proofs.identities import GRAM, PSEUDO_INVERSE
from theory.rigour.obligation import Obligation

OBLIGATIONS: tuple[Obligation, ...] = ()

_MODULE = "theory/theorems/generalisation.py: "

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
            GRAM,
            argued("tr G_inf = n/2, as its diagonal is 1/2", "docs/proofs/kernels.md: P3.1"),
            checked("the conclusion on instances", "T5-rad"),
        ),
    ),
    Chain(
        "T5",
        (
            argued(
                "the training loss is at most eps after k steps, by R0 and T1's rate", f"{_MODULE}by R0 at delta/3 and"
            ),
            checked("R0 and T1", "R0", "T1"),
            argued("distance travelled, complexity of that ball, uniform deviation", f"{_MODULE}Where the bound comes"),
            checked("distance and complexity", "T5-dist", "T5-rad"),
            checked("the conclusion on instances", "T5"),
        ),
    ),
)
