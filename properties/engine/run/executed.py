"""A run whose items are done by the workers of an executor; pytest's process reports and records them as they come."""

from __future__ import annotations

import pickle
import secrets
from collections.abc import Callable, Iterator
from concurrent.futures import BrokenExecutor, CancelledError, Executor
from contextlib import ExitStack, contextmanager
from dataclasses import replace

import pytest

from properties.engine.extension import Suite
from properties.engine.run.items import ANSWER, ChosenItem
from properties.engine.run.order import order_of_start, seconds_once
from properties.engine.run.orders import Answer, Terms, carried_out, filters_in_force, order
from properties.engine.run.progress import PROGRESS
from properties.engine.run.run import ExecutorChoice, Run
from theory.errors import ChoiceError, InputError
from theory.streaming.executors import at_once, executor_named, finished


class Executed:
    """Stands in the place of pytest's loop over the items."""

    def __init__(self, choice: ExecutorChoice, run: Run, suite: Callable[[], Suite]) -> None:
        """Take who works, on what, and how workers find the suite. Raises ChoiceError where they could not."""
        self._choice, self._run = choice, run
        self._terms = Terms(
            secrets.token_hex(8),
            suite,
            run.setting,
            run.report,
            run.document.commands,
        )
        try:
            pickle.dumps(self._terms)
        except (pickle.PicklingError, AttributeError, TypeError) as error:
            raise ChoiceError(f"--executor: workers cannot import what gives the suite ({error})") from error

    def pytest_report_header(self) -> str:
        """Who works."""
        workers = "" if self._choice.workers is None else f", {self._choice.workers} workers"
        return f"executor: {self._choice.name}{workers}"

    def pytest_collection_finish(self) -> None:
        """Take which warnings are errors: pytest has its settings of them in force here, as it has while an item runs."""
        self._terms = replace(self._terms, filters=filters_in_force())

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool | None:
        """Run each item when a worker is done with it, which began with the longest; what is only listed is left to pytest."""
        if session.testsfailed or session.config.option.collectonly:
            return None
        items = [item for item in session.items if isinstance(item, ChosenItem)]
        items.sort(key=order_of_start(self._run, seconds_once(self._terms.suite().durations)))
        left = dict(enumerate(items))
        with self._executor() as executor:
            if (progress := session.config.pluginmanager.get_plugin(PROGRESS)) is not None:
                progress.share(at_once(self._choice.name, self._choice.workers))
            for number, answer in self._answers(session, executor, left):
                item = left.pop(number)
                item.stash[ANSWER] = answer
                item.config.hook.pytest_runtest_protocol(item=item, nextitem=next(iter(left.values()), None))
                if session.shouldfail:
                    raise session.Failed(session.shouldfail)
                if session.shouldstop:
                    raise session.Interrupted(session.shouldstop)
        return True

    @contextmanager
    def _executor(self) -> Iterator[Executor]:
        """The executor. Raises UsageError where there is none."""
        with ExitStack() as stack:
            try:
                found = stack.enter_context(executor_named(self._choice.name, self._choice.workers))
            except (InputError, OSError) as error:
                raise pytest.UsageError(f"executor {self._choice.name}: {error}") from error
            yield found

    def _answers(
        self, session: pytest.Session, executor: Executor, items: dict[int, ChosenItem]
    ) -> Iterator[tuple[int, Answer]]:
        """Numbers of items with what came of them, as they come. Raises Session.Interrupted where an order cannot be carried out."""
        orders = [order(number, item.subject, self._terms) for number, item in items.items()]
        try:
            for one, answer in finished(executor, carried_out, orders):
                yield one.number, answer
        except Exception as error:
            raise session.Interrupted(f"executor {self._choice.name}: {_reason(error)}") from error


def _reason(error: Exception) -> str:
    """Why an executor gave no answer, in one line."""
    causes = list(_causes(error))
    for one in causes:
        if isinstance(one, (ImportError, AttributeError)):  # one of an item would be in its answer
            return f"its workers cannot import what the run needs ({one}); install the project where they are, with the same extras"
    if isinstance(error, BrokenExecutor):
        return "a worker ended before it had an answer, killed perhaps for want of memory; what was done until then is kept"
    if isinstance(error, CancelledError):
        return "the scheduler is not reached any more; what was done until then is kept"
    text = str(error) if isinstance(error, InputError) else f"{type(error).__name__}: {error}"
    return " ".join(text.split())


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__
