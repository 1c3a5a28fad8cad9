"""index.html: one page that needs no network, made of the run's document, with the numbers of its figures beside it."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from importlib.resources import files
from pathlib import Path, PurePosixPath
from typing import Any

from jinja2 import Environment, FunctionLoader, StrictUndefined
from markupsafe import Markup

from properties.engine.part import Content, Section
from properties.engine.paths import encodable
from properties.engine.ratios import BINS
from properties.engine.report import wording
from properties.engine.report.atomic import write_text_atomically
from properties.engine.report.claim_view import claim_views, ratio_file
from properties.engine.report.data_files import DataFile
from properties.engine.report.document import INDEX, Document
from properties.engine.report.entries import Entry
from properties.engine.report.isolated import Isolated
from properties.engine.report.outlook import outlook
from properties.engine.report.plain import number
from properties.engine.report.presentation import NOTHING, Presentation
from properties.engine.report.slack_figure import slack_figure

TICKS = ("0.001 to 0.01", "0.1 to 0.2", "0.5 to 0.6", "0.9 to 0.99", "0.999 to 0.9999")
"""Bins under whose left edge the histograms write a number."""


PLAIN = Presentation()
EMPTY = Content({})
"""What a section shows whose content broke off: its template then fails, and the page says so."""


@dataclass(frozen=True)
class Page:
    """The text of index.html, and the files that it refers to and that belong to it."""

    text: str
    data: tuple[DataFile, ...]
    counterexamples: tuple[str, ...]
    """Paths from index.html, written elsewhere."""
    problems: tuple[str, ...] = ()
    """Parts that could not be shown, and why: the page says so in their place."""

    @property
    def belongings(self) -> frozenset[str]:
        """The paths, from index.html, of the files that belong to the page, itself among them."""
        return frozenset({INDEX, *(one.path for one in self.data), *self.counterexamples})

    def write_data(self, directory: Path) -> None:
        """Write the data files, each whole or not at all. Raises OSError.

        The name of a data file holds a digest of its content, so that nothing of an earlier report changes before
        index.html is replaced.
        """
        for one in self.data:
            write_text_atomically(directory / one.path, one.text)


def page(document: Document, presentation: Presentation = PLAIN) -> Page:
    """The page and its data files."""
    sections = presentation.sections
    own = {_template(section): section.template for section in sections}
    environment = Environment(
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        loader=FunctionLoader(lambda name: own.get(name) or _resource(name)),
    )
    environment.filters |= {
        "ratio": wording.ratio_text,
        "seconds": wording.seconds_text,
        "description": wording.description_text,
        "bounds": wording.bound_texts,
        "evidence": wording.evidence_text,
        "mark": wording.mark_text,
        "implication": wording.implication_text,
        "model": wording.model_text,
        "number": wording.number_text,
        "bases": wording.bases_text,
        "replay": document.commands.replay,
        "basename": lambda path: PurePosixPath(path).name,
        "key": _key,
        "cell": _cell,
        "value": _value,
    }
    isolated = Isolated()
    content = _content(document, presentation, isolated)
    of_parts = {
        section: isolated(
            section.title, partial(section.content, document.parts[section.kind], isolated, content["claim_ids"]), EMPTY
        )
        for section in sections
        if section.kind in document.parts
    }
    shown = _sections(content, of_parts)
    content["sections"] = [(id, name) for id, name, _, _ in shown]
    content["bodies"] = [
        isolated(name, partial(_section, environment, template, {**content, **values}), _missing(id, name))
        for id, name, template, values in shown
    ]
    content["problems"] = isolated.problems
    text = environment.get_template(INDEX).render(**content)
    files = isolated.listed("the tables of data", lambda: list(_data_files(content, of_parts.values())))
    return Page(text, tuple(files), tuple(_counterexamples(document)), tuple(isolated.problems))


def _section(environment: Environment, template: str, content: Mapping[str, Any]) -> Markup:
    return Markup(environment.get_template(template).render(**content))  # a file of this package, its values escaped


def _missing(id: str, name: str) -> Markup:
    """What stands in the place of a section that cannot be shown."""
    return Markup(
        '<section aria-labelledby="{id}"><h2 id="{id}">{name}</h2><p>This section cannot be shown.</p></section>'
    ).format(id=id, name=name)


def _resource(name: str) -> str:
    return files(__package__).joinpath(name).read_text(encoding="utf-8")


def _content(document: Document, presentation: Presentation, isolated: Isolated) -> dict[str, Any]:
    views = isolated.listed("the claims", lambda: claim_views(document, presentation.formulas))
    claims = [view.entry for view in views]
    ids = frozenset(entry["id"] for entry in claims)
    slack = [row for row in document.slack if not wording.without_counterexample(row)]
    script = _resource("script.js")
    opening = isolated("the first screen", lambda: presentation.opening(document), NOTHING)
    return {
        "title": document.title,
        "sentence": wording.verdict_sentence(document),
        "verdict": document.verdict.value,
        "headline": document.verdict.headline,
        "claims_digest": hashlib.sha256(encodable(document.text())).hexdigest(),
        "baseline": wording.baseline_lines(document.baseline),
        "outlook": isolated.listed("what would change the verdict", lambda: outlook(document)),
        "legend": wording.MARKS_LEGEND,
        "views": views,
        "claim_ids": ids,
        "ratio_file": ratio_file(claims),
        "ticks": _ticks(),
        "notation": presentation.notation,
        "orphans": [mutant for mutant in document.mutants.values() if mutant["claim"] not in ids],
        "orphan_proofs": [proof for proof in document.proofs() if proof["theorem"] not in ids],
        "slack": slack,
        "slack_figure": isolated("the figure of the slack", lambda: slack_figure(slack), None),
        "unrefuted": [row for row in document.slack if wording.without_counterexample(row)],
        "obligations": list(document.obligations.values()),
        "obligation_ids": set(document.obligations),
        "obligations_sentence": wording.obligations_text(document),
        "opening": opening,
        "entries": {entry["id"]: entry for entry in claims},
        "answers": [part["answer"] for part in document.parts.values() if part.get("answer")],
        "not_executable": _by_reason(document.not_executable),
        "environment": document.environment,
        "script": Markup(script),  # a file of this package
        "script_hash": _digest(script),
    }


def _template(section: Section) -> str:
    """The name under which its template is loaded."""
    return f"part:{section.id}"


def _sections(
    content: Mapping[str, Any], of_parts: Mapping[Section, Content]
) -> list[tuple[str, str, str, Mapping[str, Any]]]:
    """(id, name, template, values of its own) of the sections that the page has."""
    wanted = (
        ("outlook", "What would change the verdict", "outlook.html", bool(content["outlook"])),
        ("claims", "Claims", "claims.html", bool(content["views"])),
        ("slack", "Slack", "slack.html", bool(content["slack"] or content["unrefuted"])),
        ("statements", "Claim by claim", "statements.html", bool(content["views"])),
        ("unclaimed", "Not in this run", "unclaimed.html", bool(content["orphans"] or content["orphan_proofs"])),
        ("obligations", "Obligations", "obligations.html", bool(content["obligations"])),
        ("others", "Not claims", "others.html", bool(content["not_executable"])),
        ("environment", "Environment", "environment.html", True),
    )
    shown: list[tuple[str, str, str, Mapping[str, Any]]] = []
    for id, name, template, present in wanted:
        shown += [
            (section.id, section.title, _template(section), own.values)
            for section, own in of_parts.items()
            if section.before == id
        ]
        shown += [(id, name, template, {})] if present else []
    return shown


def _data_files(content: Mapping[str, Any], of_parts: Iterable[Content]) -> Iterable[DataFile]:
    files = [one for part in of_parts for one in part.files]
    if content["opening"].figure is not None:
        files.append(content["opening"].figure.data)
    if content["slack_figure"] is not None:
        files.append(content["slack_figure"].data)
    found = {one.path: one for one in files}
    if any(view.bars for view in content["views"]):
        found[content["ratio_file"].path] = content["ratio_file"]
    return found.values()


def _counterexamples(document: Document) -> Iterable[str]:
    entries: list[Entry] = [*document.claims.values(), *document.mutants.values()]
    yield from (entry["counterexample"] for entry in entries if entry["counterexample"])
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


def _key(value: Any) -> str:
    """What a table sorts by: a number as the page's script reads it; nothing for no number, which comes last."""
    if value is None:
        return ""
    return {"inf": "Infinity", "-inf": "-Infinity", "nan": ""}.get(repr(number(value)), repr(number(value)))


def _cell(value: Any) -> str:
    """A value of a picture's table in few characters."""
    match value:
        case None:
            return "-"
        case float():
            return f"{value:.4g}"
        case int():
            return f"{value:,}"
    return str(value)


def _value(value: Any) -> str:
    match value:
        case None:
            return "none"
        case bool():
            return "yes" if value else "no"
        case float():
            return f"{value:.6g}"
        case int() if abs(value) >= 10_000:
            return f"{value:,}"
    return str(value)
