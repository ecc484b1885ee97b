"""Cloth as textures: patterns laid out on a garment's trunk and sleeves, with folds and weave."""

from __future__ import annotations

import functools
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from closerlook.synthesis.person.palette import Colour

__all__ = ["PATTERNS", "TRUNK_SHARE", "WRAP", "Fabric", "fabric_texture", "plain_texture"]

Float = NDArray[np.floating]

SIZE = 256
WRAP = 0.875  # of the width goes once around; the margins repeat it for faces across the seam
AROUND = int(SIZE * WRAP)
TRUNK_SHARE = 0.62  # of the height of a top's texture; sleeves have the rest
PATTERNS = ("plain", "stripes", "pinstripes", "check", "print", "logo", "denim", "blocks", "melange", "camouflage")


@dataclass(frozen=True)
class Fabric:
    """What a garment is made of.

    Attributes:
        pattern: one of :data:`PATTERNS`.
        colour, second: the main colour and the other one that the pattern uses.
        folds: contrast of the folds; 0.05 stiff, 0.15 soft and creased.
        details: drawn on the garment: ``buttons``, ``zip``, ``pockets``, ``side_stripe``, ``belt``, ``hem_band``.
    """

    pattern: str
    colour: Colour
    second: Colour
    folds: float = 0.1
    details: tuple[str, ...] = ()


FOLD_VARIANTS = 5


def _grid() -> tuple[Float, Float]:
    """Rows and columns of every texel."""
    y, x = np.mgrid[:SIZE, :SIZE]
    return y.astype(np.float32), x.astype(np.float32)


