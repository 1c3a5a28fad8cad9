"""The user's step: found by its name, called on copies of the arrays, its answer taken apart.

``step(weights, signs, X, y, step_size) -> weights`` for the ReLU network ``u(x) = m^{-1/2} sum_r a_r max(w_r . x, 0)`` with
weights W (m, d), signs a (m,) of -1 and +1, unit rows X (n, d) and targets y (n,), all float64; only W is trained, on the loss
``||u - y||^2 / 2``. Whatever a call does wrong is an answer, not an error: it becomes a counterexample.
"""

from __future__ import annotations

import inspect
import re
import traceback
import warnings
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import IntEnum, auto
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from properties.engine.stable_names import stored_as
from properties.guard.damping import Damping
from properties.guard.imported_step import imported_step
from theory.descent.steps import kfac_step, natural_gradient_step
from theory.errors import ImplementationError
from theory.inputs import FloatArray
from theory.network.two_layer import TwoLayerNetwork
from theory.rigour.rounding import UNIT_ROUNDOFF

Step = Callable[..., Any]

OWN_PREFIX = "own-"
"""How ids of claims on a step of the user's own begin."""

OPTIMISERS = ("ngd", "kfac")
"""What an implementation may claim to be."""

SINGULAR = ("pinv", "raises", "unjudged")
"""What a step may promise where G, or H, is singular: the step through the pseudo-inverse; an error; nothing."""

LINEAR_ALGEBRA_ERRORS = ("LinAlgError", "_LinAlgError")
"""NumPy's, and PyTorch's, which is no ValueError."""


@stored_as("step-call")
@dataclass(frozen=True)
class Call:
    """What a step is given once."""

    weights: FloatArray
    """W (m, d)."""
    signs: FloatArray
    inputs: FloatArray
    """X (n, d)."""
    targets: FloatArray
    step_size: float


KEPT_BYTES = 2**27
"""Calls are kept until their arrays take so much; then the oldest are forgotten."""


class Calls:
    """The calls of one step in this process, in order."""

    def __init__(self) -> None:
        """Begin with none."""
        self._kept: deque[Call] = deque()
        self._bytes = 0
        self.made = 0
        """How many there were, those forgotten included."""

    def add(self, call: Call) -> None:
        """Keep one more."""
        self._kept.append(call)
        self.made += 1
        self._bytes += _bytes(call)
        while self._bytes > KEPT_BYTES:
            self._bytes -= _bytes(self._kept.popleft())

    def before(self, count: int) -> tuple[Call, ...]:
        """Those of the first ``count`` calls that are kept still, oldest first."""
        return tuple(islice(self._kept, max(0, count - (self.made - len(self._kept)))))


def _bytes(call: Call) -> int:
    return call.weights.nbytes + call.signs.nbytes + call.inputs.nbytes + call.targets.nbytes


@dataclass(frozen=True)
class Loaded:
    """A step that an implementation's names stand for in this process."""

    step: Step
    directory: Path | None = None
    """Where it can be imported anew; None for one that was made here."""
    calls: Calls = field(default_factory=Calls)
    latest: Returned = field(default_factory=lambda: Returned())


_LOADED: dict[Implementation, Loaded] = {}


