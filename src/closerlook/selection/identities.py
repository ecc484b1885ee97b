"""Which people: one vector per person; greedily towards the target's mean, or as far apart as can be."""

from __future__ import annotations

from typing import get_args

import numpy as np
import torch

from closerlook.arrays import Float, Int
from closerlook.choices import IdentityOrder
from closerlook.dataset import Dataset
from closerlook.embedding import Embedder, extract, open_embedding
from closerlook.errors import UsageError, unknown
from closerlook.gap import Gap
from closerlook.gap.measure.cells import subsample
from closerlook.gap.measure.moments import Sketch
from closerlook.selection.controls import everything
from closerlook.selection.plan import Plan

__all__ = ["ORDERS", "choose_identities", "farthest", "nearest", "select_identities", "with_identities"]

ORDERS: tuple[IdentityOrder, ...] = get_args(IdentityOrder)
PER_PERSON = 8
WIDTH = 512  # of each block's projection


def select_identities(
    gap: Gap,
    source: Dataset,
    identities: int,
    *,
    plan: Plan | None = None,
    by: IdentityOrder = "far",
    target: Dataset | None = None,
    seed: int = 0,
) -> Plan:
    """Choose the people worth training on: ``plan`` with only so many of them.

    Args:
        gap: says which embedding, size and weights people are compared by.
        source: the images to choose from, with identities.
        identities: how many people; with a larger number the same ones come first.
        plan: the images to choose from and to keep, by default all.
        by: ``far``, as unlike one another as possible; ``near``, so that their mean comes nearest to the target's.
        target: needed for ``near``: its images, unlabeled.
        seed: of which images stand for a person, and of the projection.

    Raises:
        UsageError: an unknown order, too many people, or no target.

    Example:
        >>> len(cl.select_identities(gap, data, 2).identities)
        2
    """
    plan = everything(gap) if plan is None else plan
    chosen = choose_identities(gap, source.subset(plan), identities, by=by, target=target, seed=seed)
    return with_identities(plan, chosen, source)


def with_identities(plan: Plan, identities: Int, source: Dataset) -> Plan:
    """The plan with only these people of ``source``, its numbers counted anew; a note says what its evidence is of.

    Example:
        >>> from closerlook.selection.identities import with_identities
        >>> with_identities(plan, np.array([1, 2]), data).identities
        (1, 2)
    """
    provenance = plan.provenance
    if provenance is not None:
        note = f"The scores and the evidence are of all people, before {len(identities):,} of them were chosen."
        provenance = provenance.model_copy(update={"notes": (*provenance.notes, note)})
    kept = tuple(sorted(int(identity) for identity in identities))
    chosen = plan.model_copy(update={"identities": kept, "provenance": provenance})
    images = len(chosen.rows(source.table))
    return chosen.model_copy(update={"images": images, "share": images / len(source), "counts": {}})


def choose_identities(
    gap: Gap, source: Dataset, number: int, *, by: IdentityOrder = "far", target: Dataset | None = None, seed: int = 0
) -> Int:
    """The numbers of ``number`` people of ``source``, in the order in which they were chosen.

    Args:
        gap: says which embedding, size and weights the vectors have.
        number: the budget; with a larger one the same people come first.
        by: ``far``, as unlike one another as possible (farthest-point sampling, Gonzalez 1985: no set of this size has
            less than half the largest distance of anybody to the nearest chosen person); ``near``, so that the mean of
            the chosen ones comes nearest to the target's (greedily, as herding does).
        target: needed for ``near``.

    Raises:
        UsageError: an unknown order, too many people, or no target.

    Example:
        >>> from closerlook.selection.identities import choose_identities
        >>> len(choose_identities(gap, data, 2))
        2
    """
    if by not in ORDERS:
        raise unknown("order to choose people by", by, ORDERS)
    source = source.people
    people = np.unique(source.identities)
    if not 1 <= number <= len(people):
        raise UsageError(f"{source.name} has {len(people):,} people; {number:,} were asked for.")
    if by == "near" and target is None:
        raise UsageError("Choosing people by nearness needs the target.")
    vectors = _vectors(gap, source, seed)
    if by == "far":
        return people[farthest(vectors, number)]
    assert target is not None
    every = np.arange(min(len(target), 1024)) * len(target) // min(len(target), 1024)
    return people[nearest(vectors, _sketches(gap, target.take(every), seed).mean(axis=0), number)]


def farthest(vectors: Float, number: int) -> Int:
    """Row numbers: first the one nearest to the mean, then always the one farthest from all that are chosen."""
    chosen = [int(np.argmin(((vectors - vectors.mean(axis=0)) ** 2).sum(axis=1)))]
    distance = np.full(len(vectors), np.inf)
    while len(chosen) < number:
        distance = np.minimum(distance, ((vectors - vectors[chosen[-1]]) ** 2).sum(axis=1))
        distance[chosen] = -1
        chosen.append(int(np.argmax(distance)))
    return np.array(chosen)


def nearest(vectors: Float, goal: Float, number: int) -> Int:
    """Row numbers: always the one that brings the mean of all chosen nearest to ``goal``."""
    left, total, chosen = np.ones(len(vectors), bool), np.zeros(vectors.shape[1]), []
    for count in range(1, number + 1):
        distance = (((total + vectors) / count - goal) ** 2).sum(axis=1)
        chosen.append(int(np.argmin(np.where(left, distance, np.inf))))
        left[chosen[-1]] = False
        total += vectors[chosen[-1]]
    return np.array(chosen)


def _vectors(gap: Gap, source: Dataset, seed: int) -> Float:
    """(people, r) mean vector of each person over a few images, in ascending order of their numbers."""
    person = np.unique(source.identities, return_inverse=True)[1]
    rows = subsample(source.table["file_name"], person, PER_PERSON, seed)
    sketches, person = _sketches(gap, source.take(rows), seed), person[rows]
    sums = np.zeros((int(person.max()) + 1, sketches.shape[1]))
    np.add.at(sums, person, sketches)
    return sums / np.bincount(person)[:, None]


def _sketches(gap: Gap, data: Dataset, seed: int) -> Float:
    """(n, r) projections of the images' vectors, whose squared distances are the total loss of Eq. 3."""
    embedder = open_embedding(gap.settings.embedding, gap.settings.size)
    sketch = Sketch(embedder.blocks, WIDTH, seed)
    parts = zip(sketch.parts, gap.weights.total.tolist(), strict=True)
    scale = torch.cat([torch.full((part.stop - part.start,), weight**0.5) for part, weight in parts])
    return np.asarray(extract(_Projected(embedder, sketch, scale), data).features, np.float64)


class _Projected(Embedder):
    """An embedder whose vectors are projected and weighted."""

    def __init__(self, embedder: Embedder, sketch: Sketch, scale: torch.Tensor) -> None:
        self.name, self.size, self.dim = embedder.name, embedder.size, sketch.dim
        self._embedder, self._sketch, self._scale = embedder, sketch, scale

    def __call__(self, images: torch.Tensor) -> torch.Tensor:
        return self._sketch(self._embedder(images).cpu()) * self._scale
