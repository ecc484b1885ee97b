"""Where the camera stands and which part of its frame the detector cut out.

World coordinates are metres, right-handed, y up, the person at the origin facing +z. *Viewpoint* is the azimuth of the
camera as the paper counts it: 90 degrees faces the camera, 270 shows the back, 0 and 180 are profiles.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["Camera", "Crop", "Frame", "bent", "frame", "look_at", "sample_camera", "sample_crop"]

Float = NDArray[np.float32]

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
        occlusion: about the share of the person that something nearer to the camera hides, 0 nothing to 0.6.
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
        """Degrees that the line to the person's middle points down."""
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
        clip = np.concatenate([points, np.ones_like(points[:, :1])], axis=1) @ self.matrix.T
        middle, half = np.array(self.window[:2]), np.array(self.window[2:])
        ndc = (bent(clip[:, :2] / clip[:, 3:] * half + middle, self.distortion) - middle) / half
        height, width = size
        pixels = (ndc * [0.5, -0.5] + 0.5) * [width, height]
        return np.asarray(pixels, dtype=np.float32)


NEAR, FAR = 0.3, 400.0
OUTLINE = 1000  # vertices at least that say where a person's outline is
SENSOR = (36.0, 20.25)  # millimetres that ``Camera.focal`` refers to
CORNER = math.hypot(*SENSOR) / 2


def look_at(eye: Float, target: Float, roll: float = 0.0) -> tuple[Float, Float, Float]:
    """Unit right, up and forward vectors of an eye that looks at ``target``; ``roll`` in degrees."""
    x, y, z = (target - eye).tolist()
    length, level = math.hypot(x, y, z), math.hypot(x, z)
    forward = np.array([x, y, z]) / length
    right = np.array([-z, 0.0, x]) / level if level > 1e-6 * length else np.array([1.0, 0.0, 0.0])
    (a, _, c), (x, y, z) = right.tolist(), forward.tolist()
    up = np.array([-c * y, c * x - a * z, a * y])
    cos, sin = math.cos(math.radians(roll)), math.sin(math.radians(roll))
    right, up = cos * right + sin * up, cos * up - sin * right
    return right.astype(np.float32), up.astype(np.float32), forward.astype(np.float32)


def frame(camera: Camera, positions: Float, size: tuple[int, int]) -> Frame:
    """Fit the camera's crop around a person.

    Args:
        camera: the camera.
        positions: (v, 3) the person's vertices.
        size: image (height, width); sets the shape of an unstretched box.
    """
    azimuth = np.radians(camera.viewpoint)
    eye = np.array([np.cos(azimuth) * camera.distance, camera.height, np.sin(azimuth) * camera.distance], np.float32)
    middle = np.array([0.0, float(positions[:, 1].max()) / 2, 0.0], np.float32)
    right, up, forward = look_at(eye, _aim(camera, eye, middle), camera.roll)
    relative = positions[:: max(len(positions) // OUTLINE, 1)] - eye
    depth = relative @ forward
    distortion = camera.distortion * (camera.focal / CORNER) ** 2
    flat = np.stack([relative @ right / depth, relative @ up / depth], axis=1)
    x, y = bent(flat, distortion).T
    tall = float(y.max() - y.min())
    # A detector centres on the trunk as much as on the outline, so that one outstretched arm moves the box by half.
    tenth = len(x) // 10
    low, high = np.partition(x, (tenth, len(x) - 1 - tenth))[[tenth, len(x) - 1 - tenth]]
    centre_x = float(low + high + x.min() + x.max()) / 4 + camera.crop.right * tall
    centre_y = float(y.max() + y.min()) / 2 - camera.crop.down * tall
    half_height = camera.crop.height * tall / 2
    half_width = half_height * size[1] / size[0] * camera.crop.aspect
    window = (centre_x, centre_y, half_width, half_height)
    matrix = _matrix(eye, right, up, forward, window)
    return Frame(eye, right, up, forward, window, matrix, float(depth.mean()), distortion)


def _aim(camera: Camera, eye: Float, middle: Float) -> Float:
    """A point that the camera looks straight at, so that ``middle`` is where the camera has it in its frame."""
    x, y, z = (middle - eye).tolist()
    aside = math.atan2(z, x) - math.atan(camera.right * SENSOR[0] / 2 / camera.focal)
    above = math.atan2(y, math.hypot(x, z)) + math.atan(camera.down * SENSOR[1] / 2 / camera.focal)
    level = math.cos(above)
    return eye + np.array([level * math.cos(aside), math.sin(above), level * math.sin(aside)], np.float32)


def bent(flat: NDArray[np.floating], distortion: float) -> NDArray[np.floating]:
    """(n, 2) points of the window for those that a lens without distortion would show; see ``Frame.distortion``."""
    if distortion == 0.0:
        return flat
    x, y = flat.T
    k = distortion * (x * x + y * y)
    f = np.ones_like(k)
    for _ in range(4):
        kff = k * f * f
        f -= (f + kff * f - 1) / (1 + 3 * kff)
    return np.asarray(flat * f[:, None], dtype=flat.dtype)


def _matrix(eye: Float, right: Float, up: Float, forward: Float, window: tuple[float, float, float, float]) -> Float:
    centre_x, centre_y, half_width, half_height = window
    matrix = np.empty((4, 4))
    matrix[0, :3] = (right - centre_x * forward) / half_width
    matrix[1, :3] = (up - centre_y * forward) / half_height
    matrix[2, :3] = forward * ((FAR + NEAR) / (FAR - NEAR))
    matrix[3, :3] = forward
    matrix[:, 3] = -(matrix[:, :3] @ eye)
    matrix[2, 3] -= 2 * FAR * NEAR / (FAR - NEAR)
    return matrix.astype(np.float32)


def sample_crop(rng: np.random.Generator) -> Crop:
    """A box as a detector makes it: mostly tight, at times loose, shifted or with the feet cut."""
    if rng.random() < 0.75:
        return Crop(rng.uniform(1.02, 1.22), rng.normal(1.0, 0.06), rng.normal(0, 0.02), rng.normal(0, 0.015))
    return Crop(rng.uniform(0.88, 1.5), rng.normal(1.0, 0.1), rng.normal(0, 0.05), rng.normal(0, 0.05))


def sample_camera(rng: np.random.Generator, viewpoint: float) -> Camera:
    """A surveillance camera: 2 to 6 m high, 4 to 16 m away, mostly looking down 4 to 26 degrees, with a wide lens."""
    distance = math.exp(rng.uniform(math.log(4.0), math.log(16.0)))
    height = 0.9 + distance * math.tan(math.radians(rng.uniform(3.0, 26.0)))
    crop, roll = sample_crop(rng), rng.normal(0.0, 1.5)
    return Camera(
        viewpoint,
        distance,
        min(max(height, 2.0), 6.0),
        roll,
        right=rng.uniform(-0.7, 0.7),
        down=rng.uniform(-0.5, 0.5),
        focal=rng.uniform(24.0, 60.0),
        distortion=rng.uniform(0.0, 0.16),
        occlusion=sample_occlusion(rng),
        crop=crop,
    )


def sample_occlusion(rng: np.random.Generator) -> float:
    """Mostly nothing stands before a person that a detector found; at times a bicycle, a pole, somebody else."""
    return float(rng.uniform(0.08, 0.45)) if rng.random() < 0.18 else 0.0
