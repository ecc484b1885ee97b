"""What sensors do, as the kernels take it: blurs as taps, tone curves as tables, noise as a tile."""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from closerlook.arrays import Float32
from closerlook.randomness import keyed_rng
from closerlook.synthesis.rendering.sensing import blur
from closerlook.synthesis.rendering.values import BLUR_ROW
from closerlook.synthesis.scenes.sensor import Sensor

__all__ = ["NOISE_UNIT", "Optics", "gaussian_taps", "noise_tile", "optics", "tone_curves"]


NOISE_UNIT = 32
SOFTEST = 0.3  # curvature of three taps that still have the most weight in the middle
SMOOTHED, GRAIN = 3.0, 0.5  # pixels: how far cameras smooth the noise's color, and its brightness


@dataclass(frozen=True, eq=False)
class Optics:
    """What the sensors of V views do to surfaces.

    Attributes:
        sizes: (V, 2) height and width of the sensors, pixels.
        softness: (V,) of the resampling.
        rounds: rows of values.Blur: of each view's first pass of :func:`blur.blur_surfaces`, of each one's second, ...
        taps: (n, 3) of all passes: right, down, weight.
        slot: (V,) where each view's surfaces are after it all.
        chroma_taps: (V, K) weights of the blur of color alone, from the middle to one side.
        chroma_tap_count: (V,) how many of the weights are in use, 0 where color is not blurred.
    """

    sizes: NDArray[np.int64]
    softness: NDArray[np.float64]
    rounds: tuple[NDArray[Any], ...]
    taps: Float32
    slot: NDArray[np.int64]
    chroma_taps: Float32
    chroma_tap_count: NDArray[np.int64]


def optics(sensors: Sequence[Sensor], size: tuple[int, int], capacity: int) -> Optics:
    """What sensors do to the surfaces of views that are at slots 0, 1, ... to become images of ``size``.

    Resampling and each pass of blur go to and fro between a view's own slot and that ``capacity`` slots further on.
    """
    unit = size[0] / 128
    scale, softness, focus, motion, angle, color_blur = np.array(
        [(s.scale, s.softness, s.focus, s.motion, s.motion_angle, s.color_blur) for s in sensors], dtype=np.float64
    ).T.copy()
    sizes = np.maximum(np.rint(scale[:, None] * size), 8).astype(np.int64)
    # Three taps blur by a variance of twice their curvature: as far as that does, the lens's blur costs nothing.
    focus *= unit
    both = softness + (focus * scale) ** 2 / 2
    done = both <= SOFTEST
    softness = np.where(done, both, softness)
    slot = np.arange(len(sensors)) + capacity * ((softness != 0) | (sizes != size).any(1))
    rounds, taps = _passes(np.where(done, 0.0, focus), motion * unit, np.radians(angle), slot, capacity)
    # Means of 2 x 2 pixels, interpolated, are already blurred by one pixel; the chroma taps count in means.
    weights, count = gaussian_taps(np.sqrt(np.maximum((color_blur * unit) ** 2 - 1, 0)) / 2)
    return Optics(sizes, softness, rounds, taps, slot, weights, np.where(color_blur > 0, count, 0))


def gaussian_taps(sigma: NDArray[np.float64]) -> tuple[Float32, NDArray[np.int64]]:
    """Weights (V, K), from the middle to one side, of blurs by ``sigma`` (V,) pixels, and how many each has.

    They are three of that variance if they can have it, else a Gaussian's.
    """
    side = sigma * sigma / 2
    three = side <= SOFTEST
    count = np.where(three, np.where(sigma > 0, 2, 1), np.ceil(2 * sigma).astype(np.int64) + 1)
    steps = np.arange(max(int(count.max(initial=0)), 2))
    weights = np.exp(-0.5 * (steps / np.where(three, 1.0, sigma)[:, None]) ** 2)
    weights[steps >= count[:, None]] = 0.0
    total = weights[:, 0].copy()
    for column in weights.T[1:]:  # one by one: a sum over an axis may round otherwise where a wider row is in the batch
        total += 2 * column
    weights /= np.where(three, 1.0, total)[:, None]
    weights[three, :2] = np.stack([1 - 2 * side, side], axis=1)[three]
    return weights.astype(np.float32), count


