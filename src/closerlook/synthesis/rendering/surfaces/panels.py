"""What the panels of places are to the kernels."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from closerlook.synthesis.rendering.surfaces.textures import CHAIN_LENGTH, library
from closerlook.synthesis.rendering.values import PANEL_ROW
from closerlook.synthesis.scenes.backdrop import Place, VisiblePanels
from closerlook.synthesis.scenes.frames import Frames

__all__ = ["ground_albedos", "panel_rows"]


def panel_rows(visible: VisiblePanels, frames: Frames) -> NDArray[Any]:
    """Panels of all views as rows of :class:`values.Panel`."""
    panels = visible.panels
    rows: NDArray[Any] = np.zeros(len(panels), dtype=PANEL_ROW)
    (x, y, z), (a, b, c) = panels.along.T, panels.upward.T
    along2, upward2 = x * x + y * y + z * z, a * a + b * b + c * c
    normal = np.stack([b * z - c * y, c * x - a * z, a * y - b * x])
    rows["corner"] = panels.corner
    rows["along"] = panels.along / along2[:, None]
    rows["upward"] = panels.upward / upward2[:, None]
    rows["normal"] = (normal / np.sqrt((normal * normal).sum(0))).T
    rows["texels"] = 256 * panels.repeat[:, 0] / np.sqrt(along2)
    rows["near"] = np.where((b > 0) & ~panels.front, frames.distance[visible.view] - 0.2, 0.1)
    rows["start"] = panels.paint * CHAIN_LENGTH
    rows["log2_side"] = 8
    for name in ("tint", "repeat", "shift", "cutout", "roughness"):
        rows[name] = getattr(panels, name)
    return rows


def ground_albedos(places: Sequence[Place]) -> NDArray[np.float64]:
    """(V, 3) mean linear albedo of the ground that the person stands on."""
    ground = np.array([place.panels.paint[0] for place in places])
    return np.asarray(_albedos()[ground] * np.array([place.panels.tint[0] for place in places]))


@functools.cache
def _albedos() -> NDArray[np.float64]:
    """(t, 3) mean linear albedo of each texture."""
    return np.asarray((library().texels[CHAIN_LENGTH - 1 :: CHAIN_LENGTH, :3] / 255.0) ** 2.2)