@functools.cache
def _fold_maps(layout: str) -> NDArray[np.float32]:
    """(n, s, s) light and shade of folds, mean 0: soft drape everywhere, creases where cloth bunches up.

    A top creases at waist, armpits, elbows and cuffs, trousers at crotch, knees and ankles; skirts fall in long folds.
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
        drape = _noise(rng, 9, 11) + 0.5 * _noise(rng, 20, 5)
        if layout == "skirt":
            light = gaussian_filter(np.gradient(_noise(rng, 40, 4) + 0.4 * _noise(rng, 14, 2), axis=1), (6, 1)) * (
                y + 0.3
            )
            maps.append(np.clip(light / light.std(), -2.5, 1.6))
            continue
        crease = np.zeros((SIZE, AROUND))
        for slope in (-0.45, 0.0, 0.45):
            rows = ((y + slope * np.sin(2 * np.pi * x) * 0.16) * SIZE).astype(np.int64) % SIZE
            crease += np.take_along_axis(_noise(rng, 2.0, 9), rows, 0) * np.clip(_noise(rng, 16, 20), 0, None)
        light = 0.35 * _slope(drape) + creased * _slope(crease)
        light = light / light.std()
        maps.append(np.where(light > 0, 0.7 * np.minimum(light, 2), np.maximum(light, -3)))  # creases are dark
    return np.stack([_around(light) for light in maps]).astype(np.float32)


def _at(place: NDArray[np.float64], centre: float, width: float) -> NDArray[np.float64]:
    return np.asarray(np.exp(-(((place - centre) / width) ** 2)))


def _noise(rng: np.random.Generator, high: float, wide: float) -> NDArray[np.float64]:
    noise = gaussian_filter(rng.standard_normal((SIZE, AROUND)), (high, wide), mode="wrap")
    return np.asarray(noise / noise.std())


def _around(image: NDArray[np.float64]) -> NDArray[np.float64]:
    """Repeat a (s, AROUND) image, which wraps around, in the margins of the texture."""
    margin = (SIZE - AROUND) // 2
    return np.pad(image, ((0, 0), (margin, margin)), mode="wrap")


def _patches(rng: np.random.Generator, size: float) -> NDArray[np.float64]:
    """(s, s) smooth noise of standard deviation 1 with spots of this size in texels."""
    return _around(_noise(rng, size, size))


def _slope(height: NDArray[np.float64]) -> NDArray[np.float64]:
    """How much lighter a surface of this height is, lit from above and a little from one side."""
    slope = np.gradient(height, axis=0) + 0.5 * np.gradient(height, axis=1)
    slope = gaussian_filter(slope, 0.7, mode="wrap")
    return np.asarray(slope / slope.std())


def fabric_texture(rng: np.random.Generator, fabric: Fabric, layout: str) -> NDArray[np.uint8]:
    """(256, 256, 4) the texture of a ``top`` (sleeves below ``TRUNK_SHARE`` of the height), ``trousers`` or ``skirt``.

    Columns run around the body with the front in the middle (around each leg with the outer side in the middle), rows
    from top to bottom.
    """
    trunk = int(SIZE * TRUNK_SHARE) if layout == "top" else SIZE
    image = _pattern(rng, fabric, trunk)
    image = _details(image, fabric, trunk)
    folds = _fold_maps(layout)[rng.integers(FOLD_VARIANTS)]
    if rng.random() < 0.5:
        folds = folds[:, ::-1]
    weave = rng.standard_normal((SIZE, SIZE), np.float32) * np.float32(0.03)
    image = image * np.exp(fabric.folds * folds + weave)[..., None]
    texture = np.full((SIZE, SIZE, 4), 255, np.uint8)
    texture[..., :3] = np.clip(image, 0.012, 1) * 255
    return texture


def plain_texture(
    rng: np.random.Generator, colour: Colour, *, size: int = 64, grain: float = 0.06
) -> NDArray[np.uint8]:
    """(size, size, 4) one colour with a little grain."""
    noise = gaussian_filter(rng.standard_normal((size, size)), 1.0, mode="wrap")
    texture = np.full((size, size, 4), 255, np.uint8)
    texture[..., :3] = np.clip(np.array(colour) * (1 + grain * noise / noise.std())[..., None], 0.012, 1) * 255
    return texture


def _pattern(rng: np.random.Generator, fabric: Fabric, trunk: int) -> Float:
    image = np.tile(np.array(fabric.colour, np.float32), (SIZE, SIZE, 1))
    second = np.array(fabric.second, np.float32)
    y, x = _grid()
    if fabric.pattern == "stripes":
        period = rng.uniform(12, 30)
        share = rng.uniform(0.25, 0.55)
        image[(y % period) < share * period] = second
    elif fabric.pattern == "pinstripes":
        image[(x % rng.integers(9, 15)) < 2] = 0.55 * image[0, 0] + 0.45 * second
    elif fabric.pattern == "check":
        period = float(rng.choice([16, 22, 28]))
        a, b = (x % period) < period / 2, (y % period) < period / 2
        image = image * (1 - 0.35 * (a ^ b)[..., None]) + second * 0.35 * (a ^ b)[..., None]
        image[a & b] = 0.35 * image[a & b] + 0.65 * second
    elif fabric.pattern == "camouflage":
        for k in range(3):
            image[_patches(rng, 8) > 0.6] = (second, second * 0.5, image[0, 0] * 0.55)[k]
    elif fabric.pattern == "print":
        image[_patches(rng, float(rng.uniform(2.5, 5))) > rng.uniform(0.7, 1.3)] = second
    elif fabric.pattern == "blocks":
        edge = rng.uniform(0.3, 0.55) * trunk
        image[(y < edge) | ((y >= trunk) & (rng.random() < 0.7))] = second
    elif fabric.pattern == "logo":
        _draw_logo(rng, image, second, trunk)
    elif fabric.pattern == "denim":
        image = 0.72 * image + 0.28 * image.mean(axis=2, keepdims=True)
        fade = np.exp(-(((np.abs(x - 148) - 0) / 26) ** 2)) * np.clip(1.2 - np.abs(y - 0.35 * SIZE) / 90, 0, 1)
        image = image * (1 + 0.45 * fade[..., None]) * (1 + 0.06 * np.sin(x + y)[..., None])
    elif fabric.pattern == "melange":
        noise = gaussian_filter(rng.standard_normal((SIZE, SIZE)), (0.6, 1.6))
        image = image + 0.06 * (noise / noise.std())[..., None] * (0.3 + image)
    return image.astype(np.float32)


def _draw_logo(rng: np.random.Generator, image: Float, second: Float, trunk: int) -> None:
    """A print on the chest, and often one on the back."""
    y, x = _grid()
    for turn in (0.0, 0.5) if rng.random() < 0.4 else (0.0,):
        apart = np.abs((x - SIZE / 2 + (0.5 - turn) * AROUND) % AROUND - AROUND / 2)
        down = y - rng.uniform(0.34, 0.45) * trunk
        wide, high = rng.uniform(14, 24), rng.uniform(8, 20)
        kind = rng.integers(3)
        if kind == 0:
            where = (apart < wide) & (np.abs(down) < high)
        elif kind == 1:
            where = np.hypot(apart / wide, down / high) < 1
        else:
            noise = gaussian_filter(rng.standard_normal((SIZE, SIZE)), (2, 3))
            where = (apart < wide) & (np.abs(down) < high) & (noise > 0)
        image[where & (y < trunk)] = second


def _details(image: Float, fabric: Fabric, trunk: int) -> Float:
    y, x = _grid()
    dark, second = 0.55 * image, np.array(fabric.second, np.float32)
    upper = y < trunk
    if "buttons" in fabric.details:
        image = np.where(((np.abs(x - 128) < 0.8) & upper)[..., None], 0.75 * image, image)
        image = np.where(((np.abs(x - 129) < 1.6) & ((y % 20) < 3) & upper)[..., None], second, image)
    if "zip" in fabric.details:
        image = np.where(((np.abs(x - 128) < 1.6) & upper)[..., None], 0.4 * second + 0.3 * dark, image)
    if "pockets" in fabric.details:
        seam = (np.abs(np.abs(x - 128) - 42) < 14) & (np.abs(y - 0.78 * trunk) < 1.2)
        image = np.where(seam[..., None], dark, image)
    if "side_stripe" in fabric.details:
        image = np.where((np.abs(x - 128) < 7)[..., None], second, image)
    if "belt" in fabric.details:
        image = np.where((y < 11)[..., None], 0.06, image)
    if "hem_band" in fabric.details:
        image = np.where(((y > trunk - 12) & upper | (y > SIZE - 10))[..., None], second, image)
    return image
