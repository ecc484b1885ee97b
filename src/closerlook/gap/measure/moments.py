"""Arithmetic of streamed moments: norms and products within blocks, and projections that keep them.

For groups of images (cells of a design, runs of a target) the count, the sum of Phi - c and the sum of each block's
||Phi - c||^2 suffice for every mean loss over all pairs, however many images there are. The center c, near the target's
mean, keeps differences from canceling, so single images are handled in float32.
"""

from __future__ import annotations

import itertools

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from closerlook.dataset import Dataset
from closerlook.embedding import Block, slices_of
from closerlook.errors import CloserlookError
from closerlook.randomness import keyed_seed

__all__ = ["Sketch", "center", "check_finite", "inner_products", "mean_variance", "runs_of", "squared_norms"]

COLUMNS = 1 << 16


def squared_norms(vectors: Tensor, parts: tuple[slice, ...]) -> Tensor:
    """Squared norm of each block, (n, d) -> (n, blocks) float64."""
    norms = [torch.linalg.vecdot(vectors[:, part], vectors[:, part]) for part in parts]
    return torch.stack(norms, dim=1).double()


def runs_of(labels: NDArray[np.int64]) -> list[slice]:
    """The runs of equal labels that follow one another."""
    edges = np.flatnonzero(np.r_[True, labels[1:] != labels[:-1], True]).tolist()
    return [slice(start, stop) for start, stop in itertools.pairwise(edges)]


def center(vectors: Tensor, mean: Tensor, parts: tuple[slice, ...], runs: list[slice]) -> Tensor:
    """Subtract ``mean`` (d,) from ``vectors`` (n, d) in place; the first of each run of rows becomes the run's sum.

    Columns are taken as many at a time as stay in a core's cache, so that memory is read once.

    Returns:
        Squared norm of each block of each centerd vector, (n, blocks) float64.
    """
    norms = torch.zeros(len(vectors), len(parts), dtype=torch.float64, device=vectors.device)
    for block, part in enumerate(parts):
        for start in range(part.start, part.stop, COLUMNS):
            columns = slice(start, min(start + COLUMNS, part.stop))
            centerd = vectors[:, columns]
            centerd -= mean[columns]
            norms[:, block] += torch.linalg.vecdot(centerd, centerd)
            for run in runs:
                if run.stop - run.start > 1:
                    centerd[run.start] += centerd[run.start + 1 : run.stop].sum(dim=0)
    return norms


def check_finite(distances: Tensor, data: Dataset, rows: slice, embedding: str) -> None:
    """Distances (b, blocks) of these rows of the table must be numbers.

    Raises:
        CloserlookError: one is not; the message names the image.
    """
    finite = torch.isfinite(distances).all(dim=1)
    if not finite.all():
        bad = data.paths[rows.start + int(torch.argmin(finite.long()))]
        raise CloserlookError(f"Embedding '{embedding}' gives a value that is not finite for {bad}.")


def inner_products(a: Tensor, b: Tensor, parts: tuple[slice, ...]) -> Tensor:
    """<a_i, b_j> within each block, (m, d) and (n, d) -> (blocks, m, n)."""
    return torch.stack([a[:, part] @ b[:, part].T for part in parts])


def mean_variance(counts: NDArray[np.int64], distances: NDArray[np.float64]) -> NDArray[np.float64]:
    """The variance of a mean over independent groups, (b,), from how far the groups' means lie from it.

    Args:
        counts: (h,) images of each group.
        distances: (h, b) squared distance of each group's mean to the mean of all.
    """
    n = counts.astype(float)
    return np.asarray(n**2 @ distances / max(n.sum() ** 2 - (n**2).sum(), 1))


class Sketch:
    """A fixed random projection that keeps inner products: every coordinate is added, with a random sign, to one of
    ``width`` buckets of its block (count sketch; Charikar et al., ICALP 2002).

    An inner product of unit vectors is off by about 1 / sqrt(width); a block that is no wider than ``width`` is kept as
    it is, exactly. The map depends only on ``seed`` and the blocks, so that sketches of different runs compare.

    Attributes:
        parts: where each block lies in a projection.
        dim: length of a projection.
    """

    def __init__(self, blocks: tuple[Block, ...], width: int, seed: int, device: torch.device | None = None) -> None:
        self.parts = slices_of(tuple(Block(block.name, block.term, min(block.dim, width)) for block in blocks))
        self.dim = self.parts[-1].stop
        self._from = slices_of(blocks)
        self._maps = [_draw_map(index, block, width, seed, device) for index, block in enumerate(blocks)]

    def __call__(self, vectors: Tensor) -> Tensor:
        """(n, d) -> (n, dim), in the precision that ``vectors`` has."""
        out = vectors.new_zeros(len(vectors), self.dim)
        for source, part, drawn in zip(self._from, self.parts, self._maps, strict=True):
            if drawn is None:
                out[:, part] = vectors[:, source]
            else:
                buckets, signs = drawn
                out[:, part].index_add_(1, buckets, vectors[:, source] * signs.to(vectors.dtype))
        return out


def _draw_map(
    index: int, block: Block, width: int, seed: int, device: torch.device | None
) -> tuple[Tensor, Tensor] | None:
    """Bucket and sign of each coordinate; None where the block is kept as it is."""
    if block.dim <= width:
        return None
    rng = np.random.default_rng(keyed_seed(seed, "sketch", index, block.name))
    buckets = torch.from_numpy(rng.integers(width, size=block.dim))
    signs = torch.from_numpy(rng.integers(2, size=block.dim).astype(np.float32) * 2 - 1)
    return buckets.to(device), signs.to(device)
