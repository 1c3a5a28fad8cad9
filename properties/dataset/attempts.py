"""Parts of a topic that stand alone: what cannot be computed says why, and the others appear."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Mapping
from functools import partial
from typing import TypeVar

from properties.dataset.contribution import Contribution
from theory.errors import DescentError, InputError

T = TypeVar("T")
R = TypeVar("R")


class Attempts:
    """Computes parts and keeps the reasons of those that the data do not allow; other errors propagate."""

    def __init__(self) -> None:
        """Begin without any failure."""
        self.reasons: dict[str, str] = {}
        """By part, why it could not be computed."""

    def __call__(self, part: str, compute: Callable[[], T]) -> T | None:
        """What ``compute`` returns; None, with the reason kept, when it raises DescentError or InputError."""
        try:
            return compute()
        except (DescentError, InputError) as error:
            self.reasons[part] = str(error)
            return None


def reason_lines(reasons: Mapping[str, str]) -> tuple[str, ...]:
    """One line a reason, with all the parts that it is one for."""
    parts: dict[str, list[str]] = {}
    for part, reason in reasons.items():
        parts.setdefault(reason, []).append(part)
    return tuple(f"not available: {', '.join(names)}: {reason}" for reason, names in parts.items())


class Found:
    """Parts computed one by one, with the reasons of those that could not be."""

    def __init__(self) -> None:
        """Begin without any failure."""
        self.attempt = Attempts()
        self.errors: list[str] = []
        """Tracebacks of errors that nobody expected."""

    @property
    def reasons(self) -> dict[str, str]:
        """By part, why it could not be computed."""
        return self.attempt.reasons

    @property
    def problems(self) -> tuple[str, ...]:
        """One line a reason."""
        return reason_lines(self.attempt.reasons)

    def topic(self, topic: Callable[[T], Contribution], argument: T) -> Contribution | None:
        """What a topic contributes; None, with the reason kept, where it broke off as a whole."""
        return self.part(topic.__name__.replace("_", " "), partial(topic, argument))

    def part(self, name: str, compute: Callable[[], R]) -> R | None:
        """What is computed, or None with the reason kept: also of an error that nobody expected, with its traceback."""
        try:
            return self.attempt(name, compute)
        except Exception as error:
            self.attempt.reasons[name] = f"it broke off with an error ({type(error).__name__}: {error})"
            self.errors.append("".join(traceback.format_exception(error)).rstrip())
            return None
