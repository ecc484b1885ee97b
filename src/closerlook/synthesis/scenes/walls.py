"""Textures of walls; they tile, and alpha below full means that the spot shines after dark."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import ImageDraw

from closerlook.synthesis.scenes.paint import (
    SIDE,
    blank,
    bright,
    clouds,
    draw,
    ink,
    joints,
    leaves,
    mottle,
    stack,
    vary,
)

__all__ = ["brick_wall", "glass", "hedge", "plaster", "shops", "shutters", "trunks"]

Texture = NDArray[np.uint8]


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
    pen.rectangle([x0 - 3, y0 - 3, x1 + 3, y1 + 3], fill=ink(vary(rng, (0.75, 0.74, 0.7))))
    pen.rectangle(box, fill=ink(vary(rng, (0.17, 0.2, 0.24))))
    pen.polygon([(x0, y1), (x0, y0 + (y1 - y0) // 2), (x1, y0), (x1, y0 + 12)], fill=ink(vary(rng, (0.42, 0.47, 0.52))))
    pen.line([((x0 + x1) // 2, y0), ((x0 + x1) // 2, y1)], fill=ink((0.6, 0.6, 0.58)), width=3)
    if rng.random() < 0.5:
        glow.rectangle(box, fill=ink(np.full(3, rng.uniform(0.0, 0.6))))


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
    reflection = np.clip(sky + 0.12 * np.sign(clouds(rng, 1.4)) + 0.05 * clouds(rng, 1.0), 0.05, 0.9)
    picture = reflection[..., None] * vary(rng, (0.75, 0.88, 0.95), 0.05)
    line, panes = joints(rng, 4, 3, 3)
    picture = picture * (1 + 0.22 * panes)[..., None]
    picture[line] = vary(rng, (0.3, 0.3, 0.3))
    lit = (panes > 0.4) & ~line
    return stack(picture, np.where(lit, 0.45, 1.0))


def shops(rng: np.random.Generator) -> Texture:
    image, pen = draw(mottle(rng, blank(vary(rng, (0.55, 0.52, 0.48))), 0.08, 0.04))
    alpha, glow = draw(blank((1.0, 1.0, 1.0)))
    for x in (0, 128):
        pen.rectangle([x + 4, 30, x + 123, 66], fill=ink(bright(rng)))
        for letter in range(int(rng.integers(4, 8))):
            left = x + 14 + letter * 13
            pen.rectangle([left, 40, left + 8, 56], fill=ink((0.95, 0.93, 0.88)))
        pen.rectangle([x + 8, 76, x + 119, 250], fill=ink((0.13, 0.14, 0.16)))
        glow.rectangle([x + 8, 76, x + 119, 250], fill=ink(np.full(3, rng.uniform(0.1, 0.6))))
        for _ in range(14):  # goods, posters and people behind the pane
            left, top = int(rng.integers(x + 12, x + 104)), int(rng.integers(90, 220))
            w, h = int(rng.integers(6, 26)), int(rng.integers(8, 40))
            goods = [left, top, min(left + w, x + 118), top + h]
            pen.rectangle(goods, fill=ink(bright(rng), 0.8))
            glow.rectangle(goods, fill=ink(np.full(3, rng.uniform(0.4, 1.0))))
        pen.rectangle([x + 58, 76, x + 62, 250], fill=ink((0.5, 0.5, 0.5)))
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
            pen.line([(x + k, 0), (x + k + int(rng.integers(-1, 2)), SIDE)], fill=ink(bark, shade))
    return stack(image)
