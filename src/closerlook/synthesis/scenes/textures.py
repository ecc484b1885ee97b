"""Procedural textures of places: grounds, walls, and things that stand about.

A painter takes a generator and returns (256, 256, 4) uint8 sRGB and alpha. Grounds and walls tile; alpha below full
means that the spot shines after dark. Things are cut out by alpha and stand on the lower edge.
"""

from __future__ import annotations

import functools
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from closerlook.randomness import keyed_rng
from closerlook.synthesis.scenes.grounds import asphalt, bricks, concrete, grass, paving, sand, soil, tiles
from closerlook.synthesis.scenes.paint import (
    SIDE,
    blank,
    clouds,
    draw,
    stack,
)
from closerlook.synthesis.scenes.things import (
    bench,
    bicycle,
    box,
    bush,
    car,
    passer,
    pole,
    railing,
    scooter,
    shelter,
    sign,
    skyline,
    stroller,
    tree,
    treeline,
    walker,
)
from closerlook.synthesis.scenes.walls import brick_wall, glass, hedge, plaster, shops, shutters, trunks

__all__ = ["PAINTERS", "VARIANTS", "paint"]

Texture = NDArray[np.uint8]
Painter = Callable[[np.random.Generator], Texture]
VARIANTS = 4


def paint(name: str, variant: int) -> Texture:
    """The texture called ``name``; ``variant`` counts its random versions. The same on every machine."""
    return PAINTERS[name](keyed_rng(0, "texture", name, variant))


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
