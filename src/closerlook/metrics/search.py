"""Who is searched among whom: query and gallery, their labels, images and distances."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
import polars as pl
import torch
from numpy.typing import NDArray

from closerlook.dataset import Dataset
from closerlook.embedding.features import Features
from closerlook.errors import CloserlookError, UsageError
from closerlook.metrics.distance import Distances, block_size
from closerlook.metrics.protocol import Labels, Protocol
from closerlook.metrics.ranking import visible_positives

__all__ = ["FeatureSet", "Search", "query_and_gallery"]


@dataclass(frozen=True)
class FeatureSet:
    """Queries or gallery: features, labels and, where known, the images they come from."""

    features: NDArray[np.floating] = field(repr=False)
    labels: Labels
    images: Dataset | None = None

    @classmethod
    def from_features(cls, features: Features, images: Dataset | None, what: str) -> FeatureSet:
        """A feature set from features and their images.

        Raises:
            CloserlookError: there are none, or lengths differ.
        """
        shapes = {len(features.features), len(features.identities), len(features.cameras)}
        if images is not None:
            shapes.add(len(images))
        if features.features.ndim != 2 or len(shapes) != 1:
            raise CloserlookError(
                f"The {what} needs features (n, d) and n labels; it has {features.features.shape}, "
                f"{len(features.identities):,} identities, {len(features.cameras):,} cameras"
                + (f" and {len(images):,} images." if images is not None else ".")
            )
        if not len(features):
            raise CloserlookError(f"The {what} is empty.")
        return cls(features.features, Labels(features.identities, features.cameras), images)

    def __len__(self) -> int:
        return len(self.labels)

    def keep(self, mask: NDArray[np.bool_]) -> FeatureSet:
        """The rows where ``mask`` is true."""
        if mask.all():
            return self
        rows = np.flatnonzero(mask)
        return FeatureSet(self.features[rows], self.labels.take(rows), self.images.take(rows) if self.images else None)

    def joined(self, other: FeatureSet) -> FeatureSet:
        """Both sets, one after the other."""
        labels = [
            np.concatenate([getattr(self.labels, name), getattr(other.labels, name)])
            for name in ("identities", "cameras")
        ]
        images = None
        if self.images is not None and other.images is not None:
            images = replace(self.images, table=pl.concat([self.images.table, other.images.table], how="diagonal"))
        return FeatureSet(np.concatenate([self.features, other.features]), Labels(*labels), images)


def query_and_gallery(query: FeatureSet, gallery: FeatureSet, protocol: Protocol) -> tuple[FeatureSet, FeatureSet]:
    """The queries and the gallery that a protocol searches: junk left out of the gallery, both pooled if it says so."""
    asked, searched = query, gallery
    if protocol.pooled:
        both = query.joined(gallery)
        searched = replace(both, labels=replace(both.labels, images=np.arange(len(both))))
        asked = searched.keep(~np.isin(searched.labels.identities, protocol.junk + protocol.distractors))
    searched = searched.keep(~np.isin(searched.labels.identities, protocol.junk))
    if not len(asked) or not len(searched):
        raise CloserlookError(
            f"Protocol {protocol.name} leaves {len(asked):,} queries and {len(searched):,} gallery images (junk: "
            f"{', '.join(map(str, protocol.junk)) or 'none'}); check the identities."
        )
    return asked, searched


@dataclass(frozen=True)
class Search:
    """Queries, gallery and the distances between them."""

    query: Labels
    gallery: Labels
    distances: Distances = field(repr=False)
    memory: int
    query_images: Dataset | None = field(default=None, repr=False)
    gallery_images: Dataset | None = field(default=None, repr=False)

    def restrict(self, rows: NDArray[np.int64]) -> Search:
        """The same queries against only these gallery rows."""
        images = self.gallery_images.take(rows) if self.gallery_images else None
        part = _Columns(self.distances, rows)
        return replace(self, gallery=self.gallery.take(rows), distances=part, gallery_images=images)

    def nearest(self, protocol: Protocol) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """The gallery row of every query's nearest match, -1 where it has none, and of its nearest other image."""
        match, other = np.full((2, len(self.query)), -1)
        size = block_size(len(self.gallery), self.memory)
        for start in range(0, len(self.query), size):
            block = slice(start, min(start + size, len(self.query)))
            values = self.distances.block(block)
            rows, columns = visible_positives(values, self.query.take(block), self.gallery, protocol)
            at = torch.from_numpy(rows).to(values.device), torch.from_numpy(columns).to(values.device)
            nearness = values[at].numpy(force=True)
            first = np.lexsort((columns, nearness, rows))
            first = first[np.unique(rows[first], return_index=True)[1]]
            match[rows[first] + start] = columns[first]
            values[at] = torch.inf
            other[block] = values.argmin(dim=1).numpy(force=True)
        return match, other

    def ranked_list(self, query: int, count: int, protocol: Protocol) -> pl.DataFrame:
        """See :meth:`Result.ranked_list`."""
        if not 0 <= query < len(self.query):
            raise UsageError(f"There is no query {query}; they are numbered from 0 to {len(self.query) - 1:,}.")
        row = slice(query, query + 1)
        values = self.distances.block(row)
        _, matching = visible_positives(values, self.query.take(row), self.gallery, protocol)
        order = torch.sort(values[0], stable=True)
        visible = int(torch.isfinite(order.values).sum())
        rows = order.indices[: min(count, visible)].numpy(force=True)
        table = {
            "rank": np.arange(1, len(rows) + 1),
            "gallery": rows,
            "identity": self.gallery.identities[rows],
            "camera": self.gallery.cameras[rows],
            "distance": self.distances.exact(query, rows),
            "match": np.isin(rows, matching),
        }
        if self.gallery_images is not None:
            table["file_name"] = self.gallery_images.table["file_name"].to_numpy()[rows]
        return pl.DataFrame(table)


@dataclass(frozen=True)
class _Columns:
    """Distances to some of the gallery."""

    whole: Distances
    columns: NDArray[np.int64]

    def block(self, rows: slice) -> torch.Tensor:
        values = self.whole.block(rows)
        return values[:, torch.from_numpy(self.columns).to(values.device)]

    def exact(self, row: int, columns: NDArray[np.int64]) -> NDArray[np.float64]:
        return self.whole.exact(row, self.columns[columns])
