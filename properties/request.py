"""What a command line asks for: its options checked, one against the other, and turned into a run."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hypothesis import settings

from properties.baseline import BaselineFile, open_baseline
from properties.claim import Claim, Depth
from properties.coverage import NOT_EXECUTABLE
from properties.datasets import Dataset, load_dataset
from properties.extras import Extra, require_extra
from properties.guard.claims import own_claims
from properties.guard.damping import Damping
from properties.guard.implementation import SINGULAR, Implementation, load_implementation
from properties.ladder import Rung, own_rungs
from properties.paths import encodable, same_file
from properties.profiles import under_ci
from properties.replay import Replay, load_replays
from properties.report.commands import Commands
from properties.report.document import Document
from properties.report.entries import chain_entry, slack_entry
from properties.report.environment import environment
from properties.report.publication import OWN_FILES, foreign
from properties.run import Run
from properties.seeds import root_seed
from properties.selection import ALL_CLAIMS, feasible, selected_claims, selected_obligations, selected_slack
from properties.slack import SlackRow
from properties.transformations import shuffled, standard_columns
from theory import errors
from theory.errors import ChoiceError, DataFileError, ImplementationError
from theory.proofs import Chain
from theory.rigour.obligation import Obligation
from theory.rigour.provers import PROVERS, Prover

if TYPE_CHECKING:
    import pytest


@dataclass(frozen=True)
class Known:
    """What a run may choose from."""

    claims: Mapping[str, Claim[Any]]
    obligations: Mapping[str, Obligation]
    chains: Mapping[str, Chain]
    slack: Sequence[SlackRow]


def requested_run(config: pytest.Config, known: Known) -> Run:
    """The run that the options ask for. Raises InputError: a bad value, or options that do not go together."""
    _check_checkout(config)
    _check_workers(config)
    _check_companions(config)
    implementation = _implementation(config)
    claims_known: Mapping[str, Claim[Any]] = known.claims
    provable = known.obligations
    if implementation is not None:
        claims_known, provable = own_claims(implementation), {}
    depth = Depth(config.getoption("ngd_depth"))
    requested, name = config.getoption("ngd_claim"), config.getoption("ngd_dataset")
    replays = _replays(config, claims_known)
    apart = name is not None or bool(replays)
    selective = bool(requested) or apart or implementation is not None
    claims = selected_claims(claims_known, requested, apart, provable)
    to_prove = selected_obligations(provable, known.chains, requested, apart)
    possible = feasible(claims, to_prove, requested)
    claims, to_prove = possible.claims, possible.obligations
    dataset = None if name is None else _dataset(config, name)
    rungs = None if dataset is None else _own_rungs(config, dataset)
    baseline = _baseline(config, depth, selective)
    report = _report_directory(config)
    root = _root(config, depth)
    every_claim = implementation is None and (ALL_CLAIMS in requested or not (requested or apart))
    pictures = every_claim and report is not None and depth is not Depth.QUICK
    if pictures:
        require_extra(Extra.DATA, f"--report of every claim at depth {depth.value}, with the paper's pictures,")
    chosen = {claim.id for claim in claims}
    run = Run(
        depth=depth,
        root=root,
        registry=claims_known,
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
                **(
                    {}
                    if implementation is None
                    else {"implementation": implementation.name, **_claimed(implementation)}
                ),
            },
            order=[
                *(id for claim in claims for id in (claim.id, *(mutant.id for mutant in claim.mutants))),
                *(obligation.id for obligation in to_prove),
            ],
            chains=[chain_entry(chain) for theorem, chain in known.chains.items() if theorem in chosen],
            slack=[slack_entry(row) for row in selected_slack(known.slack, chosen)],
            not_executable=NOT_EXECUTABLE,
            left_out=possible.left_out,
            commands=_commands(config, implementation),
        ),
        baseline=baseline,
        pictures=pictures,
        selective=selective,
        replays=replays,
        records=not hasattr(config, "workerinput"),
        own=implementation,
    )
    run.document.expected = len(claims) + len(run.mutants) + len(to_prove) + (dataset is not None) + run.pictures
    run.document.expected += len(replays)
    return run


def _claimed(implementation: Implementation) -> dict[str, str]:
    """What the step claims besides its optimiser, for the document."""
    damping = {} if implementation.damping is None else {"damping": implementation.damping.text}
    return damping if implementation.singular == SINGULAR[0] else {**damping, "singular": implementation.singular}


def _check_checkout(config: pytest.Config) -> None:
    """Refuse to test a checkout with the modules of another one. Raises ChoiceError."""
    here = config.rootpath / "theory" / "errors.py"
    ours = (config.rootpath / "properties" / "plugin.py").is_file()
    if ours and here.is_file() and not here.samefile(errors.__file__):
        raise ChoiceError(
            f"the package theory was imported from {Path(errors.__file__).parent}, not from {here.parent}: "
            f"install this checkout (pip install -e .) in this environment, or run python -m pytest"
        )


def _check_workers(config: pytest.Config) -> None:
    """Refuse names that pytest-xdist cannot give to its workers. Raises ChoiceError."""
    distributed = config.getoption("numprocesses", None) or config.getoption("tx", None)
    for name in (*config.invocation_params.args, config.invocation_params.dir):
        if distributed and encodable(str(name)).decode() != str(name):
            raise ChoiceError(
                f"{name}: a name that is not UTF-8 does not reach the workers of a distributed run (-n); "
                f"run without -n, or go through a symbolic link"
            )


def _check_companions(config: pytest.Config) -> None:
    """Refuse options that say nothing without another one, or that contradict each other. Raises ChoiceError."""

    def given(option: str) -> bool:
        return config.getoption(_dest(option)) not in (None, False, [])

    companions = {
        "--target": ("--dataset", "--target names a column of a .csv file given by --dataset"),
        "--shuffle": ("--dataset", "--shuffle reorders the rows of the data set of --dataset"),
        "--standardise": ("--dataset", "--standardise scales the columns of the data set of --dataset"),
        "--width": ("--dataset", "--width is the width at which the data set of --dataset is certified"),
        "--scale": ("--width", "--scale and --symmetric say how the network of --width is initialised"),
        "--symmetric": ("--width", "--scale and --symmetric say how the network of --width is initialised"),
        "--update-baseline": ("--baseline", "--update-baseline writes the file that --baseline names; give both"),
        "--optimiser": ("--implementation", "--optimiser says what the step of --implementation is; give both"),
        "--damping": ("--implementation", "--damping says what the step of --implementation is damped by; give both"),
        "--damping-kind": ("--damping", "--damping-kind says what the eps of --damping is added to; give both"),
        "--singular": ("--implementation", "--singular says what the step of --implementation promises; give both"),
    }
    for option, (other, message) in companions.items():
        if given(option) and not given(other):
            raise ChoiceError(message)
    if given("--singular") and given("--damping"):
        raise ChoiceError("--singular says nothing with --damping: a damped matrix is never singular; give one of them")
    if given("--implementation") and given("--dataset"):
        raise ChoiceError("--implementation runs the claims on a step, --dataset certifies data; give one of them")


def _dest(option: str) -> str:
    """Where pytest keeps the value of an option, by its short name."""
    return f"ngd_{option.removeprefix('--').replace('-', '_')}"


def _implementation(config: pytest.Config) -> Implementation | None:
    """The step of the user's own. Raises ImplementationError."""
    name = config.getoption("ngd_implementation")
    if name is None:
        return None
    optimiser, eps = config.getoption("ngd_optimiser") or "ngd", config.getoption("ngd_damping")
    try:
        damping = None if eps is None else Damping.of(eps, config.getoption("ngd_damping_kind"), optimiser)
        singular = config.getoption("ngd_singular") or SINGULAR[0]
        return load_implementation(name, optimiser, config.invocation_params.dir, damping, singular)
    except ImplementationError as error:
        raise ImplementationError(f"--implementation {name}: {error}") from error


