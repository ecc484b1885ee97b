"""A person's images: the unit of work that a process does, and that a stopped run loses at most."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from closerlook.attributes import Level
from closerlook.dataset.shards import SUFFIX
from closerlook.synthesis.generation.design import FACTORS
from closerlook.synthesis.generation.keys import key_of
from closerlook.synthesis.generation.parameters import column, parameter
from closerlook.synthesis.generation.settings import Settings
from closerlook.synthesis.scenes.passing import Step

__all__ = ["WORK_NAME", "Row", "Taken", "Task", "partial_table", "tasks_of"]

WORK_NAME = ".render"
ROW_COLUMNS = (*FACTORS, "backdrop", "file_name")


@dataclass(frozen=True)
class Taken:
    """An image that a camera of a network, by its number, takes at a step of somebody's walk."""

    camera: int
    frame: int
    step: Step


@dataclass(frozen=True)
class Row:
    """One image to be made: its cell of the design, its place, and its file.

    Attributes:
        extra: levels of the scene parameters that are factors, by dotted name, in the design's order.
        taken: by a camera of a network: which, and when.
    """

    viewpoint: Level
    weather: str
    illumination: str
    backdrop: str
    file_name: str
    extra: Mapping[str, Level]
    taken: Taken | None = None

    @functools.cached_property
    def cell(self) -> tuple[str | int, ...]:
        """What keys the image's own randomness."""
        seen = (self.viewpoint,) if self.taken is None else (self.taken.camera, self.taken.frame)
        return key_of(*seen, self.weather, self.illumination, *self.extra.values())


@dataclass(frozen=True)
class Task:
    """One person's images to be made, on a Warp device.

    Attributes:
        labels: the person's part of the data set's table.
    """

    settings: Settings
    out: Path
    identity: int
    rows: tuple[Row, ...]
    labels: pl.DataFrame
    device: str = "cpu"

    @property
    def images(self) -> Path:
        """The person's folder of images, or their shard."""
        return self.out / Path(self.rows[0].file_name).parent

    @property
    def in_shard(self) -> bool:
        """Whether the images go into a Parquet file with their table, not into a folder."""
        return self.images.suffix == SUFFIX

    @property
    def is_done(self) -> bool:
        """Whether all of it was written: the table is last."""
        return (self.images if self.in_shard else partial_table(self.out, self.identity)).exists()


def tasks_of(
    settings: Settings, out: Path, table: pl.DataFrame, extra: Sequence[str], device: str = "cpu"
) -> list[Task]:
    """One task per person; ``extra`` are the table's columns that are scene parameters."""
    names = [parameter(name) for name in extra]
    tasks = []
    for part in table.partition_by("identity", maintain_order=True):
        rows = tuple(
            Row(
                **{name: row[name] for name in ROW_COLUMNS},
                extra={name: row[column(name)] for name in names},
                taken=None if settings.network is None else _taken(row),
            )
            for row in part.iter_rows(named=True)
        )
        tasks.append(Task(settings, out, int(part["identity"][0]), rows, part, device))
    return tasks


def _taken(row: Mapping[str, Any]) -> Taken:
    return Taken(row["camera"], row["frame"], Step(row["walk_x"], row["walk_z"], row["walk_course"]))


def partial_table(root: Path, identity: int) -> Path:
    """Where a person's part of the table is kept until the run ends."""
    return root / WORK_NAME / f"{identity:06d}.parquet"
