"""What stands alone in a data set's report, what nothing was checked on, what an interrupt leaves, what the seed decides."""

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
from properties.dataset.report.dataset_answer import answer, certifies, grounds
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
    (said,) = closing_lines(found)
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


def rung_entry(rows: int, width: int, path: float | None, steps: dict[str, float], **others: Any) -> dict[str, Any]:
    limits = {"ball": others.pop("ball", {}), "path": steps}
    certified = {theorem: 20 for theorem, eta in steps.items() if eta}
    ngd = {"path_constant": path, "path_steps": 20, "step_limits": limits, "certified_steps": certified}
    return {"rows": rows, "width": width, "ngd": {**ngd, **others.pop("ngd", {})}, **others}


@pytest.mark.parametrize(
    ("unscaled", "said"),
    [(None, False), ("the inputs look unscaled", False), ("unscaled: 1 n; --standardise makes it 0.2 n", True)],
)
def test_standardise_is_named_where_it_would_help(unscaled: str | None, said: bool) -> None:
    whole = rung_entry(5, 64, 0.3, {"T1": 0.1, "T1-q": 0.0, "T1-sharp": 0.0})
    found = grounds({"n": 5, "rungs": [whole], "inputs": {"unscaled": unscaled}})
    assert found.endswith(" Your rows are nearly parallel: try --standardise.") == said


@pytest.mark.parametrize(
    ("limit", "said"),
    [
        (None, "."),  # a network that is looked at for its tube alone
        (0.0, ", while the paper's T1 allows none."),
        (0.25, ", and the paper's T1 allows steps of 0.25 (certified along its own path of 20 steps)."),
    ],
)
def test_beside_a_tube_t1_is_told_of_where_it_was_asked(limit: float | None, said: str) -> None:
    rung = rung_entry(5, 64, 0.3, {"T1": limit or 0.0, "T1-q": 0.0, "T1-sharp": 0.0})
    rung |= {"scale": 1.0, "tube": {"ngd": {"contraction": 0.25, "progress": 0.75}}}
    if limit is None:
        del rung["ngd"]
    assert grounds({"n": 5, "rungs": [rung]}).endswith(f"||r(k)|| <= (1 - 0.75 eta)^k ||r(0)||{said}")


def test_the_grounds_in_words() -> None:
    wide = rung_entry(10, 100_000, 0.3, {"T1": 0.08615, "T1-q": 0.5, "T1-sharp": 0.5785})
    narrow = rung_entry(10, 10_000, 0.7, {"T1": 0.0, "T1-q": 0.2, "T1-sharp": 0.3})
    whole = rung_entry(361, 1024, 70.361, {"T1": 0.0, "T1-q": 0.0, "T1-sharp": 0.0})
    assert grounds({"n": 361, "rungs": [whole, narrow, wide]}) == (
        "On your first 10 rows at m = 100,000, T1-sharp allows steps of 0.578 (certified along its own path of 20 steps), and "
        "the paper's T1 allows steps of 0.0861 (certified along its own path of 20 steps). On all 361 rows no step of NGD is certified, "
        "because at m = 1,024 C along NGD's path is certified to be at most 70.4, and theorems with Condition 2 need C < 1, the paper's T1 C < 1/2."
    )
    assert "while the paper's T1 allows none" in grounds({"n": 10, "rungs": [narrow]})
    ball = rung_entry(2, 8, 0.1, {"T1": 0.0, "T1-sharp": 0.6}, ball={"T1": 0.1, "T1-sharp": 0.7})
    assert "On all 2 rows at m = 8, T1-sharp allows steps up to 0.7 (certified over the ball)" in grounds(
        {"n": 2, "rungs": [ball]}
    ).replace("0.699", "0.7")


