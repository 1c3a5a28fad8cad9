"""A drawing of matplotlib's as an ``<svg>`` element inside a page: the page's colours and font, and nothing that shows nothing."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from itertools import count, groupby
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

_LENGTHS = ("d", "x", "y", "width", "height", "transform")
_KEPT = ("viewBox",)
"""Attributes of matplotlib's that the element keeps."""

_REFERENCE = re.compile(r"url\(#([^)]+)\)")
_ORDER = {"path": 0, "use": 1, "text": 2}
"""Of what an axis consists of: lines of the grid, ticks, labels. They stand apart, so that any order is the same picture."""


def inlined(svg: str, label: str, prefix: str, colours: Mapping[str, str]) -> str:
    """The ``<svg>`` element of a file; ``label`` says in words what it shows.

    ``prefix`` makes its ids unique on a page with several. ``colours`` says what stands for those that it is drawn in. Places are
    rounded to a tenth of a point, which is finer than a screen shows it; styles that neighbours have in common are written once.
    """
    root = ElementTree.fromstring(svg[svg.index("<svg") :])
    _without_namespaces(root)
    names = _short_names(root, prefix)
    for element in list(root.iter()):
        element.attrib = dict(_attributes(element, names, colours))
    _tidy(root)
    root.attrib = {
        "role": "img",
        "aria-label": label,
        "fill": "currentColor",
        **{name: root.attrib[name] for name in _KEPT},
    }
    return ElementTree.tostring(root, encoding="unicode").replace(" />", "/>")


def _without_namespaces(root: Element) -> None:
    for element in root.iter():
        element.tag = element.tag.rpartition("}")[2]
        element.attrib = {name.rpartition("}")[2]: value for name, value in element.attrib.items()}
        element.tail = None
        if element.tag != "text":
            element.text = None


def _short_names(root: Element, prefix: str) -> Mapping[str, str]:
    """New ids of what is referred to; the others go."""
    numbers = count(1)
    found: dict[str, str] = {}
    for element in root.iter():
        for value in element.attrib.values():
            for name in [*_REFERENCE.findall(value), *re.findall("^#(.+)", value)]:
                if name not in found:
                    found[name] = f"{prefix}-{next(numbers)}"
    return found


def _attributes(element: Element, names: Mapping[str, str], colours: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    axis = element.get("id", "").startswith("matplotlib.axis")
    for name, value in element.attrib.items():
        match name:
            case "id" if value in names:
                yield name, names[value]
            case "id" if axis:
                yield "axis", ""
            case "href":
                yield name, f"#{names[value[1:]]}"
            case "clip-path":
                yield name, _REFERENCE.sub(lambda found: f"url(#{names[found[1]]})", value)
            case "transform" if value.startswith("rotate(-0 "):
                pass
            case "style":
                yield from _style(element, value, colours)
            case _ if name in _LENGTHS:
                yield name, _path(_rounded(value)) if name == "d" else _rounded(value)
            case "id" | "type" | "version":
                pass
            case _:
                yield name, value


def _style(element: Element, style: str, colours: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    for name, colour in colours.items():
        style = style.replace(name, colour)
    parts = [
        part.replace(": ", ":") for part in re.split(r";\s*", style) if part and not part.startswith("font-family")
    ]
    if element.tag == "text":
        parts = [part for part in parts if part != "fill:currentColor"]  # that of the whole drawing
    if parts:
        yield "style", ";".join(parts)


def _rounded(value: str) -> str:
    def shorter(found: re.Match[str]) -> str:
        text = f"{float(found[0]):.1f}".removesuffix(".0")
        return "0" if text == "-0" else text

    return re.sub(r"-?\d+\.\d+", shorter, value)


def _path(commands: str) -> str:
    """The same path in fewer characters: a line follows a line, and a place to begin, without being named."""
    tight = re.sub(r"\s*([A-Za-z])\s*", r"\1", commands.strip())
    return re.sub(
        r"(?<=[ML])([^A-Za-z]+)((?:L[^A-Za-z]+)+)", lambda found: found[1] + found[2].replace("L", " "), tight
    )


def _tidy(element: Element) -> None:
    """Take out what shows nothing, and groups that hold together what needs no group; write a style once for neighbours that share it."""
    flat: list[Element] = []
    for child in element:
        _tidy(child)
        if child.tag in ("metadata", "style", "title") or "opacity:0" in child.get("style", "").split(";"):
            continue
        if child.tag in ("g", "defs") and not len(child):
            continue
        flat += list(child) if child.tag == "g" and not child.attrib else [child]
    if element.attrib.pop("axis", None) is not None:
        flat.sort(key=lambda one: _ORDER.get(one.tag, -1))
    element[:] = _grouped(flat)


def _shared(element: Element) -> tuple[str, str, str]:
    return element.tag, element.get("style", ""), element.get("clip-path", "")


def _grouped(children: list[Element]) -> list[Element]:
    found: list[Element] = []
    for (tag, style, clip), same in groupby(children, key=_shared):
        run = list(same)
        if len(run) == 1 or tag not in _ORDER or not (style or clip):
            found += run
            continue
        group = Element("g", {name: value for name, value in (("style", style), ("clip-path", clip)) if value})
        for one in run:
            one.attrib = {name: value for name, value in one.attrib.items() if name not in ("style", "clip-path")}
        group.extend(run)
        found.append(group)
    return found
