"""A measurement of only some people and some of the target, from one that is already made: for held-out checks."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import polars as pl
from numpy.typing import NDArray

from closerlook.analysis.measurement import Measurement

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
    target_counts = measurement.target_counts[target]
    offsets = measurement.target_sketches[target].astype(np.float64)
    shift = target_counts @ offsets / target_counts.sum()
    units = people[measurement.units[:, 1]]
    sketches = measurement.unit_sketches[units] - shift
    counts = measurement.unit_counts[units].astype(float)
    cell = measurement.units[units, 0]
    cell_counts = np.bincount(cell, counts, minlength=len(measurement.cell_levels))
    sums = np.zeros((len(cell_counts), sketches.shape[1]))
    starts = np.flatnonzero(np.diff(cell, prepend=-1))  # units are sorted by cell
    sums[cell[starts]] = np.add.reduceat(sketches * counts[:, None], starts)
    cells = sums / np.maximum(cell_counts, 1)[:, None]
    levels = measurement.members @ sums / np.maximum(measurement.members @ cell_counts, 1)[:, None]
    blocks = measurement.sketch_parts
    group = measurement.images["group"].to_numpy()
    kept = people[group]
    renumbered = np.cumsum(people) - 1
    return replace(
        measurement,
        images=measurement.images.filter(kept).with_columns(group=pl.Series(renumbered[group[kept]])),
        distances=measurement.distances[kept]
        + _moved(measurement.unit_sketches, shift, blocks)[_unit_of(measurement)][kept],
        cell_gaps=np.stack([cells[:, block] @ cells[:, block].T for block in blocks]),
        level_gaps=np.stack([(levels[:, block] ** 2).sum(axis=1) for block in blocks]),
        level_target_dots=np.stack([levels[:, block] @ (offsets - shift)[:, block].T for block in blocks]),
        target_counts=target_counts,
        target_distances=measurement.target_distances[target] + target_counts[:, None] * _moved(offsets, shift, blocks),
        units=np.stack([cell, renumbered[measurement.units[units, 1]]], axis=1),
        unit_counts=measurement.unit_counts[units],
        unit_sketches=sketches.astype(np.float32),
        target_sketches=(offsets - shift).astype(np.float32),
        exact=False,
    )


def _moved(points: NDArray[np.floating], shift: Float, blocks: tuple[slice, ...]) -> Float:
    """||p - shift||^2 - ||p||^2 for each block, (k, blocks)."""
    return np.stack([shift[block] @ shift[block] - 2 * points[:, block] @ shift[block] for block in blocks], axis=1)


def _unit_of(measurement: Measurement) -> NDArray[np.int64]:
    """The unit of each image, (n,)."""
    groups = measurement.groups
    keys = measurement.units @ [groups, 1]
    images = measurement.images.select("cell", "group").to_numpy() @ [groups, 1]
    return np.searchsorted(keys, images)
