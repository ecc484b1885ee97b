"""Textures of things that stand about, cut out by alpha; they stand on the lower edge."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from closerlook.arrays import Float
from closerlook.synthesis.scenes.paint import (
    SIDE,
    blank,
    bright,
    clouds,
    draw,
    ink,
    leaves,
    mottle,
    stack,
    vary,
)

__all__ = [
    "bench",
    "bicycle",
    "box",
    "bush",
    "car",
    "passer",
    "pole",
    "railing",
    "scooter",
    "shelter",
    "sign",
    "skyline",
    "stroller",
    "tree",
    "treeline",
    "walker",
]

Texture = NDArray[np.uint8]


def treeline(rng: np.random.Generator) -> Texture:
    y = np.arange(SIDE)[:, None]
    top = 95 + 34 * clouds(rng, 1.6)[0] + 10 * clouds(rng, 0.8)[0]
    return stack(leaves(rng, vary(rng, (0.32, 0.355, 0.265), 0.1), 0.7), (y > top[None]) * 1.0)


def skyline(rng: np.random.Generator) -> Texture:
    image, pen = draw(blank((0.5, 0.5, 0.5)))
    alpha, cover = draw(blank((0.0, 0.0, 0.0)))
    x = 0
    while x < SIDE:
        w, top = int(rng.integers(24, 70)), int(rng.integers(10, 170))
        wall = vary(rng, (0.47, 0.455, 0.44), 0.14)
        pen.rectangle([x, top, x + w, SIDE], fill=ink(wall))
        cover.rectangle([x, top, x + w, SIDE], fill=(255, 255, 255))
        for wy in range(top + 6, SIDE, 14):
            for wx in range(x + 4, x + w - 5, 11):
                pen.rectangle([wx, wy, wx + 5, wy + 7], fill=ink(wall, rng.uniform(0.3, 0.75)))
        x += w
    return stack(image, alpha)


def bush(rng: np.random.Generator) -> Texture:
    y, x = np.mgrid[:SIDE, :SIDE] / SIDE
    form = np.hypot((x - 0.5) / 0.47, (y - 1.0) / 0.93) + 0.07 * clouds(rng, 1.0, 3) + 0.04 * clouds(rng, 0.5, 10)
    return stack(leaves(rng, vary(rng, (0.33, 0.38, 0.235), 0.12), 0.8) * (1.25 - 0.7 * y)[..., None], (form < 1) * 1.0)


def tree(rng: np.random.Generator) -> Texture:
    y, x = np.mgrid[:SIDE, :SIDE] / SIDE
    crown = np.hypot((x - 0.5) / 0.46, (y - 0.3) / 0.32) + 0.1 * clouds(rng, 1.0, 3) + 0.06 * clouds(rng, 0.4, 14) < 1
    trunk = np.abs(x - 0.5 - 0.01 * np.sin(9 * y)) < 0.022 + 0.02 * (y > 0.95)
    picture = leaves(rng, vary(rng, (0.32, 0.375, 0.235), 0.12), 0.8)
    bark = vary(rng, (0.34, 0.28, 0.22)) * (1.2 - 12 * np.abs(x - 0.48))[..., None]
    return stack(np.where(crown[..., None], picture, bark), (crown | (trunk & (y > 0.3))) * 1.0)


WHITE = (255, 255, 255)


def car(rng: np.random.Generator) -> Texture:
    """From the side; drawn 2.9 times as wide as high, so all that is round is drawn upright."""
    paintwork = bright(rng)
    y = np.linspace(0, 1, SIDE)[:, None, None]
    # A body is a bent mirror: sky above, a dark line at the waist, the ground below.
    body = blank(paintwork) * np.interp(y, [0.0, 0.42, 0.5, 0.56, 0.8, 1.0], [1.25, 0.9, 1.15, 0.75, 0.5, 0.3])
    image, pen = draw(body)
    alpha, cover = draw(blank((0.0, 0.0, 0.0)))
    estate = rng.random() < 0.5
    back = 236 if estate else 206
    roof = [(52, 112), (88, 28), (104, 18), (170, 16), (back - 22, 30), (back, 104), (252, 118)]
    cover.polygon([(4, 122), *roof, (252, 210), (4, 210)], fill=WHITE)
    cover.rounded_rectangle([1, 112, 254, 214], 12, fill=WHITE)
    glass = vary(rng, (0.12, 0.15, 0.18))
    for pane in (
        [(62, 108), (92, 38), (106, 32), (128, 31), (128, 106)],
        [(133, 106), (133, 31), (166, 30), (172, 106)],
        [(177, 106), (172, 31), (back - 30, 40), (back - 12, 104)],
    ):
        pen.polygon(pane, fill=ink(glass))
        pen.line([pane[1], pane[2]], fill=ink((0.5, 0.55, 0.6)), width=5)
    for x in (130, 175):
        pen.line([(x, 106), (x + 2, 196)], fill=ink(paintwork, 0.45), width=1)
        pen.rectangle([x - 16, 122, x - 8, 127], fill=ink(paintwork, 0.4))
    pen.rectangle([0, 194, SIDE, 226], fill=ink((0.06, 0.06, 0.07)))
    pen.rectangle([2, 132, 14, 152], fill=ink((0.9, 0.88, 0.78)))
    pen.rectangle([244, 124, 254, 152], fill=ink((0.55, 0.05, 0.05)))
    for x in (50, 206):
        for r, shade in ((20, 0.03), (16, 0.07), (11, 0.5), (9, 0.28), (3, 0.5)):
            ring = [x - r, 206 - 2.4 * r, x + r, 206 + 2.4 * r]
            pen.ellipse(ring, fill=ink((shade, shade, shade)))
            if r == 16:
                cover.ellipse(ring, fill=WHITE)
    return stack(image, alpha, 0.6)


def _wheel(pen: ImageDraw.ImageDraw, cover: ImageDraw.ImageDraw, hub: tuple[int, int], radius: int, tire: int) -> None:
    x, y = hub
    cover.ellipse([x - radius, y - radius, x + radius, y + radius], outline=WHITE, width=tire)
    pen.ellipse([x - radius, y - radius, x + radius, y + radius], outline=ink((0.07, 0.07, 0.07)), width=tire)
    pen.ellipse([x - 6, y - 6, x + 6, y + 6], fill=ink((0.4, 0.4, 0.4)))
    for angle in np.linspace(0, np.pi, 7, endpoint=False):
        dx, dy = (radius - 4) * np.cos(angle), (radius - 4) * np.sin(angle)
        cover.line([(x - dx, y - dy), (x + dx, y + dy)], fill=(170, 170, 170), width=1)


def bicycle(rng: np.random.Generator) -> Texture:
    tube = ink(bright(rng))
    image, pen = draw(blank((0.3, 0.3, 0.3)))
    alpha, cover = draw(blank((0.0, 0.0, 0.0)))
    for hub in ((58, 192), (198, 192)):
        _wheel(pen, cover, hub, 60, 8)
    tubes = [((58, 192), (104, 112)), ((104, 112), (172, 106)), ((172, 106), (118, 192)), ((118, 192), (58, 192))]
    tubes += [((100, 92), (118, 192)), ((198, 192), (166, 74))]
    for a, b in tubes:
        pen.line([a, b], fill=tube, width=8)
        cover.line([a, b], fill=WHITE, width=8)
    for line in ([(140, 64), (166, 72), (176, 66)], [(30, 126), (78, 122), (106, 130)]):  # handlebar, carrier
        pen.line(line, fill=ink((0.25, 0.25, 0.25)), width=6)
        cover.line(line, fill=WHITE, width=6)
    pen.ellipse([82, 80, 128, 94], fill=ink((0.08, 0.08, 0.08)))
    cover.ellipse([82, 80, 128, 94], fill=WHITE)
    for guard in ([-8, 126, 124, 258], [132, 126, 264, 258]):
        cover.arc(guard, 190, 330, fill=WHITE, width=5)
        pen.arc(guard, 190, 330, fill=tube, width=5)
    if rng.random() < 0.6:  # a basket
        cover.polygon([(178, 78), (238, 74), (230, 122), (188, 122)], fill=WHITE)
        pen.polygon([(178, 78), (238, 74), (230, 122), (188, 122)], fill=ink((0.33, 0.33, 0.34)))
        for x in range(184, 236, 8):
            pen.line([(x, 76), (x, 120)], fill=ink((0.62, 0.62, 0.62)), width=2)
    return stack(image, alpha)


def scooter(rng: np.random.Generator) -> Texture:
    paintwork = bright(rng)
    image, pen = draw(blank(paintwork))
    alpha, cover = draw(blank((0.0, 0.0, 0.0)))

    def part(shape: str, points: Sequence[object], color: Float | tuple[float, float, float]) -> None:
        getattr(pen, shape)(points, fill=ink(color))
        getattr(cover, shape)(points, fill=WHITE)

    for x in (52, 206):
        for r, shade in ((40, 0.05), (22, 0.45), (8, 0.2)):
            part("ellipse", [x - r, 214 - r, x + r, 214 + r], (shade, shade, shade))
    part("polygon", [(20, 168), (40, 120), (120, 112), (132, 196), (96, 214), (72, 178), (30, 190)], paintwork)
    part("polygon", [(96, 214), (132, 190), (180, 196), (176, 216)], paintwork * 0.6)
    part("polygon", [(176, 216), (166, 90), (182, 84), (200, 176), (190, 214)], paintwork * 0.9)
    part("rounded_rectangle", [34, 102, 134, 124], (0.07, 0.07, 0.08))
    part("polygon", [(150, 60), (178, 66), (186, 92), (164, 96), (148, 72)], (0.1, 0.1, 0.11))
    part("ellipse", [172, 70, 200, 96], (0.85, 0.85, 0.8))
    part("polygon", [(178, 176), (238, 158), (244, 172), (196, 196)], paintwork * 1.1)
    return stack(image, alpha, 0.5)


def _passer(rng: np.random.Generator, first: int) -> Texture:
    """Somebody else: one of four from the sheet that ``tools/draw_passers.py`` draws, in clothes of another tone."""
    cells = PASSERS.width // 120
    number = (first + int(rng.integers(cells))) % cells
    cell = PASSERS.crop((number * 120, 0, number * 120 + 120, SIDE)).resize((SIDE, SIDE), Image.Resampling.BILINEAR)
    values = np.asarray(cell, np.float64) / 255
    return stack(values[..., :3], values[..., 3])


PASSERS = Image.open(Path(__file__).with_name("passers.png")).convert("RGBA")


def passer(rng: np.random.Generator) -> Texture:
    return _passer(rng, 0)


def walker(rng: np.random.Generator) -> Texture:
    return _passer(rng, 4)


def stroller(rng: np.random.Generator) -> Texture:
    return _passer(rng, 8)


def sign(rng: np.random.Generator) -> Texture:
    """A traffic sign on its post, drawn a quarter as wide as high."""
    image, pen = draw(blank((0.45, 0.46, 0.47)))
    alpha, cover = draw(blank((0.0, 0.0, 0.0)))
    cover.rectangle([112, 40, 144, SIDE], fill=WHITE)
    face, rim = ink(((0.1, 0.25, 0.6), (0.9, 0.9, 0.88), (0.85, 0.7, 0.1))[rng.integers(3)]), ink((0.7, 0.1, 0.08))
    shape = [2, 2, 254, 64] if rng.random() < 0.6 else [2, 2, 254, 96]
    for tool, color in ((pen, rim), (cover, WHITE)):
        tool.ellipse(shape, fill=color) if shape[3] == 64 else tool.rectangle(shape, fill=color)
    inner = [36, 11, 220, 55] if shape[3] == 64 else [14, 6, 242, 92]
    pen.ellipse(inner, fill=face) if shape[3] == 64 else pen.rectangle(inner, fill=face)
    pen.rectangle([80, 28, 176, 38], fill=ink((0.95, 0.95, 0.93) if rng.random() < 0.5 else (0.06, 0.06, 0.06)))
    return stack(image, alpha)


def bench(rng: np.random.Generator) -> Texture:
    wood = vary(rng, ((0.45, 0.3, 0.18), (0.55, 0.5, 0.42), (0.2, 0.3, 0.24))[rng.integers(3)])
    image, pen = draw(mottle(rng, blank(wood), 0.08, 0.06))
    alpha, cover = draw(blank((0.0, 0.0, 0.0)))
    for top, bottom, shade in ((6, 38, 1.0), (48, 80, 0.95), (90, 122, 0.9), (136, 162, 1.25), (164, 176, 0.6)):
        cover.rectangle([4, top, 251, bottom], fill=WHITE)
        pen.line([(4, bottom), (251, bottom)], fill=ink(wood, shade * 0.5), width=3)
    for x in (22, 122, 224):
        cover.rectangle([x, 0, x + 9, SIDE], fill=WHITE)
        pen.rectangle([x, 0, x + 9, SIDE], fill=ink((0.16, 0.16, 0.17)))
    return stack(image, alpha)


def shelter(rng: np.random.Generator) -> Texture:
    """A bus shelter: roof, posts, a glazed back that shows what is behind it in part, a poster, a bench."""
    image, pen = draw(mottle(rng, blank((0.4, 0.46, 0.48)), 0.12, 0.02))
    alpha, cover = draw(blank((0.0, 0.0, 0.0)))
    frame = ink(vary(rng, (0.3, 0.32, 0.33), 0.2))
    boxes = [[0, 4, 255, 26], *([x, 0, x + 6, SIDE] for x in (6, 92, 178, 244)), [6, 60, 250, 64], [6, 222, 250, 226]]
    for bar in boxes:
        pen.rectangle(bar, fill=frame)
        cover.rectangle(bar, fill=WHITE)
    for y in range(64, 222, 3):  # tinted glass: every third line
        cover.line([(8, y), (178, y)], fill=WHITE)
    poster = [184, 66, 244, 220]
    cover.rectangle(poster, fill=WHITE)
    pen.rectangle(poster, fill=ink(bright(rng)))
    for _ in range(6):
        x, y = int(rng.integers(186, 222)), int(rng.integers(70, 200))
        pen.rectangle([x, y, x + int(rng.integers(6, 20)), y + int(rng.integers(4, 20))], fill=ink(bright(rng)))
    pen.rectangle([14, 176, 172, 184], fill=ink((0.35, 0.24, 0.16)))
    cover.rectangle([14, 176, 172, 184], fill=WHITE)
    return stack(image, alpha)


def pole(rng: np.random.Generator) -> Texture:
    x = np.linspace(-1, 1, SIDE)[None, :, None]
    picture = blank(vary(rng, (0.5, 0.5, 0.5), 0.2)) * (1 - 0.6 * x**2)
    if rng.random() < 0.4:
        picture *= np.where(np.arange(SIDE)[:, None, None] // 32 % 2, 1.5, 0.7)
    return stack(picture, blank((1.0, 1.0, 1.0))[..., 0])


def box(rng: np.random.Generator) -> Texture:
    """A bin, a cabinet or a sign board."""
    image, pen = draw(mottle(rng, blank(bright(rng)), 0.06, 0.03))
    pen.rectangle([0, 0, SIDE, 22], fill=ink((0.15, 0.15, 0.16)))
    for y in range(60, 230, int(rng.integers(24, 60))):
        pen.rectangle([30, y, int(rng.integers(90, 230)), y + 9], fill=ink(bright(rng)))
    return stack(image, blank((1.0, 1.0, 1.0))[..., 0])


def railing(rng: np.random.Generator) -> Texture:
    y, x = np.mgrid[:SIDE, :SIDE]
    bars = (x % 32 < 7) | ((y > 8) & (y < 26)) | ((y > 210) & (y < 226))
    return stack(blank(vary(rng, (0.3, 0.32, 0.33), 0.25)), bars * 1.0)
