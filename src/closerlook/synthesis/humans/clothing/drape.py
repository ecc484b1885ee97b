"""How cloth hangs: over hollows, straight down from what is widest, and around both legs below the hips."""

from __future__ import annotations

import numpy as np

from closerlook.arrays import Floating
from closerlook.synthesis.humans.clothing.mannequin import Mannequin
from closerlook.synthesis.humans.mesh.sheet import Sheet, boundary_edges, loops
from closerlook.synthesis.humans.pose.rig import BONES

__all__ = ["hang", "hang_offset"]


ROOM = 0.038  # meters before and behind legs that walk
_SECTORS = (np.arange(36) / 36 - 0.5) * 2 * np.pi


def hang_offset(form: Mannequin, lowest: float, hang: float) -> Floating:
    """How far each vertex of the trunk is from cloth around it, meters.

    Cloth spans hollows (every level is convex) and, as far as ``hang`` goes, falls straight from the widest place
    above.
    """
    position = form.sheet.position
    x, z = position[:, 0], position[:, 2] - form.center_z
    radius, bearing = np.hypot(x, z), np.arctan2(x, z)
    top, step = form.landmarks.armpit + 0.02, 0.03
    depth = (top - position[:, 1]) / step
    rows = int((top - lowest) / step) + 1
    trunk = (form.sheet.values["arm"] < 0.3) & (depth >= -1) & (position[:, 1] > lowest - 0.03)
    profile = np.zeros((rows, len(_SECTORS)))
    for row in range(rows):
        level = trunk & (np.abs(depth - row - 0.5) < 1.2)
        profile[row] = _hull_radius(radius[level], bearing[level], _SECTORS)
    profile = (1 - hang) * profile + hang * np.maximum.accumulate(profile, axis=0)
    row, column = np.clip(depth - 0.5, 0, rows - 1.001), (bearing / (2 * np.pi) + 0.5) * len(_SECTORS)
    around = _bilinear(profile, row, column)
    fade = np.clip((top - position[:, 1]) / 0.08, 0, 1)
    return np.asarray(np.clip(around - radius, 0, 0.1) * trunk * fade, np.float32)


def _hull_radius(radius: Floating, bearing: Floating, directions: Floating) -> Floating:
    """The radius, in each direction, of the convex hull of points in polar coordinates around a point inside."""
    if not len(radius):
        return np.zeros(len(directions), np.float32)
    support = (radius[None] * np.cos(_SECTORS[:, None] - bearing[None])).max(1)
    facing = np.cos(np.asarray(directions)[:, None] - _SECTORS[None])
    return np.asarray(np.where(facing > 0.2, support / np.maximum(facing, 0.2), np.inf).min(1))


def _bilinear(grid: Floating, row: Floating, column: Floating) -> Floating:
    """Sample a grid whose columns wrap around."""
    r, c = np.floor(row).astype(np.int64), np.floor(column).astype(np.int64)
    fr, fc, width = row - r, column - c, grid.shape[1]
    below = np.minimum(r + 1, len(grid) - 1)
    left, right = c % width, (c + 1) % width
    upper = grid[r, left] * (1 - fc) + grid[r, right] * fc
    lower = grid[below, left] * (1 - fc) + grid[below, right] * fc
    return np.asarray(upper * (1 - fr) + lower * fr, np.float32)


def hang(piece: Sheet, form: Mannequin, flare: float, start: float, bottom: float) -> Sheet:
    """Hang rings of cloth from the loop around the hips at height ``start`` down to ``bottom``, clear of the legs.

    ``flare`` is the radius gained per meter of length.
    """
    edges = boundary_edges(piece.triangles)
    y, arm = piece.position[:, 1], piece.values["arm"]
    edges = edges[(np.abs(y[edges] - start) < 2e-4).all(1) & (arm[edges] < 0.2).all(1)]
    loop = loops(edges)[0]
    count = max(2, int(np.ceil((start - bottom) / 0.045)))
    heights = np.linspace(start, bottom, count + 1)[1:]
    top = piece.position[loop]
    center = np.array([0.0, top[:, 2].mean()], np.float32)
    out = top[:, [0, 2]] - center
    radius = np.linalg.norm(out, axis=1)
    angle = np.arctan2(out[:, 0], out[:, 1])
    drop = (start - heights)[:, None]
    need = _legs_reach(form, center, heights, angle) + np.minimum(0.032, 0.2 * drop)
    rings = np.maximum(radius + flare * drop, need)
    rings = np.maximum.accumulate(rings, axis=0)
    # In the middle the cloth follows both legs by half: room for the one in front.
    rings = rings + ROOM * np.minimum(drop / 0.12, 1) * np.cos(angle) ** 8
    folds = np.sin(angle * 9 + 3 * np.sin(angle * 2)) + 0.5 * np.sin(angle * 14 + 1.0)
    rings = rings + np.minimum(drop / 0.35, 1) * (0.006 + 0.05 * flare) * folds
    position = np.stack(
        [
            center[0] + rings * np.sin(angle),
            np.broadcast_to(heights[:, None], rings.shape),
            center[1] + rings * np.cos(angle),
        ],
        axis=2,
    )
    n, base = len(loop), len(piece)
    row = np.concatenate([loop[None], base + np.arange(count * n).reshape(count, n)])
    following = np.roll(row, -1, axis=1)
    a, b, c, d = row[:-1], following[:-1], following[1:], row[1:]
    triangles = np.concatenate([np.stack([b, a, d], -1).reshape(-1, 3), np.stack([b, d, c], -1).reshape(-1, 3)])
    values = {name: np.concatenate([value, *([value[loop]] * count)]) for name, value in piece.values.items()}
    values["position"][base:] = position.reshape(-1, 3)
    weights = _hanging_weights(piece.values["weights"][loop], form, position, start)
    values["weights"][base:] = weights.reshape(-1, weights.shape[-1])
    return Sheet(np.concatenate([piece.triangles, triangles]).astype(np.int32), values)


def _legs_reach(form: Mannequin, center: Floating, heights: Floating, angle: Floating) -> Floating:
    """(k, n) how far the hull of both legs reaches from the axis near each height, in each direction."""
    legs = form.sheet.position[form.sheet.values["leg"] > 0.3]
    out = legs[:, [0, 2]] - center
    reach, bearing = np.linalg.norm(out, axis=1), np.arctan2(out[:, 0], out[:, 1])
    near = np.abs(legs[None, :, 1] - heights[:, None]) < 0.03
    return np.stack([_hull_radius(reach[level], bearing[level], angle) for level in near])


def _hanging_weights(top: Floating, form: Mannequin, position: Floating, start: float) -> Floating:
    """Cloth below the hips follows the leg on its side, the middle both; below the knee also the lower leg."""
    x, y = position[..., 0], position[..., 1]
    half = np.abs(x).max(axis=1, keepdims=True)
    left = np.clip(0.5 + 2.6 * x / half, 0, 1)
    follow = np.clip((start - y) / 0.25, 0, 1) * 0.95
    shin = np.clip((form.landmarks.knee - y) / 0.3, 0, 1) * 0.5
    weights = top[None] * (1 - follow[..., None])
    for side, share in (("L", left), ("R", 1 - left)):
        weights[..., BONES.index(f"upperleg01.{side}")] += follow * share * (1 - shin)
        weights[..., BONES.index(f"lowerleg01.{side}")] += follow * share * shin
    return np.asarray(weights, np.float32)
