"""Pieces of the page, each standing alone: what breaks one costs no other, and is told in its place."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


class Isolated:
    """Makes the pieces, and keeps what went wrong."""

    def __init__(self) -> None:
        """Begin without any problem."""
        self.problems: list[str] = []

    def __call__(self, name: str, make: Callable[[], T], otherwise: T) -> T:
        """What ``make`` returns; ``otherwise``, with the problem kept, when it raises."""
        try:
            return make()
        except Exception as error:
            self.problems.append(f"{name} cannot be shown ({type(error).__name__}: {error})")
            return otherwise

    def listed(self, name: str, make: Callable[[], list[T]]) -> list[T]:
        """The same for a list; an empty one when it raises."""
        nothing: list[T] = []
        return self(name, make, nothing)
