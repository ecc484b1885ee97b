"""Work spread over processes of this machine.

Not multiprocessing: its workers import the caller's main module again, which breaks scripts without a main guard. Here
a worker imports the named function only. Workers end when their parent does, however it ended.
"""

from __future__ import annotations

import contextlib
import os
import pickle
import queue
import subprocess
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterable, Iterator
from typing import Any, TypeVar

from closerlook.errors import CloserlookError, UsageError

__all__ = ["run_in_processes", "usable_cores", "worker_count"]

Task = TypeVar("Task")
Result = TypeVar("Result")

_START = "from closerlook.compute.processes import serve; serve()"


def usable_cores() -> int:
    """Cores that this process may run on."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def worker_count(workers: int | None) -> int:
    """How many processes to use: one a core if ``None``.

    Raises:
        UsageError: it is below 1.
    """
    if workers is not None and workers < 1:
        raise UsageError(f"--workers must be at least 1, not {workers}.")
    return workers or usable_cores()


def run_in_processes(
    function: Callable[[Task], Result], tasks: Iterable[Task], workers: int
) -> Iterator[tuple[Task, Result]]:
    """Apply ``function`` to every task; yields (task, result) as they finish, in any order.

    Args:
        function: a module-level function; what it raises is raised here, and the rest is stopped. An exception that
            cannot be sent is raised as a RuntimeError with its text.
        tasks: picklable values.
        workers: number of processes; 1 runs everything in this one.

    Raises:
        CloserlookError: a worker died (killed, or out of memory).
        TypeError: a task or a result cannot be pickled.
    """
    if workers <= 1:
        for task in tasks:
            yield task, function(task)
        return
    waiting: queue.SimpleQueue[Task] = queue.SimpleQueue()
    for task in tasks:
        waiting.put(task)
    total = waiting.qsize()
    done: queue.SimpleQueue[tuple[Task, Any, BaseException | None]] = queue.SimpleQueue()
    processes = [_start_worker() for _ in range(min(workers, total))]
    for process in processes:
        threading.Thread(target=_feed, args=(process, function, waiting, done), daemon=True).start()
    try:
        for _ in range(total):
            task, result, error = done.get()
            if error is not None:
                raise error
            yield task, result
    finally:
        for process in processes:
            process.kill()
            process.wait()


def _start_worker() -> subprocess.Popen[bytes]:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path)), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-c", _START, str(os.getpid())]
    # A session of its own, so that Ctrl-C reaches the parent alone, which then stops its workers.
    return subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment, start_new_session=True
    )


def _feed(
    process: subprocess.Popen[bytes],
    function: Callable[[Task], Result],
    waiting: queue.SimpleQueue[Task],
    done: queue.SimpleQueue[tuple[Task, Any, BaseException | None]],
) -> None:
    """Hand one worker task after task, until none is left or it fails."""
    assert process.stdin and process.stdout
    with contextlib.suppress(queue.Empty):
        while True:
            task = waiting.get_nowait()
            try:
                pickle.dump(_pickled((function, task), "task"), process.stdin)
                process.stdin.flush()
                result, error = pickle.load(process.stdout)
            except (EOFError, OSError, pickle.UnpicklingError):
                died = "A worker process died; the machine may be short of memory. Run it again with fewer workers."
                result, error = None, CloserlookError(died)
            except Exception as trouble:  # whatever it is, the caller must hear of it: it waits for this answer
                result, error = None, trouble
            done.put((task, result, error))
            if error is not None:
                return


def serve() -> None:
    """A worker's life: read (function, task) from standard input, write (result, error) to standard output."""
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # whatever else prints must not end up between the answers
    threading.Thread(target=_end_with, args=(int(sys.argv[1]),), daemon=True).start()
    while True:
        try:
            message = pickle.load(sys.stdin.buffer)
        except EOFError:
            return
        try:
            function, task = pickle.loads(message)
            answer = _pickled((function(task), None), "result")
        except Exception as error:  # handed to the parent, which raises it
            error.add_note("".join(traceback.format_exception(error)))
            answer = pickle.dumps((None, _sendable(error)))
        answers.write(answer)
        answers.flush()


def _pickled(value: object, what: str) -> bytes:
    """All of a message before any of it is sent: half a message would leave the other side waiting.

    Raises:
        TypeError: it cannot be pickled.
    """
    try:
        return pickle.dumps(value)
    except Exception as error:  # PicklingError, TypeError, AttributeError, RecursionError, what __reduce__ raises
        raise TypeError(f"A {what} of parallel work cannot be pickled: {error}") from None


def _sendable(error: Exception) -> Exception:
    """The error, if the parent will get it as it is; else its text and notes."""
    try:
        pickle.loads(pickle.dumps(error))
    except Exception:  # what it holds cannot be pickled, or its class takes other arguments than it keeps
        plain = RuntimeError(f"{type(error).__name__}: {error}")
        for note in getattr(error, "__notes__", ()):
            plain.add_note(note)
        return plain
    return error


def _end_with(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(0.2)
    os._exit(1)
