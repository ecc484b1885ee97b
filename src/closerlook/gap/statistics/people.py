"""What images of one person have in common: covariances of losses about their cells' means, free of the centering.

Each cell's mean is subtracted, and it holds a part of every image that is left. With m_a images of a person among the
N_a of cell a, and K_ab = sum of m_a m_b over people, two images of one person in different cells a and b, whose true
covariance is c, have residuals whose mean product is

    c (1 - m_a / N_a - m_b / N_b + K_ab / (N_a N_b)),

for people are independent: 1 - 1/n where n people are all in both cells, far less where cells hold different people.
So products are divided by that factor. Where several pairs of cells are taken together, their products are divided by
the sum of their factors, one for each product: pairs of cells that keep little of c then count little.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import sparse

from closerlook.arrays import Float, Int

__all__ = ["Covariances", "covariances"]

DENSE = 0.1  # share of people and cells with images from which products are faster over all of them
PEOPLE = 4096  # at a time
LEAST = 1e-6  # sum of factors below which nothing of c is left


@dataclass(frozen=True)
class Covariances:
    """Second moments of images about the true means of their cells.

    Attributes:
        single: variance of an image in its cell, over people and images.
        agreeing: by the axes of the design in which two images agree, and in no other, the covariance of two images of
            one person; without the sets of axes of which there are no such images.
        between: by the same sets, the sum over ordered pairs of cells that agree so of the covariance of their means.
        means: (cells,) variance of each cell's mean.
    """

    single: float
    agreeing: dict[frozenset[int], float]
    between: dict[frozenset[int], float]
    means: Float


def covariances(residuals: Float, cell: Int, levels: Int, person: Int) -> Covariances | None:
    """The covariances of residuals (n,) from their cells' means; None where no cell has images of two people.

    Args:
        cell: (n,) the cell of each image; every cell has one.
        levels: (cells, axes) level numbers.
        person: (n,) numbers of people from 0.
    """
    shape = (len(levels), int(person.max()) + 1)
    images, sums, squares = (
        sparse.csr_array((values, (cell, person)), shape) for values in (np.ones(len(cell)), residuals, residuals**2)
    )
    n, alike = images.sum(axis=1), images.multiply(images).sum(axis=1)
    single = _single(n, alike, images, sums, squares)
    if single is None:
        return None
    together = _products(images, images)
    kept = sparse.csr_array(images.multiply(images) / n[:, None])
    lost = _products(kept, images)
    factors = together - lost - lost.T + together**2 / np.outer(n, n)
    sums_by_axes = _sums_by_agreement(levels, _products(sums, sums), factors, together / np.outer(n, n))
    everything = frozenset(range(levels.shape[1]))
    sums_by_axes.pop(everything)  # a cell with itself
    agreeing = {axes: product / factor for axes, (product, factor, _) in sums_by_axes.items() if factor > LEAST}
    between = {axes: agreeing.get(axes, 0.0) * share for axes, (_, _, share) in sums_by_axes.items()}
    own_cell = _own_cell(n, alike, single, images, sums, squares)
    means = (n * single + (own_cell or 0.0) * (alike - n)) / n**2
    if own_cell is not None:
        agreeing[everything] = own_cell
    return Covariances(single, agreeing, between | {everything: float(means.sum())}, means)


def _single(
    n: Float, alike: Float, images: sparse.csr_array, sums: sparse.csr_array, squares: sparse.csr_array
) -> float | None:
    """Half the mean squared difference of two images of different people in one cell."""
    pairs = ((n**2 - alike) / n).sum()
    if not pairs > LEAST:
        return None
    same_person = (images.multiply(squares) - sums.multiply(sums)).sum(axis=1)
    return float((squares.sum(axis=1) - same_person / n).sum() / pairs)


def _own_cell(
    n: Float, alike: Float, single: float, images: sparse.csr_array, sums: sparse.csr_array, squares: sparse.csr_array
) -> float | None:
    """Covariance of two images of one person in one cell; None where no person has two in a cell.

    Over the M = K - N ordered pairs of a cell the mean of the sum of products is
    c (M - 2 sum m (m - 1)^2 / N + M^2 / N^2) - M single / N.
    """
    pairs = alike - n
    others = images.copy()
    others.data = images.data * (images.data - 1) ** 2
    factor = (pairs - 2 * others.sum(axis=1) / n + (pairs / n) ** 2).sum()
    if not factor > LEAST:
        return None
    products = sums.multiply(sums).sum() - squares.sum()
    return float((products + single * (pairs / n).sum()) / factor)


def _products(left: sparse.csr_array, right: sparse.csr_array) -> Float:
    """left right' of two (cells, people) arrays that hold the same entries."""
    cells, people = left.shape
    if left.nnz < DENSE * cells * people:
        return np.asarray((left @ right.T).toarray())
    total, left, right = np.zeros((cells, cells)), left.tocsc(), right.tocsc()
    for start in range(0, people, PEOPLE):
        chunk = slice(start, start + PEOPLE)
        total += left[:, chunk].toarray() @ right[:, chunk].toarray().T
    return total


def _sums_by_agreement(levels: Int, *values: Float) -> dict[frozenset[int], tuple[float, ...]]:
    """The sums of arrays (cells, cells) over pairs of cells, by the axes in which these agree."""
    axes = levels.shape[1]
    code = np.zeros((len(levels), len(levels)), np.int64)
    for axis, level_of_cell in enumerate(levels.T):
        code |= (level_of_cell[:, None] == level_of_cell).astype(np.int64) << axis
    sums = np.stack([np.bincount(code.ravel(), value.ravel(), 1 << axes) for value in values], axis=1)
    return {
        frozenset(axis for axis in range(axes) if number >> axis & 1): tuple(row.tolist())
        for number, row in enumerate(sums)
    }
