"""What people carry: backpack, shoulder bag, handbag, tote and shopping bag, fitted to the clothes; umbrella; phone."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from closerlook.arrays import Floating
from closerlook.synthesis.humans.body.body import Body
from closerlook.synthesis.humans.clothing.fabric import plain_texture
from closerlook.synthesis.humans.clothing.palette import Color, shade
from closerlook.synthesis.humans.mesh.assembly import Part, rigid
from closerlook.synthesis.humans.mesh.mesh import Hold, Material
from closerlook.synthesis.humans.mesh.primitives import Surface, box, lathe, ribbon, rounded_box, tube

__all__ = ["bag_parts", "phone_parts", "umbrella_parts"]


def bag_parts(
    rng: np.random.Generator, body: Body, kind: str, color: Color, surface: Floating, side: str
) -> list[Part]:
    """A ``backpack``, ``shoulder_bag``, ``handbag``, ``tote`` or ``shopping_bag`` with its straps.

    ``surface`` (n, 3) are the points of the trunk's outermost clothes, ``side`` the hand that holds what is held.
    """
    if side:
        return _hand_held(rng, body, kind, color, side)
    return {"backpack": _backpack, "shoulder_bag": _shoulder_bag}[kind](rng, body, kind, color, surface)


def umbrella_parts(
    rng: np.random.Generator, body: Body, color: Color, second: Color, side: str
) -> tuple[list[Part], Hold]:
    """An umbrella, both open over the head and folded in the hanging hand; a pose shows one of the two."""
    size, sign = body.shape.stature / 1.72, 1.0 if side == "L" else -1.0
    grip = body.head(f"grip.{side}")
    reach = (sign * 0.13 * size, 1.14 * size, 0.27 * size)
    wide, up, back = float(rng.uniform(0.48, 0.58)), 0.84 * size, -0.16
    points, uv, triangles = lathe(
        np.array([0.0, 0.34, 0.66, 0.88, 1.0]) * wide, np.array([0, -0.035, -0.10, -0.175, -0.25]) * wide / 0.5, 16
    )
    rim = np.arange(len(points)) >= len(points) - 17
    points[rim, 1] += 0.022 * (1 - np.cos(np.pi * np.arange(17)))  # the cloth is cut in between two ribs
    points += np.array([-sign * 0.06, up, back], np.float32)
    shaft = np.array([[0, -0.09, 0.0], [0, 0, 0], [-sign * 0.06, up + 0.05, back]])
    canopy = _umbrella_texture(rng, color, second)
    cover = Material("umbrella", canopy, roughness=0.6, two_sided=True)
    metal = Material("umbrella", plain_texture(rng, (0.13, 0.13, 0.14), size=16), roughness=0.5)
    rolled = lathe(np.array([0.008, 0.03, 0.034, 0.022, 0.004]), np.array([-0.05, -0.10, -0.24, -0.5, -0.66]) * size, 8)
    stick = np.array([[0, 0.07, 0], [0, -0.05, 0]])
    parts = [
        _held(cover, (points, uv, triangles), grip, f"open__{side}"),
        _held(metal, tube(shaft, np.array([0.014, 0.009, 0.007]), sides=5), grip, f"open__{side}"),
        _held(cover, rolled, grip, f"folded__{side}"),
        _held(metal, tube(stick, np.full(2, 0.013), sides=5), grip, f"folded__{side}"),
    ]
    return parts, Hold("umbrella", reach)


def _umbrella_texture(rng: np.random.Generator, color: Color, second: Color) -> NDArray[np.uint8]:
    """Eight gores, all of one color, every other of another, or with a border."""
    texture = plain_texture(rng, color, size=32, grain=0.03)
    kind = rng.choice(3, p=(0.6, 0.2, 0.2))
    where = (np.arange(32) % 8 < 4)[None, :] if kind == 1 else (np.arange(32) > 27)[:, None]
    if kind:
        texture[np.broadcast_to(where, (32, 32)), :3] = np.array(second) * 255
    seams = np.arange(32) % 4 == 0
    texture[:, seams, :3] = (texture[:, seams, :3] * 0.8).astype(np.uint8)
    return texture


def phone_parts(rng: np.random.Generator, body: Body, hands: Iterable[str]) -> list[Part]:
    """A phone in each of these hands, for poses that show it."""
    color = ((0.05, 0.05, 0.055), (0.75, 0.75, 0.76), (0.35, 0.2, 0.22))[int(rng.choice(3, p=(0.7, 0.2, 0.1)))]
    material = Material("phone", plain_texture(rng, color, size=16, grain=0.0), roughness=0.3)
    phone = box((0.074, 0.15, 0.01), (0.0, 0.035, 0.02))
    return [_held(material, phone, body.head(f"grip.{side}"), f"phone__{side}") for side in hands]


def _held(material: Material, surface: Surface, grip: Floating, bone: str) -> Part:
    """A stiff thing given around the hand that holds it."""
    points, uv, triangles = surface
    return Part(material, (points + grip).astype(np.float32), uv, triangles, rigid(len(points), **{bone: 1.0}))


def _material(rng: np.random.Generator, kind: str, color: Color, *, strap: bool = False) -> Material:
    if strap:
        return Material(kind, plain_texture(rng, shade(color, 0.7), size=32), roughness=0.8, two_sided=True)
    texture = plain_texture(rng, color, size=64, grain=0.05)
    if kind == "backpack":
        texture[33:35, 12:52, :3] //= 2
        texture[40:56, 18:46, :3] = (texture[40:56, 18:46, :3] * 0.8).astype(np.uint8)
    else:
        texture[18:20, :, :3] //= 2
    return Material(kind, texture, roughness=0.7)


def _depth(surface: Floating, x: Floating, y: Floating, *, front: bool) -> Floating:
    """How far the clothes reach forwards (or backwards) near each (x, y)."""
    far = np.hypot(surface[None, :, 0] - x[:, None], surface[None, :, 1] - y[:, None])
    near = far < np.maximum(0.035, far.min(1, keepdims=True) + 0.005)
    z = np.where(near, surface[None, :, 2], -np.inf if front else np.inf)
    return np.asarray(z.max(1) if front else z.min(1), np.float32)


def _crest(surface: Floating, x: float, z: float) -> float:
    """The height of the clothes on top of the shoulder at ``x``."""
    far = np.hypot(surface[:, 0] - x, surface[:, 2] - z)
    return float(surface[far < max(0.025, far.min() + 0.005), 1].max())


def _backpack(rng: np.random.Generator, body: Body, kind: str, color: Color, surface: Floating) -> list[Part]:
    size = float(np.clip(body.shape.stature / 1.72, 0.6, 1.1)) * rng.uniform(0.85, 1.12)
    width, height, depth = 0.30 * size, 0.45 * size, 0.17 * size
    top = body.head("spine01")[1] + 0.10 * size
    middle = top - height / 2
    levels = np.linspace(top - 0.05, top - height + 0.05, 8, dtype=np.float32)
    back = float(_depth(surface, np.zeros(8, np.float32), levels, front=False).min())
    points, uv, triangles = rounded_box((width, height, depth), 0.45, rows=11, columns=21)
    points = points + np.array([0, middle, back - depth * 0.42], np.float32)
    uv = np.stack([(uv[:, 0] + 0.5) % 1.0, uv[:, 1]], 1)
    parts = [Part(_material(rng, kind, color), points, uv, triangles, rigid(len(points), spine02=0.6, spine03=0.4))]
    material = _material(rng, kind, color, strap=True)
    for sign in (-1.0, 1.0):
        path = _over_shoulder(body, surface, sign * 0.105 * size, top - 0.03, top - 0.5 * height, back)
        points, uv, triangles = ribbon(path, np.tile(np.array([0.024 * size, 0, 0], np.float32), (len(path), 1)), 0.012)
        weights = rigid(len(points), spine01=0.6, spine02=0.4)
        parts.append(Part(material, points, uv, triangles, weights))
    return parts


def _over_shoulder(body: Body, surface: Floating, x: float, high: float, low: float, back: float) -> Floating:
    """A strap's path from the top of a pack over the shoulder, down the chest, and under the arm to the back."""
    middle = float(body.head("spine01")[2])
    depths = np.linspace(middle - 0.07, middle + 0.07, 6, dtype=np.float32)
    crest = np.array([_crest(surface, x, float(z)) for z in depths], np.float32)
    over = np.stack([np.full(6, x), crest + 0.006, depths], 1)[crest > high - 0.06]
    chest = np.linspace(over[-1, 1] - 0.03, low, 6, dtype=np.float32)
    front = _depth(surface, np.full(6, x, np.float32), chest, front=True) + 0.007
    side = float(np.abs(surface[np.abs(surface[:, 1] - low) < 0.04, 0]).max()) * np.sign(x)
    swerve = np.array([0, 0, 0.05, 0.15, 0.35, 0.6], np.float32)
    down = np.stack([x + (side - x) * swerve, chest, front + (middle - front) * swerve**2], 1)
    ends = np.array([[side, low - 0.02, middle], [side * 0.8, low - 0.03, back + 0.01]], np.float32)
    start = np.array([[x * 0.85, high, back]], np.float32)
    return np.concatenate([start, over, down, ends]).astype(np.float32)


