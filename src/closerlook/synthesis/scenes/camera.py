"""Where the camera stands and which part of its frame the detector cut out.

World coordinates are metres, right-handed, y up, the person at the origin facing +z. *Viewpoint* is the azimuth of the
camera as the paper counts it: 90 degrees faces the camera, 270 shows the back, 0 and 180 are profiles.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "Camera",
    "Crop",
    "Frame",
    "Frames",
    "axes",
    "bent",
    "frame",
    "frames",
    "sample_camera",
    "sample_crop",
]

Float = NDArray[np.float32]
Double = NDArray[np.float64]
Integers = NDArray[np.int64]

MIDDLE = 0.85  # metres above the ground that a person's middle is at, about
DISTANCES = (1.5, 100.0)  # metres that a camera may be away


@dataclass(frozen=True)
class Crop:
    """The detector's box around the person, in units of the person's height in the image.

    Attributes:
        height: box height; 1 touches head and feet, below 1 cuts them off.
        aspect: box width over height before it is stretched to the image's own shape, as a factor of that shape.
        right, down: shift of the box's centre.
    """

    height: float = 1.12
    aspect: float = 1.0
    right: float = 0.0
    down: float = 0.0


@dataclass(frozen=True)
class Camera:
    """A camera that looks at the person.

    Attributes:
        viewpoint: azimuth in degrees; see the module.
        distance: horizontal metres between camera and person.
        height: metres above the ground.
        roll: degrees, clockwise in the image.
        right, down: where in the camera's frame the person is: 0 in the middle, -1 and 1 at its edges. Off the middle,
            people lean as they do at the edge of a wide picture.
        focal: length in millimetres, as on a 36 x 20.25 mm sensor; the shorter, the more ``right``, ``down`` and
            ``distortion`` show. How large the person is does not depend on it: the detector's box fills the image.
        distortion: of the lens: share by which it draws in the corner of the frame, 0 none to 0.3 strong barrel.
        occlusion: about the share of the person that something nearer to the camera is to hide, 0 nothing to 0.6; a
            data set's ``occlusion`` is what it hides.
        crop: the part of the frame that becomes the image.
    """

    viewpoint: float = 90.0
    distance: float = 7.0
    height: float = 2.6
    roll: float = 0.0
    right: float = 0.0
    down: float = 0.0
    focal: float = 28.0
    distortion: float = 0.0
    occlusion: float = 0.0
    crop: Crop = Crop()

    @property
    def pitch(self) -> float:
        """Degrees that the line to the person's middle points down; for it the camera comes no nearer than 1.5 m and
        goes no further than 100 m."""
        return math.degrees(math.atan2(self.height - MIDDLE, self.distance))

    def distance_at(self, pitch: float) -> float:
        """Metres from which a camera of this height points down by ``pitch`` degrees, within ``DISTANCES``."""
        return min(max((self.height - MIDDLE) / math.tan(math.radians(pitch)), DISTANCES[0]), DISTANCES[1])


@dataclass(frozen=True)
class Frame:
    """A camera's geometry for one image.

    Attributes:
        eye: (3,) position.
        right, up, forward: (3,) unit vectors.
        window: centre x, centre y, half width, half height of the image on the plane at distance 1 before the eye.
        matrix: (4, 4) world to clip coordinates; x right, y up, both -1 to 1 inside the image.
        distance: metres along ``forward`` from the eye to the person's middle.
        distortion: a point at (x, y) of the window lies at (x, y) * (1 + distortion * (x * x + y * y)) of the plane.
    """

    eye: Float
    right: Float
    up: Float
    forward: Float
    window: tuple[float, float, float, float]
    matrix: Float
    distance: float
    distortion: float = 0.0

    def project(self, points: Float, size: tuple[int, int]) -> Float:
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

    eye: Float
    right: Float
    up: Float
    forward: Float
    window: Double
    matrix: Float
    distance: Double
    distortion: Double

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

    def project(self, points: Float, size: tuple[int, int]) -> Float:
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

    def along_axes(self, vectors: Double, view: Integers) -> Double:
        """(3, n) how far (n, 3) vectors go to the right, up and forward in each one's view."""
        x, y, z = np.ascontiguousarray(vectors.T)
        axes = (self.right, self.up, self.forward)
        return np.stack([x * a + y * b + z * c for a, b, c in (axis[view].T for axis in axes)])

    def bounds(self) -> Double:
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
SENSOR = (36.0, 20.25)  # millimetres that ``Camera.focal`` refers to
CORNER = math.hypot(*SENSOR) / 2


def axes(towards: Double, roll: Double | float = 0.0) -> tuple[Float, Float, Float]:
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


def frame(camera: Camera, positions: Float, size: tuple[int, int]) -> Frame:
    """Fit the camera's crop around a person; see :func:`frames`."""
    return frames([camera], positions[None], np.zeros(1, np.int64), size)[0]