def test_the_grounds_say_what_would_allow_more() -> None:
    """nu is named where the residual at the start does not grow with it."""
    tube = {"ngd": {"shortfall": "no eigenvalue is left in the tube", "estimated_scale": 10.0}}
    for path in (5.0, 0.9):
        said = {
            symmetric: grounds(
                {"n": 3, "rungs": [rung_entry(3, 8, path, {}, scale=2.0, symmetric=symmetric, tube=tube)]}
            )
            for symmetric in (False, True)
        }
        assert said[False].endswith(", while T1-tube is estimated to allow every step up to 1 from m = 8e+02 on.")
        assert said[True].endswith(
            ", while T1-tube is estimated to allow every step up to 1 from m = 8e+02 on, or from nu = 20 on."
        )


def test_the_grounds_say_which_rows_were_taken() -> None:
    taken = "2 rows of the data set, shuffled"
    for known, said in (
        ([taken, taken], "2 of your rows, shuffled,"),
        ([taken, None], "2 of your rows, shuffled,"),
        ([None], "your first 2 rows"),
    ):
        rungs = [rung_entry(2, 8, 5.0, {}, **({} if one is None else {"rows_taken": one})) for one in known]
        assert grounds({"n": 5, "rungs": rungs}).startswith(f"On {said} no step of NGD is certified")


def test_the_grounds_count_the_steps_of_each_theorem_s_own_path() -> None:
    """Which may break off where the run's path, or another theorem's, goes on."""
    own = {"certified_steps": {"T1": 12, "T1-sharp": 1}, "path_steps": 20}
    said = grounds({"n": 2, "rungs": [rung_entry(2, 8, 0.3, {"T1": 0.1, "T1-sharp": 0.6}, ngd=own)]})
    assert re.findall(r"along its own path of (\d+ steps?)", said) == ["1 step", "12 steps"]


def test_the_grounds_where_nothing_is_certified() -> None:
    broken = rung_entry(3, 8, 5.0, {}, ngd={"path_end": "G(3) is singular", "path_steps": 3})
    assert "C along NGD's path is certified to be at most 5 in the 3 steps before it breaks off" in grounds(
        {"n": 3, "rungs": [broken]}
    )
    singular = rung_entry(1, 8, None, {}, condition_1="Condition 1 fails: G(0) is singular")
    assert grounds({"n": 5, "rungs": [singular]}) == (
        "On your first row no step of NGD is certified, because at m = 8 Condition 1 fails: G(0) is singular."
    )
    small = rung_entry(1, 8, 0.5, {"T1-sharp": 0.0})
    assert "no step size was found whose own path allows it" in grounds({"n": 1, "rungs": [small]})
    idle = {"rows": 4, "width": 64, "unchecked": "nothing to learn"}
    assert "because at m = 64 there is nothing to learn" in grounds({"n": 9, "rungs": [idle]})
    assert (answer({}), grounds({})) == ("No network has been certified.", "")


CLOSED = {"ngd": {"contraction": 0.25, "progress": 0.75}}
OPEN = {"ngd": {"shortfall": "no eigenvalue is left in the tube", "estimated_scale": 3.61e7}}
NONE = {"T1": 0.0, "T1-q": 0.0, "T1-sharp": 0.0}
SOME = {"T1": 0.08615, "T1-q": 0.5, "T1-sharp": 0.5785}

WORDS = 42
"""The longest answer, of most rows shuffled and another network for each part."""


