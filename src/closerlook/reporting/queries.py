"""What every run of a study reached on every query, with the conditions that the query's image was taken in."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import polars as pl

from closerlook.dataset.dataset import RESERVED
from closerlook.evaluation import Result
from closerlook.study.arms import Run

__all__ = ["conditions", "read_queries"]

RESULT = "result.json"
SCORES = ("query", "draw", "matches", "ap", "inp", "first_hit", "reason", "tied", "tied_matches", "arm")
MOST_LEVELS = 64


def read_queries(folder: Path, runs: Sequence[Run], labels: pl.DataFrame | None) -> pl.DataFrame | None:
    """One row per run and valid query: ``arm``, ``ap``, ``first_hit``, ``camera`` and conditions; None without results.

    Args:
        folder: of the study's runs.
        runs: of the study.
        labels: ``file_name`` and conditions of the queries, where their own table does not hold these.

    Raises:
        CloserlookError: a result is damaged.
    """
    tables = []
    for run in runs:
        path = next((path for path in (folder / f"{run.arm}-{run.seed}", folder / run.arm) if path.is_dir()), None)
        if path is None or not (path / RESULT).exists():
            continue
        table = Result.load(path / RESULT).per_query.filter(pl.col("reason").is_null())
        tables.append(table.with_columns(pl.lit(run.arm).alias("arm")))
    if not tables:
        return None
    queries = pl.concat(tables, how="diagonal_relaxed")
    if labels is not None and "file_name" in queries.columns:
        queries = queries.join(labels, on="file_name", how="left", maintain_order="left")
    return queries


def conditions(queries: pl.DataFrame) -> list[str]:
    """The columns to look at accuracy by: ``camera``, then every one of 2 to 64 levels that says something else."""
    rest = [name for name in queries.columns if name not in (*SCORES, *RESERVED)]
    shown = [name for name in rest if queries[name].dtype == pl.String or queries[name].dtype.is_integer()]
    several = [name for name in ("camera", *shown) if 2 <= queries[name].drop_nulls().n_unique() <= MOST_LEVELS]
    return [name for name in several if name == "camera" or not _renames_camera(queries, name)]


def _renames_camera(queries: pl.DataFrame, name: str) -> bool:
    """Whether a condition tells apart what cameras do: a viewpoint, where each camera has one."""
    pairs = queries.select("camera", name).n_unique()
    return pairs == queries["camera"].n_unique() == queries[name].n_unique()
