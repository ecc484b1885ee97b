"""Cloth as textures: patterns laid out on a garment's trunk and sleeves, with folds and weave."""

from __future__ import annotations

import functools
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from closerlook.synthesis.person.palette import Colour

__all__ = ["PATTERNS", "Fabric", "fabric_texture", "plain_texture"]

Float = NDArray[np.float32]

SIZE = 256
PATTERNS = ("plain", "stripes", "pinstripes", "check", "print", "logo", "denim", "blocks", "melange", "camouflage")


@dataclass(frozen=True)
class Fabric:
    """What a garment is made of.

    Attributes:
        pattern: one of :data:`PATTERNS`.
        colour, second: the main colour and the other one that the pattern uses.
        folds: contrast of the folds; 0.1 stiff, 0.25 soft and creased.
        details: drawn on the garment: ``buttons``, ``zip``, ``pockets``, ``side_stripe``, ``belt``, ``hem_band``.
    """

    pattern: str
    colour: Colour
    second: Colour
    folds: float = 0.16
    details: tuple[str, ...] = ()


@functools.cache
def _fold_maps() -> NDArray[np.float32]:
    """(6, s, s) light and shade of folds, mean 0: soft creases in several directions, made once."""
    rng = np.random.default_rng(7)
    maps = []
    y, x = np.mgrid[:SIZE, :SIZE] / SIZE
    for k in range(6):
        height = np.zeros((SIZE, SIZE), np.float32)
        for sigma, gain in (((34, 9), 1.0), ((14, 5), 0.55), ((5, 9), 0.35), ((2.5, 2.5), 0.12)):
            noise = gaussian_filter(rng.standard_normal((SIZE, SIZE)), sigma, mode="wrap")
            height += gain * noise / noise.std()
        skew = (0.35 if k % 2 else -0.35) * np.sin(2 * np.pi * x)
        columns = ((x + skew * y) * SIZE).astype(np.int64) % SIZE
        height = np.take_along_axis(height, columns, 1)
        slope = np.gradient(height, axis=1) * 2.0 + np.gradient(height, axis=0) * 1.6
        slope = gaussian_filter(slope, 0.8, mode="wrap")
        maps.append(np.clip(slope / slope.std(), -2.5, 2.5))
    return np.array(maps, np.float32)


def fabric_texture(rng: np.random.Generator, fabric: Fabric, trunk_share: float = 1.0) -> NDArray[np.uint8]:
    """(256, 256, 4) a garment's texture: trunk above, sleeves below ``trunk_share`` of the height.

    Columns run around the body with the front in the middle, rows from top to bottom.
    """
    image = _pattern(rng, fabric, int(SIZE * trunk_share))
    image = _details(image, fabric, int(SIZE * trunk_share))
    folds = np.roll(_fold_maps()[rng.integers(6)], rng.integers(SIZE, size=2), axis=(0, 1))
    light = 0.6 * fabric.folds * folds
    weave = rng.standard_normal((SIZE, SIZE)).astype(np.float32) * 0.03
    image = image * np.exp(light + weave)[..., None]
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
    y, x = np.mgrid[:SIZE, :SIZE].astype(np.float32)
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
            noise = gaussian_filter(rng.standard_normal((SIZE, SIZE)), 8, mode="wrap")
            image[noise > 0.6 * noise.std()] = (second, second * 0.5, image[0, 0] * 0.55)[k]
    elif fabric.pattern == "print":
        noise = gaussian_filter(rng.standard_normal((SIZE, SIZE)), rng.uniform(2.5, 5), mode="wrap")
        image[noise > rng.uniform(0.7, 1.3) * noise.std()] = second
    elif fabric.pattern == "blocks":
        edge = rng.uniform(0.3, 0.55) * trunk
        image[(y < edge) | ((y >= trunk) & (rng.random() < 0.7))] = second
    elif fabric.pattern == "logo":
        _draw_logo(rng, image, second, trunk)
    elif fabric.pattern == "denim":
        fade = np.exp(-(((np.abs(x - 148) - 0) / 26) ** 2)) * np.clip(1.2 - np.abs(y - 0.35 * SIZE) / 90, 0, 1)
        image = image * (1 + 0.45 * fade[..., None]) * (1 + 0.06 * np.sin(x + y)[..., None])
    elif fabric.pattern == "melange":
        noise = gaussian_filter(rng.standard_normal((SIZE, SIZE)), (0.6, 1.6))
        image = image + 0.1 * (noise / noise.std())[..., None] * (0.3 + image)
    return image.astype(np.float32)


def _draw_logo(rng: np.random.Generator, image: Float, second: Float, trunk: int) -> None:
    """A print on the chest, and often one on the back."""
    y, x = np.mgrid[:SIZE, :SIZE].astype(np.float32)
    for centre in (128, 0) if rng.random() < 0.4 else (128,):
        apart = np.abs((x - centre + SIZE / 2) % SIZE - SIZE / 2)
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
    y, x = np.mgrid[:SIZE, :SIZE].astype(np.float32)
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
