"""The sky as glossy surfaces mirror it: its radiance prefiltered with the lobes of a row of roughnesses.

The split-sum approximation: what a surface mirrors is the mean of the radiance over its lobe, worked out here, times
the share that it mirrors of an even sky; render.specular looks up the former and has the latter. A clear sky is alike
on either side of the sun, so half of an octahedron holds it: that half's octahedral map, turned by 45 degrees, is a
square.

Sources: Karis, "Real Shading in Unreal Engine 4" (2013) for the split sum and the lobes; Cigolle et al., "A Survey of
Efficient Representations for Independent Unit Vectors" (2014) for the map.
"""

from __future__ import annotations

import functools

import numpy as np
from numpy.typing import NDArray

from closerlook.arrays import Float

__all__ = [
    "HEIGHTS",
    "HIDDEN",
    "LEVELS",
    "SIDES",
    "TEXELS",
    "directions",
    "lobes",
    "open_share",
    "prefiltered",
    "skyline",
]


LEVELS = 8  # of roughness: the first mirrors, the k-th holds lobes of roughness (k + 0.5) / 8, the last is chalk
SIDES = (32, 32, 16, 16, 8, 8, 8, 8)  # texels of each level's square
TEXELS = sum(side * side for side in SIDES)
HEIGHTS = 33  # that :func:`skyline` is given for, from straight down to straight up
HIDDEN = 0.3  # of the light of an even sky on the ground, by walls, trees and things around
SKYLINE = (3 * HIDDEN) ** 0.5  # sine of the elevation above which none of them reach


def open_share(height: Float) -> Float:
    """Share of the places around that leave the sky open at directions of this height (their y)."""
    return np.asarray(np.clip(height / SKYLINE, 0.0, 1.0))


def lobes(cos: Float, roughness: float) -> Float:
    """Weight of light at this cosine to a lobe's middle: GGX seen along the normal, not normalized."""
    alpha2 = roughness**4
    spread = (0.5 + 0.5 * cos) * (alpha2 - 1.0) + 1.0  # the half vector has half the angle
    return np.asarray(np.maximum(cos, 0.0) / spread**2)


def _square(side: int) -> tuple[Float, Float]:
    """(side**2, 3) directions of a square's texels, x towards the sun, y up, z >= 0 aside, and (side**2,) solid angles
    of half the sphere."""
    t, s = np.meshgrid(*[(np.arange(side) + 0.5) * 2 / side - 1] * 2, indexing="ij")
    x, y = (s + t) / 2, (s - t) / 2
    points = np.stack([x, y, 1 - np.abs(x) - np.abs(y)], axis=-1).reshape(-1, 3)
    length = np.linalg.norm(points, axis=1)
    return points / length[:, None], 2 / side**2 / length**3


def directions() -> Float:
    """(n, 3) unit vectors at which the radiance of a sky is wanted, sun towards +x."""
    return _square(SIDES[0])[0]


@functools.cache
def _filters() -> tuple[NDArray[np.float32], ...]:
    """Each level's (side**2, n) weights of the radiance at :func:`directions`; none for the first, which mirrors."""
    fine, solid_angle = _square(SIDES[0])
    rows = []
    for level, side in enumerate(SIDES[1:], start=1):
        towards, _ = _square(side)
        near, far = towards @ fine.T, (towards * [1, 1, -1]) @ fine.T
        roughness = (level + 0.5) / LEVELS
        weights = (lobes(near, roughness) + lobes(far, roughness)) * solid_angle
        rows.append((weights / weights.sum(1, keepdims=True)).astype(np.float32))
    return tuple(rows)


def prefiltered(radiance: Float) -> NDArray[np.float32]:
    """(TEXELS, 3) all levels, one after the other, of a sky with this (n, 3) radiance at :func:`directions`.

    Below the horizon, and where the surroundings hide it, there is no sky.
    """
    visible = (radiance * open_share(directions()[:, 1:2])).astype(np.float32)
    return np.concatenate([visible, *(weights @ visible for weights in _filters())])


@functools.cache
def skyline() -> NDArray[np.float32]:
    """(LEVELS, HEIGHTS, 2) what lobes see, by the height of their middle: the share of open sky, and the light of an
    overcast sky that lights level ground with pi (CIE: zenith three times as bright as the horizon)."""
    sky, solid_angle = _square(64)
    height = np.linspace(-1, 1, HEIGHTS)
    towards = np.stack([np.sqrt(1 - height**2), height, np.zeros(HEIGHTS)], axis=1)
    share = open_share(sky[:, 1])
    visible = np.stack([share, share * (1 + 2 * sky[:, 1]) * 3 / 7], axis=1)
    levels = []
    for level in range(LEVELS):
        weights = lobes(towards @ sky.T, (level + 0.5) / LEVELS) * solid_angle
        levels.append(weights @ visible / weights.sum(1, keepdims=True))
    return np.stack(levels).astype(np.float32)
