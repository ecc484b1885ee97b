"""The nearest neighbors of every vector, exactly, without the full distance matrix."""

from __future__ import annotations

import torch

from closerlook.compute.progress import progress
from closerlook.metrics.distance import squared_norms

__all__ = ["expand_queries", "nearest_among"]

TILE = 2048  # vectors; a tile of distances is 16 MiB, whatever the number of vectors


def nearest_among(vectors: torch.Tensor, count: int) -> tuple[torch.Tensor, torch.Tensor]:
    """The ``count`` nearest of (n, d) vectors to each of them, itself first, and each one's largest squared distance.

    Distances are symmetric, so each tile of them is computed once and serves both its rows and its columns.

    Returns:
        Indices (n, count), nearest first, and the squared Euclidean distance to the farthest vector, (n,).
    """
    norms = squared_norms(vectors)
    found = _Nearest(norms, min(count, len(vectors)))
    parts = [slice(start, min(start + TILE, len(vectors))) for start in range(0, len(vectors), TILE)]
    with progress("Nearest neighbors", len(vectors)) as advance:
        for i, rows in enumerate(parts):
            for columns in parts[i:]:
                squared = torch.addmm(norms[columns], vectors[rows], vectors[columns].T, alpha=-2)
                squared.add_(norms[rows, None]).clamp_(min=0)
                if rows == columns:
                    squared.fill_diagonal_(-1)  # itself first, also among duplicates
                else:
                    found.take(squared.T.contiguous(), columns, rows)
                found.take(squared, rows, columns)
            advance(rows.stop - rows.start)
    return found.indices, found.farthest


class _Nearest:
    """The nearest vectors and the largest distance so far, for every vector.

    Attributes:
        values: (n, count) squared distances, ascending.
        indices: (n, count) of whom.
        farthest: (n,) largest squared distance.
    """

    def __init__(self, norms: torch.Tensor, count: int) -> None:
        self.values = norms.new_full((len(norms), count), torch.inf)
        self.indices = torch.zeros((len(norms), count), dtype=torch.int64, device=norms.device)
        self.farthest = torch.zeros_like(norms)

    def take(self, squared: torch.Tensor, rows: slice, columns: slice) -> None:
        """Take in the squared distances of a tile."""
        count = self.values.shape[1]
        near = squared.topk(min(count, squared.shape[1]), dim=1, largest=False)
        values = torch.cat([self.values[rows], near.values], dim=1)
        indices = torch.cat([self.indices[rows], near.indices + columns.start], dim=1)
        self.values[rows], best = values.topk(count, dim=1, largest=False)
        self.indices[rows] = indices.gather(1, best)
        self.farthest[rows] = torch.maximum(self.farthest[rows], squared.amax(dim=1))


def expand_queries(query: torch.Tensor, gallery: torch.Tensor, count: int, block: int) -> torch.Tensor:
    """Average query expansion: every query becomes the mean of itself and its ``count`` nearest gallery vectors.

    Chum et al., "Total recall", 2007. ``block`` queries are searched at a time.
    """
    norms = squared_norms(gallery)
    expanded = torch.empty_like(query)
    for start in range(0, len(query), block):
        part = query[start : start + block]
        near = torch.addmm(norms, part, gallery.T, alpha=-2).topk(min(count, len(gallery)), dim=1, largest=False)
        expanded[start : start + block] = (part + gallery[near.indices].sum(dim=1)) / (near.indices.shape[1] + 1)
    return expanded
