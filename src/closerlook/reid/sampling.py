"""Which images make the batch of a step: a pure function of (seed, step), so a resumed run draws what it would have."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from closerlook.errors import CloserlookError
from closerlook.randomness import keyed_rng

__all__ = ["CameraSampler", "PKSampler", "RandomSampler", "Sampler", "spread_over"]

Rows = NDArray[np.int64]
Weights = NDArray[np.float64]


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
    weights: Weights | None = field(default=None, repr=False)
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
        shuffled = _shuffled(self._rows[person], self.weights, rng)
        if self.groups is not None:
            shuffled = shuffled[spread_over(self.groups[shuffled])]
        return np.resize(shuffled, self.images)


def _shuffled(rows: Rows, weights: Weights | None, rng: np.random.Generator) -> Rows:
    """The rows in random order, the first of them by their weights."""
    if weights is None:
        return rng.permutation(rows)
    return rows[np.argsort(rng.exponential(size=len(rows)) / weights[rows])]


def spread_over(groups: Rows) -> Rows:
    """An order in which the first of each group come before the second of any."""
    _, inverse = np.unique(groups, return_inverse=True)
    order = np.argsort(inverse, kind="stable")
    starts = np.searchsorted(inverse[order], np.arange(inverse.max() + 1))
    turn = np.empty(len(groups), np.int64)
    turn[order] = np.arange(len(groups)) - starts[inverse[order]]
    return np.argsort(turn, kind="stable")


@dataclass(frozen=True)
class CameraSampler:
    """Batches of some cameras, with as many people each, and of each person ``images`` images by that camera: so that
    nobody is told from others by their camera (UnrealPerson, Zhang et al. 2021: 8 cameras, 2 people each, 4 images).

    Cameras come in random order, each at most once in a pass over them. People of a batch differ; images are drawn as
    :class:`PKSampler` draws them. Cameras that saw fewer people than a batch takes of one are left out.

    Attributes:
        labels: (n,) class of each image, 0 to C - 1.
        cameras_of: (n,) camera of each image; below 0 where unknown, which is left out.
        cameras: of a batch.
        identities: people of a batch, over all cameras.
        weights: (n,) positive, or None where all weigh the same.
    """

    labels: Rows = field(repr=False)
    cameras_of: Rows = field(repr=False)
    cameras: int
    identities: int
    images: int
    seed: int
    weights: Weights | None = field(default=None, repr=False)
    _seen: Sequence[Mapping[int, Rows]] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        seen = [self._by_person(np.flatnonzero(self.cameras_of == camera)) for camera in np.unique(self.cameras_of)]
        known = [people for people, camera in zip(seen, np.unique(self.cameras_of), strict=True) if camera >= 0]
        usable = [people for people in known if len(people) >= self.identities // self.cameras]
        enough = len(set[int]().union(*usable)) >= self.identities
        if len(usable) < self.cameras or not enough:
            raise CloserlookError(
                f"The data have {len(usable)} cameras that saw at least {self.identities // self.cameras} people, and "
                f"{len(set[int]().union(*usable))} people in them; the recipe draws {self.identities} people by "
                f"{self.cameras} cameras for each batch. Set 'cameras_per_batch' and 'identities_per_batch' to fewer, "
                "or use 'sampling: pk'."
            )
        object.__setattr__(self, "_seen", usable)

    def _by_person(self, rows: Rows) -> dict[int, Rows]:
        order = rows[np.argsort(self.labels[rows], kind="stable")]
        people, starts = np.unique(self.labels[order], return_index=True)
        return dict(zip(people.tolist(), np.split(order, starts[1:]), strict=True))

    def batch(self, step: int) -> Rows:
        """The image numbers of step ``step`` (from 0), one identity after another, camera by camera."""
        shuffle, position = divmod(step, len(self._seen) // self.cameras)
        order = keyed_rng(self.seed, "cameras", shuffle).permutation(len(self._seen))
        cameras = order[position * self.cameras :][: self.cameras].tolist()
        rng = keyed_rng(self.seed, "images", step)
        chosen = self._people([self._seen[camera] for camera in cameras], rng)
        drawn = [
            np.resize(_shuffled(self._seen[camera][person], self.weights, rng), self.images)
            for camera, people in zip(cameras, chosen, strict=True)
            for person in people
        ]
        return np.concatenate(drawn)

    def _people(self, seen: Sequence[Mapping[int, Rows]], rng: np.random.Generator) -> list[list[int]]:
        """Some people of each camera, nobody twice if that can be: where there are fewest, they are chosen first."""
        share, taken, chosen = self.identities // self.cameras, set[int](), [list[int]() for _ in seen]
        for camera in sorted(range(len(seen)), key=lambda k: len(seen[k])):
            shuffled = rng.permutation(sorted(seen[camera])).tolist()
            free = [person for person in shuffled if person not in taken]
            chosen[camera] = [*free, *(person for person in shuffled if person in taken)][:share]
            taken.update(chosen[camera])
        return chosen


@dataclass(frozen=True)
class RandomSampler:
    """Batches of any images, every image once before any comes again; with ``weights``, drawn by them each time.

    Attributes:
        weights: (count,) positive, or None where all weigh the same.
    """

    count: int
    size: int
    seed: int
    weights: Weights | None = field(default=None, repr=False)

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


Sampler = PKSampler | CameraSampler | RandomSampler
