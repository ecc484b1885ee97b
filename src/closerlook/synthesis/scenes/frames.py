"""What cameras see of a person: their axes, the window that the detector cut out, and the projection into it."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from closerlook.arrays import Float, Float32, Int
from closerlook.synthesis.scenes.camera import Camera
from closerlook.synthesis.scenes.windows import SENSOR, windows

__all__ = ["Frame", "Frames", "axes", "bent", "frame", "frames"]


@dataclass(frozen=True)
class Frame:
    """A camera's geometry for one image.

    Attributes:
        eye: (3,) position.
        right, up, forward: (3,) unit vectors.
        window: center x, center y, half width, half height of the image on the plane at distance 1 before the eye.
        matrix: (4, 4) world to clip coordinates; x right, y up, both -1 to 1 inside the image.
        distance: meters along ``forward`` from the eye to the person's middle.
        distortion: a point at (x, y) of the window lies at (x, y) * (1 + distortion * (x * x + y * y)) of the plane.
    """

    eye: Float32
    right: Float32
    up: Float32
    forward: Float32
    window: tuple[float, float, float, float]
    matrix: Float32
    distance: float
    distortion: float = 0.0

    def project(self, points: Float32, size: tuple[int, int]) -> Float32:
        """(n, 3) world points to (n, 2) pixels (x, y) of an image of ``size`` (height, width)."""
        return np.asarray(Frames.from_frames([self]).project(points[None], size)[0])


@dataclass(frozen=True)
class Frames:
    """The frames of V views; row k is a :class:`Frame`.

    Attributes:
        eye, right, up, forward: (V, 3).
        window: (V, 4).
        matrix: (V, 4, 4).
        distance, distortion: (V,).
    """

    eye: Float32
    right: Float32
    up: Float32
    forward: Float32
    window: Float
    matrix: Float32
    distance: Float
    distortion: Float

    def __len__(self) -> int:
        return len(self.eye)

    def __iter__(self) -> Iterator[Frame]:
        return (self[k] for k in range(len(self)))

    def __getitem__(self, k: int) -> Frame:
        x, y, half_width, half_height = self.window[k].tolist()
        return Frame(
            *(self.eye[k], self.right[k], self.up[k], self.forward[k]),
            *((x, y, half_width, half_height), self.matrix[k], float(self.distance[k]), float(self.distortion[k])),
        )

    @classmethod
    def from_frames(cls, frames: Sequence[Frame]) -> Frames:
        """The frames of several views as arrays, one row per view."""
        return cls(*(np.array([getattr(frame, column.name) for frame in frames]) for column in fields(Frame)))

    def project(self, points: Float32, size: tuple[int, int]) -> Float32:
        """(V, n, 3) world points to (V, n, 2) pixels (x, y) of images of ``size`` (height, width)."""
        x, y, z = (np.ascontiguousarray(points[:, :, k]) for k in range(3))
        rows = (self.matrix[:, row, :, None].swapaxes(0, 1) for row in (0, 1, 3))
        across, above, depth = (a * x + b * y + c * z + d for a, b, c, d in rows)
        middle_x, middle_y, half_width, half_height = self.window.T[:, :, None]
        flat_x, flat_y = across / depth * half_width + middle_x, above / depth * half_height + middle_y
        drawn_in = _drawn_in(self.distortion[:, None] * (flat_x * flat_x + flat_y * flat_y))
        right, up = (flat_x * drawn_in - middle_x) / half_width, (flat_y * drawn_in - middle_y) / half_height
        height, width = size
        return np.stack([(0.5 + 0.5 * right) * width, (0.5 - 0.5 * up) * height], axis=2).astype(np.float32)

    def along_axes(self, vectors: Float, view: Int) -> Float:
        """(3, n) how far (n, 3) vectors go to the right, up and forward in each one's view."""
        x, y, z = np.ascontiguousarray(vectors.T)
        axes = (self.right, self.up, self.forward)
        return np.stack([x * a + y * b + z * c for a, b, c in (axis[view].T for axis in axes)])

    def bounds(self) -> Float:
        """(V, 4) least right and up, largest right and up of what the lens draws into each window, on the plane at
        distance 1 before the eye."""
        x, y, half_width, half_height = self.window.T
        xs, ys = (
            np.stack([middle - half, middle + half, np.clip(0.0, middle - half, middle + half)])
            for middle, half in ((x, half_width), (y, half_height))
        )
        out = 1 + self.distortion * (xs[:, None] ** 2 + ys**2)  # (3, 3, V): its corners, and where the axes cross it
        across, above = xs[:, None] * out, ys * out
        return np.stack([across.min((0, 1)), above.min((0, 1)), across.max((0, 1)), above.max((0, 1))], axis=1)


NEAR, FAR = 0.3, 400.0
OUTLINE = 1000  # vertices at least that say where a person's outline is
CORNER = math.hypot(*SENSOR) / 2


def axes(towards: Float, roll: Float | float = 0.0) -> tuple[Float32, Float32, Float32]:
    """(n, 3) unit right, up and forward vectors of eyes that look in these (n, 3) directions, with (n,) degrees of
    ``roll``."""
    x, y, z = towards.T
    length, level = np.sqrt(x * x + y * y + z * z), np.sqrt(x * x + z * z)
    x, y, z = x / length, y / length, z / length
    steep = level <= 1e-6 * length
    flat = np.where(steep, 1.0, level / length)
    a, c = np.where(steep, 1.0, -z / flat), np.where(steep, 0.0, x / flat)
    right, up = np.stack([a, np.zeros_like(a), c]), np.stack([-c * y, c * x - a * z, a * y])
    cos, sin = np.cos(np.radians(roll)), np.sin(np.radians(roll))
    turned = (cos * right + sin * up, cos * up - sin * right, np.stack([x, y, z]))
    right, up, forward = (np.ascontiguousarray(axis.T, dtype=np.float32) for axis in turned)
    return right, up, forward


