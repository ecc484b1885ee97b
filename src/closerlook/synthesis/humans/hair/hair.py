"""Hair, grown on the net over the head: caps cut along a hairline, curtains, tails, buns."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from closerlook.arrays import Floating
from closerlook.synthesis.humans.body.body import Body
from closerlook.synthesis.humans.clothing.palette import Color
from closerlook.synthesis.humans.hair.scalp import head_cap, head_center, head_knots, head_net
from closerlook.synthesis.humans.mesh.assembly import Part, rigid
from closerlook.synthesis.humans.mesh.mesh import Material
from closerlook.synthesis.humans.mesh.primitives import grid_triangles, rounded_box, tube

__all__ = ["HAIR_STYLES", "HairStyle", "hair_parts"]


# Heights of hairlines at ``BEARINGS``.
_SHORT = (0.800, 0.798, 0.783, 0.722, 0.738, 0.738, 0.695, 0.662, 0.655)
_FRINGE = (0.762, 0.762, 0.758, 0.715, 0.70, 0.69, 0.672, 0.655, 0.65)
_FULL = (0.802, 0.797, 0.775, 0.712, 0.70, 0.69, 0.672, 0.655, 0.65)
_BUZZ = (0.798, 0.798, 0.785, 0.735, 0.742, 0.742, 0.71, 0.675, 0.67)


@dataclass(frozen=True)
class HairStyle:
    """A hair style.

    Attributes:
        line: heights of the hairline at ``BEARINGS``.
        volume: thickness on top, meters; the sides have ``sides`` times as much.
        rough: lumps, as a share of the volume.
        fall: how far below the ears a curtain hangs, meters; 0 for none.
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


def hair_parts(
    rng: np.random.Generator, body: Body, style: HairStyle, color: Color, surface: Floating, *, hat: bool = False
) -> list[Part]:
    """The hair of a head; a hat presses it flat. Long hair lies on ``surface`` (n, 3), points of the clothes."""
    grown, full = np.exp(rng.normal(0, 0.22)), np.exp(rng.normal(0, 0.2))
    fall, volume = style.fall * float(grown), style.volume * float(full)
    tie = "" if hat and style.tie == "bun" else style.tie
    style = replace(style, fall=fall, volume=min(volume, 0.006) if hat else volume, tie=tie)
    neutral, bearing, _ = head_net()
    line = tuple(np.array(style.line) + rng.normal(0, 0.005) + rng.normal(0, 0.003, len(style.line)))
    lumps = gaussian_filter(rng.standard_normal(bearing.shape), (1.0, 1.4), mode=("nearest", "wrap"))
    lumps[:, -1] = lumps[:, 0]
    lumps *= np.clip(np.arange(len(lumps)) / 5, 0, 1)[:, None]  # all bearings meet at the crown
    high = np.clip((neutral[..., 1] - 0.74) / 0.08, 0, 1)
    thickness = style.volume * (style.sides + (1 - style.sides) * high) * (1 + style.rough * lumps / lumps.std())
    material = Material("hair", _hair_texture(rng, color), roughness=0.6, cutout=True, two_sided=True)
    cap = head_cap(body, line, np.maximum(thickness, 0.001), style.crown).turn_in(0.006)
    parts = [Part(material, cap.position, cap.values["uv"], cap.triangles, cap.values["weights"])]
    if style.fall:
        parts.append(_curtain(rng, body, style, material, surface))
    if style.tie:
        parts.append(_tied(rng, body, style, material))
    return parts


CURTAIN_FROM = 72.0  # degrees from the front
CURTAIN_ROWS = 8


def _curtain(rng: np.random.Generator, body: Body, style: HairStyle, material: Material, surface: Floating) -> Part:
    """Hair that hangs from the sides and back of the head and lies on the shoulders."""
    bearing = head_net()[1][0]
    columns = np.flatnonzero(np.abs(bearing) >= CURTAIN_FROM)
    columns = np.concatenate([columns[bearing[columns] > 0], columns[bearing[columns] < 0][1:]])
    crown, center = _crown(body, style, columns), head_center(body)
    behind = np.clip((np.abs(bearing[columns]) - 95) / 40, 0, 1)
    size = body.shape.stature / 1.7 if body.shape.years > 14 else 0.9
    length = np.minimum(style.fall, 0.18) * (1 - behind) + style.fall * behind
    length = (length * (1 + 0.05 * rng.standard_normal(len(columns))) + 0.04) * size
    steps = np.arange(1, CURTAIN_ROWS + 1)[:, None] / CURTAIN_ROWS
    fallen = np.repeat(crown[-1:], CURTAIN_ROWS, axis=0)
    fallen[..., 1] -= steps * length
    swing = 1 + (0.10 * np.sin(np.pi * steps) - 0.10 * steps) * (1 - 0.5 * behind)
    fallen[..., [0, 2]] = center[[0, 2]] + (fallen[..., [0, 2]] - center[[0, 2]]) * swing[..., None]
    position = np.concatenate([crown, _lie_on(fallen, surface, center)])
    down = np.concatenate([np.linspace(0.1, 0.3, len(crown))[:, None], 0.3 + 0.7 * steps])
    uv = np.stack(np.broadcast_arrays(np.linspace(0, 1, len(columns))[None], down), axis=2)
    hanging = np.concatenate([np.zeros(crown.shape[:2]), steps * length]).ravel()
    share = np.clip((hanging - 0.12) / 0.2, 0, 0.7)[:, None]
    weights = rigid(len(share), head=1.0) * (1 - share) + rigid(len(share), spine01=0.6, neck01=0.4) * share
    triangles = grid_triangles(*position.shape[:2])
    return Part(material, position.reshape(-1, 3).astype(np.float32), uv.reshape(-1, 2), triangles, weights)


