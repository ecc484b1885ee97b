"""Procedural textures of places: grounds, walls, and things that stand about.

A painter takes a generator and returns (256, 256, 4) uint8 sRGB and alpha. Grounds and walls tile; alpha below full
means that the spot shines after dark. Things are cut out by alpha and stand on the lower edge.
"""

from __future__ import annotations

import functools
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from PIL import ImageDraw

from closerlook.randomness import keyed_rng
from closerlook.synthesis.scene.paint import SIDE, Float, blank, clouds, draw, joints, leaves, mottle, stack, vary

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
    picture = blank(vary(rng, (0.56, 0.54, 0.51))) * (1 + 0.09 * stones)[..., None]
    picture[line] *= rng.uniform(0.45, 0.75)
    return stack(mottle(rng, picture, 0.09, 0.07))


def bricks(rng: np.random.Generator) -> Texture:
    line, stones = joints(rng, 8, 16, 1, 0.5)
    picture = blank(vary(rng, (0.5, 0.36, 0.31))) * (1 + 0.12 * stones)[..., None]
    picture[line] = picture[line] * 0.6 + 0.06
    return stack(mottle(rng, picture, 0.08, 0.06))


def asphalt(rng: np.random.Generator) -> Texture:
    picture = mottle(rng, blank(vary(rng, (0.36, 0.36, 0.37))), 0.12, 0.12)
    picture[np.abs(clouds(rng, 1.8, 3)) < 0.025] *= 0.6
    image, pen = draw(picture)
    if rng.random() < 0.7:
        x, w = int(rng.integers(20, 200)), int(rng.integers(7, 14))
        pen.rectangle([x, 0, x + w, SIDE if rng.random() < 0.5 else SIDE // 2], fill=_ink((0.8, 0.79, 0.74)))
    return stack(image)


def concrete(rng: np.random.Generator) -> Texture:
    line, stones = joints(rng, 1, 1 + int(rng.integers(3)), 2)
    picture = blank(vary(rng, (0.6, 0.59, 0.56))) * (1 + 0.05 * stones)[..., None]
    picture[line] *= 0.6
    return stack(mottle(rng, picture, 0.06, 0.06))


def tiles(rng: np.random.Generator) -> Texture:
    line, stones = joints(rng, 4, 4, 1)
    two = vary(rng, (0.62, 0.58, 0.52))
    checks = np.indices((4, 4)).sum(0).repeat(64, 0).repeat(64, 1) % 2 * rng.choice([0.0, 0.0, 0.4])
    picture = two * (1 - checks[..., None]) * (1 + 0.05 * stones)[..., None]
    picture[line] *= 0.7
    return stack(mottle(rng, picture, 0.05, 0.03))


def grass(rng: np.random.Generator) -> Texture:
    picture = leaves(rng, vary(rng, (0.4, 0.46, 0.2), 0.08), 0.32)
    dry = np.clip(clouds(rng, 1.5) * 0.8 - 0.4, 0, 0.7)[..., None]
    return stack(picture * (1 - dry) + np.array([0.56, 0.49, 0.33]) * dry)


def sand(rng: np.random.Generator) -> Texture:
    picture = blank(vary(rng, (0.7, 0.6, 0.46), 0.08))
    ripples = np.sin(np.linspace(0, 2 * np.pi * 9, SIDE))[:, None] + 1.2 * clouds(rng, 1.3)
    return stack(mottle(rng, picture * (1 + 0.06 * ripples)[..., None], 0.08, 0.07))


def soil(rng: np.random.Generator) -> Texture:
    picture = mottle(rng, blank(vary(rng, (0.4, 0.33, 0.25))), 0.15, 0.16)
    litter = clouds(rng, 0.6, 12) > 1.2
    picture[litter] = picture[litter] * 0.5 + np.array([0.36, 0.26, 0.12])
    return stack(picture)


# Walls


def brick_wall(rng: np.random.Generator) -> Texture:
    line, stones = joints(rng, 10, 30, 1, 0.5)
    picture = blank(vary(rng, (0.5, 0.29, 0.23))) * (1 + 0.14 * stones)[..., None]
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
        rng, ((0.78, 0.74, 0.66), (0.7, 0.7, 0.7), (0.75, 0.62, 0.45), (0.62, 0.66, 0.68))[rng.integers(4)], 0.06
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
            pen.rectangle([left, top, min(left + w, x + 118), top + h], fill=_ink(_bright(rng), 0.8))
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
    return stack(leaves(rng, vary(rng, (0.42, 0.5, 0.26), 0.1), 0.75) * y)


def trunks(rng: np.random.Generator) -> Texture:
    picture = leaves(rng, vary(rng, (0.3, 0.35, 0.18), 0.1), 0.8) * np.linspace(1.0, 0.45, SIDE)[:, None, None]
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
    return stack(leaves(rng, vary(rng, (0.32, 0.38, 0.24), 0.1), 0.7), (y > top[None]) * 1.0)


def skyline(rng: np.random.Generator) -> Texture:
    image, pen = draw(blank((0.5, 0.5, 0.5)))
    alpha, cover = draw(blank((0.0, 0.0, 0.0)))
    x = 0
    while x < SIDE:
        w, top = int(rng.integers(24, 70)), int(rng.integers(10, 170))
        wall = vary(rng, (0.5, 0.47, 0.44), 0.14)
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
    return stack(leaves(rng, vary(rng, (0.34, 0.43, 0.2), 0.12), 0.8) * (1.25 - 0.7 * y)[..., None], (form < 1) * 1.0)


def tree(rng: np.random.Generator) -> Texture:
    y, x = np.mgrid[:SIDE, :SIDE] / SIDE
    crown = np.hypot((x - 0.5) / 0.46, (y - 0.3) / 0.32) + 0.1 * clouds(rng, 1.0, 3) + 0.06 * clouds(rng, 0.4, 14) < 1
    trunk = np.abs(x - 0.5 - 0.01 * np.sin(9 * y)) < 0.022 + 0.02 * (y > 0.95)
    picture = leaves(rng, vary(rng, (0.33, 0.42, 0.2), 0.12), 0.8)
    bark = vary(rng, (0.34, 0.28, 0.22)) * (1.2 - 12 * np.abs(x - 0.48))[..., None]
    return stack(np.where(crown[..., None], picture, bark), (crown | (trunk & (y > 0.3))) * 1.0)


def car(rng: np.random.Generator) -> Texture:
    paintwork = _bright(rng)
    image, pen = draw(blank(paintwork * 0.6))
    alpha, cover = draw(blank((0.0, 0.0, 0.0)))
    white = (255, 255, 255)
    cabin = [(50, 118), (86, 30), (178, 26), (222, 112)]
    pen.polygon(cabin, fill=_ink(paintwork, 1.1))
    cover.polygon(cabin, fill=white)
    cover.rounded_rectangle([4, 104, 252, 222], 22, fill=white)
    pen.rectangle([0, 104, SIDE, 130], fill=_ink(paintwork, 1.15))
    pen.rectangle([0, 130, SIDE, 176], fill=_ink(paintwork, 0.85))
    pen.rectangle([0, 200, SIDE, 226], fill=_ink((0.08, 0.08, 0.09)))
    for pane in ([(64, 108), (92, 40), (128, 38), (128, 106)], [(136, 106), (136, 38), (174, 36), (204, 104)]):
        pen.polygon(pane, fill=_ink((0.14, 0.17, 0.2)))
        pen.line([pane[0], pane[1]], fill=_ink((0.5, 0.55, 0.6)), width=4)
    pen.rectangle([4, 140, 22, 158], fill=_ink((0.85, 0.82, 0.7)))
    pen.rectangle([236, 138, 252, 156], fill=_ink((0.6, 0.1, 0.08)))
    for x in (56, 200):
        for r, shade in ((34, 0.05), (26, 0.1), (17, 0.5), (5, 0.2)):
            ring = [x - r, 252 - r * 2.0 + (34 - r) * -1.0, x + r, 252 - (34 - r) * 1.0]
            ring = [x - r, 218 - r, x + r, 218 + r]
            pen.ellipse(ring, fill=_ink((shade, shade, shade)))
            cover.ellipse(ring, fill=white)
    return stack(image, alpha, 0.6)


def bicycle(rng: np.random.Generator) -> Texture:
    tube = _ink(_bright(rng))
    image, pen = draw(blank((0.1, 0.1, 0.1)))
    alpha, cover = draw(blank((0.0, 0.0, 0.0)))
    hubs = [(62, 192), (194, 192)]
    tubes = [((62, 192), (104, 112)), ((104, 112), (172, 108)), ((172, 108), (118, 190)), ((118, 190), (62, 192))]
    tubes += [((104, 112), (118, 190)), ((194, 192), (164, 72)), ((100, 86), (106, 118))]
    for hub in hubs:
        ring = [hub[0] - 58, hub[1] - 58, hub[0] + 58, hub[1] + 58]
        cover.ellipse(ring, outline=(255, 255, 255), width=11)
        for angle in np.linspace(0, np.pi, 5, endpoint=False):
            d = 54 * np.array([np.cos(angle), np.sin(angle)])
            cover.line([tuple(hub - d), tuple(hub + d)], fill=(255, 255, 255), width=3)
    for a, b in tubes:
        pen.line([a, b], fill=tube, width=12)
        cover.line([a, b], fill=(255, 255, 255), width=12)
    for box in ([78, 76, 124, 90], [140, 62, 182, 76]):
        cover.rectangle(box, fill=(255, 255, 255))
    if rng.random() < 0.5:  # a basket
        cover.rectangle([176, 84, 232, 128], fill=(255, 255, 255))
        pen.rectangle([176, 84, 232, 128], fill=_ink((0.45, 0.45, 0.45)))
    return stack(image, alpha)


def passer(rng: np.random.Generator) -> Texture:
    """Somebody else, out of focus; drawn 0.4 times as wide as high."""
    skin, top, legs = vary(rng, (0.72, 0.53, 0.42), 0.2), _bright(rng), _bright(rng) * 0.7
    image, pen = draw(blank(top))
    alpha, cover = draw(blank((0.0, 0.0, 0.0)))

    def part(shape: str, points: list[float], colour: Float | tuple[float, float, float]) -> None:
        getattr(pen, shape)(points, fill=_ink(colour))
        getattr(cover, shape)(points, fill=(255, 255, 255))

    step = int(rng.integers(4, 34))
    for side in (-1, 1):
        part("polygon", [96, 128, 160, 128, 146 + side * step, 244, 112 + side * step, 244], legs * (1 + 0.15 * side))
        part("ellipse", [104 + side * step, 238, 160 + side * step, 255], (0.1, 0.1, 0.1))
        part("polygon", [104, 44, 152, 44, 140 + side * (38 + step), 140, 118 + side * (38 + step), 140], top * 0.85)
    part("rounded_rectangle", [80, 38, 176, 136], top)
    part("ellipse", [100, 2, 156, 42], skin)
    part("ellipse", [98, 0, 158, 24], vary(rng, (0.12, 0.09, 0.07), 0.2))
    return stack(image, alpha, 1.5)


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
        *(treeline, skyline, bush, tree, car, bicycle, passer, pole, box, railing),
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
