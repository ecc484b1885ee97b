"""What rolls on the ground beside a person: a suitcase behind the hand, a stroller before both, a bicycle at one side.

Each is built around the point on the ground below the pelvis, with the places that the hands are to reach.
"""

from __future__ import annotations

import numpy as np

from closerlook.synthesis.humans.body.body import Body
from closerlook.synthesis.humans.clothing.palette import Color, shade
from closerlook.synthesis.humans.mesh.assembly import Part, rigid
from closerlook.synthesis.humans.mesh.mesh import Hold, Material
from closerlook.synthesis.humans.mesh.primitives import Surface, box, join, rounded_box, swatch, tube

__all__ = ["wheeled_parts"]

Point = tuple[float, float, float]

SWATCHES = 4  # main color, frame, tires, lining


def wheeled_parts(
    rng: np.random.Generator, body: Body, kind: str, color: Color, frame: Color, side: str
) -> tuple[list[Part], dict[str, Hold]]:
    """A ``suitcase``, ``stroller`` or ``bicycle`` and what the hands do with it, by side."""
    sign = -1.0 if side == "R" else 1.0
    make = {"suitcase": _suitcase, "stroller": _stroller, "bicycle": _bicycle}[kind]
    (points, uv, triangles), grip = make(rng, body, sign)
    texture = np.full((16, 16, 4), 255, np.uint8)
    swatches = (color, frame, (0.06, 0.06, 0.065), shade(color, 0.45))
    for k, paint in enumerate(swatches):
        texture[:, 4 * k : 4 * k + 4, :3] = np.clip(np.array(paint) * 255, 3, 255)
    root = body.head("root") * (1, 0, 1)
    part = Part(
        Material(kind, texture, roughness=0.5, two_sided=True),
        (points + root).astype(np.float32),
        uv,
        triangles,
        rigid(len(points), ground=1.0),
    )
    x, y, z = grip
    return [part], {hand: Hold(kind, (abs(x) if hand == "L" else -abs(x), y, z)) for hand in side}


def _rod(color: int, radius: float, *path: Point, sides: int = 5) -> Surface:
    points = np.array(path, np.float64)
    return swatch(tube(points, np.full(len(points), radius), sides=sides), color, SWATCHES)


def _wheel(radius: float, thick: float, center: Point, *, round_: int = 16) -> Surface:
    """A tire around the x axis, with a hub."""
    turn = np.linspace(0, 2 * np.pi, round_ + 1)
    path = np.stack([0 * turn, radius * np.cos(turn), radius * np.sin(turn)], 1) * 1.0 + np.array(center)
    points, uv, triangles = tube(path, np.full(len(turn), thick), sides=4)
    hub = box((0.07, 0.05, 0.05), center)
    return join(swatch((points, uv, triangles), 2, SWATCHES), swatch(hub, 1, SWATCHES))


def _lift(surface: Surface, center: Point) -> Surface:
    points, uv, triangles = surface
    return (points + np.array(center, np.float32)).astype(np.float32), uv, triangles


def _size(body: Body) -> float:
    """1 for a person of ordinary stature."""
    return body.shape.stature / 1.72


def _suitcase(rng: np.random.Generator, body: Body, sign: float) -> tuple[Surface, Point]:
    """Tilted on two wheels behind the hand of an arm that is all but straight."""
    tilt = np.radians(rng.uniform(30, 42))
    shoulder, grip = (body.head(f"{name}.{'L' if sign > 0 else 'R'}") for name in ("upperarm01", "grip"))
    way = np.array([sign * 0.25, -1.0, -0.34])
    hand = shoulder + 0.97 * np.linalg.norm(grip - shoulder) * way / np.linalg.norm(way) - body.head("root") * (1, 0, 1)
    along = np.array([0, -np.cos(tilt), -np.sin(tilt)])  # from the handle to the wheels
    length = (hand[1] - 0.03) / np.cos(tilt)
    high, wide, deep = rng.uniform(0.46, 0.62), rng.uniform(0.33, 0.42), rng.uniform(0.20, 0.26)
    high = min(high, length - 0.12)
    points, uv, triangles = rounded_box((wide, high, deep), 0.25, rows=9, columns=17)
    upright = -along
    ahead = np.cross([1.0, 0, 0], upright)
    turned = points[:, :1] * [1.0, 0, 0] + points[:, 1:2] * upright + points[:, 2:] * ahead
    middle = hand + along * (length - high / 2 - 0.02)
    case = swatch(((turned + middle).astype(np.float32), uv, triangles), 0, SWATCHES)
    top = hand + along * (length - high)
    right = np.array([0.09, 0, 0])
    rods = [_rod(1, 0.009, tuple(hand + s * right), tuple(top + s * right), sides=4) for s in (-1, 1)]
    bar = _rod(2, 0.014, tuple(hand - 1.2 * right), tuple(hand + 1.2 * right), sides=5)
    foot = hand + along * length - ahead * deep * 0.35
    feet = [foot + s * right * 1.6 for s in (-1, 1)]
    wheels = [swatch(box((0.03, 0.055, 0.055), place), 2, SWATCHES) for place in feet]
    return join(case, *rods, bar, *wheels), (float(hand[0]), float(hand[1]), float(hand[2]))


