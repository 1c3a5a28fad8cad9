"""A fault, the operators that plant it, and what became of it."""

import ast
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import Enum

from mutation_testing.model import Mutant

from fault_testing.place import Place

Change = tuple[ast.AST, str]
"""A node of the syntax tree and the text that replaces it."""

MATHEMATICS = (
    "theory/",
    "properties/chapters/",
    "properties/descent/",
    "properties/exact/",
    "properties/dataset/topics/",
    "properties/guard/",
)
"""Where formulas stand; elsewhere a range or a sum is seldom one of mathematics."""


@dataclass(frozen=True)
class Operator:
    """A kind of fault: at a place of the syntax tree, the changes that it makes."""

    name: str
    description: str
    changes: Callable[[Place], Iterator[Change]]
    areas: tuple[str, ...] = ("theory/", "properties/")
    """Beginnings of the paths of the files in which it plants."""


@dataclass(frozen=True)
class Fault(Mutant):
    """One fault. ``line`` is for the reader; nothing finds a fault by it."""

    operator: str = ""
    definition: str = ""
    """The function, class or constant of the module that changes; empty for a statement of the module itself."""


class Judge(Enum):
    """What caught a fault."""

    CLAIM = "claim"
    """A claim, a mutant of a claim or an obligation."""
    TEST = "test"
    COLLECTION = "collection"
    """The suite refuses to start."""
    NOBODY = "survivor"
    NOT_RUN = "not run"


@dataclass(frozen=True)
class Judgement:
    """What became of a fault: who caught it (the id of a test), after how many seconds and passing tests."""

    judge: Judge
    by: str = ""
    seconds: float = 0.0
    tests: int = 0
    out_of_time: bool = False
    """Of a survivor: whether tests that reach it were left when the time limit came."""
    failing: tuple[str, ...] = ()
    """Tests and claims that fail on the unchanged code, as far as they were met: they catch nothing."""

    @property
    def told(self) -> str:
        """In words."""
        if self.judge is not Judge.NOBODY:
            return f"{self.judge.value} {self.by}".strip()
        return f"survivor of {self.tests} tests{', time ran out' if self.out_of_time else ''}"
