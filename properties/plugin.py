"""The pytest plugin: options to claims to items, the closing table, the report.

Items live in tests/claims/test_claims.py: one per claim, one per mutant, one per obligation, one for the data set; those of a step
of the user's own and of files to replay in own_items.py. What an item finds travels as a plain entry on its test report, so that a distributed run records it too.
"""

from __future__ import annotations

import os
from collections.abc import Generator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

import theory
from properties.baseline import BaselineFile, open_baseline
from properties.claim import Claim, Depth, Mutant
from properties.claims import registry, slack_table
from properties.coverage import NOT_EXECUTABLE
from properties.datasets import Dataset, load_dataset
from properties.guard.claims import own_claims
from properties.guard.implementation import Implementation, load_implementation
from properties.ladder import Rung, own_rungs
from properties.options import CHECKOUT
from properties.profiles import profile_name, register_profiles, under_ci
from properties.progress import Progress, terminal_stream
from properties.recorder import Recorder
from properties.replay import Replay, load_replays
from properties.report.document import Document
from properties.report.entries import Entry, chain_entry, facts, slack_entry
from properties.report.environment import environment
from properties.report.publication import foreign
from properties.run import CLAIM, DATASET, MUTANT, PICTURES, SUBJECTS, Run
from properties.seeds import root_seed
from properties.selection import ALL_CLAIMS, defects, selected_claims, selected_obligations
from properties.verification import Outcome, Verification
from theory.errors import ChoiceError, DataFileError, ImplementationError, InputError
from theory.proofs import chains, obligations
from theory.rigour.obligation import Obligation
from theory.rigour.provers import PROVERS, Prover

pytest_plugins = ["properties.options"]

register_profiles()


RUN = pytest.StashKey[Run]()
ENTRY = pytest.StashKey[Entry]()
OWN = pytest.StashKey[bool]()
"""Marks the items of a step of the user's own, and of files to replay."""


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """Load the profile and turn the options into a run, before Hypothesis' own plugin applies its options on top."""
    _check_checkout(config)
    depth = Depth(config.getoption("--depth"))
    implementation = _implementation(config)
    if config.getoption("--hypothesis-profile", None) is None:
        settings.load_profile(profile_name(depth, os.environ))
    requested, name, target = (config.getoption(option) for option in ("--claim", "--dataset", "--target"))
    try:
        if target is not None and name is None:
            raise ChoiceError("--target names a column of a .csv file given by --dataset")
        if config.getoption("--width") and name is None:
            raise ChoiceError("--width is the width at which the data set of --dataset is certified")
        if not config.getoption("--width") and (
            config.getoption("--scale") is not None or config.getoption("--symmetric")
        ):
            raise ChoiceError("--scale and --symmetric say how the network of --width is initialised")
        known, provable = registry, obligations
        if implementation is not None:
            known, provable = own_claims(implementation), {}
        replays = _replays(config, known)
        apart = name is not None or bool(replays)
        claims = selected_claims(known, requested, apart, provable)
        to_prove = selected_obligations(provable, chains, requested, apart)
        dataset = None if name is None else load_dataset(name, target)
        rungs = None if dataset is None else _own_rungs(config, dataset)
        baseline = _baseline(config, depth, bool(requested) or apart or implementation is not None)
    except InputError as error:
        raise pytest.UsageError(str(error)) from error
    worker: Mapping[str, Any] | None = getattr(config, "workerinput", None)
    seed_option = config.getoption("--hypothesis-seed", None)
    root = root_seed(seed_option, depth, under_ci(os.environ)) if worker is None else int(worker["verification_root"])
    report = _report_directory(config)
    every_claim = implementation is None and (ALL_CLAIMS in requested or not (requested or apart))
    chosen = {claim.id for claim in claims}
    run = Run(
        depth=depth,
        root=root,
        registry=known,
        claims=claims,
        obligations=to_prove,
        provers=tuple(Prover(prover) for prover in PROVERS),
        dataset=dataset,
        rungs=rungs,
        report=report,
        document=Document(
            {
                **environment(),
                "root_seed": root,
                "depth": depth.value,
                "profile": _profile(config),
                **({} if implementation is None else {"implementation": implementation.name}),
            },
            order=[
                *(id for claim in claims for id in (claim.id, *(mutant.id for mutant in claim.mutants))),
                *(obligation.id for obligation in to_prove),
            ],
            chains=[chain_entry(chain) for theorem, chain in chains.items() if theorem in chosen],
            slack=[slack_entry(row) for row in slack_table if row.claim in chosen],
            not_executable=NOT_EXECUTABLE,
        ),
        baseline=baseline,
        pictures=every_claim and report is not None and depth is not Depth.QUICK,
        selective=bool(requested) or apart or implementation is not None,
        replays=replays,
        records=worker is None,
        options=_implementation_options(implementation),
    )
    run.document.expected = len(claims) + len(run.mutants) + len(to_prove) + (dataset is not None) + run.pictures
    run.document.expected += len(replays)
    config.stash[RUN] = run
    if implementation is not None or replays:
        from properties.own_items import OwnItems

        config.pluginmanager.register(OwnItems(config), "verification-own-items")


