"""Places: a ground, walls around it, and things that stand about, at several depths.

A ``Backdrop`` says of what kind; :func:`place` draws one such place, fixed in the world; :func:`hidden_by` puts
something between the person and a camera; :func:`visible` is what of it a camera sees.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, fields, replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from closerlook.synthesis.scene.camera import Camera, Frame
from closerlook.synthesis.scene.kinds import BACKDROPS, THINGS, Backdrop, Thing, backdrops
from closerlook.synthesis.scene.pictures import Picture, read_picture
from closerlook.synthesis.scene.textures import VARIANTS

__all__ = [
    "BACKDROPS",
    "Backdrop",
    "Panels",
    "Place",
    "backdrops",
    "hidden_by",
    "place",
    "visible",
]

Float = NDArray[np.float64]

ROUGH = 0.9  # of most surfaces
DARKER = -0.35  # log of the light that upright things lose to gaps, eaves and grime, which textures leave out
MOST = 63  # panels in one view: the renderer keeps a bit for each; places have fewer


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


COLUMNS = tuple(f.name for f in fields(Panels) if f.name != "texture")


Triple = tuple[float, float, float]


class _Panel(NamedTuple):
    """One row of :class:`Panels` while a place is being drawn."""

    texture: tuple[str, int]
    corner: Triple
    along: Triple
    upward: Triple
    tint: Triple
    repeat: tuple[float, float] = (1.0, 1.0)
    shift: tuple[float, float] = (0.0, 0.0)
    roughness: float = ROUGH
    cutout: bool = False
    turns: bool = False
    front: bool = False


def _gather(panels: Sequence[_Panel]) -> Panels:
    texture, corner, along, upward, tint, repeat, shift, roughness, *marks = zip(*panels, strict=True)
    numbers = np.hstack([corner, along, upward, tint, repeat, shift])
    cutout, turns, front = np.array(marks, bool)
    return Panels(
        texture,
        corner=numbers[:, :3],
        along=numbers[:, 3:6],
        upward=numbers[:, 6:9],
        tint=numbers[:, 9:12],
        repeat=numbers[:, 12:14],
        shift=numbers[:, 14:],
        cutout=cutout,
        turns=turns,
        front=front,
        roughness=np.array(roughness),
    )


def _joined(a: Panels, b: Panels) -> Panels:
    rest = {name: np.concatenate([getattr(a, name), getattr(b, name)]) for name in COLUMNS}
    return Panels(a.texture + b.texture, **rest)


@dataclass(frozen=True)
class Place:
    """One place in the world around the person.

    Attributes:
        backdrop: its kind.
        panels: the ground, walls and things.
        blobs: (k, 4) spheres (x, y, z, radius) that darken the ground near things.
        north: degrees that the place is turned against the sun.
        shade, shade_variant: strength and number of the pattern of shadows from afar.
        picture: what is seen of the place in truth; the panels then only say how far away it is.
        lamps: (k, 4) position of street lamps besides the person's, and their power as a share of its.
    """

    backdrop: Backdrop
    panels: Panels = field(repr=False)
    blobs: Float = field(repr=False)
    north: float
    shade: float
    shade_variant: int
    picture: Picture | None = field(default=None, repr=False)
    lamps: Float = field(default_factory=lambda: np.zeros((0, 4)), repr=False)


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
    flat, blobs = _gather(panels), np.zeros((0, 4))
    if backdrop.things:
        things = _things(backdrop.things, rng, turn, np.array(room))
        flat, blobs = _joined(flat, things), _blobs(things)
    return Place(
        backdrop,
        flat,
        blobs,
        rng.uniform(0, 360),
        min(max(backdrop.shade * rng.uniform(0.7, 1.5), 0.0), 0.9),
        int(rng.integers(VARIANTS)),
        None if backdrop.picture is None else read_picture(backdrop.picture),
        _lamps(rng, turn, room, backdrop.wall_distance[1]),
    )


def _lamps(rng: np.random.Generator, turn: float, room: Sequence[float], furthest: float) -> Float:
    """Lamps on posts, and low on every wall."""
    rows = []
    for side, distance in enumerate(room):
        (x, _, z), (u, _, w) = (_along(turn + angle * math.pi / 2, 1.0) for angle in (side, side + 1))
        if 2.0 < distance <= furthest:  # there is a wall, and not close to the person
            first, apart, ahead = rng.uniform(-6.0, 0.0), rng.uniform(4.0, 9.0), distance - 0.5
            for beside in (first, first + apart):
                height, power = rng.uniform(2.4, 3.4), rng.uniform(0.05, 0.2)
                rows.append((x * ahead + u * beside, height, z * ahead + w * beside, power))
        ahead, beside = min(rng.uniform(6.0, 11.0), distance - 0.7), rng.uniform(-6.0, 6.0)
        height, power = rng.uniform(4.0, 5.5), rng.uniform(0.5, 1.0)
        rows.append((x * ahead + u * beside, height, z * ahead + w * beside, power))
    return np.array(rows)


def _tint(rng: np.random.Generator, spread: float = 0.18, middle: float = 0.0) -> Triple:
    brightness, *colour = rng.standard_normal(4).tolist()
    red, green, blue = (math.exp(middle + spread * brightness + 0.03 * own) for own in colour)
    return red, green, blue


def _pick(rng: np.random.Generator, names: Sequence[str]) -> tuple[str, int]:
    return names[int(rng.integers(len(names)))], int(rng.integers(VARIANTS))


def _along(angle: float, length: float) -> Triple:
    """So many metres over the ground in a direction."""
    return math.cos(angle) * length, 0.0, math.sin(angle) * length


def _beside(facing: float, distance: float, length: float, height: float = 0.0) -> tuple[Triple, Triple]:
    """Left end and direction of a line of this length across the way, so far off."""
    x, _, z = _along(facing, distance)
    along = _along(facing + math.pi / 2, length)
    return (x - along[0] / 2, height, z - along[2] / 2), along


def _ground(backdrop: Backdrop, rng: np.random.Generator, turn: float) -> _Panel:
    scale = backdrop.tile * rng.uniform(0.8, 1.3)
    texture = _pick(rng, backdrop.grounds)
    along, upward = _along(turn, scale), _along(turn + math.pi / 2, scale)
    roughness = 0.55 if texture[0] == "tiles" else ROUGH
    shift = (rng.random(), rng.random())
    return _Panel(texture, (0.0, 0.0, 0.0), along, upward, _tint(rng), shift=shift, roughness=roughness)


def _wall(backdrop: Backdrop, rng: np.random.Generator, facing: float, distance: float) -> _Panel:
    texture = _pick(rng, backdrop.walls)
    height, length = rng.uniform(*backdrop.wall_height), 60.0
    corner, along = _beside(facing, distance, length)
    tall = 3.4 if texture[0] in ("hedge", "trunks") else min(height, 4.2)
    repeat = (length / tall / rng.uniform(0.9, 1.3), height / tall)
    shift = (rng.random(), 1.0 - repeat[1] % 1.0)
    roughness = 0.35 if texture[0] == "glass" else ROUGH
    return _Panel(texture, corner, along, (0.0, height, 0.0), _tint(rng, 0.35, DARKER), repeat, shift, roughness)


def _strips(backdrop: Backdrop, rng: np.random.Generator, turn: float) -> Iterator[_Panel]:
    """Long patches of another ground, along or across the walls, just above the ground itself."""
    for _ in range(int(rng.integers(0, 4)) if backdrop.strips else 0):
        facing = turn + math.pi / 2 * int(rng.integers(4))
        texture = _pick(rng, backdrop.strips)
        width, length = math.exp(rng.uniform(math.log(0.15), math.log(5.0))), 80.0
        corner, along = _beside(facing, rng.uniform(0.4, 8.0), length, height=0.004)
        repeat, shift = (length / backdrop.tile, width / backdrop.tile), (rng.random(), rng.random())
        yield _Panel(texture, corner, along, _along(facing, width), _tint(rng, 0.45), repeat, shift)


def _horizon(backdrop: Backdrop, rng: np.random.Generator, facing: float) -> _Panel:
    corner, along = _beside(facing, rng.uniform(28, 60), 160.0)
    height = rng.uniform(9, 18)
    texture = _pick(rng, (backdrop.horizon,))
    repeat, shift = (80.0 / height, 1.0), (rng.random(), 0.0)
    return _Panel(texture, corner, along, (0.0, height, 0.0), _tint(rng, 0.18, DARKER), repeat, shift, cutout=True)


def _things(things: Sequence[Thing], rng: np.random.Generator, turn: float, room: Float) -> Panels:
    """Spread some of each thing around the person, inside the walls."""
    draws = []
    for thing in things:
        count = int(rng.integers(thing.count[0], thing.count[1] + 1))
        draws.append((rng.random((count, 6)), rng.standard_normal((count, 4))))
    even, normal = (np.concatenate(part) for part in zip(*draws, strict=True))
    kind = np.repeat(np.arange(len(things)), [len(drawn) for drawn, _ in draws])
    rows = np.array([(*thing.distance, *thing.height, thing.width) for thing in things])
    nearest, furthest, lowest, highest, slim = rows[kind].T
    angle = 2 * np.pi * even[:, 0]
    towards_wall = np.cos(angle[:, None] - turn - np.arange(4) * np.pi / 2)
    reach = (room / np.maximum(towards_wall, 1e-6)).min(1)
    distance = np.minimum(nearest + (furthest - nearest) * even[:, 1], reach - 0.3)
    height = lowest + (highest - lowest) * even[:, 2]
    width = height * slim * np.where(even[:, 3] < 0.5, 1.0, -1.0)
    kept = np.flatnonzero(distance >= 1.2)
    n, still = len(kept), np.zeros(len(kind))
    numbers = zip(kind[kept].tolist(), even[kept, 4].tolist(), even[kept, 5].tolist(), strict=True)
    textures = ((things[k].textures, which, int(variant * VARIANTS)) for k, which, variant in numbers)
    return Panels(
        tuple((names[int(which * len(names))], variant) for names, which, variant in textures),
        corner=np.stack([np.cos(angle) * distance, still, np.sin(angle) * distance], axis=1)[kept],
        along=np.stack([width, still, still], axis=1)[kept],
        upward=np.stack([still, height, still], axis=1)[kept],
        tint=np.exp(0.3 * normal[kept, :1] + 0.03 * normal[kept, 1:] + DARKER),
        repeat=np.ones((n, 2)),
        shift=np.zeros((n, 2)),
        cutout=np.ones(n, bool),
        turns=np.ones(n, bool),
        front=np.zeros(n, bool),
        roughness=np.full(n, ROUGH),
    )


def _blobs(things: Panels) -> Float:
    """(n, 4) spheres (x, y, z, radius) that stand for things."""
    solid = np.array([name not in HOLLOW for name, _ in things.texture], bool)
    radius = np.where(solid, 0.45 * np.minimum(np.abs(things.along[:, 0]), things.upward[:, 1]), 0.15)
    return np.stack([things.corner[:, 0], radius * 0.6, things.corner[:, 2], radius], axis=1)


HOLLOW = ("tree", "bicycle", "railing", "bench", "shelter", "sign")  # stand on little, and let the sky in below
LOW = ("bicycle", "scooter", "railing", "bench", "bush", "box")
TALL = ("passer", "pole", "tree", "sign")


def hidden_by(place: Place, camera: Camera, rng: np.random.Generator, height: float = 1.7) -> Place:
    """The place with something between the person and the camera, if the camera has an ``occlusion``.

    Low things (a bicycle, a railing, a bush) hide the legs, tall ones (somebody who passes, a pole) a side: about that
    share of the person's height or width.

    Args:
        place: without it.
        camera: that it stands before.
        rng: says what it is.
        height: of the person, metres.
    """
    share = camera.occlusion
    if share <= 0.0:
        return place
    kind = THINGS[str(rng.choice(LOW + TALL))]
    low = kind in [THINGS[name] for name in LOW]
    tall = rng.uniform(*kind.height)
    hidden = share * height
    towards = np.array(_along(math.radians(camera.viewpoint), 1.0))
    beside = np.array([-towards[2], 0.0, towards[0]])
    width = tall * kind.width
    if low:  # where the line of sight over its top meets the person at the height that it is to hide
        above = max(camera.height - hidden, 0.5)
        tall = min(tall, hidden + 0.6 * above)
        nearer = max((tall - hidden) / above * camera.distance, 0.45)
        aside = rng.uniform(-0.3, 0.3) * width
    else:
        nearer = rng.uniform(0.7, min(2.5, 0.5 * camera.distance))
        aside = rng.choice([-1.0, 1.0]) * max(width / 2 * 0.8 + 0.25 - 0.5 * share, 0.0)
    along = (width * float(rng.choice([-1.0, 1.0])), 0.0, 0.0)
    x, y, z = (towards * nearer + beside * aside).tolist()
    panel = _Panel(
        _pick(rng, kind.textures),
        (x, y, z),
        along,
        (0.0, tall, 0.0),
        _tint(rng),
        cutout=True,
        turns=True,
        front=True,
    )
    grown = {name: np.insert(getattr(place.panels, name), 1, getattr(panel, name), axis=0) for name in COLUMNS}
    texture = (place.panels.texture[0], panel.texture, *place.panels.texture[1:])
    return replace(
        place, panels=Panels(texture, **grown), blobs=np.concatenate([place.blobs, _blobs(_gather([panel]))])
    )


def visible(place: Place, frame: Frame) -> Panels:
    """The ground and the panels that can fall into the frame behind the person, things turned to the camera."""
    panels = place.panels
    across = np.array([frame.right[0], 0.0, frame.right[2]]) / np.hypot(frame.right[0], frame.right[2])
    along = np.where(panels.turns[:, None], panels.along[:, :1] * across, panels.along)
    corner = panels.corner - np.where(panels.turns[:, None], along / 2, 0.0)
    seen = np.flatnonzero(_in_frame(corner, along, panels.upward, panels.front, frame))[:MOST]
    rest = {name: getattr(panels, name)[seen] for name in COLUMNS}
    rest |= {"corner": corner[seen], "along": along[seen]}
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
