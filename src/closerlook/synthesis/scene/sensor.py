"""What the camera does to the light: exposure, colour, resolution, noise, tone and compression."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from closerlook.errors import unknown

__all__ = ["SENSORS", "Sensor", "sample_sensor", "sensor_names"]


@dataclass(frozen=True)
class Sensor:
    """A camera's electronics.

    Attributes:
        exposure: of a white surface in REFERENCE light; 1 just reaches the shoulder of the tone curve.
        adaptation: how far automatic exposure follows the light, 0 not at all to 1 fully.
        white_balance: how far the light's colour is taken out, 0 to 1.
        cast: (r, g, b) factors of the camera's own colour cast.
        saturation: of colours, 1 as they are.
        contrast: exponent around middle grey, 1 as it is.
        black: light scattered in the lens, as a share of white: lifts the shadows.
        scale: pixels across the person on the sensor, as a share of the image's; below 1 the image is enlarged.
        softness: curvature of the resampling kernel: 0.125 a B-spline (soft), 0 interpolating, below 0 sharpened.
        noise: standard deviation at middle grey in reference light, in 8-bit code values.
        quality: of the JPEG, 1 to 100.
    """

    exposure: float = 1.0
    adaptation: float = 0.84
    white_balance: float = 0.55
    cast: tuple[float, float, float] = (1.0, 1.0, 1.0)
    saturation: float = 1.0
    contrast: float = 1.0
    black: float = 0.0
    scale: float = 1.0
    softness: float = 0.0
    noise: float = 0.0
    quality: int = 95


SENSORS: dict[str, Sensor] = {
    "clean": Sensor(),
    "cctv": Sensor(
        adaptation=0.83,
        exposure=1.05,
        saturation=0.78,
        contrast=1.25,
        black=0.008,
        scale=0.85,
        softness=0.04,
        noise=1.2,
        quality=88,
    ),
    "phone": Sensor(
        exposure=1.1, adaptation=0.88, white_balance=0.8, saturation=1.1, softness=-0.05, noise=0.8, quality=92
    ),
}


def sensor_names() -> tuple[str, ...]:
    return tuple(SENSORS)


def sample_sensor(rng: np.random.Generator, preset: str) -> Sensor:
    """A camera of a kind: the preset, its parameters spread as between cameras of that kind; ``clean`` has no spread.

    Raises:
        UsageError: the preset is unknown.
    """
    if preset not in SENSORS:
        raise unknown("sensor", preset, SENSORS)
    base = SENSORS[preset]
    if preset == "clean":
        return base
    return Sensor(
        exposure=base.exposure * float(np.exp(rng.normal(0.0, 0.11))),
        adaptation=base.adaptation + rng.uniform(-0.03, 0.03),
        white_balance=float(np.clip(base.white_balance + rng.uniform(-0.15, 0.15), 0.0, 1.0)),
        cast=(1 + rng.normal(0, 0.03), 1.0, 1 + rng.normal(0, 0.03)),
        saturation=base.saturation * rng.uniform(0.85, 1.12),
        contrast=base.contrast * rng.uniform(0.92, 1.12),
        black=base.black * rng.uniform(0.3, 2.0),
        scale=float(np.clip(base.scale * rng.uniform(0.72, 1.2), 0.4, 1.0)),
        softness=base.softness + rng.uniform(-0.04, 0.06),
        noise=base.noise * rng.uniform(0.4, 1.8),
        quality=int(np.clip(base.quality + rng.integers(-10, 8), 40, 97)),
    )
