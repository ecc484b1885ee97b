"""The regular net over the head that hair and hats grow on, and caps cut out of it."""

from __future__ import annotations

import functools

import numpy as np
from scipy.ndimage import gaussian_filter, maximum_filter, median_filter

from closerlook.arrays import Floating
from closerlook.synthesis.humans.body.assets import HEAD_CENTER, body_data
from closerlook.synthesis.humans.body.body import Body
from closerlook.synthesis.humans.mesh.assembly import rigid
from closerlook.synthesis.humans.mesh.primitives import grid_triangles
from closerlook.synthesis.humans.mesh.sheet import Sheet

__all__ = ["BEARINGS", "head_cap", "head_center", "head_knots", "head_net", "head_sheet"]


# Bearings from the front, degrees, at which hairlines are given as heights on the neutral head, meters:
# brows are at 0.75, the front hairline at 0.8, the top of the ears at 0.735, the chin at 0.616.
BEARINGS = (0.0, 35.0, 60.0, 78.0, 90.0, 105.0, 125.0, 150.0, 180.0)


@functools.cache
def head_net() -> tuple[Floating, Floating, Floating]:
    """On the neutral head: the knots (rows, columns, 3), bearings from the front, and how far to pull ears in."""
    data = body_data()
    knots = head_knots(data.vertices)
    radius = np.linalg.norm(knots - np.array(HEAD_CENTER), axis=2)
    calm = np.minimum(radius, median_filter(radius, size=(3, 9), mode="nearest") + 0.001)
    calm = gaussian_filter(calm, (0.5, 0.8), mode=("nearest", "wrap"))
    bearing = np.degrees(np.linspace(-np.pi, np.pi, knots.shape[1]))[None] * np.ones((knots.shape[0], 1))
    return knots.astype(np.float32), bearing.astype(np.float32), (calm / radius).astype(np.float32)


def head_knots(vertices: Floating) -> Floating:
    """(rows, columns, 3) the net on a head, given its mesh's vertices."""
    data = body_data()
    return np.asarray((vertices[data.cap_vertices] * data.cap_shares[..., None]).sum(2), np.float32)


def head_center(body: Body) -> Floating:
    """(3,) the middle of the head: that of the net's equator."""
    knots = head_knots(body.positions)
    return np.asarray(knots[len(knots) // 2, :-1].mean(0), np.float32)


def head_cap(
    body: Body, line: tuple[float, ...], thickness: Floating, crown: float = 1.0, margin: float = 0.012
) -> Sheet:
    """The net pushed out by ``thickness`` (rows, columns), thin towards the hairline ``line``, cut along it.

    Nothing remains above the height ``crown`` of the neutral head; ``margin`` is how far the edge thins, meters.
    """
    neutral, bearing, _ = head_net()
    level = neutral[..., 1] - np.interp(np.abs(bearing), BEARINGS, line)
    soft = margin * (1 + np.clip(1.2 - np.abs(bearing) / 60, 0, 1))
    if crown < 1:
        level = np.minimum(level, crown - neutral[..., 1])
    taper = np.clip((level + 0.004) / (2 * soft), 0.12, 1) ** 0.7
    return head_sheet(body, level, thickness * taper)


def head_sheet(body: Body, level: Floating, thickness: Floating, *, over_nose: bool = False) -> Sheet:
    """The net pushed out by ``thickness`` where ``level``, both (rows, columns), is positive; cut along its zero line.

    Ears are pulled in, and so is the nose unless the sheet lies ``over_nose``.
    """
    _, bearing, pull = head_net()
    rows, columns = bearing.shape
    center = head_center(body)
    out = head_knots(body.positions) - center
    radius = np.linalg.norm(out, axis=2, keepdims=True)
    if over_nose:
        far = gaussian_filter(maximum_filter(radius[..., 0], size=(2, 3), mode="nearest"), (0.4, 0.8), mode="nearest")
        reach = np.maximum(far * np.where(np.abs(bearing) > 55, pull, 1), radius[..., 0] * pull)[..., None]
    else:
        reach = radius * pull[..., None]
    position = center + out / radius * (reach + 0.0015 + thickness[..., None])
    uv = np.stack(np.broadcast_arrays(np.linspace(0, 1, columns)[None], np.linspace(0, 0.7, rows)[:, None]), axis=2)
    count = rows * columns
    sheet = Sheet(
        np.ascontiguousarray(grid_triangles(rows, columns)),
        {
            "position": position.reshape(-1, 3).astype(np.float32),
            "weights": rigid(count, head=1.0),
            "uv": uv.reshape(-1, 2).astype(np.float32),
        },
    )
    return sheet.clip(level.ravel().astype(np.float32))
