"""What the panels of places are to the kernels."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from closerlook.synthesis.render.textures import CHAIN_LENGTH, library
from closerlook.synthesis.render.values import PANEL_ROW
from closerlook.synthesis.scene.backdrop import Place, SeenPanels
from closerlook.synthesis.scene.camera import Frames

__all__ = ["ground_albedos", "panel_rows"]

BEFORE_EYE = 0.05  # metres


def panel_rows(seen: SeenPanels, frames: Frames) -> NDArray[Any]:
    """Panels of all views as rows of :class:`Panel`."""
    panels = seen.panels
    rows: NDArray[Any] = np.zeros(len(panels), dtype=PANEL_ROW)
    (x, y, z), (a, b, c) = panels.along.T, panels.upward.T
    along2, upward2 = x * x + y * y + z * z, a * a + b * b + c * c
    normal = np.stack([b * z - c * y, c * x - a * z, a * y - b * x])
    rows["corner"] = panels.corner
    rows["along"] = panels.along / along2[:, None]
    rows["upward"] = panels.upward / upward2[:, None]
    rows["normal"] = (normal / np.sqrt((normal * normal).sum(0))).T
    rows["texels"] = 256 * panels.repeat[:, 0] / np.sqrt(along2)
    rows["near"] = np.where((b > 0) & ~panels.front, frames.distance[seen.view] - 0.2, 0.1)
    rows["box"] = boxes(seen.corners)
    rows["start"] = panels.paint * CHAIN_LENGTH
    rows["log2_side"] = 8
    for name in ("tint", "repeat", "shift", "cutout", "roughness"):
        rows[name] = getattr(panels, name)
    return rows


def boxes(corners: NDArray[np.float64]) -> NDArray[np.float64]:
    """(n, 4) least right and up, largest right and up on the plane at distance 1 before the eye of quadrilaterals with
    these (3, 4, n) corners to the right, up and forward of it."""
    following = np.roll(corners, -1, axis=1)
    depth, next_depth = corners[2], following[2]
    before, after = depth > BEFORE_EYE, next_depth > BEFORE_EYE
    with np.errstate(divide="ignore", invalid="ignore"):
        # Where an edge passes the plane just before the eye
        crossing = corners[:2] + (following - corners)[:2] * ((BEFORE_EYE - depth) / (next_depth - depth))
        plane = np.concatenate([corners[:2] / depth, crossing / BEFORE_EYE], axis=1)
    valid = np.concatenate([before, before != after])
    return np.concatenate([np.where(valid, plane, np.inf).min(1), np.where(valid, plane, -np.inf).max(1)]).T


def ground_albedos(places: Sequence[Place]) -> NDArray[np.float64]:
    """(V, 3) mean linear albedo of the ground that the person stands on."""
    ground = np.array([place.panels.paint[0] for place in places])
    return np.asarray(_albedos()[ground] * np.array([place.panels.tint[0] for place in places]))


@functools.cache
def _albedos() -> NDArray[np.float64]:
    """(t, 3) mean linear albedo of each texture."""
    return np.asarray((library().texels[CHAIN_LENGTH - 1 :: CHAIN_LENGTH, :3] / 255.0) ** 2.2)
