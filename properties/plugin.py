"""The pytest plugin: options to claims to items, the closing table, the report.

Items live in tests/claims/test_claims.py: one per claim, one per mutant, one per obligation, one for the data set. What an item finds
travels as a plain entry on its test report, so that a distributed run records it too.
"""

from __future__ import annotations

import os
import time
import traceback
from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

import theory
from properties.claim import Claim, Depth, InstanceVerdict, Mutant, Verdict
from properties.claims import registry, slack_table
from properties.counterexample import write_counterexample
from properties.coverage import NOT_EXECUTABLE
from properties.datasets import Dataset, load_dataset
from properties.obligations import run_obligation
from properties.profiles import profile_name, register_profiles, under_ci
from properties.report import terminal, wording
from properties.report.document import Document
from properties.report.entries import (
    Certificate,
    Entry,
    chain_entry,
    claim_entry,
    dataset_entry,
    mutant_entry,
    obligation_entry,
    pictures_entry,
    slack_entry,
)
from properties.report.environment import environment
from properties.report.html import write_page
from properties.results import Refutation, Result
from properties.search import run_claim
from properties.seeds import claim_seed, root_seed
from properties.selection import ALL_CLAIMS, defects, selected_claims, selected_obligations
from theory.errors import ChoiceError, InputError
from theory.proofs import chains, obligations
from theory.rigour.obligation import Obligation, Standing
from theory.rigour.provers import PROVERS, Prover

pytest_plugins = ["properties.options"]

CLAIM, MUTANT, OBLIGATION = "registered_claim", "registered_mutant", "registered_obligation"
DATASET, PICTURES = "requested_dataset", "requested_pictures"
"""The arguments by which a test asks for every selected claim, mutant and obligation, for the data set, and the pictures."""

SUBJECTS = (CLAIM, MUTANT, OBLIGATION, DATASET, PICTURES)

register_profiles()


@dataclass
class Run:
    """What the options ask for, and the document that fills up."""

    depth: Depth
    root: int
    claims: tuple[Claim[Any], ...]
    obligations: tuple[Obligation, ...]
    provers: tuple[Prover, ...]
    """They start at their first question."""
    dataset: Dataset | None
    report: Path | None
    document: Document
    selective: bool
    """Whether only claims or a data set were asked for, not the suite's other tests."""
    records: bool
    """Whether this process keeps the document: not so in the workers of a distributed run."""
    pictures: bool
    """Whether the paper's pictures are computed: for a report on every claim, unless it is a quick one."""

    @property
    def mutants(self) -> tuple[Mutant, ...]:
        """The mutants of the selected claims."""
        return tuple(mutant for claim in self.claims for mutant in claim.mutants)

    def subjects(self, argument: str) -> Mapping[str, object]:
        """By name, what a test that takes this argument is run for."""
        found: dict[str, tuple[Claim[Any] | Mutant | Obligation, ...]] = {
            CLAIM: self.claims,
            MUTANT: self.mutants,
            OBLIGATION: self.obligations,
        }
        if argument in found:
            return {subject.id: subject for subject in found[argument]}
        if argument == PICTURES:
            return {"pictures": self.depth} if self.pictures else {}
        return {} if self.dataset is None else {self.dataset.name: self.dataset}

    def again(self, claim_id: str) -> str:
        """The command that repeats one claim and its mutants."""
        return f"again: pytest --claim {claim_id} --depth {self.depth.value} --hypothesis-seed={self.root}"


RUN = pytest.StashKey[Run]()
ENTRY = pytest.StashKey[Entry]()


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """Load the profile and turn the options into a run, before Hypothesis' own plugin applies its options on top."""
    _check_checkout(config)
    depth = Depth(config.getoption("--depth"))
    if config.getoption("--hypothesis-profile", None) is None:
        settings.load_profile(profile_name(depth, os.environ))
    requested, name, target = (config.getoption(option) for option in ("--claim", "--dataset", "--target"))
    try:
        if target is not None and name is None:
            raise ChoiceError("--target names a column of a .csv file given by --dataset")
        claims = selected_claims(registry, requested, name is not None, obligations)
        to_prove = selected_obligations(obligations, chains, requested, name is not None)
        dataset = None if name is None else load_dataset(name, target)
    except InputError as error:
        raise pytest.UsageError(str(error)) from error
    worker: Mapping[str, Any] | None = getattr(config, "workerinput", None)
    seed_option = config.getoption("--hypothesis-seed", None)
    root = root_seed(seed_option, depth, under_ci(os.environ)) if worker is None else int(worker["verification_root"])
    report = _report_directory(config)
    every_claim = ALL_CLAIMS in requested or (not requested and name is None)
    chosen = {claim.id for claim in claims}
    run = Run(
        depth=depth,
        root=root,
        claims=claims,
        obligations=to_prove,
        provers=tuple(Prover(prover) for prover in PROVERS),
        dataset=dataset,
        report=report,
        document=Document(
            {**environment(), "root_seed": root, "depth": depth.value, "profile": _profile(config)},
            order=[
                *(id for claim in claims for id in (claim.id, *(mutant.id for mutant in claim.mutants))),
                *(obligation.id for obligation in to_prove),
            ],
            chains=[chain_entry(chain) for theorem, chain in chains.items() if theorem in chosen],
            slack=[slack_entry(row) for row in slack_table if row.claim in chosen],
            not_executable=NOT_EXECUTABLE,
        ),
        pictures=every_claim and report is not None and depth is not Depth.QUICK,
        selective=bool(requested) or name is not None,
        records=worker is None,
    )
    run.document.expected = len(claims) + len(run.mutants) + len(to_prove) + (dataset is not None) + run.pictures
    config.stash[RUN] = run


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
    return _asks_for(item, SUBJECTS)


