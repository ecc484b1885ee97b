"""How near two images are held to be: the metric, and what is done to the distances before ranking."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import torch

from closerlook.errors import UsageError, unknown
from closerlook.metrics.distance import METRICS, Distances, FeatureDistances, Metric, as_vectors, block_size
from closerlook.metrics.neighbors import expand_queries
from closerlook.metrics.reranking import KReciprocal, rerank
from closerlook.metrics.search import FeatureSet
from closerlook.storage.documents import checked

__all__ = ["Matching"]


@dataclass(frozen=True)
class Matching:
    """The distance that a gallery is ranked by.

    Attributes:
        metric: ``euclidean``, of the features as they are, or ``cosine``, which ranks as Euclidean at unit length does.
        query_expansion: average every query with this many of its nearest gallery images first; 0 for none.
        reranking: k-reciprocal re-ranking with these parameters; None for none.
    """

    metric: Metric = "euclidean"
    query_expansion: int = 0
    reranking: KReciprocal | None = None

    def __post_init__(self) -> None:
        if self.metric not in METRICS:
            raise unknown("metric", self.metric, METRICS)
        if self.query_expansion < 0:
            raise UsageError(f"A query is averaged with 0 or more gallery images, not {self.query_expansion}.")

    @classmethod
    def load(cls, source: str | Matching) -> Matching:
        """Plain matching by a metric's name; a matching is returned as it is."""
        if isinstance(source, Matching):
            return source
        if source not in METRICS:
            raise unknown("metric", source, METRICS)
        return cls(source)

    def distances(self, query: FeatureSet, gallery: FeatureSet, *, memory: int, device: str) -> Distances:
        """The distances between queries and gallery, as blocks.

        Raises:
            CloserlookError: a feature is not finite.
        """
        left, right = (
            as_vectors(side.features, self.metric, what, device)
            for side, what in ((query, "query"), (gallery, "gallery"))
        )
        if self.query_expansion:
            left = expand_queries(left, right, self.query_expansion, block_size(len(right), memory))
            left = torch.nn.functional.normalize(left) if self.metric == "cosine" else left
        plain = FeatureDistances(left, right, self.metric)
        return rerank(plain, self.reranking) if self.reranking else plain

    def to_dict(self) -> dict[str, Any]:
        """The matching as plain values."""
        return asdict(self)

    @classmethod
    def from_dict(cls, value: dict[str, Any]) -> Matching:
        """The inverse of :meth:`to_dict`."""
        return checked(value, cls, "the matching")

    def __str__(self) -> str:
        extras = [f"{self.query_expansion} nearest averaged in"] if self.query_expansion else []
        if self.reranking:
            extras.append(f"k-reciprocal re-ranking ({self.reranking.k1}, {self.reranking.k2})")
        return " + ".join([f"{self.metric} distance", *extras])
