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

from closerlook.synthesis.scene.camera import Camera, Frame, Frames
from closerlook.synthesis.scene.kinds import BACKDROPS, THINGS, Backdrop, Thing, backdrops
from closerlook.synthesis.scene.pictures import Picture, read_picture
from closerlook.synthesis.scene.textures import PAINTERS, VARIANTS

__all__ = [
    "BACKDROPS",
    "Backdrop",
    "Panels",
    "Place",
    "SeenPanels",
    "backdrops",
    "hidden_by",
    "place",
    "seen_panels",
    "texture_number",
    "visible",
]

Float = NDArray[np.float64]
Integers = NDArray[np.int64]

ROUGH = 0.9  # of most surfaces
DARKER = -0.35  # log of the light that upright things lose to gaps, eaves and grime, which textures leave out
MOST = 63  # panels in one view: the renderer keeps a bit for each; places have fewer


@dataclass(frozen=True)
class Panels:
    """Textured parallelograms, upright or flat on the ground, n of them; the first is the ground.

    Attributes:
        paint: (n,) numbers of textures; see :func:`texture_number`.
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

    paint: Integers
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
        return len(self.paint)

    @property
    def texture(self) -> tuple[tuple[str, int], ...]:
        """(n,) names and variants of the textures."""
        return tuple((NAMES[number // VARIANTS], number % VARIANTS) for number in self.paint.tolist())


NAMES = tuple(PAINTERS)
NUMBERS = {name: VARIANTS * i for i, name in enumerate(NAMES)}
COLUMNS = tuple(f.name for f in fields(Panels))


def texture_number(name: str, variant: int) -> int:
    """Place of a texture among all variants of all textures, in the order of ``textures.PAINTERS``."""
    return NUMBERS[name] + variant


def _gathered(panels: Sequence[Panels]) -> Panels:
    """Panels laid end to end."""
    return Panels(*(np.concatenate([getattr(one, name) for one in panels]) for name in COLUMNS))


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
        np.array([texture_number(*one) for one in texture]),
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
        flat, blobs = _gathered([flat, things]), _blobs(things)
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
        np.array([texture_number(names[int(which * len(names))], variant) for names, which, variant in textures], int),
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
    one = _gather([panel])
    grown = (np.insert(getattr(place.panels, name), 1, getattr(one, name)[0], axis=0) for name in COLUMNS)
    return replace(place, panels=Panels(*grown), blobs=np.concatenate([place.blobs, _blobs(one)]))


def visible(place: Place, frame: Frame) -> Panels:
    """The ground and the panels that can fall into the frame behind the person, things turned to the camera."""
    panels = place.panels
    across = np.array([frame.right[0], 0.0, frame.right[2]]) / np.hypot(frame.right[0], frame.right[2])
    along = np.where(panels.turns[:, None], panels.along[:, :1] * across, panels.along)
    corner = panels.corner - np.where(panels.turns[:, None], along / 2, 0.0)
    seen = np.flatnonzero(_in_one(corner, along, panels.upward, panels.front, frame))[:MOST]
    rest = {name: getattr(panels, name)[seen] for name in COLUMNS}
    rest |= {"corner": corner[seen], "along": along[seen]}
    return Panels(**rest)


def _in_one(corner: Float, along: Float, upward: Float, front: NDArray[np.bool_], frame: Frame) -> NDArray[np.bool_]:
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


@dataclass(frozen=True)
class SeenPanels:
    """Panels that V cameras see, those of each after those of the one before, things turned to their camera.

    Attributes:
        panels: of all views, n of them; of each view the ground is first, then those before the person.
        view: (n,) whose each is.
        ends: (V + 1,) number of the first panel of each view, and of all panels.
        fronts: (V,) how many are seen before the person, too.
        corners: (3, 4, n) metres right, up and forward of each camera: lower left, lower right, upper right and upper
            left corner.
    """

    panels: Panels
    view: Integers
    ends: Integers
    fronts: Integers
    corners: Float


def seen_panels(places: Sequence[Place], frames: Frames) -> SeenPanels:
    """The ground and the panels that can fall into each frame behind the person, one place a frame."""
    panels = _gathered([place.panels for place in places])
    view = np.repeat(np.arange(len(places)), [len(place.panels) for place in places])
    right = frames.right.astype(np.float64)
    level = np.sqrt(right[:, 0] ** 2 + right[:, 2] ** 2)[:, None]
    across, turns = (right * [1.0, 0.0, 1.0] / level)[view], panels.turns[:, None]
    along = np.where(turns, panels.along[:, :1] * across, panels.along)
    corner = np.where(turns, panels.corner - along / 2, panels.corner)
    first = frames.along_axes(corner - frames.eye[view], view)
    aside, above = frames.along_axes(along, view), frames.along_axes(panels.upward, view)
    corners = np.stack([first, first + aside, first + aside + above, first + above], axis=1)
    ground = np.flatnonzero(np.diff(view, prepend=-1))
    seen = _in_frame(corners, frames, view, (panels.upward[:, 1] > 0) & ~panels.front)
    seen[ground] = True  # it has no edge
    before = np.cumsum(seen) - 1
    kept = np.flatnonzero(seen & (before - before[ground][view] < MOST))
    rest = {name: getattr(panels, name)[kept] for name in COLUMNS} | {"corner": corner[kept], "along": along[kept]}
    ends = np.concatenate([np.searchsorted(kept, ground), [len(kept)]])
    fronts = np.bincount(view[kept], panels.front[kept], len(places)).astype(np.int64)
    return SeenPanels(Panels(**rest), view[kept], ends, fronts, corners[:, :, kept])


def _in_frame(corners: Float, frames: Frames, view: Integers, behind: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """(n,) which panels may be in their frame; those that must lie ``behind`` the person, if anywhere."""
    right, up, depth = corners
    least_right, least_up, most_right, most_up = frames.bounds()[view].T
    seen = depth.max(0) > np.where(behind, frames.distance[view], 0.0)
    for limit, offset in ((least_right, right), (least_up, up)):
        seen &= (offset >= limit * depth).any(0)
    for limit, offset in ((most_right, right), (most_up, up)):
        seen &= (offset <= limit * depth).any(0)
    return np.asarray(seen)
