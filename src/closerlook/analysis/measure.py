"""The pass over the source, against the target's moments: everything that the analysis needs from the pixels."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from closerlook.analysis.cameras import mean_variance, measure_cameras
from closerlook.analysis.cells import Layout, membership, number_levels, subsample
from closerlook.analysis.distributions import measure_distributions
from closerlook.analysis.measurement import Measurement
from closerlook.analysis.moments import Sketch, check_finite, inner_products, squared_norms
from closerlook.analysis.pieces import Arrays, Pieces, collect, count_pieces
from closerlook.analysis.products import cell_products
from closerlook.analysis.target import TargetMoments
from closerlook.compute.progress import progress
from closerlook.embedding import Block, Embedder, blocks_of, pool, slices_of
from closerlook.embedding.passes import batch_size, cut, run_pass

__all__ = ["SourceSums", "make_source_pieces", "measure_source"]

EXACT_BYTES = 1 << 30  # the units' sums are kept exactly up to 1 GiB, else projected
SKETCH_BYTES = 1 << 28
POOLED_IMAGES = 8192

Float = NDArray[np.float64]
Int = NDArray[np.int64]


class Reduced(NamedTuple):
    """What is kept of a batch: its first unit, the sums of its units and levels, distances and pooled features."""

    unit: int
    units: Tensor
    levels: Tensor
    level_sums: Tensor | None
    distances: Tensor
    pooled: Tensor | None


class SourceSums:
    """Sums of Phi - m_t over units: the images of one cell and one group of people, which come together in the pass.

    Where the units' vectors do not fit into memory, their projections and the exact sums over levels are kept.

    Args:
        mean: m_t, the centre.
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
        """The pieces: runs of whole units, of about as many images each."""
        count = count_pieces(len(self.unit_of_image))
        wanted = np.arange(count + 1) * len(self.unit_of_image) // count
        starts = np.flatnonzero(np.diff(self.unit_of_image, prepend=-1, append=len(self.units)))
        edges = np.unique(starts[np.searchsorted(starts, wanted)])
        return [slice(int(low), int(high)) for low, high in itertools.pairwise(edges)]

    def reduce(self, rows: slice, phi: Tensor) -> Reduced:
        """What is kept of these rows' Phi (b, d), which is overwritten."""
        pooled = pool(self.blocks, phi, torch.from_numpy(self.pooled[rows]))
        phi -= self._mean
        distances = squared_norms(phi, self._parts)
        of_image = self.unit_of_image[rows]
        first = int(of_image[0])
        count = int(of_image[-1]) - first + 1
        if count < len(phi):
            local = torch.from_numpy(of_image - first).to(phi.device)
            phi = torch.zeros_like(phi).index_add_(0, local, phi)[:count]  # one size for all, or freed memory splinters
        if self.exact:
            return Reduced(first, phi, torch.empty(0), None, distances, pooled)
        members = self.levels_of_unit[first : first + count]
        levels = np.unique(members)
        inside = (members[:, None] == levels[None, :, None]).any(axis=2).T
        sums = torch.from_numpy(inside).to(phi.device, phi.dtype) @ phi
        return Reduced(first, self.sketch(phi), torch.from_numpy(levels), sums, distances, pooled)

    def piece(self, rows: slice, batches: Iterable[Reduced]) -> Arrays:
        """The sums over a piece, from its batches in order."""
        first, last = int(self.unit_of_image[rows.start]), int(self.unit_of_image[rows.stop - 1])
        device, levels = self._mean.device, int(self.levels_of_unit.max()) + 1
        units = torch.zeros(last - first + 1, len(self._mean) if self.exact else self.sketch.dim, device=device)
        sums = torch.zeros(0 if self.exact else levels, len(self._mean), device=device)
        distances: list[Tensor] = []
        pooled: list[Tensor] = []
        for batch in batches:
            units[batch.unit - first : batch.unit - first + len(batch.units)] += batch.units
            if batch.level_sums is not None:
                sums.index_add_(0, batch.levels.to(device), batch.level_sums)
            distances.append(batch.distances)
            if batch.pooled is not None:
                pooled.append(batch.pooled)
        present = torch.nonzero(sums.abs().amax(dim=1) if len(sums) else torch.zeros(0))[:, 0]
        found = {"units": units, "levels": present, "level_sums": sums[present], "distances": torch.cat(distances)}
        if pooled:
            found["pooled"] = torch.cat(pooled)
        return {name: value.numpy(force=True) for name, value in found.items()}

    def measurement(self, pieces: Iterable[Arrays], target: TargetMoments) -> Measurement:
        """Put all pieces together, in order."""
        device = self._mean.device
        width = len(self._mean) if self.exact else self.sketch.dim
        means = torch.empty(len(self.units), width, device=device)
        level_sums = torch.zeros(
            int(self.levels_of_unit.max()) + 1, len(self._mean), dtype=torch.float64, device=device
        )
        start = 0
        distances: list[Any] = []
        pooled: list[Any] = []
        for piece in pieces:
            own = torch.from_numpy(piece["units"]).to(device)
            means[start : start + len(own)] = own
            if self.exact:
                self._add_levels(level_sums, start, own)
            else:
                level_sums.index_add_(
                    0,
                    torch.from_numpy(piece["levels"]).to(device),
                    torch.from_numpy(piece["level_sums"]).to(device).double(),
                )
            start += len(own)
            distances.append(piece["distances"])
            pooled += [piece["pooled"]] if "pooled" in piece else []
        counts = np.bincount(self.unit_of_image)
        means /= torch.from_numpy(counts).to(device)[:, None]
        return self._finish(means, counts, level_sums, np.concatenate(distances), pooled, target)

    def _add_levels(self, level_sums: Tensor, start: int, units: Tensor) -> None:
        for first in range(0, len(units), 64):  # in float64, without a float64 copy of all units
            chunk = units[first : first + 64].double()
            for column in self.levels_of_unit[start + first : start + first + len(chunk)].T:
                level_sums.index_add_(0, torch.from_numpy(column).to(units.device), chunk)

    def _finish(
        self, means: Tensor, counts: Int, level_sums: Tensor, distances: Float, pooled: list[Any], target: TargetMoments
    ) -> Measurement:
        layout, parts, device = self.layout, slices_of(self.blocks), means.device
        sketches = torch.cat([self.sketch(chunk) for chunk in torch.split(means, 256)]) if self.exact else means
        members = torch.from_numpy(membership(layout.factors, layout.levels)).to(device)
        level_counts = members @ torch.from_numpy(np.bincount(layout.cell)).to(device).double()
        level_sums /= level_counts[:, None]
        products = parts if self.exact else self.sketch.parts
        gaps, fits = cell_products(self.units, counts, means, products, len(layout.levels))
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
            cell_gaps=gaps,
            cell_fits=fits,
            level_gaps=squared_norms(level_sums, parts).T.contiguous().numpy(force=True),
            level_target_dots=inner_products(level_sums, runs, parts).numpy(force=True),
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


