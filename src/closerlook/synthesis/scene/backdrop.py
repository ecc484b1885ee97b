"""Places: a ground, walls around it, and things that stand about, at several depths.

A ``Backdrop`` says of what kind; :func:`place` draws one such place, fixed in the world; :func:`visible` is what of it
a camera sees.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from closerlook.errors import unknown
from closerlook.synthesis.scene.camera import Frame
from closerlook.synthesis.scene.textures import VARIANTS

__all__ = ["BACKDROPS", "Backdrop", "PanelSpec", "Place", "backdrops", "place", "visible"]

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
        grounds, walls: names of textures to choose from.
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
    walls: tuple[str, ...]
    wall_distance: tuple[float, float]
    wall_height: tuple[float, float]
    closed: float
    horizon: str
    things: tuple[Thing, ...]
    shade: float = 0.3
    tile: float = 2.6


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
        "paving", 1, ("paving",), ("plaster", "shops"), (5, 14), (5, 9), 0.6, "skyline", (_PASSER, _POLE, _BOX, _TREE)
    ),
    Backdrop(
        "street", 2, ("asphalt",), ("brick_wall", "plaster"), (5, 15), (5, 9), 0.6, "skyline", (_CAR, _POLE, _PASSER)
    ),
    Backdrop(
        "park", 3, ("grass",), ("hedge",), (6, 16), (1.0, 2.5), 0.4, "treeline", (_TREE, _BUSH, _PASSER), 0.55, 3.0
    ),
    Backdrop(
        "brick", 4, ("bricks", "paving"), ("brick_wall",), (2.5, 9), (5, 8), 0.85, "skyline", (_BIKE, _BOX, _POLE)
    ),
    Backdrop(
        "field", 5, ("grass", "soil"), ("hedge",), (14, 20), (0.8, 1.5), 0.3, "treeline", (_BUSH, _TREE), 0.15, 3.6
    ),
    Backdrop("glass", 6, ("tiles", "paving"), ("glass",), (2.5, 9), (5, 9), 0.85, "skyline", (_PASSER, _POLE, _BOX)),
    Backdrop(
        "car_park",
        7,
        ("asphalt", "concrete"),
        ("plaster", "hedge"),
        (9, 18),
        (2.5, 7),
        0.5,
        "skyline",
        (replace(_CAR, count=(8, 14)), _POLE, _PASSER),
    ),
    Backdrop(
        "forest", 8, ("soil", "grass"), ("trunks",), (3.5, 10), (7, 10), 0.9, "treeline", (_TREE, _BUSH), 0.75, 3.0
    ),
    Backdrop("shops", 9, ("paving", "tiles"), ("shops",), (2.5, 9), (3.6, 4.5), 0.9, "skyline", (_PASSER, _BIKE, _BOX)),
    Backdrop(
        "hedge", 10, ("paving", "concrete"), ("hedge",), (1.6, 6), (1.2, 2.8), 0.9, "treeline", (_BUSH, _POLE, _PASSER)
    ),
    Backdrop(
        "corridor",
        11,
        ("tiles", "concrete"),
        ("plaster", "glass"),
        (1.8, 5),
        (3.2, 4.5),
        1.0,
        "skyline",
        (_PASSER, _BOX),
        0.45,
    ),
    Backdrop(
        "sand", 12, ("sand",), ("plaster", "hedge"), (10, 18), (1.5, 4), 0.35, "treeline", (_BUSH, _PASSER), 0.1, 3.2
    ),
    Backdrop(
        "bicycles",
        13,
        ("bricks", "paving", "concrete"),
        ("hedge", "plaster", "brick_wall"),
        (3, 9),
        (2, 6),
        0.7,
        "treeline",
        (replace(_BIKE, count=(14, 26)), _POLE, _PASSER, _RAIL),
    ),
    Backdrop(
        "yard",
        14,
        ("concrete", "asphalt"),
        ("shutters", "plaster"),
        (3, 10),
        (3.5, 6),
        0.8,
        "skyline",
        (_BOX, _CAR, _RAIL, _POLE),
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
class PanelSpec:
    """A textured upright parallelogram (or the ground): corner and edges in metres.

    Attributes:
        texture, variant: which texture.
        corner, along, upward: (3,) lower left corner and the two edges.
        tint: (3,) linear factors on the texture's colour.
        repeat: times the texture repeats along each edge.
        shift: (2,) where in the texture the corner lies.
        cutout: alpha cuts holes (else it marks what shines after dark).
        turns: faces the camera wherever it stands.
        roughness: GGX roughness.
    """

    texture: str
    variant: int
    corner: Float = field(repr=False)
    along: Float = field(repr=False)
    upward: Float = field(repr=False)
    tint: Float = field(repr=False)
    repeat: tuple[float, float] = (1.0, 1.0)
    shift: tuple[float, float] = (0.0, 0.0)
    cutout: bool = False
    turns: bool = False
    roughness: float = 0.9


@dataclass(frozen=True)
class Place:
    """One place in the world around the person.

    Attributes:
        backdrop: its kind.
        panels: the ground first, then walls and things.
        blobs: (k, 4) spheres (x, y, z, radius) that darken the ground near things.
        north: degrees that the place is turned against the sun.
        shade, shade_variant: strength and number of the pattern of shadows from afar.
    """

    backdrop: Backdrop
    panels: tuple[PanelSpec, ...] = field(repr=False)
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
    things = [panel for thing in backdrop.things for panel in _stand(thing, rng, turn, room)]
    blobs = [_blob(panel) for panel in things]
    shade = backdrop.shade * rng.uniform(0.5, 1.0)
    return Place(
        backdrop,
        (*panels, *things),
        np.array(blobs).reshape(-1, 4),
        rng.uniform(0, 360),
        float(np.clip(shade * 1.2, 0, 0.9)),
        int(rng.integers(VARIANTS)),
    )


def _tint(rng: np.random.Generator, spread: float = 0.18) -> Float:
    return np.asarray(np.exp(rng.normal(0, spread) + rng.normal(0, 0.03, 3)))


def _direction(angle: float) -> Float:
    return np.array([np.cos(angle), 0.0, np.sin(angle)])


def _ground(backdrop: Backdrop, rng: np.random.Generator, turn: float) -> PanelSpec:
    scale = backdrop.tile * rng.uniform(0.8, 1.3)
    texture = backdrop.grounds[rng.integers(len(backdrop.grounds))]
    shift = (rng.random(), rng.random())
    along, upward = _direction(turn) * scale, _direction(turn + np.pi / 2) * scale
    roughness = 0.55 if texture == "tiles" else 0.9
    variant = int(rng.integers(VARIANTS))
    return PanelSpec(texture, variant, np.zeros(3), along, upward, _tint(rng), (1.0, 1.0), shift, roughness=roughness)


def _wall(backdrop: Backdrop, rng: np.random.Generator, facing: float, distance: float) -> PanelSpec:
    texture = backdrop.walls[rng.integers(len(backdrop.walls))]
    height, length = rng.uniform(*backdrop.wall_height), 60.0
    along = _direction(facing + np.pi / 2) * length
    corner = _direction(facing) * distance - along / 2
    tall = 3.4 if texture in ("hedge", "trunks") else min(height, 4.2)
    repeat = (length / tall / rng.uniform(0.9, 1.3), height / tall)
    shift = (rng.random(), 1.0 - repeat[1] % 1.0)
    variant = int(rng.integers(VARIANTS))
    upward = np.array([0.0, height, 0.0])
    roughness = 0.35 if texture == "glass" else 0.9
    return PanelSpec(texture, variant, corner, along, upward, _tint(rng), repeat, shift, roughness=roughness)


def _horizon(backdrop: Backdrop, rng: np.random.Generator, facing: float) -> PanelSpec:
    along = _direction(facing + np.pi / 2) * 160.0
    corner = _direction(facing) * rng.uniform(28, 60) - along / 2
    height = rng.uniform(9, 18)
    upward = np.array([0.0, height, 0.0])
    variant = int(rng.integers(VARIANTS))
    repeat = (160.0 / height / 2, 1.0)
    return PanelSpec(
        backdrop.horizon, variant, corner, along, upward, _tint(rng), repeat, (rng.random(), 0.0), cutout=True
    )


def _stand(thing: Thing, rng: np.random.Generator, turn: float, room: list[float]) -> list[PanelSpec]:
    """Spread some of a thing around the person, inside the walls."""
    panels = []
    for _ in range(int(rng.integers(thing.count[0], thing.count[1] + 1))):
        angle = rng.uniform(0, 2 * np.pi)
        reach = min(
            room[side] / max(np.cos(angle - turn - side * np.pi / 2), 1e-6)
            for side in range(4)
            if np.cos(angle - turn - side * np.pi / 2) > 1e-6
        )
        distance = min(rng.uniform(*thing.distance), reach - 0.3)
        if distance < 1.2:
            continue
        height = rng.uniform(*thing.height)
        width = height * thing.width
        along = np.array([width * rng.choice([-1.0, 1.0]), 0.0, 0.0])
        base = _direction(angle) * distance
        variant = int(rng.integers(VARIANTS))
        upward = np.array([0.0, height, 0.0])
        panels.append(PanelSpec(thing.texture, variant, base, along, upward, _tint(rng, 0.25), cutout=True, turns=True))
    return panels


def _blob(panel: PanelSpec) -> Float:
    width, height = float(np.linalg.norm(panel.along)), float(panel.upward[1])
    radius = min(width * 0.45, height * 0.45) if panel.texture != "tree" else 0.25
    return np.array([panel.corner[0], radius * 0.6, panel.corner[2], radius])


def visible(place: Place, frame: Frame) -> list[PanelSpec]:
    """The ground and the panels that can fall into the frame, things turned to the camera."""
    panels = [place.panels[0]]
    for panel in place.panels[1:]:
        if panel.turns:
            # corner holds the middle of the foot; along[0] the width, negative if mirrored
            across = np.array([frame.right[0], 0.0, frame.right[2]], dtype=float)
            along = across / np.linalg.norm(across) * panel.along[0]
            panel = replace(panel, corner=panel.corner - along / 2, along=along)
        if _in_frame(panel, frame):
            panels.append(panel)
    return panels


def _in_frame(panel: PanelSpec, frame: Frame) -> bool:
    corners = panel.corner + np.array([np.zeros(3), panel.along, panel.upward, panel.along + panel.upward]) - frame.eye
    depth = corners @ frame.forward
    if depth.max() < frame.distance:
        return False
    x, y, half_width, half_height = frame.window
    across = corners @ frame.right - x * depth
    down = corners @ frame.up - y * depth
    outside = (across > half_width * depth, across < -half_width * depth, down > half_height * depth)
    return not any(side.all() for side in (*outside, down < -half_height * depth))
