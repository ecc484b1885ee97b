"""The log of a training run: one CSV row every few steps, means over them."""

from __future__ import annotations

import csv
import time
from collections.abc import Mapping
from pathlib import Path

from closerlook.files import atomic_path, explain_os_errors

__all__ = ["Log"]

EVERY = 10


class Log:
    """Appends to ``path``; ``start`` drops the rows of steps that a resumed run is going to do again."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.latest: dict[str, float] = {}
        self._sums: dict[str, float] = {}
        self._steps = 0
        self._since = time.perf_counter()

    def start(self, step: int) -> None:
        """Keep the rows up to ``step`` of an earlier part of this run."""
        rows: list[str] = []
        if step and self.path.is_file():
            lines = self.path.read_text().splitlines()
            rows = lines[:1] + [line for line in lines[1:] if int(line.partition(",")[0]) <= step]
        with atomic_path(self.path) as draft:
            draft.write_text("".join(f"{row}\n" for row in rows))
        self._since = time.perf_counter()

    def add(self, step: int, rate: float, images: int, losses: Mapping[str, float], *, last: bool) -> None:
        """Count one step; write a row where one is due."""
        for name, value in losses.items():
            self._sums[name] = self._sums.get(name, 0.0) + value
        self._steps += 1
        if not self.latest:
            self.latest = dict(losses)
        if step % EVERY and not last:
            return
        now = time.perf_counter()
        self.latest = {name: value / self._steps for name, value in self._sums.items()}
        speed = self._steps * images / (now - self._since)
        self._append({"step": step, "learning_rate": rate, **self.latest, "images_per_second": speed})
        self._sums, self._steps, self._since = {}, 0, now

    def summary(self) -> str:
        """The latest losses in a few words."""
        return "  ".join(f"{name} {value:.3f}" for name, value in self.latest.items())

    def _append(self, row: Mapping[str, float]) -> None:
        with explain_os_errors(self.path), self.path.open("a", newline="") as file:
            writer = csv.writer(file, lineterminator="\n")
            if file.tell() == 0:
                writer.writerow(row)
            writer.writerow(f"{value:.6g}" for value in row.values())
