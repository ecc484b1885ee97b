"""How well images find one another: each is the query once, and all the others are its gallery."""

from __future__ import annotations

import numpy as np

from closerlook.arrays import Floating, Int
from closerlook.metrics.distance import FeatureDistances, as_vectors
from closerlook.metrics.protocol import Filter, Labels, Protocol
from closerlook.metrics.ranking import find_matches
from closerlook.metrics.scores import average_precision

__all__ = ["mean_average_precision"]

BLOCK = 256  # queries ranked at a time


def mean_average_precision(
    features: Floating, identities: Int, cameras: Int | None = None, hidden: Filter | None = None
) -> float:
    """mAP (step) by cosine, over the images that have a match; nan where none has.

    Args:
        features: (n, d)
        identities: (n,)
        cameras: (n,); unknown if ``None``.
        hidden: which gallery images a query must not be shown, besides itself.

    Raises:
        CloserlookError: a feature is not finite.
    """
    cameras = np.full(len(identities), -1) if cameras is None else cameras
    vectors = as_vectors(features, "cosine", "validation", "cpu")
    labels = Labels(identities, cameras, np.arange(len(identities)))
    protocol = Protocol("leave-one-out", filter=hidden or "none")
    matches = find_matches(FeatureDistances(vectors, vectors, "cosine"), labels, labels, protocol, BLOCK)
    precision = average_precision(matches, len(labels), "step")
    known = precision[~np.isnan(precision)]
    return float(known.mean()) if len(known) else float("nan")
