"""Collars and hoods, grown from a neckline."""

from __future__ import annotations

import numpy as np

from closerlook.arrays import Floating, Int32
from closerlook.synthesis.humans.mesh.sheet import Sheet, boundary_edges

__all__ = ["add_collar"]


# Rows of each collar: outwards and upwards from the neckline, meters.
_PROFILES = {
    "shirt": ((-0.002, 0.022), (0.004, 0.028), (0.018, 0.004), (0.021, -0.006)),
    "hood": ((0.004, 0.03), (0.045, 0.045), (0.085, 0.0), (0.085, -0.06), (0.045, -0.105), (0.012, -0.10)),
}
_HOOD_REACH = np.radians(115)  # from the middle of the back to each side
_POINTS = np.radians(28)  # width of the points of a turned-down collar


def add_collar(piece: Sheet, neck: Floating, kind: str, size: float) -> Sheet:
    """Grow a ``shirt`` collar, or a ``hood``, which lies on the back, from the neckline.

    Args:
        piece: a garment whose value ``level_top`` is zero along its neckline.
        neck: (3,) the middle of the neck.
        kind: ``shirt`` or ``hood``.
        size: 1 for a person of ordinary stature.
    """
    rim = np.unique(boundary_edges(piece.triangles))
    rim = rim[np.abs(piece.values["level_top"][rim]) < 1e-4]
    facing = -1.0 if kind == "hood" else 1.0
    out = (piece.position[rim] - neck)[:, [0, 2]]
    bearing = np.arctan2(facing * out[:, 0], facing * out[:, 1])
    order = np.argsort(bearing)
    order = order[np.abs(bearing[order]) < (_HOOD_REACH if kind == "hood" else np.inf)]
    if kind == "shirt":  # all the way around
        order = np.append(order, order[0])
    rim, bearing = rim[order], bearing[order]
    out = out[order] / np.linalg.norm(out[order], axis=1, keepdims=True)
    strength, points = np.ones(len(rim)), np.exp(-((bearing / _POINTS) ** 2))
    if kind == "hood":
        strength, points = np.clip((_HOOD_REACH - np.abs(bearing)) / np.radians(60), 0.12, 1), 0 * points
    rows = []
    for k, (away, up) in enumerate(_PROFILES[kind]):
        drop = 0.022 * points * (k >= 2)
        move = np.stack([out[:, 0] * away, up - drop, out[:, 1] * away], axis=1)
        rows.append(piece.position[rim] + size * strength[:, None] * move)
    return _add_rows(piece, rim, np.array(rows, np.float32))


def _add_rows(piece: Sheet, rim: Int32, rows: Floating) -> Sheet:
    """Rows (k, n, 3) of new vertices that go on from the vertices ``rim`` (n,) with their values."""
    count, columns = rows.shape[:2]
    grid = np.concatenate([rim[None], len(piece) + np.arange(count * columns).reshape(count, columns)])
    a, b, c, d = grid[:-1, :-1], grid[:-1, 1:], grid[1:, 1:], grid[1:, :-1]
    triangles = np.concatenate([np.stack([a, b, d], -1).reshape(-1, 3), np.stack([b, c, d], -1).reshape(-1, 3)])
    values = {name: np.concatenate([value, *([value[rim]] * count)]) for name, value in piece.values.items()}
    values["position"][len(piece) :] = rows.reshape(-1, 3)
    return Sheet(np.concatenate([piece.triangles, triangles]).astype(np.int32), values)
