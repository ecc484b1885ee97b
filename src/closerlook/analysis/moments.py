"""Streaming moments of an embedding: what one pass over the images has to remember.

For groups of images (cells of a design, blocks of a target) the count, the sum of Phi and the sum of each block's
||Phi||^2 suffice for every mean loss over all pairs, however many images there are. Sums are in float64, and two
accumulators add, so shards, processes and machines merge without approximation.
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from closerlook.embedding import Block, slices_of
from closerlook.randomness import keyed_seed

__all__ = ["Moments", "Sketch", "inner_products", "squared_norms"]

Float = NDArray[np.float64]


def squared_norms(phi: Tensor, parts: tuple[slice, ...]) -> Tensor:
    """||Phi||^2 of each block, (b, d) -> (b, blocks)."""
    return torch.stack([torch.linalg.vecdot(phi[:, part], phi[:, part]) for part in parts], dim=1)


def inner_products(a: Tensor, b: Tensor, parts: tuple[slice, ...]) -> Tensor:
    """<a_i, b_j> within each block, (m, d) and (n, d) -> (blocks, m, n)."""
    return torch.stack([a[:, part] @ b[:, part].T for part in parts])


class Moments:
    """Counts, sums of Phi and sums of squared norms of each block, for a fixed number of groups.

    Memory is groups x dimensions x 8 bytes, whatever the number of images.

    Attributes:
        counts: (groups,) int64.
        sums: (groups, dimensions) float64.
        norms: (groups, blocks) float64, sums over images of ||Phi||^2.
    """

    def __init__(self, groups: int, blocks: tuple[Block, ...]) -> None:
        self.parts = slices_of(blocks)
        self.counts = torch.zeros(groups, dtype=torch.int64)
        self.sums = torch.zeros(groups, self.parts[-1].stop, dtype=torch.float64)
        self.norms = torch.zeros(groups, len(blocks), dtype=torch.float64)

    def add(self, groups: Tensor, phi: Tensor, norms: Tensor) -> None:
        """Add images: their group numbers (b,), vectors (b, d) float64 and squared norms (b, blocks)."""
        self.counts.index_add_(0, groups, torch.ones_like(groups))
        self.sums.index_add_(0, groups, phi)
        self.norms.index_add_(0, groups, norms)

    def merge(self, other: Moments) -> None:
        """Add the images that ``other`` has seen."""
        self.counts += other.counts
        self.sums += other.sums
        self.norms += other.norms

    @property
    def means(self) -> Tensor:
        """Mean Phi of each group, (groups, d); zero where a group is empty."""
        return self.sums / self.counts.clamp_min(1)[:, None]


class Sketch:
    """A fixed random projection that keeps inner products: every coordinate is added, with a random sign, to one of
    ``width`` buckets of its block (count sketch; Charikar et al., ICALP 2002).

    An inner product of unit vectors is off by about 1 / sqrt(width); a block that is no wider than ``width`` is kept as
    it is, exactly. The map depends only on ``seed`` and the blocks, so that sketches of different runs compare.
    """

    def __init__(self, blocks: tuple[Block, ...], width: int, seed: int) -> None:
        self._parts = slices_of(blocks)
        self._widths = [min(block.dim, width) for block in blocks]
        ends = np.cumsum(self._widths)
        self.parts = tuple(slice(int(end) - own, int(end)) for end, own in zip(ends, self._widths, strict=True))
        self.dim = int(ends[-1])
        self._maps = [
            self._draw(index, block, own, seed)
            for index, (block, own) in enumerate(zip(blocks, self._widths, strict=True))
        ]

    @staticmethod
    def _draw(index: int, block: Block, width: int, seed: int) -> tuple[Tensor, Tensor] | None:
        if width == block.dim:
            return None
        generator = torch.Generator().manual_seed(keyed_seed(seed, "sketch", index, block.name) >> 1)
        buckets = torch.randint(width, (block.dim,), generator=generator)
        signs = torch.randint(2, (block.dim,), generator=generator).double() * 2 - 1
        return buckets, signs

    def __call__(self, phi: Tensor) -> Tensor:
        """(b, d) -> (b, dim), in the precision that ``phi`` has."""
        found = [
            self._project(phi[:, part], width, way)
            for part, width, way in zip(self._parts, self._widths, self._maps, strict=True)
        ]
        return torch.cat(found, dim=1)

    @staticmethod
    def _project(phi: Tensor, width: int, way: tuple[Tensor, Tensor] | None) -> Tensor:
        if way is None:
            return phi
        buckets, signs = way
        return phi.new_zeros(len(phi), width).index_add_(1, buckets, phi * signs.to(phi.dtype))
