"""Hair and hats, grown on a regular net over the head: caps cut along a hairline, curtains, tails, buns."""

from __future__ import annotations

import functools
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter, median_filter

from closerlook.synthesis.person.assets import body_data
from closerlook.synthesis.person.body import Body
from closerlook.synthesis.person.fabric import plain_texture
from closerlook.synthesis.person.mesh import Material
from closerlook.synthesis.person.palette import Colour
from closerlook.synthesis.person.parts import Part, rigid
from closerlook.synthesis.person.shapes import grid_triangles, rounded_box, tube
from closerlook.synthesis.person.sheet import Sheet, boundary_edges, vertex_normals

__all__ = ["HAIR_STYLES", "HairStyle", "hair_parts", "hat_parts"]

Float = NDArray[np.floating]

# Bearings from the front, degrees, at which hairlines are given as heights on the neutral head, metres:
# brows are at 0.75, the front hairline at 0.8, the top of the ears at 0.735, the chin at 0.616.
_BEARINGS = (0.0, 35.0, 60.0, 78.0, 90.0, 105.0, 125.0, 150.0, 180.0)
_SHORT = (0.800, 0.798, 0.783, 0.722, 0.738, 0.738, 0.695, 0.662, 0.655)
_FRINGE = (0.762, 0.762, 0.758, 0.715, 0.70, 0.69, 0.672, 0.655, 0.65)
_FULL = (0.802, 0.797, 0.775, 0.712, 0.70, 0.69, 0.672, 0.655, 0.65)
_BUZZ = (0.798, 0.798, 0.785, 0.735, 0.742, 0.742, 0.71, 0.675, 0.67)
_FLAT = (0.792, 0.79, 0.782, 0.772, 0.766, 0.76, 0.752, 0.745, 0.742)
_BEANIE = (0.782, 0.778, 0.765, 0.745, 0.733, 0.722, 0.705, 0.695, 0.69)


@dataclass(frozen=True)
class HairStyle:
    """A hair style.

    Attributes:
        line: heights of the hairline at ``_BEARINGS``.
        volume: thickness on top, metres; the sides have ``sides`` times as much.
        rough: lumps, as a share of the volume.
        fall: how far below the ears a curtain hangs, metres; 0 for none.
        tie: ``tail``, ``bun``, or nothing.
        crown: nothing grows above this height (a bald top).
    """

    line: tuple[float, ...]
    volume: float
    sides: float = 0.6
    rough: float = 0.25
    fall: float = 0.0
    tie: str = ""
    crown: float = 1.0


HAIR_STYLES: dict[str, HairStyle] = {
    "shaven": HairStyle(_BUZZ, 0.0025, 1.0, 0.0),
    "balding": HairStyle(_BUZZ, 0.007, 1.0, 0.2, crown=0.795),
    "short": HairStyle(_SHORT, 0.017, 0.5),
    "side_part": HairStyle(_SHORT, 0.024, 0.4, 0.22),
    "curly": HairStyle(_SHORT, 0.032, 0.75, 0.28),
    "afro": HairStyle(_SHORT, 0.062, 0.9, 0.2),
    "bob": HairStyle(_FULL, 0.02, 0.9, 0.2, fall=0.115),
    "fringe_bob": HairStyle(_FRINGE, 0.02, 0.9, 0.15, fall=0.10),
    "shoulder": HairStyle(_FULL, 0.02, 0.8, 0.2, fall=0.2),
    "long": HairStyle(_FULL, 0.018, 0.7, 0.2, fall=0.36),
    "ponytail": HairStyle(_FULL, 0.010, 0.8, 0.15, tie="tail"),
    "bun": HairStyle(_FULL, 0.010, 0.8, 0.15, tie="bun"),
}


