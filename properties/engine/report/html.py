"""The pages of a report, which need no network: index.html and those below it, made of the run's document, with the numbers of their figures."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from jinja2 import Environment
from markupsafe import Markup

from properties.engine.part import Content, Section
from properties.engine.paths import encodable
from properties.engine.ratios import BINS
from properties.engine.replay.archive import MUTANTS
from properties.engine.report import wording
from properties.engine.report.atomic import write_text_atomically
from properties.engine.report.baseline_lines import baseline_lines
from properties.engine.report.claim_view import claim_views, ratio_file
from properties.engine.report.data_files import DataFile
from properties.engine.report.document import INDEX, Document
from properties.engine.report.entries import Entry
from properties.engine.report.groups import failing_first, groups
from properties.engine.report.history import changes, columns, last_comparable, summary, trends
from properties.engine.report.isolated import Isolated
from properties.engine.report.outlook import outlook
from properties.engine.report.places import STYLE, Place, chapter_page, claim_page, page_path
from properties.engine.report.presentation import NOTHING, Presentation
from properties.engine.report.slack_figure import slack_figure
from properties.engine.report.templates import resource, templates

TICKS = ("0.001 to 0.01", "0.1 to 0.2", "0.5 to 0.6", "0.9 to 0.99", "0.999 to 0.9999")
"""Bins under whose left edge the histograms write a number."""

SCRIPTS = (("tables.js", "sortable"), ("print.js", "<details"))
"""Which a page has where it has what they are for: sorting and filtering, unfolding on paper."""

PLAIN = Presentation()
EMPTY = Content({})
"""What a section shows whose content broke off: its template then fails, and the page says so."""


@dataclass(frozen=True)
class Pages:
    """The pages of a report, and the files that they refer to and that belong to them."""

    texts: Mapping[str, str]
    """By path from the report's directory; index.html is among them, and their style sheet."""
    data: tuple[DataFile, ...]
    counterexamples: tuple[str, ...]
    """Paths from the report's directory, written elsewhere."""
    problems: tuple[str, ...] = ()
    """What could not be shown, and why: index.html says so, and the page in its place."""

    @property
    def text(self) -> str:
        """All pages, one after the other."""
        return "\n".join(self.texts.values())

    @property
    def belongings(self) -> frozenset[str]:
        """The paths, from the report's directory, of the pages and of all files that belong to them."""
        return frozenset({*self.texts, *(one.path for one in self.data), *self.counterexamples})

    def write_data(self, directory: Path) -> None:
        """Write the data files, each whole or not at all. Raises OSError.

        The name of a data file holds a digest of its content, so that nothing of an earlier report changes before
        its pages are replaced.
        """
        for one in self.data:
            write_text_atomically(directory / one.path, one.text)


def pages(document: Document, presentation: Presentation = PLAIN) -> Pages:
    """The pages and their data files."""
    isolated = Isolated()
    content = _content(document, presentation, isolated)
    of_parts = {
        section: isolated(
            section.title, partial(section.content, document.parts[section.kind], isolated, content["entries"]), EMPTY
        )
        for section in presentation.sections
        if section.kind in document.parts
    }
    places = list(_places(document, content, of_parts))
    environment = templates({_template(section): section.template for section in of_parts}, document.commands)
    content["places"] = [Place(INDEX, "Overview", INDEX), *(place for place in places if place.listed)]
    content["problems"] = isolated.problems
    texts = {place.path: _page(environment, place, content, isolated) for place in places}
    index = _page(environment, Place(INDEX, "", INDEX), content, isolated)  # the last one: it has the others' problems
    files = isolated.listed("the tables of data", lambda: list(_data_files(content, of_parts.values())))
    return Pages(
        {INDEX: index, STYLE: resource("style.css"), **texts},
        tuple(files),
        tuple(_counterexamples(document)),
        tuple(isolated.problems),
    )


def _page(environment: Environment, place: Place, content: Mapping[str, Any], isolated: Isolated) -> str:
    """The page's text; where what it shows cannot be rendered, it says so, and index.html too."""
    own = {**content, **place.values, "root": place.root, "here": place.path, "chapter": place.chapter}
    own["page_title"] = place.title
    body = isolated(
        place.title or "the first page",
        lambda: Markup(
            environment.get_template(place.template).render(**own)
        ),  # a file of this package, its values escaped
        Markup("<h1>{}</h1><p>This page cannot be shown.</p>").format(place.title),
    )
    script = "".join(resource(name) for name, wanted in SCRIPTS if wanted in body)
    own |= {"script": Markup(script), "script_hash": _digest(script)}  # files of this package
    return str(environment.get_template("layout.html").render(**own, body=body))


def _named_shortly(comparison: Entry | None) -> Entry | None:
    """A comparison with its baseline by name: where it lay is nothing to the reader of a page."""
    return None if comparison is None else {**comparison, "file": Path(comparison["file"]).name}


