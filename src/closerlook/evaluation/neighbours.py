"""The nearest neighbours of every vector, exactly, without the full distance matrix."""

from __future__ import annotations

from collections.abc import Iterator

import torch

from closerlook.evaluation.distance import squared_norms

__all__ = ["expand_queries", "nearest_among"]

TILE = 2048  # vectors; a tile of distances is 16 MiB, whatever the number of vectors


def nearest_among(vectors: torch.Tensor, count: int) -> tuple[torch.Tensor, torch.Tensor]:
    """The ``count`` nearest of (n, d) vectors to each of them, itself first, and each one's largest squared distance.

    Distances are symmetric, so each tile of them is computed once and serves both its rows and its columns.

    Returns:
        Indices (n, count), nearest first, and the squared Euclidean distance to the farthest vector, (n,).
    """
    number = len(vectors)
    count = min(count, number)
    norms = squared_norms(vectors)
    values = vectors.new_full((number, count), torch.inf)
    indices = torch.zeros((number, count), dtype=torch.int64, device=vectors.device)
    farthest = torch.zeros_like(norms)
    for rows, columns in _tiles(number):
        products = vectors[rows] @ vectors[columns].T
        squared = products.mul_(-2).add_(norms[rows, None]).add_(norms[columns]).clamp_(min=0)
        if rows == columns:
            squared.fill_diagonal_(-1)  # itself first, also among duplicates
        _merge(values, indices, farthest, squared, rows, columns)
        if rows != columns:
            _merge(values, indices, farthest, squared.T.contiguous(), columns, rows)
    return indices, farthest


def _tiles(number: int) -> Iterator[tuple[slice, slice]]:
    starts = range(0, number, TILE)
    parts = [slice(start, min(start + TILE, number)) for start in starts]
    return ((rows, columns) for i, rows in enumerate(parts) for columns in parts[i:])


def _merge(
    values: torch.Tensor,
    indices: torch.Tensor,
    farthest: torch.Tensor,
    squared: torch.Tensor,
    rows: slice,
    columns: slice,
) -> None:
    """Take a tile's distances into the running nearest ones and largest distance of its rows."""
    count = values.shape[1]
    farthest[rows] = torch.maximum(farthest[rows], squared.amax(dim=1))
    near = squared.topk(min(count, squared.shape[1]), dim=1, largest=False)
    candidates = torch.cat([values[rows], near.values], dim=1)
    places = torch.cat([indices[rows], near.indices + columns.start], dim=1)
    best = candidates.topk(count, dim=1, largest=False)
    values[rows] = best.values
    indices[rows] = places.gather(1, best.indices)


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
