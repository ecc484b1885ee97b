"""The images of lowest loss, one by one, whatever their levels: what sampling by distance alone does."""

from __future__ import annotations

import numpy as np
import polars as pl

from closerlook.arrays import Int
from closerlook.errors import UsageError
from closerlook.gap import Gap
from closerlook.selection.drawing import whole_numbers
from closerlook.selection.methods import greedy
from closerlook.selection.methods.asked import Asked, Choice, all_values, count_levels

__all__ = ["choose"]


def choose(gap: Gap, asked: Asked) -> Choice:
    """As many images as the budget, by default as greedy takes: those whose mean loss to the target is lowest.

    Raises:
        UsageError: fewer images than that were analyzed.
    """
    count = gap.count_images(greedy.levels(gap, asked)) if asked.budget is None else asked.budget
    losses = gap.losses
    if count > losses.height:
        raise UsageError(
            f"The nearest {count:,} images were asked for, and the losses of {losses.height:,} are known: set a "
            "smaller --budget, or analyze all images (--per-cell 0)."
        )
    whole = [factor.name for factor in gap.factors if factor.name in asked.all_levels]
    kept = losses[np.sort(_lowest(losses, count, whole))]
    return Choice(all_values(gap), None, files=tuple(kept["file_name"].sort()), counts=count_levels(gap, kept))


def _lowest(losses: pl.DataFrame, count: int, strata: list[str]) -> Int:
    """The rows of lowest loss, of each stratum in proportion to its size."""
    table = losses.with_row_index("row").select("row", "loss", *strata)
    parts = table.partition_by(strata, maintain_order=True) if strata else [table]
    groups = [part.sort("loss", "row")["row"].to_numpy() for part in parts]
    quotas = whole_numbers([count * len(group) / losses.height for group in groups])
    return np.concatenate([group[:quota] for group, quota in zip(groups, quotas, strict=True)])