@functools.cache
def _net() -> tuple[Float, Float, Float]:
    """On the neutral head: the knots (rows, columns, 3), bearings from the front, and how far to pull ears in."""
    data = body_data()
    knots = (data.vertices[data.cap_vertices] * data.cap_shares[..., None]).sum(2)
    centre = np.array([0.0, 0.74, 0.055], np.float32)
    radius = np.linalg.norm(knots - centre, axis=2)
    calm = np.minimum(radius, median_filter(radius, size=(3, 9), mode="nearest") + 0.001)
    calm = gaussian_filter(calm, (0.5, 0.8), mode=("nearest", "wrap"))
    bearing = np.degrees(np.linspace(-np.pi, np.pi, knots.shape[1]))[None] * np.ones((knots.shape[0], 1))
    return knots.astype(np.float32), bearing.astype(np.float32), (calm / radius).astype(np.float32)


def _centre(body: Body) -> Float:
    """The middle of the head: the equator of the net, a little lower."""
    data = body_data()
    row = len(data.cap_vertices) // 2
    ring = (body.positions[data.cap_vertices[row]] * data.cap_shares[row][..., None]).sum(1)
    return np.asarray(ring[:-1].mean(0), np.float32)


def _cap(body: Body, line: tuple[float, ...], thickness: Float, crown: float = 1.0, margin: float = 0.012) -> Sheet:
    """The net pushed out by ``thickness``, thin towards the hairline, cut along it."""
    data = body_data()
    neutral, bearing, pull = _net()
    rows, columns = bearing.shape
    centre = _centre(body)
    out = (body.positions[data.cap_vertices] * data.cap_shares[..., None]).sum(2) - centre
    radius = np.linalg.norm(out, axis=2, keepdims=True)
    level = neutral[..., 1] - np.interp(np.abs(bearing), _BEARINGS, line)
    soft = margin * (1 + np.clip(1.2 - np.abs(bearing) / 60, 0, 1))
    if crown < 1:
        level = np.minimum(level, crown - neutral[..., 1])
    taper = np.clip((level + 0.004) / (2 * soft), 0.12, 1) ** 0.7
    position = centre + out / radius * (radius * pull[..., None] + 0.0015 + (thickness * taper)[..., None])
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


def _with_rim(sheet: Sheet, depth: float) -> Sheet:
    """Close the gap between an edge and the head behind it."""
    edges = boundary_edges(sheet.triangles)
    normals = vertex_normals(sheet.position, sheet.triangles)
    rim, renumbered = np.unique(edges, return_inverse=True)
    start, end = len(sheet) + renumbered.reshape(-1, 2).T
    lip = np.concatenate([np.stack([edges[:, 0], start, end], 1), np.stack([edges[:, 0], end, edges[:, 1]], 1)])
    values = {name: np.concatenate([value, value[rim]]) for name, value in sheet.values.items()}
    values["position"][len(sheet) :] -= depth * normals[rim]
    return Sheet(np.concatenate([sheet.triangles, lip]).astype(np.int32), values)


def hair_parts(
    rng: np.random.Generator, body: Body, style: HairStyle, colour: Colour, surface: Float, *, hat: bool = False
) -> list[Part]:
    """The hair of a head; a hat presses it flat. Long hair lies on ``surface`` (n, 3), points of the clothes."""
    if hat:
        style = replace(style, volume=min(style.volume, 0.006), tie="" if style.tie == "bun" else style.tie)
    neutral, bearing, _ = _net()
    line = tuple(np.array(style.line) + rng.normal(0, 0.005) + rng.normal(0, 0.003, len(style.line)))
    lumps = gaussian_filter(rng.standard_normal(bearing.shape), (1.0, 1.4), mode=("nearest", "wrap"))
    lumps[:, -1] = lumps[:, 0]
    lumps *= np.clip(np.arange(len(lumps)) / 5, 0, 1)[:, None]  # all bearings meet at the crown
    high = np.clip((neutral[..., 1] - 0.74) / 0.08, 0, 1)
    thickness = style.volume * (style.sides + (1 - style.sides) * high) * (1 + style.rough * lumps / lumps.std())
    material = Material("hair", _hair_texture(rng, colour), roughness=0.6, cutout=True, two_sided=True)
    cap = _with_rim(_cap(body, line, np.maximum(thickness, 0.001), style.crown), 0.006)
    parts = [Part(material, cap.position, cap.values["uv"], cap.triangles, cap.values["weights"])]
    if style.fall:
        parts.append(_curtain(rng, body, style, material, surface))
    if style.tie:
        parts.append(_tied(rng, body, style, material))
    return parts


