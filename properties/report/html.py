"""index.html: one page without scripts or network, made of the run's document."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path
from typing import Any

from jinja2 import Environment, FunctionLoader, StrictUndefined
from markupsafe import Markup

from properties.report import wording
from properties.report.atomic import write_text_atomically
from properties.report.document import Document
from properties.report.figures import residual_figure
from properties.report.paper_figures import pictures


def page(document: Document) -> str:
    """The page as text."""
    environment = Environment(
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        loader=FunctionLoader(_template),
    )
    environment.filters |= {
        "ratio": wording.ratio_text,
        "seconds": wording.seconds_text,
        "description": wording.description_text,
        "families": wording.family_texts,
        "bounds": wording.bound_texts,
        "mark": wording.mark_text,
        "implication": wording.implication_text,
        "model": wording.model_text,
        "number": wording.number_text,
        "cell": _cell,
        "value": _value,
    }
    content = _content(document)
    text: str = environment.get_template("index.html").render(**content, sections=_sections(content))
    return text


def write_page(document: Document, directory: Path) -> Path:
    """Write index.html, whole or not at all. Raises OSError."""
    path = directory / "index.html"
    write_text_atomically(path, page(document))
    return path


def _template(name: str) -> str:
    return files("properties.report").joinpath(name).read_text(encoding="utf-8")


def _content(document: Document) -> dict[str, Any]:
    drawn = {} if document.pictures is None else document.pictures["data"]
    return {
        "sentence": wording.verdict_sentence(document),
        "verdict": document.verdict.value,
        "legend": wording.MARKS_LEGEND,
        "claims": document.merged_claims(),
        "slack": [row for row in document.slack if not wording.without_counterexample(row)],
        "unrefuted": [row for row in document.slack if wording.without_counterexample(row)],
        "pictures": [
            {"title": one.title, "text": one.text, "table": one.table, "drawings": [Markup(d) for d in one.drawings]}
            for one in pictures(drawn)  # escaped where they are made
        ],
        "pictures_error": None if document.pictures is None else document.pictures["error"],
        "obligations": list(document.obligations.values()),
        "obligations_sentence": wording.obligations_text(document),
        "proofs": document.proofs(),
        "mutants": list(document.mutants.values()),
        "refuted": document.mutants_refuted,
        "dataset": document.dataset,
        "figures": _figures(document),
        "not_executable": _by_reason(document.not_executable),
        "environment": document.environment,
    }


def _sections(content: Mapping[str, Any]) -> list[tuple[str, str]]:
    """(id, name) of the sections that the page has."""
    wanted = (
        ("claims", "Claims", bool(content["claims"])),
        ("slack", "Slack", bool(content["slack"] or content["unrefuted"])),
        ("pictures", "Pictures", bool(content["pictures"] or content["pictures_error"])),
        ("dataset", "Data set", content["dataset"] is not None),
        ("statements", "Statements", bool(content["claims"])),
        ("proofs", "Proofs", bool(content["proofs"])),
        ("obligations", "Obligations", bool(content["obligations"])),
        ("others", "Not claims", bool(content["not_executable"])),
        ("mutants", "Mutants", bool(content["mutants"])),
        ("environment", "Environment", True),
    )
    return [(id, name) for id, name, present in wanted if present]


def _by_reason(not_executable: Mapping[str, str]) -> list[tuple[str, list[str]]]:
    """Reasons with the ids that they are given for, in the order of the first id."""
    found: dict[str, list[str]] = {}
    for id, reason in not_executable.items():
        found.setdefault(reason, []).append(id)
    return list(found.items())


def _figures(document: Document) -> list[Markup]:
    curves = {} if document.dataset is None else document.dataset["curves"]
    return [
        Markup(residual_figure(rung, by_optimiser, f"figure-{index}"))  # escaped where it is made
        for index, (rung, by_optimiser) in enumerate(curves.items())
        if by_optimiser
    ]


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
