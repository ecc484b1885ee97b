"""Texture coordinates of garments: around and along trunk, sleeves and legs."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from closerlook.arrays import Floating
from closerlook.synthesis.humans.clothing.garment_mesh import Garment
from closerlook.synthesis.humans.clothing.mannequin import Mannequin
from closerlook.synthesis.humans.clothing.patterns import TRUNK_SHARE, WRAP
from closerlook.synthesis.humans.mesh.sheet import Sheet

__all__ = ["unwrap"]


def unwrap(garment: Garment, form: Mannequin) -> tuple[Sheet, Floating]:
    """Lay a garment out on its texture, with vertices split at seams.

    Returns the split sheet, with the value ``smooth`` naming each vertex before splitting, and (n, 2) coordinates.
    """
    sheet, cut = garment.sheet, garment.cut
    corners, y = sheet.triangles, sheet.position[:, 1]
    sleeve = (sheet.values["armhole"][corners].mean(1) < 0) & (cut.top != "waist")
    around = _bearings(sheet, form, sleeve, legs=cut.legs)
    u = 0.5 + around / (2 * np.pi) * WRAP
    share = 1.0 if cut.top == "waist" else TRUNK_SHARE
    down = np.clip((y.max() - y) / (y.max() - garment.bottom) * share, 0, 1)
    lengthwise = np.clip(share + sheet.values["along"] / max(cut.sleeve, 0.1) * (1 - share), share, 1)
    v = np.where(sleeve[:, None], lengthwise[corners], down[corners])
    return _split(sheet, u.ravel(), v.ravel())


def _bearings(sheet: Sheet, form: Mannequin, sleeve: NDArray[np.bool_], *, legs: bool) -> Floating:
    """(t, 3) the direction of each corner around its limb's axis, continuous over each triangle.

    The trunk counts from the front, limbs from their outer sides, so that left and right mirror each other.
    """
    x, y, z = sheet.position.T
    corners = sheet.triangles
    around = np.arctan2(x, z - form.center_z)[corners]
    left = x[corners].mean(1) > 0
    for name, sign, side in (("L", 1.0, left), ("R", -1.0, ~left)):
        for limb, faces in (("arm", sleeve & side), ("leg", ~sleeve & side & legs)):
            axis = form.limb_axis(limb, name, y)
            around[faces] = np.arctan2(z - axis[:, 2], sign * (x - axis[:, 0]))[corners[faces]]
    middle = np.arctan2(np.sin(around).mean(1), np.cos(around).mean(1))[:, None]
    return np.asarray(middle + (around - middle + np.pi) % (2 * np.pi) - np.pi)


def _split(sheet: Sheet, u: Floating, v: Floating) -> tuple[Sheet, Floating]:
    """One vertex for each different pair of a vertex and its coordinates, given a corner of a triangle each."""
    corner = sheet.triangles.ravel()
    columns, rows = (np.round(value * 8192).astype(np.int64) for value in (u, v))
    code = (corner.astype(np.int64) << 32) + ((columns + 8192) << 15) + rows
    _, first, inverse = np.unique(code, return_index=True, return_inverse=True)
    source = corner[first]
    values = {name: value[source] for name, value in sheet.values.items()}
    values["smooth"] = source.astype(np.float32)
    uv = np.stack([u[first], v[first]], 1).astype(np.float32)
    return Sheet(inverse.reshape(-1, 3).astype(np.int32), values), np.clip(uv, 0, 1)
