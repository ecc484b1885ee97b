"""Streaming moments of an embedding: what one pass over the images has to remember.

For groups of images (cells of a design, blocks of a target) the count, the sum of Phi - c and the sum of each block's
||Phi - c||^2 suffice for every mean loss over all pairs, however many images there are. The centre c, near the target's
mean, keeps differences from cancelling, so single images are handled in float32; sums over images are in float64. Two
accumulators with one centre add, so shards, processes and machines merge without approximation.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from closerlook.embedding import Block, slices_of
from closerlook.randomness import keyed_seed

__all__ = ["Moments", "Sketch", "inner_products", "squared_norms"]


def squared_norms(vectors: Tensor, parts: tuple[slice, ...]) -> Tensor:
    """Squared norm of each block, (n, d) -> (n, blocks) float64."""
    found = [torch.linalg.vecdot(vectors[:, part], vectors[:, part]) for part in parts]
    return torch.stack(found, dim=1).double()


def inner_products(a: Tensor, b: Tensor, parts: tuple[slice, ...]) -> Tensor:
    """<a_i, b_j> within each block, (m, d) and (n, d) -> (blocks, m, n)."""
    return torch.stack([a[:, part] @ b[:, part].T for part in parts])


class Moments:
    """Counts and centred sums of Phi and of its squared distances to the centre, for a fixed number of groups.

    Memory is groups x dimensions x 8 bytes, whatever the number of images.

    Attributes:
        counts: (groups,) int64.
        sums: (groups, dimensions) float64, sums of Phi - c.
        distances: (groups, blocks) float64, sums of ||Phi - c||^2.
    """

    def __init__(self, groups: int, blocks: tuple[Block, ...], device: torch.device | None = None) -> None:
        self.parts = slices_of(blocks)
        self.counts = torch.zeros(groups, dtype=torch.int64, device=device)
        self.sums = torch.zeros(groups, self.parts[-1].stop, dtype=torch.float64, device=device)
        self.distances = torch.zeros(groups, len(blocks), dtype=torch.float64, device=device)

    def add(self, groups: Tensor, centred: Tensor, distances: Tensor) -> None:
        """Add images: their group numbers (b,), Phi - c (b, d) and its squared norms (b, blocks)."""
        self.counts.index_add_(0, groups, torch.ones_like(groups))
        self.sums.index_add_(0, groups, centred.double())
        self.distances.index_add_(0, groups, distances)

    def merge(self, other: Moments) -> None:
        """Add the images that ``other`` has seen around the same centre."""
        self.counts += other.counts
        self.sums += other.sums
        self.distances += other.distances


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
        for source, part, found in zip(self._from, self.parts, self._maps, strict=True):
            if found is None:
                out[:, part] = vectors[:, source]
            else:
                buckets, signs = found
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
