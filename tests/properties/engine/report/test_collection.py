"""Without Chromium the tests that need it are not collected, and one line says how many; under CI they are, and fail."""

import pytest

from tests.properties.engine.report import conftest

pytest_plugins = ["pytester"]

MODULE = """
import pytest

pytestmark = pytest.mark.browser

def test_one(browser): pass
def test_two(browser): pass
"""

SETTINGS = """
pytest_plugins = ["tests.properties.engine.report.conftest"]
"""

LINE = "browser tests: 2 not collected, no Chromium found; apt-get install chromium"


@pytest.fixture
def without_chromium(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> pytest.Pytester:
    pytester.makeini("[pytest]\nmarkers = browser: needs Chromium")
    pytester.makeconftest(SETTINGS)
    pytester.makepyfile(test_with_a_browser=MODULE, test_without_one="def test_other(): pass")
    monkeypatch.setattr(conftest, "chromium", lambda: None)
    return pytester


def test_a_developer_is_told(without_chromium: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CI", raising=False)
    outcome = without_chromium.runpytest_inprocess("-p", "no:cacheprovider")
    outcome.assert_outcomes(passed=1, deselected=2)
    outcome.stdout.fnmatch_lines([LINE])


def test_ci_fails(without_chromium: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CI", "true")
    outcome = without_chromium.runpytest_inprocess("-p", "no:cacheprovider")
    outcome.assert_outcomes(passed=1, errors=2)
    outcome.stdout.fnmatch_lines(["*no Chromium found, which CI needs*"])
