"""What a data set's certificate answers in a sentence, and on which grounds."""

import re
from typing import Any

import pytest

from properties.dataset.report.dataset_answer import answer, certifies, grounds


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

WORDS = 44
"""The longest answer, with other rows for each part; a sign of equality counts for one."""


@pytest.mark.parametrize(
    ("rungs", "said"),
    [
        (
            [rung_entry(10, 100_000, 0.3, SOME, scale=4.0, tube=CLOSED), rung_entry(442, 1024, 70.0, NONE, tube=OPEN)],
            ("On your first 10 rows at m = 100,000, T1 allows steps of 0.0861 (certified for 20 steps), T1-tube every step up to 1 "
            "(certified); on all 442 rows it is estimated to from m = 1.4e+18 on."),
        ),
        (
            [rung_entry(10, 100_000, 0.3, SOME), rung_entry(442, 1024, 70.0, NONE)],
            ("On your first 10 rows at m = 100,000, T1 allows steps of 0.0861 (certified for 20 steps), T1-sharp steps of 0.578 "
            "(certified for 20 steps)."),
        ),
        (
            [
                rung_entry(10, 400_000, 0.3, SOME),
                rung_entry(100, 100_000, 0.7, NONE, scale=1.0, tube=CLOSED),
                rung_entry(442, 1024, 70.0, NONE, tube=OPEN),
            ],
            (
                "On your first 10 rows at m = 400,000, T1 allows steps of 0.0861 (certified for 20 steps); on your first 100 rows T1-tube "
                "allows every step up to 1 (certified); on all 442 rows it is estimated to from m = 1.4e+18 on."
            ),
        ),
        (
            [rung_entry(10, 8, 0.3, SOME), rung_entry(442, 1024, 0.7, NONE, scale=1.0, tube=CLOSED)],
            ("On your first 10 rows at m = 8, T1 allows steps of 0.0861 (certified for 20 steps); on all 442 rows T1-tube "
            "allows every step up to 1 (certified)."),
        ),
        (
            [rung_entry(10, 8, 0.7, NONE, scale=1.0, tube=CLOSED), rung_entry(442, 1024, 70.0, NONE, tube=OPEN)],
            ("T1 allows no step on any network tried; on your first 10 rows at m = 8, T1-tube allows every step up to 1 (certified); on all 442 "
            "rows it is estimated to from m = 1.4e+18 on."),
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
