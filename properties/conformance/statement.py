"""How a claim of the kit is made: its families for a library, its borders, and the wrong programs that it has to refute."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from hypothesis.strategies import SearchStrategy

from properties.conformance.instances import Instance
from properties.conformance.library import Library
from properties.conformance.networks import Description, drawn, problem_of
from properties.engine.claim import Bound, Depth, Family, Hypothesis

Build = Callable[[Description, Library], Instance]


@dataclass(frozen=True)
class Source:
    """Where instances of a claim come from, for any library."""

    id: str
    title: str
    build: Build
    descriptions: Callable[[], SearchStrategy[Mapping[str, Any]]]
    first: tuple[Description, ...]
    """The smallest ones, which every run has."""
    examples: tuple[int, int, int] = (8, 280, 1500)

    allowed: Mapping[str, tuple[Any, ...]] = field(default_factory=dict)
    """Values of keys of the descriptions, where these are drawn from a list."""
    conclusion: Callable[[Instance], Sequence[Bound]] | None = None
    """Of a border, what it says where that is more than the claim's own conclusion."""

    def family(self, library: Library) -> Family[Instance]:
        """The family of a library, with losses and reductions that it has where the claim speaks of one."""

        def offered(description: Description) -> Description:
            return self.offered(description, library)

        return Family(
            self.id,
            self.title,
            lambda: self.descriptions().map(offered),
            lambda description: self.build(description, library),
            dict(zip(Depth, self.examples, strict=True)),
            first=tuple(map(offered, self.first)),
        )

    def offered(self, description: Description, library: Library) -> Description:
        """The description with a loss and a reduction that the library says it has, if the claim speaks of one."""
        changes = {}
        for key, name in (("loss", "losses"), ("reduction", "reductions")):
            has = library.offers(name)
            possible = [value for value in self.allowed.get(key, ()) if value in has]
            if description.get(key) not in has and possible:
                changes[key] = possible[0]
        return {**description, **changes}


@dataclass(frozen=True)
class Statement:
    """A claim of the kit before it is about one library."""

    id: str
    statement: str
    paragraph: str
    """Of docs/conformance.md."""
    sources: tuple[Source, ...]
    hypotheses: Callable[[Instance], Sequence[Hypothesis]]
    conclusion: Callable[[Instance], Sequence[Bound]]
    faults: tuple[str, ...]
    """Wrong programs (properties/conformance/faults), by id, which it refutes."""
    borders: tuple[Source, ...] = ()
    """Instances beyond its scope, one step: there the library in plain NumPy, which is right, is refuted."""
    sampled: Callable[[Instance, Any], Sequence[Bound]] | None = None


def plain_build(description: Description, library: Library) -> Instance:
    """The problem of a description; ``judged``, where it is there, are the parameters spoken of."""
    return Instance(problem_of(description), library, judged=tuple(description.get("judged", ())))


def source(
    id: str,
    title: str,
    first: Sequence[Description],
    build: Build = plain_build,
    examples: tuple[int, int, int] = (8, 280, 1500),
    conclusion: Callable[[Instance], Sequence[Bound]] | None = None,
    **parts: Any,
) -> Source:
    """A source that draws descriptions with these values of the keys (``networks.drawn``)."""
    allowed = {"loss": ("half squared", "squared"), "reduction": ("batch", "sum", "outputs"), **parts}
    return Source(id, title, build, lambda: drawn(**parts), tuple(first), examples, allowed, conclusion)


def both(*descriptions: Description) -> tuple[Description, ...]:
    """Each in float64 and, after all of these, in float32."""
    return (*descriptions, *({**one, "single": True} for one in descriptions))
