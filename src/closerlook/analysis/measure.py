"""One pass over the target and one over the source: everything that the analysis needs from the pixels."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from closerlook.analysis.cells import Layout, membership, number_levels
from closerlook.analysis.measurement import Measurement
from closerlook.analysis.moments import Moments, Sketch, inner_products, squared_norms
from closerlook.analysis.products import cell_products
from closerlook.compute.progress import progress
from closerlook.dataset import Dataset
from closerlook.dataset.images import iter_images
from closerlook.embedding import Block, Embedder, blocks_of, slices_of
from closerlook.errors import CloserlookError

__all__ = ["SourceAccumulator", "TargetAccumulator", "TargetMoments", "measure_source", "measure_target"]

TARGET_GROUPS = 16
EXACT_BYTES = 3 << 29  # the units' sums are kept exactly up to 1.5 GiB, else projected
SKETCH_BYTES = 1 << 28

Float = NDArray[np.float64]
Int = NDArray[np.int64]


@dataclass(frozen=True)
class TargetMoments:
    """Moments of the target, in groups of images that follow one another in its table.

    Neighbours in a table are mostly frames of one person or scene, so groups of neighbours are close to independent.

    Attributes:
        mean: (d,) float32 mean of Phi over all images, m_t; the centre of everything below.
        offsets: (h, d) float64 mean of Phi - m_t over each group.
        counts: (h,) images in each group.
        distances: (h, b) sums of each block's ||Phi - m_t||^2.
        bias: (b,) variance of m_t, tr Cov(m_t), judged by how much the groups' means differ.
    """

    mean: Tensor = field(repr=False)
    offsets: Tensor = field(repr=False)
    counts: Int
    distances: Float = field(repr=False)
    bias: Float


def measure_target(target: Dataset, embedder: Embedder) -> TargetMoments:
    """The pass over the target.

    Raises:
        CloserlookError: it has fewer than two images, or the embedding is not finite.
    """
    if len(target) < 2:
        raise CloserlookError(f"The target {target.name} has {len(target)} image: at least 2 are needed.")
    groups = min(TARGET_GROUPS, len(target))
    group = torch.arange(len(target)) * groups // len(target)
    accumulator = TargetAccumulator(group, groups, blocks_of(embedder))
    _pass_over(target, embedder, accumulator.add)
    return accumulator.finish()


class TargetAccumulator:
    """The mean is not known beforehand; the first batch's serves as the centre."""

    def __init__(self, group: Tensor, groups: int, blocks: tuple[Block, ...]) -> None:
        self._group, self._groups, self._blocks = group, groups, blocks

    def add(self, rows: slice, phi: Tensor) -> None:
        if rows.start == 0:
            self._centre = phi.mean(dim=0)
            self._moments = Moments(self._groups, self._blocks, phi.device)
        phi -= self._centre
        self._moments.add(self._group[rows].to(phi.device), phi, squared_norms(phi, self._moments.parts))

    def finish(self) -> TargetMoments:
        moments, parts = self._moments, self._moments.parts
        mean = (self._centre + moments.sums.sum(dim=0) / moments.counts.sum()).float()
        shift = mean.double() - self._centre
        shifts = torch.stack([moments.sums[:, part] @ shift[part] for part in parts], dim=1)
        distances = moments.distances - 2 * shifts + moments.counts[:, None] * squared_norms(shift[None], parts)
        offsets = moments.sums / moments.counts[:, None] - shift
        counts = moments.counts.double()
        bias = (counts**2) @ squared_norms(offsets, parts) / (counts.sum() ** 2 - (counts**2).sum())
        # Identical images leave float32 rounding, not zero
        rounding = 1e-12 * squared_norms(mean.double()[None], parts)[0] * counts.sum()
        alike = distances.sum(dim=0) < rounding
        distances[:, alike], bias[alike] = 0, 0
        return TargetMoments(
            mean,
            offsets,
            moments.counts.numpy(force=True),
            distances.clamp_min(0).numpy(force=True),
            bias.numpy(force=True),
        )


def _pass_over(data: Dataset, embedder: Embedder, add: Callable[[slice, Tensor], None]) -> None:
    """Call ``add`` with the rows of the table and their Phi (b, d) float32, which it may overwrite, batch by batch.

    ``add`` works in a thread of its own while the next batch goes through the network.

    Raises:
        CloserlookError: a value of Phi is not finite; the message names the image.
    """

    def check_and_add(rows: slice, phi: Tensor) -> None:
        with torch.inference_mode():
            finite = torch.isfinite(phi.sum(dim=1))
            if not finite.all():
                bad = data.paths[rows.start + int(torch.argmin(finite.long()))]
                raise CloserlookError(f"Embedding '{embedder.name}' gives a value that is not finite for {bad}.")
            add(rows, phi)

    start, pending = 0, Future[None]()
    pending.set_result(None)
    with progress(f"{embedder.name} of {data.name}", len(data)) as advance, ThreadPoolExecutor(1, "moments") as pool:
        for batch in iter_images(data, embedder.size):
            phi = embedder(torch.from_numpy(batch))
            pending.result()
            pending = pool.submit(check_and_add, slice(start, start + len(batch)), phi)
            start += len(batch)
            advance(len(batch))
        pending.result()


