"""The log of a training run: CSV rows every few steps, means over them; for TensorBoard too where it is installed.

How long the steps took is kept apart, in ``timing.csv``: all else is the same for every run with the same inputs,
stopped and continued or not.
"""

from __future__ import annotations

import csv
import io
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import polars as pl

from closerlook.errors import CloserlookError, first_line
from closerlook.reid.board import Board
from closerlook.storage.documents import read_text
from closerlook.storage.files import atomic_path, explain_os_errors

__all__ = ["Log", "read_log", "seconds_of"]

FILE = "log.csv"
EVERY = 10
REMEDY = "Delete it: only the record of the losses is lost."
TIMING = "timing.csv"
DIGITS = {"step": 15, "seconds": 9}  # of the rest, 6


class Log:
    """Appends to ``log.csv``, ``validation.csv``, ``timing.csv`` and ``tensorboard/`` in ``folder``.

    ``start`` drops what was logged of steps that a resumed run is going to do again.
    """

    def __init__(self, folder: Path) -> None:
        self.path = folder / FILE
        self.validation_path = folder / "validation.csv"
        self.timing_path = folder / TIMING
        self.board_path = folder / "tensorboard"
        self.latest: dict[str, float] = {}
        self._sums: dict[str, float] = {}
        self._steps = 0
        self._since = 0.0
        self._row: dict[str, float] = {}
        self._written = 0
        self._board: Board | None = None

    def start(self, step: int, state: Mapping[str, Any]) -> None:
        """Keep the rows up to ``step`` of an earlier part of this run, whose :attr:`state` was then this."""
        written = int(state.get("written", 0))  # a row of steps that the state still holds is going to be written again
        for path, last in ((self.path, written), (self.timing_path, written), (self.validation_path, step)):
            if path == self.path or path.is_file():
                _keep_rows(path, last)
        if not step:
            shutil.rmtree(self.board_path, ignore_errors=True)
        self._board = _board(self.board_path, step + 1)
        if state:
            self.latest, self._sums, self._row = (dict(state[name]) for name in ("latest", "sums", "row"))
            self._steps, self._since, self._written = int(state["steps"]), float(state["since"]), written

    @property
    def state(self) -> dict[str, Any]:
        """What is not written yet, for a checkpoint."""
        return {
            "latest": self.latest,
            "sums": self._sums,
            "steps": self._steps,
            "since": self._since,
            "written": self._written,
            "row": self._row,
        }

    def close(self) -> None:
        """Write what is left, of a run that was stopped early too."""
        self._write()
        if self._board is not None:
            self._board.close()

    def add(self, step: int, rate: float, images: int, losses: Mapping[str, float], seconds: float) -> None:
        """Count one step; write a row where one is due.

        Args:
            rate: the learning rate.
            images: that the step took.
            seconds: that the run has taken so far, all its parts together.
        """
        for name, value in losses.items():
            self._sums[name] = self._sums.get(name, 0.0) + value
        self._steps += 1
        self._row = {"step": step, "learning_rate": rate, "images": images, "seconds": seconds}
        if not self.latest:
            self.latest = dict(losses)
        if step % EVERY == 0:
            self._write()

    def _write(self) -> None:
        """A row of the means over the steps since the last one, if there are any."""
        if not self._steps:
            return
        row, self.latest = self._row, {name: value / self._steps for name, value in self._sums.items()}
        took = row["seconds"] - self._since
        speed = self._steps * row["images"] / took if took > 0 else 0.0
        self._append(self.path, {"step": row["step"], "learning_rate": row["learning_rate"], **self.latest})
        times = {"step": row["step"], "seconds": row["seconds"], "images_per_second": speed}
        self._append(self.timing_path, times)
        self._sums, self._steps, self._since, self._written = {}, 0, row["seconds"], int(row["step"])

    def summary(self) -> str:
        """The latest losses in a few words."""
        return "  ".join(f"{name} {value:.3f}" for name, value in self.latest.items())

    def validated(self, step: int, score: float) -> None:
        """Write the mAP of a validation."""
        self._append(self.validation_path, {"step": step, "mAP": score})

    def _append(self, path: Path, row: Mapping[str, float]) -> None:
        with explain_os_errors(path), path.open("a", newline="") as file:
            writer = csv.writer(file, lineterminator="\n")
            if file.tell() == 0:
                writer.writerow(row)
            writer.writerow(f"{value:.{DIGITS.get(name, 6)}g}" for name, value in row.items())
        if self._board is not None:
            self._board.add(path.stem, row)


def _board(folder: Path, first: int) -> Board | None:
    """A writer for TensorBoard that begins at step ``first``; None where TensorBoard is not installed."""
    try:
        return Board(folder, first)
    except ImportError:
        return None


def read_log(folder: Path) -> pl.DataFrame | None:
    """The losses of a finished run by step, from its ``log.csv``; None where there is none.

    Raises:
        CloserlookError: it is damaged.
    """
    path = folder / FILE
    if not path.exists():
        return None
    text = read_text(path, REMEDY)
    try:
        table = pl.read_csv(io.BytesIO(text.encode()), infer_schema_length=None)
    except pl.exceptions.PolarsError as error:
        raise CloserlookError(f"{path} is damaged: {first_line(error)}. {REMEDY}") from None
    if "step" not in table.columns or not table["step"].dtype.is_integer():
        raise CloserlookError(f"{path} is damaged: it has no column 'step' of whole numbers. {REMEDY}")
    for name, kind in table.schema.items():
        if not (kind.is_numeric() or kind == pl.Null):
            raise CloserlookError(f"{path} is damaged: its column '{name}' does not hold numbers. {REMEDY}")
    return table.unique("step", keep="last", maintain_order=True)


def seconds_of(folder: Path) -> float:
    """How long the run in ``folder`` took, all its parts together; 0 where that is not known."""
    try:
        with (folder / TIMING).open(newline="") as file:
            return float([row["seconds"] for row in csv.DictReader(file)][-1])
    except (OSError, ValueError, KeyError, TypeError, IndexError):
        return 0.0


def _keep_rows(path: Path, step: int) -> None:
    """Cut a log at ``step``; an absent one becomes empty. A row that is cut short is not kept.

    Raises:
        CloserlookError: it is damaged.
    """
    lines = read_text(path, REMEDY).splitlines(keepends=True) if step and path.exists() else []
    whole = [line.rstrip("\n") for line in lines if line.endswith("\n")]
    steps = [line.partition(",")[0] for line in whole[1:]]
    if not all(number.isdecimal() and number.isascii() for number in steps):
        raise CloserlookError(f"{path} is damaged: a row does not begin with the number of a step. {REMEDY}")
    rows = whole[:1] + [line for line, number in zip(whole[1:], steps, strict=True) if int(number) <= step]
    with atomic_path(path) as draft:
        draft.write_text("".join(f"{row}\n" for row in rows))
