"""A data set's certificate: what topics contribute, digits at the widths that are promised, odd data sets."""

import json
import math
import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import cache
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from threadpoolctl import threadpool_limits

from properties.dataset import input_certificate
from properties.dataset.certificate import DatasetCertificate, certify_dataset
from properties.dataset.contribution import Contribution, Prediction
from properties.dataset.ladder import Rung, ladder
from properties.dataset.rung import ObservedRun, RungContext, in_own_span
from properties.dataset.rung_certificate import Iterations, _counts
from properties.dataset.topics import gradient_data, real_data, width_data
from properties.engine.claim import Depth, Evaluation, InstanceVerdict
from properties.reading.datasets import Dataset, load_dataset
from tests.linear_algebra import blas_threads
from theory.direction import CertifiedSteps, UpperBound, digits
from theory.errors import DivergenceError, RankDeficientError
from theory.inputs import normalise_rows, unit_rows
from theory.kernels.limiting import limiting_pattern_gram
from theory.stability.norms import input_norm_squared
from theory.theorems import ngd, width

TINY = (Rung(4, 64, 1.0, False, 8), Rung(3, 128, 4.0, True, 8))


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """As ``certify_dataset`` has it, for the tests that call a topic."""
    with threadpool_limits(1, user_api="blas"):
        yield


def made(rows: int = 6, dim: int = 3, seed: int = 0, **changes: Any) -> Dataset:
    rng = np.random.default_rng(seed)
    raw = changes.get("X", rng.standard_normal((rows, dim)))
    return Dataset("made", normalise_rows(raw), changes.get("y", rng.standard_normal(len(raw))), raw, "drawn")


def evaluations(contribution: Contribution) -> dict[str, Evaluation]:
    """Each claim's last one: that at a step size of its own, where there is one."""
    return dict(contribution.results)


@cache
def rung_of_digits(rows: int, width: int) -> RungContext:
    """Made once; it computes what it is asked for at first use, and nothing of it is changed."""
    data = load_dataset("digits-4-9")
    (rung,) = [one for one in ladder(len(data.X), Depth.QUICK) if (one.rows, one.width) == (rows, width)]
    return RungContext(data, rung, 0)


def test_a_hundred_digits_halve_their_residual_at_every_step() -> None:
    context = rung_of_digits(100, 4096)
    found = real_data.natural_gradient(context)
    norms = context.run("ngd").residual_norms
    assert context.run("ngd").iterations == 20
    assert np.abs(norms[1:] / norms[:-1] - 0.5).max() <= 0.02 * 0.5
    assert found.values["halving_error"] <= 0.02
    stepwise = evaluations(found)["T1-step"]
    assert stepwise.verdict is InstanceVerdict.HOLDS
    assert len(stepwise.bounds) == 20
    assert 0 < found.values["step_ratio"] == max(bound.ratio for bound in stepwise.bounds) <= 1


def test_ten_digits_have_a_path_on_which_every_theorem_applies() -> None:
    context = rung_of_digits(10, 100_000)
    found = real_data.natural_gradient(context)
    assert 0.1 < found.values["path_constant"] < 0.5
    assert found.values["attack_constant"] <= found.values["ball_constant"]
    assert all(limit > 0 for limit in found.values["step_limits"]["path"].values())
    checked = evaluations(found)
    assert set(checked) == {"T1", "T1-q", "T1-sharp", "T1-first", "T1-step"}
    for id, evaluation in checked.items():
        assert evaluation.verdict is InstanceVerdict.HOLDS, id
        assert evaluation.family == "F5"
        assert any("flips" in feature for feature in evaluation.features) or id == "T1-step"
    sizes = {id: [one.description["step_size"] for name, one in found.results if name == id] for id in checked}
    for theorem, eta in found.values["step_limits"]["path"].items():
        assert sizes[theorem] == ([eta] if theorem == "T1" else [0.5, eta])
        constant = context.path("ngd", eta, context.ngd_steps).constant
        assert 0 < eta < ngd.step_limit(constant, theorem)
        assert f"{theorem} {digits(eta, 3)}" in found.lines[2]
    prediction = found.predictions["ngd"]
    assert prediction.source == "T1-sharp"
    assert context.run("ngd").iterations is not None
    assert prediction.iterations(1e-6) >= context.run("ngd").iterations  # type: ignore[operator]
    bound = prediction.bound(float(context.run("ngd").residual_norms[0]))
    assert (context.run("ngd").residual_norms <= np.array(bound)[: context.run("ngd").steps + 1]).all()