def measure_source(layout: Layout, target: TargetMoments, embedder: Embedder, seed: int) -> Measurement:
    """The pass over the source, against the target's moments.

    Raises:
        CloserlookError: the embedding is not finite.
    """
    accumulator = SourceAccumulator(layout, target, blocks_of(embedder), seed)
    _pass_over(layout.data, embedder, accumulator.add)
    return accumulator.finish()


class SourceAccumulator:
    """Sums of Phi - m_t over units: the images of one cell and one group of people, which come together in the pass.

    Where the units' vectors do not fit into memory, their projections and the exact sums over levels are kept.
    """

    def __init__(self, layout: Layout, target: TargetMoments, blocks: tuple[Block, ...], seed: int) -> None:
        self._layout, self._target, self._blocks = layout, target, blocks
        device, dim = target.mean.device, len(target.mean)
        units, unit = np.unique(np.stack([layout.cell, layout.group], axis=1), axis=0, return_inverse=True)
        self._units, self._unit_of_image = units, torch.from_numpy(unit).to(device)
        self._exact = len(units) * dim * 4 <= EXACT_BYTES
        self._sketch = Sketch(blocks, _sketch_width(len(units), len(blocks), self._exact), seed, device)
        levels = number_levels(layout.factors, layout.levels)
        self._levels_of_unit = torch.from_numpy(levels[units[:, 0]]).to(device)
        width = dim if self._exact else self._sketch.dim
        self._units_sums = torch.zeros(len(units), width, device=device)
        self._level_sums = torch.zeros(int(levels.max()) + 1, dim, dtype=torch.float64, device=device)
        self._distances = torch.empty(len(layout.data), len(blocks), dtype=torch.float64)
        self._parts = slices_of(blocks)

    def add(self, rows: slice, phi: Tensor) -> None:
        """Add the images of these rows; ``phi`` (b, d) is overwritten."""
        phi -= self._target.mean
        self._distances[rows] = squared_norms(phi, self._parts).cpu()
        of_image = self._unit_of_image[rows]
        if self._exact:
            self._units_sums.index_add_(0, of_image, phi)
            return
        units, inverse = torch.unique(of_image, return_inverse=True)
        phi = phi.new_zeros(len(units), phi.shape[1]).index_add_(0, inverse, phi)
        self._units_sums.index_add_(0, units, self._sketch(phi))
        for column in self._levels_of_unit[units].T:
            self._level_sums.index_add_(0, column, phi.double())

    def finish(self) -> Measurement:
        layout, target, parts = self._layout, self._target, self._parts
        counts = torch.bincount(self._unit_of_image)
        means = self._units_sums / counts[:, None]
        sketches = torch.cat([self._sketch(chunk) for chunk in torch.split(means, 256)]) if self._exact else means
        if self._exact:
            self._sum_levels()
        members = torch.from_numpy(membership(layout.factors, layout.levels)).to(means.device)
        level_counts = members @ torch.from_numpy(np.bincount(layout.cell)).to(means.device).double()
        levels = self._level_sums / level_counts[:, None]
        gaps, fits = cell_products(
            self._units,
            counts.numpy(force=True),
            means,
            parts if self._exact else self._sketch.parts,
            len(layout.levels),
        )
        return Measurement(
            blocks=self._blocks,
            factors=layout.factors,
            cell_levels=layout.levels,
            cell_images=layout.cell_images,
            images=layout.table,
            distances=self._distances.numpy(),
            cell_gaps=gaps,
            cell_fits=fits,
            level_gaps=squared_norms(levels, parts).T.contiguous().numpy(force=True),
            level_target_dots=inner_products(levels, target.offsets, parts).numpy(force=True),
            target_counts=target.counts,
            target_distances=target.distances,
            target_bias=target.bias,
            units=self._units,
            unit_counts=counts.numpy(force=True),
            unit_sketches=sketches.numpy(force=True),
            target_sketches=self._sketch(target.offsets).float().numpy(force=True),
            sketch_parts=self._sketch.parts,
            exact=self._exact,
        )

    def _sum_levels(self) -> None:
        for start in range(0, len(self._units), 256):  # in float64, without a float64 copy of all units
            chunk = self._units_sums[start : start + 256].double()
            for column in self._levels_of_unit[start : start + 256].T:
                self._level_sums.index_add_(0, column, chunk)


def _sketch_width(units: int, blocks: int, exact: bool) -> int:
    """The largest power of two with which all projections stay within their budget in float32.

    Where cells are exact, projections only serve for spreads, and 512 dimensions a block do; else up to 4,096.
    """
    width = SKETCH_BYTES // (units * blocks * 4)
    return min(512 if exact else 4096, 1 << max(width.bit_length() - 1, 6))