def make_source_pieces(
    sums: SourceSums, embedder: Embedder, pieces: Pieces, share: tuple[int, int] | None = None
) -> Iterator[Arrays]:
    """The source's pieces in order, measured where they are missing.

    Args:
        share: (i, n) takes every n-th piece only, from the i-th (1 to n).
    """
    layout, rows = sums.layout, sums.cut()
    first, step = (share[0] - 1, share[1]) if share else (0, 1)
    chosen = rows[first::step]
    names = [f"source-{number:02}-of-{len(rows)}" for number in range(len(rows))][first::step]
    size = batch_size(embedder)

    def make(missing: list[int]) -> Iterator[Arrays]:
        own = [chosen[number] for number in missing]
        stream = run_pass(layout.data, embedder, [batch for one in own for batch in cut(one, size)], reduce)
        images, done = sum(one.stop - one.start for one in own), sum(one.stop - one.start for one in chosen)
        with progress(f"{embedder.name} of {layout.data.name}", done, done=done - images) as advance:

            def batches(piece: slice) -> Iterator[Reduced]:
                for batch in cut(piece, size):
                    yield next(stream)
                    advance(batch.stop - batch.start)

            for one in own:
                yield sums.piece(one, batches(one))

    def reduce(batch: slice, phi: Tensor) -> Reduced:
        found = sums.reduce(batch, phi)
        check_finite(found.distances, layout.data, batch, embedder.name)
        return found

    return collect(pieces, names, make)


def measure_source(layout: Layout, target: TargetMoments, embedder: Embedder, seed: int, pieces: Pieces) -> Measurement:
    """The pass over the source.

    Raises:
        CloserlookError: the embedding is not finite, or an image cannot be read.
    """
    sums = SourceSums(layout, target.mean, blocks_of(embedder), seed)
    return sums.measurement(make_source_pieces(sums, embedder, pieces), target)


def _sketch_width(units: int, blocks: int, exact: bool) -> int:
    """The largest power of two with which all projections stay within their budget in float32.

    Where cells are exact, projections only serve for spreads, and 512 dimensions a block do; else up to 4,096.
    """
    width = SKETCH_BYTES // (units * blocks * 4)
    return min(512 if exact else 4096, 1 << max(width.bit_length() - 1, 6))
