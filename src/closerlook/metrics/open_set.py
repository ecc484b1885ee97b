"""Open-set search: is the person of a query among those enrolled at all, and who is it?"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from closerlook.errors import CloserlookError, UsageError
from closerlook.metrics.protocol import Labels
from closerlook.metrics.uncertainty import bootstrap_interval
from closerlook.randomness import keyed_rng

__all__ = ["OpenSet", "open_set"]

DRAWS = 20  # of who is enrolled
BLOCK = 512


@dataclass(frozen=True)
class OpenSet:
    """How well a model tells who it is, and that it is nobody known.

    Attributes:
        score: detection and identification rate: the share of the queries of enrolled people whose nearest image is of
            that person and nearer than the threshold.
        low, high: its 95 % interval by people.
        false_alarm_rate: the share of the queries of people who are not enrolled that are nearer to somebody.
        threshold: mean cosine similarity over the draws.
        queries: how many count.
    """

    score: float
    low: float
    high: float
    false_alarm_rate: float
    threshold: float
    queries: int

    def __str__(self) -> str:
        return (
            f"open set: {100 * self.score:.1f} % (95 % interval {100 * self.low:.1f} to {100 * self.high:.1f}) of the "
            f"queries of enrolled people found, at {100 * self.false_alarm_rate:g} % false alarms for others"
        )


def open_set(
    query: torch.Tensor,
    gallery: torch.Tensor,
    asked: Labels,
    searched: Labels,
    *,
    false_alarm_rate: float = 0.01,
    seed: int = 0,
) -> OpenSet:
    """The mean over 20 draws in which half of the gallery's people are enrolled; distractors always are.

    Gallery images of a query's own person and camera are hidden from it.

    Args:
        query: (q, d) features.
        gallery: (g, d) features.

    Raises:
        UsageError: the rate is not between 0 and 1.
        CloserlookError: there are too few people.
    """
    if not 0 < false_alarm_rate < 1:
        raise UsageError(f"A rate of false alarms is between 0 and 1, not {false_alarm_rate}.")
    people, best = _best_of_each(query, gallery, asked, searched)
    column = np.searchsorted(people, asked.identities).clip(max=len(people) - 1)
    known = (people[column] == asked.identities) & (asked.identities >= 0)
    own = np.where(known, best[np.arange(len(best)), column], -np.inf)
    valid = np.isfinite(own)
    if len(np.unique(asked.identities[valid])) < 4:
        raise CloserlookError("An open-set score needs at least four people who are in query and gallery.")
    best[np.flatnonzero(known), column[known]] = -np.inf
    rng = keyed_rng(seed, "open set", len(people))
    hits, times, thresholds = np.zeros(len(best)), np.zeros(len(best)), []
    for _ in range(DRAWS):
        enrolled = (rng.permutation(len(people)) % 2 == 0) | (people < 0)
        others = best[:, enrolled].max(1)
        stranger = valid & ~enrolled[column]
        if not stranger.any():
            continue
        threshold = np.quantile(others[stranger], 1 - false_alarm_rate, method="higher")
        mated = valid & enrolled[column]
        hits += mated & (own > others) & (own > threshold)
        times += mated
        thresholds.append(threshold)
    counted = times > 0
    values = hits[counted] / times[counted]
    low, high = bootstrap_interval(values, asked.identities[counted], seed=seed)
    return OpenSet(float(values.mean()), low, high, false_alarm_rate, float(np.mean(thresholds)), int(counted.sum()))


def _best_of_each(
    query: torch.Tensor, gallery: torch.Tensor, asked: Labels, searched: Labels
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """The gallery's people in ascending order, and each query's highest similarity to each of them, (q, people)."""
    order = np.argsort(searched.identities, kind="stable")
    people, starts = np.unique(searched.identities[order], return_index=True)
    left, right = (torch.nn.functional.normalize(side) for side in (query, gallery[torch.from_numpy(order)]))
    sorted_labels = searched.take(order)
    best = np.empty((len(left), len(people)))
    for start in range(0, len(left), BLOCK):
        rows = slice(start, start + BLOCK)
        similarity = (left[rows] @ right.T).numpy(force=True)
        hidden = (asked.identities[rows, None] == sorted_labels.identities) & (
            asked.cameras[rows, None] == sorted_labels.cameras
        )
        similarity[hidden] = -np.inf
        best[rows] = np.maximum.reduceat(similarity, starts, axis=1)
    return people, best