def _crown(body: Body, style: HairStyle, columns: NDArray[np.intp]) -> Floating:
    """(rows, n, 3) the curtain's part on the head: just outside the cap, from near the crown to above the ears."""
    neutral, _, pull = head_net()
    height = neutral[..., 1]
    rows = np.flatnonzero((height.max(1) < 0.835) & (height[:, columns].mean(1) > 0.745))
    knots, center = head_knots(body.positions)[rows][:, columns], head_center(body)
    out = knots - center
    lift = style.volume * style.sides + np.linspace(0.0015, 0.007, len(rows))[:, None, None]
    unit = out / np.linalg.norm(out, axis=2, keepdims=True)
    return np.asarray(center + out * pull[rows][:, columns, None] + lift * unit, np.float32)


def _lie_on(position: Floating, surface: Floating, center: Floating) -> Floating:
    """Push hair outside the clothes and neck below it, away from the head's axis."""
    flat = position.reshape(-1, 3).copy()
    low = flat[:, 1] < surface[:, 1].max() + 0.02
    for k in np.flatnonzero(low):
        point = flat[k]
        near = surface[(np.abs(surface[:, 1] - point[1]) < 0.03) & (np.abs(surface[:, 0] - point[0]) < 0.045)]
        if len(near):
            back = point[2] <= center[2] + 0.01
            point[2] = min(point[2], near[:, 2].min() - 0.014) if back else max(point[2], near[:, 2].max() + 0.012)
    return np.asarray(flat.reshape(position.shape), np.float32)


def _tied(rng: np.random.Generator, body: Body, style: HairStyle, material: Material) -> Part:
    """A pony tail or a bun at the back of the head."""
    at_back = head_net()[0][:, 0, 1]
    row = int(np.abs(at_back - rng.uniform(0.755, 0.815)).argmin())
    knot = head_knots(body.positions)[row, 0]
    if style.tie == "bun":
        points, uv, triangles = rounded_box((0.085, 0.08, 0.075), 1.0)
        points = points + knot + (0, 0.012, -0.028)
        return Part(material, points.astype(np.float32), uv * (1, 0.7), triangles, rigid(len(points), head=1.0))
    length = rng.uniform(0.18, 0.36)
    t = np.linspace(0, 1, 9)
    lift = 0.02 * np.sin(np.pi * np.minimum(2 * t, 1))
    path = np.stack([0 * t, lift - length * t**1.3, -0.055 * np.sqrt(t)], axis=1) + knot
    radii = np.interp(t, [0, 0.12, 0.5, 1], [0.016, 0.03, 0.027, 0.008])
    points, uv, triangles = tube(path, radii)
    share = np.clip((knot[1] - points[:, 1]) / 0.3, 0, 0.6)[:, None]
    weights = rigid(len(points), head=1.0) * (1 - share) + rigid(len(points), neck01=0.5, spine01=0.5) * share
    return Part(material, points, (uv * (1, 0.7)).astype(np.float32), triangles, weights)


def _hair_texture(rng: np.random.Generator, color: Color) -> NDArray[np.uint8]:
    """(128, 128, 4) strands from top to bottom; the lowest rows end in tips."""
    strands = gaussian_filter(rng.standard_normal((128, 128)), (18, 0.7), mode="wrap")
    strands += 0.6 * gaussian_filter(rng.standard_normal((128, 128)), (9, 2.5), mode="wrap")
    strands /= strands.std()
    texture = np.full((128, 128, 4), 255, np.uint8)
    texture[..., :3] = np.clip(np.array(color) * np.exp(0.22 * strands)[..., None] + 0.01, 0, 1) * 255
    tips = np.clip((np.arange(128) / 127 - 0.86) / 0.14, 0, 1)[:, None]
    thinnest = np.where(tips > 0, 3.2 * tips**1.5 - 2.2, -np.inf)
    texture[..., 3] = np.where(strands > thinnest, 255, 0)
    return texture