def _stroller(rng: np.random.Generator, body: Body, sign: float) -> tuple[Surface, Point]:
    """Pushed with both hands on its bar."""
    size = _size(body)
    high, near = 0.96 * size, 0.36 * size
    parts: list[Surface] = [_rod(2, 0.016, (-0.24, high, near), (0.24, high, near))]
    for x in (-0.24, 0.24):
        parts.append(_rod(1, 0.013, (x, high, near), (x, 0.58, near + 0.22), (x, 0.12, near + 0.68), sides=4))
        parts.append(_rod(1, 0.013, (x, 0.52, near + 0.30), (x, 0.12, near + 0.16), sides=4))
        parts.append(_wheel(0.10, 0.022, (x + np.sign(x) * 0.03, 0.122, near + 0.14), round_=10))
        parts.append(_wheel(0.075, 0.02, (x, 0.095, near + 0.70), round_=10))
    seat = rounded_box((0.42, 0.34, 0.50), 0.5, rows=7, columns=13)
    hood = rounded_box((0.44, 0.42, 0.44), 0.85, rows=9, columns=17)
    blanket = rounded_box((0.36, 0.16, 0.44), 0.6, rows=7, columns=13)
    head = rounded_box((0.15, 0.17, 0.16), 1.0, rows=7, columns=13)
    lean = float(rng.uniform(-0.04, 0.06))
    hood = _behind(hood, 0.10)
    parts += [
        swatch(_lift(seat, (0, 0.50, near + 0.42)), 0, SWATCHES),
        swatch(_lift(hood, (0, 0.80 + lean, near + 0.36)), 0, SWATCHES),
        swatch(_lift(blanket, (0, 0.64, near + 0.52)), 3, SWATCHES),
        swatch(_lift(head, (0, 0.76, near + 0.44)), 3, SWATCHES),
        swatch(box((0.36, 0.12, 0.26), (0, 0.24, near + 0.36)), 2, SWATCHES),
    ]
    return join(*parts), (0.17 * size, high, near)


def _behind(surface: Surface, depth: float) -> Surface:
    """Only the triangles behind this depth."""
    points, uv, triangles = surface
    return points, uv, triangles[(points[triangles][:, :, 2] < depth).all(1)]


def _bicycle(rng: np.random.Generator, body: Body, sign: float) -> tuple[Surface, Point]:
    """Pushed at one side, one hand on the nearer end of the handlebar."""
    size = float(np.clip(_size(body), 0.7, 1.06))
    aside = sign * 0.47 * size
    lady = rng.random() < 0.5  # a low top tube

    def at(y: float, z: float, x: float = 0.0) -> Point:
        return (aside + x * size, y * size, z * size)

    axle, rear, front = 0.345, -0.50, 0.60
    bracket, saddle, head, bar = (0.29, -0.06), (0.88, -0.24), (0.84, 0.40), (1.0, 0.36)
    cluster = (0.76, -0.20)
    rods = [
        _rod(0, 0.019, at(*(0.45, -0.12) if lady else cluster), at(*head)),
        _rod(0, 0.021, at(*bracket), at(head[0] - 0.08, head[1] + 0.02)),
        _rod(0, 0.018, at(*bracket), at(*saddle)),
        _rod(0, 0.014, at(*bracket), at(axle, rear)),
        _rod(0, 0.013, at(*cluster), at(axle, rear)),
        _rod(0, 0.018, at(*bar), at(*head), at(axle, front)),
        _rod(1, 0.013, at(1.0, 0.28, -0.27), at(*bar, -0.12), at(*bar, 0.12), at(1.0, 0.28, 0.27)),
        _rod(2, 0.012, at(0.12, -0.06, 0.09), at(*bracket, 0.09), at(*bracket, -0.09), at(0.46, -0.06, -0.09)),
    ]
    wheels = [_wheel((axle - 0.02) * size, 0.02 * size, at(axle, z), round_=20) for z in (rear, front)]
    seat = swatch(_lift(rounded_box((0.15, 0.07, 0.26), 0.6, rows=5, columns=9), at(saddle[0] + 0.03, saddle[1])), 2, 4)
    guard = swatch(box((0.02, 0.07, 0.44 * size), at(0.31, -0.28, 0.05)), 2, SWATCHES)
    things = [*rods, *wheels, seat, guard]
    if rng.random() < 0.45:
        things.append(swatch(box((0.34, 0.20, 0.26), at(0.86, 0.58)), 3, SWATCHES))
    if rng.random() < 0.5:
        things.append(swatch(box((0.14, 0.02, 0.36), at(0.72, rear + 0.02)), 1, SWATCHES))
    return join(*things), (float(abs(aside) - 0.25 * size), 1.0 * size, 0.29 * size)