def _curtain(rng: np.random.Generator, body: Body, style: HairStyle, material: Material, surface: Float) -> Part:
    """Hair that hangs from the sides and back of the head and lies on the shoulders."""
    data = body_data()
    neutral, bearing, pull = _net()
    size = body.shape.stature / 1.7 if body.shape.years > 14 else 0.9
    centre = _centre(body)
    columns = np.flatnonzero(np.abs(bearing[0]) >= 72)
    left, right = columns[bearing[0][columns] > 0], columns[bearing[0][columns] < 0]
    order = np.concatenate([left, right[1:]])
    knots = (body.positions[data.cap_vertices] * data.cap_shares[..., None]).sum(2) - centre
    rows = np.flatnonzero((neutral[..., 1].max(1) < 0.835) & (neutral[..., 1].min(1) > 0.70))
    rows = rows[neutral[rows][:, order, 1].mean(1) > 0.745]
    out = knots[rows][:, order]
    unit = out / np.linalg.norm(out, axis=2, keepdims=True)
    lift = style.volume * style.sides + np.linspace(0.0015, 0.007, len(rows))[:, None, None]
    crown = centre + out * pull[rows][:, order][..., None] + lift * unit
    top = crown[-1]
    behind = np.clip((np.abs(bearing[0][order]) - 95) / 40, 0, 1)
    length = np.minimum(style.fall, 0.17 + 0.02 * np.abs(np.sin(order))) * (1 - behind) + style.fall * behind
    length = (length * (1 + 0.05 * rng.standard_normal(len(order))) + 0.04) * size
    steps = np.linspace(0, 1, 9)[1:, None]
    position = np.repeat(top[None], len(steps), axis=0)
    position[..., 1] -= steps * length
    wave = 1 + (0.10 * np.sin(np.pi * steps) - 0.10 * steps) * (1 - 0.5 * behind)
    position[..., [0, 2]] = centre[[0, 2]] + (position[..., [0, 2]] - centre[[0, 2]]) * wave[..., None]
    position = np.concatenate([crown, _lie_on(position, surface, centre)])
    down = np.concatenate([np.linspace(0.1, 0.3, len(rows))[:, None], 0.3 + 0.7 * steps])
    uv = np.stack(np.broadcast_arrays(np.linspace(0, 1, len(order))[None], down), axis=2)
    hanging = np.concatenate([np.zeros((len(rows), len(order))), steps * length])
    below = np.clip((hanging - 0.12) / 0.2, 0, 0.7).ravel()
    weights = rigid(position[..., 0].size, head=1.0) * (1 - below[:, None])
    weights += rigid(len(weights), spine01=0.6, neck01=0.4) * below[:, None]
    triangles = grid_triangles(*position.shape[:2])
    return Part(material, position.reshape(-1, 3).astype(np.float32), uv.reshape(-1, 2), triangles, weights)


def _lie_on(position: Float, surface: Float, centre: Float) -> Float:
    """Push hair outside the clothes and neck below it, away from the head's axis."""
    flat = position.reshape(-1, 3).copy()
    low = flat[:, 1] < surface[:, 1].max() + 0.02
    for k in np.flatnonzero(low):
        point = flat[k]
        near = surface[(np.abs(surface[:, 1] - point[1]) < 0.03) & (np.abs(surface[:, 0] - point[0]) < 0.045)]
        if len(near):
            back = point[2] <= centre[2] + 0.01
            point[2] = min(point[2], near[:, 2].min() - 0.014) if back else max(point[2], near[:, 2].max() + 0.012)
    return np.asarray(flat.reshape(position.shape), np.float32)


