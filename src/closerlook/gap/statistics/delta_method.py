"""Variances by linearization: what single images add to a level's losses, to first order (the delta method)."""

from __future__ import annotations

import numpy as np

from closerlook.arrays import Float, Int
from closerlook.gap.losses import image_losses
from closerlook.gap.measure.measurement import Measurement
from closerlook.gap.statistics.bootstrap import scale_of

__all__ = ["mmd2_variance_per_image", "subsampling_errors"]


def subsampling_errors(measurement: Measurement, weights: Float) -> tuple[Float, Float]:
    """Standard errors (levels,) of total loss and mmd2 from analyzing only some images of each cell of the source.

    Images are a simple random sample within each cell: the variance of a cell's mean is (1 - n/N) s^2 / n. mmd2
    is linear in single images to first order, with slope 2 <Phi_i - m_cell, m_level - m_t>; s^2 is judged from groups
    of people. Both are zero where every image was analyzed, and already part of the bootstrap's intervals.
    """
    cell, n = measurement.cell_of_image, measurement.cell_counts.astype(float)
    unit_cell, unit_n = measurement.units[:, 0], measurement.unit_counts.astype(float)
    left_out = (1 - n / np.maximum(measurement.cell_images, 1)).clip(min=0)
    shares = measurement.members * n
    shares = shares / np.maximum(shares.sum(axis=1, keepdims=True), 1)
    losses = image_losses(measurement, weights)
    spread = _pooled_variance(losses, np.ones_like(losses), cell, len(n))
    total = shares**2 @ (left_out * spread / np.maximum(n, 1))
    scale = scale_of(measurement, weights)
    sketches = measurement.unit_sketches * scale
    means = np.zeros((len(n), sketches.shape[1]))
    np.add.at(means, unit_cell, sketches * unit_n[:, None])
    means /= np.maximum(n, 1)[:, None]
    slopes = 2 * (sketches - means[unit_cell]) @ (shares @ means).T
    mmd2 = np.array(
        [
            share**2 @ (left_out * _pooled_variance(slope, unit_n, unit_cell, len(n)) / np.maximum(n, 1))
            for share, slope in zip(shares, slopes.T, strict=True)
        ]
    )
    return np.sqrt(total), np.sqrt(mmd2)


def mmd2_variance_per_image(measurement: Measurement, weights: Float) -> Float:
    """(levels, cells) what, divided by a cell's number of images, is its part of the variance of a level's mmd2.

    mmd2 varies with an image x of a cell by 2 <x - m_cell, m_level - m_t>. Its variance is judged by how much groups of
    people differ within a cell, and taken to be the same in all cells, whose own groups are few. Levels are the even
    mixtures of their cells.
    """
    scale = np.repeat(weights, [part.stop - part.start for part in measurement.sketch_parts])
    cell = measurement.units[:, 0]
    sums = np.zeros((len(measurement.cell_levels), measurement.unit_sketches.shape[1]))
    np.add.at(sums, cell, measurement.unit_sketches * measurement.unit_counts[:, None])
    means = sums / np.maximum(measurement.cell_counts, 1)[:, None]
    images = measurement.members @ measurement.cell_counts
    levels = measurement.members @ sums / np.maximum(images, 1)[:, None]
    slopes = 2 * (measurement.unit_sketches - means[cell]) @ (levels * scale).T
    freedom = max(len(cell) - len(np.unique(cell)), 1)
    spread = (slopes**2 * measurement.unit_counts[:, None]).sum(axis=0) / freedom
    shares = measurement.members / np.maximum(measurement.members.sum(axis=1, keepdims=True), 1)
    return np.asarray(shares**2 * spread[:, None])


def _pooled_variance(values: Float, images: Float, cell: Int, cells: int) -> Float:
    """Variance of single images in each cell, (cells,), from means of ``images`` images; the average where unknown."""
    number = np.bincount(cell, minlength=cells)
    mean = np.bincount(cell, values * images, cells) / np.maximum(np.bincount(cell, images, cells), 1)
    squares = np.bincount(cell, images * (values - mean[cell]) ** 2, cells)
    known = number > 1
    average = squares[known].sum() / max(int((number[known] - 1).sum()), 1)
    return np.where(known, squares / np.maximum(number - 1, 1), average)
