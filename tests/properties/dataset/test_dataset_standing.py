"""What stands alone in a data set's report, what nothing was checked on, what an interrupt leaves, what the seed decides."""

import html
import pickle
import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from threadpoolctl import threadpool_limits

from properties.dataset.certificate import certified_share, certify_dataset
from properties.dataset.contribution import Contribution
from properties.dataset.ladder import Rung
from properties.dataset.report.dataset_answer import certifies
from properties.dataset.report.dataset_entry import dataset_entry
from properties.dataset.rung import RungContext
from properties.dataset.shares import joined_entry, shares_of
from properties.dataset.topics import real_data
from properties.dataset.transformations import shuffled
from properties.engine.claim import Depth, Evaluation, InstanceVerdict
from properties.engine.part import Finished, Setting
from properties.engine.report.document import Document
from properties.engine.report.html import pages
from properties.engine.report.terminal import closing_lines
from properties.engine.report.typeset import typeset
from properties.engine.seeds import FIXED_ROOT_SEED, dataset_seed
from properties.reading.datasets import NORMALISED, Dataset
from properties.suite import presented
from tests.properties.dataset.small_data_sets import complaints, data_set, inputs, report
from theory.inputs import normalise_rows

QUICK = Setting(Depth.QUICK, FIXED_ROOT_SEED, every_claim=False, reported=False)
FEW, ALL = Rung(4, 64, 4.0, True, 8), Rung(12, 64, 1.0, False, 8)


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    with threadpool_limits(1, user_api="blas"):
        yield


