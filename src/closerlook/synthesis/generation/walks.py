"""A person's walk through the place of a fixed camera, and the frames that the camera takes of it.

The walk is straight. It is drawn so that the person is seen from about one of the network's headings in its middle;
the other frames are seen as the way makes it. Of walks drawn at random the first is taken on which nobody goes through
walls or things, is turned too far, leaves the frame, or is mostly hidden.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from closerlook.arrays import Float, Int
from closerlook.randomness import keyed_rng
from closerlook.synthesis.generation.network import FixedCamera, Network
from closerlook.synthesis.humans import Pose
from closerlook.synthesis.scenes.backdrop import Place
from closerlook.synthesis.scenes.passing import Step, eye_of, seen_from
from closerlook.synthesis.scenes.places import DARKER, spheres, tints
from closerlook.synthesis.scenes.sight import PASSERS, STATURE, Sight, Ways
from closerlook.synthesis.scenes.windows import SENSOR

__all__ = ["Walk", "peopled", "sample_walk", "walking"]

DRAWN, ROUNDS = 16, 8  # walks at once, and how often at most, until one will do
ASIDE, DISTANCE = 0.8, (0.6, 1.8)  # of half a frame's width, and of a camera's distance: where walks have their middles
PACE = (0.55, 1.5)  # meters between frames
CYCLE = 1.45  # meters of one cycle of the gait
SMALLEST = 0.09  # of the frame's height that somebody fills
SHOWN = 0.75  # of somebody's height and width that is in the frame
HIDDEN = 0.5  # of somebody that things hide at most
WALL, THING = 0.5, 0.45  # meters that people keep from them
AREA, BRISK = 9.0, 1.1  # meters from the middle that others are within, and their way for each meter of the person's


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


@dataclass(frozen=True)
class _Others:
    """Those who pass during a walk: where each is when the person is at 0 meters of the walk, and how far they go for
    each meter of the person's, (k, 2)."""

    where: Float
    speed: Float


def _others(sight: Sight, seed: int, key: tuple[str | int, ...]) -> _Others:
    angle, away, course, brisk = keyed_rng(seed, "others", *key).random((4, len(sight.passers)))
    out, on = (np.stack([np.cos(2 * np.pi * turn), np.sin(2 * np.pi * turn)], axis=1) for turn in (angle, course))
    return _Others((AREA * np.sqrt(away))[:, None] * out, (BRISK * (0.5 + brisk))[:, None] * on)


def _things(sight: Sight, others: _Others, walked: Float) -> Float:
    """(..., m, 2) positions of things when the person has (...) meters ``walked``."""
    where = np.broadcast_to(sight.where, (*walked.shape, *sight.where.shape)).copy()
    where[..., sight.passers, :] = others.where + others.speed * walked[..., None, None]
    return where


def peopled(fixed: FixedCamera, step: Step, seed: int, key: tuple[str | int, ...]) -> Place:
    """The camera's place, with those who pass there when the person is at a step of the walk with this ``key``."""
    sight, place = fixed.sight, fixed.place
    if not len(sight.passers):
        return place
    rng = keyed_rng(seed, "looks of others", *key)
    rows = np.flatnonzero(place.panels.turns)
    panels = place.panels
    corner, tint, paint = panels.corner.copy(), panels.tint.copy(), panels.paint.copy()
    walked = _ways([step]).walked[0, 0]
    corner[rows[:, None], np.array([0, 2])] = _things(sight, _others(sight, seed, key), walked)
    passers = rows[sight.passers]
    paint[passers] = PASSERS[rng.integers(len(PASSERS), size=len(passers))]
    tint[passers] = tints(rng.standard_normal((len(passers), 4)), 0.3, DARKER)
    panels = replace(panels, corner=corner, tint=tint, paint=paint)
    return replace(place, panels=panels, occluder_spheres=spheres(panels[rows]))


def walking(pose: Pose, step: Step) -> Pose:
    """The pose at a step of a walk, on which nobody stands still."""
    stride = pose.stride or 0.4 + 0.55 * pose.speed
    return replace(pose, stride=stride, phase=(pose.phase + float(_ways([step]).walked[0, 0]) / CYCLE) % 1.0)


