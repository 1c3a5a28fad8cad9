"""Links that several proofs share: what a segment and a ball have to do with a step (docs/proofs/segments.md)."""

from theory.proof.chain import argued

PARAGRAPHS = "docs/proofs/segments.md: "

INTEGRAL = argued(
    "u(theta+) - u(theta) is the integral of J along the segment, also through and inside kinks", f"{PARAGRAPHS}P1.1"
)
SCHUR = argued("Schur's inequalities for K o M", f"{PARAGRAPHS}P1.3")
INDUCTION = argued(
    "the lengths of the steps so far, the current one included, are at most the radius: no segment leaves the ball",
    f"{PARAGRAPHS}P1.4",
)
