"""index.html: one page without scripts or network, made of the run's document."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path
from typing import Any

from jinja2 import Environment, StrictUndefined
from markupsafe import Markup

from properties.report import wording
from properties.report.atomic import write_text_atomically
from properties.report.document import Document
from properties.report.figures import residual_figure


def page(document: Document) -> str:
    """The page as text."""
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    environment.filters |= {
        "ratio": wording.ratio_text,
        "seconds": wording.seconds_text,
        "description": wording.description_text,
        "families": wording.family_texts,
        "value": _value,
    }
    template = environment.from_string(files("properties.report").joinpath("index.html").read_text(encoding="utf-8"))
    text: str = template.render(
        sentence=wording.verdict_sentence(document),
        verdict=document.verdict.value,
        claims=document.merged_claims(),
        mutants=list(document.mutants.values()),
        refuted=document.mutants_refuted,
        dataset=document.dataset,
        figures=_figures(document),
        environment=document.environment,
    )
    return text


def write_page(document: Document, directory: Path) -> Path:
    """Write index.html, whole or not at all. Raises OSError."""
    path = directory / "index.html"
    write_text_atomically(path, page(document))
    return path


def _figures(document: Document) -> list[Markup]:
    curves = {} if document.dataset is None else document.dataset["curves"]
    return [
        Markup(residual_figure(rung, by_optimiser, f"figure-{index}"))  # escaped where it is made
        for index, (rung, by_optimiser) in enumerate(curves.items())
        if by_optimiser
    ]


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
