"""Tools for painting textures: tileable noise, leaves, joints, stains."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter

from closerlook.arrays import Float

__all__ = ["SIDE", "blank", "bright", "clouds", "draw", "ink", "joints", "leaves", "mottle", "stack", "vary"]

SIDE = 256


def clouds(rng: np.random.Generator, slope: float = 1.0, low: float = 0.0) -> Float:
    """(256, 256) tileable noise, mean 0 and standard deviation 1, whose spectrum falls as 1 / frequency**slope.

    ``low`` takes out what is slower than this many waves a tile.
    """
    frequency = np.hypot(*np.meshgrid(np.fft.fftfreq(SIDE, 1 / SIDE), np.fft.rfftfreq(SIDE, 1 / SIDE), indexing="ij"))
    frequency[0, 0] = 1.0
    spectrum = np.fft.rfft2(rng.normal(size=(SIDE, SIDE))) / frequency**slope
    spectrum[frequency < max(low, 1.0)] = 0.0
    spectrum[0, 0] = 0.0
    field = np.fft.irfft2(spectrum, s=(SIDE, SIDE))
    return np.asarray(field / field.std())


def blank(color: tuple[float, float, float] | Float) -> Float:
    """A (256, 256, 3) picture of one sRGB color, 0 to 1."""
    return np.asarray(np.ones((SIDE, SIDE, 3)) * np.asarray(color))


def mottle(rng: np.random.Generator, picture: Float, slow: float, fast: float) -> Float:
    """Stains (slow) and grain (fast), as relative standard deviations."""
    shade = 1 + slow * clouds(rng, 1.6) + fast * clouds(rng, 0.4)
    return np.asarray(picture * shade[..., None])


def vary(rng: np.random.Generator, color: tuple[float, float, float], by: float = 0.12) -> Float:
    """A color near ``color``, other in brightness rather than in hue."""
    return np.asarray(
        np.clip(np.array(color) * np.exp(rng.normal(0, by * 1.6) + rng.normal(0, by * 0.15, 3)), 0.02, 0.97)
    )


def joints(
    rng: np.random.Generator, across: int, down: int, width: int, bond: float = 0.0
) -> tuple[NDArray[np.bool_], Float]:
    """A grid of stones: where the joints are, and a random number of deviation 1 for each stone's pixels.

    ``bond`` shifts every other row by that share of a stone.
    """
    y, x = np.mgrid[:SIDE, :SIDE]
    row = y * down // SIDE
    moved = x + (row % 2) * int(bond * SIDE / across)
    column = (moved * across // SIDE) % across
    line = ((moved * across) % SIDE < width * across) | ((y * down) % SIDE < width * down)
    stones = rng.normal(size=(down, across))
    return line, stones[row, column]


def leaves(rng: np.random.Generator, color: Float, depth: float = 0.5) -> Float:
    """Foliage: bright tips before dark gaps."""
    form = 0.6 * clouds(rng, 0.9, 6) + 0.5 * clouds(rng, 0.5, 20)
    light = np.clip(0.55 + depth * 0.55 * form, 0.06, 1.6)
    yellow = 1 + 0.1 * clouds(rng, 1.2)[..., None] * np.array([1.0, 0.3, -0.6])
    return np.asarray(np.clip(color * light[..., None] * yellow, 0.0, 1.0))


def draw(picture: Float) -> tuple[Image.Image, ImageDraw.ImageDraw]:
    """The picture as a PIL image and a pen for it."""
    image = Image.fromarray((np.clip(picture, 0, 1) * 255).astype(np.uint8))
    return image, ImageDraw.Draw(image)


def stack(
    picture: Float | Image.Image, alpha: Float | Image.Image | None = None, blur: float = 0.0
) -> NDArray[np.uint8]:
    """Finish a texture: (256, 256, 4) uint8, ``alpha`` 0 to 1 (1 where it is left out)."""
    image = picture if isinstance(picture, Image.Image) else draw(picture)[0]
    if blur:
        image = image.filter(ImageFilter.GaussianBlur(blur))
    if alpha is None:
        alpha = np.ones((SIDE, SIDE))
    cover = alpha if isinstance(alpha, Image.Image) else Image.fromarray((np.clip(alpha, 0, 1) * 255).astype(np.uint8))
    return np.dstack([np.asarray(image.convert("RGB")), np.asarray(cover.convert("L"))])


def ink(color: Float | tuple[float, float, float], factor: float = 1.0) -> tuple[int, int, int]:
    """A color, 0 to 1, as Pillow's pens take it, ``factor`` times as bright."""
    r, g, b = (int(np.clip(c * factor, 0, 1) * 255) for c in color)
    return r, g, b


def bright(rng: np.random.Generator) -> Float:
    """A color as of cars, signs and clothes: often gray, black or white, else colored."""
    if rng.random() < 0.55:
        return np.full(3, rng.choice([0.08, 0.2, 0.45, 0.75, 0.9])) * rng.uniform(0.8, 1.1)
    hue = rng.random() * 6
    full = np.clip(np.abs((hue + np.array([0, 4, 2])) % 6 - 3) - 1, 0, 1)
    return np.asarray((1 - rng.uniform(0.45, 0.85) * (1 - full)) * rng.uniform(0.3, 0.85))
