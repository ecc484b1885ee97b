"""One pass over the target and one over the source: everything that the analysis needs from the pixels."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import polars as pl
import torch
from numpy.typing import NDArray
from torch import Tensor

from closerlook.analysis.cells import Layout, membership, number_levels
from closerlook.analysis.moments import Moments, Sketch, inner_products, squared_norms
from closerlook.attributes import Factor
from closerlook.compute.progress import progress
from closerlook.dataset import Dataset
from closerlook.dataset.images import iter_images
from closerlook.embedding import Block, Embedder, blocks_of, slices_of
from closerlook.errors import CloserlookError

__all__ = ["Measurement", "TargetMoments", "measure_source", "measure_target"]

TARGET_GROUPS = 16
EXACT_BYTES = 1 << 30  # sums of all cells are kept exactly up to this size, else projected
SKETCH_BYTES = 1 << 28
MAX_SKETCH_WIDTH = 4096

Float = NDArray[np.float64]
Int = NDArray[np.int64]


@dataclass(frozen=True)
class TargetMoments:
    """Moments of the target, in groups of images that follow one another in its table.

    Neighbours in a table are mostly frames of one person or scene, so groups of neighbours are close to independent.

    Attributes:
        mean: (d,) float64 mean of Phi over all images.
        means: (h, d) float64 mean of Phi over each group.
        counts: (h,) images in each group.
        norms: (h, b) sums of each block's ||Phi||^2.
        spread: (b,) unbiased tr Cov of each block.
    """

    mean: Tensor = field(repr=False)
    means: Tensor = field(repr=False)
    counts: Int
    norms: Float = field(repr=False)
    spread: Float


@dataclass(frozen=True)
class Measurement:
    """Everything the analysis keeps of the images: scalars and inner products, unweighted, a block of Phi at a time.

    Numbers in arrays' shapes: b blocks, n analysed source images, c cells, l levels of all factors in order,
    u units (the images of one cell and one group of people), h groups of target images, r dimensions of the projection.

    Attributes:
        blocks: the embedding's blocks.
        factors: the attributes.
        cell_levels: (c, factors) level number of each cell.
        cell_images: (c,) how many images of the source each cell has, analysed or not.
        images: a row an analysed source image: file_name, identity, the factors, cell, group.
        norms: (n, b) ||Phi_i||^2.
        dots: (n, b) <Phi_i, m_t>, m_t being the target's mean.
        cell_gaps: (b, c, c) <m_a - m_t, m_c - m_t> over cells' means: the squared distance to m_t of any mixture of
            cells with weights w that sum to 1 is w' cell_gaps w.
        level_gaps: (b, l) ||m_l - m_t||^2, always exact.
        level_target_dots: (b, l, h) <m_l, m_h>, always exact.
        target_counts: (h,) images.
        target_norms: (h, b) sums of ||Phi||^2.
        target_spread: (b,) unbiased tr Cov_t.
        units: (u, 2) the cell and the group of each unit.
        unit_counts: (u,) images.
        unit_sketches: (u, r) float32, projections of the units' means less m_t.
        target_sketches: (h, r) float32, projections of the target groups' means less m_t.
        sketch_parts: where each block lies in a projection.
        exact: whether ``cell_gaps`` is exact; else it comes from the projections.
    """

    blocks: tuple[Block, ...]
    factors: tuple[Factor, ...]
    cell_levels: Int = field(repr=False)
    cell_images: Int = field(repr=False)
    images: pl.DataFrame = field(repr=False)
    norms: Float = field(repr=False)
    dots: Float = field(repr=False)
    cell_gaps: Float = field(repr=False)
    level_gaps: Float = field(repr=False)
    level_target_dots: Float = field(repr=False)
    target_counts: Int = field(repr=False)
    target_norms: Float = field(repr=False)
    target_spread: Float
    units: Int = field(repr=False)
    unit_counts: Int = field(repr=False)
    unit_sketches: NDArray[np.float32] = field(repr=False)
    target_sketches: NDArray[np.float32] = field(repr=False)
    sketch_parts: tuple[slice, ...] = field(repr=False)
    exact: bool

    @cached_property
    def cell_of_image(self) -> Int:
        """(n,)"""
        return self.images["cell"].to_numpy()

    @cached_property
    def cell_counts(self) -> Int:
        """(c,) analysed images of each cell."""
        return np.bincount(self.cell_of_image, minlength=len(self.cell_levels))

    @cached_property
    def levels_of_image(self) -> Int:
        """(n, factors) the levels of each image, numbered through all factors."""
        return number_levels(self.factors, self.cell_levels)[self.cell_of_image]

    @cached_property
    def members(self) -> Float:
        """(l, c) which cells each level consists of, ones and zeros."""
        return membership(self.factors, self.cell_levels)


def measure_target(target: Dataset, embedder: Embedder) -> TargetMoments:
    """The pass over the target.

    Raises:
        CloserlookError: it has fewer than two images, or the embedding is not finite.
    """
    if len(target) < 2:
        raise CloserlookError(f"The target {target.name} has {len(target)} image: at least 2 are needed.")
    groups = min(TARGET_GROUPS, len(target))
    group = torch.arange(len(target)) * groups // len(target)
    moments = Moments(groups, blocks_of(embedder))
    for rows, phi in _embed(target, embedder):
        moments.add(group[rows], phi, squared_norms(phi, moments.parts))
    n = len(target)
    mean = moments.sums.sum(dim=0) / n
    mean_norms = moments.norms.sum(dim=0) / n
    spread = mean_norms - squared_norms(mean[None], moments.parts)[0]
    spread[spread < 1e-12 * mean_norms] = 0  # identical images leave rounding error, not zero
    return TargetMoments(
        mean, moments.means, moments.counts.numpy(), moments.norms.numpy(), (spread * n / (n - 1)).numpy()
    )


def _embed(data: Dataset, embedder: Embedder) -> Iterator[tuple[slice, Tensor]]:
    """Rows of the table and their Phi (b, d) in float64; a value that is not finite is an error that names its file."""
    start = 0
    with progress(f"{embedder.name} of {data.name}", len(data)) as advance:
        for batch in iter_images(data, embedder.size):
            phi = embedder(torch.from_numpy(batch)).cpu().double()
            finite = torch.isfinite(phi.sum(dim=1))
            if not finite.all():
                bad = data.paths[start + int(torch.argmin(finite.long()))]
                raise CloserlookError(f"Embedding '{embedder.name}' gives a value that is not finite for {bad}.")
            yield slice(start, start + len(batch)), phi
            start += len(batch)
            advance(len(batch))


def measure_source(layout: Layout, target: TargetMoments, embedder: Embedder, seed: int) -> Measurement:
    """The pass over the source, against the target's moments.

    Raises:
        CloserlookError: the embedding is not finite.
    """
    blocks = blocks_of(embedder)
    parts = slices_of(blocks)
    exact = len(layout.levels) * embedder.dim * 8 <= EXACT_BYTES
    sets = torch.from_numpy(
        layout.cell[:, None] if exact else number_levels(layout.factors, layout.levels)[layout.cell]
    )
    sums = torch.zeros(int(sets.max()) + 1, embedder.dim, dtype=torch.float64)
    units, unit = np.unique(np.stack([layout.cell, layout.group], axis=1), axis=0, return_inverse=True)
    unit_of_image, unit_counts = torch.from_numpy(unit), np.bincount(unit)
    sketch = Sketch(blocks, _sketch_width(len(units), len(blocks)), seed)
    sketches = torch.zeros(len(units), sketch.dim, dtype=torch.float64)
    norms = torch.empty(len(layout.data), len(blocks), dtype=torch.float64)
    dots = torch.empty_like(norms)
    for rows, phi in _embed(layout.data, embedder):
        norms[rows] = squared_norms(phi, parts)
        dots[rows] = torch.stack([phi[:, part] @ target.mean[part] for part in parts], dim=1)
        sketches.index_add_(0, unit_of_image[rows], sketch(phi))
        for column in sets[rows].T:
            sums.index_add_(0, column, phi)
    sketches = sketches / torch.from_numpy(unit_counts)[:, None] - sketch(target.mean[None])
    members = torch.from_numpy(membership(layout.factors, layout.levels))
    counts = torch.from_numpy(np.bincount(layout.cell)).double()
    level_means = (members @ sums if exact else sums) / (members @ counts)[:, None]
    if exact:
        cells, cell_parts = sums / counts[:, None] - target.mean, parts
    else:
        cells, cell_parts = _merge_units(units, unit_counts, sketches) / counts[:, None], sketch.parts
    return Measurement(
        blocks=blocks,
        factors=layout.factors,
        cell_levels=layout.levels,
        cell_images=layout.cell_images,
        images=layout.table,
        norms=norms.numpy(),
        dots=dots.numpy(),
        cell_gaps=inner_products(cells, cells, cell_parts).numpy(),
        level_gaps=squared_norms(level_means - target.mean, parts).T.numpy(),
        level_target_dots=inner_products(level_means, target.means, parts).numpy(),
        target_counts=target.counts,
        target_norms=target.norms,
        target_spread=target.spread,
        units=units,
        unit_counts=unit_counts,
        unit_sketches=sketches.float().numpy(),
        target_sketches=(sketch(target.means) - sketch(target.mean[None])).float().numpy(),
        sketch_parts=sketch.parts,
        exact=exact,
    )


def _merge_units(units: Int, counts: Int, sketches: Tensor) -> Tensor:
    """Sums over the images of each cell, from the means of its units."""
    sums = sketches.new_zeros(int(units[:, 0].max()) + 1, sketches.shape[1])
    return sums.index_add_(0, torch.from_numpy(units[:, 0]), sketches * torch.from_numpy(counts)[:, None])


def _sketch_width(units: int, blocks: int) -> int:
    """The largest power of two, up to 4,096, with which all sketches stay within their budget in float64."""
    width = SKETCH_BYTES // (units * blocks * 8)
    return min(MAX_SKETCH_WIDTH, 1 << max(width.bit_length() - 1, 6))
