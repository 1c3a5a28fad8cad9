"""The entry of the pictures: their data, and what they come to in words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from properties.engine.report.entries import Entry
from properties.engine.report.plain import plain
from properties.pictures.report.picture_texts import summaries

KIND = "pictures"


def pictures_entry(found: Mapping[str, Any] | str, seconds: float) -> Entry:
    """The data of the pictures by name, or the text of the error that broke them."""
    error = found if isinstance(found, str) else None
    data: Mapping[str, Any] = {} if isinstance(found, str) else plain(found)
    return {
        "kind": KIND,
        "name": KIND,
        "title": KIND,
        "data": data,
        "error": error,
        "told": [f"broke off: {error.splitlines()[-1]}"] if error else [*summaries(data).values()],
        "clause": "the pictures broke off with an error" if error else "",
        "against": "they broke off with an error" if error else "",
        "seconds": plain(seconds),
    }