@stored_as("implementation")
@dataclass(frozen=True)
class Implementation:
    """A step and what it claims to be; a counterexample file holds the two names, and the step is the one loaded here."""

    name: str
    """As given on the command line, ``module:function``."""
    optimiser: str
    """One of ``OPTIMISERS``."""
    damping: Damping | None = None
    """What it claims to be damped by."""
    singular: str = SINGULAR[0]
    """One of ``SINGULAR``; nothing is singular with damping."""

    @classmethod
    def of(
        cls,
        name: str,
        optimiser: str,
        step: Step,
        damping: Damping | None = None,
        singular: str = SINGULAR[0],
        directory: Path | None = None,
    ) -> Implementation:
        """The implementation of this name and claims, which is ``step`` from now on, and may be imported anew from a directory."""
        found = Implementation(name, optimiser, damping, singular)
        _LOADED[found] = Loaded(step, directory)
        return found

    @property
    def plain(self) -> Implementation:
        """Its name and claims, without the calls that a session may begin with."""
        return Implementation(self.name, self.optimiser, self.damping, self.singular)

    @property
    def options(self) -> tuple[str, ...]:
        """The options by which pytest finds it."""
        damping = () if self.damping is None else self.damping.options
        singular = () if self.singular == SINGULAR[0] else ("--singular", self.singular)
        return "--implementation", self.name, "--optimiser", self.optimiser, *damping, *singular

    @property
    def text(self) -> str:
        """What it claims to be, in words."""
        damping = "" if self.damping is None else f", {self.damping.text}"
        singular = {
            "pinv": "",
            "raises": ", raises where G or H is singular",
            "unjudged": ", singular G or H not judged",
        }
        return f"{self.name} (optimiser {self.optimiser}{damping}{singular[self.singular]})"

    @property
    def loaded(self) -> Loaded:
        """What the name stands for. Raises ImplementationError when none of this name and claims was loaded."""
        if self.plain not in _LOADED:
            raise ImplementationError(f"the step {self.name} was not loaded; give {' '.join(self.options)}")
        return _LOADED[self.plain]

    @property
    def step(self) -> Step:
        """The function. Raises ImplementationError when none of this name and claims was loaded."""
        return self.loaded.step

    @property
    def calls_made(self) -> int:
        """How many calls of it there were in this process."""
        return self.loaded.calls.made

    def answer(self, call: Call) -> Answer:
        """What it returns. Calls of a step that can be imported anew are kept. Raises ImplementationError."""
        loaded = self.loaded
        if loaded.directory is not None:
            loaded.calls.add(call)
        return ask(loaded.step, call, loaded.latest)


def load_implementation(
    name: str,
    optimiser: str,
    directory: Path,
    damping: Damping | None = None,
    singular: str = SINGULAR[0],
) -> Implementation:
    """Import ``module:function``; ``directory``, where pytest was started, goes in front of ``sys.path``.

    Raises ImplementationError, as ``imported_step`` does.
    """
    found = imported_step(name, directory)
    return Implementation.of(name, optimiser, found, damping, singular, directory)


class Trouble(IntEnum):
    """What is wrong with an answer that is none; of several, the first in this order counts for what to change."""

    SINGULAR = auto()
    """It raised, and its type or text, of one line, has the words of a singular matrix, with a space or nothing behind them."""
    SINGULAR_AMID = auto()
    """It raised, and the first line of that has them."""
    RAISED = auto()
    NOTHING = auto()
    """It returned None."""
    SHAPE = auto()
    TYPE = auto()
    UNSTARTED = auto()
    """It returned a coroutine, or a generator."""
    NOT_FINITE = auto()
    ENDED = auto()
    """It ended its process."""


@dataclass(frozen=True)
class Answer:
    """What one call returned."""

    weights: FloatArray | None
    """W' (m, d), finite; None when there is a problem."""
    problem: str
    """What is wrong with the answer, empty when nothing is."""
    unit_roundoff: float = UNIT_ROUNDOFF
    """u of the returned type, not below that of float64."""
    dtype: str = ""
    """The returned type; empty when nothing of a floating-point type was returned."""
    mutated: tuple[str, ...] = ()
    """Arguments that the call has changed."""
    refused: bool = False
    """Whether it raised ValueError, as for a bad argument."""
    declined: bool = False
    """Whether it raised what is raised for a singular matrix: ValueError, ArithmeticError, or a LinAlgError of any library."""
    returned: str = ""
    """What came back in the place of weights, as text: the array, the value, or where the exception was raised."""
    overwrites: bool = False
    """Whether the call has changed the array that the call before returned."""
    trouble: Trouble | None = None
    """The kind of the problem; None when there is none."""


LONGEST = 2000
"""Characters of what came back that are shown."""


class Returned:
    """The array that the latest call of a step has returned, and what it held then."""

    def __init__(self) -> None:
        """Begin with none."""
        self._array, self._content = np.empty(0), np.empty(0)

    def take(self, array: np.ndarray[Any, Any]) -> None:
        """Keep this one."""
        self._array, self._content = array, array.copy()

    @property
    def changed(self) -> bool:
        """Whether it holds something else by now."""
        return self._array.tobytes() != self._content.tobytes()