def frame(camera: Camera, positions: Float32, size: tuple[int, int]) -> Frame:
    """Fit the camera's crop around a person; see :func:`frames`."""
    return frames([camera], positions[None], np.zeros(1, np.int64), size)[0]


def frames(cameras: Sequence[Camera], positions: Float32, pose_of: Int, size: tuple[int, int]) -> Frames:
    """Fit the crop of each of V cameras around its pose of a person.

    Args:
        cameras: one per view.
        positions: (P, n, 3) the person's vertices in each pose.
        pose_of: (V,) number of each view's pose.
        size: image (height, width); sets the shape of an unstretched box.
    """
    numbers = np.array([_numbers(camera) for camera in cameras]).T
    azimuth, distance, high, roll, aside, down, focal, lens = numbers
    azimuth = np.radians(azimuth)
    eye = np.stack([np.cos(azimuth) * distance, high, np.sin(azimuth) * distance], axis=1).astype(np.float32)
    middle = positions[:, :, 1].max(1)[pose_of].astype(np.float64) / 2
    right, up, forward = axes(_aim(eye.astype(np.float64), middle, aside / focal, down / focal), roll)
    distortion = lens * (focal / CORNER) ** 2
    outline = positions[:, :: max(positions.shape[1] // OUTLINE, 1)]
    flat_x, flat_y, depth = _flat(outline, pose_of, eye, (right, up, forward))
    if distortion.any():
        drawn_in = _drawn_in((distortion[:, None] * (flat_x * flat_x + flat_y * flat_y)).astype(np.float32))
        flat_x, flat_y = flat_x * drawn_in, flat_y * drawn_in
    window = windows([camera.crop for camera in cameras], flat_x, flat_y, focal, size)
    matrix = _matrices(eye, right, up, forward, window)
    return Frames(eye, right, up, forward, window, matrix, depth.mean(1).astype(np.float64), distortion)


def _numbers(camera: Camera) -> tuple[float, ...]:
    where = (camera.viewpoint, camera.distance, camera.height, camera.roll, camera.right, camera.down)
    return (*where, camera.focal, camera.distortion)


def _aim(eye: Float, middle: Float, right: Float, down: Float) -> Float:
    """(V, 3) directions that cameras look straight in, so that a point ``middle`` meters above the origin is where
    they have it in their frames: shares of half the frame, divided by the focal length."""
    x, y, z = -eye[:, 0], middle - eye[:, 1], -eye[:, 2]
    aside = np.arctan2(z, x) - np.arctan(right * (SENSOR[0] / 2))
    above = np.arctan2(y, np.sqrt(x * x + z * z)) + np.arctan(down * (SENSOR[1] / 2))
    level = np.cos(above)
    return np.stack([level * np.cos(aside), np.sin(above), level * np.sin(aside)], axis=1)


def _flat(outline: Float32, pose_of: Int, eye: Float32, axes: tuple[Float32, ...]) -> tuple[Float32, Float32, Float32]:
    """(V, m) right and up of points on the plane at distance 1 before each eye, and their depths."""
    x, y, z = (outline[pose_of, :, k] - eye[:, k : k + 1] for k in range(3))
    across, above, depth = (x * a[:, :1] + y * a[:, 1:2] + z * a[:, 2:] for a in axes)
    return across / depth, above / depth, depth


def bent(flat: NDArray[np.floating], distortion: float) -> NDArray[np.floating]:
    """(n, 2) points of the window for those that a lens without distortion would show; see ``Frame.distortion``."""
    if distortion == 0.0:
        return flat
    x, y = flat.T
    return np.asarray(flat * _drawn_in(distortion * (x * x + y * y))[:, None], dtype=flat.dtype)


def _drawn_in(k: NDArray[np.floating]) -> NDArray[np.floating]:
    """The factor f with f + k f^3 = 1 on the distance of points from the middle, k the distortion times its square."""
    f = np.asarray((1 + 2 * k) / (1 + 3 * k))  # Newton's first step from 1
    for _ in range(3):
        kff = k * f * f
        f = (1 + 2 * kff * f) / (1 + 3 * kff)
    return f


def _matrices(eye: Float32, right: Float32, up: Float32, forward: Float32, window: Float) -> Float32:
    """(V, 4, 4) world to clip coordinates."""
    center_x, center_y, half_width, half_height = window.T[:, :, None]
    matrix = np.empty((len(eye), 4, 4))
    matrix[:, 0, :3] = (right - center_x * forward) / half_width
    matrix[:, 1, :3] = (up - center_y * forward) / half_height
    matrix[:, 2, :3] = forward * ((FAR + NEAR) / (FAR - NEAR))
    matrix[:, 3, :3] = forward
    x, y, z = eye.T[:, :, None]
    matrix[:, :, 3] = -(matrix[:, :, 0] * x + matrix[:, :, 1] * y + matrix[:, :, 2] * z)
    matrix[:, 2, 3] -= 2 * FAR * NEAR / (FAR - NEAR)
    return matrix.astype(np.float32)
