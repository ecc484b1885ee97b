"""Shoes made from the feet of the second skin: smoothed, thickened, on a flat sole."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from closerlook.synthesis.person.mannequin import Mannequin, smoothed
from closerlook.synthesis.person.mesh import Material
from closerlook.synthesis.person.palette import Colour
from closerlook.synthesis.person.parts import Part

__all__ = ["shoe_part"]

Float = NDArray[np.floating]


def shoe_part(form: Mannequin, kind: str, colour: Colour, sole: Colour, under: Float) -> tuple[Part, Float]:
    """``sneakers``, ``shoes`` or ``boots``; also how far inside them each vertex of the tights lies.

    Boots go over what stands off the mannequin by ``under`` (t,).
    """
    marks, stature = form.landmarks, form.body.shape.stature
    reach = {"boots": 0.42 * marks.knee + 0.1 * stature * 0.3, "sneakers": marks.ankle + 0.012}.get(
        kind, marks.ankle - 0.012
    )
    sheet = form.sheet
    thick = np.maximum(0.012, under + 0.004) if kind == "boots" else np.full(len(sheet), 0.009)
    soft = smoothed(sheet.position, 5, sheet.values["foot"])
    covers = np.where(sheet.values["leg"] > 0.5, reach - soft[:, 1], -1.0).astype(np.float32)
    position = soft + thick[:, None] * sheet.values["normal"]
    rubber = 0.026 if kind == "sneakers" else 0.016
    low = np.clip((0.03 - soft[:, 1]) / 0.03, 0, 1)
    height = np.where(soft[:, 1] < 0.03, 0.03 - (0.03 + rubber) * np.sqrt(low), position[:, 1])
    position = position.copy()
    position[:, 1] = np.minimum(position[:, 1], height)
    for side in (-1.0, 1.0):
        foot = (sheet.values["foot"] > 0.5) & (side * position[:, 0] > 0)
        middle = position[foot].mean(0)
        spread = 1 + 0.07 * low[foot][:, None]
        position[foot] = np.where([True, False, True], middle + (position[foot] - middle) * spread, position[foot])
    piece = sheet.with_values(position=position.astype(np.float32)).clip(covers)
    y = piece.position[:, 1]
    uv = np.stack([0.5 + piece.position[:, 2], (reach - y) / (reach + rubber)], axis=1).astype(np.float32)
    edge = (reach - 0.004) / (reach + rubber)
    material = Material("shoes", _texture(colour, sole, edge), roughness=0.6, two_sided=True)
    return Part(material, piece.position, np.clip(uv, 0, 1), piece.triangles, piece.values["weights"]), covers


def _texture(colour: Colour, sole: Colour, edge: float) -> NDArray[np.uint8]:
    """(64, 64, 4) upper above, sole below ``edge``, laces on top."""
    y, x = (np.mgrid[:64, :64] + 0.5) / 64
    image = np.where((y > edge)[..., None], sole, colour) * np.where(np.abs(y - edge) < 0.02, 0.6, 1.0)[..., None]
    texture = np.full((64, 64, 4), 255, np.uint8)
    texture[..., :3] = np.clip(image * (0.9 + 0.1 * np.sin(x * 40))[..., None], 0, 1) * 255
    return texture
