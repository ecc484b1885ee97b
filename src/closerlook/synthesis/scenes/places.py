"""Places drawn at random: a ground, walls around it or a view to the horizon, and things that stand about.

Many places are drawn at once; what each is like depends on its own backdrop and generator alone.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from closerlook.arrays import Float, Int
from closerlook.synthesis.scenes.kinds import Backdrop
from closerlook.synthesis.scenes.panels import COLUMNS, TEXTURES, Panels, Place, gathered
from closerlook.synthesis.scenes.pictures import read_picture
from closerlook.synthesis.scenes.place_draws import KIND, THING, DrawnPlaces, KindRows, Rows, draw_places, kind_rows
from closerlook.synthesis.scenes.textures import VARIANTS

__all__ = ["DARKER", "ROUGH", "place", "places", "spheres", "tints"]


ROUGH = 0.9  # of most surfaces
DARKER = -0.35  # log of the light that upright things lose to gaps, eaves and grime, which textures leave out
NEAREST = 1.2  # meters that things keep from the person
QUARTERS = np.arange(4) * np.pi / 2

HOLLOW = ("tree", "bicycle", "railing", "bench", "shelter", "sign")  # stand on little, and let the sky in below


def _numbers_of(*names: str) -> NDArray[np.bool_]:
    """Which numbers are those of textures with these names."""
    return np.isin(np.repeat(TEXTURES, VARIANTS), names)


IS_HOLLOW, IS_TILES, IS_GLASS = _numbers_of(*HOLLOW), _numbers_of("tiles"), _numbers_of("glass")
IS_GROWN = _numbers_of("hedge", "trunks")  # which are as tall as they are, and not in storeys


def place(backdrop: Backdrop, rng: np.random.Generator) -> Place:
    """Draw a place of this kind."""
    return places([backdrop], [rng])[0]


def places(backdrops: Sequence[Backdrop], rngs: Sequence[np.random.Generator]) -> list[Place]:
    """Draw a place of each of these kinds, with a generator each."""
    kinds = [kind_rows(backdrop) for backdrop in backdrops]
    kind, drawn = np.concatenate([each.row for each in kinds]).view(KIND)[:, 0], draw_places(kinds, rngs)
    even, side = drawn.even, drawn.even["side"]
    facing = 2 * np.pi * even["turn"][:, None] + QUARTERS
    closed = side["closed"] < kind["closed"][:, None]
    distance = _between(kind["distance"][:, None], side["distance"])
    room = np.where(closed, distance, kind["distance"][:, 1:] + 4.0)
    things, owner = _things(kinds, drawn, facing, room)
    parts = [
        (np.arange(len(kinds)), _grounds(kind, drawn)),
        (np.nonzero(closed)[0], _walls(kind, drawn, facing, distance, closed)),
        (np.repeat(np.arange(len(kinds)), 4), _horizons(kind, drawn, facing)),
        _strips(kind, drawn),
        (owner, things),
    ]
    lamps, shining = _lamps(side, facing, room, kind["distance"][:, 1:])
    shade = np.clip(kind["shade"] * _between((0.7, 1.5), even["shade"]), 0.0, 0.9)
    columns = (
        backdrops,
        _split(parts, len(kinds)),
        _parted(spheres(things), owner, len(kinds)),
        (360 * even["north"]).tolist(),
        shade.tolist(),
        _up_to(VARIANTS, even["pattern"]).tolist(),
        [None if backdrop.picture is None else read_picture(backdrop.picture) for backdrop in backdrops],
        _parted(lamps, shining, len(kinds)),
    )
    return [Place(*row) for row in zip(*columns, strict=True)]


def _between(limits: Float | tuple[float, float], even: Float) -> Float:
    """Evenly between limits (..., 2)."""
    low, high = limits if isinstance(limits, tuple) else (limits[..., 0], limits[..., 1])
    return np.asarray(low + (high - low) * even)


def _up_to(count: int | Float, even: Float) -> Int:
    """Whole numbers from 0 to below ``count``."""
    return np.asarray((count * even).astype(np.int64))


def _pick(choices: Float, which: Float, variant: Float) -> Int:
    """(n,) numbers of textures, each from its (n, 1 + CHOICES) choices."""
    picked = choices[np.arange(len(choices)), 1 + _up_to(choices[:, 0], which)]
    return np.asarray(picked.astype(np.int64) + _up_to(VARIANTS, variant))


def tints(normal: Float, spread: float = 0.18, middle: float = 0.0) -> Float:
    """(n, 3) factors on panels' colors, from (n, 4) normal numbers: of its brightness, and of each color."""
    return np.asarray(np.exp(middle + spread * normal[:, :1] + 0.03 * normal[:, 1:]))


