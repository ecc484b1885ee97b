"""What to know before reading the numbers of a gap, in words."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import polars as pl

from closerlook.gap.estimator import GapEstimator

__all__ = ["findings_in_words"]


def findings_in_words(gap: GapEstimator, levels: pl.DataFrame, apart: pl.DataFrame, agreed: pl.DataFrame) -> list[str]:
    """The sentences of :attr:`closerlook.gap.Gap.notes` that follow from its tables."""
    return [
        *_subsample(gap, levels),
        *_incomplete(gap),
        *_ties(levels, apart),
        *_rankings(agreed),
        *_shown(levels),
    ]


def _subsample(gap: GapEstimator, levels: pl.DataFrame) -> Iterator[str]:
    analyzed, there = gap.measurement.images.height, int(gap.measurement.cell_images.sum())
    if analyzed < there:
        half = 1.96 * float(np.nanmedian(levels["mmd2_subsampling_se"].cast(pl.Float64).fill_null(np.nan).to_numpy()))
        yield (
            f"{analyzed:,} of {there:,} source images were analyzed, evenly from all combinations; that alone makes "
            f"the squared MMD of a level uncertain by {half:.3f} (95 %, median over levels), which the intervals hold."
        )


def _incomplete(gap: GapEstimator) -> Iterator[str]:
    if gap.variance is None:
        yield (
            "Shares of variance are those of an additive model: combinations of levels are missing, have one image "
            "each, or all losses are alike, so that interactions and noise cannot be told apart."
        )


def _ties(levels: pl.DataFrame, differences: pl.DataFrame) -> Iterator[str]:
    for (name,), pairs in differences.group_by("factor", maintain_order=True):
        significant = int(pairs["significant"].sum())
        if significant < pairs.height:
            nearest = levels.filter(pl.col("factor") == name).sort("mmd2", nulls_last=True)["level"][0]
            with_nearest = (pl.col("level") == nearest) | (pl.col("other") == nearest)
            ties = pairs.filter(with_nearest & ~pl.col("significant"))
            others = [row["other"] if row["level"] == nearest else row["level"] for row in ties.to_dicts()]
            tied = f"; nearest is {nearest}, not significantly nearer than {', '.join(others)}" if others else ""
            yield (
                f"{name}: {significant} of {pairs.height} pairs of levels differ significantly in squared MMD "
                f"(5 %, Holm){tied}."
            )


def _rankings(agreed: pl.DataFrame) -> Iterator[str]:
    for row in agreed.filter((pl.col("measure") == "mmd2") & (pl.col("other") == "total_loss")).to_dicts():
        if row["tau"] is not None and row["tau"] < 0.5:
            yield (
                f"{row['factor']}: squared MMD and the paper's total loss rank the levels differently (Kendall's tau "
                f"{row['tau']:.2f}); total loss also rewards levels that look all alike."
            )


def _shown(levels: pl.DataFrame) -> Iterator[str]:
    """The levels of each factor that weigh more in the target's mixture than in an even one, the largest weight
    first."""
    weight, low, high = (pl.col(name) for name in ("mixture_weight", "mixture_weight_low", "mixture_weight_high"))
    for (name,), table in levels.group_by("factor", maintain_order=True):
        largest = table.filter(weight > weight.mean()).sort(weight, descending=True).select("level", weight, low, high)
        parts = [f"{level} {value:.0%} ({lower:.0%} to {upper:.0%})" for level, value, lower, upper in largest.rows()]
        if parts:
            yield f"{name}: the mixture of levels that explains the target best is mostly {', '.join(parts)}."
