"""Drawings inside a page: what shows nothing is gone, what is seen stays where it was."""

import re
from typing import Any
from xml.etree import ElementTree

import pytest

from properties.engine.report.figures import drawing
from properties.engine.report.inline_svg import inlined

FILE = """<?xml version="1.0"?>
<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" version="1.1" viewBox="0 0 9 9" width="9pt">
 <metadata>who made it</metadata>
 <defs><style type="text/css">*{stroke-linejoin: round}</style></defs>
 <g id="figure_1">
  <path d="M 0 9
L 9 9
z" style="fill: none; opacity: 0"/>
  <g id="matplotlib.axis_1">
   <g><path d="M 1.26 2 L 1.26 7.04 " style="stroke: #010203"/><defs><path id="tick" d="M 0 0 L 0 3.5 C 1 1 2 2 3 3"/></defs>
    <use xlink:href="#tick" x="1.26" y="2" style="stroke: #010203"/><text style="font-size: 9px; font-family: 'A', serif; fill: #010203" x="1" y="2" transform="rotate(-0 1 2)">1 &lt; 2</text></g>
   <g><path d="M 3.333 2 L 3.333 7" style="stroke: #010203"/><use xlink:href="#tick" x="3.333" y="2" style="stroke: #010203"/></g>
  </g>
  <g clip-path="url(#clip)"><path id="nobody" d="M 0 0 L 1 1 L 2 0.96 M 3 3 L 4 4" style="stroke: #aa0000; opacity: 0.5"/></g>
 </g>
 <defs><clipPath id="clip"><rect x="0" y="0" width="8.999" height="9"/></clipPath></defs>
</svg>"""

EXPECTED = (
    '<svg role="img" aria-label="a &lt; b" fill="currentColor" viewBox="0 0 9 9">'
    '<defs><path id="p-1" d="M0 0 0 3.5C1 1 2 2 3 3"/></defs>'
    '<g style="stroke:currentColor"><path d="M1.3 2 1.3 7"/><path d="M3.3 2 3.3 7"/></g>'
    '<g style="stroke:currentColor"><use href="#p-1" x="1.3" y="2"/><use href="#p-1" x="3.3" y="2"/></g>'
    '<text style="font-size:9px" x="1" y="2">1 &lt; 2</text>'
    '<g clip-path="url(#p-2)"><path d="M0 0 1 1 2 1M3 3 4 4" style="stroke:red;opacity:0.5"/></g>'
    '<defs><clipPath id="p-2"><rect x="0" y="0" width="9" height="9"/></clipPath></defs></svg>'
)


def test_an_element_has_what_is_seen_and_nothing_else() -> None:
    assert inlined(FILE, "a < b", "p", {"#010203": "currentColor", "#aa0000": "red"}) == EXPECTED


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ('<path d="M 0 0 C 1 1 2 2 3 3 L 4 4"/>', '<path d="M0 0C1 1 2 2 3 3L4 4"/>'),  # no second curve
        ('<text x="-0.04" y="-1.25">a</text>', '<text x="0" y="-1.2">a</text>'),
        ('<text transform="rotate(-0.5 1 2)">a</text>', '<text transform="rotate(-0.5 1 2)">a</text>'),
        ("<g><title>what a pointer is told</title></g>", ""),
        (
            '<path style="stroke: red" clip-path="url(#a)" d="M 1 1"/><path style="stroke: red" d="M 2 2"/>',
            '<path style="stroke:red" clip-path="url(#p-1)" d="M1 1"/><path style="stroke:red" d="M2 2"/>',
        ),
        (
            '<path style="stroke: red" clip-path="url(#a)" d="M 1 1"/><path style="stroke: red" clip-path="url(#a)" d="M 2 2"/>',
            '<g style="stroke:red" clip-path="url(#p-1)"><path d="M1 1"/><path d="M2 2"/></g>',
        ),
    ],
    ids=["line after curve", "minus nothing", "little rotation", "title", "other clip", "same clip"],
)
def test_what_is_shortened_means_the_same(given: str, expected: str) -> None:
    found = inlined(f'<svg viewBox="0 0 9 9">{given}</svg>', "a", "p", {})
    assert found.partition(">")[2].removesuffix("</svg>") == expected or (not expected and found.endswith("/>"))


@pytest.mark.parametrize("marker", ["o", "s", "X"])
def test_every_point_of_a_curve_keeps_its_place(marker: str) -> None:
    """Axes of which the drawing has the place of every point: within the tenth of a point to which places are rounded."""
    kept: list[Any] = []

    def draw(axes: Any) -> None:
        axes.plot([0, 1, 2, 3], [0, 5, 1, 4], marker=marker, color="#2f6fae")
        kept.append(axes)

    root = ElementTree.fromstring(drawing("points", "p", draw))
    uses = [one for one in root.iter("use") if one.get("href") == [one.get("href") for one in root.iter("use")][-1]]
    found = [(float(one.get("x", "")), float(one.get("y", ""))) for one in uses]
    (line,) = (one for one in root.iter("path") if "fill:none;stroke:var(--curve-1)" in one.get("style", ""))
    assert [float(number) for number in re.findall(r"[-\d.]+", line.get("d", ""))] == [
        x for pair in found for x in pair
    ]
    height = float((root.get("viewBox") or "").split()[3])
    for (x, y), point in zip(found, [(0, 0), (1, 5), (2, 1), (3, 4)], strict=True):
        exact_x, exact_y = kept[0].transData.transform(point)
        assert (x, y) == pytest.approx((exact_x, height - exact_y), abs=0.051)
