"""Cloth as textures: patterns with details, folds, weave, wear; and the relief of its folds."""

from __future__ import annotations

import functools
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from closerlook.arrays import Floating
from closerlook.synthesis.humans.clothing.palette import Color
from closerlook.synthesis.humans.clothing.patterns import (
    AROUND,
    PATTERNS,
    SIZE,
    TRUNK_SHARE,
    Canvas,
    around,
    canvas,
    noise,
)

__all__ = ["RELIEF_SIDE", "Fabric", "bump_of", "fabric_texture", "plain_texture", "relief_texture", "roughness_of"]


FOLD_VARIANTS = 5
RELIEF_SIDE = 128
STEEPEST = 3.0  # standard deviations of the slopes that a relief holds
PAINTED = 0.6  # of the folds' light and shade is painted on (what the sky leaves dark), the rest is up to the lights
ROUGHNESS = {"leather": 0.38, "quilted": 0.55, "knit": 1.0, "denim": 0.95}


@dataclass(frozen=True)
class Fabric:
    """What a garment is made of.

    Attributes:
        pattern: one of :data:`PATTERNS`.
        color, second: the main color and the other one that the pattern uses.
        folds: contrast of the folds; 0.05 stiff, 0.15 soft and creased.
        details: drawn on the garment: ``buttons``, ``zip``, ``pockets``, ``side_stripe``, ``belt``, ``hem_band``,
            ``tie``, ``reflectors``, ``cuffs``.
        wear: 0 new to 1 faded, stained and dirty at hems and knees.
    """

    pattern: str
    color: Color
    second: Color
    folds: float = 0.1
    details: tuple[str, ...] = ()
    wear: float = 0.0


def roughness_of(fabric: Fabric) -> float:
    """GGX roughness of the cloth."""
    return ROUGHNESS.get(fabric.pattern, 0.9)


def bump_of(fabric: Fabric) -> float:
    """Slope of the cloth's steepest wrinkles."""
    return STEEPEST * (0.8 if fabric.pattern == "leather" else 1.6) * fabric.folds


@functools.cache
def _fold_maps(layout: str) -> NDArray[np.float32]:
    """(n, s, s, 2) slopes of folds around and down, of standard deviation 1 down (around, for a skirt).

    Drape is everywhere, creases where cloth bunches up: on a top at waist, armpits, elbows and cuffs, on trousers at
    crotch, knees and ankles; skirts fall in long folds.
    """
    rng = np.random.default_rng(7)
    y, x = np.mgrid[:SIZE, :AROUND]
    y, x = (y + 0.5) / SIZE, (x + 0.5) / AROUND
    side = np.abs(np.abs(2 * x - 1) - 0.5) * 2  # 0 at the sides, 1 at the middle of front and back
    if layout == "top":
        trunk, sleeve = y / TRUNK_SHARE, (y - TRUNK_SHARE) / (1 - TRUNK_SHARE)
        on_trunk = 0.25 + _at(trunk, 0.75, 0.2) * 0.7 + _at(trunk, 0.28, 0.12) * (1 - side) * 1.2
        on_sleeve = 0.3 + _at(sleeve, 0.5, 0.13) + 0.9 * _at(sleeve, 0.93, 0.1)
        creased = np.where(sleeve < 0, on_trunk, on_sleeve)
    else:
        creased = 0.2 + 0.8 * _at(y, 0.2, 0.09) + 0.9 * _at(y, 0.55, 0.08) + 1.1 * _at(y, 0.95, 0.09)
    maps = []
    for _ in range(FOLD_VARIANTS):
        drape = noise(rng, 9, 11) + 0.5 * noise(rng, 20, 5)
        if layout == "skirt":
            folds = gaussian_filter(np.gradient(noise(rng, 40, 4) + 0.4 * noise(rng, 14, 2), axis=1), (6, 1)) * (
                y + 0.3
            )
            maps.append(np.stack([folds / folds.std(), 0 * folds], 2))
            continue
        crease = np.zeros((SIZE, AROUND))
        for slope in (-0.45, 0.0, 0.45):
            rows = ((y + slope * np.sin(2 * np.pi * x) * 0.16) * SIZE).astype(np.int64) % SIZE
            crease += np.take_along_axis(noise(rng, 2.0, 9), rows, 0) * np.clip(noise(rng, 16, 20), 0, None)
        slopes = 0.35 * _slopes(drape) + creased[..., None] * _slopes(crease)
        maps.append(slopes / slopes[..., 1].std())
    return np.stack([np.stack([around(slopes[..., k]) for k in (0, 1)], 2) for slopes in maps]).astype(np.float32)