def _asks_for(item: pytest.Item, arguments: Sequence[str]) -> bool:
    """Whether one of these arguments is among the item's parameters."""
    parameters: Mapping[str, object] = getattr(getattr(item, "callspec", None), "params", {})
    return not parameters.keys().isdisjoint(arguments)


class Verification:
    """Runs one item: computes its entry, writes its counterexamples, and fails unless it came out as it should."""

    def __init__(self, item: pytest.Item) -> None:
        """Take the item that the entry belongs to."""
        self._item = item
        self._run = item.config.stash[RUN]

    def claim(self, claim: Claim[Any]) -> None:
        """Fail unless the claim holds."""
        outcome, seed = self._search(claim, self._run.depth)
        entry = claim_entry(claim, outcome, self._run.depth.value, seed)
        hints = self._counterexample(entry, claim.statement, outcome)
        self._finish(entry, entry["verdict"] == Verdict.HOLDS.value, wording.claim_failure(entry, hints))

    def mutant(self, mutant: Mutant) -> None:
        """Fail unless the mutant is refuted, at depth normal at least."""
        depth = Depth.NORMAL if self._run.depth is Depth.QUICK else self._run.depth
        outcome, seed = self._search(mutant.claim, depth)  # stops at the first refutation, so this costs little
        entry = mutant_entry(mutant, outcome, depth.value, seed)
        hints = self._counterexample(entry, f"{mutant.description} (mutant of: {mutant.claim.statement})", outcome)
        self._finish(entry, entry["verdict"] == Verdict.REFUTED.value, wording.mutant_failure(entry, hints))

    def obligation(self, obligation: Obligation) -> None:
        """Fail unless every prover proves the obligation and each of its mutants is refuted."""
        entry = obligation_entry(run_obligation(obligation, self._run.provers))
        refuted = all(mutant["status"] == Standing.REFUTED.value for mutant in entry["mutants"])
        passed = entry["status"] == Standing.PROVED.value and refuted
        self._finish(entry, passed, wording.obligation_failure(entry))

    def dataset(self, dataset: Dataset) -> None:
        """Fail when a claim is refuted or undecided on the data set; a condition that is not met there is a result."""
        started = time.perf_counter()
        certificate: Certificate | str
        try:
            certificate = certify(dataset, self._run.depth)
        except Exception as error:
            certificate = _text(error)
        entry = dataset_entry(dataset, certificate, time.perf_counter() - started)
        hints: list[str] = []
        if not isinstance(certificate, str):
            hints = self._dataset_counterexamples(entry, dataset, certificate)
        self._finish(entry, entry["verdict"] == Verdict.HOLDS.value, wording.dataset_failure(entry, hints))

    def pictures(self) -> None:
        """Fail when the data of the paper's pictures cannot be computed."""
        started = time.perf_counter()
        found: Mapping[str, Any] | str
        try:
            found = compute_pictures(self._run.depth, self._run.root)
        except Exception as error:
            found = _text(error)
        entry = pictures_entry(found, time.perf_counter() - started)
        self._finish(entry, not entry["error"], f"the pictures broke off with an error:\n{entry['error']}")

    def _search(self, claim: Claim[Any], depth: Depth) -> tuple[Result | str, int]:
        seed = claim_seed(self._run.root, claim.id)
        try:
            return run_claim(claim, depth, seed), seed
        except Exception as error:
            return _text(error), seed

    def _counterexample(self, entry: Entry, statement: str, outcome: Result | str) -> list[str]:
        hints = [self._run.again(entry["id"].partition("/")[0])]
        if isinstance(outcome, str) or outcome.refutation is None or self._run.report is None:
            return hints
        path = self._write(entry["id"], statement, outcome.refutation, entry["seed"])
        entry["counterexample"] = path.relative_to(self._run.report).as_posix()
        return [*hints, f"counterexample written to {path}"]

    def _dataset_counterexamples(self, entry: Entry, dataset: Dataset, certificate: Certificate) -> list[str]:
        if self._run.report is None:
            return []
        paths = [
            self._write(
                claim_id,
                registry[claim_id].statement if claim_id in registry else claim_id,
                Refutation(evaluation, {"X": dataset.X, "y": dataset.y}, evaluation.precision),
                self._run.root,
            )
            for claim_id, evaluation in certificate.results
            if evaluation.verdict is InstanceVerdict.REFUTED
        ]
        entry["counterexamples"] = [path.relative_to(self._run.report).as_posix() for path in paths]
        return [f"counterexample written to {path}" for path in paths]

    def _write(self, claim_id: str, statement: str, refutation: Refutation, seed: int) -> Path:
        assert self._run.report is not None
        return write_counterexample(
            self._run.report / "counterexamples",
            claim_id,
            statement,
            refutation,
            depth=self._run.depth.value,
            seed=seed,
            environment=self._run.document.environment,
        )

    def _finish(self, entry: Entry, passed: bool, failure: str) -> None:
        self._item.stash[ENTRY] = entry
        if not passed:
            pytest.fail(failure, pytrace=False)


