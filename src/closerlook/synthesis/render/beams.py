"""What key lights and skies are to the kernels: where their shadow maps look, which things throw shadows, harmonics."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from closerlook.synthesis.render.textures import library
from closerlook.synthesis.render.values import CASTER_ROW
from closerlook.synthesis.scene.backdrop import Panels
from closerlook.synthesis.scene.camera import look_at
from closerlook.synthesis.scene.gloss import HIDDEN
from closerlook.synthesis.scene.sky import Illumination, sky_light

__all__ = ["LAMP_DISTANCE", "NO_CASTERS", "caster_rows", "mirrored_sky", "shadow_matrix", "turned_sky", "weighted"]

Float = NDArray[np.float32]

SHADOW_RADIUS = 1.35
LAMP_DISTANCE = 5.5
SHADOWS_WITHIN = 3.5  # metres of the person
NO_CASTERS: NDArray[Any] = np.zeros(0, dtype=CASTER_ROW)


def caster_rows(panels: Panels, towards: Float) -> NDArray[Any]:
    """The things of a place whose shadow from a sun does not pass the person by, as rows of :class:`Caster`.

    A thing is taken for its own picture, turned to the light: its shadow is then as wide as it is.
    """
    j = np.flatnonzero(panels.cutout & (panels.turns | panels.front))
    foot = panels.corner[j] + np.where(panels.turns[j, None], 0.0, panels.along[j] / 2)
    width, height = np.linalg.norm(panels.along[j], axis=1), panels.upward[j, 1]
    level = float(np.hypot(towards[0], towards[2]))
    facing = np.array([towards[0], 0.0, towards[2]]) / max(level, 1e-6)
    # The nearest that the shadow comes to the person.
    along = np.clip(foot @ facing, 0.0, np.minimum(height * level / max(float(towards[1]), 0.05), 30.0))
    near = np.linalg.norm(foot - along[:, None] * facing, axis=1) <= width / 2 + SHADOWS_WITHIN
    rows: NDArray[Any] = np.zeros(int(near.sum()), dtype=CASTER_ROW)
    rows["foot"], rows["height"], rows["facing"] = foot[near], height[near], facing
    rows["across"] = np.array([facing[2], 0.0, -facing[0]]) / width[near, None]
    rows["start"] = [library().start[panels.texture[i]] for i in j[near]]
    return rows


def turned_sky(illumination: Illumination, north: float) -> NDArray[np.float64]:
    """(9, 3) sky harmonics of a place turned by ``north`` degrees about the vertical."""
    sky = sky_light(illumination).sky
    c, s = np.cos(np.radians(north)), np.sin(np.radians(north))
    c2, s2 = c * c - s * s, 2 * s * c
    one, y, z, x, xy, yz, zz, xz, xx = sky
    # 3z2-1 and x2-y2 mix with 3y2-1, which a turn about y leaves alone; see scene.sky.harmonics for the order.
    upright = -0.5 * zz - 0.5 * 3**0.5 * xx
    flat = -0.5 * 3**0.5 * zz + 0.5 * xx
    xz, flat = c2 * xz + -s2 * flat, s2 * xz + c2 * flat
    zz, xx = -0.5 * upright - 0.5 * 3**0.5 * flat, -0.5 * 3**0.5 * upright + 0.5 * flat
    return np.stack([one, y, c * z - s * x, c * x + s * z, c * xy + s * yz, c * yz - s * xy, zz, xz, xx])


def mirrored_sky(illumination: Illumination) -> Float:
    """(n, 3) prefiltered radiance of the sky of a time of day, in units of what it lights the open ground with."""
    return np.asarray(sky_light(illumination).gloss * (np.pi / (1.0 - HIDDEN)), dtype=np.float32)


def weighted(sky: NDArray[np.float64]) -> Float:
    """(n, 9, 3) harmonics times the constants of their basis; see scene.sky.harmonics."""
    constants = [0.282095] + [0.488603] * 3 + [1.092548] * 2 + [0.315392, 1.092548, 0.546274]
    return np.asarray(sky * np.array(constants)[:, None], dtype=np.float32)


def shadow_matrix(towards: NDArray[np.float64], lamp: bool) -> Float:
    """World to the clip space of the key light: parallel for the sun, a cone for a lamp; covers the person."""
    middle = np.array([0.0, 0.9, 0.0], dtype=np.float32)
    distance = LAMP_DISTANCE if lamp else 15.0
    eye = (middle + towards * distance).astype(np.float32)
    right, up, forward = look_at(eye, middle)
    view = np.eye(4)
    view[:3, :3] = np.stack([right, up, -forward])
    view[:3, 3] = -view[:3, :3] @ eye
    projection = np.eye(4)
    near, far = (1.0, 20.0) if lamp else (5.0, 40.0)
    if lamp:
        spread = distance / SHADOW_RADIUS
        projection[0, 0] = projection[1, 1] = spread
        projection[2, 2], projection[2, 3] = (far + near) / (near - far), 2 * far * near / (near - far)
        projection[3, 2], projection[3, 3] = -1.0, 0.0
    else:
        projection[0, 0] = projection[1, 1] = 1 / SHADOW_RADIUS
        projection[2, 2], projection[2, 3] = -2 / (far - near), -(far + near) / (far - near)
    return np.asarray(projection @ view, dtype=np.float32)
