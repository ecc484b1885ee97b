"""What darkens the sky that surfaces see: spheres that stand for things, and where on the person it is looked for."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from closerlook.arrays import Float
from closerlook.synthesis.rendering.light.body_spheres import BANDS, REACH
from closerlook.synthesis.scenes.frames import Frames

__all__ = ["SPHERES", "TAPS", "may_occlude", "spirals"]


SPHERES = 2 * int(BANDS) + 1  # of a pose, as body_spheres.bodies makes them
TAPS = 12  # a sample, for what of the person is before it; neighbors have others


def may_occlude(spheres: Float, view_of: NDArray[np.int64], frames: Frames) -> NDArray[np.bool_]:
    """(k,) which spheres, of places that views numbered ``view_of`` see, may darken something that the cameras see.

    See :func:`occlusion.occlude`.

    Args:
        spheres: (k, 4) x, y, z and radius.
        view_of: (k,) row of ``frames`` of each.
        frames: the views' cameras.
    """
    reach = REACH * spheres[:, 3]
    right, up, depth = frames.along_axes(spheres[:, :3] - frames.eye[view_of], view_of)
    x, y, half_width, half_height = frames.window[view_of].T
    stretch = 1 + np.abs(frames.distortion[view_of]) * 2 * np.maximum(x * x + y * y, half_height**2)
    right, up = np.abs(right - x * depth), np.abs(up - y * depth)
    wide, high = half_width * stretch, half_height * stretch
    aside = (right - wide * depth) / np.sqrt(1 + (np.abs(x) + wide) ** 2)
    above = (up - high * depth) / np.sqrt(1 + (np.abs(y) + high) ** 2)
    return np.asarray((depth > -reach) & (aside < reach) & (above < reach))


_TURN, _TAP = np.arange(4)[:, None], np.arange(TAPS)
_ANGLE = _TURN * (np.pi / 2) + _TAP * 2.3999632
_SPIRAL = np.stack([np.cos(_ANGLE), np.sin(_ANGLE)], axis=2) * np.sqrt((_TAP + (_TURN + 0.5) / 4) / TAPS)[..., None]


def spirals(reach: Float) -> NDArray[np.int32]:
    """(V, 4, TAPS, 2) offsets in samples, right and down, that fill discs of radius ``reach`` (V,) evenly; 4 turns of
    one spiral."""
    return np.rint(_SPIRAL * reach[:, None, None, None]).astype(np.int32)
