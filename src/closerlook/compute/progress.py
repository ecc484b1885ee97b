"""Progress bars that say what runs, how fast and how long it will take; silent where nobody watches."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

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

__all__ = ["console", "progress"]

console = Console(stderr=True, soft_wrap=True)


class _RateColumn(ProgressColumn):
    """Finished units a second."""

    def __init__(self, unit: str) -> None:
        self.unit = unit
        super().__init__()

    def render(self, task: Task) -> Text:
        speed = task.finished_speed or task.speed
        return Text(f"{speed:,.0f} {self.unit}/s" if speed else "", style="progress.data.speed")


@contextmanager
def progress(description: str, total: int, unit: str = "images") -> Iterator[Callable[[int], None]]:
    """Show a bar while the block runs; the block calls the yielded function with the number of units finished.

    Where standard error is not a terminal, one line is printed at the end instead.
    """
    if not console.is_terminal:
        start, done = time.perf_counter(), 0

        def count(n: int) -> None:
            nonlocal done
            done += n

        yield count
        seconds = time.perf_counter() - start
        print(f"{description}: {done:,} {unit} in {seconds:.1f} s", file=sys.stderr, flush=True)
        return
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        _RateColumn(unit),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console) as bar:
        task = bar.add_task(description, total=total)
        yield lambda n: bar.advance(task, n)
