"""The pytest plugin of a suite: options to claims to items, the closing table, the report.

A run that chooses claims, data, a step or files has the items of properties/engine/run/items.py and no others; one that chooses nothing, in
the checkout, has the project's own tests and those of tests/claims/test_claims.py. What an item finds travels as a plain entry on
its test report, so that a distributed run records it too.

PYTEST_DONT_REWRITE: the module holds no assertions, and the package's entry point may import it first.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Generator, Mapping
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from filelock import FileLock
from hypothesis import settings

from properties.engine.claim import Depth
from properties.engine.extension import Suite
from properties.engine.paths import printable
from properties.engine.profiles import profile_name, register_profiles
from properties.engine.report.left_out import left_out_lines
from properties.engine.report.publication import occupy
from properties.engine.run.claim_shares import ClaimShare
from properties.engine.run.executed import Executed
from properties.engine.run.github_actions import GitHubActions
from properties.engine.run.items import ANSWER, ENTRY, RUN, ChosenItem, ChosenItems, Item
from properties.engine.run.order import order_of_start, seconds_once
from properties.engine.run.progress import PROGRESS, Progress
from properties.engine.run.recorder import Recorder
from properties.engine.run.request import requested_run
from properties.engine.run.run import CLAIM, MUTANT, SUBJECTS, Run
from properties.engine.run.standing import LogLines, Shown, TerminalLine, terminal_stream
from properties.engine.selection import defects
from theory.errors import InputError
from verified_natural_gradient import console
from verified_natural_gradient.options import ENGINE, OPTIONS, add_options, in_checkout, spoken

if TYPE_CHECKING:
    from properties.engine.report.presentation import Presentation

LOCK = pytest.StashKey[FileLock]()
"""Held on the report's directory."""

ASKING = ("claim", "dataset", "implementation", "conformance", "replay")
"""Names of the options that ask for items."""


