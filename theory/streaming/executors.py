"""Who works: any ``concurrent.futures.Executor``; one that works at once, threads, processes of this machine, or a Dask cluster."""

from __future__ import annotations

import importlib.util
import logging
import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor, wait
from contextlib import contextmanager
from itertools import islice
from multiprocessing import connection
from typing import TYPE_CHECKING, ParamSpec, TypeVar

from theory.errors import ChoiceError, MissingExtraError

if TYPE_CHECKING:
    from distributed import Client

LOOPBACK = "127.0.0.1"

SERIAL, THREADS, PROCESSES, DASK = "serial", "threads", "processes", "dask"

ADDRESSES = ("tcp://", "tls://", "ucx://", "ws://", "wss://")

Parameters = ParamSpec("Parameters")
Answer = TypeVar("Answer")
Task = TypeVar("Task")

WAITING = 1024
"""Tasks that may wait for a worker."""


class SerialExecutor(Executor):
    """Works in the process that asks, at the moment when it is asked."""

    def submit(
        self, fn: Callable[Parameters, Answer], /, *args: Parameters.args, **kwargs: Parameters.kwargs
    ) -> Future[Answer]:
        """A future that is done."""
        future: Future[Answer] = Future()
        try:
            future.set_result(fn(*args, **kwargs))
        except Exception as error:
            future.set_exception(error)
        return future


def check_executor(name: str) -> None:
    """Whether there is such an executor; none is started. Raises ChoiceError, MissingExtraError."""
    if name in (SERIAL, THREADS, PROCESSES):
        return
    if name != DASK and not name.startswith(ADDRESSES):
        raise ChoiceError(
            f"unknown executor {name!r}; known: {SERIAL}, {THREADS}, {PROCESSES}, {DASK}, and tcp://host:port of a scheduler"
        )
    if importlib.util.find_spec("distributed") is None:
        raise MissingExtraError(
            f"executor {name} needs distributed, which is not installed: pip install 'verified-natural-gradient[dask]'"
        )


@contextmanager
def executor_named(name: str, workers: int | None = None) -> Iterator[Executor]:
    """``serial``; ``threads`` or ``processes``, of this machine; ``dask``, a cluster on this machine; the address ``tcp://host:port`` of a scheduler.

    ``workers``: how many, where they are started here; None: one a core. What is left undone when an error or an interrupt leaves
    the context is given up. Raises ChoiceError, MissingExtraError, and OSError where there is no scheduler.
    """
    check_executor(name)
    if name == SERIAL:
        yield SerialExecutor()
    elif name == THREADS:
        with ThreadPoolExecutor(workers or cores()) as pool:
            yield pool
    elif name == PROCESSES:
        with _processes(workers or cores()) as pool:
            yield pool
    else:
        with _dask(name, workers) as executor:
            yield executor


def at_once(name: str, workers: int | None = None) -> int:
    """How many tasks are worked on at a time by the executor of that name and number of workers; ask while it is there."""
    if name == SERIAL:
        return 1
    if name in (THREADS, PROCESSES):
        return workers or cores()
    from distributed import get_client

    return max(1, sum(int(threads) for threads in get_client().nthreads().values()))


def finished(
    executor: Executor, function: Callable[[Task], Answer], tasks: Iterable[Task]
) -> Iterator[tuple[Task, Answer]]:
    """Each task with the function's answer, as they are finished; after an error no further one begins.

    Raises what the function or the executor raises.
    """
    left, running = iter(tasks), dict[Future[Answer], Task]()
    try:
        while True:
            for task in islice(left, WAITING - len(running)):
                running[executor.submit(function, task)] = task
                if all(future.done() for future in running):  # by an executor that works at once
                    break
            if not running:
                return
            for future in wait(running, return_when=FIRST_COMPLETED).done:
                yield running.pop(future), future.result()
    except BaseException:
        for future in running:
            future.cancel()
        raise


def cores() -> int:
    """The cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def end_with(parent: connection.Connection) -> None:
    """In a worker: end at once when the other end of the pipe is closed, as it is when the process that holds it ends, however it does.

    An interrupt from the keyboard reaches all processes; what it means is that one's to say.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)

    def follow() -> None:
        connection.wait([parent])
        os._exit(1)

    threading.Thread(target=follow, daemon=True).start()


@contextmanager
def _processes(workers: int) -> Iterator[Executor]:
    # started anew: what a copy of a process with threads inherits may hang
    context = multiprocessing.get_context("spawn")
    theirs, ours = context.Pipe(duplex=False)
    with ours, theirs, ProcessPoolExecutor(workers, context, initializer=end_with, initargs=(theirs,)) as pool:
        try:
            yield pool
        except BaseException:
            ours.close()
            pool.shutdown(wait=False, cancel_futures=True)
            raise


@contextmanager
def _dask(name: str, workers: int | None) -> Iterator[Executor]:
    from distributed import Client, LocalCluster

    if name != DASK:
        with Client(name) as client:
            _check_workers(client)
            yield client.get_executor(pure=False)
        return
    local = LocalCluster(
        n_workers=workers or cores(),
        threads_per_worker=1,
        dashboard_address=None,
        scheduler_kwargs={"dashboard_address": f"{LOOPBACK}:0"},  # its health is served even so, at any free port
        silence_logs=logging.ERROR,  # workers warn of what an interrupt has cancelled
    )
    with local as cluster, Client(cluster) as client:
        yield client.get_executor(pure=False)


def _check_workers(client: Client) -> None:
    """Refuse workers without this project: one ends at the first task, and Dask waits for another. Raises ChoiceError."""
    project = __name__.partition(".")[0]
    found = client.run(importlib.util.find_spec, project)
    if without := [worker for worker, place in found.items() if place is None]:
        raise ChoiceError(
            f"{', '.join(without)} cannot import {project}; install the project where the workers are, with the same extras"
        )