@pytest.mark.parametrize(
    ("rungs", "said"),
    [
        (
            [rung_entry(10, 100_000, 0.3, SOME, scale=4.0, tube=CLOSED), rung_entry(442, 1024, 70.0, NONE, tube=OPEN)],
            ("On your first 10 rows at m = 100,000, T1 allows steps of 0.0861 (certified for 20 steps), T1-tube every step up to 1 "
            "(certified); on all 442 rows T1-tube is estimated to allow that from m = 1.4e+18 on."),
        ),
        (
            [rung_entry(10, 100_000, 0.3, SOME), rung_entry(442, 1024, 70.0, NONE)],
            ("On your first 10 rows at m = 100,000, T1 allows steps of 0.0861 (certified for 20 steps), T1-sharp steps of 0.578 "
            "(certified for 20 steps)."),
        ),
        (
            [rung_entry(10, 8, 0.3, SOME), rung_entry(442, 1024, 0.7, NONE, scale=1.0, tube=CLOSED)],
            ("On your first 10 rows at m = 8, T1 allows steps of 0.0861 (certified for 20 steps); on all 442 rows at m = 1,024, T1-tube "
            "allows every step up to 1 (certified)."),
        ),
        (
            [rung_entry(10, 8, 0.7, NONE, scale=1.0, tube=CLOSED), rung_entry(442, 1024, 70.0, NONE, tube=OPEN)],
            ("T1 allows no step on any network tried; on your first 10 rows at m = 8, T1-tube allows every step up to 1 (certified); on all 442 "
            "rows T1-tube is estimated to allow that from m = 1.4e+18 on."),
        ),
        (
            [rung_entry(442, 1024, 70.0, NONE, tube=OPEN, symmetric=True)],
            ("T1 allows no step on any network tried, nor does another theorem on NGD; on all 442 rows T1-tube is estimated to allow every "
            "step up to 1 from m = 1.4e+18 on, or from nu = 3.7e+07 on."),
        ),
        (
            [rung_entry(442, 8, 0.1, {"T1": 0.05}, ball={"T1": 0.1})],
            "On all 442 rows at m = 8, T1 allows steps up to 0.1 (certified).",
        ),
        ([{"rows": 9, "width": 64, "tube": OPEN}], "No tube closes on any network tried; on your first 9 rows T1-tube is estimated to allow every step up to 1 from m = 8.4e+16 on."),
        ([{"rows": 442, "width": 64, "scale": 1.0, "tube": CLOSED}], "On all 442 rows at m = 64, T1-tube allows every step up to 1 (certified)."),
    ],
)  # fmt: skip
def test_the_answer_is_one_sentence(rungs: list[dict[str, Any]], said: str) -> None:
    """The step that T1 allows, what allows more, what would on all rows; the rest comes after it."""
    found = answer({"n": 442, "rungs": rungs}).replace("0.0999", "0.1")
    assert found == said
    assert len(found.split()) <= WORDS


def test_the_answer_takes_the_most_rows_and_the_width_where_most_is_allowed() -> None:
    narrow, wide = (rung_entry(10, m, 0.3, {**SOME, "T1": eta}) for m, eta in ((8, 0.01), (16, 0.02)))
    more = rung_entry(100, 32, 0.3, {**NONE, "T1": 0.005})
    said = answer({"n": 442, "rungs": [wide, narrow, more]})
    assert said == "On your first 100 rows at m = 32, T1 allows steps of 0.005 (certified for 20 steps)."
    said = answer({"n": 442, "rungs": [wide, narrow]})
    assert said.startswith("On your first 10 rows at m = 16, T1 allows steps of 0.02 ")


@pytest.mark.parametrize(
    ("rung", "certified"),
    [
        (rung_entry(10, 8, 0.3, SOME), True),
        (rung_entry(10, 8, 0.3, NONE), False),
        (rung_entry(10, 8, 0.3, NONE, ball={"T1-q": 0.1}), True),
        (rung_entry(10, 8, 0.3, NONE, scale=1.0, tube=CLOSED), True),
        (rung_entry(10, 8, 0.3, NONE, tube=OPEN), False),
    ],
)
def test_what_certifies_a_step(rung: dict[str, Any], certified: bool) -> None:
    assert certifies({"n": 10, "rungs": [rung]}) == certified


def test_no_success_stands_above_no_certified_step() -> None:
    """Where T1-step holds, which asks for no condition, and no theorem allows a step."""
    found = document_of(classes(), ALL)
    entry = found.parts["dataset"]
    assert entry["counts"]["holds"] > 0
    assert not certifies(entry["certificate"])
    assert (entry["verdict"], found.verdict.value, found.headline) == ("uncertified", "uncertified", "Nothing refuted")
    assert entry["against"] == ""
    (said,) = closing_lines(found)
    assert said.endswith(", but no step of NGD is certified.")
    made = pages(found, presented())
    for text in made.texts.values():
        assert not re.search(r'class="(?:badge )?holds">(?!holds</span></td>)', text)
    assert '<strong class="uncertified">Nothing refuted.</strong>' in made.texts["index.html"]
