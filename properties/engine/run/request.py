"""What a command line asks for: its options checked, one against the other, and turned into a run."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hypothesis import settings

from properties.engine.claim import Claim, Depth
from properties.engine.extension import Suite
from properties.engine.extras import Extra, require_extra
from properties.engine.part import Setting
from properties.engine.paths import encodable, same_file
from properties.engine.profiles import under_ci
from properties.engine.replay.replay import Replay, load_replays
from properties.engine.report.commands import Commands
from properties.engine.report.document import Document
from properties.engine.report.entries import chain_entry, slack_entry
from properties.engine.report.environment import environment
from properties.engine.report.history import made
from properties.engine.report.plain import plain
from properties.engine.report.publication import OWN_FILES, foreign
from properties.engine.run.baseline import BaselineFile, open_baseline
from properties.engine.run.run import ExecutorChoice, Run
from properties.engine.seeds import root_seed
from properties.engine.selection import ALL_CLAIMS, feasible, selected_claims, selected_obligations, selected_slack
from theory.errors import ChoiceError, DataFileError
from theory.inputs import positive_count
from theory.proof.provers import PROVERS, Prover
from theory.streaming.executors import THREADS, check_executor

if TYPE_CHECKING:
    import pytest


def requested_run(config: pytest.Config, suite: Suite) -> Run:
    """The run that the options ask for. Raises InputError: a bad value, or options that do not go together."""
    _check_workers(config)
    _check_companions(config, suite)
    suite.check(config)
    executor = _executor(config)
    subject = suite.subject(config)
    claims_known = suite.claims if subject is None else subject.claims
    provable = suite.obligations if subject is None else {}
    depth, requested = Depth(config.getoption("ngd_depth")), config.getoption("ngd_claim")
    replays = _replays(config, claims_known, suite)
    report = config.getoption("ngd_report")
    setting = Setting(depth, _root(config, depth), False, report is not None)
    asked = {kind: part.requested(config, setting) for kind, part in suite.parts.items() if part.apart}
    apart = bool(replays) or any(task is not None for task in asked.values())
    selective = bool(requested) or apart or subject is not None
    if executor is not None and (subject is not None or replays or not selective):
        raise ChoiceError(
            "--executor serves the items of --claim and --dataset, and nothing else: add --claim all, or leave --executor out"
        )
    claims = selected_claims(claims_known, requested, apart, provable)
    to_prove = selected_obligations(provable, suite.chains, requested, apart)
    possible = feasible(claims, to_prove, requested)
    claims, to_prove = possible.claims, possible.obligations
    baseline = _baseline(config, depth, selective)
    directory = _report_directory(config)
    every_claim = subject is None and (ALL_CLAIMS in requested or not (requested or apart))
    setting = replace(setting, every_claim=every_claim)
    asked |= {kind: part.requested(config, setting) for kind, part in suite.parts.items() if not part.apart}
    tasks = tuple(task for kind in suite.parts if (task := asked[kind]) is not None)
    chosen = {claim.id for claim in claims}
    records = not hasattr(config, "workerinput")
    measured = [row for id, rows in suite.measured_slack.items() if records and id in chosen for row in rows()]
    slack = [*suite.slack, *measured]
    run = Run(
        depth=depth,
        root=setting.root,
        registry=claims_known,
        claims=claims,
        provable=suite.obligations,
        obligations=to_prove,
        ties=suite.ties,
        provers=tuple(Prover(prover) for prover in PROVERS),
        tasks=tasks,
        setting=setting,
        report=directory,
        document=Document(
            {
                **environment(),
                "root_seed": setting.root,
                "depth": depth.value,
                "profile": _profile(config),
                **({} if subject is None else subject.environment),
            },
            title=suite.title,
            made={} if directory is None else made(config.rootpath),
            kinds=tuple(suite.parts),
            chapters=[plain(asdict(chapter)) for chapter in suite.chapters],
            order=[
                *(id for claim in claims for id in (claim.id, *(mutant.id for mutant in claim.mutants))),
                *(obligation.id for obligation in to_prove),
            ],
            chains=[chain_entry(chain) for theorem, chain in suite.chains.items() if theorem in chosen],
            slack=[slack_entry(row) for row in selected_slack(slack, chosen)],
            not_executable=suite.not_executable if subject is None else {},
            left_out=possible.left_out,
            commands=Commands(
                () if subject is None else subject.options,
                "" if report is None else str(Path(report).expanduser()),
                {task.kind: task.options for task in tasks},
                suite.console,
            ),
        ),
        baseline=baseline,
        selective=selective,
        replays=replays,
        records=records,
        subject=subject,
        suite=suite if subject is None else None,
        executor=executor,
    )
    run.document.expected = len(claims) + len(run.mutants) + len(to_prove) + len(run.pieces) + len(replays)
    return run


def _check_workers(config: pytest.Config) -> None:
    """Refuse names that pytest-xdist cannot give to its workers. Raises ChoiceError."""
    distributed = config.getoption("numprocesses", None) or config.getoption("tx", None)
    for name in (*config.invocation_params.args, config.invocation_params.dir):
        if distributed and encodable(str(name)).decode() != str(name):
            raise ChoiceError(
                f"{name}: a name that is not UTF-8 does not reach the workers of a distributed run (-n); "
                f"run without -n, or go through a symbolic link"
            )


def _executor(config: pytest.Config) -> ExecutorChoice | None:
    """Who does the items, if not this process. Raises ChoiceError, MissingExtraError, and what a number of workers is wrong with."""
    name, workers = config.getoption("ngd_executor", None), config.getoption("ngd_workers", None)
    if name is None:
        return None
    if config.getoption("numprocesses", None) or config.getoption("tx", None):
        raise ChoiceError("--executor and -n both share the items among processes; give one of them")
    if name == THREADS:
        raise ChoiceError("--executor threads: claims are searched one at a time in a process; take processes")
    check_executor(name)
    return ExecutorChoice(name, None if workers is None else positive_count(workers, "--workers"))


def _check_companions(config: pytest.Config, suite: Suite) -> None:
    """Refuse options that say nothing without another one. Raises ChoiceError."""

    def given(option: str) -> bool:
        return config.getoption(_dest(option), None) not in (None, False, [])

    companions = {
        "--update-baseline": ("--baseline", "--update-baseline writes the file that --baseline names; give both"),
        "--workers": ("--executor", "--workers is how many processes --executor starts; give both"),
        **{option: found for part in suite.parts.values() for option, found in part.companions.items()},
        **suite.companions,
    }
    for option, (other, message) in companions.items():
        if given(option) and not given(other):
            raise ChoiceError(message)


def _dest(option: str) -> str:
    """Where pytest keeps the value of an option, by its short name."""
    return f"ngd_{option.removeprefix('--').replace('-', '_')}"


def _replays(config: pytest.Config, known: Mapping[str, Claim[Any]], suite: Suite) -> tuple[Replay, ...]:
    """The files of --replay. Raises CounterexampleError, and ChoiceError with options that ask for something else."""
    paths = config.getoption("ngd_replay")
    for path in paths:
        if not path.strip():
            raise DataFileError(
                "--replay is empty; name a counterexample or a directory, say --replay=report/counterexamples"
            )
        _path(config, "--replay", path)
    beside = ("--claim", *(f"--{kind}" for kind in suite.parts), "--report", "--baseline")
    others = [option for option in beside if config.getoption(_dest(option), None)]
    if paths and others:
        raise ChoiceError(f"--replay evaluates files and nothing else; leave {' and '.join(others)} out")
    if not paths:
        return ()
    suite.stored()
    return load_replays(paths, config.invocation_params.dir, known, suite.elsewhere)


def _baseline(config: pytest.Config, depth: Depth, selective: bool) -> BaselineFile | None:
    """What to compare the run with, in the process that records it. Raises DataFileError, ChoiceError."""
    option = config.getoption("ngd_baseline")
    if option is None or hasattr(config, "workerinput"):
        return None
    return open_baseline(_path(config, "--baseline", option), config.getoption("ngd_update_baseline"), depth, selective)


def _report_directory(config: pytest.Config) -> Path | None:
    """The report's directory, made if missing. Raises DataFileError, and MissingExtraError where no page can be made."""
    option = config.getoption("ngd_report")
    if option is None:
        return None
    if not option.strip():
        raise DataFileError("--report is empty; name a directory to write to, for example --report=report")
    require_extra(Extra.REPORT, "--report")
    directory = _path(config, "--report", option)
    baseline = config.getoption("ngd_baseline")
    if baseline is not None and config.getoption("ngd_update_baseline"):
        _check_apart(directory, _path(config, "--baseline", baseline))
    try:
        directory.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DataFileError(f"--report {option}: not a directory to write to ({error.strerror})") from error
    if not os.access(directory, os.W_OK):
        raise DataFileError(f"--report {option}: not writable")
    if others := foreign(directory):
        raise DataFileError(
            f"--report {option}: {' and '.join(others)} there is not a report of this suite and would be overwritten; "
            f"name another directory"
        )
    return directory


