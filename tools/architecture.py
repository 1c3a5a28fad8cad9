"""Draw docs/architecture.svg: the rooms of the code on their floors, and who imports from whom.

``python tools/architecture.py`` writes the picture; a test compares it with the imports. Rooms and floors are those of the
contract in pyproject.toml, which ``lint-imports`` keeps.
"""

from __future__ import annotations

import sys
import tomllib
from pathlib import Path
from xml.sax.saxutils import escape

import grimp

ROOT = Path(__file__).resolve().parent.parent
PICTURE = ROOT / "docs" / "architecture.svg"

ROOM_WIDTH, ROOM_HEIGHT, GAP, FLOOR = 190, 40, 30, 84


def floors() -> list[list[str]]:
    """The rooms by floor, the highest first."""
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    (layers,) = (one["layers"] for one in settings["tool"]["importlinter"]["contracts"] if one["type"] == "layers")
    return [[room.strip() for room in layer.replace(":", "|").split("|")] for layer in layers]


def arrows(rooms: list[str]) -> dict[tuple[str, str], int]:
    """(importing room, imported room) -> how many modules of the one import how many of the other."""
    sys.path.insert(0, str(ROOT))
    graph = grimp.build_graph("theory", "properties", cache_dir=None, exclude_type_checking_imports=True)
    found: dict[tuple[str, str], int] = {}
    for module in graph.modules:
        for other in graph.find_modules_directly_imported_by(module):
            room, imported = _room(module, rooms), _room(other, rooms)
            if room is not None and imported is not None and room != imported:
                found[room, imported] = found.get((room, imported), 0) + 1
    return found


def _room(module: str, rooms: list[str]) -> str | None:
    return next((room for room in rooms if module == room or module.startswith(f"{room}.")), None)


def svg() -> str:
    """The picture."""
    levels = floors()
    width = max(len(level) for level in levels) * (ROOM_WIDTH + GAP) + 2 * GAP
    height = len(levels) * FLOOR + GAP
    places: dict[str, tuple[float, float]] = {}
    for number, level in enumerate(levels):
        left = (width - len(level) * (ROOM_WIDTH + GAP) + GAP) / 2
        for index, room in enumerate(level):
            places[room] = (
                left + index * (ROOM_WIDTH + GAP) + ROOM_WIDTH / 2,
                GAP / 2 + number * FLOOR + ROOM_HEIGHT / 2,
            )
    found = arrows([*places])
    lines = [
        (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img" '
            f'aria-label="Rooms of the code by floor; arrows point at what is imported" font-family="sans-serif" font-size="15">'
        ),
        (
            '<defs><marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto">'
            '<path d="M0 0L8 4L0 8z" fill="#5b6b7b"/></marker></defs>'
        ),
        f'<rect width="{width}" height="{height}" fill="#ffffff"/>',
    ]
    order = {room: number for number, level in enumerate(levels) for room in level}
    common = {room for room in places if 2 * sum(target == room for _, target in found) > len(places)}
    for (source, target), count in sorted(found.items()):
        if target in common:
            continue
        (x1, y1), (x2, y2) = places[source], places[target]
        if order[target] == order[source]:
            side = ROOM_WIDTH / 2 if x2 > x1 else -ROOM_WIDTH / 2
            path = f"M{x1 + side:g} {y1:g}L{x2 - side:g} {y2:g}"
        else:
            bend = (
                0
                if order[target] == order[source] + 1
                else (ROOM_WIDTH * 0.62 if x1 >= width / 2 else -ROOM_WIDTH * 0.62)
            )
            top, bottom = y1 + ROOM_HEIGHT / 2, y2 - ROOM_HEIGHT / 2
            path = f"M{x1 + bend / 2:g} {top:g}C{x1 + bend:g} {top + 30:g} {x2 + bend:g} {bottom - 30:g} {x2 + bend / 2:g} {bottom:g}"
        lines.append(
            f'<path d="{path}" fill="none" stroke="#5b6b7b" stroke-opacity="0.55" marker-end="url(#tip)">'
            f"<title>{source} imports from {target}: {count}</title></path>"
        )
    for room, (x, y) in places.items():
        wide = width - 2 * GAP if room in common else ROOM_WIDTH
        name = room.removeprefix("properties.") + (", which every room above may import" if room in common else "")
        lines += [
            (
                f'<rect x="{x - wide / 2:g}" y="{y - ROOM_HEIGHT / 2:g}" width="{wide:g}" height="{ROOM_HEIGHT}" rx="6" '
                f'fill="#eef3f8" stroke="#33475b"/>'
            ),
            f'<text x="{x:g}" y="{y + 5:g}" text-anchor="middle" fill="#16202a">{escape(name)}</text>',
        ]
    return "\n".join([*lines, "</svg>", ""])


if __name__ == "__main__":
    PICTURE.write_text(svg(), encoding="utf-8")
    sys.stdout.write(f"{PICTURE.relative_to(ROOT)} is drawn\n")
