"""Inner products between cells, as measured and without bias.

The squared length of a mean is too large on average by the mean's own variance, and images of one person are not
independent. So products are also taken over pairs of images of *different groups of people* only, which is unbiased
however much the images of a person have in common, for any mixture of cells (a U-statistic over clusters).
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

__all__ = ["cell_products", "group_products", "products_of_sums"]

CHUNK_BYTES = 1 << 26  # of the means, in float64


def cell_products(
    units: NDArray[np.int64], counts: NDArray[np.int64], means: Tensor, parts: tuple[slice, ...], cells: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Products <m_a, m_c> of cells' means, (blocks, cells, cells) each: as measured, and over different groups only.

    Args:
        units: (u, 2) cell and group of each unit.
        counts: (u,) images.
        means: (u, d) mean vector of each unit, about the center that products are to be taken about.
        parts: the blocks.

    Where two cells have no images of different groups the second is the first, less (for a cell with itself) the
    spread of single images, taken from the cells where it is known.
    """
    device = means.device
    cell, group = (torch.from_numpy(column).to(device) for column in units.T)
    number = torch.from_numpy(counts).to(device).double()
    images = torch.zeros(cells, int(group.max()) + 1, dtype=torch.float64, device=device)
    images.index_put_((cell, group), number, accumulate=True)
    groups = [torch.nonzero(group == index)[:, 0] for index in range(images.shape[1])]
    total = torch.zeros(len(parts), cells, cells, dtype=torch.float64, device=device)
    within = torch.zeros_like(total)
    width = max(1, CHUNK_BYTES // (8 * len(means)))
    for block, part in enumerate(parts):
        for columns in torch.split(means[:, part], width, dim=1):  # so that no second copy of the means is made
            weighted = columns * number[:, None].to(columns.dtype)
            sums = total.new_zeros(cells, columns.shape[1]).index_add_(0, cell, weighted.double())
            total[block] += sums @ sums.T
            for members in groups:
                at, rows = cell[members], weighted[members]
                within[block, at[:, None], at] += (rows @ rows.T).double()
    measured, unbiased = products_of_sums(total, within, images)
    return measured.numpy(force=True), unbiased.numpy(force=True)


def products_of_sums(total: Tensor, within: Tensor, images: Tensor) -> tuple[Tensor, Tensor]:
    """What :func:`cell_products` returns, from products of cells' sums.

    Args:
        total: (blocks, cells, cells) of all their images.
        within: the same over images of one group, added up over the groups.
        images: (cells, groups)
    """
    n = images.sum(dim=1)
    all_pairs = torch.outer(n, n)
    other_pairs = all_pairs - images @ images.T
    measured = total / all_pairs.clamp_min(1)
    unbiased = torch.where(other_pairs > 0.5, (total - within) / other_pairs.clamp_min(1), measured)
    known = other_pairs.diagonal() > 0.5
    if not known.all():
        _remove_spread(measured, unbiased, n, known)
    return measured, unbiased


def group_products(
    units: NDArray[np.int64],
    counts: NDArray[np.int64],
    means: NDArray[np.float32],
    parts: tuple[slice, ...],
    cells: int,
) -> NDArray[np.float64]:
    """Products of cells' sums over each group's own images, (groups, blocks, cells, cells)."""
    groups = int(units[:, 1].max()) + 1
    found = np.zeros((groups, len(parts), cells, cells))
    for group in range(groups):
        own = np.flatnonzero(units[:, 1] == group)
        at, sums = units[own, 0], means[own] * counts[own, None].astype(np.float32)
        for block, part in enumerate(parts):
            found[group, block][np.ix_(at, at)] = sums[:, part] @ sums[:, part].T
    return found


def _remove_spread(measured: Tensor, unbiased: Tensor, n: Tensor, known: Tensor) -> None:
    """Subtract the mean spread of single images from the squares of cells that have images of one group only."""
    squares, corrected = measured.diagonal(dim1=1, dim2=2), unbiased.diagonal(dim1=1, dim2=2)
    if known.any():
        spread = ((squares - corrected) * n)[:, known].mean(dim=1)
    else:
        shares = n / n.sum()
        spread = squares @ shares - torch.einsum("bcd,c,d->b", measured, shares, shares)
    corrected[:, ~known & (n > 0)] -= spread[:, None]