def ask(step: Step, call: Call, latest: Returned | None = None) -> Answer:
    """Call the step on copies and take its answer apart. Never raises what the step raises.

    ``latest`` is what its call before has returned, and then what this one returns.
    """
    latest = Returned() if latest is None else latest
    kept = {"weights": call.weights, "signs": call.signs, "X": call.inputs, "y": call.targets}
    given = {name: array.copy() for name, array in kept.items()}
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a warning makes no step wrong
            returned = step(*given.values(), call.step_size)
            if deferred := _unstarted(returned):
                said = f"returned {deferred}, not the new weights"
                return Answer(None, said, trouble=Trouble.UNSTARTED)
            array = None if returned is None else np.asarray(returned)
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # exits and skips too: whatever ends the call is an answer
        said = f"raised {type(error).__name__}: {error}"
        refused, declined = isinstance(error, ValueError), _declines(error)
        where, kind = _raised_at(error), _raised(said)
        return Answer(None, said, refused=refused, declined=declined, returned=where, trouble=kind)
    mutated = tuple(name for name, before in kept.items() if not np.array_equal(given[name], before))
    overwrites = latest.changed
    if array is not None and any(np.shares_memory(array, changed) for changed in given.values()):
        array = array.copy()
    problem, trouble = _problem(array, call.weights.shape)
    if array is not None and not problem:
        latest.take(array)
    text = _shown(returned if array is None else array) if problem else ""
    if array is None or array.dtype.kind != "f":
        return Answer(None, problem, mutated=mutated, returned=text, trouble=trouble)
    roundoff = max(float(np.finfo(array.dtype).eps) / 2, UNIT_ROUNDOFF)
    weights = None if problem else array.astype(np.float64)
    name = array.dtype.name
    return Answer(weights, problem, roundoff, name, mutated, returned=text, overwrites=overwrites, trouble=trouble)


SINGULAR_WORDS = "(?i:singular|positive definite)"
"""In texts of other libraries' exceptions: they have no type of their own for it."""


def _raised(text: str) -> Trouble:
    """Of the type's name and its text."""
    if re.fullmatch(rf".*{SINGULAR_WORDS}( .*)?", text):
        return Trouble.SINGULAR
    return Trouble.SINGULAR_AMID if re.match(rf".*{SINGULAR_WORDS}", text) else Trouble.RAISED


def _declines(error: BaseException) -> bool:
    named = any(kind.__name__ in LINEAR_ALGEBRA_ERRORS for kind in type(error).__mro__)
    return named or isinstance(error, ValueError | ArithmeticError)


def _raised_at(error: BaseException) -> str:
    """The line of the step itself that an exception came through."""
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename != __file__]
    return "".join(f"{frame.filename}, line {frame.lineno}, in {frame.name}: {frame.line}" for frame in frames[:1])


def _shown(returned: Any) -> str:
    text = str(returned.tolist()) if isinstance(returned, np.ndarray) else repr(returned)
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}..."


def _unstarted(returned: Any) -> str:
    """What a coroutine or generator is called, which is closed; empty for anything else."""
    if inspect.iscoroutine(returned):
        returned.close()  # or Python warns that it was never awaited
        return "a coroutine"
    if inspect.isgenerator(returned):
        returned.close()
        return "a generator"
    return "an asynchronous generator" if inspect.isasyncgen(returned) else ""


def _problem(array: Any, shape: tuple[int, ...]) -> tuple[str, Trouble | None]:
    if array is None:
        return "returned None, not the new weights", Trouble.NOTHING
    if array.shape != shape:
        return f"returned shape {array.shape}, not (m, d) = {shape}", Trouble.SHAPE
    if array.dtype.kind != "f":
        return f"returned the type {array.dtype}, not a real floating-point type", Trouble.TYPE
    if not np.isfinite(array).all():
        return "returned entries that are not finite", Trouble.NOT_FINITE
    return "", None


def reference(optimiser: str) -> Implementation:
    """The suite's own step in this signature, which raises where G or H is singular."""
    own = {"ngd": natural_gradient_step, "kfac": kfac_step}[optimiser]

    def step(weights: FloatArray, signs: FloatArray, X: FloatArray, y: FloatArray, step_size: float) -> FloatArray:
        return own(TwoLayerNetwork(weights=weights, signs=signs), X, y, step_size).weights

    return Implementation.of(f"theory.descent.steps:{own.__name__}", optimiser, step, singular="raises")
