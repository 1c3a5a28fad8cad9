"""The straight line in output space: T1-line, T1-line-sharp (docs/theory.md).

Setting, Conditions 1 and 2(C): theory/theorems/condition.py. One step inside the ball (T1-sharp's are, where C < 1).

T1-line [derived]. One step inside the ball moves the outputs by -eta (I + E) r, ||E|| <= q: the angle between the output
step and the straight line to the target is at most arcsin q (C <= 1).
T1-line-sharp [derived]. That angle is at most 2 arcsin(c/sqrt(1-3c^2)), for C <= 1.
Proofs: docs/proofs/ngd.md, P5.6, P5.12. T1-line-sharp is attained up to a factor: 2 arcsin c, by two outputs that turn
(theory/maps/ridge.py).

Every function of real numbers here takes floats or balls (arb), and answers in kind; floats as theory/theorems/ngd.py says.
"""

from theory.directed import at_least_exact
from theory.errors import ScaleError
from theory.inputs import known_theorem
from theory.proof.calculated import Calculated
from theory.proof.chain import Chain, argued, checked, proved
from theory.proof.implication import Implication
from theory.proof.obligation import Mutation, Obligation
from theory.proof.range import needs, taken_over
from theory.reals import real, shown, square_root
from theory.theorems import ngd, ngd_sharp
from theory.theorems.condition import DEFICIT_BELOW_C, THIRD, Q, checked_constant, deficit

SECTION = 4

THEOREMS = ("T1-line", "T1-line-sharp")


@at_least_exact
def line_sine(C: float, theorem: str = "T1-line") -> float:
    """Sine of the largest angle between the output step and the straight line to the target, for ``C <= 1``.

    T1-line: ``q = 2C/(3-C)``. T1-line-sharp: ``sin(2 arcsin(c/sqrt(1-3c^2))) = 2c sqrt(1-4c^2)/(1-3c^2)``, ``c = C/3``.
    Raises ChoiceError, ScaleError (C > 1).
    """
    if not real(C, "C") <= 1:
        raise ScaleError(f"C is {shown(C)}; T1-line needs C <= 1, where q <= 1")
    known_theorem(theorem, THEOREMS)
    if theorem == "T1-line":
        return deficit(C)
    c = checked_constant(C) / 3
    return 2 * c * square_root(1 - 4 * c**2) / (1 - 3 * c**2)


CALCULATED = (
    Calculated("4*c**2*(1-4*c**2)/(1-3*c**2)**2", lambda c: line_sine(3 * c, "T1-line-sharp") ** 2, ("0 <= c <= 1/3",)),
    Calculated("2*c/(1-c)", lambda c: line_sine(3 * c), ("0 <= c <= 1/3",)),
)

ANGLE = Obligation(
    "O-line",
    "T1-line: a relative perturbation (x, y) of length q <= 1 turns a vector by an angle with sine |y|/sqrt((1+x)^2 + y^2) <= q, "
    "and with a cosine that is not negative, so that it is the arcsine of its sine",
    (
        Implication(("0 <= q <= 1", "x**2 + y**2 <= q**2"), "y**2 <= q**2*((1+x)**2 + y**2)"),
        Implication(("0 <= q <= 1", "x**2 + y**2 <= q**2"), "1 + x >= 0"),
    ),
    (
        Mutation("larger-q", "q up to 1.001: the angle may be obtuse", {"0 <= q <= 1": "0 <= q <= 1001/1000"}, part=1),
        Mutation(
            "smaller-angle", "0.999 q^2", {"y**2 <= q**2*((1+x)**2 + y**2)": "y**2 <= 999/1000*q**2*((1+x)**2 + y**2)"}
        ),
    ),
)

SHARP_ANGLE = Obligation(
    "O-line-sharp",
    "T1-line-sharp: Lemma S gives w.v >= s sqrt(1-4c^2); the two bounds of the angle agree at ||v||^2 = 1-3c^2; it is below q",
    (
        Implication(("0 <= c <= 1/3",), "((1+2*c)/(1+c)*s**2 + (1+c)*(1-2*c))**2 >= 4*s**2*(1-4*c**2)"),
        Implication(("0 <= c <= 1/3",), "1 - 4*c**2 >= c**2"),
        Implication(("0 <= c <= 1/3",), "c**2/(1-3*c**2) + (1-4*c**2)/(1-3*c**2) == 1"),
        Implication(
            ("0 <= c <= 1/3",), "sine2 <= q**2", {"sine2": "4*c**2*(1-4*c**2)/(1-3*c**2)**2", "q": "2*c/(1-c)"}
        ),
    ),
    (
        Mutation("more", "4.001 in place of 4", {">= 4*s": ">= 4001/1000*s"}),
        Mutation("larger-c", "c up to 1/2", {"0 <= c <= 1/3": "0 <= c <= 1/2"}, part=1),
        Mutation("5c^2", "1 - 5 c^2 for 1 - 4 c^2", {"1-4*c": "1-5*c"}, part=2),
        Mutation("halved", "the sine at most 0.999 q", {"sine2 <= q**2": "sine2 <= 998001/1000000*q**2"}, part=3),
    ),
)

OBLIGATIONS = (ANGLE, SHARP_ANGLE)

_SPEAKS = "0 <= C <= 1"

RANGES = (
    *needs("T1-line", DEFICIT_BELOW_C, (0, 1), _SPEAKS),
    *needs("T1-line", ANGLE, (0, 1), _SPEAKS, "x**2 + y**2 <= q**2", **Q),
    *ngd_sharp.lemma_ranges("T1-line-sharp", "0 < C <= 1", **THIRD),
    *needs("T1-line-sharp", SHARP_ANGLE, (0, 1, 2, 3), _SPEAKS, **THIRD),
    *taken_over("T1-line", ngd_sharp.RANGES, "T1-sharp"),
    *taken_over("T1-line-sharp", ngd_sharp.RANGES, "T1-sharp"),
)
"""Both rest on the whole proof of T1-sharp, which keeps their segments in the ball."""

_HERE = "docs/proofs/ngd.md: "

CHAINS = (
    Chain(
        "T1-line",
        (
            *dict.fromkeys((*ngd_sharp.SHARP_LINKS, *ngd.STEP_OPERATOR)),
            proved("for x^2 + y^2 <= q^2, q <= 1: y^2 <= q^2 ((1+x)^2 + y^2), and 1 + x >= 0", ANGLE),
            argued(
                "so the sine is at most q and the cosine not negative: the angle is at most arcsin q", f"{_HERE}P5.6"
            ),
            checked("the conclusion on instances", "T1-line"),
        ),
    ),
    Chain(
        "T1-line-sharp",
        (
            *ngd_sharp.SHARP_LINKS,
            argued("the step is -eta Bz with ||Bz - v|| <= c, and w = r", f"{_HERE}P5.7"),
            proved(
                "for c <= 1/3: ((1+2c)/(1+c) s^2 + (1+c)(1-2c))^2 >= 4 s^2 (1-4c^2); 1-4c^2 >= c^2; both bounds of the angle agree "
                "at ||v||^2 = 1-3c^2; the square of its sine is at most q^2",
                SHARP_ANGLE,
            ),
            argued(
                "the angle is at most that of w and v plus arcsin(c/||v||), and the first has two bounds",
                f"{_HERE}P5.12",
            ),
            checked("the conclusion on instances", "T1-line-sharp"),
        ),
    ),
)