def _content(document: Document, presentation: Presentation, isolated: Isolated) -> dict[str, Any]:
    views = isolated.listed("the claims", lambda: claim_views(document, presentation.formulas))
    claims = [view.entry for view in views]
    found = isolated.listed("the chapters", lambda: groups(document))
    chapter_of = {claim["id"]: group for group in found for claim in group.claims}
    entries = {entry["id"]: entry for entry in claims}
    slack = [row for row in document.slack if not wording.without_counterexample(row)]
    return {
        "title": document.title,
        "sentence": wording.verdict_sentence(document),
        "verdict": document.verdict.value,
        "headline": document.headline,
        "claims_digest": hashlib.sha256(encodable(document.text())).hexdigest(),
        "baseline": baseline_lines(_named_shortly(document.baseline)),
        "outlook": isolated.listed("what would change the verdict", lambda: outlook(document)),
        "opening": isolated("the first screen", lambda: presentation.opening(document), NOTHING),
        "legend": wording.MARKS_LEGEND,
        "views": {view.entry["id"]: view for view in views},
        "entries": entries,
        "groups": found,
        "listed": [
            (chapter_of[claim["id"]], claim)
            for claim in failing_first([claim for group in found for claim in group.claims])
        ],
        "claim_ids": frozenset(entries),
        "ratio_file": ratio_file(claims),
        "ticks": _ticks(),
        "notation": presentation.notation,
        "orphans": [mutant for mutant in document.mutants.values() if mutant["claim"] not in entries],
        "orphan_proofs": [proof for proof in document.proofs() if proof["theorem"] not in entries],
        "slack": slack,
        "slack_figure": isolated("the figure of the slack", lambda: slack_figure(slack), None),
        "unrefuted": [row for row in document.slack if wording.without_counterexample(row)],
        "obligations": list(document.obligations.values()),
        "obligation_ids": set(document.obligations),
        "obligations_sentence": wording.obligations_text(document),
        **isolated("the history", lambda: _history(document), {"runs": (), "since": None, "changes": ()}),
        "answers": [
            (page_path(part["kind"]), part["title"], part["answer"], part.get("grounds", ""))
            for part in document.parts.values()
            if part.get("answer")
        ],
        "not_executable": _by_reason(document.not_executable),
        "environment": document.environment,
        "style_path": STYLE,
        "mutants_path": MUTANTS,
    }


def _history(document: Document) -> dict[str, Any]:
    now = summary(document.to_json())
    since = last_comparable(document.history, now)
    return {
        "runs": [now, *reversed(document.history)],
        "since": since,
        "changes": [] if since is None else changes(since, now),
        "trends": trends(document.history, now),
        "columns": columns(document.history, now),
    }


def _template(section: Section) -> str:
    """The name under which its template is loaded."""
    return f"part:{section.kind}"


def _places(document: Document, content: Mapping[str, Any], of_parts: Mapping[Section, Content]) -> Iterator[Place]:
    """The pages below index.html, in the order of the table of contents."""
    for group in content["groups"]:
        path = chapter_page(group.name)
        yield Place(path, group.title, "chapter.html", {"group": group}, path, group.claims)
        for claim in group.claims:
            own = {"group": group, "view": content["views"][claim["id"]]}
            yield Place(claim_page(claim["id"]), claim["id"], "claim.html", own, path, listed=False)
    for section, found in of_parts.items():
        yield Place(page_path(section.kind), section.title, _template(section), found.values)
    wanted = (
        ("slack", "Slack", bool(content["slack"] or content["unrefuted"])),
        ("obligations", "Obligations", bool(content["obligations"])),
        ("unclaimed", "Not in this run", bool(content["orphans"] or content["orphan_proofs"])),
        ("history", "History", bool(document.history)),
        ("notation", "Notation", bool(content["notation"].objects and content["groups"])),
        ("others", "Not claims", bool(content["not_executable"])),
        ("environment", "Environment", True),
    )
    yield from (Place(page_path(name), title, f"{name}.html") for name, title, present in wanted if present)


def _data_files(content: Mapping[str, Any], of_parts: Iterable[Content]) -> Iterable[DataFile]:
    files = [one for part in of_parts for one in part.files]
    files += [one.data for one in (content["opening"].figure, content["slack_figure"]) if one is not None]
    found = {one.path: one for one in files}
    if any(view.bars for view in content["views"].values()):
        found[content["ratio_file"].path] = content["ratio_file"]
    return found.values()


def _counterexamples(document: Document) -> Iterable[str]:
    """Those to claims, each a file, and the archive of those to mutants."""
    yield from (entry["counterexample"] for entry in document.claims.values() if entry["counterexample"])
    if any(entry["counterexample"] for entry in document.mutants.values()):
        yield MUTANTS
    for part in document.parts.values():
        yield from part.get("counterexamples", ())


def _ticks() -> list[tuple[str, int]]:
    """Labels under the histograms, and where they stand: 20 units a bin, a number at its bin's left edge."""
    edges = [(one.partition(" ")[0], 20 * BINS.index(one)) for one in TICKS]
    return [("0", 10), *edges, ("1", 20 * BINS.index("1") + 10)]


def _by_reason(not_executable: Mapping[str, str]) -> list[tuple[str, list[str]]]:
    """Reasons with the ids that they are given for, in the order of the first id."""
    found: dict[str, list[str]] = {}
    for id, reason in not_executable.items():
        found.setdefault(reason, []).append(id)
    return list(found.items())


def _digest(script: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(script.encode("utf-8")).digest()).decode("ascii")
