"""What can notice a fault: test functions, claims with their mutants, obligations.

Those that execute the changed lines come first, then what reaches the changed definition, which may be used where it is no line of a
function, or in another process; of both the nearest and cheapest first.
"""

import math
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from fault_testing.fault import Fault
from fault_testing.reach import Definition, Reach, module_name

CLAIMS = "tests/claims/test_claims.py"
BROWSER = "tests/properties/engine/report/test_browser"
LEFT_OUT = ("tests/deep/", "tests/peers/", "tests/benchmarks/", "tests/tools/", BROWSER)
"""Tests that need what not every machine has, or that are not of the default run."""

TOO_SLOW = ("tests/theory/descent/test_memory.py", "tests/properties/test_wheel.py")
"""Tests of speed, memory and installation, which say nothing about formulas."""

HARNESS = 1
"""How much further a claim is by the machinery that runs it than by its own definition."""

EXECUTING, FARTHEST = 1000.0, 100.0
"""How much nearer than all others a unit is that executes the changed lines; how far one is that no name leads to."""

USUAL_SECONDS = {"test": 0.5, "claim": 4.0, "obligation": 1.0}
"""What a unit is taken to cost before it has been run."""


@dataclass(frozen=True)
class Unit:
    """What is run together: one test function, one claim with its mutants, or one obligation."""

    kind: str
    items: tuple[str, ...]
    """Pytest's ids."""
    roots: frozenset[Definition]

    @property
    def file(self) -> str:
        """The file that holds it."""
        return self.items[0].partition("::")[0]


def claims_of(collected: Iterable[str]) -> list[str]:
    """The ids of the claims among the items of tests/claims."""
    return [parts[1] for item in collected if (parts := re.fullmatch(rf"{CLAIMS}::test_claim\[(.*)\]", item))]


def units_of(reach: Reach, collected: Iterable[str]) -> list[Unit]:
    """The units of the project; ``collected``: the ids of the items of tests/claims."""
    found = [
        Unit("test", (item,), frozenset({definition}))
        for item, definition in reach.tests()
        if not item.startswith((*LEFT_OUT, *TOO_SLOW, CLAIMS))
    ]
    grouped = defaultdict(list)
    for item in collected:
        parts = re.fullmatch(rf"{CLAIMS}::(test_\w+)\[([^]/]+)(/.*)?\]", item)
        if parts:
            kind = "obligation" if parts[1] == "test_obligation" else "claim"
            grouped[kind, parts[2]].append(item)
    for (kind, id), items in grouped.items():
        packages = ("theory.theorems",) if kind == "obligation" else ("properties.",)
        found.append(Unit(kind, tuple(items), frozenset(reach.naming(id, packages))))
    return found


class Nearest:
    """Orders units for a fault, and learns what they cost."""

    def __init__(self, reach: Reach, units: list[Unit], executing: Mapping[Fault, frozenset[str]]) -> None:
        """``units``: of the same project as ``reach``; ``executing``: the items that are known to execute what changes."""
        self.reach, self.units, self.executing = reach, units, executing
        self.seconds: dict[str, float] = {}
        self.harness = {
            kind: Definition(module_name(CLAIMS), name)
            for kind, name in (("claim", "test_claim"), ("obligation", "test_obligation"))
        }

    def cost(self, unit: Unit) -> float:
        """Seconds that it took, or is taken to take."""
        known = [self.seconds[item] for item in unit.items if item in self.seconds]
        return sum(known) if known else USUAL_SECONDS[unit.kind]

    def learn(self, seconds: Mapping[str, float]) -> None:
        """Remember what items took, by id; parameters of a test function count for it."""
        total: dict[str, float] = defaultdict(float)
        for item, spent in seconds.items():
            total[item if item.startswith(CLAIMS) else item.partition("[")[0]] += spent
        self.seconds |= total

    def of(self, fault: Fault) -> list[Unit]:
        """The units that reach what the fault changes, in the order in which to run them."""
        distances = self.reach.distances(Definition(module_name(fault.file), fault.definition))
        executing = self.executing.get(fault, frozenset())
        scored = []
        for number, unit in enumerate(self.units):
            known = [distances[root] for root in unit.roots if root in distances]
            harness = self.harness.get(unit.kind)
            if harness in distances:
                known.append(distances[harness] + HARNESS)
            executes = not executing.isdisjoint(unit.items)
            if known or executes:
                distance = min(known, default=FARTHEST) - (EXECUTING if executes else 0.0)
                scored.append((distance + math.log2(1 + self.cost(unit)), number, unit))
        return [unit for _, _, unit in sorted(scored, key=lambda one: one[:2])]
