"""Which images make the batch of a step: a pure function of (seed, step), so a resumed run draws what it would have."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from closerlook.errors import CloserlookError
from closerlook.randomness import keyed_rng

__all__ = ["PKSampler", "RandomSampler", "Sampler", "spread_over"]

Rows = NDArray[np.int64]


@dataclass(frozen=True)
class PKSampler:
    """Batches of ``identities`` people with ``images`` images each (PK sampling, Hermans et al. 2017).

    People come in random order, each at most once in a pass over them. The images of one person are drawn without
    replacement; a person with fewer than ``images`` images gives all of them and then repeats, each as often as the
    others to within one. With ``groups`` (cameras, viewpoints), a person's images come from as many different groups as
    there are. With ``weights``, an image that weighs twice another of the person is drawn first twice as often
    (Efraimidis and Spirakis, Weighted random sampling with a reservoir, 2006).

    Attributes:
        labels: (n,) class of each image, 0 to C - 1, each present.
        groups: (n,) group of each image, or None.
        weights: (n,) positive, or None where all weigh the same.
    """

    labels: Rows = field(repr=False)
    identities: int
    images: int
    seed: int
    groups: Rows | None = field(default=None, repr=False)
    weights: NDArray[np.float64] | None = field(default=None, repr=False)
    _rows: Sequence[Rows] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        people = int(self.labels.max()) + 1
        if people < self.identities:
            raise CloserlookError(
                f"The data have {people} identities; the recipe draws {self.identities} for each batch. "
                f"Set 'identities_per_batch' to {people} or fewer, or use more people."
            )
        order = np.argsort(self.labels, kind="stable")
        starts = np.searchsorted(self.labels[order], np.arange(1, people))
        object.__setattr__(self, "_rows", np.split(order, starts))  # the images of each identity

    def batch(self, step: int) -> Rows:
        """The image numbers of step ``step`` (from 0), one identity after another."""
        rng = keyed_rng(self.seed, "images", step)
        return np.concatenate([self._draw(person, rng) for person in self._people(step).tolist()])

    def _people(self, step: int) -> Rows:
        """The identities of a step: a slice of a shuffle; the few that fill no whole batch sit this shuffle out."""
        people = len(self._rows)
        shuffle, position = divmod(step, people // self.identities)
        order = keyed_rng(self.seed, "identities", shuffle).permutation(people)
        return order[position * self.identities :][: self.identities]

    def _draw(self, person: int, rng: np.random.Generator) -> Rows:
        own = self._rows[person]
        if self.weights is None:
            shuffled = rng.permutation(own)
        else:
            shuffled = own[np.argsort(rng.exponential(size=len(own)) / self.weights[own])]
        if self.groups is not None:
            shuffled = shuffled[spread_over(self.groups[shuffled])]
        return np.resize(shuffled, self.images)


def spread_over(groups: Rows) -> Rows:
    """An order in which the first of each group come before the second of any."""
    _, inverse = np.unique(groups, return_inverse=True)
    order = np.argsort(inverse, kind="stable")
    starts = np.searchsorted(inverse[order], np.arange(inverse.max() + 1))
    turn = np.empty(len(groups), np.int64)
    turn[order] = np.arange(len(groups)) - starts[inverse[order]]
    return np.argsort(turn, kind="stable")


@dataclass(frozen=True)
class RandomSampler:
    """Batches of any images, every image once before any comes again; with ``weights``, drawn by them each time.

    Attributes:
        weights: (count,) positive, or None where all weigh the same.
    """

    count: int
    size: int
    seed: int
    weights: NDArray[np.float64] | None = field(default=None, repr=False)

    def batch(self, step: int) -> Rows:
        """The image numbers of step ``step`` (from 0)."""
        if self.weights is not None:
            chance = self.weights / self.weights.sum()
            return keyed_rng(self.seed, "images", step).choice(self.count, self.size, p=chance)
        first = step * self.size
        positions = np.arange(first, first + self.size)
        rows = np.empty(self.size, np.int64)
        for shuffle in np.unique(positions // self.count):
            here = positions // self.count == shuffle
            order = keyed_rng(self.seed, "images", int(shuffle)).permutation(self.count)
            rows[here] = order[positions[here] % self.count]
        return rows


Sampler = PKSampler | RandomSampler
