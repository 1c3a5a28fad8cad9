"""The ball on which the condition is needed: T1-radius (docs/theory.md).

T1-radius [derived]. Condition 2 is needed only on the ball that the theorem's own path can reach: ``1/(1-C)`` (T1-q), ``(1+c)/(1-c)^2``
(T1-sharp) times ``||r(0)||/sqrt(lambda)``, and so for T1, T0 and T0-sharp: the functions ``radius`` of ngd.py and gradient_descent.py.
Proof: docs/proofs/ngd.md, P5.13; it is those of the theorems.
"""

from theory.proof.chain import Chain, argued, checked
from theory.proof.range import taken_over
from theory.theorems import gradient_descent, ngd, ngd_sharp

SECTION = 4

THEOREMS = ("T1", "T1-q", "T1-sharp", "T0", "T0-sharp")
"""Whose paths stay on a smaller ball."""

_MODULES = (ngd, ngd_sharp, gradient_descent)

RANGES = tuple(one for module in _MODULES for one in taken_over("T1-radius", module.RANGES, *THEOREMS))

_LINKS = (link for module in _MODULES for chain in module.CHAINS if chain.theorem in THEOREMS for link in chain.links)

CHAINS = (
    Chain(
        "T1-radius",
        (
            *dict.fromkeys(_LINKS),
            argued("the proofs use the condition on the ball of the path's radius only", "docs/proofs/ngd.md: P5.13"),
            checked("the conclusion on instances", "T1-radius"),
        ),
    ),
)
"""The theorems' own proofs, and what they say of the ball."""
