"""How a camera that stays where it is sees somebody who walks through its place.

The renderer has the person at the origin, facing +z. So the camera and the place are what moves: both are put where
the person at a step of the way finds them.

A fixed camera is a :class:`Camera` that looks at the middle of a place, at about half a person's height; its
``viewpoint`` is the azimuth at which it stands there. Azimuths of the place are degrees from x towards z.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from closerlook.arrays import Float
from closerlook.synthesis.scenes.camera import Camera
from closerlook.synthesis.scenes.panels import Panels, Place, gathered
from closerlook.synthesis.scenes.windows import SENSOR

__all__ = ["Step", "camera_at", "eye_of", "place_at", "seen_from"]

BEFORE = 0.25  # meters that a thing is nearer to the camera than the person, at least, to be seen before the person


@dataclass(frozen=True)
class Step:
    """Where somebody is on their way through a place: meters from its middle, and the azimuth that they walk in."""

    x: float
    z: float
    course: float


def eye_of(fixed: Camera) -> Float:
    """(3,) where a fixed camera is in its place."""
    azimuth = math.radians(fixed.viewpoint)
    return np.array([math.cos(azimuth) * fixed.distance, fixed.height, math.sin(azimuth) * fixed.distance])


def seen_from(fixed: Camera, x: Float, z: Float, course: Float) -> tuple[Float, Float]:
    """Viewpoints (0 to 360 degrees) from which a fixed camera sees people at these steps, and their level distances."""
    eye = eye_of(fixed)
    towards = np.degrees(np.arctan2(eye[2] - z, eye[0] - x))
    return (towards - course + 90.0) % 360.0, np.hypot(eye[0] - x, eye[2] - z)


def camera_at(fixed: Camera, step: Step, height: float) -> Camera:
    """The fixed camera as somebody of this ``height`` (meters) sees it at a step: it points where it always points."""
    eye = eye_of(fixed)
    x, z = step.x - eye[0], step.z - eye[2]
    distance = math.hypot(x, z)
    aside = math.atan2(z, x) - math.radians(fixed.viewpoint + 180.0)
    below = math.atan2(fixed.height - height / 2, distance) - math.radians(fixed.pitch)
    viewpoint, _ = seen_from(fixed, *(np.array(number) for number in (step.x, step.z, step.course)))
    return replace(
        fixed,
        viewpoint=float(viewpoint),
        distance=distance,
        right=math.tan(aside) * fixed.focal / (SENSOR[0] / 2),
        down=math.tan(below) * fixed.focal / (SENSOR[1] / 2),
    )


def place_at(place: Place, fixed: Camera, step: Step) -> Place:
    """The place around somebody at a step; things between them and the camera are seen before them."""
    turn = 90.0 - step.course
    panels, things = place.panels, place.panels.turns
    azimuth = math.radians(fixed.viewpoint + 180.0)
    ahead = (panels.corner[:, 0] - step.x) * math.cos(azimuth) + (panels.corner[:, 2] - step.z) * math.sin(azimuth)
    front = things & (ahead < -BEFORE)
    moved = replace(
        panels,
        corner=_moved(panels.corner, step, turn),
        along=np.where(things[:, None], panels.along, _turned(panels.along, turn)),
        upward=_turned(panels.upward, turn),
        front=front,
    )
    return replace(
        place,
        panels=_in_order(moved),
        occluder_spheres=_moved(place.occluder_spheres, step, turn),
        north=place.north - turn,
        lamps=_moved(place.lamps, step, turn),
    )


def _in_order(panels: Panels) -> Panels:
    """The ground, what is seen before the person, and all else."""
    rest = ~panels.front
    rest[0] = False
    return gathered([panels[:1], panels[np.flatnonzero(panels.front)], panels[np.flatnonzero(rest)]])


def _turned(vectors: Float, degrees: float) -> Float:
    """(n, 3 or more) vectors, x, y and z first, with this much added to their azimuths."""
    cos, sin = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    turned = vectors.copy()
    turned[:, 0], turned[:, 2] = (
        cos * vectors[:, 0] - sin * vectors[:, 2],
        sin * vectors[:, 0] + cos * vectors[:, 2],
    )
    return turned


def _moved(points: Float, step: Step, degrees: float) -> Float:
    shifted = points.copy()
    shifted[:, 0] -= step.x
    shifted[:, 2] -= step.z
    return _turned(shifted, degrees)
