"""Which attributes matter, read in both of the paper's ways: from losses of images and from what training runs reach.

Reading A, one row per image, is the gap's own ``importance``. Reading B, one row per training run, needs a study whose
subsets differ in more than one attribute, such as the rows of Table 1; what it says is about these subsets, whose sizes
differ.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import cast

import polars as pl
from typing_extensions import TypedDict

from closerlook.attributes import Factor
from closerlook.dataset import Dataset
from closerlook.gap import Gap
from closerlook.gap.statistics.importance import importance_of_runs, rank_agreement
from closerlook.storage.documents import read_json
from closerlook.storage.files import write_json
from closerlook.study.arms import Arm, Run

__all__ = ["ImportanceComparison", "importance_of_study", "read_importance", "save_importance"]

FILE = "importance_of_runs.json"
FEWEST_SUBSETS = 4  # different subsets of the data; with fewer, attributes cannot be told from each other
ALL = "all"


class AttributeImportance(TypedDict):
    """One attribute by both readings.

    Attributes:
        factor: its name.
        share: of the runs' variance of mAP by an additive model.
        gain: XGBoost's, on integer codes.
        null_gain, null_gain_sd: the same when that attribute alone is shuffled, mean and spread.
        loss_share: its exact share of the variance of the per-image loss; None without a gap.
    """

    factor: str
    share: float
    gain: float
    null_gain: float
    null_gain_sd: float
    loss_share: float | None


@dataclass(frozen=True)
class ImportanceComparison:
    """Importance of each attribute by training runs, beside that by the per-image loss.

    Attributes:
        runs, subsets: how many runs there are, and of how many different subsets of the data.
        rows: one per attribute: ``factor``; ``share`` of the runs' variance of mAP by an additive model; XGBoost's
            ``gain``, on integer codes, and ``null_gain`` and ``null_gain_sd``, the same when that attribute alone is
            shuffled; ``loss_share``, its exact share of the variance of the per-image loss, None without a gap.
        tau: Kendall's tau between ``share`` and ``loss_share``; None for fewer than three attributes.
    """

    runs: int
    subsets: int
    rows: tuple[AttributeImportance, ...]
    tau: float | None


def importance_of_study(
    arms: Sequence[Arm], runs: Sequence[Run], factors: Sequence[Factor], gap: Gap | None, seed: int = 0
) -> ImportanceComparison | None:
    """Both readings; None where the runs are of fewer than four different subsets of the data."""
    by_name = {arm.name: arm for arm in arms}
    trained = [run for run in runs if run.arm in by_name]
    rows = [{**_contents(by_name[run.arm].subset(run.seed), factors), "mAP": run.mAP} for run in trained]
    table = pl.DataFrame(rows)
    attributes = [name for name in table.columns if name != "mAP" and table[name].n_unique() > 1]
    subsets = table.select(attributes).n_unique() if attributes else 0
    if subsets < FEWEST_SUBSETS:
        return None
    by_runs = importance_of_runs(table, attributes, seed=seed).filter(pl.col("encoding") == "codes")
    shown = by_runs.select("factor", "share", "gain", "null_gain", "null_gain_sd")
    tau = math.nan
    if gap is not None:
        tau, _ = rank_agreement(by_runs, gap.importance)
        losses = gap.importance.unique("factor", keep="first").select("factor", loss_share="share")
        shown = shown.join(losses, on="factor", how="left", maintain_order="left")
    else:
        shown = shown.with_columns(loss_share=pl.lit(None, pl.Float64))
    compared = tuple(cast(list[AttributeImportance], shown.to_dicts()))
    return ImportanceComparison(len(trained), subsets, compared, None if math.isnan(tau) else tau)


def save_importance(comparison: ImportanceComparison | None, folder: Path) -> None:
    """Write ``importance_of_runs.json``; where there are none, one of an earlier study in the folder is removed."""
    if comparison is None:
        (folder / FILE).unlink(missing_ok=True)
    else:
        write_json(folder / FILE, asdict(comparison))


def read_importance(folder: Path) -> ImportanceComparison | None:
    """What :func:`save_importance` wrote into a study's folder; None where the study was too small for it."""
    path = folder / FILE
    if not path.exists():
        return None
    return read_json(path, ImportanceComparison, "Run the study again: it is written anew, finished runs are kept.")


def _contents(subset: Dataset, factors: Sequence[Factor]) -> dict[str, str | int]:
    """How many people a subset has, and which levels of each factor."""
    contents: dict[str, str | int] = {"identity": subset.table["identity"].n_unique()}
    for factor in factors:
        present = set(subset.table[factor.name].drop_nulls().unique())
        names = [str(level) for level in factor.levels if level in present]
        contents[factor.name] = ALL if len(names) == len(factor) else ",".join(names)
    return contents
