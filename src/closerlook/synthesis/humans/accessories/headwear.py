"""What heads wear: caps, hats, helmets, headscarves and hoods, cut out of the net over the head; and face masks."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from closerlook.arrays import Floating
from closerlook.synthesis.humans.body.body import Body
from closerlook.synthesis.humans.clothing.fabric import plain_texture
from closerlook.synthesis.humans.clothing.palette import Color
from closerlook.synthesis.humans.hair.scalp import head_cap, head_center, head_net, head_sheet
from closerlook.synthesis.humans.mesh.assembly import Part, rigid
from closerlook.synthesis.humans.mesh.mesh import Material
from closerlook.synthesis.humans.mesh.primitives import grid_triangles, tube
from closerlook.synthesis.humans.mesh.sheet import Sheet

__all__ = ["COVERING", "HATS", "hat_parts", "mask_part", "neck_roll"]


# Heights of their edges at the bearings of a hairline.
_FLAT = (0.792, 0.79, 0.782, 0.772, 0.766, 0.76, 0.752, 0.745, 0.742)
_LOW = (0.776, 0.776, 0.772, 0.766, 0.76, 0.752, 0.745, 0.738, 0.735)
_BEANIE = (0.782, 0.778, 0.765, 0.745, 0.733, 0.722, 0.705, 0.695, 0.69)

COVERING = ("headscarf", "hood")  # under these no hair is seen, but for a hood's front


def hat_parts(rng: np.random.Generator, body: Body, kind: str, color: Color) -> list[Part]:
    """One of :data:`HATS` on a head."""
    texture = plain_texture(rng, color, grain=0.03)
    if kind == "helmet":
        texture[:, :, :3] = np.where((np.arange(64) % 16 < 5)[None, :, None], texture[..., :3] // 5, texture[..., :3])
    material = Material("hat", texture, roughness=0.35 if kind == "helmet" else 0.9, two_sided=True)
    return HATS[kind](rng, body, material)


def _part(sheet: Sheet, material: Material) -> Part:
    return Part(material, sheet.position, sheet.values["uv"], sheet.triangles, sheet.values["weights"])


def _height() -> Floating:
    """0 at the brows to 1 on top of the head."""
    return np.asarray(np.clip((head_net()[0][..., 1] - 0.80) / 0.05, 0, 1))


def _shell(body: Body, line: tuple[float, ...], low: float, high: float) -> Sheet:
    """A cap with an edge: this far from the head at its rim and on top."""
    return head_cap(body, line, low + (high - low) * _height(), margin=0.001).turn_in(0.012)


def _beanie(rng: np.random.Generator, body: Body, material: Material) -> list[Part]:
    return [_part(_shell(body, _BEANIE, 0.017, 0.017 + float(rng.uniform(0.010, 0.035))), material)]


def _cap(rng: np.random.Generator, body: Body, material: Material) -> list[Part]:
    cap = _shell(body, _FLAT, 0.017, 0.027)
    return [_part(cap, material), _visor(body, cap, material)]


def _helmet(rng: np.random.Generator, body: Body, material: Material) -> list[Part]:
    return [_part(_shell(body, _FLAT, 0.028, 0.042), material)]


def _bucket_hat(rng: np.random.Generator, body: Body, material: Material) -> list[Part]:
    hat = _shell(body, _FLAT, 0.016, 0.030)
    return [_part(hat, material), _brim(hat, body, material, out=0.045, drop=0.042)]


def _fedora(rng: np.random.Generator, body: Body, material: Material) -> list[Part]:
    neutral, bearing, _ = head_net()
    crown = _height()
    pinch = np.exp(-((neutral[..., 0] / 0.02) ** 2)) * (crown > 0.9) * 0.018
    thickness = 0.014 + 0.040 * crown - pinch + 0.006 * np.cos(np.radians(bearing)) * crown
    hat = head_cap(body, _FLAT, thickness, margin=0.001).turn_in(0.006)
    band = Material("hat", plain_texture(rng, (0.05, 0.045, 0.045), size=32), roughness=0.7, two_sided=True)
    wide = float(rng.uniform(0.05, 0.075))
    return [
        _part(hat, material),
        _brim(hat, body, material, out=wide, drop=0.008),
        _brim(hat, body, band, out=0.0015, drop=-0.028),
    ]


def _headscarf(rng: np.random.Generator, body: Body, material: Material) -> list[Part]:
    """Cloth around the face and neck."""
    scarf = head_sheet(body, _around_face(54, 0.092), np.full(head_net()[1].shape, 0.016)).turn_in(0.01)
    return [_part(scarf, material), neck_roll(body, material, 0.95, 0.85)]


def _hood(rng: np.random.Generator, body: Body, material: Material) -> list[Part]:
    """Stands off the head, most at its crown and back."""
    bearing = head_net()[1]
    back = np.clip((np.abs(bearing) - 60) / 120, 0, 1)
    hood = head_sheet(body, _around_face(64, 0.112), 0.022 + 0.018 * back + 0.010 * _height()).turn_in(0.02)
    return [_part(hood, material), neck_roll(body, material, 1.12, 0.8)]


HATS: dict[str, Callable[[np.random.Generator, Body, Material], list[Part]]] = {
    "beanie": _beanie,
    "cap": _cap,
    "bucket_hat": _bucket_hat,
    "fedora": _fedora,
    "helmet": _helmet,
    "headscarf": _headscarf,
    "hood": _hood,
}


def _around_face(half_width: float, half_height: float) -> Floating:
    """Meters, about, outside an oval around the face: half as wide in degrees of bearing, half as high in meters."""
    neutral, bearing, _ = head_net()
    return np.asarray((np.hypot(bearing / half_width, (neutral[..., 1] - 0.700) / half_height) - 1) * half_height)


def neck_roll(body: Body, material: Material, size: float, thick: float = 1.0) -> Part:
    """Cloth wound once around the neck."""
    neck, size = body.head("neck01"), size * body.shape.stature / 1.72
    turn = np.linspace(-np.pi, np.pi, 19)
    path = np.stack(
        [
            neck[0] + 0.078 * size * np.sin(turn),
            neck[1] + (0.012 - 0.03 * np.cos(turn)) * size,
            neck[2] + 0.018 * size + 0.082 * size * np.cos(turn),
        ],
        axis=1,
    )
    radii = np.stack([0.042 + 0.008 * np.cos(turn), np.full(19, 0.030)], axis=1) * size * thick
    points, uv, triangles = tube(path, radii, sides=8)
    return Part(material, points, uv, triangles, rigid(len(points), neck01=1.0))


def mask_part(rng: np.random.Generator, body: Body, color: Color) -> Part:
    """A mask over nose, mouth and chin, with pleats."""
    neutral, bearing, _ = head_net()
    y, aside = neutral[..., 1], np.abs(bearing)
    upper = np.interp(aside, [0, 20, 60, 80], [0.716, 0.708, 0.700, 0.690])
    lower = np.interp(aside, [0, 40, 60, 80], [0.600, 0.630, 0.660, 0.685])
    level = np.minimum.reduce([upper - y, y - lower, (74 - aside) * 0.0016])
    mask = head_sheet(body, level, np.full(y.shape, 0.006), over_nose=True).turn_in(0.004)
    texture = plain_texture(rng, color, size=64, grain=0.02)
    texture[::3, :, :3] = (texture[::3, :, :3] * 0.88).astype(np.uint8)
    return _part(mask, Material("mask", texture, roughness=0.95, two_sided=True))


def _rim(hat: Sheet, center: Floating, bearings: Floating) -> tuple[Floating, Floating]:
    """How far from the head's axis and how high a hat's edge is in these directions."""
    out = hat.position - center
    far, direction = np.hypot(out[:, 0], out[:, 2]), np.arctan2(out[:, 0], out[:, 2])
    radius, height = np.zeros(len(bearings)), np.zeros(len(bearings))
    for k, bearing in enumerate(bearings):
        near = np.cos(direction - bearing) > 0.97
        edge = near & (hat.position[:, 1] < hat.position[near, 1].min() + 0.012)
        radius[k], height[k] = far[edge].max(), hat.position[edge, 1].min()
    return radius, height


def _brim(hat: Sheet, body: Body, material: Material, *, out: float, drop: float) -> Part:
    """A ring around a hat's edge, this wide and this much lower at its outside; above the edge for a band."""
    center, bearings = head_center(body), np.linspace(-np.pi, np.pi, 25)
    radius, height = _rim(hat, center, bearings[:-1])
    radius, height = np.append(radius, radius[0]), np.append(height, height[0])
    rows = np.array([0.0, 0.5, 1.0] if drop >= 0 else [1.0, 0.0])[:, None]
    reach = radius - 0.006 * (drop >= 0) + out * (rows if drop >= 0 else 1.0)
    x, y = center[0] + reach * np.sin(bearings), height + 0.010 - (drop + 0.006 * np.sign(drop)) * rows
    position = np.stack(np.broadcast_arrays(x, y, center[2] + reach * np.cos(bearings)), axis=2)
    uv = np.stack(np.broadcast_arrays(np.linspace(0, 1, 25)[None], np.linspace(0, 0.3, len(rows))[:, None]), axis=2)
    points, triangles = position.reshape(-1, 3).astype(np.float32), grid_triangles(len(rows), 25)
    return Part(material, points, uv.reshape(-1, 2).astype(np.float32), triangles, rigid(len(points), head=1.0))


def _visor(body: Body, cap: Sheet, material: Material) -> Part:
    center = head_center(body)
    angle = np.radians(np.linspace(-52, 52, 13))
    front = cap.position[cap.position[:, 2] > center[2]]
    edge_y = float(np.percentile(front[:, 1], 12))
    reach = float(front[:, 2].max() - center[2])
    width = float(np.abs(front[:, 0]).max())
    rows = np.linspace(0, 1, 4)[:, None]
    inner = np.stack([width * np.sin(angle), 0 * angle, reach * np.cos(angle)], 1)
    push = 0.075 * np.cos(angle * 0.95)
    position = np.repeat(inner[None], len(rows), axis=0) * (0.97, 1, 0.97)
    position[..., 2] += rows * push
    position[..., 1] = edge_y + 0.004 - 0.022 * rows - 0.25 * (np.abs(position[..., 0]) / 0.1) ** 2 * 0.05
    position += center * (1, 0, 1)
    uv = np.zeros((*position.shape[:2], 2), np.float32)
    points = position.reshape(-1, 3).astype(np.float32)
    triangles = np.ascontiguousarray(grid_triangles(*position.shape[:2]))
    return Part(material, points, uv.reshape(-1, 2), triangles, rigid(len(points), head=1.0))
