"""Who works on the chunks: any ``concurrent.futures.Executor``; one that works at once, threads, processes of this machine, or a Dask cluster."""

from __future__ import annotations

import multiprocessing
import os
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor, wait
from contextlib import contextmanager
from itertools import islice
from multiprocessing import connection
from typing import ParamSpec, TypeVar

from theory.errors import ChoiceError, MissingExtraError

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


@contextmanager
def executor_named(name: str, workers: int | None = None) -> Iterator[Executor]:
    """``serial``; ``processes``, of this machine; ``dask``, a cluster on this machine; the address ``tcp://host:port`` of a scheduler.

    ``workers``: how many, where they are started here; None: one a core. Raises ChoiceError, MissingExtraError.
    """
    if name == SERIAL:
        yield SerialExecutor()
    elif name == THREADS:
        with ThreadPoolExecutor(workers or cores()) as pool:
            yield pool
    elif name == PROCESSES:
        # started anew: what a copy of a process with threads inherits may hang
        context = multiprocessing.get_context("spawn")
        with ProcessPoolExecutor(workers or cores(), context, initializer=end_with_parent) as pool:
            try:
                yield pool
            except BaseException:
                pool.shutdown(wait=False, cancel_futures=True)
                raise
    elif name == DASK or name.startswith(ADDRESSES):
        with _dask(name, workers) as executor:
            yield executor
    else:
        raise ChoiceError(
            f"unknown executor {name!r}; known: {SERIAL}, {THREADS}, {PROCESSES}, {DASK}, and tcp://host:port of a scheduler"
        )


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


def end_with_parent() -> None:
    """In a worker: end when the process that started it does, also when that is killed."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        sentinel = parent.sentinel

        def follow() -> None:
            connection.wait([sentinel])
            os._exit(1)

        threading.Thread(target=follow, daemon=True).start()


@contextmanager
def _dask(name: str, workers: int | None) -> Iterator[Executor]:
    try:
        from distributed import Client, LocalCluster
    except ImportError as error:
        raise MissingExtraError(
            f"executor {name} needs distributed, which is not installed: pip install 'verified-natural-gradient[dask]'"
        ) from error
    if name != DASK:
        with Client(name) as client:
            yield client.get_executor(pure=False)
        return
    local = LocalCluster(
        n_workers=workers or cores(),
        threads_per_worker=1,
        dashboard_address=None,
        scheduler_kwargs={"dashboard_address": f"{LOOPBACK}:0"},  # its health is served even so, at any free port
    )
    with local as cluster, Client(cluster) as client:
        yield client.get_executor(pure=False)
