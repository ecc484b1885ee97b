"""What a sensor does, as the kernels take it: blurs as taps, the tone curve as a table, noise as a tile."""

from __future__ import annotations

import functools
import math

import numpy as np
from numpy.typing import NDArray

from closerlook.randomness import keyed_rng
from closerlook.synthesis.render import smear
from closerlook.synthesis.scene.sensor import Sensor

__all__ = ["NOISE_UNIT", "blurs", "noise_tile", "softened", "tone_curve"]

Float = NDArray[np.float32]

NOISE_UNIT = 32
SOFTEST = 0.3  # curvature of three taps that still have the most weight in the middle


def softened(sensor: Sensor, height: int) -> tuple[float, float]:
    """The softness that the resampling has and the standard deviation, in pixels, of the lens's blur after it.

    Three taps blur by a variance of twice their curvature: as far as that does, the lens's blur costs nothing.
    """
    focus = sensor.focus * height / 128
    both = sensor.softness + (focus * sensor.scale) ** 2 / 2
    return (both, 0.0) if both <= SOFTEST else (sensor.softness, focus)


def _bell(sigma: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Offsets and weights of a blur by ``sigma`` pixels: three of that variance if they can, else a Gaussian's."""
    side = sigma * sigma / 2
    if side <= SOFTEST:
        return np.array([-1.0, 0.0, 1.0]), np.array([side, 1 - 2 * side, side])
    reach = np.arange(-math.ceil(2.5 * sigma), math.ceil(2.5 * sigma) + 1, dtype=np.float64)
    weight = np.exp(-0.5 * (reach / sigma) ** 2)
    return reach, weight / weight.sum()


def blurs(sensor: Sensor, height: int) -> list[tuple[int, Float]]:
    """What a sensor blurs, for :func:`smear.smear`: (what, (n, 3) taps) in the order that it happens."""
    unit = height / 128
    passes = []
    _, focus = softened(sensor, height)
    for what, sigma in ((smear.ALL, focus), (smear.COLOUR, sensor.colour_blur * unit)):
        if sigma > 0.05:
            reach, weight = _bell(sigma)
            still = np.zeros_like(weight)
            passes += [(what, np.stack([reach, still, weight], 1)), (what, np.stack([still, reach, weight], 1))]
    length = sensor.motion * unit
    if length > 0.3:
        place = (np.arange(9) / 8 - 0.5) * length
        angle = np.radians(sensor.motion_angle)
        points = np.round(np.stack([place * np.cos(angle), -place * np.sin(angle)], 1))
        taps, count = np.unique(points, axis=0, return_counts=True)
        passes.append((smear.PERSON, np.concatenate([taps, count[:, None] / 9], 1)))
    return [(int(what), taps.astype(np.float32)) for what, taps in passes]


@functools.lru_cache(maxsize=64)
def tone_curve(sensor: Sensor) -> Float:
    """(4096,) from the square root of exposed light (0 to relight.TONE_TOP) to 8-bit code values.

    Straight up to the sensor's knee, as video cameras are, with the rest of the light bent into what is left above it;
    no toe, which would swallow dark clothes. Then the display's transfer function and the contrast about grey.
    """
    light = np.linspace(0, 1, 4096) ** 2 * 4.0
    light = (light + sensor.black) / (1 + sensor.black)
    room = max(1.0 - sensor.knee, 1e-3)
    bent = sensor.knee + room * (1.0 - np.exp(-np.maximum(light - sensor.knee, 0.0) / room))
    code = np.minimum(light, bent) ** (1 / 2.2)
    code = np.clip(0.46 + (code - 0.46) * sensor.contrast, 0, 1)
    return (code * 255).astype(np.float32)


@functools.cache
def noise_tile() -> NDArray[np.int8]:
    """(256, 256, 3) Gaussian noise of deviation NOISE_UNIT, partly shared by the channels and by neighbours, as a
    camera's is that has been through demosaicking and a video codec."""
    rng = keyed_rng(0, "noise")
    noise = 0.55 * rng.normal(size=(256, 256, 3)) + 0.85 * rng.normal(size=(256, 256, 1))
    noise = noise + 0.5 * (np.roll(noise, 1, axis=0) + np.roll(noise, 1, axis=1))
    scaled: NDArray[np.int8] = np.clip(noise / noise.std() * NOISE_UNIT, -127, 127).astype(np.int8)
    return scaled
