"""Places: a ground, walls around it, and things that stand about, at several depths.

A ``Backdrop`` says of what kind; :func:`place` draws one such place, fixed in the world; :func:`visible` is what of it
a camera sees.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, fields, replace

import numpy as np
from numpy.typing import NDArray

from closerlook.errors import unknown
from closerlook.synthesis.scene.camera import Frame
from closerlook.synthesis.scene.textures import VARIANTS

__all__ = ["BACKDROPS", "Backdrop", "Panels", "Place", "backdrops", "place", "visible"]

Float = NDArray[np.float64]


@dataclass(frozen=True)
class Thing:
    """Something that may stand about: its texture, how many, metres high and wide, how far from the person."""

    texture: str
    count: tuple[int, int]
    height: tuple[float, float]
    width: float
    distance: tuple[float, float] = (1.6, 12.0)


@dataclass(frozen=True)
class Backdrop:
    """A kind of place.

    Attributes:
        name, number: as users write it, and ``p`` in FineGPR's file names.
        grounds, strips, walls: names of textures to choose from; strips are what else the ground has: kerbs, lanes,
            beds, paths.
        wall_distance, wall_height: metres, ranges.
        closed: chance that a side has a wall; an open side shows the horizon.
        horizon: texture of what stands far away.
        things: what stands about.
        shade: how much of the sun the surroundings take, 0 to 1.
        tile: metres that one ground texture covers.
    """

    name: str
    number: int
    grounds: tuple[str, ...]
    strips: tuple[str, ...]
    walls: tuple[str, ...]
    wall_distance: tuple[float, float]
    wall_height: tuple[float, float]
    closed: float
    horizon: str
    things: tuple[Thing, ...]
    shade: float
    tile: float


_CAR = Thing("car", (2, 6), (1.4, 1.6), 2.9, (3.0, 13.0))
_BIKE = Thing("bicycle", (4, 12), (1.05, 1.15), 1.5, (1.4, 8.0))
_PASSER = Thing("passer", (2, 8), (1.55, 1.85), 0.42, (1.5, 13.0))
_POLE = Thing("pole", (1, 5), (3.0, 6.0), 0.03, (1.3, 10.0))
_TREE = Thing("tree", (2, 6), (4.0, 7.0), 0.7, (2.5, 13.0))
_BUSH = Thing("bush", (3, 9), (0.6, 1.6), 1.2, (1.6, 10.0))
_BOX = Thing("box", (1, 5), (0.7, 1.6), 0.6, (1.4, 9.0))
_RAIL = Thing("railing", (1, 4), (0.9, 1.2), 1.6, (1.5, 9.0))

_ALL = (
    Backdrop(
        "paving",
        1,
        grounds=("paving",),
        strips=("grass", "asphalt", "bricks"),
        walls=("plaster", "shops"),
        wall_distance=(5, 14),
        wall_height=(5, 9),
        closed=0.6,
        horizon="skyline",
        things=(_PASSER, _POLE, _BOX, _BIKE, _TREE),
        shade=0.4,
        tile=2.6,
    ),
    Backdrop(
        "street",
        2,
        grounds=("asphalt",),
        strips=("paving", "concrete", "grass"),
        walls=("brick_wall", "plaster"),
        wall_distance=(5, 15),
        wall_height=(5, 9),
        closed=0.6,
        horizon="skyline",
        things=(_CAR, _POLE, _PASSER, _BIKE, _RAIL),
        shade=0.4,
        tile=2.6,
    ),
    Backdrop(
        "park",
        3,
        grounds=("grass",),
        strips=("sand", "asphalt", "soil"),
        walls=("hedge",),
        wall_distance=(6, 16),
        wall_height=(1.0, 2.5),
        closed=0.4,
        horizon="treeline",
        things=(_TREE, _BUSH, _PASSER),
        shade=0.6,
        tile=3.0,
    ),
    Backdrop(
        "brick",
        4,
        grounds=("bricks", "paving"),
        strips=("concrete", "asphalt", "soil"),
        walls=("brick_wall",),
        wall_distance=(2.5, 9),
        wall_height=(5, 8),
        closed=0.85,
        horizon="skyline",
        things=(_BIKE, _BOX, _POLE),
        shade=0.35,
        tile=2.6,
    ),
    Backdrop(
        "field",
        5,
        grounds=("grass", "soil"),
        strips=("soil", "sand", "asphalt"),
        walls=("hedge",),
        wall_distance=(14, 20),
        wall_height=(0.8, 1.5),
        closed=0.3,
        horizon="treeline",
        things=(_BUSH, _TREE, _RAIL),
        shade=0.2,
        tile=3.6,
    ),
    Backdrop(
        "glass",
        6,
        grounds=("tiles", "paving"),
        strips=("concrete", "grass"),
        walls=("glass",),
        wall_distance=(2.5, 9),
        wall_height=(5, 9),
        closed=0.85,
        horizon="skyline",
        things=(_PASSER, _POLE, _BOX),
        shade=0.3,
        tile=2.6,
    ),
    Backdrop(
        "car_park",
        7,
        grounds=("asphalt", "concrete"),
        strips=("paving", "grass"),
        walls=("plaster", "hedge"),
        wall_distance=(9, 18),
        wall_height=(2.5, 7),
        closed=0.5,
        horizon="skyline",
        things=(replace(_CAR, count=(8, 14)), _POLE, _PASSER),
        shade=0.3,
        tile=2.6,
    ),
    Backdrop(
        "forest",
        8,
        grounds=("soil", "grass"),
        strips=("sand", "soil"),
        walls=("trunks",),
        wall_distance=(3.5, 10),
        wall_height=(7, 10),
        closed=0.9,
        horizon="treeline",
        things=(_TREE, _BUSH),
        shade=0.75,
        tile=3.0,
    ),
    Backdrop(
        "shops",
        9,
        grounds=("paving", "tiles"),
        strips=("asphalt", "bricks"),
        walls=("shops",),
        wall_distance=(2.5, 9),
        wall_height=(3.6, 4.5),
        closed=0.9,
        horizon="skyline",
        things=(_PASSER, _BIKE, _BOX),
        shade=0.3,
        tile=2.6,
    ),
    Backdrop(
        "hedge",
        10,
        grounds=("paving", "concrete"),
        strips=("grass", "soil"),
        walls=("hedge",),
        wall_distance=(1.6, 6),
        wall_height=(1.2, 2.8),
        closed=0.9,
        horizon="treeline",
        things=(_BUSH, _POLE, _PASSER),
        shade=0.4,
        tile=2.6,
    ),
    Backdrop(
        "corridor",
        11,
        grounds=("tiles", "concrete"),
        strips=("tiles", "asphalt"),
        walls=("plaster", "glass"),
        wall_distance=(1.8, 5),
        wall_height=(3.2, 4.5),
        closed=1.0,
        horizon="skyline",
        things=(_PASSER, _BOX),
        shade=0.45,
        tile=2.6,
    ),
    Backdrop(
        "sand",
        12,
        grounds=("sand",),
        strips=("grass", "concrete"),
        walls=("plaster", "hedge"),
        wall_distance=(10, 18),
        wall_height=(1.5, 4),
        closed=0.35,
        horizon="treeline",
        things=(_BUSH, _PASSER, _RAIL),
        shade=0.15,
        tile=3.2,
    ),
    Backdrop(
        "bicycles",
        13,
        grounds=("bricks", "paving", "concrete"),
        strips=("grass", "asphalt"),
        walls=("hedge", "plaster", "brick_wall"),
        wall_distance=(3, 9),
        wall_height=(2, 6),
        closed=0.7,
        horizon="treeline",
        things=(replace(_BIKE, count=(14, 26)), _POLE, _PASSER, _RAIL),
        shade=0.4,
        tile=2.6,
    ),
    Backdrop(
        "yard",
        14,
        grounds=("concrete", "asphalt"),
        strips=("paving", "soil"),
        walls=("shutters", "plaster"),
        wall_distance=(3, 10),
        wall_height=(3.5, 6),
        closed=0.8,
        horizon="skyline",
        things=(_BOX, _CAR, _RAIL, _POLE),
        shade=0.35,
        tile=2.6,
    ),
)
BACKDROPS: dict[str, Backdrop] = {backdrop.name: backdrop for backdrop in _ALL}


def backdrops(names: Sequence[str] | None = None) -> tuple[Backdrop, ...]:
    """The backdrops of these names, all if ``None``.

    Raises:
        UsageError: a name is unknown.
    """
    for name in names or ():
        if name not in BACKDROPS:
            raise unknown("backdrop", name, BACKDROPS)
    return _ALL if not names else tuple(BACKDROPS[name] for name in dict.fromkeys(names))


@dataclass(frozen=True)
class Panels:
    """Textured parallelograms, upright or flat on the ground, n of them; the first is the ground.

    Attributes:
        texture: (n,) names and variants.
        corner, along, upward: (n, 3) lower left corner and the two edges, metres. For a panel that turns: middle of
            its foot, and (width, 0, 0), negative if mirrored.
        tint: (n, 3) linear factors on the texture's colour.
        repeat: (n, 2) times the texture repeats along each edge.
        shift: (n, 2) where in the texture the corner lies.
        cutout: (n,) alpha cuts holes (else it marks what shines after dark).
        turns: (n,) faces the camera wherever it stands.
        front: (n,) is seen before the person too (all else between the camera and the person is cut away). Such
            panels follow the ground.
        roughness: (n,) GGX roughness.
    """

    texture: tuple[tuple[str, int], ...]
    corner: Float
    along: Float
    upward: Float
    tint: Float
    repeat: Float
    shift: Float
    cutout: NDArray[np.bool_]
    turns: NDArray[np.bool_]
    front: NDArray[np.bool_]
    roughness: Float

    def __len__(self) -> int:
        return len(self.texture)


@dataclass(frozen=True)
class _Panel:
    """One row of :class:`Panels` while a place is being drawn."""

    texture: tuple[str, int]
    corner: Float
    along: Float
    upward: Float
    tint: Float
    repeat: tuple[float, float] = (1.0, 1.0)
    shift: tuple[float, float] = (0.0, 0.0)
    cutout: bool = False
    turns: bool = False
    front: bool = False
    roughness: float = 0.9


def _gather(panels: Sequence[_Panel]) -> Panels:
    columns = {f.name: [getattr(panel, f.name) for panel in panels] for f in fields(Panels)}
    texture = tuple(columns.pop("texture"))
    return Panels(texture, **{name: np.array(values) for name, values in columns.items()})


@dataclass(frozen=True)
class Place:
    """One place in the world around the person.

    Attributes:
        backdrop: its kind.
        panels: the ground, walls and things.
        blobs: (k, 4) spheres (x, y, z, radius) that darken the ground near things.
        north: degrees that the place is turned against the sun.
        shade, shade_variant: strength and number of the pattern of shadows from afar.
    """

    backdrop: Backdrop
    panels: Panels = field(repr=False)
    blobs: Float = field(repr=False)
    north: float
    shade: float
    shade_variant: int


def place(backdrop: Backdrop, rng: np.random.Generator) -> Place:
    """Draw a place of this kind."""
    turn = rng.uniform(0, 2 * np.pi)
    panels = [_ground(backdrop, rng, turn)]
    room = []
    for side in range(4):
        facing = turn + side * np.pi / 2
        distance = rng.uniform(*backdrop.wall_distance)
        closed = rng.random() < backdrop.closed
        room.append(distance if closed else backdrop.wall_distance[1] + 4.0)
        if closed:
            panels.append(_wall(backdrop, rng, facing, distance))
        panels.append(_horizon(backdrop, rng, facing))
    panels += _strips(backdrop, rng, turn)
    things = [panel for thing in backdrop.things for panel in _stand(thing, rng, turn, np.array(room))]
    return Place(
        backdrop,
        _gather([*panels, *things]),
        np.array([_blob(panel) for panel in things]).reshape(-1, 4),
        rng.uniform(0, 360),
        float(np.clip(backdrop.shade * rng.uniform(0.6, 1.2), 0, 0.9)),
        int(rng.integers(VARIANTS)),
    )


def _tint(rng: np.random.Generator, spread: float = 0.18) -> Float:
    return np.asarray(np.exp(rng.normal(0, spread) + rng.normal(0, 0.03, 3)))


def _pick(rng: np.random.Generator, names: Sequence[str]) -> tuple[str, int]:
    return names[int(rng.integers(len(names)))], int(rng.integers(VARIANTS))


def _direction(angle: float) -> Float:
    return np.array([np.cos(angle), 0.0, np.sin(angle)])


def _ground(backdrop: Backdrop, rng: np.random.Generator, turn: float) -> _Panel:
    scale = backdrop.tile * rng.uniform(0.8, 1.3)
    texture = _pick(rng, backdrop.grounds)
    along, upward = _direction(turn) * scale, _direction(turn + np.pi / 2) * scale
    roughness = 0.55 if texture[0] == "tiles" else 0.9
    shift = (rng.random(), rng.random())
    return _Panel(texture, np.zeros(3), along, upward, _tint(rng), shift=shift, roughness=roughness)


def _wall(backdrop: Backdrop, rng: np.random.Generator, facing: float, distance: float) -> _Panel:
    texture = _pick(rng, backdrop.walls)
    height, length = rng.uniform(*backdrop.wall_height), 60.0
    along = _direction(facing + np.pi / 2) * length
    corner = _direction(facing) * distance - along / 2
    tall = 3.4 if texture[0] in ("hedge", "trunks") else min(height, 4.2)
    repeat = (length / tall / rng.uniform(0.9, 1.3), height / tall)
    shift = (rng.random(), 1.0 - repeat[1] % 1.0)
    upward = np.array([0.0, height, 0.0])
    roughness = 0.35 if texture[0] == "glass" else 0.9
    return _Panel(texture, corner, along, upward, _tint(rng), repeat, shift, roughness=roughness)


def _strips(backdrop: Backdrop, rng: np.random.Generator, turn: float) -> Iterator[_Panel]:
    """Long patches of another ground, along or across the walls, just above the ground itself."""
    for _ in range(int(rng.integers(0, 4))):
        facing = turn + np.pi / 2 * rng.integers(4)
        texture = _pick(rng, backdrop.strips)
        width, length = float(np.exp(rng.uniform(np.log(0.15), np.log(5.0)))), 80.0
        along, upward = _direction(facing + np.pi / 2) * length, _direction(facing) * width
        corner = _direction(facing) * rng.uniform(0.4, 8.0) - along / 2 + np.array([0.0, 0.004, 0.0])
        repeat, shift = (length / backdrop.tile, width / backdrop.tile), (rng.random(), rng.random())
        yield _Panel(texture, corner, along, upward, _tint(rng, 0.3), repeat, shift)


def _horizon(backdrop: Backdrop, rng: np.random.Generator, facing: float) -> _Panel:
    along = _direction(facing + np.pi / 2) * 160.0
    corner = _direction(facing) * rng.uniform(28, 60) - along / 2
    height = rng.uniform(9, 18)
    texture = _pick(rng, (backdrop.horizon,))
    repeat, shift = (80.0 / height, 1.0), (rng.random(), 0.0)
    return _Panel(texture, corner, along, np.array([0.0, height, 0.0]), _tint(rng), repeat, shift, cutout=True)


def _stand(thing: Thing, rng: np.random.Generator, turn: float, room: Float) -> Iterator[_Panel]:
    """Spread some of a thing around the person, inside the walls."""
    for _ in range(int(rng.integers(thing.count[0], thing.count[1] + 1))):
        angle = rng.uniform(0, 2 * np.pi)
        towards_wall = np.cos(angle - turn - np.arange(4) * np.pi / 2)
        reach = float((room / np.maximum(towards_wall, 1e-6)).min())
        distance = min(rng.uniform(*thing.distance), reach - 0.3)
        height = rng.uniform(*thing.height)
        along = np.array([height * thing.width * rng.choice([-1.0, 1.0]), 0.0, 0.0])
        texture, tint = _pick(rng, (thing.texture,)), _tint(rng, 0.25)
        if distance >= 1.2:
            upward = np.array([0.0, height, 0.0])
            yield _Panel(texture, _direction(angle) * distance, along, upward, tint, cutout=True, turns=True)


def _blob(panel: _Panel) -> Float:
    radius = 0.45 * min(abs(panel.along[0]), panel.upward[1]) if panel.texture[0] != "tree" else 0.25
    return np.array([panel.corner[0], radius * 0.6, panel.corner[2], radius])


def visible(place: Place, frame: Frame) -> Panels:
    """The ground and the panels that can fall into the frame behind the person, things turned to the camera."""
    panels = place.panels
    across = np.array([frame.right[0], 0.0, frame.right[2]]) / np.hypot(frame.right[0], frame.right[2])
    along = np.where(panels.turns[:, None], panels.along[:, :1] * across, panels.along)
    corner = panels.corner - np.where(panels.turns[:, None], along / 2, 0.0)
    seen = np.flatnonzero(_in_frame(corner, along, panels.upward, panels.front, frame))
    turned = replace(panels, corner=corner, along=along)
    rest = {f.name: getattr(turned, f.name)[seen] for f in fields(Panels) if f.name != "texture"}
    return Panels(tuple(panels.texture[i] for i in seen), **rest)


def _in_frame(corner: Float, along: Float, upward: Float, front: NDArray[np.bool_], frame: Frame) -> NDArray[np.bool_]:
    corners = np.stack([corner, corner + along, corner + upward, corner + along + upward]) - frame.eye
    depth = corners @ frame.forward
    x, y, half_width, half_height = frame.window
    stretch = 1 + abs(frame.distortion) * 2 * max(x * x + y * y, half_height**2)
    half_width, half_height = half_width * stretch, half_height * stretch
    right = corners @ frame.right - x * depth
    up = corners @ frame.up - y * depth
    out = (right > half_width * depth, right < -half_width * depth, up > half_height * depth, up < -half_height * depth)
    seen = depth.max(0) > np.where((upward[:, 1] > 0) & ~front, frame.distance, 0.0)
    for side in out:
        seen &= ~side.all(0)
    seen[0] = True  # the ground has no edge
    return np.asarray(seen)
