"""The paper's pictures as a part of a run: computed for a report on every claim, unless it is a quick one."""

from __future__ import annotations

import time
import traceback
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from properties.engine.claim import Depth
from properties.engine.extras import Extra, require_extra
from properties.engine.part import Finished, Performed, Setting, Share
from properties.engine.report.entries import Entry
from properties.pictures.report.pictures_entry import KIND, pictures_entry

if TYPE_CHECKING:
    import pytest


class PicturesPart:
    """Computes the data of the pictures."""

    apart = False
    companions: Mapping[str, tuple[str, str]] = MappingProxyType({})

    def requested(self, config: pytest.Config, setting: Setting) -> PicturesTask | None:
        """All of them or none. Raises MissingExtraError."""
        depth = setting.depth
        if not (setting.every_claim and setting.reported and depth is not Depth.QUICK):
            return None
        require_extra(Extra.DATA, f"--report of every claim at depth {depth.value}, with the paper's pictures,")
        return PicturesTask()


@dataclass(frozen=True)
class PicturesTask:
    """The pictures to compute."""

    kind: str = KIND
    name: str = KIND
    header: str = ""
    options: Sequence[str] = ()

    def shares(self, setting: Setting) -> Sequence[Share]:
        """All of them together."""
        return (AllPictures(),)

    def joined(self, setting: Setting, found: Mapping[str, Finished]) -> Entry:
        """The entry of them all."""
        (whole,) = found.values()
        return whole.entry


@dataclass(frozen=True)
class AllPictures:
    """The one share."""

    name: str = ""

    def perform(self, setting: Setting) -> Performed:
        """Passed when the data of all pictures can be computed."""
        started = time.perf_counter()
        found: Mapping[str, Any] | str
        try:
            found = compute_pictures(setting.depth, setting.root)
        except Exception as error:
            found = "".join(traceback.format_exception(error)).rstrip()
        entry = pictures_entry(found, time.perf_counter() - started)
        return Performed(entry, not entry["error"], f"the pictures broke off with an error:\n{entry['error']}")


def compute_pictures(depth: Depth, seed: int) -> Mapping[str, Any]:
    """Their data; the modules that compute it are loaded when it is asked for."""
    from properties.pictures.every import pictures

    return pictures(depth, seed)
