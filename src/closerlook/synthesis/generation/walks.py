"""A person's walk through the place of a fixed camera, and the frames that the camera takes of it.

The walk is straight. It is drawn so that a frame of its middle is seen from one of the network's headings; the others
are seen as the way makes it. Of some walks drawn at random the first is taken on which nobody goes through walls or
things, leaves the frame or is mostly hidden.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from closerlook.arrays import Float, Int
from closerlook.randomness import keyed_rng
from closerlook.synthesis.generation.network import FixedCamera, Network
from closerlook.synthesis.humans import Pose
from closerlook.synthesis.scenes.frames import axes
from closerlook.synthesis.scenes.panels import Panels, Place, gathered, texture_number
from closerlook.synthesis.scenes.passing import Step, eye_of, seen_from
from closerlook.synthesis.scenes.places import spheres, tints
from closerlook.synthesis.scenes.textures import VARIANTS
from closerlook.synthesis.scenes.windows import SENSOR

__all__ = ["Walk", "at_step", "peopled", "sample_walk", "walked", "walking"]

DRAWN, ROUNDS = 24, 4  # walks at once, and how often, until one will do
STATURE, HALF_WIDTH = 1.7, 0.25  # of somebody, meters
PACE = (0.55, 1.5)  # meters between frames
CYCLE = 1.45  # meters of one cycle of the gait
SMALLEST = 0.09  # of the frame's height that somebody fills
SHOWN = 0.75  # of somebody's height and width that is in the frame
HIDDEN = 0.5  # of somebody that things hide at most
WALL, THING = 0.5, 0.45  # meters that people keep from them
HALF_THICK = 0.25  # of a thing's width that it is deep on either side, at most a meter
PASSERS = ("passer", "walker", "stroller")
NUMBERS = np.array([texture_number(name, k) for name in PASSERS for k in range(VARIANTS)])
AREA, BRISK = 9.0, 1.1  # meters from the middle that others are within, and their way for each meter of the person's
# Share of a thing's width that hides what is behind; the rest of its texture is open, or above people's heads.
SOLID = {"tree": 0.05, "sign": 0.12, "passer": 0.42, "walker": 0.42, "stroller": 0.42, "bicycle": 0.5, "railing": 0.5}


@dataclass(frozen=True)
class Walk:
    """The frames of a walk.

    Attributes:
        steps: where the person is.
        viewpoints: seen from there, degrees.
        nearest: number of the network's heading that each is nearest to.
    """

    steps: tuple[Step, ...]
    viewpoints: tuple[float, ...]
    nearest: tuple[int, ...]


def walked(step: Step) -> float:
    """Meters along the walk; from where is the same for all its frames."""
    course = np.radians(step.course)
    return float(step.x * np.cos(course) + step.z * np.sin(course))


def walking(pose: Pose, step: Step) -> Pose:
    """The pose at a step of a walk, where nobody stands still."""
    stride = pose.stride or 0.4 + 0.55 * pose.speed
    return replace(pose, stride=stride, phase=(pose.phase + walked(step) / CYCLE) % 1.0)


def peopled(place: Place, seed: int, walk: tuple[str | int, ...]) -> tuple[Place, Float]:
    """The place with those who pass there during a walk, and the (n, 2) level meters that each of its panels moves for
    each meter of the person's: 0 for all but people."""
    panels = place.panels
    others = np.flatnonzero(np.isin(panels.paint, NUMBERS))
    speed = np.zeros((len(panels), 2))
    if not len(others):
        return place, speed
    rng = keyed_rng(seed, "others", *walk)
    angle, away, course, brisk, looks = rng.random((5, len(others)))
    angle, course, away = 2 * np.pi * angle, 2 * np.pi * course, AREA * np.sqrt(away)
    corner, tint, paint = panels.corner.copy(), panels.tint.copy(), panels.paint.copy()
    corner[others, 0], corner[others, 2] = away * np.cos(angle), away * np.sin(angle)
    tint[others] = tints(rng.standard_normal((len(others), 4)), 0.3, -0.35)
    paint[others] = NUMBERS[(looks * len(NUMBERS)).astype(np.int64)]
    speed[others] = (BRISK * (0.5 + brisk) * np.stack([np.cos(course), np.sin(course)])).T
    return replace(place, panels=replace(panels, corner=corner, tint=tint, paint=paint)), speed


def at_step(place: Place, speed: Float, step: Step) -> Place:
    """The place when the person is at a step of the walk; ``speed`` as :func:`peopled` gives it."""
    if not speed.any():
        return place
    corner = place.panels.corner.copy()
    corner[:, [0, 2]] += speed * walked(step)
    panels = replace(place.panels, corner=corner)
    return replace(place, panels=panels, occluder_spheres=spheres(panels[np.flatnonzero(panels.turns)]))


