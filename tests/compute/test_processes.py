import os
import pickle
import signal
import subprocess
import sys
import threading
import time

import pytest
from loky.process_executor import BrokenProcessPool

from closerlook.compute.processes import IN_WORK, run_in_processes, usable_cores
from closerlook.errors import CloserlookError


def square(n):
    return n * n, os.getpid()


def refuse(n):
    if n == 2:
        raise CloserlookError(f"{n} cannot be done.")
    return n


def die(n):
    os.kill(os.getpid(), signal.SIGKILL)


def shout(n):
    print("noise on standard output", n, flush=True)
    return n


@pytest.mark.parametrize("workers", [1, 2])
def test_every_task_is_done_once(workers):
    results = dict(run_in_processes(square, range(7), workers))
    assert {task: result for task, (result, _) in results.items()} == {n: n * n for n in range(7)}
    pids = {pid for _, pid in results.values()}
    assert pids == {os.getpid()} if workers == 1 else os.getpid() not in pids and len(pids) <= 2


@pytest.mark.parametrize("workers", [1, 2])
def test_an_error_is_raised_as_it_is(workers):
    with pytest.raises(CloserlookError, match="2 cannot be done") as caught:
        list(run_in_processes(refuse, range(4), workers))
    if workers > 1:  # where it happened is kept, though the process is gone
        assert "in refuse" in str(caught.value.__cause__)


def test_a_worker_that_dies_is_reported():
    with pytest.raises(CloserlookError, match="worker process died"):
        list(run_in_processes(die, range(2), 2))


def test_what_workers_print_does_not_mix_with_their_answers():
    assert sorted(result for _, result in run_in_processes(shout, range(3), 2)) == [0, 1, 2]


class DemandingError(Exception):
    """Unpickles with one argument, takes two."""

    def __init__(self, what, why):
        super().__init__(f"{what} because {why}")


class ClosedError(Exception):
    """Holds what cannot be pickled."""

    def __init__(self, text):
        super().__init__(text)
        self.hold = lambda: None


class Fragile:
    """Can be pickled, and not unpickled."""

    def __reduce__(self):
        return (int, ("not a number",))


def demand(n):
    raise DemandingError("it failed", "it had to")


def close(n):
    raise ClosedError("it is closed")


def unsendable(n):
    return threading.Lock()


def fragile(n):
    return Fragile()


def leave(n):
    sys.exit(3)


@pytest.mark.parametrize(
    ("function", "tasks", "kind", "says"),
    [
        (square, [threading.Lock(), threading.Lock()], pickle.PicklingError, "Could not pickle the task"),
        (square, [Fragile(), Fragile()], BrokenProcessPool, "task has failed to un-serialize"),
        (unsendable, [1, 2], TypeError, "cannot pickle '_thread.lock' object"),
        (fragile, [1, 2], BrokenProcessPool, "result has failed to un-serialize"),
        (demand, [1, 2], RuntimeError, "DemandingError: it failed because it had to"),
        (close, [1, 2], RuntimeError, "ClosedError: it is closed"),
        (leave, [1, 2], RuntimeError, "SystemExit: 3"),
    ],
)
def test_what_cannot_be_sent_is_an_error_not_a_wait(function, tasks, kind, says):
    found = []

    def run():
        try:
            list(run_in_processes(function, tasks, 2))
        except Exception as error:
            found.append(error)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    thread.join(60)
    assert not thread.is_alive(), "it waits for ever"
    (error,) = found
    assert isinstance(error, kind)
    assert says in str(error)


def test_a_caller_that_is_slow_is_not_run_ahead_of(tmp_path):
    """So that results that nobody has taken yet do not fill the memory."""
    tasks = [tmp_path / str(number) for number in range(40)]
    results = run_in_processes(type(tmp_path).touch, tasks, 2)
    next(results)
    time.sleep(1)
    assert len(list(tmp_path.iterdir())) <= 2 * IN_WORK
    assert len(list(results)) == len(tasks) - 1


def test_workers_compute_with_one_thread_each():
    threads = {result for _, result in run_in_processes(os.environ.get, ["OMP_NUM_THREADS"] * 2, 2)}
    assert threads == {"1"}


def test_ctrl_c_ends_it_at_once_and_without_a_word_from_the_workers(tmp_path):
    script = (
        "import sys\n"
        "from closerlook.compute.processes import run_in_processes\n"
        "from pathlib import Path\n"
        "def note(path):\n"
        "    import time\n"
        "    path.touch(); time.sleep(60)\n"
        "try:\n"
        "    list(run_in_processes(note, [Path(sys.argv[1]) / name for name in 'ab'], 2))\n"
        "except KeyboardInterrupt:\n"
        "    print('stopped')\n"
    )
    # In a session of its own, so that the signal reaches its workers, as from a terminal, and not this process
    parent = subprocess.Popen(
        [sys.executable, "-c", script, str(tmp_path)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    deadline = time.monotonic() + 20
    while len(list(tmp_path.iterdir())) < 2 and time.monotonic() < deadline:
        time.sleep(0.05)
    assert len(list(tmp_path.iterdir())) == 2
    os.killpg(parent.pid, signal.SIGINT)
    assert parent.communicate(timeout=10) == ("stopped\n", "")


def test_no_tasks_need_no_workers():
    assert list(run_in_processes(square, [], 4)) == []
    assert usable_cores() >= 1


def test_workers_end_with_a_parent_that_was_killed(tmp_path):
    script = (
        "import sys, time; sys.path.insert(0, sys.argv[1])\n"
        "from closerlook.compute.processes import run_in_processes\n"
        "from slow import note\n"
        "list(run_in_processes(note, [sys.argv[2]] * 2, 2))\n"
    )
    (tmp_path / "slow.py").write_text(
        "import os, time, pathlib\n"
        "def note(folder):\n"
        "    (pathlib.Path(folder) / f'{os.getpid()}.pid').touch()\n"
        "    time.sleep(60)\n"
    )
    parent = subprocess.Popen([sys.executable, "-c", script, str(tmp_path), str(tmp_path)])
    deadline = time.monotonic() + 20
    while len(list(tmp_path.glob("*.pid"))) < 2 and time.monotonic() < deadline:
        time.sleep(0.05)
    pids = [int(path.stem) for path in tmp_path.glob("*.pid")]
    assert len(pids) == 2
    parent.kill()
    parent.wait()
    while any(running(pid) for pid in pids) and time.monotonic() < deadline + 10:
        time.sleep(0.05)
    assert not any(running(pid) for pid in pids)


def running(pid):
    """Alive, and not merely waiting for somebody to ask how it ended."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    state = subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True).stdout
    return bool(state.strip()) and not state.startswith("Z")