def pytest_unconfigure(config: pytest.Config) -> None:
    """End the processes of the provers."""
    run = config.stash.get(RUN, None)
    for prover in () if run is None else run.provers:
        prover.close()


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Give every worker of a distributed run the same root seed."""
    node.workerinput["verification_root"] = node.config.stash[RUN].root


def pytest_report_header(config: pytest.Config) -> list[str]:
    """What the numbers of the run depend on."""
    run = config.stash[RUN]
    found = run.document.environment
    versions = ", ".join(f"{name} {found[name]}" for name in ("python", "numpy", "scipy", "python-flint", "hypothesis"))
    lines = [
        f"verification: root seed {run.root}, depth {run.depth.value}, profile {found['profile']}",
        f"arithmetic: {versions}; float64 eps {found['eps']:.3g}; BLAS {found['blas']}",
    ]
    if "implementation" in found:
        lines.append(f"implementation: {found['implementation']} (optimiser {config.getoption('--optimiser')})")
    if config.rootpath == CHECKOUT and not run.selective and not any("peers" in argument for argument in config.args):
        lines.append("not collected: tests/peers, which need PyTorch and JAX (docs/guard.md)")
    return lines if run.dataset is None else [*lines, f"data set {run.dataset.summary}"]


def pytest_pycollect_makeitem(collector: pytest.Collector, obj: object) -> list[pytest.Item] | None:
    """Take no items from tests of claims, mutants, a data set or pictures where this run has none: no skips."""
    code = getattr(obj, "__code__", None)
    if code is None:
        return None
    asked = set(SUBJECTS).intersection(code.co_varnames[: code.co_argcount])
    run = collector.config.stash[RUN]
    absent = [name for name in asked if not run.subjects(name)]
    return [] if absent and (registry or not {CLAIM, MUTANT}.intersection(absent)) else None


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """One item per selected claim, per mutant, for the data set and the pictures. A registry unfit to run fails here."""
    asked = set(SUBJECTS).intersection(metafunc.fixturenames)
    if not asked:
        return
    found = defects(registry)
    if found:
        pytest.fail("\n".join(["the registry is unfit to run", *found]), pytrace=False)
    run = metafunc.config.stash[RUN]
    for name in asked:
        values = run.subjects(name)
        metafunc.parametrize(name, list(values.values()), ids=list(values))


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(session: pytest.Session, config: pytest.Config, items: list[pytest.Item]) -> None:
    """Keep the items of this run: all of them, or with --claim or --dataset those of claims and data set only.

    In a distributed run the longest ones, data set and pictures, start first.
    """
    run = config.stash[RUN]
    if hasattr(config, "workerinput"):
        items.sort(key=lambda item: not _asks_for(item, (DATASET, PICTURES)))
    if not run.selective:
        return
    kept = [item for item in items if _belongs(item)]
    if not kept and not session.testsfailed:
        raise pytest.UsageError(
            "nothing to run: --claim and --dataset choose among the items of tests/claims, and none were collected; "
            "run from the project's directory, without other paths or filters"
        )
    config.hook.pytest_deselected(items=[item for item in items if not _belongs(item)])
    items[:] = kept


def pytest_collection_finish(session: pytest.Session) -> None:
    """Count what the run is to record."""
    run = session.config.stash[RUN]
    run.document.expected = sum(_belongs(item) for item in session.items)


def _belongs(item: pytest.Item) -> bool:
    """Whether the item is one of a claim, a mutant, the data set or the pictures."""
    return OWN in item.stash or _asks_for(item, SUBJECTS)


def _asks_for(item: pytest.Item, arguments: Sequence[str]) -> bool:
    """Whether one of these arguments is among the item's parameters."""
    parameters: Mapping[str, object] = getattr(getattr(item, "callspec", None), "params", {})
    return not parameters.keys().isdisjoint(arguments)


