"""What a run was asked for and leaves out because an extra is not installed: in the terminal's words and the page's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from properties.engine.extras import MODULES, Extra, installation, listed

_NOUNS = {Extra.PROOFS: ("obligation", "obligations"), Extra.DATA: ("family", "families")}

_CONSEQUENCES = {
    Extra.PROOFS: "not run, so that nothing in this run proves or refutes them",
    Extra.DATA: "of which no instance is drawn",
}


def left_out_lines(left_out: Mapping[str, Sequence[str]]) -> list[str]:
    """One line an extra: how many, which, what follows from it, and the command that installs what they need."""
    return [
        f"left out: {_counted(extra, names)}, {_CONSEQUENCES[extra]} ({', '.join(names)}), for want of "
        f"{listed(MODULES[extra].values())}: {installation(extra)}"
        for extra, names in _by_extra(left_out)
    ]


def left_out_clauses(left_out: Mapping[str, Sequence[str]]) -> list[str]:
    """The same as parts of the sentence with the run's verdict."""
    return [
        f"{_counted(extra, names)} left out, as the extra {extra} is not installed"
        for extra, names in _by_extra(left_out)
    ]


def _by_extra(left_out: Mapping[str, Sequence[str]]) -> list[tuple[Extra, Sequence[str]]]:
    return [(Extra(extra), names) for extra, names in left_out.items()]


def _counted(extra: Extra, names: Sequence[str]) -> str:
    return f"{len(names)} {_NOUNS[extra][len(names) != 1]}"
