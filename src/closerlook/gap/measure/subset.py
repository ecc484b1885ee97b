"""A measurement of only some people and some of the target, from one that is already made: for held-out checks."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import polars as pl
import torch
from numpy.typing import NDArray
from scipy import sparse

from closerlook.arrays import Float
from closerlook.errors import CloserlookError, unknown
from closerlook.gap.measure.cameras import cameras_of_subset
from closerlook.gap.measure.measurement import Measurement
from closerlook.gap.measure.moments import mean_variance
from closerlook.gap.measure.products import products_of_sums

__all__ = ["camera_subset", "split_halves", "subset"]


def split_halves(measurement: Measurement, rng: np.random.Generator) -> tuple[Measurement, Measurement]:
    """Two measurements that share neither people nor target images: half of the groups of either side each.

    Raises:
        ValueError: there is only one group of people or of target images.
    """
    people = rng.permutation(measurement.groups) % 2 == 0
    target = rng.permutation(len(measurement.target_counts)) % 2 == 0
    return subset(measurement, people, target), subset(measurement, ~people, ~target)


def camera_subset(measurement: Measurement, camera: int) -> Measurement:
    """The measurement against the target images of one camera alone.

    Raises:
        UsageError: the target has no such camera.
        CloserlookError: its cameras are not known, or this one's images lie in one run of the target's table, which
            gives no intervals.
    """
    cameras = measurement.cameras
    if cameras is None:
        raise CloserlookError(
            "The target's cameras are not known: its table needs a 'camera' column with at least two."
        )
    names = cameras.names.tolist()
    if camera not in names:
        raise unknown("camera of the target", camera, names)
    column = names.index(camera)
    runs = cameras.counts[:, column] > 0
    if runs.sum() < 2:
        raise CloserlookError(f"Camera {camera} has its images in one run of the target's table: too few to judge by.")
    alone = replace(
        measurement,
        target_counts=cameras.counts[runs, column],
        target_sketches=cameras.sketches[runs, column],
        target_distances=cameras.distances[runs, column],
        cameras=None,
        distributions=None,
    )
    return subset(alone, np.ones(alone.groups, bool), np.ones(int(runs.sum()), bool))


def subset(measurement: Measurement, people: NDArray[np.bool], target: NDArray[np.bool]) -> Measurement:
    """The measurement of the groups of ``people`` (groups,) against the groups of ``target`` images (h,).

    It rests on the projections and is centerd at the mean of its own target images. Cells keep their numbers, and
    their means are zero where no image is left; groups are numbered anew.
    """
    if not people.any() or not target.any():
        raise ValueError("A subset needs at least one group of people and one of target images.")
    counts = measurement.target_counts[target].astype(float)
    offsets = measurement.target_sketches[target].astype(np.float64)
    shift = counts @ offsets / counts.sum()
    group = measurement.images["group"].to_numpy()
    kept, kept_units = people[group], people[measurement.units[:, 1]]
    renumbered = np.cumsum(people) - 1
    units = np.stack([measurement.units[kept_units, 0], renumbered[measurement.units[kept_units, 1]]], axis=1)
    unit_counts = measurement.unit_counts[kept_units]
    blocks = measurement.sketch_parts
    sums = _cell_sums(measurement, kept_units, shift)
    along = _along(measurement.unit_sketches, shift, blocks)
    measured, unbiased = _products(measurement, people, sums, along, shift)
    images = measurement.members @ np.bincount(units[:, 0], unit_counts, minlength=len(sums))
    levels = measurement.members @ sums / np.maximum(images, 1)[:, None]
    moved = _moved(along, shift, blocks)[_unit_of(measurement)[kept]]
    offsets = offsets - shift
    cameras = measurement.cameras and cameras_of_subset(measurement.cameras, target, shift, levels, blocks)
    norms = np.stack([(offsets[:, block] ** 2).sum(axis=1) for block in blocks], axis=1)
    return replace(
        measurement,
        images=measurement.images.filter(kept).with_columns(group=pl.Series(renumbered[group[kept]])),
        distances=measurement.distances[kept] + moved,
        cell_products=measured,
        unbiased_cell_products=unbiased,
        level_gaps=np.stack([(levels[:, block] ** 2).sum(axis=1) for block in blocks]),
        level_target_dots=np.stack([levels[:, block] @ offsets[:, block].T for block in blocks]),
        target_counts=measurement.target_counts[target],
        target_distances=measurement.target_distances[target]
        + counts[:, None] * _moved(_along(measurement.target_sketches[target], shift, blocks), shift, blocks),
        target_bias=mean_variance(measurement.target_counts[target], norms),
        units=units,
        unit_counts=unit_counts,
        unit_sketches=measurement.unit_sketches[kept_units] - shift.astype(np.float32),
        target_sketches=offsets.astype(np.float32),
        exact=False,
        distributions=None,
        cameras=cameras,
    )


def _cell_sums(measurement: Measurement, kept: NDArray[np.bool], shift: Float) -> Float:
    """(c, r) sums over the images of the ``kept`` units (u,), about the moved center."""
    number = np.where(kept, measurement.unit_counts, 0).astype(np.float32)
    cell, cells = measurement.units[:, 0], len(measurement.cell_levels)
    adding = sparse.csr_array((number, (cell, np.arange(len(cell)))), shape=(cells, len(cell)))
    images = np.bincount(cell, number, minlength=cells)
    return np.asarray(adding @ measurement.unit_sketches - images[:, None] * shift)


def _products(
    measurement: Measurement, people: NDArray[np.bool], sums: Float, along: Float, shift: Float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Cells' products, as measured and without bias, (b, c, c) each; ``along`` are :func:`_along` of the units.

    Those within groups are moved from the old center to the new: with S the sums of a group's cells, n their images and
    s the shift, (S - n s)(S - n s)' = SS' - n (Ss)' - (Ss) n' + nn' s's.
    """
    cell, group = measurement.units.T
    cells, blocks = len(measurement.cell_levels), measurement.sketch_parts
    images = np.zeros((measurement.groups, cells))
    images[group, cell] = measurement.unit_counts
    images = images[people]
    square = images.T @ images
    total, within = np.empty((2, len(blocks), cells, cells))
    for block, part in enumerate(blocks):
        shifted = np.zeros((measurement.groups, cells))
        shifted[group, cell] = along[:, block] * measurement.unit_counts
        cross = shifted[people].T @ images
        total[block] = sums[:, part] @ sums[:, part].T
        own = sum(measurement.group_products[index, block] for index in np.flatnonzero(people))
        within[block] = own - cross - cross.T + shift[part] @ shift[part] * square
    measured, unbiased = products_of_sums(*map(torch.from_numpy, (total, within, np.ascontiguousarray(images.T))))
    return measured.numpy(), unbiased.numpy()


def _along(points: NDArray[np.floating], shift: Float, blocks: tuple[slice, ...]) -> Float:
    """<p, shift> for each block, (k, blocks), in the points' own precision: no copy of them is made."""
    parts = [points[:, block] @ shift[block].astype(points.dtype) for block in blocks]
    return np.stack(parts, axis=1).astype(np.float64)


def _moved(along: Float, shift: Float, blocks: tuple[slice, ...]) -> Float:
    """||p - shift||^2 - ||p||^2 for each block, (k, blocks)."""
    return np.array([shift[block] @ shift[block] for block in blocks]) - 2 * along


def _unit_of(measurement: Measurement) -> NDArray[np.int64]:
    """The unit of each image, (n,)."""
    groups = measurement.groups
    keys = measurement.units @ [groups, 1]
    images = measurement.images.select("cell", "group").to_numpy() @ [groups, 1]
    return np.searchsorted(keys, images)
