"""What a sensor does, as the kernels take it: blurs as taps, the tone curve as a table, noise as a tile."""

from __future__ import annotations

import functools
import math

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from closerlook.randomness import keyed_rng
from closerlook.synthesis.render import smear
from closerlook.synthesis.scene.sensor import Sensor

__all__ = ["NOISE_UNIT", "bell", "blurs", "noise_tile", "softened", "tone_curve"]

Float = NDArray[np.float32]

NOISE_UNIT = 32
SOFTEST = 0.3  # curvature of three taps that still have the most weight in the middle
SMOOTHED, GRAIN = 3.0, 0.5  # pixels: how far cameras smooth the noise's colour, and its brightness


def softened(sensor: Sensor, height: int) -> tuple[float, float]:
    """The softness that the resampling has and the standard deviation, in pixels, of the lens's blur after it.

    Three taps blur by a variance of twice their curvature: as far as that does, the lens's blur costs nothing.
    """
    focus = sensor.focus * height / 128
    both = sensor.softness + (focus * sensor.scale) ** 2 / 2
    return (both, 0.0) if both <= SOFTEST else (sensor.softness, focus)


def blurs(sensor: Sensor, height: int) -> list[tuple[int, Float]]:
    """What a sensor blurs besides colour, for :func:`smear.smear`: (what, (n, 3) taps) in the order that it happens."""
    unit = height / 128
    passes = []
    _, focus = softened(sensor, height)
    if focus > 0.05:
        side = bell(focus)
        reach = np.arange(1 - len(side), len(side), dtype=np.float64)
        still, weight = np.zeros_like(reach), np.concatenate([side[:0:-1], side])
        passes += [(smear.ALL, np.stack(taps, 1)) for taps in ((reach, still, weight), (still, reach, weight))]
    length = sensor.motion * unit
    if length > 0.3:
        place = (np.arange(9) / 8 - 0.5) * length
        angle = np.radians(sensor.motion_angle)
        points = np.round(np.stack([place * np.cos(angle), -place * np.sin(angle)], 1))
        taps, count = np.unique(points, axis=0, return_counts=True)
        passes.append((smear.PERSON, np.concatenate([taps, count[:, None] / 9], 1)))
    return [(int(what), taps.astype(np.float32)) for what, taps in passes]


def bell(sigma: float) -> Float:
    """Weights, from the middle to one side, of a blur by ``sigma`` pixels: three of that variance if they can have it,
    else a Gaussian's."""
    side = sigma * sigma / 2
    if side <= SOFTEST:
        return np.array([1 - 2 * side, side], dtype=np.float32)
    weight: NDArray[np.float64] = np.exp(-0.5 * (np.arange(math.ceil(2 * sigma) + 1) / sigma) ** 2)
    return np.asarray(weight / (2 * weight.sum() - 1), dtype=np.float32)


@functools.lru_cache(maxsize=64)
def tone_curve(sensor: Sensor) -> Float:
    """(4096,) from the square root of exposed light (0 to expose.TONE_TOP) to 8-bit code values.

    Straight up to the sensor's knee, as video cameras are, with the rest of the light bent into what is left above it;
    no toe, which would swallow dark clothes. Then the display's transfer function and the contrast about grey.
    """
    light = (_LIGHT + sensor.black) / (1 + sensor.black)
    room = max(1.0 - sensor.knee, 1e-3)
    bent = sensor.knee + room * (1.0 - np.exp(np.minimum(sensor.knee - light, 0.0) / room))
    code = np.minimum(light, bent) ** (1 / 2.2)
    return np.asarray(np.minimum(np.maximum(255 * (0.46 + (code - 0.46) * sensor.contrast), 0), 255))


_LIGHT = (np.linspace(0, 1, 4096) ** 2 * 4.0).astype(np.float32)


@functools.cache
def noise_tile() -> NDArray[np.int8]:
    """(256, 256, 3) noise whose brightness has the deviation NOISE_UNIT.

    Red and blue are amplified for white to be white, and green has two of a mosaic's four pixels. Cameras smooth the
    noise's colour as far as the picture's, which leaves faint blotches, and hardly its brightness.
    """
    noise = keyed_rng(0, "noise").normal(size=(256, 256, 3)) * [1.8, math.sqrt(0.5), 1.6]
    grey = noise @ [0.299, 0.587, 0.114]
    colour = gaussian_filter(noise - grey[..., None], (SMOOTHED, SMOOTHED, 0), mode="wrap")
    grey = gaussian_filter(grey, GRAIN, mode="wrap")
    seen = (grey[..., None] + colour) / grey.std() * NOISE_UNIT
    return np.asarray(np.clip(np.round(seen), -127, 127), dtype=np.int8)
