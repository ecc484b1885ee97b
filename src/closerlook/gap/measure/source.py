"""The pass over the source, against the target's moments: everything that the analysis needs from the pixels."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from closerlook.arrays import Float, Int
from closerlook.compute.progress import progress
from closerlook.embedding import Block, Embedder, pool, slices_of
from closerlook.embedding.passes import batch_size, cut, run_pass
from closerlook.gap.measure.cameras import measure_cameras
from closerlook.gap.measure.cells import Layout, membership, number_levels, subsample
from closerlook.gap.measure.measurement import Measurement
from closerlook.gap.measure.moments import (
    Sketch,
    center,
    check_finite,
    inner_products,
    mean_variance,
    runs_of,
    squared_norms,
)
from closerlook.gap.measure.partials import Arrays, Partials, collect, count_partials
from closerlook.gap.measure.products import cell_products
from closerlook.gap.measure.sums import ExactSums, ProjectedSums, UnitSums
from closerlook.gap.measure.target import TargetMoments
from closerlook.gap.statistics.distributions import measure_distributions

__all__ = ["SourceSums", "make_source_partials", "measure_source"]

EXACT_BYTES = 1 << 30  # the units' sums are kept exactly up to 1 GiB, else projected
SKETCH_BYTES = 1 << 28
PIECE_BYTES = 1 << 25  # of units' vectors
POOLED_IMAGES = 8192


class Reduced(NamedTuple):
    """What is kept of each image of a batch."""

    distances: Tensor
    pooled: Tensor | None


class SourceSums:
    """Sums of Phi - m_t over units: the images of one cell and one group of people, which come together in the pass.

    Where the units' vectors do not fit into memory, their projections and the exact sums over levels are kept.

    Args:
        mean: m_t, the center.
        blocks: of Phi.
        seed: of the projection.
    """

    def __init__(self, layout: Layout, mean: Tensor, blocks: tuple[Block, ...], seed: int) -> None:
        self.layout, self.blocks, self._mean = layout, blocks, mean
        units, unit = np.unique(np.stack([layout.cell, layout.group], axis=1), axis=0, return_inverse=True)
        self.units, self.unit_of_image = units, unit
        self.exact = len(units) * len(mean) * 4 <= EXACT_BYTES
        self.sketch = Sketch(blocks, _sketch_width(len(units), len(blocks), self.exact), seed, mean.device)
        self.levels_of_unit = number_levels(layout.factors, layout.levels)[units[:, 0]]
        self._parts = slices_of(blocks)
        names, per_cell = layout.data.table["file_name"], -(-POOLED_IMAGES // len(layout.levels))
        self.pooled = np.zeros(len(names), bool)
        self.pooled[subsample(names, layout.cell, per_cell, seed)] = True

    def cut(self) -> list[slice]:
        """The partials: runs of whole units, of about as many images each."""
        images, width = len(self.unit_of_image), len(self._mean) if self.exact else self.sketch.dim
        count = max(count_partials(images), len(self.units) * width * 4 // PIECE_BYTES)
        wanted = np.arange(count + 1) * images // count
        starts = np.flatnonzero(np.diff(self.unit_of_image, prepend=-1, append=len(self.units)))
        edges = np.unique(starts[np.searchsorted(starts, wanted)])
        return [slice(int(low), int(high)) for low, high in itertools.pairwise(edges)]

    def unit_sums(self) -> UnitSums:
        """Memory for the sums of one piece after another."""
        capacity = max(
            int(self.unit_of_image[rows.stop - 1] - self.unit_of_image[rows.start]) + 1 for rows in self.cut()
        )
        device = self._mean.device
        if self.exact:
            return ExactSums(capacity, len(self._mean), device)
        return ProjectedSums(capacity, self.units[:, 0], self.levels_of_unit, self.sketch, len(self._mean), device)

    def reduce(self, rows: slice, phi: Tensor) -> Reduced:
        """What is kept of these rows' Phi (b, d); the first row of each unit becomes the unit's sum of Phi - m_t."""
        pooled = pool(self.blocks, phi, torch.from_numpy(self.pooled[rows]))
        return Reduced(center(phi, self._mean, self._parts, runs_of(self.unit_of_image[rows])), pooled)

    def piece(self, rows: slice, batches: Iterable[tuple[slice, Tensor, Reduced]], sums: UnitSums) -> Arrays:
        """A piece, from its batches in order: their rows, their reduced Phi and what was kept of them.

        Returns:
            Arrays of which the sums lie in the memory of ``sums``: they are valid until the next piece is made.
        """
        sums.begin(int(self.unit_of_image[rows.start]))
        distances: list[Tensor] = []
        pooled: list[Tensor] = []
        for batch, phi, kept in batches:
            units = self.unit_of_image[batch]
            for run in runs_of(units):
                sums.add(int(units[run.start]), phi[run.start])
            distances.append(kept.distances)
            if kept.pooled is not None:
                pooled.append(kept.pooled)
        arrays = {**sums.totals(), "distances": torch.cat(distances)}
        if pooled:
            arrays["pooled"] = torch.cat(pooled)
        return {name: value.numpy(force=True) for name, value in arrays.items()}

    def measurement(self, partials: Iterable[Arrays], target: TargetMoments) -> Measurement:
        """Put all partials together, in order."""
        device = self._mean.device
        width = len(self._mean) if self.exact else self.sketch.dim
        means = torch.empty(len(self.units), width, device=device)
        levels = int(self.levels_of_unit.max()) + 1
        level_sums = torch.zeros(levels, len(self._mean), dtype=torch.float64, device=device)
        start = 0
        distances: list[Any] = []
        pooled: list[Any] = []
        for piece in partials:
            count = len(piece["units"])
            means[start : start + count] = torch.from_numpy(piece["units"])
            if self.exact:
                for unit in range(start, start + count):
                    for level in self.levels_of_unit[unit].tolist():  # in place, without a float64 copy
                        level_sums[level] += means[unit]
            else:
                for level, level_sum in zip(piece["levels"], torch.from_numpy(piece["level_sums"]), strict=True):
                    level_sums[int(level)] += level_sum.to(device)
            start += count
            distances.append(piece["distances"])
            pooled += [piece["pooled"]] if "pooled" in piece else []
        counts = np.bincount(self.unit_of_image)
        means /= torch.from_numpy(counts).to(device)[:, None]
        return self._finish(means, counts, level_sums, np.concatenate(distances), pooled, target)

    def _finish(
        self, means: Tensor, counts: Int, level_sums: Tensor, distances: Float, pooled: list[Any], target: TargetMoments
    ) -> Measurement:
        layout, parts, device = self.layout, slices_of(self.blocks), means.device
        sketches = torch.cat([self.sketch(chunk) for chunk in torch.split(means, 16)]) if self.exact else means
        members = torch.from_numpy(membership(layout.factors, layout.levels)).to(device)
        level_counts = members @ torch.from_numpy(np.bincount(layout.cell)).to(device).double()
        level_means = level_sums.div_(level_counts[:, None])  # in place: the sums are wide, and not needed again
        products = parts if self.exact else self.sketch.parts
        measured, unbiased = cell_products(self.units, counts, means, products, len(layout.levels))
        runs, run_counts = target.means(1), target.counts.sum(axis=1)
        distributions = None
        if target.pooled is not None:
            images, group = layout.cell[self.pooled], layout.group[self.pooled]
            features = torch.from_numpy(np.concatenate(pooled)).to(device)
            distributions = measure_distributions(features, images, group, len(layout.levels), target)
        return Measurement(
            blocks=self.blocks,
            factors=layout.factors,
            cell_levels=layout.levels,
            cell_images=layout.cell_images,
            images=layout.table,
            distances=distances,
            cell_products=measured,
            unbiased_cell_products=unbiased,
            level_gaps=squared_norms(level_means, parts).T.contiguous().numpy(force=True),
            level_target_dots=inner_products(level_means, runs, parts).numpy(force=True),
            target_counts=run_counts,
            target_distances=target.distances.sum(axis=1),
            target_bias=mean_variance(run_counts, squared_norms(runs, parts).numpy(force=True)),
            units=self.units,
            unit_counts=counts,
            unit_sketches=sketches.float().numpy(force=True),
            target_sketches=self.sketch(runs).float().numpy(force=True),
            sketch_parts=self.sketch.parts,
            exact=self.exact,
            distributions=distributions,
            cameras=measure_cameras(target, level_sums, self.sketch, parts),
        )


def make_source_partials(
    sums: SourceSums, embedder: Embedder, partials: Partials, shard: tuple[int, int] | None = None
) -> Iterator[Arrays]:
    """The source's partials in order, measured where they are missing.

    Args:
        shard: (i, n) takes every n-th piece only, from the i-th (1 to n).
    """
    layout, rows = sums.layout, sums.cut()
    first, step = (shard[0] - 1, shard[1]) if shard else (0, 1)
    chosen = rows[first::step]
    names = [f"source-{number:02}-of-{len(rows)}" for number in range(len(rows))][first::step]
    size = batch_size(embedder)

    def make(missing: list[int]) -> Iterator[Arrays]:
        if not missing:
            return
        to_make = [chosen[number] for number in missing]
        stream = run_pass(layout.data, embedder, [batch for piece in to_make for batch in cut(piece, size)], reduce)
        images, done = (sum(rows.stop - rows.start for rows in each) for each in (to_make, chosen))
        unit_sums = sums.unit_sums()
        with progress(f"{embedder.name} of {layout.data.name}", done, done=done - images) as advance:

            def batches(piece: slice) -> Iterator[tuple[slice, Tensor, Reduced]]:
                for batch in cut(piece, size):
                    yield batch, *next(stream)
                    advance(batch.stop - batch.start)

            for piece in to_make:
                yield sums.piece(piece, batches(piece), unit_sums)

    def reduce(batch: slice, phi: Tensor) -> Reduced:
        reduced = sums.reduce(batch, phi)
        check_finite(reduced.distances, layout.data, batch, embedder.name)
        return reduced

    return collect(partials, names, make)


def measure_source(
    layout: Layout, target: TargetMoments, embedder: Embedder, seed: int, partials: Partials
) -> Measurement:
    """The pass over the source.

    Raises:
        CloserlookError: the embedding is not finite, or an image cannot be read.
    """
    sums = SourceSums(layout, target.mean, embedder.blocks, seed)
    return sums.measurement(make_source_partials(sums, embedder, partials), target)


def _sketch_width(units: int, blocks: int, exact: bool) -> int:
    """The largest power of two with which all projections stay within their budget in float32.

    Where cells are exact, projections only serve for spreads, and 512 dimensions a block do; else up to 4,096.
    """
    width = SKETCH_BYTES // (units * blocks * 4)
    return min(512 if exact else 4096, 1 << max(width.bit_length() - 1, 6))
