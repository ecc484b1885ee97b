"""Spheres that stand for people and things when it is worked out how much of the sky a surface sees."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from closerlook.synthesis.render import occlusion
from closerlook.synthesis.scene.camera import Frame

__all__ = ["body_blobs", "shading", "spiral"]

Float = NDArray[np.float32]

TAPS = 5  # a pixel, for what of the person is before it; neighbours have others


def body_blobs(positions: Float, bands: int = 8) -> Float:
    """(k, 4) spheres (x, y, z, radius) that stand for the body when the place's open sky is worked out, k <= 2 bands.

    Each height band is split in two across its longer horizontal axis, so that both feet have their own.
    """
    x, y, z = positions.T.astype(np.float64)
    top = y.max()
    band = np.minimum((y / top * bands).astype(int), bands - 1)
    count = np.maximum(np.bincount(band, minlength=bands), 1)

    def mean(values: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.asarray(np.bincount(band, values, minlength=bands) / count)

    dx, dz = x - mean(x)[band], z - mean(z)[band]
    angle = 0.5 * np.arctan2(2 * mean(dx * dz), mean(dx * dx) - mean(dz * dz))[band]
    half = 2 * band + (dx * np.cos(angle) + dz * np.sin(angle) > 0)
    size = np.bincount(half, minlength=2 * bands)
    kept = np.flatnonzero(size)
    sums = [np.bincount(half, values, minlength=2 * bands)[kept] / size[kept] for values in (x, z, x * x + z * z)]
    radius = np.sqrt(np.maximum(sums[2] - sums[0] ** 2 - sums[1] ** 2, 0.0))
    blobs = [sums[0], (kept // 2 + 0.5) * top / bands, sums[1], np.clip(radius, 0.05, 0.3)]
    return np.stack(blobs, axis=1).astype(np.float32)


def shading(blobs: NDArray[np.float64], seen: Frame) -> NDArray[np.bool_]:
    """(k,) which spheres may darken something that a camera sees; see :func:`occlusion.occlude`."""
    reach = occlusion.REACH * blobs[:, 3]
    to_blob = blobs[:, :3] - seen.eye
    depth, (x, y, half_width, half_height) = to_blob @ seen.forward, seen.window
    stretch = 1 + abs(seen.distortion) * 2 * max(x * x + y * y, half_height**2)
    right, up = np.abs(to_blob @ seen.right - x * depth), np.abs(to_blob @ seen.up - y * depth)
    wide, high = half_width * stretch, half_height * stretch
    aside = (right - wide * depth) / np.hypot(1, abs(x) + wide)
    above = (up - high * depth) / np.hypot(1, abs(y) + high)
    return np.asarray((depth > -reach) & (aside < reach) & (above < reach))


def spiral(reach: float) -> NDArray[np.int32]:
    """(16, TAPS, 2) offsets in pixels, right and down, that fill a disc evenly; 16 turns of one spiral."""
    angle = np.arange(16)[:, None] * (np.pi / 8) + np.arange(TAPS) * 2.3999632
    radius = reach * np.sqrt((np.arange(TAPS) + 0.5) / TAPS)
    return np.rint(np.stack([np.cos(angle), np.sin(angle)], axis=2) * radius[:, None]).astype(np.int32)
