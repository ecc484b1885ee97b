"""Train one model per subset and seed, in an order drawn beforehand, and score each on every target.

What has been run at any time is a random part of the experiment, so that it can be stopped and resumed. A run is
not made again unless something that it depends on has changed.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from closerlook.compute.progress import announce
from closerlook.dataset import Dataset
from closerlook.dataset.fingerprint import fingerprint
from closerlook.evaluation import Protocol, evaluate
from closerlook.randomness import keyed_rng
from closerlook.reid import Model, Recipe, train
from closerlook.reid.folder import RunFolder
from closerlook.storage.files import write_json
from closerlook.storage.keys import Key, plain
from closerlook.study.scores import SCORE, Score, read_score

__all__ = ["PlannedRun", "make_runs", "plan_runs", "table_of_runs"]

FORMAT = 1  # raise it when the same inputs would give other scores
IDENTITIES = {"target": pl.String, "identity": pl.Int64, "camera": pl.Int64, "queries": pl.Int64}
IDENTITIES |= {"ap": pl.Float64, "rank1": pl.Float64}


@dataclass(frozen=True)
class PlannedRun:
    """A subset by its number, or a random control by -1, -2, ..., and a seed."""

    subset: int
    seed: int

    @property
    def name(self) -> str:
        """What its folder is called."""
        return f"{'random' if self.subset < 0 else 'subset'}-{abs(self.subset)}-seed-{self.seed}"


class _Score(Score):
    """What ``score.json`` holds: everything that a run depends on, and one row per target, person and camera."""

    identities: dict[str, list[Any]]


def plan_runs(subsets: int, controls: int, seeds: int, again: float, seed: int) -> list[PlannedRun]:
    """All runs, shuffled; subsets and controls that have another seed have it at once.

    Args:
        seeds: runs of every subset and control, with the seeds ``seed``, ``seed + 1``, ...
        again: share of the subsets, and of the controls, that have one run more.
    """
    rng = keyed_rng(seed, "validation", "order")
    numbers = [np.arange(subsets), -1 - np.arange(controls)]
    twice = {int(one) for own in numbers for one in rng.permutation(own)[: round(again * len(own))]}
    order = [int(one) for one in rng.permutation(np.concatenate(numbers))]
    return [PlannedRun(one, seed + step) for one in order for step in range(seeds + (one in twice))]


def make_runs(
    planned: Sequence[PlannedRun],
    part: Callable[[int], Dataset],
    targets: Sequence[Dataset],
    recipe: Recipe,
    out: Path,
    protocol: str = "market1501",
) -> pl.DataFrame:
    """Train and score what has no score yet.

    Args:
        part: the images of a subset or control.
        targets: each with a query and a gallery.
        out: each run has a folder in it.

    Returns:
        One row per run, target, person and camera: ``subset``, ``seed``, ``target``, ``identity``, ``camera`` (-1 where
        unknown), ``queries``, ``ap`` and ``rank1``, means over these queries.
    """
    rules = Protocol.load(protocol)
    judges = {t.name: {"query": fingerprint(t.query), "gallery": fingerprint(t.gallery)} for t in targets}
    tables = []
    for number, run in enumerate(planned, start=1):
        images, folder = part(run.subset), out / run.name
        inside = RunFolder.for_run(folder, images, None, recipe, run.seed)
        key = {"format": FORMAT, "training": inside.key, "targets": judges, "protocol": rules.to_dict()}
        found = _finished(folder, key, run.name)
        if found is None:
            announce(f"[bold]{number}/{len(planned)}[/] {run.name}")
            if inside.differing():
                shutil.rmtree(folder)
            model = train(images, recipe=recipe, out=folder, seed=run.seed)
            found = pl.concat([_identity_scores(model, target, rules) for target in targets])
            write_json(folder / SCORE, {"key": plain(key), "identities": found.to_dict(as_series=False)})
        tables.append(found.select(pl.lit(run.subset).alias("subset"), pl.lit(run.seed).alias("seed"), pl.all()))
    return pl.concat(tables)


def _finished(folder: Path, key: Key, title: str) -> pl.DataFrame | None:
    """The run's scores, if they were made from what ``key`` says."""
    kept = read_score(folder, _Score, key, title, "Delete it: the run is then scored again.")
    return None if kept is None else pl.DataFrame(kept["identities"], schema=IDENTITIES)


def _identity_scores(model: Model, target: Dataset, rules: Protocol) -> pl.DataFrame:
    counted = evaluate(model, target, protocol=rules).per_query.filter(pl.col("reason").is_null())
    scores = counted.group_by("identity", pl.col("camera").fill_null(-1)).agg(
        pl.len().alias("queries"), pl.col("ap").mean(), (pl.col("first_hit") == 1).mean().alias("rank1")
    )
    named = scores.sort("identity", "camera").with_columns(pl.lit(target.name).alias("target"))
    return named.select(pl.col(name).cast(dtype) for name, dtype in IDENTITIES.items())


def table_of_runs(identities: pl.DataFrame) -> pl.DataFrame:
    """One row per run, target and query camera, and one for all cameras (``camera`` null).

    Columns: ``subset``, ``seed``, ``target``, ``camera``, ``queries``, ``identities``, ``mAP`` and ``rank1``.
    """
    weighted = [
        ((pl.col(name) * pl.col("queries")).sum() / pl.col("queries").sum()).alias(as_name)
        for name, as_name in (("ap", "mAP"), ("rank1", "rank1"))
    ]
    counts = [pl.col("queries").sum(), pl.col("identity").n_unique().alias("identities")]
    keys = ["subset", "seed", "target", "camera"]
    whole = identities.group_by(keys[:3]).agg(*counts, *weighted).with_columns(pl.lit(None, pl.Int64).alias("camera"))
    each = identities.group_by(keys).agg(*counts, *weighted)
    columns = [*keys, "queries", "identities", "mAP", "rank1"]
    return pl.concat([whole.select(columns), each.select(columns)]).sort(keys)
