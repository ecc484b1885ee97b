"""What to know before reading the numbers of a gap, in words."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import polars as pl

from closerlook.gap.estimator import GapEstimator

__all__ = ["remarks"]


def remarks(gap: GapEstimator, levels: pl.DataFrame, apart: pl.DataFrame, agreed: pl.DataFrame) -> list[str]:
    """See :attr:`closerlook.gap.Gap.remarks`."""
    return [
        *_subsample(gap, levels),
        *_incomplete(gap),
        *_ties(levels, apart),
        *_rankings(agreed),
        *_shown(levels),
    ]


def _subsample(gap: GapEstimator, levels: pl.DataFrame) -> Iterator[str]:
    analysed, there = gap.measurement.images.height, int(gap.measurement.cell_images.sum())
    if analysed < there:
        half = 1.96 * float(np.nanmedian(levels["fit_sampling"].cast(pl.Float64).fill_null(np.nan).to_numpy()))
        yield (
            f"{analysed:,} of {there:,} source images were analysed, evenly from all combinations; that alone makes "
            f"the fit of a level uncertain by {half:.3f} (95 %, median over levels), which the intervals hold."
        )


def _incomplete(gap: GapEstimator) -> Iterator[str]:
    if gap.variance is None:
        yield (
            "Shares of variance are those of an additive model: combinations of levels are missing, have one image "
            "each, or all losses are alike, so that interactions and noise cannot be told apart."
        )


def _ties(levels: pl.DataFrame, differences: pl.DataFrame) -> Iterator[str]:
    for (name,), own in differences.group_by("factor", maintain_order=True):
        apart = int(own["apart"].sum())
        if apart < own.height:
            nearest = levels.filter(pl.col("factor") == name).sort("fit", nulls_last=True)["level"][0]
            with_nearest = own.filter(~pl.col("apart") & ((pl.col("level") == nearest) | (pl.col("other") == nearest)))
            others = [row["other"] if row["level"] == nearest else row["level"] for row in with_nearest.to_dicts()]
            tied = f"; nearest is {nearest}, not to be told from {', '.join(others)}" if others else ""
            yield f"{name}: {apart} of {own.height} pairs of levels can be told apart by fit (5 %, Holm){tied}."


def _rankings(agreed: pl.DataFrame) -> Iterator[str]:
    for row in agreed.filter((pl.col("measure") == "fit") & (pl.col("other") == "pair_loss")).to_dicts():
        if row["tau"] is not None and row["tau"] < 0.5:
            yield (
                f"{row['factor']}: fit and the paper's pair loss rank the levels differently (Kendall's tau "
                f"{row['tau']:.2f}); pair loss also rewards levels that look all alike."
            )


def _shown(levels: pl.DataFrame) -> Iterator[str]:
    """The levels of each factor that make up more of the target than an even mixture, the largest share first."""
    share, low, high = (pl.col(name) for name in ("target_share", "target_share_low", "target_share_high"))
    for (name,), own in levels.group_by("factor", maintain_order=True):
        most = own.filter(share > share.mean()).sort(share, descending=True).select("level", share, low, high)
        parts = [f"{level} {value:.0%} ({least:.0%} to {largest:.0%})" for level, value, least, largest in most.rows()]
        if parts:
            yield f"{name}: the mixture of levels that explains the target best is mostly {', '.join(parts)}."
