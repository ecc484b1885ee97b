"""Running a verb as a user does, in this process or in one of its own, and what came of it."""

from __future__ import annotations

import contextlib
import io
import os
import resource
import subprocess
import sys
import time
import traceback
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from unittest import mock

from closerlook import cli

LONGEST = 20.0  # seconds of CPU that a call may take
PROGRAM = "from closerlook.cli import main; main()"


@dataclass(frozen=True)
class Outcome:
    """What a call ended with: exit code, both outputs together, seconds of CPU, and the traceback if there was one."""

    arguments: tuple[str, ...]
    code: int
    text: str
    seconds: float
    trace: str = ""

    @property
    def fault(self) -> str:
        """What is wrong with it, in words; empty where a user has nothing to complain about."""
        if self.trace or "Traceback (most recent call last)" in self.text:
            return "traceback"
        audited = self.arguments[:2] == ("dataset", "audit")
        if self.code not in (0, 1, 2) and not (audited and self.code == 3):
            return f"exit {self.code}"
        if self.code == 1 and "error:" not in self.text.lower():
            return "no message"
        if "Warning:" in self.text:
            return "warning"
        return "too long" if self.seconds > LONGEST else ""

    def __str__(self) -> str:
        return f"closerlook {' '.join(self.arguments)}\n-> {self.code} {self.fault}\n{self.trace or self.text}"


def run(arguments: Sequence[str], cwd: Path) -> Outcome:
    """A call in this process."""
    text, trace, code = io.StringIO(), "", 0
    before, start = Path.cwd(), time.process_time()
    os.chdir(cwd)
    try:
        with (
            contextlib.redirect_stdout(text),
            contextlib.redirect_stderr(text),
            mock.patch.object(sys, "argv", ["closerlook", *arguments]),
            warnings.catch_warnings(),
        ):
            warnings.simplefilter("always", RuntimeWarning)
            cli.main()
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else 1
    except BaseException:
        trace, code = traceback.format_exc(), -1
    finally:
        os.chdir(before)
    return Outcome(tuple(arguments), code, text.getvalue(), time.process_time() - start, trace)


def run_process(arguments: Sequence[str], cwd: Path) -> Outcome:
    """The same call as a process of its own."""
    start = _seconds_of_children()
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, *arguments],
        capture_output=True,
        text=True,
        errors="replace",
        cwd=cwd,
        check=False,
    )
    startup = 6.0  # of the imports, which are not the call's
    return Outcome(
        tuple(arguments), done.returncode, done.stdout + done.stderr, _seconds_of_children() - start - startup
    )


def _seconds_of_children() -> float:
    """CPU seconds of all processes that this one has waited for."""
    spent = resource.getrusage(resource.RUSAGE_CHILDREN)
    return spent.ru_utime + spent.ru_stime


def tree(folder: Path) -> dict[str, tuple[int, int]]:
    """Every file below a folder, with its length and its time of change."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): (path.stat().st_size, path.stat().st_mtime_ns) for path in files}