@pytest.fixture
def verification(request: pytest.FixtureRequest) -> Verification:
    """What the items of tests/claims call."""
    return Verification(request.node)


def certify(dataset: Dataset, depth: Depth) -> Certificate:
    """The data set's certificate."""
    from properties.dataset_certificate import certify_dataset

    return certify_dataset(dataset, depth)


def compute_pictures(depth: Depth, seed: int) -> Mapping[str, Any]:
    """The data of the paper's pictures."""
    from properties.pictures import pictures

    return pictures(depth, seed)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Put the item's entry on its report, which a distributed run carries to the recording process."""
    report = yield
    if report.when == "call" and ENTRY in item.stash:
        report.__dict__["verification_entry"] = item.stash[ENTRY]
    return report


class Recorder:
    """Collects the entries of a run and writes the report as it grows."""

    def __init__(self, run: Run) -> None:
        """Take the run whose document fills up."""
        self._run = run

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Take an entry in and rewrite claims.json, so that an interrupt or a kill leaves the results so far."""
        entry = report.__dict__.get("verification_entry")
        if entry is None:
            return
        self._run.document.add(entry)
        if self._run.report is not None:
            self._run.document.write(self._run.report)

    def pytest_sessionfinish(self) -> None:
        """Write the page; a run without results leaves an earlier report alone."""
        if self._run.report is not None and self._run.document.recorded:
            self._run.document.write(self._run.report)
            write_page(self._run.document, self._run.report)

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """End with the data set, the families, pictures and slack in short, the table of claims and the mutants."""
        document = self._run.document
        if not document.recorded:
            return
        for title, lines in (
            ("data set", terminal.dataset_lines(document)),
            ("instances by family", terminal.family_lines(document)),
            ("pictures", terminal.picture_lines(document)),
            ("slack", terminal.slack_lines(document)),
            ("claims", self._claims(document)),
        ):
            if lines:
                terminalreporter.section(title)
                for line in lines:
                    terminalreporter.write_line(line)
        for line in terminal.closing_lines(document):
            terminalreporter.write_line(line)
        if self._run.report is not None:
            terminalreporter.write_line(f"report: {self._run.report / 'index.html'}")

    @staticmethod
    def _claims(document: Document) -> list[str]:
        return [
            *terminal.claim_lines(document),
            *terminal.mutant_lines(document),
            *terminal.obligation_lines(document),
        ]


@pytest.hookimpl(trylast=True)
def pytest_sessionstart(session: pytest.Session) -> None:
    """Start recording, in the process that keeps the document."""
    run = session.config.stash[RUN]
    if run.records:
        session.config.pluginmanager.register(Recorder(run), "verification-recorder")


def _check_checkout(config: pytest.Config) -> None:
    """Refuse to test a checkout with the modules of another one. Raises UsageError."""
    here = config.rootpath / "theory" / "__init__.py"
    used = theory.__file__
    if used is not None and here.is_file() and not here.samefile(used):
        raise pytest.UsageError(
            f"the package theory was imported from {Path(used).parent}, not from {here.parent}: "
            f"install this checkout (pip install -e .) in this environment, or run python -m pytest"
        )


def _report_directory(config: pytest.Config) -> Path | None:
    """The report's directory, made if missing. Raises UsageError."""
    option = config.getoption("--report")
    if option is None:
        return None
    if not option.strip():
        raise pytest.UsageError("--report is empty; name a directory to write to, for example --report report")
    directory = config.invocation_params.dir / Path(option).expanduser()
    try:
        directory.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise pytest.UsageError(f"--report {option}: not a directory to write to ({error.strerror})") from error
    if not os.access(directory, os.W_OK):
        raise pytest.UsageError(f"--report {option}: not writable")
    return directory


def _profile(config: pytest.Config) -> str:
    requested = config.getoption("--hypothesis-profile", None)
    return str(requested) if requested else settings.get_current_profile_name()


def _text(error: Exception) -> str:
    return "".join(traceback.format_exception(error)).rstrip()
