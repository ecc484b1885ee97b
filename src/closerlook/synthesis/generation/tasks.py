"""A person's images: the unit of work that a process does, and that a stopped run loses at most."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from closerlook.attributes import Level
from closerlook.synthesis.generation.design import FACTORS
from closerlook.synthesis.generation.keys import key_of
from closerlook.synthesis.generation.parameters import column, parameter
from closerlook.synthesis.generation.settings import Settings

__all__ = ["WORK_NAME", "Row", "Task", "partial_table", "tasks_of"]

WORK_NAME = ".render"
ROW_COLUMNS = (*FACTORS, "backdrop", "file_name")


@dataclass(frozen=True)
class Row:
    """One image to be made: its cell of the design, its place, and its file.

    Attributes:
        extra: levels of the scene parameters that are factors, by dotted name, in the design's order.
    """

    viewpoint: Level
    weather: str
    illumination: str
    backdrop: str
    file_name: str
    extra: Mapping[str, Level]

    @functools.cached_property
    def cell(self) -> tuple[str | int, ...]:
        """What keys the image's own randomness."""
        return key_of(self.viewpoint, self.weather, self.illumination, *self.extra.values())


@dataclass(frozen=True)
class Task:
    """One person's images to be made, on a Warp device."""

    settings: Settings
    out: Path
    identity: int
    rows: tuple[Row, ...]
    device: str = "cpu"


def tasks_of(
    settings: Settings, out: Path, table: pl.DataFrame, extra: Sequence[str], device: str = "cpu"
) -> list[Task]:
    """One task per person; ``extra`` are the table's columns that are scene parameters."""
    names = [parameter(name) for name in extra]
    tasks = []
    for part in table.partition_by("identity", maintain_order=True):
        rows = tuple(
            Row(**{name: row[name] for name in ROW_COLUMNS}, extra={name: row[column(name)] for name in names})
            for row in part.iter_rows(named=True)
        )
        tasks.append(Task(settings, out, int(part["identity"][0]), rows, device))
    return tasks


def partial_table(root: Path, identity: int) -> Path:
    """Where a person's part of the table is kept until the run ends."""
    return root / WORK_NAME / f"{identity:06d}.parquet"
