"""What runs, how fast and how long it will take: as a bar, or in a line now and then where there is no terminal."""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Literal, Protocol

from rich.console import Console
from rich.markup import escape
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    Task,
    TextColumn,
    TimeRemainingColumn,
)
from rich.text import Text

__all__ = ["COLORS", "Advance", "announce", "console", "progress", "silence", "step"]

SECONDS_BETWEEN_LINES = 30
PATIENCE = 5.0  # seconds after which something is said where there is no terminal
COLORS: Literal["auto"] | None = None if os.environ.get("NO_COLOR") else "auto"  # and no bold letters either
console = Console(stderr=True, soft_wrap=True, color_system=COLORS)


class _RateColumn(ProgressColumn):
    """Finished units a second."""

    def __init__(self, unit: str) -> None:
        self.unit = unit
        super().__init__()

    def render(self, task: Task) -> Text:
        speed = task.finished_speed or task.speed
        return Text(_pace(speed, f" {self.unit}") if speed else "", style="progress.data.speed")


class Advance(Protocol):
    """Says that ``n`` more units are finished, and in a few words how it goes."""

    def __call__(self, n: int, note: str = "") -> None: ...


@contextmanager
def progress(description: str, total: int, unit: str = "images", *, done: int = 0) -> Iterator[Advance]:
    """Show a bar while the block runs; the block calls the yielded function with the number of units finished.

    ``done`` units were finished before. Where standard error is not a terminal, or escape codes are not wanted
    (``NO_COLOR``), a line is printed after five seconds, every half minute and at the end instead. Within another bar
    or step there is none.
    """
    if _busy:
        yield lambda n, note="": None
        return
    if not _animated():
        with _lines(description, total - done, unit) as advance:
            yield advance
        return
    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        _RateColumn(unit),
        TimeRemainingColumn(),
        TextColumn("{task.fields[note]}", markup=False),
    )
    with _alone(), Progress(*columns, console=console) as bar:
        task = bar.add_task(description, total=total, completed=done, note="")
        yield lambda n, note="": bar.update(task, advance=n, note=note)


@contextmanager
def step(description: str) -> Iterator[None]:
    """Say what runs while the block does, which is no count of anything: by a spinner, or by a line after five seconds
    where standard error is not a terminal. Within another bar or step nothing is shown."""
    if _busy:
        yield
    elif _animated():
        with _alone(), console.status(escape(description)):
            yield
    else:
        with _alone(), _impatient(lambda: f"{description} ..."):
            yield


def announce(stage: str) -> None:
    """Say in a line, with Rich's markup, what begins or how it is done."""
    if not _silences:
        console.print(stage, highlight=False)


_busy: list[bool] = []  # one for a bar or step that is shown
_silences: list[bool] = []  # one for each that was asked for


def _animated() -> bool:
    return console.is_terminal and not console.is_dumb_terminal and COLORS is not None


@contextmanager
def silence() -> Iterator[None]:
    """No bar, step or stage is shown while the block runs; warnings are."""
    _silences.append(True)
    try:
        with _alone():
            yield
    finally:
        _silences.pop()


@contextmanager
def _alone() -> Iterator[None]:
    _busy.append(True)
    try:
        yield
    finally:
        _busy.pop()


@contextmanager
def _impatient(line: Callable[[], str]) -> Iterator[None]:
    """Print ``line()`` if the block takes longer than one would wait for a sign of life."""
    timer = threading.Timer(PATIENCE, lambda: _say(line()))
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


@contextmanager
def _lines(description: str, total: int, unit: str) -> Iterator[Advance]:
    start = spoke = time.perf_counter()
    finished, latest = 0, ""

    def advance(n: int, note: str = "") -> None:
        nonlocal finished, latest, spoke
        finished, latest, now = finished + n, note, time.perf_counter()
        if now - spoke >= SECONDS_BETWEEN_LINES and 0 < finished < total:
            spoke = now
            rate = finished / (now - start)
            left, pace = (total - finished) / rate, _pace(rate)
            _say(f"{description}: {finished:,} of {total:,} {unit}, {pace}, about {left:.0f} s left  {latest}")

    with _alone(), _impatient(lambda: f"{description}: {finished:,} of {total:,} {unit} ..."):
        yield advance
    _say(f"{description}: {finished:,} {unit} in {time.perf_counter() - start:.1f} s  {latest}")


def _pace(rate: float, unit: str = "") -> str:
    """How fast it goes: units a second, or the seconds that a slow one takes."""
    if rate < 1:
        return f"{1 / rate:,.0f} s each" if rate < 0.1 else f"{1 / rate:.1f} s each"
    return f"{rate:,.0f}{unit}/s" if rate >= 10 else f"{rate:.2g}{unit}/s"


def _say(line: str) -> None:
    print(line.rstrip(), file=sys.stderr, flush=True)