class SuitePlugin:
    """Runs a suite; register it in ``pytest_addoption``."""

    def __init__(self, suite: Callable[[], Suite], options: Collection[str] | None = ENGINE) -> None:
        """Take what gives the suite, once options are read, and the names of its options: all for None.

        Hypothesis' profiles get their names.
        """
        self._given, self._options = suite, options
        register_profiles()

    @cached_property
    def _suite(self) -> Suite:
        return self._given()

    def pytest_addoption(self, parser: pytest.Parser) -> None:
        """Add the options, where the package's entry point has not done so: plugins are not always loaded by themselves."""
        add_options(parser, in_checkout(Path.cwd()), self._options)

    @pytest.hookimpl(tryfirst=True)
    def pytest_configure(self, config: pytest.Config) -> None:
        """Load the profile and turn the options into a run, before Hypothesis' own plugin applies its options on top."""
        if config.getoption("--hypothesis-profile", None) is None:
            settings.load_profile(profile_name(Depth(config.getoption("ngd_depth")), os.environ))
        try:
            run = requested_run(config, self._suite)
            if run.report is not None and run.records:
                config.stash[LOCK] = occupy(run.report)
            executed = None if run.executor is None else Executed(run.executor, run, self._given)
        except InputError as error:
            raise _usage_error(config, str(error)) from error
        config.stash[RUN] = run
        if run.selective:
            config.pluginmanager.register(ChosenItems(config), "verification-chosen-items")
        if executed is not None:
            config.pluginmanager.register(executed, "verification-executor")

    def pytest_unconfigure(self, config: pytest.Config) -> None:
        """End the processes of the provers, and let other runs write to the report's directory."""
        if LOCK in config.stash:
            config.stash[LOCK].release()
        run = config.stash.get(RUN, None)
        for prover in () if run is None else run.provers:
            prover.close()

    @pytest.hookimpl(optionalhook=True)
    def pytest_configure_node(self, node: Any) -> None:
        """Give every worker of a distributed run the same root seed."""
        node.workerinput["verification_root"] = node.config.stash[RUN].root

    def pytest_report_header(self, config: pytest.Config) -> list[str]:
        """What the numbers of the run depend on."""
        run = config.stash[RUN]
        found = run.document.environment
        versions = ", ".join(
            f"{name} {found[name]}" for name in ("python", "numpy", "scipy", "python-flint", "hypothesis")
        )
        lines = [
            f"verification: root seed {run.root}, depth {run.depth.value}, profile {found['profile']}",
            f"arithmetic: {versions}; float64 eps {found['eps']:.3g}; BLAS {found['blas']}",
        ]
        lines += left_out_lines(run.document.left_out)
        lines += [] if run.subject is None else run.subject.header
        lines += [] if run.selective else self._suite.header(config)
        return [*lines, *(task.header for task in run.tasks if task.header)]

    def pytest_pycollect_makeitem(self, collector: pytest.Collector, obj: object) -> list[pytest.Item] | None:
        """Take no items from tests of claims, mutants or parts where this run has none: no skips."""
        code = getattr(obj, "__code__", None)
        if code is None:
            return None
        asked = set(SUBJECTS).intersection(code.co_varnames[: code.co_argcount])
        run = collector.config.stash[RUN]
        absent = [name for name in asked if not run.subjects(name)]
        return [] if absent and (self._suite.claims or not {CLAIM, MUTANT}.intersection(absent)) else None

    def pytest_generate_tests(self, metafunc: pytest.Metafunc) -> None:
        """One item per selected claim, per mutant, per part. A registry unfit to run fails here."""
        asked = set(SUBJECTS).intersection(metafunc.fixturenames)
        if not asked:
            return
        found = defects(self._suite.claims)
        if found:
            pytest.fail("\n".join(["the registry is unfit to run", *found]), pytrace=False)
        run = metafunc.config.stash[RUN]
        for name in asked:
            values = run.subjects(name)
            metafunc.parametrize(name, list(values.values()), ids=list(values))

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(
        self, session: pytest.Session, config: pytest.Config, items: list[pytest.Item]
    ) -> None:
        """In a distributed run let a short claim start first, then the longest items; refuse a run that filters leave empty."""
        run = config.stash[RUN]
        if hasattr(config, "workerinput"):
            items.sort(key=order_of_start(run, seconds_once(self._suite.durations)))
        if run.selective and not items and not session.testsfailed:
            raise _usage_error(config, _all_deselected(config))

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """Count what the run is to record: of a claim in shares one entry."""
        run = session.config.stash[RUN]
        subjects = [one for item in session.items if (one := _subject(item)) is not None]
        divided = {one.claim.id for one in subjects if isinstance(one, ClaimShare)}
        run.document.expected = sum(not isinstance(one, ClaimShare) for one in subjects) + len(divided)

    @pytest.fixture
    def verification(self, request: pytest.FixtureRequest) -> Item:
        """What the items of tests/claims call."""
        return Item(request.node)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(self, item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Put the item's entry on its report, which a distributed run carries to the recording process."""
        report = yield
        if report.when == "call" and ENTRY in item.stash:
            report.__dict__["verification_entry"] = item.stash[ENTRY]
        if report.when == "call" and ANSWER in item.stash:
            report.duration = item.stash[ANSWER].seconds
        return report

    @pytest.hookimpl(wrapper=True)
    def pytest_runtestloop(self, session: pytest.Session) -> Generator[None, object, object]:
        """After the last item compare with the baseline; what got worse fails the run, and JUnit's file has it as one more test."""
        result = yield
        run = session.config.stash[RUN]
        if run.records and run.baseline is not None and not session.config.option.collectonly:
            comparison = run.compare()
            if not comparison.compared:
                return result  # a comparison of nothing is no test that passed
            failed = not run.baseline.update and bool(comparison.losses)
            report = pytest.TestReport(
                nodeid="baseline::comparison",
                location=("baseline", None, "comparison"),
                keywords={},
                outcome="failed" if failed else "passed",
                longrepr="\n".join(comparison.losses) if failed else None,
                when="call",
            )
            session.testscollected += 1
            session.config.hook.pytest_runtest_logreport(report=report)
        return result

    @pytest.hookimpl(trylast=True)
    def pytest_sessionstart(self, session: pytest.Session) -> None:
        """Start recording, in the process that keeps the document."""
        run = session.config.stash[RUN]
        if not run.records:
            return
        session.config.pluginmanager.register(Recorder(run, partial(_presented, self._suite)), "verification-recorder")
        session.config.pluginmanager.register(GitHubActions(run, os.environ), "verification-github-actions")
        shown = _shown(session.config, run)
        if shown is not None:
            progress = Progress(run, seconds_once(self._suite.durations), shown)
            run.observe = progress.observe
            session.config.pluginmanager.register(progress, PROGRESS)


def _shown(config: pytest.Config, run: Run) -> Shown | None:
    """Where the standing of a run goes: to a terminal, or to the log of a run that has no items but those of the suite."""
    if config.option.verbose != 0 or config.option.collectonly:
        return None
    stream = terminal_stream()
    if stream is not None:
        return TerminalLine(stream)
    reporter: pytest.TerminalReporter | None = config.pluginmanager.get_plugin("terminalreporter")
    if not run.selective or reporter is None:
        return None
    reporter.showfspath = False  # all items are of one place, whose name would stand around each line
    return LogLines(partial(_write_line, reporter))


def _write_line(reporter: pytest.TerminalReporter, line: str) -> None:
    """A line of its own, below the letters of items that have failed."""
    if reporter._tw.width_of_current_line:
        reporter._tw.line()
    reporter.write_line(line)


def _presented(suite: Suite) -> Presentation:
    """What is added to the page: what the suite says, or the formulas of its claims alone; needs an extra."""
    from properties.engine.report.mathematics import mathematics_of
    from properties.engine.report.presentation import Presentation

    return Presentation(formulas=mathematics_of(suite.claims)) if suite.presented is None else suite.presented()


def _usage_error(config: pytest.Config, message: str) -> pytest.UsageError:
    """The error with the options as they are called in this run."""
    if config.pluginmanager.has_plugin(console.__name__):
        return pytest.UsageError(printable(console.as_called(message)))
    return pytest.UsageError(printable(spoken(message, in_checkout(config.invocation_params.dir))))


def _all_deselected(config: pytest.Config) -> str:
    """Which filters leave none of the items that were chosen."""
    chosen = {"-k": config.option.keyword, "-m": config.option.markexpr, "--deselect": config.option.deselect}
    filters = [
        f"{name} {value if name != '--deselect' else ' '.join(value)}" for name, value in chosen.items() if value
    ]
    by = " and ".join(filters) or "a hook of a conftest.py or of another plugin"
    asking = (option for option in OPTIONS if option.name in ASKING and config.getoption(option.dest, None))
    asked = " and ".join(option.short for option in asking)
    return (
        f"nothing to run: {by} leaves none of the items of {asked}; "
        f"where the filter comes from addopts in pytest's settings, override it with -o addopts="
    )


def _subject(item: pytest.Item) -> object:
    """The claim, its share, the mutant, obligation, piece of a part or file to replay that the item is about; None for other items."""
    if isinstance(item, ChosenItem):
        return item.subject
    parameters: Mapping[str, object] = getattr(getattr(item, "callspec", None), "params", {})
    return next((parameters[name] for name in SUBJECTS if name in parameters), None)
