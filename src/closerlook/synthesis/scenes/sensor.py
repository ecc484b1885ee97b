"""What the camera does to the light: exposure, color, resolution, blur, noise, tone and compression."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
import simplejpeg
from numpy.typing import NDArray

from closerlook.errors import unknown

__all__ = ["SENSORS", "Sensor", "compress", "sample_sensor", "sensor_names"]

# Of the cameras that have them: the others' streams are too good to show it, or their sensors finer than the image
VIDEO_SHARE, MOSAIC_SHARE = 0.35, 0.25


@dataclass(frozen=True)
class Sensor:
    """A camera's electronics and lens. Lengths in pixels are those of an image 128 pixels high, whatever its size.

    Attributes:
        exposure: of a white surface in REFERENCE light; 1 just reaches the shoulder of the tone curve.
        adaptation: how far automatic exposure follows the light, 0 not at all to 1 fully.
        metering: how far exposure and white balance also take out the ground's own brightness and color: 0 as if a
            gray card were measured, 1 as if the ground filled the frame.
        white_balance: how far the light's color is taken out, 0 to 1.
        cast: (r, g, b) factors of the camera's own color cast.
        saturation: of colors, 1 as they are; a camera's color matrix makes them stronger.
        knee: exposed light from which on the tone curve bends to let highlights keep some drawing; 1 cuts them off.
        contrast: slope of the tone curve at middle gray, 1 as it is.
        black: light scattered in the lens, as a share of white: lifts the shadows.
        scale: pixels across the person on the sensor, as a share of the image's; below 1 the image is enlarged.
        softness: curvature of the resampling kernel: 0.125 a B-spline (soft), 0 interpolating, below 0 sharpened.
        focus: standard deviation of the lens's blur, pixels.
        motion: pixels that the person moves while the shutter is open.
        motion_angle: where to, degrees from the right, upwards.
        mosaic: how the colors that a pixel's filter keeps out are filled in from its neighbors (Bayer's mosaic): 0
            each pixel sees all of them, 1 the nearest ones' mean, 2 with gradients (Malvar, He and Cutler 2004).
        color_blur: standard deviation of a further blur of color, not of brightness, pixels: what cameras do against
            noise, and video that keeps little of weak color. Above 0 it is about one pixel at least.
        noise: standard deviation of brightness at middle gray in reference light, in 8-bit code values.
        noise_growth: exponent of amplification that noise grows with: 0.5 as photons are counted, less after denoising.
        video: quantizer parameter (QP) of the H.264 video that the image was cut from, to 51; 0: none.
        grid_down: pixels, 0 to 7, that the image lies below a border of the video's blocks and a red row of the mosaic.
        grid_right: the same to the right.
        quality: of the JPEG, 1 to 100.
    """

    exposure: float = 1.0
    adaptation: float = 0.84
    metering: float = 0.0
    white_balance: float = 0.55
    cast: tuple[float, float, float] = (1.0, 1.0, 1.0)
    saturation: float = 1.0
    knee: float = 0.5
    contrast: float = 1.0
    black: float = 0.0
    scale: float = 1.0
    softness: float = 0.0
    focus: float = 0.0
    motion: float = 0.0
    motion_angle: float = 0.0
    mosaic: int = 0
    color_blur: float = 0.0
    noise: float = 0.0
    noise_growth: float = 0.14
    video: int = 0
    grid_down: int = 0
    grid_right: int = 0
    quality: int = 95


SENSORS: dict[str, Sensor] = {
    "clean": Sensor(),
    "cctv": Sensor(
        adaptation=0.83,
        metering=0.5,
        exposure=1.06,
        saturation=1.17,
        knee=0.65,
        contrast=1.4,
        black=0.012,
        scale=0.9,
        softness=-0.015,
        focus=0.2,
        motion=0.7,
        mosaic=2,
        color_blur=3.0,
        noise=1.2,
        video=28,
        quality=80,
    ),
    "phone": Sensor(
        exposure=1.1,
        adaptation=0.88,
        metering=0.5,
        white_balance=0.8,
        saturation=1.15,
        contrast=1.1,
        softness=-0.05,
        motion=0.3,
        noise=0.8,
        quality=92,
    ),
}


def sensor_names() -> tuple[str, ...]:
    return tuple(SENSORS)


def sample_sensor(rng: np.random.Generator, preset: str) -> Sensor:
    """A camera of a kind: the preset, its parameters spread as between cameras of that kind; ``clean`` has no spread.

    Blur by focus and motion is rare or strong rather than always the same: each is left out for about half of the
    cameras, and then twice the preset's on average for the others. Video and mosaic show in a share of them.

    Raises:
        UsageError: the preset is unknown.
    """
    if preset not in SENSORS:
        raise unknown("sensor", preset, SENSORS)
    base = SENSORS[preset]
    if preset == "clean":
        return base

    def at_times() -> float:
        return float(rng.uniform(1.0, 3.0)) if rng.random() < 0.5 else 0.0

    video = int(rng.integers(base.video - 5, base.video + 6)) if base.video and rng.random() < VIDEO_SHARE else 0
    mosaic = base.mosaic if rng.random() < MOSAIC_SHARE else 0
    return replace(
        base,
        exposure=base.exposure * math.exp(rng.normal(0.0, 0.11)),
        adaptation=base.adaptation + rng.uniform(-0.03, 0.03),
        metering=min(max(base.metering + rng.uniform(-0.3, 0.3), 0.0), 1.0),
        white_balance=min(max(base.white_balance + rng.uniform(-0.15, 0.15), 0.0), 1.0),
        cast=(1 + rng.normal(0, 0.03), 1.0, 1 + rng.normal(0, 0.03)),
        saturation=base.saturation * rng.uniform(0.85, 1.12),
        knee=min(max(base.knee + rng.uniform(-0.2, 0.2), 0.3), 0.95),
        contrast=base.contrast * rng.uniform(0.92, 1.12),
        black=base.black * rng.uniform(0.3, 2.0),
        scale=min(max(base.scale * rng.uniform(0.72, 1.2), 0.4), 1.0),
        softness=base.softness + rng.uniform(-0.04, 0.06),
        focus=base.focus * at_times(),
        motion=base.motion * at_times(),
        motion_angle=rng.normal(0.0, 20.0) + 180.0 * int(rng.integers(2)),
        mosaic=mosaic,
        color_blur=base.color_blur * rng.uniform(0.6, 1.4),
        noise=base.noise * rng.uniform(0.4, 1.8),
        video=video,
        grid_down=int(rng.integers(8)),
        grid_right=int(rng.integers(8)),
        quality=min(max(base.quality + int(rng.integers(-10, 8)), 40), 97),
    )


def compress(image: NDArray[np.uint8], sensor: Sensor) -> bytes:
    """The JPEG file of an (h, w, 3) image."""
    return bytes(simplejpeg.encode_jpeg(image, quality=sensor.quality, colorsubsampling="420"))
