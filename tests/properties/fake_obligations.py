"""Small obligations with known outcomes and a proof that needs them, for the tests of the plugin and its report."""

from theory.proof.chain import Chain, argued, checked, proved
from theory.proof.implication import Implication
from theory.proof.obligation import Mutation, Obligation

SQUARES = Obligation(
    "O-squares",
    "squares <are> at most their roots & more",
    (
        Implication(("0 <= x <= 1",), "x**2 <= x"),
        Implication(("0 < x < 1", "y >= limit"), "x*y >= 1", {"limit": "1/x"}),
    ),
    (
        Mutation("up-to-2", "x up to 2", {"<= 1": "<= 2"}),
        Mutation("halved", "half the limit", {"1/x": "1/2/x"}, part=1),
    ),
)

FALSE = Obligation("O-false", "squares are at most their roots", (Implication(("0 <= x <= 2",), "x**2 <= x"),), ())

SLACK = Obligation(
    "O-slack", "squares", (Implication(("0 <= x",), "x**2 >= 0"),), (Mutation("signs", "any x", {"0 <= x": "x <= 9"}),)
)

CHAIN = Chain(
    "N-small",
    (
        argued("numbers are numbers", "docs/theory.md: The mathematics"),
        proved("their squares are small", SQUARES, FALSE),
        checked("on instances", "N-small", "N-other"),
    ),
)

SMALLER_CHAIN = Chain("N-small", (CHAIN.links[0], proved("their squares are small", SQUARES), CHAIN.links[2]))
"""Of a suite that has no false obligation."""
