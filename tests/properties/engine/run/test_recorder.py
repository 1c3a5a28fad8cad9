"""How often the results so far are kept."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from properties.engine.report.document import Document
from properties.engine.run import recorder
from properties.engine.run.recorder import SHARE, Recorder
from tests.properties.engine.report.sample import sample_document


@pytest.mark.parametrize("cost", [0.001, 0.5])
def test_keeping_results_takes_no_more_than_its_share_of_a_run(
    cost: float, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """One entry every 10 ms for a minute."""
    now, kept = [0.0], []

    def write(document: Document, directory: Path) -> None:
        now[0] += cost
        kept.append(len(document.claims))

    monkeypatch.setattr(recorder, "time", SimpleNamespace(perf_counter=lambda: now[0], monotonic=lambda: now[0]))
    monkeypatch.setattr(recorder, "write_partial", write)
    run: Any = SimpleNamespace(document=Document({}), report=tmp_path, whole=lambda entry: entry)
    seen, entry = Recorder(run, lambda: pytest.fail("no page")), next(iter(sample_document().claims.values()))
    for number in range(6000):
        report: Any = SimpleNamespace(verification_entry={**entry, "id": f"N-{number}"})
        seen.pytest_runtest_logreport(report)
        now[0] += 0.01
    seen.pytest_unconfigure()
    assert kept[0] == 1
    assert 0.9 * SHARE * now[0] / cost - 2 < len(kept) <= SHARE * now[0] / cost + 2
