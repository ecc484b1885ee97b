"""What key lights and skies are to the kernels: where their shadow maps look, which things throw shadows, harmonics."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from closerlook.arrays import Float, Float32, Int
from closerlook.synthesis.rendering.light.conditions import Conditions
from closerlook.synthesis.rendering.surfaces.textures import CHAIN_LENGTH
from closerlook.synthesis.rendering.values import CASTER_ROW, KEY_LIGHT_ROW
from closerlook.synthesis.scenes.backdrop import Panels, Place
from closerlook.synthesis.scenes.frames import axes
from closerlook.synthesis.scenes.gloss import HIDDEN
from closerlook.synthesis.scenes.lighting import turned
from closerlook.synthesis.scenes.sky import sky_light

__all__ = ["LAMP_DISTANCE", "KeyLights", "casters", "key_lights", "shadow_matrices", "turned_skies"]


SHADOW_RADIUS = 1.35
LAMP_DISTANCE = 5.5
SHADOWS_WITHIN = 3.5  # meters of the person
MIDDLE = np.array([0.0, 0.9, 0.0])  # of the person, whom shadow maps are of
# Harmonics of a sky times the constants of their basis; see scenes.sky.harmonics for these and their order.
BASIS = np.array([0.282095] + [0.488603] * 3 + [1.092548] * 2 + [0.315392, 1.092548, 0.546274])[:, None]


@dataclass(frozen=True)
class KeyLights:
    """Suns and lamps of all views of a batch, with their skies and all that they throw shadows of.

    Attributes:
        rows: (l,) rows of :class:`values.KeyLight`, as ``Conditions.light`` has them.
        skies: (l, 9, 3) harmonics of each one's sky, times the constants of their basis.
        gloss: (k, n, 3) what surfaces mirror of the sky in each of ``Conditions.illuminations``.
        casters: (c,) rows of :class:`values.Caster`.
        cast_pose: (s,) number of the pose that each shadow map is of; map k has slot k.
        cast_matrix: (s, 4, 4) world to the clip space of its light.
        dark: (V,) whether some light of a view is a lamp, so that all lamps are on.
    """

    rows: NDArray[Any]
    skies: Float32
    gloss: Float32
    casters: NDArray[Any]
    cast_pose: Int
    cast_matrix: Float32
    dark: NDArray[np.bool_]


def key_lights(conditions: Conditions, pose_of: Int, places: Sequence[Place]) -> KeyLights:
    """The key lights of all views of a batch.

    Args:
        conditions: of the views' images.
        pose_of: (V,) number of the person's pose in each view.
        places: of each view.
    """
    skies = [sky_light(illumination) for illumination in conditions.illuminations]
    number, view = conditions.light, np.repeat(np.arange(len(places)), np.diff(conditions.light_ends))
    lamp = np.array([sky.lamp for sky in skies], bool)[number]
    north = np.array([place.north for place in places])[view]
    towards = turned(_each([sky.direction for sky in skies], number), north)
    rows: NDArray[Any] = np.zeros(len(number), dtype=KEY_LIGHT_ROW)
    rows["place"] = np.where(lamp[:, None], towards * LAMP_DISTANCE + MIDDLE, towards)
    rows["reach"] = np.where(lamp, LAMP_DISTANCE**2, 0.0)
    rows["sunward"] = turned(_each([sky.sunward for sky in skies], number), north)[:, [0, 2]]
    rows["shadow"] = shadow_matrices(towards, lamp)
    rows["gloss"], rows["lit"] = number, conditions.lit
    lit = np.flatnonzero(conditions.lit)
    first, rows["slot"][lit] = _casts(np.stack([pose_of[view], number, north], axis=1)[lit])
    cast = lit[first]
    thrown, ends = casters(places, view, towards, conditions.lit & ~lamp)
    rows["first_caster"], rows["end_caster"] = ends[:-1], ends[1:]
    turned_round = turned_skies(_each([sky.sky for sky in skies], number), north)
    return KeyLights(
        rows,
        (turned_round * BASIS).astype(np.float32),
        # In units of what it lights the open ground with
        np.stack([sky.gloss for sky in skies]) * np.float32(np.pi / (1.0 - HIDDEN)),
        thrown,
        pose_of[view[cast]],
        rows["shadow"][cast],
        np.bincount(view, lamp, len(places)) > 0,
    )


def _each(values: Sequence[Float], number: Int) -> Float:
    """What rows of these numbers have."""
    return np.array(values, np.float64)[number]


def _casts(keys: Float) -> tuple[Int, Int]:
    """Of lights with these (n, k) keys, one for each shadow map that is needed; and the (n,) number of each light's."""
    numbers = np.zeros(len(keys), np.int64)
    for column in keys.T:
        values, number = np.unique(column, return_inverse=True)
        numbers = numbers * len(values) + number
    _, first, slot = np.unique(numbers, return_index=True, return_inverse=True)
    return first, slot


