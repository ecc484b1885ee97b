"""Shoes made from the feet of the second skin: smoothed, thickened, on a sole; what is above their line is skin."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from closerlook.arrays import Floating
from closerlook.synthesis.humans.clothing.mannequin import Mannequin, smoothed
from closerlook.synthesis.humans.clothing.palette import Color, shade
from closerlook.synthesis.humans.mesh.assembly import Part
from closerlook.synthesis.humans.mesh.mesh import Material

__all__ = ["SHOES", "Last", "shoe_part"]

SIDE = 64  # of the texture


@dataclass(frozen=True)
class Last:
    """What a kind of shoe is like. Lengths in meters.

    Attributes:
        reach: how far it covers the leg, above the ankle.
        thick: how far it stands off the foot.
        sole: thickness of the sole.
        heel: how much higher the heel stands than the toes.
        line: height of its upper edge at the heel and over the instep; above it skin or sock is seen. None: all shoe.
        straps: bare but for straps.
        pointed: how far the toe is drawn out.
    """

    reach: float
    thick: float = 0.009
    sole: float = 0.016
    heel: float = 0.0
    line: tuple[float, float] | None = None
    straps: bool = False
    pointed: float = 0.0


SHOES: dict[str, Last] = {
    "sneakers": Last(0.012, thick=0.013, sole=0.027),
    "shoes": Last(-0.008, thick=0.012, pointed=0.014),
    "flats": Last(0.0, thick=0.007, sole=0.008, line=(0.052, 0.030), pointed=0.006),
    "heels": Last(0.0, thick=0.008, sole=0.010, heel=0.055, line=(0.055, 0.026), pointed=0.02),
    "sandals": Last(0.0, thick=0.006, sole=0.018, straps=True),
    "ankle_boots": Last(0.07, thick=0.013, sole=0.026, heel=0.012),
    "boots": Last(0.25, thick=0.012, sole=0.020, heel=0.020),
}


def shoe_part(
    form: Mannequin, kind: str, color: Color, sole: Color, under: Floating, skin: Color
) -> tuple[list[Part], Floating]:
    """A pair of :data:`SHOES`, and the feet seen in open ones; also how far inside each vertex of the tights lies.

    High ones go over what stands off the mannequin by ``under`` (t,). ``skin`` is the color of feet, or of socks.
    """
    last, marks, sheet = SHOES[kind], form.landmarks, form.sheet
    reach = marks.ankle + last.reach * form.body.shape.stature / 1.7
    thick = np.maximum(last.thick, under + 0.004) if last.reach > 0.1 else np.full(len(sheet), last.thick)
    soft = smoothed(sheet.position, 5, sheet.values["foot"])
    covers = np.where(sheet.values["leg"] > 0.5, reach - soft[:, 1], -1.0).astype(np.float32)
    position = soft + thick[:, None] * sheet.values["normal"]
    low = np.clip((0.03 - soft[:, 1]) / 0.03, 0, 1)
    height = np.where(soft[:, 1] < 0.03, 0.03 - (0.03 + last.sole) * np.sqrt(low), position[:, 1])
    position[:, 1] = np.minimum(position[:, 1], height)
    ahead = np.zeros(len(sheet), np.float32)
    for side in (-1.0, 1.0):
        foot = (sheet.values["foot"] > 0.5) & (side * position[:, 0] > 0)
        middle = position[foot].mean(0)
        spread = 1 + 0.07 * low[foot][:, None]
        position[foot] = np.where([True, False, True], middle + (position[foot] - middle) * spread, position[foot])
        back, front = position[foot, 2].min(), position[foot, 2].max()
        half = side * position[:, 0] > 0
        ahead[half] = ((position[:, 2] - back) / (front - back))[half]
        toe = np.where(half, np.clip((ahead - 0.75) / 0.25, 0, 1), 0)
        position[:, 2] += last.pointed * toe**2
        position[:, 0] += (middle[0] - position[:, 0]) * np.minimum(20 * last.pointed, 0.4) * toe**2
    worn_height = position[:, 1].copy()
    position[:, 1] += _raised(position[:, 1], ahead, last, reach)
    values = {"position": position.astype(np.float32), "height": worn_height, "ahead": ahead}
    piece = sheet.with_values(**values).clip(covers)
    uv = np.stack(
        [np.clip(piece.values["ahead"], 0, 1), (reach - piece.values["height"]) / (reach + last.sole)], axis=1
    )
    uv = np.clip(uv, 0.5 / SIDE, 1 - 0.5 / SIDE).astype(np.float32)
    shine, bare = 0.45 if kind in ("shoes", "boots", "heels") else 0.7, last.straps or last.line is not None
    material = Material("shoes", _texture(last, color, sole, reach), roughness=shine, cutout=bare, two_sided=True)
    weights = piece.values["weights"]
    parts = [Part(material, piece.position, uv, piece.triangles, weights)]
    if bare:
        inside = (piece.position - 0.002 * piece.values["normal"]).astype(np.float32)
        inner = Material("feet", np.full((8, 8, 4), [*(round(255 * c) for c in skin), 255], np.uint8), roughness=0.6)
        parts.append(Part(inner, inside, uv, piece.triangles, weights))
    return parts, covers


def _raised(height: Floating, ahead: Floating, last: Last, reach: float) -> Floating:
    """How much a heel lifts each point: toes sink as much as the heel is higher, a block fills the space below."""
    if not last.heel:
        return np.zeros_like(height)
    sink = last.heel * np.clip((ahead - 0.22) / 0.45, 0, 1) * np.clip((reach + 0.02 - height) / 0.05, 0, 1)
    block = last.heel * (ahead < 0.26) * (height < 0.002)
    return np.asarray(-sink - block)


def _texture(last: Last, color: Color, sole: Color, reach: float) -> NDArray[np.uint8]:
    """(64, 64, 4) columns from heel to toe, rows from the shoe's top to below its sole; holes where it is open."""
    y, x = (np.mgrid[:SIDE, :SIDE] + 0.5) / SIDE
    height = reach - y * (reach + last.sole)
    image = np.broadcast_to(np.array(color), (SIDE, SIDE, 3)).copy()
    image *= (0.92 + 0.08 * np.sin(x * 40))[..., None]
    opaque = np.ones((SIDE, SIDE), bool)
    if last.line:
        heel, instep = last.line
        edge = np.interp(x, [0, 0.2, 0.45, 0.72, 0.85, 1], [heel, heel * 0.9, instep, instep, 0.06, 0.2])
        opaque = height <= edge
    if last.straps:
        strap = (np.abs(x - 0.72) < 0.09) | (np.abs(x + 1.2 * height - 0.42) < 0.05) | (np.abs(height - 0.055) < 0.008)
        opaque = strap | (height <= 0.006)
    if last.sole > 0.026:  # laces and a stripe
        image[(np.abs(x - 0.6) < 0.09) & (y * 24 % 2 < 0.8) & (height > 0.04)] = shade(color, 0.55)
        image[(np.abs(x - 0.38 - 2 * height) < 0.035) & (height < 0.06)] = np.clip(1 - np.array(color) * 0.8, 0, 1)
    image[height < 0.002 if last.line or last.straps else height < 0.004] = sole
    texture = np.full((SIDE, SIDE, 4), 255, np.uint8)
    texture[..., :3] = np.clip(image, 0, 1) * 255
    texture[..., 3] = np.where(opaque, 255, 0)
    return texture
