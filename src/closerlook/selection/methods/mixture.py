"""Images in the proportions that the target seems to show: weathers, hours and headings by their mixture weights.

The mixture weights (:func:`closerlook.gap.statistics.mixture.estimate_mixture`) say what share of the target's images
shows each level. A combination is drawn by the product of its levels' shares. What is uncertain keeps a floor: a
level's share is the mean over its estimate and both ends of its interval (the estimate twice), so that one which may
be a tenth of the target is not left out because the best guess is none.
"""

from __future__ import annotations

import numpy as np
import polars as pl

from closerlook.arrays import Float
from closerlook.errors import CloserlookError
from closerlook.gap import Gap
from closerlook.gap.statistics.mixture import estimate_mixture
from closerlook.selection.methods.asked import Asked, Choice, all_values, drawn_shares

__all__ = ["choose", "expected_shares", "mixture_weights"]

REPLICATES = 200


def choose(gap: Gap, asked: Asked) -> Choice:
    """All images, drawn by their levels' expected shares in the target; with a budget so many images, in such shares.

    Raises:
        CloserlookError: the gap cannot tell what the target shows.
    """
    levels = np.split(expected_shares(gap), np.cumsum([len(factor) for factor in gap.factors])[:-1])
    available = gap.images_per_cell.astype(float)
    weights = np.ones(len(available))
    for axis, (factor, own) in enumerate(zip(gap.factors, levels, strict=True)):
        level = gap.cell_levels[:, axis]
        weights *= np.bincount(level, available, len(factor))[level] if factor.name in asked.all_levels else own[level]
    weights = np.where(available > 0, weights, 0.0)
    weights /= weights.sum()
    optimum = {"effective_cells": 1 / float((weights**2).sum())}
    if asked.budget is None:
        return Choice(all_values(gap), weights * available.sum() / np.maximum(available, 1), "batches", optimum=optimum)
    return Choice(all_values(gap), drawn_shares(weights, available, asked.budget), "images", optimum=optimum)


def expected_shares(gap: Gap) -> Float:
    """(levels,) the share of the target's images that is expected to show each level; those of a factor sum to 1.

    A level without images has none.

    Raises:
        CloserlookError: the gap cannot tell: there is one group of people, say, or too few images.
    """
    found = estimate_mixture(gap.measurement, gap.weights.total, gap.settings.seed, REPLICATES)
    if np.isnan(found.weight).all():
        raise CloserlookError(
            "What the target shows cannot be told from this gap: analyze more images of more people, or use another "
            "method."
        )
    shares = np.nan_to_num((found.low + 2 * found.weight + found.high) / 4)
    parts = np.split(shares, np.cumsum([len(factor) for factor in gap.factors])[:-1])
    return np.concatenate([part / part.sum() for part in parts])


def mixture_weights(gap: Gap) -> dict[str, Float]:
    """Which share of the target's images shows each level, by factor; equal shares where that cannot be told."""
    found = {}
    for factor in gap.factors:
        column = gap.levels.filter(pl.col("factor") == factor.name)["mixture_weight"].cast(pl.Float64)
        known = column.fill_null(0.0).fill_nan(0.0).to_numpy()
        found[factor.name] = known / known.sum() if known.sum() > 0 else np.full(len(factor), 1 / len(factor))
    return found
