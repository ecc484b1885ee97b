"""What is woven into cloth or printed on it, painted on the texture layout of a garment."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from closerlook.arrays import Floating

__all__ = ["AROUND", "PATTERNS", "SIZE", "TRUNK_SHARE", "WRAP", "Canvas", "around", "canvas", "noise"]

Mask = NDArray[np.bool_]

SIZE = 256
WRAP = 0.875  # of the width goes once around; the margins repeat it for faces across the seam
AROUND = int(SIZE * WRAP)
TRUNK_SHARE = 0.62  # of the height of a top's texture; sleeves have the rest


@dataclass(frozen=True)
class Canvas:
    """A garment's texture to be painted: columns run around the body or limb, rows from top to bottom.

    Attributes:
        x, y: (s, s) column and row of each texel.
        trunk: rows of the trunk; below come the sleeves. All rows where there are none.
        main, second: (3,) the two colors.
    """

    x: Floating
    y: Floating
    trunk: int
    main: Floating
    second: Floating

    def plain(self) -> Floating:
        """(s, s, 3) the main color everywhere."""
        return np.tile(self.main, (SIZE, SIZE, 1)).astype(np.float32)

    def mixed(self, share: Floating) -> Floating:
        """(s, s, 3) the main color with ``share`` (s, s) of the second one."""
        return np.asarray(self.main + share[..., None] * (self.second - self.main), np.float32)


def canvas(main: tuple[float, float, float], second: tuple[float, float, float], trunk: int) -> Canvas:
    """An unpainted texture whose trunk takes the first ``trunk`` rows."""
    x, y = _grid()
    return Canvas(x, y, trunk, np.array(main, np.float32), np.array(second, np.float32))


@functools.cache
def _grid() -> tuple[Floating, Floating]:
    y, x = np.mgrid[:SIZE, :SIZE].astype(np.float32)
    return x, y


def noise(rng: np.random.Generator, high: float, wide: float) -> NDArray[np.float32]:
    """(s, AROUND) smooth noise of standard deviation 1 that wraps around, with spots of this size in texels."""
    rough = rng.standard_normal((SIZE, AROUND), np.float32)
    smooth = gaussian_filter(rough, (high, wide), mode="wrap", truncate=3.0)
    return np.asarray(smooth / smooth.std(), np.float32)


def around(image: Floating) -> Floating:
    """Repeat a (s, AROUND) image, which wraps around, in the margins of the texture."""
    margin = (SIZE - AROUND) // 2
    return np.pad(image, ((0, 0), (margin, margin)), mode="wrap")


def _plain(rng: np.random.Generator, on: Canvas) -> Floating:
    return on.plain()


def _stripes(rng: np.random.Generator, on: Canvas) -> Floating:
    """Rings of one width, or a few on a plain ground."""
    period, share = rng.uniform(8, 30), rng.uniform(0.2, 0.55)
    rings = (on.y % period) < share * period
    if rng.random() < 0.2:
        middle = rng.uniform(0.25, 0.6) * on.trunk
        rings &= np.abs(on.y - middle) < rng.uniform(0.6, 1.6) * period
    return on.mixed(rings.astype(np.float32))


def _pinstripes(rng: np.random.Generator, on: Canvas) -> Floating:
    return on.mixed(0.45 * ((on.x % rng.integers(9, 15)) < 2))


def _check(rng: np.random.Generator, on: Canvas) -> Floating:
    """Gingham, or a tartan of bands with thin lines across."""
    period = float(rng.choice([14, 16, 22, 28, 37.3]))
    across, down = (on.x % period) / period, (on.y % period) / period
    if rng.random() < 0.5:
        return on.mixed(0.35 * (across < 0.5) + 0.35 * (down < 0.5))
    bands = 0.38 * (across < 0.4) + 0.38 * (down < 0.4)
    lines = (np.abs(across - 0.7) < 0.04) | (np.abs(down - 0.7) < 0.04)
    third = np.where(on.main.mean() > 0.4, 0.08, 0.85)
    return np.asarray(np.where(lines[..., None], 0.5 * third + 0.5 * on.mixed(bands), on.mixed(bands)), np.float32)


def _camouflage(rng: np.random.Generator, on: Canvas) -> Floating:
    """Blots of the second color, of a dark and of a light one on the main color."""
    gray = on.main.mean()
    blots = (on.second * 0.6 + on.main * 0.4, on.main * 0.35 + 0.02, on.main * 0.6 + 0.4 * max(gray, 0.35))
    image = on.plain()
    for blot, level in zip(blots, (0.35, 0.75, 0.95), strict=True):
        image[around(noise(rng, 5, 9)) > level] = blot
    return image


def _print(rng: np.random.Generator, on: Canvas) -> Floating:
    """Scattered blots, flowers or paisley: small shapes of the second color and of one between."""
    size = float(rng.uniform(1.8, 5.5))
    image = on.mixed((around(noise(rng, size, size)) > rng.uniform(0.7, 1.3)).astype(np.float32))
    if rng.random() < 0.6:
        third = np.clip(on.second[[1, 2, 0]] * 0.7 + 0.3 * on.main, 0, 1)
        image[around(noise(rng, 0.7 * size, 0.7 * size)) > 1.5] = third
    return image


def _dots(rng: np.random.Generator, on: Canvas) -> Floating:
    apart = float(rng.choice([11.2, 14.0, 18.667]))
    shift = np.where((on.y // apart) % 2 > 0, apart / 2, 0)
    from_middle = np.hypot((on.x + shift) % apart - apart / 2, on.y % apart - apart / 2)
    return on.mixed((from_middle < rng.uniform(0.2, 0.34) * apart).astype(np.float32))


def _blocks(rng: np.random.Generator, on: Canvas) -> Floating:
    """Two tones: a yoke, a lower half, contrasting sleeves, one half of the front, or a band across the chest."""
    sleeves, edge = on.y >= on.trunk, rng.uniform(0.3, 0.6) * on.trunk
    left = (on.x > SIZE / 2) & ~sleeves
    band = np.abs(on.y - 0.42 * on.trunk) < rng.uniform(0.06, 0.14) * on.trunk
    kinds = ((on.y < edge) | sleeves, (on.y > edge) & ~sleeves, sleeves, left, band & ~sleeves)
    shares = (0.22, 0.24, 0.28, 0.08, 0.18) if on.trunk < SIZE else (0.4, 0.4, 0.0, 0.0, 0.2)
    return on.mixed(kinds[rng.choice(len(kinds), p=shares)].astype(np.float32))


def _logo(rng: np.random.Generator, on: Canvas) -> Floating:
    """A print on the chest, and often one on the back: a badge, a disc, lettering, a ring, a picture."""
    image = on.plain()
    shape = rng.integers(6)
    small = rng.random() < 0.3
    for turn in (0.0, 0.5) if rng.random() < 0.4 else (0.0,):
        aside = 20.0 if small else 0.0
        apart = (on.x - SIZE / 2 - aside + (0.5 - turn) * AROUND) % AROUND - AROUND / 2
        down = on.y - rng.uniform(0.34, 0.45) * on.trunk
        wide, high = (rng.uniform(4, 7), rng.uniform(3, 6)) if small else (rng.uniform(14, 26), rng.uniform(7, 22))
        inside = (np.abs(apart) < wide) & (np.abs(down) < high) & (on.y < on.trunk)
        far = np.hypot(apart / wide, down / high)
        letters = inside & (around(noise(rng, 2.5, 1.2)) > -0.1) & (np.abs(down) % 9 < 6)
        blots = [around(noise(rng, 4, 4)) for _ in range(2)]
        picture = inside & (blots[0] > -0.5)
        ring = (far < 1) & (far > 0.6) & inside
        cross = inside & ((np.abs(apart) < 0.3 * wide) | (np.abs(down) < 0.3 * high))
        image[(inside, (far < 1) & inside, letters, picture, ring, cross)[shape]] = on.second
        if shape == 3:  # a picture has a third color
            image[picture & (blots[1] > 0.4)] = 0.5 * (1 - on.second) + 0.5 * on.main
    return image


def _denim(rng: np.random.Generator, on: Canvas) -> Floating:
    """Grayed, faded on thighs and seat, with dark seams and light stitches; the legs' outer sides are in the middle."""
    image: Floating = on.plain()
    image = 0.72 * image + 0.28 * image.mean(axis=2, keepdims=True)
    front, back = SIZE / 2 + AROUND / 4, SIZE / 2 - AROUND / 4
    strength = rng.uniform(0.0, 0.5)
    faded = np.zeros((SIZE, SIZE), np.float32)
    for column, row in ((front, 0.36), (back, 0.22)):
        faded += np.exp(-(((on.x - column) / 24) ** 2)) * np.clip(1.2 - np.abs(on.y - row * SIZE) / 80, 0, 1)
    image = image * (1 + strength * faded + 0.05 * np.sin(on.x + on.y))[..., None]
    if on.trunk == SIZE:
        seam = np.abs(on.x - SIZE / 2) < 1.2
        pocket = (np.abs(np.abs(on.x - back) - 17) < 1.0) & (np.abs(on.y - 38) < 16)
        pocket |= (np.abs(on.x - back) < 18) & (np.abs(np.abs(on.y - 38) - 16) < 1.0)
        slant = (np.abs(on.y - 14 - 0.35 * (on.x - SIZE / 2 - 8)) < 1.0) & (np.abs(on.x - SIZE / 2 - 22) < 16)
        image = np.where((seam | pocket | slant)[..., None], 0.68 * image, image)
        image = np.where((np.abs(on.y - 9) < 0.9)[..., None], 0.75 * image, image)  # waistband
    return image