def frames(cameras: Sequence[Camera], positions: Float, pose_of: Integers, size: tuple[int, int]) -> Frames:
    """Fit the crop of each of V cameras around its pose of a person.

    Args:
        cameras: one a view.
        positions: (P, n, 3) the person's vertices in each pose.
        pose_of: (V,) number of each view's pose.
        size: image (height, width); sets the shape of an unstretched box.
    """
    numbers = np.array([_numbers(camera) for camera in cameras]).T
    azimuth, distance, high, roll, aside, down, focal, lens, tall, aspect, crop_right, crop_down = numbers
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
    bottom, top = flat_y.min(1).astype(np.float64), flat_y.max(1).astype(np.float64)
    # A detector centres on the trunk as much as on the outline, so that one outstretched arm moves the box by half.
    tenth = flat_x.shape[1] // 10
    leftmost, left, at_right, rightmost = np.sort(flat_x, axis=1)[:, [0, tenth, -1 - tenth, -1]].T.astype(np.float64)
    across = (leftmost + left + at_right + rightmost) / 4
    half_height = tall * (top - bottom) / 2
    window = np.stack(
        [
            across + crop_right * (top - bottom),
            (top + bottom) / 2 - crop_down * (top - bottom),
            half_height * size[1] / size[0] * aspect,
            half_height,
        ],
        axis=1,
    )
    matrix = _matrices(eye, right, up, forward, window)
    return Frames(eye, right, up, forward, window, matrix, depth.mean(1).astype(np.float64), distortion)


def _numbers(camera: Camera) -> tuple[float, ...]:
    crop = camera.crop
    where = (camera.viewpoint, camera.distance, camera.height, camera.roll, camera.right, camera.down)
    return (*where, camera.focal, camera.distortion, crop.height, crop.aspect, crop.right, crop.down)


def _aim(eye: Double, middle: Double, right: Double, down: Double) -> Double:
    """(V, 3) directions that cameras look straight in, so that a point ``middle`` metres above the origin is where
    they have it in their frames: shares of half the frame, divided by the focal length."""
    x, y, z = -eye[:, 0], middle - eye[:, 1], -eye[:, 2]
    aside = np.arctan2(z, x) - np.arctan(right * (SENSOR[0] / 2))
    above = np.arctan2(y, np.sqrt(x * x + z * z)) + np.arctan(down * (SENSOR[1] / 2))
    level = np.cos(above)
    return np.stack([level * np.cos(aside), np.sin(above), level * np.sin(aside)], axis=1)


def _flat(outline: Float, pose_of: Integers, eye: Float, axes: tuple[Float, ...]) -> tuple[Float, Float, Float]:
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


def _matrices(eye: Float, right: Float, up: Float, forward: Float, window: Double) -> Float:
    """(V, 4, 4) world to clip coordinates."""
    centre_x, centre_y, half_width, half_height = window.T[:, :, None]
    matrix = np.empty((len(eye), 4, 4))
    matrix[:, 0, :3] = (right - centre_x * forward) / half_width
    matrix[:, 1, :3] = (up - centre_y * forward) / half_height
    matrix[:, 2, :3] = forward * ((FAR + NEAR) / (FAR - NEAR))
    matrix[:, 3, :3] = forward
    x, y, z = eye.T[:, :, None]
    matrix[:, :, 3] = -(matrix[:, :, 0] * x + matrix[:, :, 1] * y + matrix[:, :, 2] * z)
    matrix[:, 2, 3] -= 2 * FAR * NEAR / (FAR - NEAR)
    return matrix.astype(np.float32)


def sample_camera(rng: np.random.Generator, viewpoint: float) -> Camera:
    """A surveillance camera: 2 to 6 m high, 4 to 16 m away, mostly looking down 4 to 26 degrees, with a wide lens.

    Mostly nothing stands before a person that a detector found; at times a bicycle, a pole, somebody else.
    """
    far, pitch, right, down, focal, distortion, occluded, occlusion = rng.random(8).tolist()
    distance = 4.0 * 4.0**far
    height = 0.9 + distance * math.tan(math.radians(3.0 + 23.0 * pitch))
    return Camera(
        viewpoint,
        distance,
        min(max(height, 2.0), 6.0),
        roll=1.5 * rng.standard_normal(),
        right=1.4 * right - 0.7,
        down=down - 0.5,
        focal=24.0 + 36.0 * focal,
        distortion=0.16 * distortion,
        occlusion=0.08 + 0.37 * occlusion if occluded < 0.18 else 0.0,
        crop=sample_crop(rng),
    )


def sample_crop(rng: np.random.Generator) -> Crop:
    """A box as a detector makes it: mostly tight, at times loose, shifted or with the feet cut."""
    loose, height = rng.random(2).tolist()
    aspect, right, down = rng.standard_normal(3).tolist()
    if loose < 0.75:
        return Crop(1.02 + 0.2 * height, 1.0 + 0.06 * aspect, 0.02 * right, 0.015 * down)
    return Crop(0.88 + 0.62 * height, 1.0 + 0.1 * aspect, 0.05 * right, 0.05 * down)