def sample_walk(fixed: FixedCamera, network: Network, seed: int, walk: tuple[str | int, ...]) -> Walk:
    """The frames of the walk with this key.

    Example:
        >>> from closerlook.synthesis.generation.network import Network, draw_network
        >>> network = Network(({}, {}), 3, (0.0, 90.0))
        >>> fixed, _ = draw_network(0, network, ["park"], [], "cctv")
        >>> len(sample_walk(fixed, network, 0, ("walk", 1, 1)).steps)
        3
    """
    rng = keyed_rng(seed, "walk", *walk)
    place, speed = peopled(fixed.place, seed, walk)
    stands = _Standing.of(place.panels, speed)
    best, least = None, np.inf
    for _ in range(ROUNDS):
        x, z, course = _draw(fixed, network, rng)
        wrong = _wrong(fixed, network, stands, x, z, course)
        for k in np.argsort(wrong, kind="stable"):
            if wrong[k] >= least:
                break
            worse = wrong[k] + max(_hidden(fixed, stands, x[k], z[k], course[k]).max() - HIDDEN, 0.0)
            if worse < least:
                best, least = (x[k], z[k], course[k]), worse
        if least == 0.0:
            break
    assert best is not None
    return _walk(fixed, network, *best)


def _walk(fixed: FixedCamera, network: Network, x: Float, z: Float, course: Float) -> Walk:
    viewpoint, _ = seen_from(fixed.camera, x, z, course)
    steps = tuple(Step(float(a), float(b), float(course)) for a, b in zip(x, z, strict=True))
    return Walk(steps, tuple(viewpoint.tolist()), tuple(_off(viewpoint, network)[1].tolist()))


def _off(viewpoint: Float, network: Network) -> tuple[Float, Int]:
    """How many degrees viewpoints are off the nearest heading, and its number."""
    away = np.abs((viewpoint[..., None] - np.array(network.headings) + 180.0) % 360.0 - 180.0)
    return away.min(-1), away.argmin(-1)


def _draw(fixed: FixedCamera, network: Network, rng: np.random.Generator) -> tuple[Float, Float, Float]:
    """(n, frames) positions and (n,) courses of walks through what the camera sees."""
    camera, eye = fixed.camera, eye_of(fixed.camera)
    aside, far, heading, off, pace = rng.random((5, DRAWN))
    azimuth = np.radians(camera.viewpoint + 180.0) + np.arctan((1.6 * aside - 0.8) * SENSOR[0] / 2 / camera.focal)
    distance = camera.distance * 0.6 * 3.0**far
    middle = eye[0] + distance * np.cos(azimuth), eye[2] + distance * np.sin(azimuth)
    levels = np.array(network.headings)[(heading * len(network.headings)).astype(np.int64)]
    viewpoint = levels + (2 * off - 1) * network.tolerance
    course = (np.degrees(azimuth) + 180.0 - viewpoint + 90.0) % 360.0
    ahead = (np.arange(network.frames) - (network.frames - 1) / 2) * (PACE[0] + (PACE[1] - PACE[0]) * pace)[:, None]
    x, z = (m[:, None] + ahead * f(np.radians(course))[:, None] for m, f in zip(middle, (np.cos, np.sin), strict=True))
    return x, z, course


def _wrong(fixed: FixedCamera, network: Network, stands: _Standing, x: Float, z: Float, course: Float) -> Float:
    """(n,) how much is wrong with each walk, 0 nothing: meters in walls and things, shares out of the frame, ..."""
    viewpoint, distance = seen_from(fixed.camera, x, z, course[:, None])
    turned = np.maximum(_off(viewpoint, network)[0] - network.tolerance - 1e-6, 0.0) / 45.0
    small = np.maximum(distance / (STATURE * fixed.camera.focal / (SMALLEST * SENSOR[1])) - 1.0, 0.0)
    walls = np.maximum(WALL - _room(fixed.place.panels, x, z), 0.0)
    out = np.maximum(SHOWN - _in_frame(fixed, x, z), 0.0)
    things = np.maximum(THING - stands.clearance(x, z, course), 0.0)
    return np.asarray((turned + small + 10 * walls + 4 * out + things).max(1))


