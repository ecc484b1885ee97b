"""What a fixed camera sees of somebody in its place, reckoned without drawing: what is in the frame, what is hidden,
and what is in the way of their feet.

Somebody is a board of ordinary size, and things are as wide as what of them hides others.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from closerlook.arrays import Float, Int
from closerlook.synthesis.scenes.camera import MIDDLE, Camera
from closerlook.synthesis.scenes.frames import axes
from closerlook.synthesis.scenes.panels import TEXTURES, Place, texture_number
from closerlook.synthesis.scenes.passing import eye_of
from closerlook.synthesis.scenes.textures import VARIANTS
from closerlook.synthesis.scenes.windows import SENSOR

__all__ = ["PASSERS", "STATURE", "Sight", "Ways"]

STATURE, HALF_WIDTH = 1.7, 0.25  # of somebody, meters
BEFORE = 0.25  # meters that what hides somebody is nearer
HALF_DEEP, DEEPEST = 0.25, 1.0  # of a thing's width that it reaches to either side of its foot, and meters at most
PEOPLE = ("passer", "walker", "stroller")
PASSERS = np.array([texture_number(name, variant) for name in PEOPLE for variant in range(VARIANTS)])
# Share of a thing's width that hides what is behind; the rest of its texture is open, or above people's heads.
SOLID = {"tree": 0.05, "sign": 0.12, "bicycle": 0.5, "railing": 0.5, **dict.fromkeys(PEOPLE, 0.42)}
SHARES = np.repeat([SOLID.get(name, 1.0) for name in TEXTURES], VARIANTS)
ACROSS = np.array([-0.8, 0.0, 0.8]) * HALF_WIDTH  # of the board, where it is looked at
ABOVE = np.linspace(0.08, 0.95, 6) * STATURE


@dataclass(frozen=True)
class Ways:
    """Straight walks: (n, frames) level positions, and (n,) courses in degrees."""

    x: Float
    z: Float
    course: Float

    def __getitem__(self, rows: slice) -> Ways:
        return Ways(self.x[rows], self.z[rows], self.course[rows])

    @property
    def walked(self) -> Float:
        """(n, frames) meters along each walk, from the point of it that is nearest to the middle of the place."""
        course = np.radians(self.course)[:, None]
        return np.asarray(self.x * np.cos(course) + self.z * np.sin(course))


@dataclass(frozen=True)
class Sight:
    """A fixed camera and its place, in numbers.

    Attributes:
        eye, right, up, forward: (3,).
        edge: (2,) half the frame's width and height, on the plane at distance 1.
        normal, offset: (w, 2) and (w,) of walls: points p of the place have normal . p < offset.
        where: (m, 2) level positions of things.
        half, high: (m,) meters that a thing hides to either side of its foot, and upwards.
        deep: (m,) meters around its foot that nobody walks in.
        passers: (k,) which of the things are people, who pass.
    """

    eye: Float
    right: Float
    up: Float
    forward: Float
    edge: Float
    normal: Float
    offset: Float
    where: Float
    half: Float
    high: Float
    deep: Float
    passers: Int

    @classmethod
    def of(cls, camera: Camera, place: Place) -> Sight:
        eye, panels = eye_of(camera), place.panels
        along = axes(np.array([[0.0, MIDDLE, 0.0]]) - eye, np.array([camera.roll]))
        right, up, forward = (axis[0].astype(np.float64) for axis in along)
        walls = panels[np.flatnonzero((panels.upward[:, 1] > 0) & ~panels.turns & ~panels.cutout)]
        normal = np.stack([walls.along[:, 2], -walls.along[:, 0]], axis=1) / 60.0
        normal /= np.hypot(normal[:, :1], normal[:, 1:])
        offset = (walls.corner[:, [0, 2]] * normal).sum(1)
        side = np.sign(offset)
        things = panels[np.flatnonzero(panels.turns)]
        wide = np.abs(things.along[:, 0]) * SHARES[things.paint]
        return cls(
            *(eye, right, up, forward, np.array(SENSOR) / 2 / camera.focal, normal * side[:, None], offset * side),
            *(things.corner[:, [0, 2]], wide / 2, things.upward[:, 1], np.minimum(HALF_DEEP * wide, DEEPEST)),
            np.flatnonzero(np.isin(things.paint, PASSERS)),
        )

    def room(self, ways: Ways) -> Float:
        """(n, frames) meters to the nearest wall; below 0 outside."""
        reach = ways.x[..., None] * self.normal[:, 0] + ways.z[..., None] * self.normal[:, 1]
        return np.asarray((self.offset - reach).min(-1, initial=np.inf))

    def clearance(self, ways: Ways, things: Float) -> Float:
        """(n, frames) meters to the nearest thing, of which ``things`` has the (n, frames, m, 2) positions."""
        away = np.hypot(things[..., 0] - ways.x[..., None], things[..., 1] - ways.z[..., None])
        return np.asarray((away - self.deep).min(-1, initial=np.inf))

    def shown(self, ways: Ways) -> Float:
        """(n, frames) share of somebody's height or width, whichever is less, that is in the frame."""
        x, z = ways.x - self.eye[0], ways.z - self.eye[2]

        def seen(axis: Float, height: float) -> Float:
            return np.asarray(x * axis[0] + z * axis[2] + (height - self.eye[1]) * axis[1])

        foot, head, middle = (np.maximum(seen(self.forward, y), 0.1) for y in (0.0, STATURE, STATURE / 2))
        low, high = seen(self.up, 0.0) / foot, seen(self.up, STATURE) / head
        across, wide = seen(self.right, STATURE / 2) / middle, HALF_WIDTH / middle
        upright = (np.minimum(high, self.edge[1]) - np.maximum(low, -self.edge[1])) / (high - low)
        sideways = np.minimum(across + wide, self.edge[0]) - np.maximum(across - wide, -self.edge[0])
        return np.asarray(np.minimum(upright, sideways / (2 * wide)))

    def hidden(self, ways: Ways, things: Float) -> Float:
        """(n, frames) about the share of somebody that things hide, at the positions ``things`` as above."""
        level = math.hypot(self.right[0], self.right[2])
        (a, c), eye = (self.right[[0, 2]] / level), self.eye[[0, 2]]
        x, z = ways.x - eye[0], ways.z - eye[1]
        there = things - eye
        ahead, away = there[..., 0] * c - there[..., 1] * a, (x * c - z * a)[..., None]
        before = (ahead > 0.3) & (ahead < away - BEFORE)
        share = np.where(before, ahead / away, 1.0)[..., None]  # of the way from the camera to the person
        aside = (x * a + z * c)[..., None, None] + ACROSS
        beside = np.abs(aside * share - (there[..., 0] * a + there[..., 1] * c)[..., None]) < self.half[:, None]
        height = self.eye[1] + (ABOVE - self.eye[1]) * share
        below = (height >= 0) & (height < self.high[:, None])
        covered = (beside & before[..., None])[..., :, None] & below[..., None, :]
        return np.asarray(covered.any(2).mean((2, 3)))
