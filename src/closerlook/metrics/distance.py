"""Distances between features, a block of queries at a time; the full matrix never exists."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal, Protocol

import numpy as np
import torch
from numpy.typing import NDArray

from closerlook.errors import CloserlookError

__all__ = ["METRICS", "Distances", "FeatureDistances", "Metric", "as_vectors", "block_size"]

Metric = Literal["euclidean", "cosine"]
METRICS: tuple[Metric, ...] = ("euclidean", "cosine")
MAX_BLOCK = 1024  # queries; a larger block makes the matrix product no faster
BYTES_A_DISTANCE = 3 * 8  # bytes per distance: itself, its sorted copy or a custom filter's mask, and slack, in float64
SHOWN = 5


class Distances(Protocol):
    """How far every gallery image is from a query."""

    def block(self, rows: slice) -> torch.Tensor:
        """Values (b, g) that order the gallery for a block of queries; the caller may overwrite them."""
        ...

    def exact(self, row: int, columns: NDArray[np.int64]) -> NDArray[np.float64]:
        """The distances to show: from one query to some gallery images."""
        ...


@dataclass(frozen=True)
class FeatureDistances:
    """Euclidean or cosine distances between vectors (q, d) and (g, d), of unit length for cosine.

    Blocks hold ||g||^2 - 2 <q, g>: ||q||^2 is the same in a whole row and orders nothing.
    """

    query: torch.Tensor = field(repr=False)
    gallery: torch.Tensor = field(repr=False)
    metric: Metric = "euclidean"

    @cached_property
    def _norms(self) -> torch.Tensor:
        return squared_norms(self.gallery)

    def block(self, rows: slice) -> torch.Tensor:
        return torch.addmm(self._norms, self.query[rows], self.gallery.T, alpha=-2)

    def exact(self, row: int, columns: NDArray[np.int64]) -> NDArray[np.float64]:
        difference = (self.gallery[torch.from_numpy(columns)] - self.query[row]).double()
        norms = torch.linalg.vector_norm(difference, dim=1).numpy(force=True)
        return np.asarray(norms if self.metric == "euclidean" else norms**2 / 2, np.float64)


def as_vectors(features: NDArray[np.floating], metric: Metric, what: str, device: str) -> torch.Tensor:
    """Features as a contiguous float32 (float64 stays float64) tensor on ``device``, of unit length for ``cosine``.

    Raises:
        CloserlookError: a feature holds NaN or infinity; the message names the rows.
    """
    dtype = np.float64 if features.dtype == np.float64 else np.float32
    vectors = torch.from_numpy(np.ascontiguousarray(features, dtype)).to(device)
    bad = (~torch.isfinite(squared_norms(vectors))).nonzero().flatten().tolist()
    if bad:
        rows = ", ".join(map(str, bad[:SHOWN])) + (", ..." if len(bad) > SHOWN else "")
        raise CloserlookError(
            f"{len(bad):,} of {len(vectors):,} {what} features hold NaN, infinity or values too large to square: "
            f"row{'s' * (len(bad) > 1)} {rows} (from 0). Extract them again, or leave those images out."
        )
    return torch.nn.functional.normalize(vectors) if metric == "cosine" else vectors


def squared_norms(vectors: torch.Tensor) -> torch.Tensor:
    """The squared length of each row, shape (n,); no root is taken, so whole numbers stay exact and ties stay ties."""
    squares: torch.Tensor = torch.einsum("nd,nd->n", vectors, vectors)
    return squares


def block_size(gallery: int, memory: int) -> int:
    """How many queries at a time keep their distances to ``gallery`` images within ``memory`` bytes; at least one."""
    return int(np.clip(memory // max(BYTES_A_DISTANCE * gallery, 1), 1, MAX_BLOCK))