def _ways(steps: list[Step]) -> Ways:
    x, z = (np.array([[getattr(step, name) for step in steps]]) for name in "xz")
    return Ways(x, z, np.array([steps[0].course]))


def sample_walk(fixed: FixedCamera, network: Network, seed: int, key: tuple[str | int, ...]) -> Walk:
    """The frames of the walk with this key.

    Where no walk will do (a place too narrow, a camera that looks at a wall) the one with least wrong is taken.
    """
    rng, sight = keyed_rng(seed, *key), fixed.sight
    others = _others(sight, seed, key)
    best, least = _draw(fixed, network, rng)[:1], np.inf
    for _ in range(ROUNDS):
        ways = _draw(fixed, network, rng)
        things = _things(sight, others, ways.walked)
        wrong = _wrong(fixed, network, ways, things)
        for k in np.argsort(wrong, kind="stable").tolist():
            if wrong[k] >= least:
                break
            row = slice(k, k + 1)
            more = wrong[k] + max(float(sight.hidden(ways[row], things[row]).max()) - HIDDEN, 0.0)
            if more < least:
                best, least = ways[row], more
            if least == 0.0:
                return _walk(fixed, network, best)
    return _walk(fixed, network, best)


def _walk(fixed: FixedCamera, network: Network, way: Ways) -> Walk:
    viewpoint, _ = seen_from(fixed.camera, way.x[0], way.z[0], way.course)
    steps = tuple(Step(x, z, float(way.course[0])) for x, z in zip(way.x[0].tolist(), way.z[0].tolist(), strict=True))
    return Walk(steps, tuple(viewpoint.tolist()), tuple(_off(viewpoint, network)[1].tolist()))


def _off(viewpoint: Float, network: Network) -> tuple[Float, Int]:
    """How many degrees viewpoints are off the nearest heading, and its number."""
    away = np.abs((viewpoint[..., None] - np.array(network.headings) + 180.0) % 360.0 - 180.0)
    return away.min(-1), away.argmin(-1)


def _draw(fixed: FixedCamera, network: Network, rng: np.random.Generator) -> Ways:
    """Walks through what the camera sees."""
    camera, eye = fixed.camera, eye_of(fixed.camera)
    aside, far, heading, off, pace = rng.random((5, DRAWN))
    azimuth = np.radians(camera.viewpoint + 180.0) + np.arctan(ASIDE * (2 * aside - 1) * SENSOR[0] / 2 / camera.focal)
    distance = camera.distance * DISTANCE[0] * (DISTANCE[1] / DISTANCE[0]) ** far
    levels = np.array(network.headings)[(heading * len(network.headings)).astype(np.int64)]
    viewpoint = levels + (2 * off - 1) * network.tolerance
    course = (np.degrees(azimuth) + 180.0 - viewpoint + 90.0) % 360.0
    on = (np.arange(network.frames) - (network.frames - 1) / 2) * (PACE[0] + (PACE[1] - PACE[0]) * pace)[:, None]
    x = (eye[0] + distance * np.cos(azimuth))[:, None] + on * np.cos(np.radians(course))[:, None]
    z = (eye[2] + distance * np.sin(azimuth))[:, None] + on * np.sin(np.radians(course))[:, None]
    return Ways(x, z, course)


def _wrong(fixed: FixedCamera, network: Network, ways: Ways, things: Float) -> Float:
    """(n,) how much is wrong with each walk but for what hides it; 0 nothing."""
    sight = fixed.sight
    viewpoint, distance = seen_from(fixed.camera, ways.x, ways.z, ways.course[:, None])
    furthest = STATURE * fixed.camera.focal / (SMALLEST * SENSOR[1])
    faults = (
        (_off(viewpoint, network)[0] - network.tolerance - 1e-6) / 45.0,
        distance / furthest - 1.0,
        10.0 * (WALL - sight.room(ways)),
        4.0 * (SHOWN - sight.shown(ways)),
        THING - sight.clearance(ways, things),
    )
    return np.asarray(np.maximum(faults, 0.0).sum(0).max(1))
