"""The suite on natural gradient descent: what of it the engine is given."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from properties.catalogue import claims_by_chapter, measured_slack, not_claims, registry, slack_table
from properties.conformance.subject import elsewhere as elsewhere_library
from properties.conformance.subject import own_library
from properties.dataset.part import DatasetPart
from properties.engine.chapter import Chapter
from properties.engine.extension import Subject, Suite
from properties.engine.paths import same_file
from properties.guard.subject import COMPANIONS, check_contradictions, own_step
from properties.guard.subject import elsewhere as elsewhere_step
from properties.pictures.part import PicturesPart
from theory import errors
from theory.catalogue import chains, obligations, ties_of
from theory.errors import ChoiceError
from verified_natural_gradient.options import CHECKOUT

if TYPE_CHECKING:
    import pytest

    from properties.engine.report.document import Document
    from properties.engine.report.presentation import Opening, Presentation

OBLIGATION = "an inequality for all real numbers, which sampling cannot show: two provers prove it, see the obligations"
"""Why no obligation is a claim."""


PAPER = Chapter("paper", "The paper's theorems", ("T1", "T2", "T3", "T4", "T5"))
"""They come first, before what they rest on and what is sharper."""


def presented() -> Presentation:
    """The sections of the data set and of the pictures, and the formulas; drawing needs an extra."""
    from properties.dataset.report.dataset_section import SECTION as DATASET
    from properties.engine.report.presentation import Presentation
    from properties.formulas import mathematics, notation
    from properties.pictures.report.pictures_section import SECTION as PICTURES

    return Presentation((DATASET, PICTURES), mathematics(), notation(), opening)


def opening(document: Document) -> Opening:
    """The first screen: of the user's step or library where the claims are about one, else of the paper's theorems."""
    from properties.engine.report.own_opening import own_opening
    from properties.pictures.report.paper_opening import paper_opening

    for kind, wrong in (("implementation", "wrong steps"), ("library", "wrong libraries")):
        if kind in document.environment:
            return own_opening(document, str(document.environment[kind]), wrong)
    return paper_opening(document)


def stored() -> Sequence[type]:
    """The instances on data sets, and those on a step or a library of the user's, which the claims do not load."""
    from properties.conformance.claims.state import Running
    from properties.conformance.steps import Solving
    from properties.dataset.topics.kfac_real import RealKronecker
    from properties.dataset.topics.real_data import RealInstance
    from properties.guard.fresh import AfterCalls
    from properties.guard.judgements import FixedInstance
    from properties.guard.singular_instances import SingularInstance

    return (RealInstance, RealKronecker, AfterCalls, FixedInstance, SingularInstance, Solving, Running)


def subject(config: pytest.Config) -> Subject | None:
    """The step or the library that the options name. Raises ImplementationError."""
    return own_step(config) or own_library(config)


def elsewhere(id: str) -> str:
    """What a claim of that id is on a step or a library of the user's; else nothing."""
    return elsewhere_step(id) or elsewhere_library(id)


def check(config: pytest.Config) -> None:
    """Refuse what cannot be run together. Raises ChoiceError."""
    _check_checkout(config)
    check_contradictions(config)
    others = [name for name in ("implementation", "dataset") if config.getoption(f"ngd_{name}")]
    if config.getoption("ngd_conformance") and others:
        raise ChoiceError(f"--conformance runs the claims on a library, --{others[0]} something else; give one of them")


def _check_checkout(config: pytest.Config) -> None:
    """Refuse to test a checkout with the modules of another one. Raises ChoiceError."""
    here = config.rootpath / "theory" / "errors.py"
    ours = (config.rootpath / "properties" / "plugin.py").is_file()
    if ours and here.is_file() and not here.samefile(errors.__file__):
        raise ChoiceError(
            f"the package theory was imported from {Path(errors.__file__).parent}, not from {here.parent}: "
            f"install this checkout (pip install -e .) in this environment, or run python -m pytest"
        )


def header(config: pytest.Config) -> Sequence[str]:
    """What of the checkout's tests is not collected."""
    elsewhere = not same_file(config.rootpath, CHECKOUT)
    if elsewhere or any("peers" in argument for argument in config.args):
        return ()
    return ("not collected: tests/peers, which need PyTorch and JAX (docs/guard.md)",)


SUITE = Suite(
    title="Verified natural gradient descent",
    console="natural-gradient",
    claims=registry,
    chapters=(PAPER, *claims_by_chapter),
    obligations=obligations,
    ties=ties_of,
    chains=chains,
    slack=slack_table,
    measured_slack=measured_slack,
    not_executable={**not_claims, **dict.fromkeys(obligations, OBLIGATION)},
    document=CHECKOUT / "docs" / "theory.md",
    parts={"dataset": DatasetPart(), "pictures": PicturesPart()},
    durations=Path(__file__).with_name("item_seconds.json"),
    presented=presented,
    subject=subject,
    companions=COMPANIONS,
    header=header,
    check=check,
    elsewhere=elsewhere,
    stored=stored,
)