class Item:
    """What the items of tests/claims call: runs one, keeps its entry, and fails unless it came out as it should."""

    def __init__(self, item: pytest.Item) -> None:
        """Take the item that the entry belongs to."""
        self._item = item
        self._verification = Verification(item.config.stash[RUN])

    def claim(self, claim: Claim[Any]) -> None:
        """Fail unless the claim holds."""
        self._finish(self._verification.claim(claim))

    def mutant(self, mutant: Mutant) -> None:
        """Fail unless the mutant is refuted."""
        self._finish(self._verification.mutant(mutant))

    def obligation(self, obligation: Obligation) -> None:
        """Fail unless the obligation is proved and each of its mutants refuted."""
        self._finish(self._verification.obligation(obligation))

    def dataset(self, dataset: Dataset) -> None:
        """Fail when a claim is refuted or undecided on the data set."""
        self._finish(self._verification.dataset(dataset))

    def pictures(self) -> None:
        """Fail when the data of the paper's pictures cannot be computed."""
        self._finish(self._verification.pictures())

    def replay(self, replay: Replay) -> None:
        """Fail unless the claim holds on the stored instance."""
        self._finish(self._verification.replay(replay))

    def _finish(self, outcome: Outcome) -> None:
        self._item.stash[ENTRY] = outcome.entry
        self._item.user_properties += facts(outcome.entry)
        if not outcome.passed:
            pytest.fail(outcome.failure, pytrace=False)


@pytest.fixture
def verification(request: pytest.FixtureRequest) -> Item:
    """What the items of tests/claims call."""
    return Item(request.node)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Put the item's entry on its report, which a distributed run carries to the recording process."""
    report = yield
    if report.when == "call" and ENTRY in item.stash:
        report.__dict__["verification_entry"] = item.stash[ENTRY]
    return report


@pytest.hookimpl(wrapper=True)
def pytest_runtestloop(session: pytest.Session) -> Generator[None, object, object]:
    """After the last item compare with the baseline; what got worse fails the run, and JUnit's file has it as one more test."""
    result = yield
    run = session.config.stash[RUN]
    if run.records and run.baseline is not None and not session.config.option.collectonly:
        comparison = run.compare()
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
def pytest_sessionstart(session: pytest.Session) -> None:
    """Start recording, in the process that keeps the document."""
    run = session.config.stash[RUN]
    if not run.records:
        return
    session.config.pluginmanager.register(Recorder(run), "verification-recorder")
    stream = terminal_stream() if session.config.option.verbose == 0 and not session.config.option.collectonly else None
    if stream is not None:
        progress = Progress(run, stream)
        run.observe = progress.observe
        session.config.pluginmanager.register(progress, "verification-progress")