def casters(places: Sequence[Place], view: Int, towards: Float, shining: NDArray[np.bool_]) -> tuple[NDArray[Any], Int]:
    """The things of a place whose shadow from a sun does not pass the person by, as rows of :class:`values.Caster`.

    A thing is taken for its own picture, turned to the light: its shadow is then as wide as it is.

    Args:
        places: of each view.
        view: (l,) of each light.
        towards: (l, 3) unit vectors to the lights.
        shining: (l,) whether it is a sun that shines.

    Returns:
        The rows of all lights end to end, and (l + 1,) where each light's begin.
    """
    sunny = np.flatnonzero(np.bincount(view, shining, len(places))).tolist()
    throws = {k: np.flatnonzero(_throw_shadows(places[k].panels)) for k in sunny}

    def column(name: str) -> NDArray[Any]:
        return np.concatenate([getattr(places[k].panels, name)[chosen] for k, chosen in throws.items()])

    if not sunny:
        return np.zeros(0, dtype=CASTER_ROW), np.zeros(len(view) + 1, np.int64)
    count = np.zeros(len(places), np.int64)
    count[sunny] = [len(chosen) for chosen in throws.values()]

    along, turns = column("along"), column("turns")[:, None]
    foot = column("corner") + np.where(turns, 0.0, along / 2)
    width = np.sqrt(along[:, 0] ** 2 + along[:, 1] ** 2 + along[:, 2] ** 2)
    x, y, z = towards.T
    level = np.sqrt(x * x + z * z)
    facing = np.stack([x, np.zeros_like(x), z], axis=1) / np.maximum(level, 1e-6)[:, None]
    reach, height = level / np.maximum(y, 0.05), column("upward")[:, 1]
    light, thing = _pairs(count, view, shining)
    # The nearest that the shadow comes to the person.
    (foot_x, _, foot_z), (facing_x, _, facing_z) = foot[thing].T, facing[light].T
    far = np.clip(foot_x * facing_x + foot_z * facing_z, 0.0, np.minimum(height[thing] * reach[light], 30.0))
    beside_x, beside_z = foot_x - far * facing_x, foot_z - far * facing_z
    near = np.sqrt(beside_x * beside_x + beside_z * beside_z) <= width[thing] / 2 + SHADOWS_WITHIN
    light, thing = light[near], thing[near]
    rows: NDArray[Any] = np.zeros(len(light), dtype=CASTER_ROW)
    rows["foot"], rows["height"], rows["facing"] = foot[thing], height[thing], facing[light]
    rows["across"] = facing[light][:, ::-1] * [1.0, 0.0, -1.0] / width[thing, None]
    rows["start"] = column("paint")[thing] * CHAIN_LENGTH
    return rows, np.searchsorted(light, np.arange(len(view) + 1))


def _throw_shadows(panels: Panels) -> NDArray[np.bool_]:
    return panels.cutout & (panels.turns | panels.front)


def _pairs(count: Int, view: Int, shining: NDArray[np.bool_]) -> tuple[Int, Int]:
    """Number of the light and of the thing for each light that shines and each of the ``count`` things of its view."""
    each = np.where(shining, count[view], 0)
    light = np.repeat(np.arange(len(view)), each)
    first_thing, first_pair = np.cumsum(count) - count, np.cumsum(each) - each
    return light, np.arange(len(light)) + (first_thing[view] - first_pair)[light]


def turned_skies(skies: Float, north: Float) -> Float:
    """(n, 9, 3) sky harmonics of places turned by (n,) ``north`` degrees about the vertical."""
    c, s = np.cos(np.radians(north))[:, None], np.sin(np.radians(north))[:, None]
    c2, s2 = c * c - s * s, 2 * s * c
    one, y, z, x, xy, yz, zz, xz, xx = np.moveaxis(skies, 1, 0)
    # 3z2-1 and x2-y2 mix with 3y2-1, which a turn about y leaves alone; see scenes.sky.harmonics for the order.
    upright = -0.5 * zz - 0.5 * 3**0.5 * xx
    flat = -0.5 * 3**0.5 * zz + 0.5 * xx
    xz, flat = c2 * xz + -s2 * flat, s2 * xz + c2 * flat
    zz, xx = -0.5 * upright - 0.5 * 3**0.5 * flat, -0.5 * 3**0.5 * upright + 0.5 * flat
    return np.stack([one, y, c * z - s * x, c * x + s * z, c * xy + s * yz, c * yz - s * xy, zz, xz, xx], axis=1)


def shadow_matrices(towards: Float, lamp: NDArray[np.bool_]) -> Float32:
    """(n, 4, 4) world to the clip space of key lights in these directions: parallel for suns, a cone for lamps; they
    cover the person."""
    distance = np.where(lamp, LAMP_DISTANCE, 15.0)
    right, up, forward = axes(-towards)
    view = np.zeros((len(towards), 4, 4))
    view[:, 0, :3], view[:, 1, :3], view[:, 2, :3] = right, up, -forward
    eye_x, eye_y, eye_z = (MIDDLE + towards * distance[:, None]).T[:, :, None]
    view[:, :, 3] = -(view[:, :, 0] * eye_x + view[:, :, 1] * eye_y + view[:, :, 2] * eye_z)
    near, far = np.where(lamp, 1.0, 5.0)[:, None], np.where(lamp, 20.0, 40.0)[:, None]
    matrix = view * (np.where(lamp, distance, 1.0) / SHADOW_RADIUS)[:, None, None]
    deep = np.array([0.0, 0.0, 0.0, 1.0])
    lamps = view[:, 2] * ((far + near) / (near - far)) + deep * (2 * far * near / (near - far))
    suns = view[:, 2] * (-2 / (far - near)) - deep * ((far + near) / (far - near))
    matrix[:, 2] = np.where(lamp[:, None], lamps, suns)
    matrix[:, 3] = np.where(lamp[:, None], -view[:, 2], deep)
    return matrix.astype(np.float32)
