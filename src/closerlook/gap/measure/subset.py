"""A measurement of only some people and some of the target, from one that is already made: for held-out checks."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import polars as pl
import torch
from numpy.typing import NDArray

from closerlook.gap.measure.cameras import cameras_of_part
from closerlook.gap.measure.measurement import Measurement
from closerlook.gap.measure.products import cell_products

__all__ = ["halves", "part"]

Float = NDArray[np.float64]


def halves(measurement: Measurement, rng: np.random.Generator) -> tuple[Measurement, Measurement]:
    """Two measurements that share neither people nor target images: half of the groups of either side each.

    Raises:
        ValueError: there is only one group of people or of target images.
    """
    people = rng.permutation(measurement.groups) % 2 == 0
    target = rng.permutation(len(measurement.target_counts)) % 2 == 0
    return part(measurement, people, target), part(measurement, ~people, ~target)


def part(measurement: Measurement, people: NDArray[np.bool], target: NDArray[np.bool]) -> Measurement:
    """The measurement of the groups of ``people`` (groups,) against the groups of ``target`` images (h,).

    It rests on the projections and is centred at the mean of its own target images. Cells keep their numbers, and
    their means are zero where no image is left; groups are numbered anew.
    """
    if not people.any() or not target.any():
        raise ValueError("A part needs at least one group of people and one of target images.")
    counts = measurement.target_counts[target].astype(float)
    offsets = measurement.target_sketches[target].astype(np.float64)
    shift = counts @ offsets / counts.sum()
    group = measurement.images["group"].to_numpy()
    kept, own, renumbered = people[group], people[measurement.units[:, 1]], np.cumsum(people) - 1
    units = np.stack([measurement.units[own, 0], renumbered[measurement.units[own, 1]]], axis=1)
    unit_counts = measurement.unit_counts[own]
    sketches = measurement.unit_sketches[own] - shift
    blocks, cells = measurement.sketch_parts, len(measurement.cell_levels)
    gaps, fits = cell_products(units, unit_counts, torch.from_numpy(sketches), blocks, cells)
    levels = _level_means(measurement, units[:, 0], unit_counts, sketches)
    moved = _moved(measurement.unit_sketches, shift, blocks)[_unit_of(measurement)][kept]
    offsets = offsets - shift
    cameras = measurement.cameras and cameras_of_part(measurement.cameras, target, shift, levels, blocks)
    norms = np.stack([(offsets[:, block] ** 2).sum(axis=1) for block in blocks], axis=1)
    return replace(
        measurement,
        images=measurement.images.filter(kept).with_columns(group=pl.Series(renumbered[group[kept]])),
        distances=measurement.distances[kept] + moved,
        cell_gaps=gaps,
        cell_fits=fits,
        level_gaps=np.stack([(levels[:, block] ** 2).sum(axis=1) for block in blocks]),
        level_target_dots=np.stack([levels[:, block] @ offsets[:, block].T for block in blocks]),
        target_counts=measurement.target_counts[target],
        target_distances=measurement.target_distances[target]
        + counts[:, None] * _moved(measurement.target_sketches[target], shift, blocks),
        target_bias=counts**2 @ norms / max(counts.sum() ** 2 - (counts**2).sum(), 1),
        units=units,
        unit_counts=unit_counts,
        unit_sketches=sketches.astype(np.float32),
        target_sketches=offsets.astype(np.float32),
        exact=False,
        distributions=None,
        cameras=cameras,
    )


def _level_means(measurement: Measurement, cell: NDArray[np.int64], counts: NDArray[np.int64], means: Float) -> Float:
    """(levels, r) from the means of units, which are sorted by cell."""
    sums = np.zeros((len(measurement.cell_levels), means.shape[1]))
    starts = np.flatnonzero(np.diff(cell, prepend=-1))
    sums[cell[starts]] = np.add.reduceat(means * counts[:, None], starts)
    images = measurement.members @ np.bincount(cell, counts, minlength=len(sums))
    return np.asarray(measurement.members @ sums / np.maximum(images, 1)[:, None])


def _moved(points: NDArray[np.floating], shift: Float, blocks: tuple[slice, ...]) -> Float:
    """||p - shift||^2 - ||p||^2 for each block, (k, blocks)."""
    return np.stack([shift[block] @ shift[block] - 2 * points[:, block] @ shift[block] for block in blocks], axis=1)


def _unit_of(measurement: Measurement) -> NDArray[np.int64]:
    """The unit of each image, (n,)."""
    groups = measurement.groups
    keys = measurement.units @ [groups, 1]
    images = measurement.images.select("cell", "group").to_numpy() @ [groups, 1]
    return np.searchsorted(keys, images)
