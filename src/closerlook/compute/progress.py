"""Progress bars that say what runs, how fast and how long it will take; silent where nobody watches."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

from rich.console import Console
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

__all__ = ["Advance", "console", "progress"]

SECONDS_BETWEEN_LINES = 30
console = Console(stderr=True, soft_wrap=True)


class _RateColumn(ProgressColumn):
    """Finished units a second."""

    def __init__(self, unit: str) -> None:
        self.unit = unit
        super().__init__()

    def render(self, task: Task) -> Text:
        speed = task.finished_speed or task.speed
        return Text(f"{speed:,.0f} {self.unit}/s" if speed else "", style="progress.data.speed")


class Advance(Protocol):
    """Says that ``n`` more units are finished, and in a few words how it goes."""

    def __call__(self, n: int, note: str = "") -> None: ...


@contextmanager
def progress(description: str, total: int, unit: str = "images", *, done: int = 0) -> Iterator[Advance]:
    """Show a bar while the block runs; the block calls the yielded function with the number of units finished.

    ``done`` units were finished before. Where standard error is not a terminal, a line is printed every half minute and
    at the end instead.
    """
    if not console.is_terminal:
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
    with Progress(*columns, console=console) as bar:
        task = bar.add_task(description, total=total, completed=done, note="")
        yield lambda n, note="": bar.update(task, advance=n, note=note)


@contextmanager
def _lines(description: str, total: int, unit: str) -> Iterator[Advance]:
    start = spoke = time.perf_counter()
    finished, latest = 0, ""

    def advance(n: int, note: str = "") -> None:
        nonlocal finished, latest, spoke
        finished, latest, now = finished + n, note, time.perf_counter()
        if now - spoke >= SECONDS_BETWEEN_LINES and finished:
            spoke = now
            rate = finished / (now - start)
            left, speed = (total - finished) / rate, f"{rate:,.0f}" if rate >= 10 else f"{rate:.2g}"
            _say(f"{description}: {finished:,} of {total:,} {unit}, {speed}/s, about {left:.0f} s left  {latest}")

    yield advance
    _say(f"{description}: {finished:,} {unit} in {time.perf_counter() - start:.1f} s  {latest}")


def _say(line: str) -> None:
    print(line.rstrip(), file=sys.stderr, flush=True)