def _tied(rng: np.random.Generator, body: Body, style: HairStyle, material: Material) -> Part:
    """A pony tail or a bun at the back of the head."""
    data = body_data()
    neutral, _, _ = _net()
    height = rng.uniform(0.755, 0.815)
    column = 0
    row = int(np.abs(neutral[:, column, 1] - height).argmin())
    knot = (body.positions[data.cap_vertices[row, column]] * data.cap_shares[row, column][:, None]).sum(0)
    if style.tie == "bun":
        points, uv, triangles = rounded_box((0.085, 0.08, 0.075), 1.0)
        points = points + knot + (0, 0.012, -0.028)
        return Part(material, points.astype(np.float32), uv * (1, 0.7), triangles, rigid(len(points), head=1.0))
    length = rng.uniform(0.18, 0.36)
    t = np.linspace(0, 1, 9)
    path = (
        np.stack([0 * t, 0.02 * np.sin(np.pi * np.minimum(2 * t, 1)) - length * t**1.3, -0.055 * np.sqrt(t)], 1) + knot
    )
    radii = np.interp(t, [0, 0.12, 0.5, 1], [0.016, 0.03, 0.027, 0.008])
    points, uv, triangles = tube(path, radii)
    share = np.clip((knot[1] - points[:, 1]) / 0.3, 0, 0.6)[:, None]
    weights = rigid(len(points), head=1.0) * (1 - share) + rigid(len(points), neck01=0.5, spine01=0.5) * share
    return Part(material, points, (uv * (1, 0.7)).astype(np.float32), triangles, weights)


def _hair_texture(rng: np.random.Generator, colour: Colour) -> NDArray[np.uint8]:
    """(128, 128, 4) strands from top to bottom; the lowest rows end in tips."""
    strands = gaussian_filter(rng.standard_normal((128, 128)), (18, 0.7), mode="wrap")
    strands += 0.6 * gaussian_filter(rng.standard_normal((128, 128)), (9, 2.5), mode="wrap")
    strands /= strands.std()
    texture = np.full((128, 128, 4), 255, np.uint8)
    texture[..., :3] = np.clip(np.array(colour) * np.exp(0.22 * strands)[..., None] + 0.01, 0, 1) * 255
    tips = np.clip((np.arange(128) / 127 - 0.86) / 0.14, 0, 1)[:, None]
    texture[..., 3] = np.where(strands - strands.min(0) * 0 > 3.2 * tips**1.5 - 2.2 + 1.8 * (tips <= 0) * -9, 255, 0)
    return texture


def hat_parts(rng: np.random.Generator, body: Body, kind: str, colour: Colour) -> list[Part]:
    """A ``beanie`` or a ``cap`` with a visor."""
    neutral, bearing, _ = _net()
    high = np.clip((neutral[..., 1] - 0.80) / 0.05, 0, 1)
    thickness = np.full(bearing.shape, 0.017) + (0.014 if kind == "beanie" else 0.010) * high
    cap = _with_rim(_cap(body, _BEANIE if kind == "beanie" else _FLAT, thickness, margin=0.001), 0.012)
    material = Material("hat", plain_texture(rng, colour), roughness=0.9, two_sided=True)
    parts = [Part(material, cap.position, cap.values["uv"], cap.triangles, cap.values["weights"])]
    if kind == "cap":
        parts.append(_visor(body, cap, material))
    return parts


def _visor(body: Body, cap: Sheet, material: Material) -> Part:
    centre = _centre(body)
    angle = np.radians(np.linspace(-52, 52, 13))
    front = cap.position[cap.position[:, 2] > centre[2]]
    edge_y = float(np.percentile(front[:, 1], 12))
    reach = float(front[:, 2].max() - centre[2])
    width = float(np.abs(front[:, 0]).max())
    rows = np.linspace(0, 1, 4)[:, None]
    inner = np.stack([width * np.sin(angle), 0 * angle, reach * np.cos(angle)], 1)
    push = 0.075 * np.cos(angle * 0.95)
    position = np.repeat(inner[None], len(rows), axis=0) * (0.97, 1, 0.97)
    position[..., 2] += rows * push
    position[..., 1] = edge_y + 0.004 - 0.022 * rows - 0.25 * (np.abs(position[..., 0]) / 0.1) ** 2 * 0.05
    position += centre * (1, 0, 1)
    uv = np.zeros((*position.shape[:2], 2), np.float32)
    points = position.reshape(-1, 3).astype(np.float32)
    triangles = np.ascontiguousarray(grid_triangles(*position.shape[:2]))
    return Part(material, points, uv.reshape(-1, 2), triangles, rigid(len(points), head=1.0))