def _slopes(height: Floating) -> Floating:
    """(..., 2) how steeply a height rises around and down."""
    slopes = [gaussian_filter(np.gradient(height, axis=axis), 0.7, mode="wrap") for axis in (1, 0)]
    return np.asarray(np.stack(slopes, axis=2) / slopes[1].std())


@functools.cache
def _shading(layout: str) -> NDArray[np.float32]:
    """(n, s, s) light and shade of the folds, mean about 0, as daylight from above makes them; creases are dark."""
    slopes = _fold_maps(layout)
    if layout == "skirt":
        return np.asarray(np.clip(slopes[..., 0], -2.5, 1.6))
    light = slopes[..., 1] + 0.5 * slopes[..., 0]
    light = light / light.std(axis=(1, 2), keepdims=True)
    return np.asarray(np.where(light > 0, 0.7 * np.minimum(light, 2), np.maximum(light, -3)), np.float32)


@functools.cache
def relief_texture(name: str) -> NDArray[np.uint8]:
    """(RELIEF_SIDE, RELIEF_SIDE, 4) slopes around (red) and down (green) of the folds called ``layout/number``.

    128 is level, 0 and 255 the steepest; a ``-`` after the number mirrors left and right.
    """
    layout, _, number = name.partition("/")
    slopes = _fold_maps(layout)[int(number.rstrip("-"))]
    slopes = slopes.reshape(RELIEF_SIDE, SIZE // RELIEF_SIDE, RELIEF_SIDE, SIZE // RELIEF_SIDE, 2).mean((1, 3))
    if number.endswith("-"):
        slopes = slopes[:, ::-1] * np.array([-1, 1], np.float32)
    texture = np.full((RELIEF_SIDE, RELIEF_SIDE, 4), 128, np.uint8)
    texture[..., :2] = np.clip(128 + slopes * (127 / STEEPEST), 0, 255)
    return texture


def _at(place: Floating, center: float, width: float) -> Floating:
    return np.asarray(np.exp(-(((place - center) / width) ** 2)))


def fabric_texture(rng: np.random.Generator, fabric: Fabric, layout: str) -> tuple[NDArray[np.uint8], str]:
    """(256, 256, 4) the texture of a ``top``, ``trousers`` or ``skirt``, and the name of its relief.

    The sleeves of a top are below ``TRUNK_SHARE`` of the height.

    Columns run around the body with the front in the middle (around each leg with the outer side in the middle), rows
    from top to bottom.
    """
    trunk = int(SIZE * TRUNK_SHARE) if layout == "top" else SIZE
    on = canvas(fabric.color, fabric.second, trunk)
    image = _details(PATTERNS[fabric.pattern](rng, on), fabric, on)
    number, mirrored = int(rng.integers(FOLD_VARIANTS)), bool(rng.random() < 0.5)
    folds = _shading(layout)[number]
    if mirrored:
        folds = folds[:, ::-1]
    weave = rng.standard_normal((SIZE, SIZE), np.float32) * np.float32(0.03)
    image = image * np.exp(PAINTED * fabric.folds * folds + weave)[..., None]
    if fabric.wear > 0:
        image = _worn(rng, image, fabric.wear, on)
    texture = np.full((SIZE, SIZE, 4), 255, np.uint8)
    texture[..., :3] = np.clip(image, 0.012, 1) * 255
    return texture, f"{layout}/{number}{'-' * mirrored}"


def _worn(rng: np.random.Generator, image: Floating, wear: float, on: Canvas) -> Floating:
    """Faded in patches, grimy towards the hem and the cuffs, with a few stains."""
    faded = np.clip(0.5 + 0.5 * around(noise(rng, 22, 22)), 0, 1)[..., None] * (0.35 * wear)
    gray = image.mean(axis=2, keepdims=True)
    image = image * (1 - faded) + (0.75 * gray + 0.08) * faded
    low = np.clip((on.y - 0.82 * on.trunk) / (0.18 * on.trunk), 0, 1) * (on.y < on.trunk)
    cuffs = np.clip((on.y - 0.94 * SIZE) / (0.06 * SIZE), 0, 1)
    grime = np.clip(np.maximum(low, cuffs) + 0.25 * around(noise(rng, 7, 7)), 0, 1)
    stains = np.clip((around(noise(rng, 5, 5)) - 2.2) * 1.5, 0, 1)
    dirt = (wear * (0.5 * grime + 0.55 * stains))[..., None]
    return np.asarray(image * (1 - dirt) + dirt * np.array([0.21, 0.17, 0.125], np.float32), np.float32)


def plain_texture(rng: np.random.Generator, color: Color, *, size: int = 64, grain: float = 0.06) -> NDArray[np.uint8]:
    """(size, size, 4) one color with a little grain."""
    rough = gaussian_filter(rng.standard_normal((size, size)), 1.0, mode="wrap")
    texture = np.full((size, size, 4), 255, np.uint8)
    texture[..., :3] = np.clip(np.array(color) * (1 + grain * rough / rough.std())[..., None], 0.012, 1) * 255
    return texture


def _details(image: Floating, fabric: Fabric, on: Canvas) -> Floating:
    """Buttons, zips and the like, drawn over the pattern."""
    x, y, trunk, second, upper = on.x, on.y, on.trunk, on.second, on.y < on.trunk
    middle = np.abs(x - 128)

    def draw(where: NDArray[np.bool_], color: Floating | float) -> None:
        image[where] = color

    def darken(where: NDArray[np.bool_], by: float) -> None:
        image[where] *= by

    image = np.array(image, np.float32)
    if "buttons" in fabric.details:
        darken((middle < 0.8) & upper, 0.75)
        draw((np.abs(x - 129) < 1.6) & ((y % 20) < 3) & upper, second)
    if "zip" in fabric.details:
        zipped = (middle < 1.6) & upper
        image[zipped] = 0.4 * second + 0.22 * image[zipped]
    if "pockets" in fabric.details:
        darken((np.abs(middle - 42) < 14) & (np.abs(y - 0.78 * trunk) < 1.2), 0.55)
    if "chest_pocket" in fabric.details:
        edge = np.maximum(np.abs(x - 158) - 10, np.abs(y - 0.36 * trunk) - 11)
        darken(np.abs(edge) < 0.8, 0.62)
    if "tie" in fabric.details:
        draw((middle < np.clip(1.5 + y / 40, 0, 4.5)) & (y > 2) & (y < 0.72 * trunk), second)
    if "side_stripe" in fabric.details:
        draw(middle < 7, second)
    if "reflectors" in fabric.details:
        band = (np.abs(y - 0.55 * trunk) < 4) | (np.abs(y - 0.8 * trunk) < 4) | (np.abs(y - 0.82 * SIZE) < 4)
        draw(band & (upper | (trunk < SIZE)), 0.86)
    if "belt" in fabric.details:
        draw(y < 7, 0.06)
        draw((y < 7) & (np.abs(np.abs(x - 128) - AROUND / 4) > AROUND / 4 - 3), 0.55)
    if "cuffs" in fabric.details:
        darken((upper & (y > trunk - 9)) | (y > SIZE - 8), 0.82)
    if "hem_band" in fabric.details:
        draw(((y > trunk - 12) & upper) | (y > SIZE - 10), second)
    return image
