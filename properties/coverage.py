"""Which statements of the theory are claims, and why the others are not executable as claims."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

STATEMENTS: tuple[str, ...] = (
    *("I-gram", "I-homog", "I-pinv", "I-kfac", "I-kfac-fn", "I-dual", "I-counts"),
    *("K-closed", "K-pd", "K-schur", "K-sep", "K-chernoff", "K-hoeffding"),
    *("Condition 1", "Condition 2", "Condition 3", "Condition K1", "Condition K2"),
    *("C2-fro", "C2-spec", "C2-smooth", "C2-path", "C2-attack", "C2-prob"),
    *("T1", "T1-q", "T1-sharp", "T1-tight", "T1-first", "T1-step", "T1-radius", "T1-line"),
    *("T2", "T2-q"),
    *("R0", "T3"),
    *("T4", "T4-lev", "T4-width"),
    *("T0", "T0-linear"),
    *("T5", "T5-dist", "T5-rad"),
    *("O-t1", "O-q", "O-ball", "O-sharp-S", "O-sharp-lo", "O-sharp-hi", "O-tq"),
    *("O-sharp-rate", "O-sharp-ball", "O-t2", "O-t4", "O-t3"),
)
"""Every id of the theory, in its order."""

_CONDITION = "a hypothesis, not a statement: it is certified, attacked or left undecided on every instance of the claims that need it"
_OBLIGATION = (
    "an inequality for all real numbers, which sampling cannot show: two provers prove it, see the obligations"
)

NOT_EXECUTABLE: Mapping[str, str] = MappingProxyType(
    {
        "Condition 1": _CONDITION,
        "Condition 2": _CONDITION,
        "Condition 3": _CONDITION,
        "Condition K1": _CONDITION,
        "Condition K2": _CONDITION,
        "C2-attack": "a search for lower bounds; C2-fro, C2-spec and C2-smooth compare it with their upper bounds",
        **dict.fromkeys((id for id in STATEMENTS if id.startswith("O-")), _OBLIGATION),
    }
)
"""id -> why it is not a claim of the registry."""


def missing(registry: Mapping[str, object]) -> list[str]:
    """The ids that are neither claims nor excused."""
    return [id for id in STATEMENTS if id not in registry and id not in NOT_EXECUTABLE]