@dataclass(frozen=True)
class Paths:
    """Paths whose constants are told in turn."""

    constants: Iterator[float]
    tried: list[float] = field(default_factory=list)
    ngd_steps: int = 7

    def path(self, optimiser: str, step_size: float, steps: int, bounded: bool) -> Any:
        self.tried.append(step_size)
        return SimpleNamespace(constant=UpperBound(next(self.constants)), steps=steps)


def test_a_step_size_counts_only_where_its_own_path_allows_it() -> None:
    """The constant of the first path suggests 0.9 times its limit; that of the path tried decides."""
    first: Any = SimpleNamespace(constant=UpperBound(0.55), steps=7)  # too large for T1; T1-q and T1-sharp are tried
    q, sharp = (0.9 * ngd.step_limit(0.55, theorem) for theorem in ("T1-q", "T1-sharp"))
    paths: Any = Paths(iter([0.58, 0.58, 0.99, 1.5]))
    found = real_data.certified_steps(paths, first)
    again = 0.9 * ngd.step_limit(0.58, "T1-q")
    assert q > ngd.step_limit(0.58, "T1-q") > again
    assert paths.tried == [q, again, sharp, 0.9 * ngd.step_limit(0.99, "T1-sharp")]
    assert {theorem: eta for theorem, (eta, _) in found.items()} == {"T1-q": again}


def test_gd_names_no_step_size_that_its_own_path_does_not_allow(monkeypatch: pytest.MonkeyPatch) -> None:
    context = rung_of_digits(10, 100_000)
    assert gradient_data.gradient_descent(context).values["theorems"]
    check = gradient_data._check

    def worse(*arguments: Any) -> Any:
        evaluation, path = check(*arguments)
        return evaluation, replace(path, constant=UpperBound(2.0))

    monkeypatch.setattr(gradient_data, "_check", worse)
    found = gradient_data.gradient_descent(context)
    assert found.values["theorems"] == {}
    assert "no step size that T0 allows" in found.lines[0]