def classes(rows: int = 12, dim: int = 3) -> Dataset:
    """Rows sorted by class, as files of classes are."""
    raw = np.random.default_rng(0).standard_normal((rows, dim))
    return Dataset("classes", normalise_rows(raw), np.repeat([0.0, 1.0, 2.0], rows // 3), raw, f"drawn; {NORMALISED}")


def document_of(dataset: Dataset, *rungs: Rung, **arguments: Any) -> Document:
    found = Document({}, expected=1)
    found.add(dataset_entry(dataset, certify_dataset(dataset, Depth.QUICK, rungs=rungs, **arguments), 0.5))
    return found


def test_rows_sorted_by_class_cost_their_own_networks_alone() -> None:
    found = document_of(classes(), ALL, FEW)
    assert found.parts["dataset"]["verdict"] == "uncertified"
    first, few = found.parts["dataset"]["certificate"]["rungs"]
    assert first["ngd"]["path_constant"] > 0
    advice = "the first 4 rows all have target 0: shuffle the rows, or --shuffle SEED"
    assert advice in few["unchecked"]
    lines = "\n".join(found.parts["dataset"]["told"])
    assert advice in lines
    assert "n = 12, m = 64 (all rows)" in lines
    assert "n = 4, m = 64 (the first 4 of 12 rows)" in lines
    assert len(found.parts["dataset"]["spectra"]["n = 4"]["G(0), m = 64"]) == 4
    made = pages(found, presented())
    assert made.problems == ()
    assert advice in made.text
    assert not certify_dataset(shuffled(classes(), 1), Depth.QUICK, rungs=[FEW]).rungs[0].unchecked


def test_a_class_of_its_own_that_is_not_zero_is_remarked_on() -> None:
    data = replace(classes(), y=classes().y + 1)
    (rung,) = certify_dataset(data, Depth.QUICK, rungs=[FEW]).rungs
    assert rung.problems == ("the first 4 rows all have target 1: shuffle the rows, or --shuffle SEED",)
    assert rung.iterations


def test_nothing_checked_is_no_success() -> None:
    found = document_of(replace(classes(), y=np.zeros(12)), FEW)
    assert (found.parts["dataset"]["verdict"], found.verdict.value) == ("unchecked", "unchecked")
    assert set(found.parts["dataset"]["counts"].values()) == {0}
    reason = "all targets are 0: give targets that differ"
    assert reason in found.parts["dataset"]["unchecked"]
    *_, said = closing_lines(found)
    assert said.startswith(
        "Nothing could be checked on the data set classes, because at n = 4, m = 64 nothing to learn"
    )
    assert reason in said
    assert found.to_json()["verdict"] == "unchecked"
    text = pages(found, presented()).text
    assert '<strong class="unchecked">Nothing checked.</strong>' in text
    assert 'class="holds"' not in text


def test_a_run_that_did_nothing_is_unchecked() -> None:
    assert Document({}).verdict.value == "unchecked"


def test_vacuous_checks_are_no_checks() -> None:
    data = classes()
    data = replace(data, X=data.X[[0] * 12], raw_X=data.raw_X[[0] * 12])
    found = document_of(data, ALL)
    assert found.parts["dataset"]["counts"]["vacuous"] > 0
    assert found.parts["dataset"]["verdict"] == "unchecked"
    assert "Condition 1 fails: G(0) is singular: inputs 0 and 1 are equal" in found.parts["dataset"]["unchecked"]


def test_an_unexpected_error_in_a_topic_costs_nothing_else_and_fails() -> None:
    def mistaken(_: RungContext) -> Contribution:
        raise IndexError("list index out of range")

    def mistaken_inputs(_: Dataset) -> Contribution:
        raise KeyError("none")

    topics = (mistaken, real_data.natural_gradient)
    found = document_of(classes(), ALL, rung_topics=topics, input_topics=(mistaken_inputs,))
    (rung,) = found.parts["dataset"]["certificate"]["rungs"]
    assert rung["ngd"]["path_constant"] > 0
    assert rung["unavailable"]["mistaken"] == "it broke off with an error (IndexError: list index out of range)"
    assert "mistaken inputs: it broke off" in found.parts["dataset"]["certificate"]["problems"][0]
    assert found.parts["dataset"]["verdict"] == "undecided"
    assert "Traceback" in found.parts["dataset"]["error"]
    assert pages(found, presented()).problems == ()


def test_a_network_that_cannot_be_made_costs_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    original = RungContext.__init__

    def fails(self: RungContext, dataset: Dataset, rung: Rung, seed: int) -> None:
        if rung is FEW:
            raise MemoryError("no memory")
        original(self, dataset, rung, seed)

    monkeypatch.setattr(RungContext, "__init__", fails)
    found = certify_dataset(classes(), Depth.QUICK, rungs=[FEW, ALL])
    assert [rung.lambda_min is None for rung in found.rungs] == [True, False]
    assert "the network: it broke off with an error (MemoryError: no memory)" in "\n".join(found.lines())
    assert len(found.unexpected) == 1


def test_a_section_that_breaks_costs_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    found = document_of(classes(), FEW)
    monkeypatch.setattr("properties.engine.report.html.outlook", lambda _: 1 / 0)
    monkeypatch.setattr("properties.dataset.report.dataset_section.rung_rows", lambda _: [None])
    made = pages(found, presented())
    assert made.problems == (
        "what would change the verdict cannot be shown (ZeroDivisionError: division by zero)",
        "Data set cannot be shown (UndefinedError: 'None' has no attribute 'rows')",
    )
    for said in (*made.problems, "<h1>Data set</h1>", "<h1>Environment</h1>", "This page cannot be shown."):
        assert said.replace("'", "&#39;") in made.text


@pytest.mark.parametrize("seed", [1, 2, 17, 30, 52, 70, 89, 111])
def test_small_data_sets_of_every_kind_give_a_report(seed: int) -> None:
    """A sample of tests/deep/test_small_data_sets.py."""
    dataset = data_set(seed)
    if dataset is not None:
        assert complaints(report(dataset, seed)) == []


def test_every_kind_of_small_data_set_is_another_one() -> None:
    drawn = inputs("rank one", np.random.default_rng(1)), inputs("one-hot", np.random.default_rng(1))
    assert not np.array_equal(*drawn)


def test_the_root_seed_decides_on_the_networks() -> None:
    """The fixed root stands for the networks of the documentation, which were drawn from 0."""
    assert dataset_seed(FIXED_ROOT_SEED) == 0
    seeds = {dataset_seed(root) for root in (FIXED_ROOT_SEED, 0, 1, 7)}
    assert len(seeds) == 4
    found = {certify_dataset(classes(), Depth.QUICK, seed, [FEW], (), ()).rungs[0].lambda_min for seed in seeds}
    assert len(found) == 4


def test_the_certificate_grows_share_by_share_in_any_order() -> None:
    data, rungs = classes(), [ALL, FEW]
    shares = {one.name: one for one in shares_of(data, rungs, 0)}
    assert list(shares) == ["inputs"] + [f"n = {n}, m = 64, {one}" for n in (12, 4) for one in ("ngd", "kfac", "gd")]
    document, found = Document({}, expected=len(shares)), {}
    for number, name in enumerate(reversed(shares), 1):
        performed = shares[name].perform(QUICK)
        assert performed.passed
        found[name] = Finished(performed.entry, pickle.loads(pickle.dumps(performed.result)))
        document.add(joined_entry(data, rungs, found) | {"items": number})
        entry = document.parts["dataset"]
        assert len(entry["certificate"]["rungs"]) == min(number // 3, 2)
        assert (entry["complete"], document.complete) == (number >= 6, number == 7)
        if number == 4:
            assert (entry["complete"], entry["verdict"]) == (False, "undecided")
            assert "  interrupted: 1 of 2 networks done" in entry["lines"]
            assert "the data set classes was interrupted" in "".join(closing_lines(document)).lower()
            assert "1 of 2 networks done" in pages(document, presented()).text
    assert document.complete
    whole = dataset_entry(data, certify_dataset(data, Depth.QUICK, rungs=rungs), entry["seconds"])
    assert entry == whole | {"items": 7}


def test_a_share_that_breaks_off_fails_and_is_told_of(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("properties.dataset.shares.certified_inputs", lambda *_: 1 / 0)
    performed = shares_of(classes(), [FEW], 0)[0].perform(QUICK)
    assert not performed.passed
    assert "ZeroDivisionError" in performed.failure
    entry = joined_entry(classes(), [FEW], {"inputs": Finished(performed.entry, performed.result)})
    assert "ZeroDivisionError" in entry["error"]
    assert entry["verdict"] == "undecided"


def broken_off(
    monkeypatch: pytest.MonkeyPatch, optimiser: str, changed: Any = lambda part: part
) -> dict[str, Finished]:
    """The shares of a data set one of whose optimisers breaks off; what the others found is changed."""

    def certified(networks: Any, rung: Any, name: str) -> Any:
        if name == optimiser:
            raise ZeroDivisionError
        return changed(certified_share(networks, rung, name))

    monkeypatch.setattr("properties.dataset.shares.certified_share", certified)
    performed = {one.name: one.perform(QUICK) for one in shares_of(classes(), [FEW], 0)}
    return {name: Finished(one.entry, one.result) for name, one in performed.items()}


def test_shares_that_come_in_any_order_make_one_entry(monkeypatch: pytest.MonkeyPatch) -> None:
    found = broken_off(monkeypatch, "")
    for number, one in enumerate(found.values()):
        one.entry.update(counterexamples=[f"{number}.json"], seconds=(0.1, 0.2, 0.3, 1e16)[number])
    entry = joined_entry(classes(), [FEW], found)
    assert joined_entry(classes(), [FEW], dict(reversed(found.items()))) == entry
    assert entry["counterexamples"] == ["0.json", "1.json", "2.json", "3.json"]


@pytest.mark.parametrize("optimiser", ["ngd", "kfac", "gd"])
def test_what_other_shares_found_is_kept_where_one_breaks_off(optimiser: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuted(part: Any) -> Any:
        one = Contribution("made up", (("T1-rate", Evaluation("F5", {}, (), (), InstanceVerdict.REFUTED, ())),))
        return replace(part, contributions=(*part.contributions, one))

    entry = joined_entry(classes(), [FEW], broken_off(monkeypatch, optimiser))
    assert "ZeroDivisionError" in entry["error"]
    assert entry["verdict"] == "undecided"
    assert len(entry["certificate"]["rungs"]) == 1
    entry = joined_entry(classes(), [FEW], broken_off(monkeypatch, optimiser, refuted))
    assert (entry["verdict"], entry["complete"]) == ("refuted", True)
    assert "a claim is refuted" in entry["clause"]


def test_no_success_stands_above_no_certified_step() -> None:
    """Where T1-step holds, which asks for no condition, and no theorem allows a step."""
    found = document_of(classes(), ALL)
    entry = found.parts["dataset"]
    assert entry["counts"]["holds"] > 0
    assert not certifies(entry["certificate"])
    assert (entry["verdict"], found.verdict.value, found.headline) == ("uncertified", "uncertified", "Nothing refuted")
    assert entry["against"] == ""
    *_, said = closing_lines(found)
    assert said.endswith(", but no step of NGD is certified.")
    made = pages(found, presented())
    for text in made.texts.values():
        assert not re.search(r'class="(?:badge )?holds">(?!holds</span></td>)', text)
    for path in ("index.html", "pages/dataset.html"):
        shown = html.unescape(made.texts[path])
        assert shown.index(typeset(entry["answer"])) < shown.index(typeset(entry["grounds"])), path
    assert '<strong class="uncertified">Nothing refuted.</strong>' in made.texts["index.html"]