def _implementation(config: pytest.Config) -> Implementation | None:
    """The step of the user's own. Raises UsageError."""
    name = config.getoption("--implementation")
    if name is None:
        return None
    if config.getoption("--dataset") is not None:
        raise pytest.UsageError(
            "--implementation runs the claims on a step, --dataset certifies data; give one of them"
        )
    try:
        return load_implementation(name, config.getoption("--optimiser"), config.invocation_params.dir)
    except ImplementationError as error:
        raise pytest.UsageError(f"--implementation {name}: {error}") from error


def _implementation_options(implementation: Implementation | None) -> str:
    if implementation is None:
        return ""
    return f"--implementation {implementation.name} --optimiser {implementation.optimiser} "


def _check_checkout(config: pytest.Config) -> None:
    """Refuse to test a checkout with the modules of another one. Raises UsageError."""
    here = config.rootpath / "theory" / "__init__.py"
    used = theory.__file__
    ours = (config.rootpath / "properties" / "plugin.py").is_file()
    if ours and used is not None and here.is_file() and not here.samefile(used):
        raise pytest.UsageError(
            f"the package theory was imported from {Path(used).parent}, not from {here.parent}: "
            f"install this checkout (pip install -e .) in this environment, or run python -m pytest"
        )


def _replays(config: pytest.Config, known: Mapping[str, Claim[Any]]) -> tuple[Replay, ...]:
    """The files of --replay. Raises CounterexampleError, and ChoiceError with options that ask for something else."""
    paths = config.getoption("--replay")
    for path in paths:
        _path(config, "--replay", path)
    others = [option for option in ("--claim", "--dataset", "--report", "--baseline") if config.getoption(option)]
    if paths and others:
        raise ChoiceError(f"--replay evaluates files and nothing else; leave {' and '.join(others)} out")
    return load_replays(paths, config.invocation_params.dir, known)


def _own_rungs(config: pytest.Config, dataset: Dataset) -> tuple[Rung, ...] | None:
    """The networks of the width asked for. Raises WidthError, ScaleError."""
    widths, scale = config.getoption("--width"), config.getoption("--scale")
    if not widths:
        return None
    rows, dim = dataset.X.shape
    return own_rungs(rows, dim, widths, 1.0 if scale is None else scale, config.getoption("--symmetric"))


def _baseline(config: pytest.Config, depth: Depth, selective: bool) -> BaselineFile | None:
    """What to compare the run with. Raises DataFileError, ChoiceError."""
    option, update = config.getoption("--baseline"), config.getoption("--update-baseline")
    if option is None and update:
        raise ChoiceError("--update-baseline writes the file that --baseline names; give both")
    if option is None or hasattr(config, "workerinput"):
        return None
    return open_baseline(_path(config, "--baseline", option), update, depth, selective)


def _report_directory(config: pytest.Config) -> Path | None:
    """The report's directory, made if missing. Raises UsageError."""
    option = config.getoption("--report")
    if option is None:
        return None
    if not option.strip():
        raise pytest.UsageError("--report is empty; name a directory to write to, for example --report report")
    try:
        directory = _path(config, "--report", option)
    except InputError as error:
        raise pytest.UsageError(str(error)) from error
    try:
        directory.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise pytest.UsageError(f"--report {option}: not a directory to write to ({error.strerror})") from error
    if not os.access(directory, os.W_OK):
        raise pytest.UsageError(f"--report {option}: not writable")
    if others := foreign(directory):
        raise pytest.UsageError(
            f"--report {option}: {' and '.join(others)} there is not a report of this suite and would be overwritten; "
            f"name another directory"
        )
    return directory


def _path(config: pytest.Config, option: str, text: str) -> Path:
    """A path from the command line. Raises DataFileError when it cannot be one."""
    try:
        path = config.invocation_params.dir / Path(text).expanduser()
        path.exists()
    except (OSError, RuntimeError, ValueError) as error:
        raise DataFileError(f"{option} {text}: not a path ({error})") from error
    return path


def _profile(config: pytest.Config) -> str:
    requested = config.getoption("--hypothesis-profile", None)
    return str(requested) if requested else settings.get_current_profile_name()
