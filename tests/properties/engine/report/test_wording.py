"""Numbers and bounds in few characters."""

from typing import Any

import pytest

from properties.engine.report import wording


def test_bounds_in_short() -> None:
    bounds: list[dict[str, Any]] = [
        {"label": "a", "verdict": "holds", "ratio": 0.25},
        {"label": "b", "verdict": "refuted", "ratio": "inf"},
        {"label": "c", "verdict": "holds", "ratio": 0.5},
    ]
    assert wording.bound_texts(bounds) == ["b: refuted, ratio inf", "2 bounds hold, the tightest: c, ratio 0.5"]
    assert wording.bound_texts(bounds[:1]) == ["1 bound holds: a, ratio 0.25"]
    assert wording.bound_texts([]) == []


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "-"),
        (0.5, "0.5"),
        (1 / 3, "0.3333"),
        (1.0, "1"),
        (1 - 1e-6, "1 - 1.0e-06"),
        (0.9997, "0.9997"),
        ("inf", "inf"),
    ],
)
def test_numbers_in_four_digits(value: Any, text: str) -> None:
    assert wording.number_text(value) == text


@pytest.mark.parametrize(
    ("ratio", "text"),
    [
        (1.0, "1"),
        (1 - 1e-9, "1 - 1.0e-09"),
        (1 + 2e-6, "1 + 2.0e-06"),
        (0.5, "0.5"),
        (1.04, "1.04"),
        ("inf", "inf"),
        (0.0, "0"),
        (0.99987654321, "0.999877"),
    ],
)
def test_ratios_in_few_characters(ratio: float | str, text: str) -> None:
    assert wording.ratio_text(ratio) == text


def test_what_the_links_of_a_proof_rest_on() -> None:
    proved: dict[str, Any] = {"basis": "proved", "known": ["proved", "proved"]}
    checked: dict[str, Any] = {"basis": "checked", "known": ["enclosed"]}
    assert wording.bases_text([proved, checked, proved]) == "2 proved, 1 checked"


@pytest.mark.parametrize("known", ["undecided", "refuted", "not in this run"])
def test_a_link_counts_as_proved_only_where_its_obligations_are(known: str) -> None:
    links = [{"basis": "proved", "known": ["proved", known]}, {"basis": "proved", "known": ["proved"]}]
    assert wording.bases_text(links) == f"1 {known}, 1 proved"
    assert wording.bases_text([{"basis": "checked", "known": [known]}]) == f"1 {known}"


def test_a_comparison_of_nothing_is_no_success() -> None:
    nothing = {"file": "base.json", "compared": 0, "losses": [], "update": False}
    (skipped,) = wording.baseline_lines({**nothing, "skipped": 3})
    assert skipped.startswith(
        "baseline base.json: nothing was compared, because this run asked for none of its 3 claims"
    )
    (empty,) = wording.baseline_lines({**nothing, "skipped": 0})
    assert empty == "baseline base.json: nothing was compared, because it holds no claims, mutants or obligations"
    first, _ = wording.baseline_lines({**nothing, "skipped": 0, "update": True})
    assert first == "baseline base.json: nothing was compared, because it held nothing before"