def _check_apart(directory: Path, baseline: Path) -> None:
    """Refuse to write a baseline to a file that the report of the same run replaces. Raises DataFileError."""
    if any(same_file(baseline, directory / name) for name in OWN_FILES):
        raise DataFileError(
            f"--baseline {baseline}: the report of this run is written there too; name another file for --update-baseline"
        )


def _path(config: pytest.Config, option: str, text: str) -> Path:
    """A path from the command line, absolute, without ``..`` and symbolic links. Raises DataFileError when it cannot be one."""
    try:
        path = (config.invocation_params.dir / Path(text).expanduser()).resolve()
        path.exists()
    except (OSError, RuntimeError, ValueError) as error:
        raise DataFileError(f"{option} {text}: not a path ({error})") from error
    return path


def _root(config: pytest.Config, depth: Depth) -> int:
    """The root seed; that of the recording process in the workers of a distributed run."""
    worker: Mapping[str, Any] | None = getattr(config, "workerinput", None)
    if worker is not None:
        return int(worker["verification_root"])
    return root_seed(config.getoption("--hypothesis-seed", None), depth, under_ci(os.environ))


def _profile(config: pytest.Config) -> str:
    requested = config.getoption("--hypothesis-profile", None)
    return str(requested) if requested else settings.get_current_profile_name()
