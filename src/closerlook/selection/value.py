"""Value of information: which cells to render next to decide on levels with the least expected loss, and when to stop.

Keeping or dropping a level is a decision with a linear loss: a level whose mmd2 lies d from its factor's line costs |d|
if it ends up on the wrong side. More images bring its estimate's variance from v to v'; so the estimate will move by a
normal with variance v - v', and what that is expected to save is s (phi(u) - u Phi(-u)), s^2 = v - v', u = |d| / s
(Raiffa and Schlaifer, Applied Statistical Decision Theory, 1961). Images go, a few at a time, to the cell where they
save most.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy import stats

from closerlook.arrays import Float
from closerlook.errors import CloserlookError, UsageError
from closerlook.gap import Gap
from closerlook.gap.statistics.intervals import mean_of_known
from closerlook.selection.plan import CellWeight, Plan, cell_weights

__all__ = ["Value", "render_next"]

STEPS = 64  # in which the images are handed out
ENOUGH = 0.01  # of mmd2(all): an improvement below that is not worth rendering for


@dataclass(frozen=True)
class Value:
    """An order to the renderer, and what it is worth.

    Attributes:
        plan: which combinations of levels to render, in which shares.
        cells: (cells,) images of each.
        expected_loss: in mmd2, by levels on the wrong side of their line, as things stand.
        expected_improvement: how much of that loss the images are expected to save.
        stop: whether that is so little, against the mmd2 of all data, that there is no reason to render.
    """

    plan: Plan
    cells: NDArray[np.int64]
    expected_loss: float
    expected_improvement: float
    stop: bool


def render_next(gap: Gap, images: int) -> Value:
    """Hand out ``images`` new ones (of new people) to cells, to none more than it has in the source.

    Raises:
        UsageError: fewer than one image, or more than the source has.
        CloserlookError: there are too few people or target images for intervals.

    Example:
        >>> from closerlook.selection import render_next
        >>> int(render_next(gap, 8).cells.sum())
        8
    """
    available = gap.images_per_cell
    if not 1 <= images <= available.sum():
        raise UsageError(f"The images to render next must be between 1 and {available.sum():,}, not {images:,}.")
    if not gap.can_resample:
        raise CloserlookError("Two groups of people and two of target images are needed for intervals.")
    distance, terms = _distance(gap), gap.mmd2_variance_per_image()
    counts = np.maximum(gap.analyzed_per_cell.astype(float), 0.5)
    before = (terms / counts).sum(axis=1)
    new = np.zeros(len(counts), np.int64)
    while new.sum() < images:
        size = np.minimum(max(1, images // STEPS), np.minimum(available - new, images - new.sum()))
        now = terms / (counts + new)
        after = now.sum(axis=1)[:, None] - now + terms / (counts + new + size)
        worth = _loss(distance[:, None], np.sqrt(np.maximum(before[:, None] - after, 0))).sum(axis=0)
        best = int(np.argmax(np.where(size > 0, worth, -1)))
        new[best] += size[best]
    after = (terms / (counts + new)).sum(axis=1)
    improvement = float(_loss(distance, np.sqrt(np.maximum(before - after, 0))).sum())
    return Value(
        plan=_order(gap, new),
        cells=new,
        expected_loss=float(_loss(distance, np.sqrt(before)).sum()),
        expected_improvement=improvement,
        stop=improvement < ENOUGH * abs(gap.score({})["mmd2"] or 0.0),
    )


def _distance(gap: Gap) -> Float:
    """(levels,) from its factor's line."""
    mmd2 = gap.estimates["mmd2"].cast(pl.Float64).fill_null(np.nan).to_numpy()
    sizes = [len(factor) for factor in gap.factors]
    lines = [mean_of_known(levels, 0)[0] for levels in np.split(mmd2, np.cumsum(sizes)[:-1])]
    return np.asarray(np.nan_to_num(mmd2 - np.repeat(lines, sizes), nan=np.inf))


def _loss(distance: Float, deviation: Float) -> Float:
    """Expected loss of deciding by the sign of a normal around ``distance``: s (phi(u) - u Phi(-u))."""
    with np.errstate(divide="ignore", invalid="ignore"):
        u = np.abs(distance) / deviation
        loss = deviation * (stats.norm.pdf(u) - u * stats.norm.sf(u))
    return np.asarray(np.where(deviation > 0, np.nan_to_num(loss), 0.0))


def _order(gap: Gap, new: NDArray[np.int64]) -> Plan:
    shares = new / np.maximum(gap.images_per_cell, 1)
    weights: tuple[CellWeight, ...] = cell_weights(gap, shares)
    values = {factor.name: factor.levels for factor in gap.factors}
    total = int(new.sum())
    return Plan(values=values, images=total, share=min(total / gap.settings.source_images, 1.0), weights=weights)