def _towards(angle: Float, length: Float | float) -> Float:
    """(n, 3) so many meters over the ground in a direction."""
    return np.stack([np.cos(angle) * length, np.zeros_like(angle), np.sin(angle) * length], axis=1)


def _up(height: Float) -> Float:
    return np.stack([np.zeros_like(height), height, np.zeros_like(height)], axis=1)


def _beside(facing: Float, distance: Float, length: float) -> tuple[Float, Float]:
    """(n, 3) left ends and directions of lines of this length across the way, so far off."""
    along = _towards(facing + np.pi / 2, length)
    return _towards(facing, distance) - along / 2, along


def _panels(
    paint: Int,
    corner: Float,
    along: Float,
    upward: Float,
    tint: Float,
    repeat: Float,
    shift: Float,
    roughness: Float | float = ROUGH,
    cutout: bool = False,
    turns: bool = False,
) -> Panels:
    cutouts, turning, fronts = (np.full(len(paint), mark) for mark in (cutout, turns, False))
    rough = np.broadcast_to(roughness, len(paint))
    return Panels(paint, corner, along, upward, tint, repeat, shift, cutouts, turning, fronts, rough)


def _grounds(kind: Rows, drawn: DrawnPlaces) -> Panels:
    even = drawn.even
    scale, turn = kind["tile"] * _between((0.8, 1.3), even["scale"]), 2 * np.pi * even["turn"]
    paint = _pick(kind["ground"], even["ground"], even["variant"])
    along, upward, whole = _towards(turn, scale), _towards(turn + np.pi / 2, scale), np.ones((len(kind), 2))
    roughness = np.where(IS_TILES[paint], 0.55, ROUGH)
    tint = tints(drawn.normal["ground"])
    return _panels(paint, np.zeros_like(along), along, upward, tint, whole, even["shift"], roughness)


def _walls(kind: Rows, drawn: DrawnPlaces, facing: Float, distance: Float, closed: NDArray[np.bool_]) -> Panels:
    owner, side = np.nonzero(closed)
    even, length = drawn.even["side"][owner, side], 60.0
    height = _between(kind["height"][owner], even["height"])
    paint = _pick(kind["wall"][owner], even["wall"], even["variant"])
    corner, along = _beside(facing[owner, side], distance[owner, side], length)
    tall = np.where(IS_GROWN[paint], 3.4, np.minimum(height, 4.2))
    repeat = np.stack([length / tall / _between((0.9, 1.3), even["wide"]), height / tall], axis=1)
    shift = np.stack([even["shift"], 1.0 - repeat[:, 1] % 1.0], axis=1)
    tint = tints(drawn.normal["wall"][owner, side], 0.35, DARKER)
    roughness = np.where(IS_GLASS[paint], 0.35, ROUGH)
    return _panels(paint, corner, along, _up(height), tint, repeat, shift, roughness)


def _horizons(kind: Rows, drawn: DrawnPlaces, facing: Float) -> Panels:
    even = drawn.even["side"].ravel()
    corner, along = _beside(facing.ravel(), _between((28.0, 60.0), even["far"]), 160.0)
    height = _between((9.0, 18.0), even["far_height"])
    paint = np.repeat(kind["horizon"].astype(np.int64), 4) + _up_to(VARIANTS, even["far_variant"])
    repeat = np.stack([80.0 / height, np.ones_like(height)], axis=1)
    shift = np.stack([even["far_shift"], np.zeros_like(height)], axis=1)
    tint = tints(drawn.normal["far"].reshape(-1, 4), 0.18, DARKER)
    return _panels(paint, corner, along, _up(height), tint, repeat, shift, cutout=True)


def _strips(kind: Rows, drawn: DrawnPlaces) -> tuple[Int, Panels]:
    """Long patches of another ground, along or across the walls, just above the ground itself."""
    count = np.where(kind["strip"][:, 0] > 0, _up_to(4, drawn.even["strips"]), 0)
    owner, number = np.nonzero(np.arange(3) < count[:, None])
    even, length = drawn.even["strip"][owner, number], 80.0
    facing = 2 * np.pi * drawn.even["turn"][owner] + np.pi / 2 * _up_to(4, even["facing"])
    paint = _pick(kind["strip"][owner], even["texture"], even["variant"])
    width = np.exp(_between((np.log(0.15), np.log(5.0)), even["width"]))
    corner, along = _beside(facing, _between((0.4, 8.0), even["distance"]), length)
    corner[:, 1] = 0.004
    repeat = np.stack([np.full_like(width, length), width], axis=1) / kind["tile"][owner, None]
    tint = tints(drawn.normal["strip"][owner, number], 0.45)
    return owner, _panels(paint, corner, along, _towards(facing, width), tint, repeat, even["shift"])


