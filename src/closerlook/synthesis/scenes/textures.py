"""Procedural textures of places: grounds, walls, and things that stand about.

A painter takes a generator and returns (256, 256, 4) uint8 sRGB and alpha. Grounds and walls tile; alpha below full
means that the spot shines after dark. Things are cut out by alpha and stand on the lower edge.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from closerlook.randomness import keyed_rng
from closerlook.synthesis.scenes.paint import SIDE, Float, blank, clouds, draw, joints, leaves, mottle, stack, vary

__all__ = ["PAINTERS", "VARIANTS", "paint"]

Texture = NDArray[np.uint8]
Painter = Callable[[np.random.Generator], Texture]
Ink = tuple[int, int, int]
VARIANTS = 4


def paint(name: str, variant: int) -> Texture:
    """The texture called ``name``; ``variant`` counts its random versions. The same on every machine."""
    return PAINTERS[name](keyed_rng(0, "texture", name, variant))


def _ink(colour: Float | tuple[float, float, float], factor: float = 1.0) -> Ink:
    r, g, b = (int(np.clip(c * factor, 0, 1) * 255) for c in colour)
    return r, g, b


def _bright(rng: np.random.Generator) -> Float:
    """A colour as of cars, signs and clothes: often grey, black or white, else coloured."""
    if rng.random() < 0.55:
        return np.full(3, rng.choice([0.08, 0.2, 0.45, 0.75, 0.9])) * rng.uniform(0.8, 1.1)
    hue = rng.random() * 6
    full = np.clip(np.abs((hue + np.array([0, 4, 2])) % 6 - 3) - 1, 0, 1)
    return np.asarray((1 - rng.uniform(0.45, 0.85) * (1 - full)) * rng.uniform(0.3, 0.85))


# Grounds


def paving(rng: np.random.Generator) -> Texture:
    line, stones = joints(rng, *((4, 4), (6, 3), (8, 8), (5, 10))[rng.integers(4)], 2, rng.choice([0.0, 0.5]))
    picture = blank(vary(rng, (0.48, 0.475, 0.46))) * (1 + 0.07 * stones)[..., None]
    picture[line] *= rng.uniform(0.45, 0.75)
    return stack(mottle(rng, picture, 0.06, 0.06))


def bricks(rng: np.random.Generator) -> Texture:
    line, stones = joints(rng, 8, 16, 1, 0.5)
    picture = blank(vary(rng, (0.45, 0.375, 0.345))) * (1 + 0.12 * stones)[..., None]
    picture[line] = picture[line] * 0.6 + 0.06
    return stack(mottle(rng, picture, 0.08, 0.06))


def asphalt(rng: np.random.Generator) -> Texture:
    picture = mottle(rng, blank(vary(rng, (0.355, 0.355, 0.36))), 0.09, 0.09)
    picture[np.abs(clouds(rng, 1.8, 3)) < 0.025] *= 0.6
    image, pen = draw(picture)
    if rng.random() < 0.4:
        x, w = int(rng.integers(20, 200)), int(rng.integers(7, 14))
        pen.rectangle([x, 0, x + w, SIDE if rng.random() < 0.5 else SIDE // 2], fill=_ink((0.8, 0.79, 0.74)))
    return stack(image)


def concrete(rng: np.random.Generator) -> Texture:
    line, stones = joints(rng, 1, 1 + int(rng.integers(3)), 2)
    picture = blank(vary(rng, (0.52, 0.515, 0.5))) * (1 + 0.05 * stones)[..., None]
    picture[line] *= 0.6
    return stack(mottle(rng, picture, 0.06, 0.06))


def tiles(rng: np.random.Generator) -> Texture:
    line, stones = joints(rng, 4, 4, 1)
    two = vary(rng, (0.53, 0.515, 0.49))
    checks = np.indices((4, 4)).sum(0).repeat(64, 0).repeat(64, 1) % 2 * rng.choice([0.0, 0.0, 0.4])
    picture = two * (1 - checks[..., None]) * (1 + 0.05 * stones)[..., None]
    picture[line] *= 0.7
    return stack(mottle(rng, picture, 0.05, 0.03))


def grass(rng: np.random.Generator) -> Texture:
    picture = leaves(rng, vary(rng, (0.37, 0.4, 0.235), 0.08), 0.32)
    dry = np.clip(clouds(rng, 1.5) * 0.8 - 0.4, 0, 0.7)[..., None]
    return stack(picture * (1 - dry) + np.array([0.5, 0.46, 0.36]) * dry)


def sand(rng: np.random.Generator) -> Texture:
    picture = blank(vary(rng, (0.6, 0.545, 0.46), 0.08))
    ripples = np.sin(np.linspace(0, 2 * np.pi * 9, SIDE))[:, None] + 1.2 * clouds(rng, 1.3)
    return stack(mottle(rng, picture * (1 + 0.06 * ripples)[..., None], 0.08, 0.07))


def soil(rng: np.random.Generator) -> Texture:
    picture = mottle(rng, blank(vary(rng, (0.375, 0.335, 0.285))), 0.15, 0.16)
    litter = clouds(rng, 0.6, 12) > 1.2
    picture[litter] = picture[litter] * 0.5 + np.array([0.3, 0.24, 0.15])
    return stack(picture)


# Walls


def brick_wall(rng: np.random.Generator) -> Texture:
    line, stones = joints(rng, 10, 30, 1, 0.5)
    picture = blank(vary(rng, (0.46, 0.33, 0.285))) * (1 + 0.14 * stones)[..., None]
    picture[line] = 0.5
    image, pen = draw(mottle(rng, picture, 0.1, 0.05))
    alpha, glow = draw(blank((1.0, 1.0, 1.0)))
    for x in (30, 160):
        _window(rng, pen, glow, (x, 50, x + 62, 150))
    return stack(image, alpha)


def _window(
    rng: np.random.Generator,
    pen: ImageDraw.ImageDraw,
    glow: ImageDraw.ImageDraw,
    box: tuple[int, int, int, int],
) -> None:
    """A pane in its frame; some are lit after dark."""
    x0, y0, x1, y1 = box
    pen.rectangle([x0 - 3, y0 - 3, x1 + 3, y1 + 3], fill=_ink(vary(rng, (0.75, 0.74, 0.7))))
    pen.rectangle(box, fill=_ink(vary(rng, (0.17, 0.2, 0.24))))
    pen.polygon(
        [(x0, y1), (x0, y0 + (y1 - y0) // 2), (x1, y0), (x1, y0 + 12)], fill=_ink(vary(rng, (0.42, 0.47, 0.52)))
    )
    pen.line([((x0 + x1) // 2, y0), ((x0 + x1) // 2, y1)], fill=_ink((0.6, 0.6, 0.58)), width=3)
    if rng.random() < 0.5:
        glow.rectangle(box, fill=_ink(np.full(3, rng.uniform(0.0, 0.6))))


def plaster(rng: np.random.Generator) -> Texture:
    y = np.linspace(0, 1, SIDE)[:, None, None]
    base = vary(
        rng, ((0.7, 0.68, 0.635), (0.64, 0.64, 0.64), (0.67, 0.6, 0.505), (0.56, 0.58, 0.59))[rng.integers(4)], 0.06
    )
    picture = mottle(rng, blank(base), 0.06, 0.03) * (1 - 0.3 * y**6)
    picture[220:] *= rng.uniform(0.5, 0.8)
    image, pen = draw(picture)
    alpha, glow = draw(blank((1.0, 1.0, 1.0)))
    for x in (int(rng.integers(10, 40)), int(rng.integers(120, 150))):
        _window(rng, pen, glow, (x, 60, x + 60, 140 if rng.random() < 0.6 else 250))
    return stack(image, alpha)


def glass(rng: np.random.Generator) -> Texture:
    sky = np.linspace(0.62, 0.26, SIDE)[:, None]
    seen = np.clip(sky + 0.12 * np.sign(clouds(rng, 1.4)) + 0.05 * clouds(rng, 1.0), 0.05, 0.9)
    picture = seen[..., None] * vary(rng, (0.75, 0.88, 0.95), 0.05)
    line, panes = joints(rng, 4, 3, 3)
    picture = picture * (1 + 0.22 * panes)[..., None]
    picture[line] = vary(rng, (0.3, 0.3, 0.3))
    lit = (panes > 0.4) & ~line
    return stack(picture, np.where(lit, 0.45, 1.0))


def shops(rng: np.random.Generator) -> Texture:
    image, pen = draw(mottle(rng, blank(vary(rng, (0.55, 0.52, 0.48))), 0.08, 0.04))
    alpha, glow = draw(blank((1.0, 1.0, 1.0)))
    for x in (0, 128):
        pen.rectangle([x + 4, 30, x + 123, 66], fill=_ink(_bright(rng)))
        for letter in range(int(rng.integers(4, 8))):
            left = x + 14 + letter * 13
            pen.rectangle([left, 40, left + 8, 56], fill=_ink((0.95, 0.93, 0.88)))
        pen.rectangle([x + 8, 76, x + 119, 250], fill=_ink((0.13, 0.14, 0.16)))
        glow.rectangle([x + 8, 76, x + 119, 250], fill=_ink(np.full(3, rng.uniform(0.1, 0.6))))
        for _ in range(14):  # goods, posters and people behind the pane
            left, top = int(rng.integers(x + 12, x + 104)), int(rng.integers(90, 220))
            w, h = int(rng.integers(6, 26)), int(rng.integers(8, 40))
            goods = [left, top, min(left + w, x + 118), top + h]
            pen.rectangle(goods, fill=_ink(_bright(rng), 0.8))
            glow.rectangle(goods, fill=_ink(np.full(3, rng.uniform(0.4, 1.0))))
        pen.rectangle([x + 58, 76, x + 62, 250], fill=_ink((0.5, 0.5, 0.5)))
    return stack(image, alpha)


def shutters(rng: np.random.Generator) -> Texture:
    y = np.arange(SIDE)[:, None, None]
    picture = blank(vary(rng, ((0.45, 0.5, 0.55), (0.6, 0.58, 0.52), (0.3, 0.38, 0.33))[rng.integers(3)]))
    picture = mottle(rng, picture, 0.1, 0.03) * (1 + 0.16 * np.sign(np.sin(y * 0.8)))
    picture[:, 120:134] = vary(rng, (0.4, 0.38, 0.36))
    picture[:26] = vary(rng, (0.4, 0.38, 0.36))
    return stack(picture)


def hedge(rng: np.random.Generator) -> Texture:
    y = np.linspace(1.1, 0.6, SIDE)[:, None, None]
    return stack(leaves(rng, vary(rng, (0.385, 0.43, 0.28), 0.1), 0.75) * y)


def trunks(rng: np.random.Generator) -> Texture:
    picture = leaves(rng, vary(rng, (0.285, 0.315, 0.2), 0.1), 0.8) * np.linspace(1.0, 0.45, SIDE)[:, None, None]
    image, pen = draw(picture)
    for _ in range(int(rng.integers(5, 10))):
        x, w = int(rng.integers(0, SIDE)), int(rng.integers(4, 16))
        bark = vary(rng, (0.33, 0.28, 0.23), 0.15)
        for k in range(w):  # darker towards the edges: round
            shade = 0.5 + 0.6 * np.sin(np.pi * (k + 0.5) / w)
            pen.line([(x + k, 0), (x + k + int(rng.integers(-1, 2)), SIDE)], fill=_ink(bark, shade))
    return stack(image)


# Things, cut out by alpha


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
        pen.rectangle([x, top, x + w, SIDE], fill=_ink(wall))
        cover.rectangle([x, top, x + w, SIDE], fill=(255, 255, 255))
        for wy in range(top + 6, SIDE, 14):
            for wx in range(x + 4, x + w - 5, 11):
                pen.rectangle([wx, wy, wx + 5, wy + 7], fill=_ink(wall, rng.uniform(0.3, 0.75)))
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
    paintwork = _bright(rng)
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
        pen.polygon(pane, fill=_ink(glass))
        pen.line([pane[1], pane[2]], fill=_ink((0.5, 0.55, 0.6)), width=5)
    for x in (130, 175):
        pen.line([(x, 106), (x + 2, 196)], fill=_ink(paintwork, 0.45), width=1)
        pen.rectangle([x - 16, 122, x - 8, 127], fill=_ink(paintwork, 0.4))
    pen.rectangle([0, 194, SIDE, 226], fill=_ink((0.06, 0.06, 0.07)))
    pen.rectangle([2, 132, 14, 152], fill=_ink((0.9, 0.88, 0.78)))
    pen.rectangle([244, 124, 254, 152], fill=_ink((0.55, 0.05, 0.05)))
    for x in (50, 206):
        for r, shade in ((20, 0.03), (16, 0.07), (11, 0.5), (9, 0.28), (3, 0.5)):
            ring = [x - r, 206 - 2.4 * r, x + r, 206 + 2.4 * r]
            pen.ellipse(ring, fill=_ink((shade, shade, shade)))
            if r == 16:
                cover.ellipse(ring, fill=WHITE)
    return stack(image, alpha, 0.6)


def _wheel(pen: ImageDraw.ImageDraw, cover: ImageDraw.ImageDraw, hub: tuple[int, int], radius: int, tyre: int) -> None:
    x, y = hub
    cover.ellipse([x - radius, y - radius, x + radius, y + radius], outline=WHITE, width=tyre)
    pen.ellipse([x - radius, y - radius, x + radius, y + radius], outline=_ink((0.07, 0.07, 0.07)), width=tyre)
    pen.ellipse([x - 6, y - 6, x + 6, y + 6], fill=_ink((0.4, 0.4, 0.4)))
    for angle in np.linspace(0, np.pi, 7, endpoint=False):
        dx, dy = (radius - 4) * np.cos(angle), (radius - 4) * np.sin(angle)
        cover.line([(x - dx, y - dy), (x + dx, y + dy)], fill=(170, 170, 170), width=1)


def bicycle(rng: np.random.Generator) -> Texture:
    tube = _ink(_bright(rng))
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
        pen.line(line, fill=_ink((0.25, 0.25, 0.25)), width=6)
        cover.line(line, fill=WHITE, width=6)
    pen.ellipse([82, 80, 128, 94], fill=_ink((0.08, 0.08, 0.08)))
    cover.ellipse([82, 80, 128, 94], fill=WHITE)
    for guard in ([-8, 126, 124, 258], [132, 126, 264, 258]):
        cover.arc(guard, 190, 330, fill=WHITE, width=5)
        pen.arc(guard, 190, 330, fill=tube, width=5)
    if rng.random() < 0.6:  # a basket
        cover.polygon([(178, 78), (238, 74), (230, 122), (188, 122)], fill=WHITE)
        pen.polygon([(178, 78), (238, 74), (230, 122), (188, 122)], fill=_ink((0.33, 0.33, 0.34)))
        for x in range(184, 236, 8):
            pen.line([(x, 76), (x, 120)], fill=_ink((0.62, 0.62, 0.62)), width=2)
    return stack(image, alpha)


def scooter(rng: np.random.Generator) -> Texture:
    paintwork = _bright(rng)
    image, pen = draw(blank(paintwork))
    alpha, cover = draw(blank((0.0, 0.0, 0.0)))

    def part(shape: str, points: Sequence[object], colour: Float | tuple[float, float, float]) -> None:
        getattr(pen, shape)(points, fill=_ink(colour))
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
    face, rim = _ink(((0.1, 0.25, 0.6), (0.9, 0.9, 0.88), (0.85, 0.7, 0.1))[rng.integers(3)]), _ink((0.7, 0.1, 0.08))
    shape = [2, 2, 254, 64] if rng.random() < 0.6 else [2, 2, 254, 96]
    for tool, colour in ((pen, rim), (cover, WHITE)):
        tool.ellipse(shape, fill=colour) if shape[3] == 64 else tool.rectangle(shape, fill=colour)
    inner = [36, 11, 220, 55] if shape[3] == 64 else [14, 6, 242, 92]
    pen.ellipse(inner, fill=face) if shape[3] == 64 else pen.rectangle(inner, fill=face)
    pen.rectangle([80, 28, 176, 38], fill=_ink((0.95, 0.95, 0.93) if rng.random() < 0.5 else (0.06, 0.06, 0.06)))
    return stack(image, alpha)


def bench(rng: np.random.Generator) -> Texture:
    wood = vary(rng, ((0.45, 0.3, 0.18), (0.55, 0.5, 0.42), (0.2, 0.3, 0.24))[rng.integers(3)])
    image, pen = draw(mottle(rng, blank(wood), 0.08, 0.06))
    alpha, cover = draw(blank((0.0, 0.0, 0.0)))
    for top, bottom, shade in ((6, 38, 1.0), (48, 80, 0.95), (90, 122, 0.9), (136, 162, 1.25), (164, 176, 0.6)):
        cover.rectangle([4, top, 251, bottom], fill=WHITE)
        pen.line([(4, bottom), (251, bottom)], fill=_ink(wood, shade * 0.5), width=3)
    for x in (22, 122, 224):
        cover.rectangle([x, 0, x + 9, SIDE], fill=WHITE)
        pen.rectangle([x, 0, x + 9, SIDE], fill=_ink((0.16, 0.16, 0.17)))
    return stack(image, alpha)


def shelter(rng: np.random.Generator) -> Texture:
    """A bus shelter: roof, posts, a glazed back that shows what is behind it in part, a poster, a bench."""
    image, pen = draw(mottle(rng, blank((0.4, 0.46, 0.48)), 0.12, 0.02))
    alpha, cover = draw(blank((0.0, 0.0, 0.0)))
    frame = _ink(vary(rng, (0.3, 0.32, 0.33), 0.2))
    boxes = [[0, 4, 255, 26], *([x, 0, x + 6, SIDE] for x in (6, 92, 178, 244)), [6, 60, 250, 64], [6, 222, 250, 226]]
    for bar in boxes:
        pen.rectangle(bar, fill=frame)
        cover.rectangle(bar, fill=WHITE)
    for y in range(64, 222, 3):  # tinted glass: every third line
        cover.line([(8, y), (178, y)], fill=WHITE)
    poster = [184, 66, 244, 220]
    cover.rectangle(poster, fill=WHITE)
    pen.rectangle(poster, fill=_ink(_bright(rng)))
    for _ in range(6):
        x, y = int(rng.integers(186, 222)), int(rng.integers(70, 200))
        pen.rectangle([x, y, x + int(rng.integers(6, 20)), y + int(rng.integers(4, 20))], fill=_ink(_bright(rng)))
    pen.rectangle([14, 176, 172, 184], fill=_ink((0.35, 0.24, 0.16)))
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
    image, pen = draw(mottle(rng, blank(_bright(rng)), 0.06, 0.03))
    pen.rectangle([0, 0, SIDE, 22], fill=_ink((0.15, 0.15, 0.16)))
    for y in range(60, 230, int(rng.integers(24, 60))):
        pen.rectangle([30, y, int(rng.integers(90, 230)), y + 9], fill=_ink(_bright(rng)))
    return stack(image, blank((1.0, 1.0, 1.0))[..., 0])


def railing(rng: np.random.Generator) -> Texture:
    y, x = np.mgrid[:SIDE, :SIDE]
    bars = (x % 32 < 7) | ((y > 8) & (y < 26)) | ((y > 210) & (y < 226))
    return stack(blank(vary(rng, (0.3, 0.32, 0.33), 0.25)), bars * 1.0)


PAINTERS: dict[str, Painter] = {
    painter.__name__: painter
    for painter in (
        *(paving, bricks, asphalt, concrete, tiles, grass, sand, soil),
        *(brick_wall, plaster, glass, shops, shutters, hedge, trunks),
        *(treeline, skyline, bush, tree, car, bicycle, scooter, passer, walker, stroller),
        *(pole, sign, box, bench, railing, shelter),
    )
}


def shadow_patterns(count: int) -> Texture:
    """(count, 256, 256) shadows that things afar throw on a place of 32 x 32 m, 255 where the light passes: foliage
    on even numbers, roofs and poles on odd ones."""
    patterns = []
    for number in range(count):
        rng = keyed_rng(0, "shadow", number)
        if number % 2 == 0:
            form = clouds(rng, 1.5, 2) + 0.7 * clouds(rng, 0.7, 12)
            light = np.clip(0.5 + 1.1 * form, 0, 1)
        else:
            image, pen = draw(blank((1.0, 1.0, 1.0)))
            for _ in range(5):
                x, y, w, h = (int(rng.integers(low, high)) for low, high in ((0, 256), (0, 256), (12, 90), (12, 60)))
                pen.rectangle([x, y, x + w, y + h], fill=(0, 0, 0))
            for _ in range(7):
                x, lean = int(rng.integers(0, 256)), int(rng.integers(-60, 60))
                pen.line([(x, 0), (x + lean, 256)], fill=(0, 0, 0), width=2)
            light = stack(image, blur=0.7)[..., 0] / 255.0
        patterns.append((light * 255).astype(np.uint8))
    return np.stack(patterns)


def grain() -> Texture:
    """(256, 256) noise whose values are evenly spread over 0 to 255."""
    noise = clouds(keyed_rng(0, "grain"), 1.3)
    return (noise.ravel().argsort().argsort().reshape(noise.shape) // 256).astype(np.uint8)


@functools.lru_cache(maxsize=64)
def flake_tiles(height: int, size: float, streak: float, wind: float) -> Texture:
    """(2, 256, 256) what falls, for images of this height: far (many, small) and near (few, large, faint).

    Args:
        height: of the image, pixels: things that fall are as large in a larger image.
        size, streak, wind: as in ``Weather``.
    """
    unit = height / 128
    tiles = np.zeros((2, SIDE, SIDE))
    for kind, (density, radius, strength) in enumerate(((0.012, 0.55, 0.75), (0.0009, 1.1, 0.55))):
        rng = keyed_rng(0, "flakes", height, kind)
        # Streaks take up more of the image, and drops are more than flakes: fewer of the former, more of the latter.
        for _ in range(int(density * SIDE * SIDE / unit**2 / max(streak * size, 1.0) ** 0.5)):
            width = max(radius * size * unit * rng.lognormal(0, 0.35), 0.4)
            length = width * streak
            reach = int(min(2.6 * length * max(abs(wind), 1.0) + 2, SIDE // 2 - 1))
            y, x = np.mgrid[-reach : reach + 1, -reach : reach + 1]
            across = (x - wind * y) / np.hypot(1.0, wind)
            along = (y + wind * x) / np.hypot(1.0, wind)
            spot = np.exp(-0.5 * ((across / width) ** 2 + (along / length) ** 2)) * strength * rng.uniform(0.4, 1.0)
            rows, columns = (y + rng.integers(SIDE)) % SIDE, (x + rng.integers(SIDE)) % SIDE
            tiles[kind, rows, columns] = np.maximum(tiles[kind, rows, columns], spot)
    return (tiles * 255).astype(np.uint8)
