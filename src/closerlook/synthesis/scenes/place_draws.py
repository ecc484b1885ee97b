"""All random numbers of places, drawn in one go, and kinds of places as numbers."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from closerlook.arrays import Float
from closerlook.synthesis.scenes.kinds import Backdrop
from closerlook.synthesis.scenes.panels import texture_number

__all__ = ["KIND", "THING", "DrawnPlaces", "KindRows", "Rows", "draw_places", "kind_rows"]

Rows = np.ndarray[tuple[int, ...], np.dtype[np.void]]
CHOICES = 8  # textures at most that something may have


def _row(single: str, **several: int) -> np.dtype[np.void]:
    """Rows of float64 numbers: single ones with these names, then so many with each of these."""
    return np.dtype([(name, np.float64) for name in single.split()] + [(n, np.float64, k) for n, k in several.items()])


# A backdrop, and one of the things that may stand about in it, which is the ``rank``-th of its kind. Choices are a
# count and so many numbers of textures.
KIND = _row("closed shade tile horizon", distance=2, height=2, ground=1 + CHOICES, strip=1 + CHOICES, wall=1 + CHOICES)
THING = _row("width kind rank", distance=2, height=2, count=2, textures=1 + CHOICES)
# What is drawn evenly from 0 to 1: for a side of a place, for a strip of other ground, for a place, for a thing.
SIDE = _row(
    "closed distance wall variant height wide shift far far_height far_variant far_shift first apart ahead beside "
    "post_height post_power",
    low_height=2,
    low_power=2,
)
STRIP = _row("facing texture variant width distance", shift=2)
GROUND = _row("turn north shade pattern scale ground variant strips", shift=2)
EVEN = np.dtype([*GROUND.descr, ("side", SIDE, 4), ("strip", STRIP, 3)])
STANDS = _row("angle distance height mirrored texture variant")
# And normally: the brightness and three colors of each panel.
NORMAL = np.dtype(
    [("ground", np.float64, 4), *((n, np.float64, (k, 4)) for n, k in (("wall", 4), ("far", 4), ("strip", 3)))]
)


class KindRows(NamedTuple):
    """A backdrop in numbers: a row of ``KIND``, one of ``THING`` for each that may stand there, and of how many kinds
    these are."""

    row: Float
    things: Float
    kinds: int


@functools.lru_cache(maxsize=1024)
def kind_rows(backdrop: Backdrop) -> KindRows:
    row = np.concatenate(
        [
            [backdrop.closed, backdrop.shade, backdrop.tile, texture_number(backdrop.horizon, 0)],
            *(backdrop.wall_distance, backdrop.wall_height),
            *(_choices(names) for names in (backdrop.grounds, backdrop.strips, backdrop.walls)),
        ]
    )
    things = [
        [thing.width, kind, rank, *thing.distance, *thing.height, *thing.count, *_choices(thing.textures)]
        for kind, thing in enumerate(backdrop.things)
        for rank in range(thing.count[1])
    ]
    return KindRows(row[None], np.array(things).reshape(-1, THING.itemsize // 8), len(backdrop.things))


def _choices(names: Sequence[str]) -> Float:
    if len(names) > CHOICES:
        raise ValueError(f"there may be at most {CHOICES} textures to choose from, not {len(names)}: {names}")
    numbers = [texture_number(name, 0) for name in names]
    return np.array([len(names), *numbers, *[0] * (CHOICES - len(names))], np.float64)


class DrawnPlaces(NamedTuple):
    """Everything that is random about some places."""

    even: Rows  # (P,) of EVEN
    normal: Rows  # (P,) of NORMAL
    counts: Float  # (k,) how many there are of each kind of thing, evenly from 0 to 1, place by place
    stands: Rows  # (m,) of STANDS, for each thing that may stand in a place
    looks: Float  # (m, 4) normal


def draw_places(kinds: Sequence[KindRows], rngs: Sequence[np.random.Generator]) -> DrawnPlaces:
    sizes = [(EVEN.itemsize // 8, kind.kinds, len(kind.things)) for kind in kinds]
    even = [rng.random(single + k + 6 * m) for rng, (single, k, m) in zip(rngs, sizes, strict=True)]
    normal = [rng.standard_normal(NORMAL.itemsize // 8 + 4 * m) for rng, (_, _, m) in zip(rngs, sizes, strict=True)]
    single, of_panels = EVEN.itemsize // 8, NORMAL.itemsize // 8
    return DrawnPlaces(
        np.concatenate([drawn[:single] for drawn in even]).view(EVEN),
        np.concatenate([drawn[:of_panels] for drawn in normal]).view(NORMAL),
        np.concatenate([drawn[single : single + k] for drawn, (_, k, _) in zip(even, sizes, strict=True)]),
        np.concatenate([drawn[single + k :] for drawn, (_, k, _) in zip(even, sizes, strict=True)]).view(STANDS),
        np.concatenate([drawn[of_panels:] for drawn in normal]).reshape(-1, 4),
    )
