"""Street lamps around, besides the one that lights the person: pools of light on the ground and on walls.

They throw no shadows. Each shines downwards, as strong as the person's lamp times its power.
"""

# ruff: noqa: UP018 - to Warp, the cast makes a variable of a constant
# Warp types kernels, not Python:
# mypy: ignore-errors

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import warp as wp
from numpy.typing import NDArray

from closerlook.synthesis.rendering.light.beams import LAMP_DISTANCE
from closerlook.synthesis.rendering.light.specular import WATER_ROUGH, highlight
from closerlook.synthesis.scenes.backdrop import Place
from closerlook.synthesis.scenes.frames import Frames

GLARE = wp.constant(0.4)  # of a lamp's strength is seen from beside its cone
MAX_LAMPS = 6  # lamps in a view
REACH = 9.0  # meters that a lamp lights
NO_LAMPS = np.zeros((0, 4))


def lamp_rows(
    places: Sequence[Place], dark: NDArray[np.bool_], frames: Frames
) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """The lamps that may light what cameras see, the strongest there first, ``MAX_LAMPS`` a view.

    Power becomes that at one meter from the lamp, where the person's lamp is at its own distance from the person.

    Args:
        places: of V views.
        dark: (V,) whether lamps are on in the view.
        frames: of the views.

    Returns:
        (n, 4) positions and powers, view by view, and (V + 1,) where each view's begin.
    """
    lamps_of = [place.lamps if on else NO_LAMPS for place, on in zip(places, dark.tolist(), strict=True)]
    view = np.repeat(np.arange(len(places)), [len(lamps) for lamps in lamps_of])
    lamps, distance = np.concatenate(lamps_of), frames.distance[view]
    right, _, depth = frames.along_axes(lamps[:, :3] - frames.eye[view], view)
    x, _, half, _ = frames.window[view].T
    aside = np.abs(right - x * depth) - half * np.maximum(depth, 0.0)
    near = np.flatnonzero((depth > distance - REACH) & (aside < REACH))
    off = np.maximum(aside, 0.0) + np.maximum(depth - distance, 0.0)
    near = near[np.lexsort((off[near], view[near]))]
    begins = np.searchsorted(view[near], np.arange(len(places)))
    kept = near[np.arange(len(near)) - begins[view[near]] < MAX_LAMPS]
    rows = lamps[kept] * [1.0, 1.0, 1.0, LAMP_DISTANCE**2]
    return rows.astype(np.float32), np.searchsorted(view[kept], np.arange(len(places) + 1))


@wp.func
def below_shade(towards: wp.vec3) -> float:
    """Share of a lamp's strength in the direction from which it is seen ``towards``: a cone with a soft edge."""
    return wp.smoothstep(0.35, 0.8, towards[1])


@wp.func
def arriving(lamp: wp.vec4, n: wp.vec3, p: wp.vec3, glare: float) -> wp.vec4:
    """Direction to a lamp, and what of it arrives; beside its cone it has the share ``glare`` of its strength."""
    to_lamp = wp.vec3(lamp[0], lamp[1], lamp[2]) - p
    d2 = wp.max(wp.dot(to_lamp, to_lamp), 0.09)
    towards = to_lamp * (1.0 / wp.sqrt(d2))
    light = wp.max(wp.dot(n, towards), 0.0) * lamp[3] / d2 * (glare + (1.0 - glare) * below_shade(towards))
    return wp.vec4(towards[0], towards[1], towards[2], light)


@wp.func
def reflections(lamps: wp.array(dtype=wp.vec4), first: int, end: int, n: wp.vec3, p: wp.vec3, to_eye: wp.vec3) -> float:
    """What water on the ground mirrors of the lamps from ``first`` to before ``end``: drawn out towards the eye, since
    the ground is seen at a slant."""
    total = float(0.0)
    for k in range(first, end):
        came = arriving(lamps[k], n, p, GLARE)
        total += came[3] * highlight(n, to_eye, wp.vec3(came[0], came[1], came[2]), WATER_ROUGH)
    return total


@wp.func
def lamplight(lamps: wp.array(dtype=wp.vec4), first: int, end: int, n: wp.vec3, p: wp.vec3) -> float:
    """What arrives from the lamps from ``first`` to before ``end``, as a share of what the person's lamp brings to the
    person."""
    total = float(0.0)
    for k in range(first, end):
        total += arriving(lamps[k], n, p, 0.0)[3]
    return total
