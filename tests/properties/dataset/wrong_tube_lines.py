"""Programs that say something false of a data set's tubes."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from properties.dataset.contribution import Prediction
from properties.dataset.report import dataset_answer
from properties.dataset.topics import tube_data
from tests.properties.dataset.wrong_data_lines import PLANTS as PLANTS
from tests.properties.dataset.wrong_data_lines import plant, scaled
from theory.direction import CertifiedSteps, UpperBound
from theory.stability import certify_tube


@plant("every theorem on its path")
def the_tube_s_ratio_is_halved(monkeypatch: pytest.MonkeyPatch) -> None:
    def halved(*args: Any) -> Any:
        found = certify_tube(*args)
        return replace(found, contraction=scaled(found.contraction, 0.5))

    monkeypatch.setattr(tube_data, "certify_tube", halved)


@plant("holds")
def k_fac_s_tube_is_ngd_s(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tube_data, "certify_tube", lambda net, inputs, y, optimiser: certify_tube(net, inputs, y))


@plant("no theorem")
def the_first_tube_is_taken_for_one_that_closes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        tube_data,
        "certify_tube",
        lambda *args: replace(certify_tube(*args), certified=True, failure=None, contraction=UpperBound(0.5)),
    )


@plant("every theorem on its path")
def the_tube_predicts_for_the_steps_of_the_path(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        tube_data, "Prediction", lambda source, factor, _: Prediction(source, factor, CertifiedSteps(20))
    )


@plant("every theorem on its path")
def the_answer_rounds_the_tube_s_rate_to_nearest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dataset_answer, "digits", lambda bound, count: f"{float(bound) + 0.001:.{count}g}")
