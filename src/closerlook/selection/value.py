"""Value of information: which cells to render next so that the choice of levels gets surer the most, and when to stop.

Keeping or dropping a level is a decision with a linear loss: a level whose fit lies d from its factor's line costs |d|
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

from closerlook.errors import CloserlookError, UsageError
from closerlook.gap import Gap
from closerlook.gap.statistics.intervals import mean_of_known
from closerlook.selection.plan import CellWeight, Plan, cell_weights

__all__ = ["Value", "render_next"]

STEPS = 64  # in which the images are handed out
ENOUGH = 0.01  # of fit(all): a saving below that is not worth rendering for

Float = NDArray[np.float64]


@dataclass(frozen=True)
class Value:
    """An order to the renderer, and what it is worth.

    Attributes:
        plan: which combinations of levels to render, in which shares.
        cells: (cells,) images of each.
        doubt: expected loss, in fit, by levels on the wrong side of their line, as things stand.
        saved: how much of it the images are expected to save.
        stop: whether what is saved is so little, against the fit of all data, that there is no reason to render.
    """

    plan: Plan
    cells: NDArray[np.int64]
    doubt: float
    saved: float
    stop: bool


def render_next(gap: Gap, images: int) -> Value:
    """Hand out ``images`` new ones (of new people) to cells, to none more than it has in the source.

    Raises:
        UsageError: fewer than one image, or more than the source has.
        CloserlookError: there are too few people or target images to know how sure anything is.

    Example:
        >>> from closerlook.selection import render_next
        >>> int(render_next(gap, 8).cells.sum())
        8
    """
    measurement = gap.measurement
    available = measurement.cell_images
    if not 1 <= images <= available.sum():
        raise UsageError(f"The images to render next must be between 1 and {available.sum():,}, not {images:,}.")
    if min(measurement.groups, len(measurement.target_counts)) < 2:
        raise CloserlookError("Two groups of people and two of target images are needed to know how sure anything is.")
    distance, terms = _distance(gap), _terms(gap)
    counts = np.maximum(measurement.cell_counts.astype(float), 0.5)
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
    saved = float(_loss(distance, np.sqrt(np.maximum(before - after, 0))).sum())
    fit = gap.score({})["fit"] or 0.0
    return Value(_order(gap, new), new, float(_loss(distance, np.sqrt(before)).sum()), saved, saved < ENOUGH * abs(fit))


def _distance(gap: Gap) -> Float:
    """(levels,) from its factor's line."""
    fit = gap.estimates["fit"].cast(pl.Float64).fill_null(np.nan).to_numpy()
    sizes = [len(factor) for factor in gap.factors]
    lines = [mean_of_known(own, 0)[0] for own in np.split(fit, np.cumsum(sizes)[:-1])]
    return np.asarray(np.nan_to_num(fit - np.repeat(lines, sizes), nan=np.inf))


def _terms(gap: Gap) -> Float:
    """(levels, cells) what, divided by a cell's number of images, is its part of the variance of a level's fit.

    A level's fit varies with an image x of its cells by 2 <x - m, m_level - m_t>; its variance is judged by how much
    groups of people differ within a cell, and taken to be the same in all cells, whose own groups are few.
    """
    measurement = gap.measurement
    weights = zip(measurement.sketch_parts, gap.weights.total, strict=True)
    scale = np.concatenate([np.full(part.stop - part.start, weight) for part, weight in weights])
    cell = measurement.units[:, 0]
    sums = np.zeros((len(measurement.cell_levels), measurement.unit_sketches.shape[1]))
    np.add.at(sums, cell, measurement.unit_sketches * measurement.unit_counts[:, None])
    means = sums / np.maximum(measurement.cell_counts, 1)[:, None]
    images = measurement.members @ measurement.cell_counts
    levels = measurement.members @ sums / np.maximum(images, 1)[:, None]
    apart = 2 * (measurement.unit_sketches - means[cell]) @ (levels * scale).T
    freedom = max(len(cell) - len(np.unique(cell)), 1)
    spread = (apart**2 * measurement.unit_counts[:, None]).sum(axis=0) / freedom
    shares = measurement.members / np.maximum(measurement.members.sum(axis=1, keepdims=True), 1)
    return np.asarray(shares**2 * spread[:, None])


def _loss(distance: Float, deviation: Float) -> Float:
    """Expected loss of deciding by the sign of a normal around ``distance``: s (phi(u) - u Phi(-u))."""
    with np.errstate(divide="ignore", invalid="ignore"):
        u = np.abs(distance) / deviation
        loss = deviation * (stats.norm.pdf(u) - u * stats.norm.sf(u))
    return np.asarray(np.where(deviation > 0, np.nan_to_num(loss), 0.0))


def _order(gap: Gap, new: NDArray[np.int64]) -> Plan:
    shares = new / np.maximum(gap.measurement.cell_images, 1)
    weights: tuple[CellWeight, ...] = cell_weights(gap, shares)
    values = {factor.name: factor.levels for factor in gap.factors}
    total = int(new.sum())
    return Plan(values=values, images=total, share=min(total / gap.settings.source_images, 1.0), weights=weights)
