"""Things that people carry or tie on: backpack, shoulder bag, handbag, tote, scarf; fitted to the clothes."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from closerlook.synthesis.person.body import Body
from closerlook.synthesis.person.fabric import plain_texture
from closerlook.synthesis.person.mesh import Material
from closerlook.synthesis.person.palette import Colour, shade
from closerlook.synthesis.person.parts import Part, rigid
from closerlook.synthesis.person.shapes import ribbon, rounded_box, tube

__all__ = ["bag_parts", "scarf_part"]

Float = NDArray[np.floating]


def bag_parts(rng: np.random.Generator, body: Body, kind: str, colour: Colour, surface: Float) -> list[Part]:
    """A ``backpack``, ``shoulder_bag``, ``handbag`` or ``tote`` with its straps.

    ``surface`` (n, 3) are the points of the trunk's outermost clothes.
    """
    make = {"backpack": _backpack, "shoulder_bag": _shoulder_bag, "handbag": _hand_held, "tote": _hand_held}[kind]
    return make(rng, body, kind, colour, surface)


def scarf_part(rng: np.random.Generator, body: Body, colour: Colour) -> Part:
    """A scarf wound once around the neck."""
    neck, size = body.head("neck01"), body.shape.stature / 1.72
    turn = np.linspace(-np.pi, np.pi, 19)
    path = np.stack(
        [
            neck[0] + 0.078 * size * np.sin(turn),
            neck[1] + (0.012 - 0.03 * np.cos(turn)) * size,
            neck[2] + 0.018 * size + 0.082 * size * np.cos(turn),
        ],
        axis=1,
    )
    radii = np.stack([0.042 + 0.008 * np.cos(turn), np.full(19, 0.030)], axis=1) * size
    points, uv, triangles = tube(path, radii, sides=8)
    texture = plain_texture(rng, colour, size=64, grain=0.12)
    return Part(Material("scarf", texture, roughness=0.95), points, uv, triangles, rigid(len(points), neck01=1.0))


def _material(rng: np.random.Generator, kind: str, colour: Colour, *, strap: bool = False) -> Material:
    if strap:
        return Material(kind, plain_texture(rng, shade(colour, 0.7), size=32), roughness=0.8, two_sided=True)
    texture = plain_texture(rng, colour, size=64, grain=0.05)
    if kind == "backpack":
        texture[33:35, 12:52, :3] //= 2
        texture[40:56, 18:46, :3] = (texture[40:56, 18:46, :3] * 0.8).astype(np.uint8)
    else:
        texture[18:20, :, :3] //= 2
    return Material(kind, texture, roughness=0.7)


def _depth(surface: Float, x: Float, y: Float, *, front: bool) -> Float:
    """How far the clothes reach forwards (or backwards) near each (x, y)."""
    far = np.hypot(surface[None, :, 0] - x[:, None], surface[None, :, 1] - y[:, None])
    near = far < np.maximum(0.035, far.min(1, keepdims=True) + 0.005)
    z = np.where(near, surface[None, :, 2], -np.inf if front else np.inf)
    return np.asarray(z.max(1) if front else z.min(1), np.float32)


def _crest(surface: Float, x: float, z: float) -> float:
    """The height of the clothes on top of the shoulder at ``x``."""
    far = np.hypot(surface[:, 0] - x, surface[:, 2] - z)
    return float(surface[far < max(0.025, far.min() + 0.005), 1].max())


def _backpack(rng: np.random.Generator, body: Body, kind: str, colour: Colour, surface: Float) -> list[Part]:
    size = float(np.clip(body.shape.stature / 1.72, 0.6, 1.1)) * rng.uniform(0.85, 1.12)
    width, height, depth = 0.30 * size, 0.45 * size, 0.17 * size
    top = body.head("spine01")[1] + 0.10 * size
    middle = top - height / 2
    levels = np.linspace(top - 0.05, top - height + 0.05, 8, dtype=np.float32)
    back = float(_depth(surface, np.zeros(8, np.float32), levels, front=False).min())
    points, uv, triangles = rounded_box((width, height, depth), 0.45)
    points = points + np.array([0, middle, back - depth * 0.42], np.float32)
    uv = np.stack([(uv[:, 0] + 0.5) % 1.0, uv[:, 1]], 1)
    parts = [Part(_material(rng, kind, colour), points, uv, triangles, rigid(len(points), spine02=0.6, spine03=0.4))]
    material = _material(rng, kind, colour, strap=True)
    for sign in (-1.0, 1.0):
        path = _over_shoulder(body, surface, sign * 0.105 * size, top - 0.03, top - 0.5 * height, back)
        points, uv, triangles = ribbon(path, np.tile(np.array([0.024 * size, 0, 0], np.float32), (len(path), 1)), 0.012)
        weights = rigid(len(points), spine01=0.6, spine02=0.4)
        parts.append(Part(material, points, uv, triangles, weights))
    return parts


def _over_shoulder(body: Body, surface: Float, x: float, high: float, low: float, back: float) -> Float:
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


def _shoulder_bag(rng: np.random.Generator, body: Body, kind: str, colour: Colour, surface: Float) -> list[Part]:
    """A bag at one hip; its strap crosses the chest from the other shoulder."""
    sign = float(rng.choice([-1.0, 1.0]))
    size = float(np.clip(body.shape.stature / 1.72, 0.6, 1.1)) * rng.uniform(0.85, 1.2)
    hip = float(body.head("upperleg01.L")[1]) + 0.02
    side = float(np.abs(surface[np.abs(surface[:, 1] - hip) < 0.05, 0]).max())
    points, uv, triangles = rounded_box((0.085 * size, 0.23 * size, 0.31 * size), 0.4)
    centre = np.array([sign * (side + 0.03), hip - 0.02, body.head("spine03")[2] - 0.04], np.float32)
    bag = Part(_material(rng, kind, colour), points + centre, uv, triangles, rigid(len(points), spine05=0.7, root=0.3))
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
    return [bag, Part(_material(rng, kind, colour, strap=True), points, uv, triangles, weights)]


def _hand_held(rng: np.random.Generator, body: Body, kind: str, colour: Colour, surface: Float) -> list[Part]:
    """A handbag or a tote hanging from one hand."""
    side, sign = (("L", 1.0), ("R", -1.0))[int(rng.integers(2))]
    size = float(np.clip(body.shape.stature / 1.72, 0.6, 1.1)) * rng.uniform(0.85, 1.15)
    wide, high, deep = ((0.30, 0.22, 0.12), (0.34, 0.33, 0.06))[kind == "tote"]
    grip = body.head(f"grip.{side}")
    drop = 0.12 if kind == "handbag" else 0.14
    points, uv, triangles = rounded_box((deep * size, high * size, wide * size), 0.42)
    centre = grip + np.array([sign * 0.035, -(drop + high / 2) * size, 0.0], np.float32)
    bone = {f"grip__{side}": 1.0}
    bag = Part(_material(rng, kind, colour), points + centre, uv, triangles, rigid(len(points), **bone))
    parts = [bag]
    t = np.linspace(0, np.pi, 9)
    for apart in (-0.02, 0.02):
        path = np.stack(
            [
                grip[0] + apart * np.sin(t) * 0.3 + (centre[0] - grip[0]) * (1 - np.sin(t)),
                grip[1] - drop * size * (1 - np.sin(t)) * 1.05,
                grip[2] - np.cos(t) * wide * size * 0.25,
            ],
            axis=1,
        )
        points, uv, triangles = tube(path, np.full(len(t), 0.006), sides=5)
        parts.append(Part(_material(rng, kind, colour, strap=True), points, uv, triangles, rigid(len(points), **bone)))
    return parts
