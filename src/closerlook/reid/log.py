"""The log of a training run: CSV rows every few steps, means over them; for TensorBoard too where it is installed."""

from __future__ import annotations

import csv
import shutil
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import polars as pl

from closerlook.documents import read_text
from closerlook.errors import CloserlookError
from closerlook.files import atomic_path, explain_os_errors

__all__ = ["Log", "read_log"]

FILE = "log.csv"
EVERY = 10
REMEDY = "Delete it: only the record of the losses is lost."


class Log:
    """Appends to ``log.csv``, ``validation.csv`` and ``tensorboard/`` in ``folder``.

    ``start`` drops what was logged of steps that a resumed run is going to do again.
    """

    def __init__(self, folder: Path) -> None:
        self.path = folder / FILE
        self.validation_path = folder / "validation.csv"
        self.board_path = folder / "tensorboard"
        self.latest: dict[str, float] = {}
        self._sums: dict[str, float] = {}
        self._steps = 0
        self._since = time.perf_counter()
        self._board: Any = None

    def start(self, step: int) -> None:
        """Keep the rows up to ``step`` of an earlier part of this run."""
        _keep_rows(self.path, step)
        if self.validation_path.is_file():
            _keep_rows(self.validation_path, step)
        if not step:
            shutil.rmtree(self.board_path, ignore_errors=True)
        self._board = _board(self.board_path, step + 1)
        self._since = time.perf_counter()

    def close(self) -> None:
        """Write what is left."""
        if self._board is not None:
            self._board.close()

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
        self._append(self.path, {"step": step, "learning_rate": rate, **self.latest, "images_per_second": speed})
        self._sums, self._steps, self._since = {}, 0, now

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
            writer.writerow(f"{value:.6g}" for value in row.values())
        if self._board is not None:
            step = int(row["step"])
            for name, value in row.items():
                if name != "step":
                    self._board.add_scalar(f"{path.stem}/{name}", value, step)


def _board(folder: Path, first: int) -> Any:
    """A writer for TensorBoard that begins at step ``first``; None where TensorBoard is not installed."""
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError:
        return None
    return SummaryWriter(str(folder), purge_step=first)


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
        table = pl.read_csv(text.encode(), infer_schema_length=None)
    except pl.exceptions.PolarsError as error:
        raise CloserlookError(f"{path} is damaged: {str(error).splitlines()[0]}. {REMEDY}") from None
    if "step" not in table.columns or not table["step"].dtype.is_integer():
        raise CloserlookError(f"{path} is damaged: it has no column 'step' of whole numbers. {REMEDY}")
    for name, kind in table.schema.items():
        if not (kind.is_numeric() or kind == pl.Null):
            raise CloserlookError(f"{path} is damaged: its column '{name}' does not hold numbers. {REMEDY}")
    return table.unique("step", keep="last", maintain_order=True)


def _keep_rows(path: Path, step: int) -> None:
    """Cut a log at ``step``; an absent one becomes empty.

    Raises:
        CloserlookError: it is damaged.
    """
    lines = read_text(path, REMEDY).splitlines() if step and path.exists() else []
    steps = [line.partition(",")[0] for line in lines[1:]]
    if not all(number.isdecimal() and number.isascii() for number in steps):
        raise CloserlookError(f"{path} is damaged: a row does not begin with the number of a step. {REMEDY}")
    rows = lines[:1] + [line for line, number in zip(lines[1:], steps, strict=True) if int(number) <= step]
    with atomic_path(path) as draft:
        draft.write_text("".join(f"{row}\n" for row in rows))
