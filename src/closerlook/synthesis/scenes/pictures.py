"""Places that are pictures: empty frames of the user's own cameras, with their ground plane.

A folder holds the frames and, if it is known, ``camera.yaml`` with where the camera stands::

    height: 3.4     # meters above the ground; 3 if left out
    pitch: 18       # degrees that it looks down; 15 if left out
    focal: 30       # millimeters, as on a sensor 36 mm wide; 28 if left out

People are put where the frame shows ground, as large as they would be there, with their shadow on it. What a frame
shows is taken for the color of its surfaces and lit anew by every weather and time of day, so frames without hard
shadows serve best.
"""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from closerlook.dataset.decoding import read_image
from closerlook.errors import CloserlookError, UsageError, unknown
from closerlook.storage.documents import read_yaml
from closerlook.synthesis.scenes.camera import Camera
from closerlook.synthesis.scenes.frames import Frame
from closerlook.synthesis.scenes.sensor import Sensor
from closerlook.synthesis.scenes.windows import SENSOR

__all__ = ["CAMERA_NAME", "FITTED", "Picture", "picture_files", "read_picture"]

SUFFIXES = (".jpg", ".jpeg", ".png", ".bmp", ".webp")
CAMERA_NAME = "camera.yaml"
LIMITS = {"height": (1.0, 30.0), "pitch": (-10.0, 80.0), "focal": (8.0, 400.0)}
MEAN_ALBEDO = 0.25  # of outdoor places
NEAREST, FARTHEST = 2.5, 40.0  # meters
STATURE = 1.7
# What :meth:`Picture.fit` sets, or holds within what the picture shows, whatever a design says
FITTED = (
    *("camera.distance", "camera.pitch", "camera.height", "camera.roll", "camera.right", "camera.down"),
    *("camera.focal", "camera.distortion", "camera.occlusion", "sensor.scale"),
)


@dataclass(frozen=True, eq=False)
class Picture:
    """An empty frame and the camera that took it.

    Attributes:
        codes: (h, w, 3) uint8 sRGB.
        albedo: factor from linear light to albedo.
        height: of the camera, meters.
        pitch: degrees that it looks down.
        focal: millimeters on a sensor 36 mm wide.
    """

    codes: NDArray[np.uint8] = field(repr=False)
    albedo: float
    height: float = 3.0
    pitch: float = 15.0
    focal: float = 28.0

    def fit(
        self, camera: Camera, sensor: Sensor, size: tuple[int, int], rng: np.random.Generator
    ) -> tuple[Camera, Sensor]:
        """The picture's camera with somebody on its ground at about ``camera``'s distance, cut out as ``camera`` does,
        and a sensor that has no more pixels of them than the picture.

        Args:
            camera: gives viewpoint, distance, crop.
            sensor: to be used.
            size: (height, width) of the images.
            rng: says how far to the side.
        """
        tall, wide = self.codes.shape[:2]
        lowest = math.radians(self.pitch) + math.atan(0.45 * tall / wide * SENSOR[0] / self.focal)
        nearest = max(self.height / math.tan(max(lowest, 0.05)), NEAREST)  # near the frame's lower edge
        distance = min(max(camera.distance, nearest), FARTHEST)
        below = math.atan2(self.height - STATURE / 2, distance) - math.radians(self.pitch)
        down = math.tan(below) * self.focal / (SENSOR[1] / 2)
        room = 1.0 - min(0.8, 1.2 * self.focal / distance / SENSOR[0])
        placed = replace(
            camera,
            distance=distance,
            height=self.height,
            roll=0.0,
            right=float(rng.uniform(-room, room)),
            down=down,
            focal=self.focal,
            distortion=0.0,
            occlusion=0.0,
        )
        pixels = STATURE / math.hypot(distance, self.height) * self.focal / SENSOR[0] * wide * camera.crop.height
        return placed, replace(sensor, scale=float(np.clip(pixels / size[0], 0.2, sensor.scale)))

    def behind(self, frame: Frame, size: tuple[int, int]) -> NDArray[np.float32]:
        """(h, w, 3) linear albedo of what the picture shows in a frame's window, an image of ``size``."""
        tall, wide = self.codes.shape[:2]
        unit = self.focal / SENSOR[0] * wide  # pixels of the picture at distance 1
        x, y, half_width, half_height = frame.window
        left, right = (wide / 2 + (x + side * half_width) * unit for side in (-1, 1))
        top, bottom = (tall / 2 - (y + side * half_height) * unit for side in (1, -1))
        x0, y0 = math.floor(left), math.floor(top)
        columns = np.clip(np.arange(x0, math.ceil(right) + 1), 0, wide - 1)
        rows = np.clip(np.arange(y0, math.ceil(bottom) + 1), 0, tall - 1)
        cut = Image.fromarray(self.codes[rows[:, None], columns])
        window = (left - x0, top - y0, right - x0, bottom - y0)
        values = np.asarray(cut.resize((size[1], size[0]), Image.Resampling.BILINEAR, box=window), np.float32) / 255
        return np.asarray(np.minimum(values**2.2 * self.albedo, 0.95), dtype=np.float32)


def picture_files(folder: str | Path) -> list[Path]:
    """The pictures of a folder, in order.

    Raises:
        UsageError: it holds none.
    """
    files = sorted(
        path
        for path in Path(folder).iterdir()
        if path.suffix.lower() in SUFFIXES and path.is_file() and not path.name.startswith(".")
    )
    if not files:
        raise UsageError(f"{folder} holds no pictures ({', '.join(SUFFIXES)}).")
    return files


@functools.lru_cache(maxsize=8)
def read_picture(path: Path) -> Picture:
    """A frame, with its camera from the ``camera.yaml`` beside it.

    Raises:
        CloserlookError: either cannot be read, or says something that cannot be.
    """
    codes = read_image(path)
    mean = float(((codes[::4, ::4].astype(np.float32) / 255) ** 2.2).mean())
    return Picture(codes, MEAN_ALBEDO / max(mean, 0.01), **_camera(path.parent / CAMERA_NAME))


def _camera(path: Path) -> dict[str, float]:
    if not path.exists():
        return {}
    values = read_yaml(path)
    if not isinstance(values, dict):
        raise CloserlookError(f"{path} must hold 'height', 'pitch' or 'focal' with a number each.")
    for name, value in values.items():
        if name not in LIMITS:
            raise unknown(f"entry in {path}:", name, LIMITS)
        low, high = LIMITS[name]
        if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
            raise CloserlookError(f"{path}: {name} must be a number from {low:g} to {high:g}, not {value!r}.")
    return {str(name): float(value) for name, value in values.items()}
