"""The claims in mathematical notation: every claim has its entry, and every formula is understood."""

import html
import re
from collections.abc import Iterator
from xml.etree import ElementTree

import pytest

from properties.catalogue import registry
from properties.engine.report.mathematics import formula, sentence
from properties.formulas import mathematics, notation, source

WORDS = {"arcsin", "arccos", "exp", "ln"}


def sentences() -> Iterator[tuple[str, str]]:
    for id, entry in mathematics().items():
        for text in (*entry.hypotheses, *entry.conclusion, *entry.constants):
            yield id, text
    for text in (*notation().objects, *notation().conditions):
        yield "notation", text


def test_every_claim_has_its_formulas_and_none_is_orphaned() -> None:
    assert set(mathematics()) == set(registry)
    for entry in mathematics().values():
        assert entry.conclusion


def test_the_source_holds_the_notation_alone() -> None:
    assert set(source()) == {"notation"}


def test_every_formula_is_understood() -> None:
    count = 0
    for id, text in sentences():
        assert "\\" not in text, f"{id}: a command that is not known in {text}"
        assert "$" not in text
        root = ElementTree.fromstring(f"<p>{text}</p>")
        for element in root.iter():
            tag = element.tag.rpartition("}")[2]
            assert tag != "merror", id
            count += tag == "math"
            if tag == "mi" and len(element.text or "") > 1:
                assert element.text in WORDS or "mathvariant" in element.attrib, (id, element.text)
    assert count > 150


NUMBERS = re.compile(r"(?<![\w.^])\d+(?:\.\d+)?(?![\w.])")


@pytest.mark.parametrize("id", registry)
def test_formulas_hold_every_constant_of_the_plain_statement(id: str) -> None:
    entry = mathematics()[id]
    shown = " ".join([*entry.hypotheses, *entry.conclusion, *entry.constants])
    found = set(re.findall(r"\d+(?:\.\d+)?", html.unescape(re.sub(r"<[^>]*>", " ", shown))))
    plain = registry[id].statement.replace("m^{1/2}", "sqrt(m)")
    plain = plain.replace("1e-9", "10^-9").replace("1e-09", "10^-9")
    missing = {number for number in NUMBERS.findall(plain) if number not in found}
    assert not missing, f"{id}: {missing} in {plain}"


def test_a_sentence_is_text_and_formulas() -> None:
    assert sentence("a < b") == "a &lt; b"
    found = sentence("so $x$ & $y$")
    assert found.startswith("so <math")
    assert found.count("<math") == 2
    assert "</math> &amp; <math" in found
    with pytest.raises(ValueError, match="a dollar sign is missing"):
        sentence("so $x")


def test_norms_nest() -> None:
    found = formula(r"\norm{A\norm{x}_{2}}^2\abs{y}")
    assert found.count("‖") == 4
    assert found.count(">|<") == 2
