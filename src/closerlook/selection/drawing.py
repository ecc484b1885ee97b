"""Drawing rows: in proportion, or at random as many images, people and scenes as others."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import polars as pl

from closerlook.arrays import Int
from closerlook.randomness import keyed_rng

__all__ = ["draw_like", "scenes_of", "whole_numbers"]

SCENE = ("camera_matrix", "keypoints")  # a camera and a pose, by which images of one scene are told


def scenes_of(table: pl.DataFrame) -> Int:
    """(n,) the scene of each row: images of one person, pose and camera share one, whatever the light.

    Where the table does not say (it is not a rendered one) every image is a scene of its own.
    """
    if not set(SCENE) <= set(table.columns):
        return np.arange(table.height)
    numbered = table.select("identity", *SCENE).with_row_index("row")
    return numbered.select(pl.col("row").min().over("identity", *SCENE)).to_series().to_numpy().astype(np.int64)


def draw_like(identities: Int, scenes: Int, chosen: Int, seed: int) -> Int:
    """Random row numbers, ascending: as many as ``chosen``, of as many people, and of each from as many scenes.

    A person whose scenes have too few images gives more of them.

    Args:
        identities: (n,) the person of each row.
        scenes: (n,) the scene of each row, see :func:`scenes_of`.
        chosen: (k,) the rows that the random ones are to be compared with.
        seed: another one draws other people and other images.
    """
    rng = keyed_rng(seed, "control")
    people, person, available = np.unique(identities, return_inverse=True, return_counts=True)
    _, of_chosen, images = np.unique(identities[chosen], return_inverse=True, return_counts=True)
    pairs = np.unique(np.stack([of_chosen, scenes[chosen]]), axis=1)
    quotas = np.stack([images, np.bincount(pairs[0])], axis=1)  # of each chosen person: images, scenes
    drawn = _enough_people(rng.permutation(len(people)), available, len(quotas), len(chosen))
    # The most images are asked of the people who have the most; equal counts stay in random order.
    asked_of = drawn[np.argsort(-available[drawn], kind="stable")]
    quotas = quotas[np.argsort(-quotas[:, 0], kind="stable")]
    order = np.argsort(person, kind="stable")
    rows_of = np.split(order, np.cumsum(available)[:-1])
    taken = [
        _draw(rows_of[who], scenes, images, count, rng) for who, (images, count) in zip(asked_of, quotas, strict=True)
    ]
    found = np.concatenate(taken)
    spare = np.setdiff1d(np.concatenate([rows_of[who] for who in drawn]), found)
    return np.sort(np.concatenate([found, rng.permutation(spare)[: len(chosen) - len(found)]]))


def _draw(rows: Int, scenes: Int, images: int, count: int, rng: np.random.Generator) -> Int:
    """``images`` of one person's rows from ``count`` scenes, at least one of each."""
    own = rng.permutation(rows)
    _, scene, sizes = np.unique(scenes[own], return_inverse=True, return_counts=True)
    place = np.empty(len(sizes), np.int64)
    place[rng.permutation(len(sizes))] = np.arange(len(sizes))  # the scenes in random order
    capacity = np.cumsum(sizes[np.argsort(place)])
    needed = max(count, int(np.searchsorted(capacity, min(images, len(own)))) + 1)
    inside = own[place[scene] < needed]
    kept = scene[place[scene] < needed]
    is_first = np.zeros(len(inside), bool)
    is_first[np.unique(kept, return_index=True)[1]] = True
    return np.concatenate([inside[is_first], inside[~is_first]])[:images]


def _enough_people(order: Int, available: Int, people: int, images: int) -> Int:
    """The first ``people`` of a random ``order``, exchanged one by one if they have fewer than ``images``."""
    drawn, rest = list(order[:people]), list(order[people:])
    while sum(available[drawn]) < images:
        drawn.remove(min(drawn, key=lambda number: available[number]))
        drawn.append(max(rest, key=lambda number: available[number]))
        rest.remove(drawn[-1])
    return np.asarray(drawn)


def whole_numbers(amounts: Sequence[float]) -> list[int]:
    """Rounded so that the sum is the rounded sum: the largest remainders are rounded up."""
    exact = np.asarray(amounts)
    whole = np.floor(exact + 1e-9).astype(int)
    rest = round(float(exact.sum())) - int(whole.sum())
    whole[np.argsort(whole - exact, kind="stable")[:rest]] += 1
    return [int(number) for number in whole]
