"""k-reciprocal re-ranking by sparse neighborhoods.

Zhong et al., "Re-ranking person re-identification with k-reciprocal encoding", 2017; equations are theirs.

The method needs, of all distances, only each image's nearest neighbors; its sets of neighbors are then rows of sparse
matrices, and set operations are products of them. Nothing of size n x n is ever made.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import sparse

from closerlook.compute.progress import step
from closerlook.errors import UsageError
from closerlook.metrics.distance import FeatureDistances, squared_norms
from closerlook.metrics.neighbors import nearest_among

__all__ = ["KReciprocal", "RerankedDistances", "rerank"]


@dataclass(frozen=True)
class KReciprocal:
    """Parameters of the re-ranking; the defaults are the paper's for Market-1501.

    Attributes:
        k1: size of the neighborhoods whose members must name one another.
        k2: how many neighbors' encodings are averaged (1 for none).
        original: weight of the original distance beside the Jaccard distance, lambda in the paper.
    """

    k1: int = 20
    k2: int = 6
    original: float = 0.3

    def __post_init__(self) -> None:
        if self.k1 < 1 or self.k2 < 1 or not 0 <= self.original <= 1:
            raise UsageError(f"Re-ranking needs k1 and k2 of at least 1 and a weight from 0 to 1, not {self}.")


@dataclass(frozen=True)
class RerankedDistances:
    """(1 - original) Jaccard + original d^2 / max d^2, from queries to gallery.

    Attributes:
        plain: the distances before re-ranking.
        scale: (q,) largest squared distance of each query to any image.
        query: (q, n) sparse encodings of the queries, rows that sum to 1.
        gallery: (g, n) those of the gallery, by column.
        original: weight of the original distance.
    """

    plain: FeatureDistances
    scale: torch.Tensor = field(repr=False)
    query: sparse.csr_array = field(repr=False)
    gallery: sparse.csc_array = field(repr=False)
    original: float

    def block(self, rows: slice) -> torch.Tensor:
        squared = self.plain.block(rows).add_(squared_norms(self.plain.query[rows])[:, None]).clamp_(min=0)
        jaccard = torch.from_numpy(_jaccard(self.query[rows], self.gallery)).to(squared)
        return squared.mul_(self.original / self.scale[rows, None]).add_(jaccard, alpha=1 - self.original)

    def exact(self, row: int, columns: NDArray[np.int64]) -> NDArray[np.float64]:
        values = self.block(slice(row, row + 1))[0].numpy(force=True)
        return values[columns].astype(np.float64)


def rerank(plain: FeatureDistances, parameters: KReciprocal) -> RerankedDistances:
    """Prepare re-ranked distances; labels are not looked at."""
    queries = len(plain.query)
    vectors = torch.cat([plain.query, plain.gallery])
    nearest, farthest = nearest_among(vectors, max(parameters.k1 + 1, parameters.k2))
    scale = farthest.clamp(min=torch.finfo(farthest.dtype).tiny)
    with step("Encoding neighborhoods"):
        encoding = _encode(vectors.cpu(), nearest.numpy(force=True), scale.cpu(), parameters)
    return RerankedDistances(
        plain, scale[:queries], encoding[:queries], sparse.csc_array(encoding[queries:]), parameters.original
    )


def _encode(
    vectors: torch.Tensor, nearest: NDArray[np.int64], scale: torch.Tensor, parameters: KReciprocal
) -> sparse.csr_array:
    """The k-reciprocal encoding of every image, (n, n) sparse, averaged over its k2 nearest images (Eqs. 7 and 11)."""
    sets = _expanded_sets(nearest, parameters.k1)
    weights = np.exp(-_scaled_distances(vectors, scale, sets))
    encoding = sparse.csr_array((weights, sets.indices, sets.indptr), shape=sets.shape)
    encoding = sparse.diags_array(1 / encoding.sum(axis=1)) @ encoding
    k2 = min(parameters.k2, nearest.shape[1])
    return sparse.csr_array(_members(nearest[:, :k2]) @ encoding / k2) if k2 > 1 else sparse.csr_array(encoding)


def _members(nearest: NDArray[np.int64]) -> sparse.csr_array:
    """(n, n) with a 1 at (i, j) where j is among i's ``nearest``."""
    number, count = nearest.shape
    starts = np.arange(number + 1) * count
    return sparse.csr_array((np.ones(nearest.size), nearest.ravel(), starts), shape=(number, number))


def _expanded_sets(nearest: NDArray[np.int64], k1: int) -> sparse.csr_array:
    """R*: the k-reciprocal neighbors of every image, and those of theirs that overlap enough (Eqs. 3 to 5)."""
    reciprocal = _reciprocal(nearest[:, : k1 + 1])
    half = _reciprocal(nearest[:, : int(np.around(k1 / 2)) + 1])
    shared = (reciprocal @ half.T).multiply(reciprocal).tocoo()
    sizes = half.sum(axis=1)
    enough = shared.data > 2 / 3 * sizes[shared.col]
    accepted = sparse.csr_array((np.ones(enough.sum()), (shared.row[enough], shared.col[enough])), shape=half.shape)
    sets = sparse.csr_array(reciprocal + accepted @ half)
    sets.sort_indices()
    return sets


def _reciprocal(nearest: NDArray[np.int64]) -> sparse.csr_array:
    """(n, n) with a 1 where two images are each among the other's ``nearest`` (Eq. 2)."""
    members = _members(nearest)
    return sparse.csr_array(members.multiply(members.T))


def _scaled_distances(vectors: torch.Tensor, scale: torch.Tensor, sets: sparse.csr_array) -> NDArray[np.float64]:
    """Squared distance over the row's largest, for every entry of ``sets``."""
    values, norms = vectors.numpy(), squared_norms(vectors).numpy().astype(np.float64)
    distances = np.empty(sets.nnz)
    for i, (start, end) in enumerate(zip(sets.indptr[:-1], sets.indptr[1:], strict=True)):
        columns = sets.indices[start:end]
        distances[start:end] = norms[columns] + norms[i] - 2 * (values[columns] @ values[i])
    rows = np.repeat(np.arange(len(values)), np.diff(sets.indptr))
    return np.asarray(np.maximum(distances, 0) / scale.numpy()[rows], np.float64)


def _jaccard(query: sparse.csr_array, gallery: sparse.csc_array) -> NDArray[np.float64]:
    """Jaccard distances (b, g) of encodings that sum to 1: 1 - s / (2 - s), s the sum of smaller weights (Eq. 10)."""
    start, end = gallery.indptr[query.indices], gallery.indptr[query.indices + 1]
    lengths = end - start
    entries = np.repeat(start - np.cumsum(lengths) + lengths, lengths) + np.arange(lengths.sum())
    smaller = np.minimum(gallery.data[entries], np.repeat(query.data, lengths))
    rows = np.repeat(np.repeat(np.arange(query.shape[0]), np.diff(query.indptr)), lengths)
    cells = rows * gallery.shape[0] + gallery.indices[entries]
    shared = np.bincount(cells, smaller, query.shape[0] * gallery.shape[0]).reshape(query.shape[0], gallery.shape[0])
    return np.asarray(1 - shared / (2 - shared))
