"""An experiment's tables, and what follows from them: what :func:`closerlook.validate_gap` returns and saves."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import altair
import numpy as np
import polars as pl

from closerlook.errors import CloserlookError
from closerlook.inputs import VALIDATION_FILE
from closerlook.storage.files import write_json
from closerlook.storage.tables import read_parquet, write_csv, write_parquet
from closerlook.validation.config import ExperimentConfig
from closerlook.validation.figures import measures_figure, scatter_figure
from closerlook.validation.outcome import Before, Outcome, find_outcome, scores_of
from closerlook.validation.runs import table_of_runs
from closerlook.validation.subsets import Candidates

__all__ = ["Validation"]

TABLES = ("subsets", "measures", "candidates", "identities")
REMEDY = "run validate-gap again: finished runs are kept"


@dataclass(frozen=True)
class Validation:
    """Runs on subsets of equal images and people, and what was known of the subsets before.

    Attributes:
        config: what was asked for.
        subsets: one row per subset: ``subset``, ``candidate``, each factor's levels (``sunny+clouds``), ``brightness``.
        measures: ``subset``, ``target``, ``camera`` (null for all), ``measure``, ``value``.
        candidates: the gap of every candidate: ``candidate``, ``target``, ``camera``, ``gap``.
        identities: one row per run, target, person and camera, see :func:`closerlook.validation.runs.make_runs`.
    """

    config: ExperimentConfig
    subsets: pl.DataFrame = field(repr=False)
    measures: pl.DataFrame = field(repr=False)
    candidates: pl.DataFrame = field(repr=False)
    identities: pl.DataFrame = field(repr=False)

    @cached_property
    def runs(self) -> pl.DataFrame:
        """One row per run, target and camera, with its mAP and rank-1; ``camera`` is null for all of a target's."""
        return table_of_runs(self.identities)

    @cached_property
    def outcome(self) -> Outcome:
        """What the targets say."""
        return self._outcome(pl.col("camera").is_null())

    @cached_property
    def of_cameras(self) -> Outcome | None:
        """What the targets' cameras say, each taken for a target; None where they were not asked for."""
        return self._outcome(pl.col("camera").is_not_null()) if self.config.cameras else None

    def _outcome(self, which: pl.Expr) -> Outcome:
        measures, candidates, runs = (
            _labeled(table.filter(which)) for table in (self.measures, self.candidates, self.runs)
        )
        whole = self.identities.with_columns(pl.lit(None, pl.Int64).alias("camera"))
        identities = _labeled(whole) if measures["camera"].null_count() else _labeled(self.identities)
        before = self._before(measures, candidates)
        return find_outcome(before, scores_of(runs, before.number, before.targets), identities, self.config.seed)

    def _before(self, measures: pl.DataFrame, candidates: pl.DataFrame) -> Before:
        targets = tuple(measures["target"].unique(maintain_order=True))
        number = self.subsets["subset"].to_numpy()
        space = Candidates(self.config.chosen)
        values = {}
        for (name,), own in measures.group_by("measure", maintain_order=True):
            wide = own.pivot("target", index="subset", values="value").sort("subset")
            values[str(name)] = wide.select(targets).to_numpy().astype(float)
        gaps = candidates.pivot("target", index="candidate", values="gap").sort("candidate").select(targets).to_numpy()
        return Before(
            targets,
            number,
            values,
            self.subsets["brightness"].to_numpy(),
            gaps.reshape(*space.shape, len(targets)),
            space.places(self.subsets["candidate"].to_numpy()),
            space.sets,
        )

    def figures(self) -> dict[str, altair.TopLevelMixin]:
        """``scatter``: mAP over the gap, one panel per target; ``measures``: how well each measure knows mAP."""
        table = self.runs.filter(pl.col("camera").is_null())
        gap = self.measures.filter((pl.col("measure") == "gap") & pl.col("camera").is_null())
        return {"scatter": scatter_figure(table, gap, self.outcome), "measures": measures_figure(self.outcome)}

    def save(self, folder: str | Path) -> None:
        """Write ``subsets``, ``measures``, ``candidates`` and ``identities`` as Parquet (what :meth:`load` reads),
        ``runs.csv`` and the outcome as ``summary.json``."""
        folder = Path(folder)
        for name in TABLES:
            write_parquet(getattr(self, name), folder / f"{name}.parquet")
        write_csv(self.runs, folder / "runs.csv")
        cameras = None if self.of_cameras is None else asdict(self.of_cameras)
        write_json(folder / "summary.json", _plain({**asdict(self.outcome), "of_cameras": cameras}))

    @classmethod
    def load(cls, folder: str | Path) -> Validation:
        """What :meth:`save` wrote into ``folder``.

        Raises:
            CloserlookError: there is none, it is not finished, or a file is damaged.
        """
        folder = Path(folder)
        config = ExperimentConfig.load(folder)
        if not (folder / "identities.parquet").exists():
            raise CloserlookError(
                f"The experiment in {folder} has not been finished ({VALIDATION_FILE} alone); {REMEDY}."
            )
        return cls(config, *(read_parquet(folder / f"{name}.parquet", remedy=REMEDY) for name in TABLES))


def _labeled(table: pl.DataFrame) -> pl.DataFrame:
    """A target's camera as a target of its own."""
    both = pl.format("{}, camera {}", "target", "camera")
    return table.with_columns(pl.when(pl.col("camera").is_null()).then("target").otherwise(both).alias("target"))


def _plain(value: object) -> Any:
    """As JSON can hold it: what is not a number is null."""
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, float | np.floating):
        return float(value) if math.isfinite(value) else None
    return value