def _passes(
    focus: NDArray[np.float64],
    motion: NDArray[np.float64],
    angle: NDArray[np.float64],
    slot: NDArray[np.int64],
    capacity: int,
) -> tuple[tuple[NDArray[Any], ...], Float32]:
    """Rows of values.Blur by rounds, and the taps; adds each view's passes to where its surfaces are (``slot``)."""
    lens = np.flatnonzero(focus > 0.05)
    weights, _ = gaussian_taps(focus[lens])
    right, down, weight = _trails(motion, angle)
    moved = np.flatnonzero((motion > 0.3) & ((weight > 0).sum(1) > 1))
    steps = np.arange(1 - weights.shape[1], weights.shape[1])
    beside = weights[:, np.abs(steps)]
    reach, still = np.broadcast_to(steps, beside.shape), np.zeros_like(beside)
    passes = [
        (lens, blur.ALL, np.stack([reach, still, beside], axis=2)),
        (lens, blur.ALL, np.stack([still, reach, beside], axis=2)),
        (moved, blur.PERSON, np.stack([right, down, weight], axis=2)[moved]),
    ]
    first, rows, turns, taps = 0, [], [], []
    turn = np.zeros(len(slot), dtype=np.int64)
    for views, what, lines in passes:
        used = lines[:, :, 2] > 0
        ends = first + np.cumsum(used.sum(1))
        row: NDArray[Any] = np.zeros(len(views), dtype=BLUR_ROW)
        row["source"], row["what"] = slot[views], int(what)
        slot[views] += np.where(slot[views] < capacity, capacity, -capacity)
        row["target"], row["first_tap"], row["end_tap"] = slot[views], ends - used.sum(1), ends
        first += int(used.sum())
        rows.append(row)
        turns.append(turn[views])
        taps.append(lines[used])
        turn[views] += 1
    order = np.concatenate(turns)
    rounds = tuple(np.concatenate(rows)[order == i] for i in range(turn.max(initial=0)))
    return rounds, np.concatenate(taps).astype(np.float32)


def _trails(motion: NDArray[np.float64], angle: NDArray[np.float64]) -> tuple[NDArray[np.float64], ...]:
    """Pixels right and down (V, 9) of points on the way of what moves so far, and weights, 0 for points met before."""
    place = (np.arange(9) / 8 - 0.5) * motion[:, None]
    right, down = np.rint(place * np.cos(angle)[:, None]), np.rint(-place * np.sin(angle)[:, None])
    new = np.ones(place.shape, dtype=bool)
    new[:, 1:] = (np.diff(right) != 0) | (np.diff(down) != 0)
    run = np.cumsum(new).reshape(new.shape) - 1  # a row's first is always new
    return right, down, np.where(new, np.bincount(run.ravel())[run] / 9, 0.0)


def tone_curves(sensors: Sequence[Sensor]) -> Float32:
    """(V, 4096) from the square root of exposed light (0 to expose.TONE_TOP) to 8-bit code values.

    Straight up to the sensor's knee, as video cameras are, with the rest of the light bent into what is left above it;
    no toe, which would swallow dark clothes. Then the display's transfer function and the contrast about gray.
    """
    settings = np.array([(s.black, s.knee, s.contrast) for s in sensors], dtype=np.float32)
    black, knee, contrast = settings.T[:, :, None]
    light = (_LIGHT + black) / (1 + black)
    room = np.maximum(1 - knee, np.float32(1e-3))
    bent = knee + room * (1 - np.exp(np.minimum(knee - light, 0) / room))
    code = np.minimum(light, bent) ** np.float32(1 / 2.2)
    return np.asarray(np.clip(255 * (np.float32(0.46) + (code - np.float32(0.46)) * contrast), 0, 255))


_LIGHT = (np.linspace(0, 1, 4096) ** 2 * 4.0).astype(np.float32)


@functools.cache
def noise_tile() -> NDArray[np.int8]:
    """(256, 256, 3) noise whose brightness has the deviation NOISE_UNIT.

    Red and blue are amplified for white to be white, and green has two of a mosaic's four pixels. Cameras smooth the
    noise's color as far as the picture's, which leaves faint blotches, and hardly its brightness.
    """
    noise = keyed_rng(0, "noise").normal(size=(256, 256, 3)) * [1.8, math.sqrt(0.5), 1.6]
    gray = noise @ [0.299, 0.587, 0.114]
    color = gaussian_filter(noise - gray[..., None], (SMOOTHED, SMOOTHED, 0), mode="wrap")
    gray = gaussian_filter(gray, GRAIN, mode="wrap")
    tile = (gray[..., None] + color) / gray.std() * NOISE_UNIT
    return np.asarray(np.clip(np.round(tile), -127, 127), dtype=np.int8)