def _things(kinds: Sequence[KindRows], drawn: DrawnPlaces, facing: Float, room: Float) -> tuple[Panels, Int]:
    """Some of each thing spread around the person, inside the walls, and the number of each one's place."""
    thing = np.concatenate([kind.things for kind in kinds]).view(THING)[:, 0]
    owner = np.repeat(np.arange(len(kinds)), [len(kind.things) for kind in kinds])
    first_kind = np.cumsum([0, *(kind.kinds for kind in kinds[:-1])])
    fewest, largest = thing["count"].T
    count = fewest + _up_to(largest - fewest + 1, drawn.counts[first_kind[owner] + thing["kind"].astype(np.int64)])
    there = thing["rank"] < count
    thing, owner, even, looks = thing[there], owner[there], drawn.stands[there], drawn.looks[there]
    angle = 2 * np.pi * even["angle"]
    reach = (room[owner] / np.maximum(np.cos(angle[:, None] - facing[owner]), 1e-6)).min(1)
    distance = np.minimum(_between(thing["distance"], even["distance"]), reach - 0.3)
    height = _between(thing["height"], even["height"])
    width = height * thing["width"] * np.where(even["mirrored"] < 0.5, 1.0, -1.0)
    paint = _pick(thing["textures"], even["texture"], even["variant"])
    along, whole = np.stack([width, 0 * width, 0 * width], axis=1), np.ones((len(paint), 2))
    tint = tints(looks, 0.3, DARKER)
    feet = _towards(angle, distance)
    every = _panels(paint, feet, along, _up(height), tint, whole, 0 * whole, cutout=True, turns=True)
    kept = np.flatnonzero(distance >= NEAREST)
    return every[kept], owner[kept]


def spheres(things: Panels) -> Float:
    """(n, 4) spheres (x, y, z, radius) that stand for things."""
    size = np.minimum(np.abs(things.along[:, 0]), things.upward[:, 1])
    radius = np.where(IS_HOLLOW[things.paint], 0.15, 0.45 * size)
    return np.stack([things.corner[:, 0], radius * 0.6, things.corner[:, 2], radius], axis=1)


def _lamps(side: Rows, facing: Float, room: Float, furthest: Float) -> tuple[Float, Int]:
    """Lamps on posts, and low on every wall: (n, 4) positions and powers, and the number of each one's place."""
    walled = (room > 2.0) & (room <= furthest)  # there is a wall, and not close to the person
    first = _between((-6.0, 0.0), side["first"])
    beside = [first, first + _between((4.0, 9.0), side["apart"]), _between((-6.0, 6.0), side["beside"])]
    post = np.minimum(_between((6.0, 11.0), side["ahead"]), room - 0.7)
    heights = [_between((2.4, 3.4), side["low_height"]), _between((4.0, 5.5), side["post_height"])[..., None]]
    powers = [_between((0.05, 0.2), side["low_power"]), _between((0.5, 1.0), side["post_power"])[..., None]]
    across, ahead = np.stack(beside, axis=2), np.stack([room - 0.5, room - 0.5, post], axis=2)
    cos, sin = np.cos(facing)[..., None], np.sin(facing)[..., None]
    where = (cos * ahead - sin * across, np.concatenate(heights, 2), sin * ahead + cos * across)
    lamps = np.stack([*where, np.concatenate(powers, 2)], axis=3)
    there = np.stack([walled, walled, np.ones_like(walled)], axis=2)
    return lamps[there], np.nonzero(there)[0]


def _split(parts: Sequence[tuple[Int, Panels]], count: int) -> list[Panels]:
    """The panels of each place, from parts with the number of each one's place."""
    owner = np.concatenate([numbers for numbers, _ in parts])
    every = gathered([panels for _, panels in parts])[np.argsort(owner, kind="stable")]
    ends = np.cumsum([0, *np.bincount(owner, minlength=count)]).tolist()
    columns = [getattr(every, name) for name in COLUMNS]
    return [Panels(*(column[a:b] for column in columns)) for a, b in itertools.pairwise(ends)]


def _parted(rows: Float, owner: Int, count: int) -> list[Float]:
    """The rows of each place, of which ``owner`` has the numbers in order."""
    ends = np.searchsorted(owner, np.arange(count + 1)).tolist()
    return [rows[a:b] for a, b in itertools.pairwise(ends)]