def _replays(config: pytest.Config, known: Mapping[str, Claim[Any]]) -> tuple[Replay, ...]:
    """The files of --replay. Raises CounterexampleError, and ChoiceError with options that ask for something else."""
    paths = config.getoption("ngd_replay")
    for path in paths:
        if not path.strip():
            raise DataFileError(
                "--replay is empty; name a counterexample or a directory, say --replay=report/counterexamples"
            )
        _path(config, "--replay", path)
    others = [
        option for option in ("--claim", "--dataset", "--report", "--baseline") if config.getoption(_dest(option))
    ]
    if paths and others:
        raise ChoiceError(f"--replay evaluates files and nothing else; leave {' and '.join(others)} out")
    return load_replays(paths, config.invocation_params.dir, known)


def _dataset(config: pytest.Config, name: str) -> Dataset:
    """The data set with what is asked to be done to it. Raises what ``load_dataset`` raises, and ScaleError."""
    seed = config.getoption("ngd_shuffle")
    prepare = standard_columns if config.getoption("ngd_standardise") else None
    found = load_dataset(name, config.getoption("ngd_target"), prepare)
    return found if seed is None else shuffled(found, seed)


def _own_rungs(config: pytest.Config, dataset: Dataset) -> tuple[Rung, ...] | None:
    """The networks of the width asked for. Raises WidthError, ScaleError."""
    widths, scale = config.getoption("ngd_width"), config.getoption("ngd_scale")
    if not widths:
        return None
    rows, dim = dataset.X.shape
    return own_rungs(rows, dim, widths, 1.0 if scale is None else scale, config.getoption("ngd_symmetric"))


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


def _commands(config: pytest.Config, implementation: Implementation | None) -> Commands:
    """What the commands need that repeat a part of the run, given where pytest was started."""
    own = () if implementation is None else implementation.options
    report = config.getoption("ngd_report")
    return Commands(own, "" if report is None else str(Path(report).expanduser()), _dataset_options(config))


def _dataset_options(config: pytest.Config) -> list[str]:
    """What a data set's certificate depends on besides its name and the seed."""
    found = []
    for option in ("--target", "--shuffle", "--width", "--scale"):
        value = config.getoption(_dest(option))
        values = [] if value is None else value if isinstance(value, list) else [value]
        found += [f"{option}={one}" for one in values]
    return found + [option for option in ("--standardise", "--symmetric") if config.getoption(_dest(option))]


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
