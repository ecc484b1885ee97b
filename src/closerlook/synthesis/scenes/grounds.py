"""Textures of grounds; they tile."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from closerlook.synthesis.scenes.paint import (
    SIDE,
    blank,
    clouds,
    draw,
    ink,
    joints,
    leaves,
    mottle,
    stack,
    vary,
)

__all__ = ["asphalt", "bricks", "concrete", "grass", "paving", "sand", "soil", "tiles"]

Texture = NDArray[np.uint8]


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
        pen.rectangle([x, 0, x + w, SIDE if rng.random() < 0.5 else SIDE // 2], fill=ink((0.8, 0.79, 0.74)))
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
