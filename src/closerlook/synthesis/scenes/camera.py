"""Where a camera stands and which part of its frame the detector cut out; see :mod:`frames` for what it sees.

World coordinates are meters, right-handed, y up, the person at the origin facing +z. *Viewpoint* is the azimuth of the
camera as the paper counts it: 90 degrees faces the camera, 270 shows the back, 0 and 180 are profiles.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

__all__ = ["Camera", "Crop", "sample_camera", "sample_crop"]

MIDDLE = 0.85  # meters above the ground that a person's middle is at, about
DISTANCES = (1.5, 100.0)  # meters that a camera may be away


@dataclass(frozen=True)
class Crop:
    """The detector's box around the person, in units of the person's height in the image.

    Attributes:
        height: box height; 1 touches head and feet, below 1 cuts them off.
        aspect: box width over height before it is stretched to the image's own shape, as a factor of that shape.
        right, down: shift of the box's center.
        fit: how far the box is as wide as the person's outline, 0 not at all (it has the image's shape) to 1; then
            people with their legs apart come out slim and people seen from the front stretched, as detectors' boxes do.
        margin_left, margin_top, margin_right, margin_bottom: by which share of its width or height the box is widened
            at this side.
        cut: 1 ends the box where the camera's frame ends, 0 goes on beyond.
        least: share of the box that must show the person, 0 to 0.5: where things before them leave less, these go.
    """

    height: float = 1.12
    aspect: float = 1.0
    right: float = 0.0
    down: float = 0.0
    fit: float = 0.0
    margin_left: float = 0.0
    margin_top: float = 0.0
    margin_right: float = 0.0
    margin_bottom: float = 0.0
    cut: int = 0
    least: float = 0.0


@dataclass(frozen=True)
class Camera:
    """A camera that looks at the person.

    Attributes:
        viewpoint: azimuth in degrees; see the module.
        distance: horizontal meters between camera and person.
        height: meters above the ground.
        roll: degrees, clockwise in the image.
        right, down: where in the camera's frame the person is: 0 in the middle, -1 and 1 at its edges. Off the middle,
            people lean as they do at the edge of a wide picture.
        focal: length in millimeters, as on a 36 x 20.25 mm sensor; the shorter, the more ``right``, ``down`` and
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
        """Meters from which a camera of this height points down by ``pitch`` degrees, within ``DISTANCES``."""
        return min(max((self.height - MIDDLE) / math.tan(math.radians(pitch)), DISTANCES[0]), DISTANCES[1])


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