def _shoulder_bag(rng: np.random.Generator, body: Body, kind: str, color: Color, surface: Floating) -> list[Part]:
    """A bag at one hip; its strap crosses the chest from the other shoulder."""
    sign = float(rng.choice([-1.0, 1.0]))
    size = float(np.clip(body.shape.stature / 1.72, 0.6, 1.1)) * rng.uniform(0.85, 1.2)
    hip = float(body.head("upperleg01.L")[1]) + 0.02
    side = float(np.abs(surface[np.abs(surface[:, 1] - hip) < 0.05, 0]).max())
    points, uv, triangles = rounded_box((0.085 * size, 0.23 * size, 0.31 * size), 0.4, rows=9, columns=17)
    center = np.array([sign * (side + 0.03), hip - 0.02, body.head("spine03")[2] - 0.04], np.float32)
    bag = Part(_material(rng, kind, color), points + center, uv, triangles, rigid(len(points), spine05=0.7, root=0.3))
    shoulder_x = -sign * 0.11 * size
    crest = _crest(surface, shoulder_x, float(body.head("spine01")[2]))
    t = np.linspace(0, 1, 12, dtype=np.float32)
    x = shoulder_x + (sign * side * 0.96 - shoulder_x) * t
    y = crest - 0.02 + (hip + 0.1 - crest) * t
    front, back = (_depth(surface, x, y, front=side_) for side_ in (True, False))
    path_front = np.stack([x, y, front + 0.008], 1)
    path_back = np.stack([x, y, back - 0.008], 1)
    over = np.array([[shoulder_x, crest + 0.008, body.head("spine01")[2] - 0.01]], np.float32)
    path = np.concatenate([path_back[::-1], over, path_front])
    across = np.tile(np.array([0.012, 0.012 * sign, 0], np.float32), (len(path), 1))
    points, uv, triangles = ribbon(path, across, 0.006)
    share = np.clip((points[:, 1] - hip) / (crest - hip), 0, 1)[:, None]
    weights = rigid(len(points), spine01=0.5, spine02=0.5) * share + rigid(len(points), spine05=1.0) * (1 - share)
    return [bag, Part(_material(rng, kind, color, strap=True), points, uv, triangles, weights)]