def _melange(rng: np.random.Generator, on: Canvas) -> Floating:
    flecks = around(noise(rng, 0.6, 1.6))
    return np.asarray(on.plain() + 0.06 * flecks[..., None] * (0.3 + on.main), np.float32)


def _knit(rng: np.random.Generator, on: Canvas) -> Floating:
    """Coarse yarn in ribs or cables, at times with a band of a motif."""
    period = float(rng.choice([6.222, 8.0, 11.2]))
    wave = np.sin(2 * np.pi * on.x / period + (1.2 * np.sin(on.y / 3.5) if rng.random() < 0.4 else 0.0))
    stitches = np.sin(on.y * 2.1 + 2 * np.abs((on.x % period) / period - 0.5))
    image = on.plain()
    if rng.random() < 0.3:
        middle, high = rng.uniform(0.3, 0.55) * on.trunk, rng.uniform(8, 18)
        zigzag = np.abs(on.y - middle + 3 * np.abs((on.x % 16) - 8) - 12) < high
        image = on.mixed((zigzag & (on.y < on.trunk)).astype(np.float32))
    return np.asarray(image * (1 + 0.16 * wave + 0.07 * stitches)[..., None], np.float32)


def _leather(rng: np.random.Generator, on: Canvas) -> Floating:
    """Mottled, worn lighter along folds, with seams at the sides and across the shoulders."""
    blotches = around(noise(rng, 6, 6))
    image = on.plain() * (1 + 0.06 * blotches + 0.05 * around(noise(rng, 0.9, 0.9)))[..., None]
    seam = np.abs(np.abs(on.x - SIZE / 2) - AROUND / 4) < 1.0
    if on.trunk < SIZE:
        seam = (seam & (on.y < on.trunk)) | (np.abs(on.y - 0.24 * on.trunk) < 1.0)
    return np.asarray(np.where(seam[..., None], 0.6 * image, image), np.float32)


def _quilted(rng: np.random.Generator, on: Canvas) -> Floating:
    """Down in horizontal chambers: each light above and dark below."""
    period = on.trunk / rng.integers(6, 11)
    place = (on.y % period) / period
    chamber = 0.22 * np.cos(np.pi * place) - 0.5 * np.exp(-((np.minimum(place, 1 - place) * period / 1.3) ** 2))
    wave = 1 + 0.05 * around(noise(rng, 2, 5))
    return np.asarray(on.plain() * ((1 + chamber) * wave)[..., None], np.float32)


PATTERNS: dict[str, Callable[[np.random.Generator, Canvas], Floating]] = {
    "plain": _plain,
    "stripes": _stripes,
    "pinstripes": _pinstripes,
    "check": _check,
    "print": _print,
    "dots": _dots,
    "logo": _logo,
    "denim": _denim,
    "blocks": _blocks,
    "melange": _melange,
    "camouflage": _camouflage,
    "knit": _knit,
    "leather": _leather,
    "quilted": _quilted,
}