@pytest.mark.parametrize("failure", [RankDeficientError("singular"), DivergenceError("too far")])
@pytest.mark.parametrize("steps", [0, 3])
def test_a_run_that_breaks_off_keeps_the_steps_before(
    failure: Exception, steps: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    original = RungContext.observe

    def observe(self: RungContext, optimiser: str, step_size: float, cap: int) -> ObservedRun:
        found = original(self, optimiser, step_size, cap)
        if optimiser != "kfac":
            return found
        return ObservedRun(step_size, found.residual_norms[: steps + 1], str(failure))

    monkeypatch.setattr(RungContext, "observe", observe)
    context = RungContext(made(), TINY[0], 0)
    assert gradient_data.gradient_descent(context).values["comparison"] is not None
    found = certify_dataset(made(), Depth.QUICK, rungs=TINY[:1], rung_topics=(gradient_data.gradient_descent,))
    (rung,) = found.rungs
    assert list(rung.iterations) == (["ngd", "kfac", "gd"] if steps else ["ngd", "gd"])
    after = " after step 3" if steps else ""
    assert rung.unavailable == {f"K-FAC's run{after}": str(failure)}
    if steps:
        assert (rung.iterations["kfac"].steps_run, rung.iterations["kfac"].broken) == (3, str(failure))
        assert "K-FAC >3 (breaks off)" in "\n".join(found.lines())


def test_composed_widths_stand_beside_what_is_certified() -> None:
    context = rung_of_digits(10, 100_000)
    found = width_data.composed_widths(context)
    T3, K = found.values["T3"], found.values["T4-width"]
    rows, y = context.inputs, context.y
    assert T3["width"] == width.width(rows, y, 4.0, 0.1, 0.5, "T3", symmetric=True) > 10**9
    assert K["width"] == width.width(rows, y, 4.0, 0.1, 0.5, "T4-width", symmetric=True) > T3["width"]
    assert T3["path_constant"] < 0.5 < T3["ball_constant"]
    assert K["path_constant"] > 0.5
    assert f"T3 asks for m >= {T3['width']:.4g}" in found.lines[0]
    assert f"certified along NGD's path (C <= {digits(T3['path_constant'], 4)}), not over the ball" in found.lines[0]
    assert "it is not certified" in found.lines[1]
    found_there = width_data._certified(UpperBound(0.375), UpperBound(0.3), "NGD")
    assert found_there == "it is certified over the ball (C <= 0.375)"


def test_singular_kernels_promise_no_width() -> None:
    rows = normalise_rows([[1.0, 2.0], [2.0, 4.0], [-1.0, 1.0]])
    context = RungContext(made(X=rows, y=np.array([1.0, 1.0, 0.5])), Rung(3, 64, 1.0, False, 8), 0)
    found = width_data.composed_widths(context)  # Condition 1 fails: there is no path either
    assert "T3 says nothing" in found.lines[0]
    assert "inputs 0 and 1 are equal" in found.unavailable["C along NGD's path"]
    opposite = normalise_rows([[1.0, 0.0], [-1.0, 0.0], [0.0, 1.0], [0.0, -1.0]])
    context = RungContext(made(X=opposite, y=np.array([1.0, 1.0, 0.5, 2.0])), Rung(3, 64, 1.0, False, 8), 0)
    assert "asks for" in width_data.composed_widths(context).lines[0]


def predicted(source: str, factor: float, steps: int) -> Prediction:
    return Prediction(source, UpperBound(factor), CertifiedSteps(steps))


def twice(context: RungContext) -> Contribution:
    norms = context.run("ngd").residual_norms
    return Contribution(
        topic="twice",
        results=(("T1", Evaluation("F5", {}, (), (), InstanceVerdict.VACUOUS, ())),),
        values={"last": 2 * float(norms[-1]), "unknown": math.inf},
        lines=("twice as much",),
        predictions={"ngd": predicted("slow", 0.99, 2), "gd": predicted("only", 0.999, 3)},
    )


def fast(context: RungContext) -> Contribution:
    return Contribution(topic="fast", predictions={"ngd": predicted("fast", 0.5, 3)})


def broken(context: RungContext) -> Contribution:
    raise RankDeficientError("no rank")


def counted(dataset: Dataset) -> Contribution:
    return Contribution(topic="counted", values={"n": len(dataset.X)}, lines=("counted them",))


def with_topics() -> DatasetCertificate:
    return certify_dataset(made(), Depth.QUICK, rungs=TINY, input_topics=(counted,), rung_topics=(twice, broken, fast))


def test_topics_contribute_results_values_lines_and_predictions() -> None:
    found = with_topics()
    content = found.to_json()
    assert content["counted"] == {"n": 6}
    assert (content["n"], content["d"], content["rows"]) == (6, 3, 4)
    assert [rung["width"] for rung in content["rungs"]] == [64, 128]
    for rung, curves in zip(content["rungs"], found.curves.values(), strict=True):
        assert rung["twice"]["last"] == pytest.approx(2 * curves["ngd"][0][-1])
        assert rung["twice"]["unknown"] == "inf"
        assert rung["problems"] == []
        assert rung["unavailable"] == {"broken": "no rank"}
        assert (rung["iterations"]["ngd"]["source"], rung["iterations"]["ngd"]["predicted"]) == ("fast", 20)
        assert rung["iterations"]["gd"]["source"] == "only"
        assert rung["iterations"]["kfac"]["source"] is None
        initial = curves["ngd"][0][0]
        assert curves["ngd"][1] == [initial, initial / 2, initial / 4, initial / 8]
        assert curves["kfac"][1] is None
    assert [id for id, _ in found.results] == ["T1", "T1"]
    lines = "\n".join(found.lines())
    for said in (
        "counted them",
        "twice as much",
        "broken: no rank",
        "first 4 rows of 6",
        "20 (fast, certified for 3 steps)",
    ):
        assert said in lines
    json.dumps(content, allow_nan=False)


def test_spectra_are_those_of_the_kernels_of_each_rung_s_rows() -> None:
    found, data = with_topics(), made()
    assert {rows: list(spectra) for rows, spectra in found.spectra.items()} == {
        "n = 4": ["G_inf", "S_inf", "G(0), m = 64"],
        "n = 3": ["G_inf", "S_inf", "G(0), m = 128"],
    }
    for rung in found.rungs:
        n = rung.rung.rows
        spectra = found.spectra[f"n = {n}"]
        assert sum(spectra["G_inf"]) == pytest.approx(n / 2)
        np.testing.assert_allclose(spectra["S_inf"], np.linalg.eigvalsh(limiting_pattern_gram(data.X[:n])), atol=1e-12)
        values = spectra[f"G(0), m = {rung.rung.width}"]
        assert list(values) == sorted(values)
        assert len(values) == n
        assert rung.lambda_min is not None
        assert rung.lambda_min <= values[0] + 1e-12


def test_the_same_seed_gives_the_same_certificate() -> None:
    assert with_topics().to_json() == with_topics().to_json()
    other = certify_dataset(made(), Depth.QUICK, seed=1, rungs=TINY, input_topics=(), rung_topics=())
    assert other.rungs[0].lambda_min != with_topics().rungs[0].lambda_min


def test_linear_algebra_runs_on_one_thread() -> None:
    seen: list[int] = []

    def threads(_: Dataset) -> Contribution:
        seen.extend(blas_threads())
        return Contribution(topic="threads")

    with threadpool_limits(2, user_api="blas"):
        certify_dataset(made(), Depth.QUICK, rungs=TINY, input_topics=(threads,), rung_topics=())
    assert set(seen) <= {1}


def test_a_prediction_without_contraction_predicts_nothing() -> None:
    assert predicted("T", 1.0, 2).iterations(1e-6) is None
    assert predicted("T", 0.5, 2).iterations(0.125) == 3
    assert (
        predicted("T", 0.1, 2).iterations(1e-3) == 4
    )  # the float 0.1 is above a tenth, by more than 1e-3 is above its cube


def test_coincident_rows_are_reported_and_nothing_fails() -> None:
    found = certify_dataset(made(X=np.ones((6, 3))), Depth.QUICK, rungs=TINY)
    assert all(one.verdict is InstanceVerdict.VACUOUS for _, one in found.results)
    lines = "\n".join(found.lines())
    assert "point the same way" in lines
    assert "Condition 1 fails: G(0) is singular: inputs 0 and 1 are equal" in lines
    assert "not available: C along K-FAC's path, K-FAC's run: H(0) of Condition K1 (4 x 4) cannot be solved" in lines
    assert list(found.rungs[0].iterations) == ["gd"]


@pytest.mark.parametrize(
    ("certified", "said"), [(19, "20 (T1, certified for 19 steps)"), (20, "20 (T1)"), (21, "20 (T1)")]
)
def test_a_prediction_beyond_its_certified_steps_says_so(certified: int, said: str) -> None:
    runs = Iterations(0.5, 20, "T1", CertifiedSteps(certified), linearised=25, observed=18, steps_run=30)
    assert _counts(runs) == f"18/25/{said}"


def test_outputs_that_equal_the_targets_are_no_rung() -> None:
    found = certify_dataset(made(y=np.zeros(6)), Depth.QUICK, rungs=TINY)
    assert [bool(rung.iterations) for rung in found.rungs] == [True, False]
    assert "nothing to learn" in "\n".join(found.rungs[1].lines())


def test_one_row_is_a_data_set() -> None:
    found = certify_dataset(made(1), Depth.QUICK, rungs=[Rung(1, 64, 1.0, False, 8)])
    assert "one row" in "\n".join(found.lines())
    assert found.to_json()["inputs"]["closest_angle"] == "inf"


def test_many_columns_are_taken_in_their_own_span(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("properties.dataset.rung.MOST_WEIGHTS", 64 * 49)
    data = made(6, 50)
    context = RungContext(data, TINY[0], 0)
    assert context.rotated
    assert context.inputs.shape == (4, 4)
    unit_rows(context.inputs)
    assert np.abs(context.inputs @ context.inputs.T - data.X[:4] @ data.X[:4].T).max() <= 1e-14
    assert "coordinates of their span" in "\n".join(certify_dataset(data, Depth.QUICK, rungs=TINY).lines())
    monkeypatch.setattr("properties.dataset.rung.MOST_WEIGHTS", 64 * 50)
    assert not RungContext(data, TINY[0], 0).rotated
    tall = normalise_rows(np.random.default_rng(0).standard_normal((3, 3)))
    assert np.abs(in_own_span(tall) @ in_own_span(tall).T - tall @ tall.T).max() <= 1e-15


def test_kernels_of_large_data_sets_are_those_of_their_first_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    assert input_certificate.certified_rows(2000, 64) == input_certificate.certified_rows(10**6, 400) == 2000
    assert input_certificate.certified_rows(2000, 10_000) == 400
    assert input_certificate.certified_rows(5, 10**12) == 1
    monkeypatch.setattr(input_certificate, "MOST_ROWS", 4)
    data = made(6)
    found = input_certificate.kernels(data)
    first = input_certificate.kernels(made(X=data.raw_X[:4]))
    assert found.values == first.values
    assert found.values["rows"] == 4
    assert found.lines[0].startswith("of the first 4 rows: ")
    assert not first.lines[0].startswith("of the first")


def test_what_is_printed_of_the_inputs_bounds_what_is_certified() -> None:
    for rows in range(2, 12):
        data = made(rows)
        found = input_certificate.kernels(data)
        norm_squared = found.values["spectral_norm_squared"]
        assert norm_squared == input_norm_squared(data.X) >= np.linalg.norm(data.X, 2) ** 2
        lambda_0, lambda_S, printed = (
            float(re.search(pattern + r" [<>]= ([-+.e0-9]*[0-9])", found.lines[0])[1])  # type: ignore[index]
            for pattern in ("lambda0", "lambda_S", r"\|\|X\|\|_2\^2")
        )
        assert lambda_0 <= found.values["lambda_0"] <= lambda_0 + 1e-5
        assert lambda_S <= found.values["lambda_S"] <= lambda_S + 1e-5
        assert norm_squared <= printed <= norm_squared * (1 + 1e-5)


def test_the_closest_pair() -> None:
    angles = np.array([0.0, 1.0, 1.25, 3.0])
    inputs = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    pair, angle = input_certificate.closest_pair(inputs)
    assert pair == (1, 2)
    assert angle == pytest.approx(0.25, rel=1e-12)


def test_a_singular_pattern_gram_spoils_k_fac_alone() -> None:
    """Two antiparallel pairs: H is singular whatever the network, G is not (K-pd)."""
    found = certify_dataset(made(X=np.array([[1.0, 0], [-1, 0], [0, 1], [0, -1]])), Depth.QUICK, rungs=TINY[:1])
    (rung,) = found.rungs
    assert list(rung.iterations) == ["ngd", "gd"]
    assert {contribution.topic for contribution in rung.contributions} >= {"ngd", "gd"}
    assert "Condition K1" in rung.unavailable["K-FAC's run"]
