"""Work spread over processes of this machine, by loky's executor.

Its workers do not import the caller's main module, so that scripts need no main guard, and inherit no threads of torch
or Warp. What it does not do is done here: an exception that cannot be sent keeps its text, Ctrl-C reaches the parent
alone, and workers end when their parent does, however it ended.
"""

from __future__ import annotations

import gc
import os
import pickle
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from typing import TypeVar

from loky.process_executor import ProcessPoolExecutor, TerminatedWorkerError

from closerlook.errors import CloserlookError, UsageError

__all__ = ["run_in_processes", "usable_cores", "worker_count"]

Task = TypeVar("Task")
Result = TypeVar("Result")

IN_WORK = 2  # tasks a worker that are sent ahead of their results: none waits for work, few results wait for the caller


def usable_cores() -> int:
    """Cores that this process may run on."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def worker_count(workers: int | None) -> int:
    """How many processes to use: one per core if ``None``.

    Raises:
        UsageError: it is below 1.
    """
    if workers is not None and workers < 1:
        raise UsageError(f"--workers must be at least 1, not {workers}.")
    return workers or usable_cores()


def run_in_processes(
    function: Callable[[Task], Result], tasks: Sequence[Task], workers: int
) -> Iterator[tuple[Task, Result]]:
    """Apply ``function`` to every task; yields (task, result) as they finish, in any order.

    Args:
        function: what it raises is raised here, with the worker's traceback as its cause, and the rest is stopped. An
            exception that cannot be sent is raised as a RuntimeError with its text.
        tasks: picklable values.
        workers: number of processes; 1 runs everything in this one.

    Raises:
        CloserlookError: a worker died (killed, or out of memory).
        pickle.PicklingError: a task or a result cannot be pickled.
    """
    if workers <= 1 or not tasks:
        for task in tasks:
            yield task, function(task)
        return
    executor = ProcessPoolExecutor(
        min(workers, len(tasks)),
        env={"OMP_NUM_THREADS": "1"},
        initializer=_start_worker,
        initargs=(os.getpid(), function),
    )
    running: dict[Future[Result], Task] = {}
    try:
        for task in tasks:
            running[executor.submit(_call, function, task)] = task
            if len(running) == IN_WORK * workers:
                yield from _finished(running)
        while running:
            yield from _finished(running)
    except TerminatedWorkerError as error:
        died = "A worker process died; the machine may be short of memory. Run it again with fewer workers."
        raise CloserlookError(died) from error
    finally:
        executor.shutdown(kill_workers=bool(running))


def _finished(running: dict[Future[Result], Task]) -> Iterator[tuple[Task, Result]]:
    """Wait for one task and take out all that are done."""
    for future in wait(running, return_when=FIRST_COMPLETED).done:
        result = future.result()
        yield running.pop(future), result


def _call(function: Callable[[Task], Result], task: Task) -> Result:
    """In a worker: the result, or an exception that the parent will get as it is."""
    try:
        return function(task)
    except BaseException as error:
        if not _can_be_sent(error):
            raise RuntimeError(f"{type(error).__name__}: {error}") from error
        raise


def _can_be_sent(error: BaseException) -> bool:
    """Not what ends the process that raises it, what holds something that cannot be pickled, or what takes other
    arguments than it keeps."""
    try:
        pickle.loads(pickle.dumps(error))
    except Exception:  # whatever pickling runs into
        return False
    return isinstance(error, Exception)


def _start_worker(parent: int, function: Callable[[Task], Result]) -> None:
    """In a worker, before its first task; ``function`` has brought its modules by now."""
    if hasattr(os, "setsid"):
        os.setsid()  # a session of its own: Ctrl-C reaches the parent alone, which then stops its workers
    gc.freeze()  # loky collects garbage every second, a tenth of it with torch loaded
    threading.Thread(target=_end_with, args=(parent,), daemon=True).start()


def _end_with(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(0.2)
    os._exit(1)