_SIZES = {  # width, height, depth and how far below the hand: meters
    "handbag": (0.30, 0.22, 0.12, 0.12),
    "tote": (0.34, 0.33, 0.06, 0.14),
    "shopping_bag": (0.30, 0.36, 0.13, 0.10),
}


def _hand_held(rng: np.random.Generator, body: Body, kind: str, color: Color, side: str) -> list[Part]:
    """A bag hanging from one hand."""
    sign = 1.0 if side == "L" else -1.0
    size = float(np.clip(body.shape.stature / 1.72, 0.6, 1.1)) * rng.uniform(0.85, 1.15)
    wide, high, deep, drop = _SIZES[kind]
    grip = body.head(f"grip.{side}")
    points, uv, triangles = rounded_box((deep * size, high * size, wide * size), 0.42, rows=9, columns=17)
    if kind == "shopping_bag":  # thin: pulled together at the top, creased
        points[:, [0, 2]] *= (1 - 0.25 * (points[:, 1:2] / (high * size) + 0.5)) * rng.uniform(
            0.94, 1.06, (len(points), 1)
        )
    center = grip + np.array([sign * 0.035, -(drop + high / 2) * size, 0.0], np.float32)
    bone = {f"grip__{side}": 1.0}
    bag = Part(_material(rng, kind, color), points + center, uv, triangles, rigid(len(points), **bone))
    parts = [bag]
    t = np.linspace(0, np.pi, 9)
    for apart in (-0.02, 0.02):
        path = np.stack(
            [
                grip[0] + apart * np.sin(t) * 0.3 + (center[0] - grip[0]) * (1 - np.sin(t)),
                grip[1] - drop * size * (1 - np.sin(t)) * 1.05,
                grip[2] - np.cos(t) * wide * size * 0.25,
            ],
            axis=1,
        )
        points, uv, triangles = tube(path, np.full(len(t), 0.006), sides=5)
        parts.append(Part(_material(rng, kind, color, strap=True), points, uv, triangles, rigid(len(points), **bone)))
    return parts