def _room(panels: Panels, x: Float, z: Float) -> Float:
    """Meters to the nearest wall; below 0 outside."""
    walls = np.flatnonzero((panels.upward[:, 1] > 0) & ~panels.turns & ~panels.cutout)
    along = panels.along[walls][:, [0, 2]]
    normal = np.stack([along[:, 1], -along[:, 0]], axis=1) / np.hypot(*along.T)[:, None]
    offset = (panels.corner[walls][:, [0, 2]] * normal).sum(1)
    room = (offset - (x[..., None] * normal[:, 0] + z[..., None] * normal[:, 1])) * np.sign(offset)
    return np.asarray(room.min(-1, initial=np.inf))


def _in_frame(fixed: FixedCamera, x: Float, z: Float) -> Float:
    """Share of somebody's height or width, whichever is less, that is in the camera's frame."""
    camera, eye = fixed.camera, eye_of(fixed.camera)
    right, up, forward = _axes(camera)
    shares = []
    foot = np.stack([x - eye[0], np.full_like(x, -eye[1]), z - eye[2]], axis=-1)
    head = foot + [0.0, STATURE, 0.0]
    depths = [np.maximum(point @ forward, 0.1) for point in (foot, head)]
    half = np.array(SENSOR) / 2 / camera.focal
    low, high = (point @ up / depth for point, depth in zip((foot, head), depths, strict=True))
    shares.append((np.minimum(high, half[1]) - np.maximum(low, -half[1])) / (high - low))
    middle, wide = (foot + head) @ right / sum(depths), 2 * HALF_WIDTH / sum(depths)
    shares.append((np.minimum(middle + wide, half[0]) - np.maximum(middle - wide, -half[0])) / (2 * wide))
    return np.asarray(np.minimum(*shares))


def _axes(camera: object) -> tuple[Float, Float, Float]:
    eye = eye_of(camera)
    right, up, forward = axes((np.array([0.0, 0.85, 0.0]) - eye)[None], np.array([camera.roll]))
    return right[0].astype(np.float64), up[0].astype(np.float64), forward[0].astype(np.float64)


@dataclass(frozen=True)
class _Standing:
    """Things of a place: (m,) level positions, meters moved for each of the person's, widths, heights, solid shares."""

    where: Float
    speed: Float
    width: Float
    height: Float
    solid: Float

    @classmethod
    def of(cls, panels: Panels, speed: Float) -> _Standing:
        things = np.flatnonzero(panels.turns)
        solid = np.array([SOLID.get(name, 1.0) for name, _ in panels[things].texture])
        width, height = np.abs(panels.along[things, 0]), panels.upward[things, 1]
        return cls(panels.corner[things][:, [0, 2]], speed[things], width, height, solid)

    def at(self, x: Float, z: Float, course: Float) -> Float:
        """(..., m, 2) where they are when the person is at (...) x and z."""
        angle = np.radians(course)
        ahead = x * np.cos(angle) + z * np.sin(angle)
        return self.where + self.speed * ahead[..., None, None]

    def clearance(self, x: Float, z: Float, course: Float) -> Float:
        """Meters from somebody to the nearest of them."""
        away = self.at(x, z, course[:, None]) - np.stack([x, z], axis=-1)[..., None, :]
        meters = np.hypot(away[..., 0], away[..., 1]) - np.minimum(HALF_THICK * self.width * self.solid, 1.0)
        return np.asarray(meters.min(-1, initial=np.inf))


def _hidden(fixed: FixedCamera, stands: _Standing, x: Float, z: Float, course: Float) -> Float:
    """(frames,) about the share of somebody that things hide from the camera."""
    eye = eye_of(fixed.camera)
    right, _, _ = _axes(fixed.camera)
    across = right[[0, 2]] / np.hypot(right[0], right[2])
    ahead = np.array([across[1], -across[0]])  # level, away from the camera
    person = np.stack([x, z], axis=1) - eye[[0, 2]]
    things = stands.at(x, z, course) - eye[[0, 2]]
    depth, away = things @ ahead, (person @ ahead)[:, None]
    before = (depth > 0.3) & (depth < away - 0.25)
    share = np.where(before, depth / away, 1.0)  # of the way from the camera to the person at which a thing stands
    sideways = np.array([-0.8, 0.0, 0.8]) * HALF_WIDTH
    upwards = np.linspace(0.08, 0.95, 6) * STATURE
    lateral = (person @ across)[:, None, None] + sideways
    crossing = np.abs(lateral * share[..., None] - (things @ across)[..., None])
    high = eye[1] + (upwards - eye[1]) * share[..., None]
    covered = (crossing < (stands.width * stands.solid / 2)[:, None])[..., :, None] & (
        (high >= 0) & (high < stands.height[:, None])
    )[..., None, :]
    return np.asarray((covered & before[..., None, None]).any(1).mean((1, 2)))
