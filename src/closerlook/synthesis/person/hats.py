"""Hats: caps cut out of the net over the head, thicker than hair."""

from __future__ import annotations

import numpy as np

from closerlook.synthesis.person.body import Body
from closerlook.synthesis.person.fabric import plain_texture
from closerlook.synthesis.person.mesh import Material
from closerlook.synthesis.person.palette import Colour
from closerlook.synthesis.person.parts import Part, rigid
from closerlook.synthesis.person.scalp import head_cap, head_centre, head_net
from closerlook.synthesis.person.shapes import grid_triangles
from closerlook.synthesis.person.sheet import Sheet

__all__ = ["hat_parts"]

# Heights of their edges at the bearings of a hairline.
_FLAT = (0.792, 0.79, 0.782, 0.772, 0.766, 0.76, 0.752, 0.745, 0.742)
_BEANIE = (0.782, 0.778, 0.765, 0.745, 0.733, 0.722, 0.705, 0.695, 0.69)


def hat_parts(rng: np.random.Generator, body: Body, kind: str, colour: Colour) -> list[Part]:
    """A ``beanie`` or a ``cap`` with a visor."""
    neutral, bearing, _ = head_net()
    high = np.clip((neutral[..., 1] - 0.80) / 0.05, 0, 1)
    thickness = np.full(bearing.shape, 0.017) + (0.014 if kind == "beanie" else 0.010) * high
    cap = head_cap(body, _BEANIE if kind == "beanie" else _FLAT, thickness, margin=0.001).turn_in(0.012)
    material = Material("hat", plain_texture(rng, colour), roughness=0.9, two_sided=True)
    parts = [Part(material, cap.position, cap.values["uv"], cap.triangles, cap.values["weights"])]
    if kind == "cap":
        parts.append(_visor(body, cap, material))
    return parts


def _visor(body: Body, cap: Sheet, material: Material) -> Part:
    centre = head_centre(body)
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
