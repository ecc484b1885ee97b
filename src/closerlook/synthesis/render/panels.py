"""What a camera and the panels before it are to the kernels."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from closerlook.synthesis.render.textures import library
from closerlook.synthesis.render.values import PANEL_ROW
from closerlook.synthesis.scene.backdrop import Panels
from closerlook.synthesis.scene.camera import Frame

__all__ = ["panel_rows"]

BEFORE_EYE = 0.05  # metres


def panel_rows(panels: Panels, seen: Frame) -> NDArray[Any]:
    """Panels of a view as rows of :class:`Panel`."""
    rows: NDArray[Any] = np.zeros(len(panels), dtype=PANEL_ROW)
    length = np.linalg.norm(panels.along, axis=1)
    rows["corner"] = panels.corner
    rows["along"] = panels.along / length[:, None] ** 2
    rows["upward"] = panels.upward / (panels.upward**2).sum(1, keepdims=True)
    (a, b, c), (x, y, z) = panels.upward.T, panels.along.T
    normal = np.stack([b * z - c * y, c * x - a * z, a * y - b * x], axis=1)
    rows["normal"] = normal / np.linalg.norm(normal, axis=1, keepdims=True)
    rows["texels"] = 256 * panels.repeat[:, 0] / length
    rows["near"] = np.where((panels.upward[:, 1] > 0) & ~panels.front, seen.distance - 0.2, 0.1)
    rows["box"] = _boxes(panels, seen)
    rows["start"] = [library().start[texture] for texture in panels.texture]
    rows["log2_side"] = 8
    for name in ("tint", "repeat", "shift", "cutout", "roughness"):
        rows[name] = getattr(panels, name)
    return rows


def _boxes(panels: Panels, seen: Frame) -> NDArray[np.float64]:
    """(n, 4) least right and up, largest right and up of panels on the plane at distance 1 before the eye."""
    a, b = panels.corner - seen.eye, panels.corner + panels.along - seen.eye
    corners = np.stack([a, b, b + panels.upward, a + panels.upward])
    axes = np.stack([seen.right, seen.up, seen.forward], axis=1).astype(np.float64)
    points = corners @ axes  # (4, n, 3)
    following = np.roll(points, -1, axis=0)
    depth, next_depth = points[..., 2], following[..., 2]
    with np.errstate(divide="ignore", invalid="ignore"):
        # Where an edge passes the plane just before the eye
        crossing = points + (following - points) * ((BEFORE_EYE - depth) / (next_depth - depth))[..., None]
        plane = np.concatenate([points[..., :2] / depth[..., None], crossing[..., :2] / BEFORE_EYE])
    valid = np.concatenate([depth > BEFORE_EYE, (depth > BEFORE_EYE) != (next_depth > BEFORE_EYE)])[..., None]
    return np.concatenate([np.where(valid, plane, np.inf).min(0), np.where(valid, plane, -np.inf).max(0)], axis=1)
