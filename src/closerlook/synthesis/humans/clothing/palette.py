"""Colors: of cloth as people wear them, of hair and skin; and the name that a person would give a color."""

from __future__ import annotations

import colorsys
import functools
import itertools

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "Color",
    "cloth_color",
    "cloth_name",
    "color_name",
    "hair_color",
    "hair_name",
    "lab",
    "shade",
    "skin_color",
]

Color = tuple[float, float, float]  # sRGB, 0 to 1

SOBER = (0.5, 0.78)  # saturation and value of what is to be worn with anything, beside a top of that color
# Name: (share among tops on a warm day, on a cold day, among trousers, coats and bags; hue, saturation, value ranges).
_Range = tuple[float, float]
_CLOTH: dict[str, tuple[float, float, float, _Range, _Range, _Range]] = {
    "black": (0.10, 0.15, 0.37, (0.5, 0.7), (0.00, 0.25), (0.03, 0.13)),
    "gray": (0.12, 0.17, 0.12, (0.5, 0.65), (0.00, 0.12), (0.25, 0.88)),
    "white": (0.34, 0.25, 0.07, (0.08, 0.2), (0.00, 0.06), (0.86, 1.00)),
    "navy": (0.06, 0.10, 0.16, (0.6, 0.65), (0.3, 0.6), (0.13, 0.28)),
    "blue": (0.1, 0.08, 0.14, (0.53, 0.64), (0.2, 0.7), (0.35, 0.92)),
    "beige": (0.05, 0.07, 0.08, (0.08, 0.12), (0.12, 0.35), (0.62, 0.92)),
    "brown": (0.02, 0.06, 0.05, (0.04, 0.08), (0.35, 0.65), (0.18, 0.42)),
    "red": (0.095, 0.07, 0.015, (0.96, 1.015), (0.65, 0.95), (0.4, 0.82)),
    "green": (0.055, 0.05, 0.02, (0.24, 0.45), (0.3, 0.8), (0.2, 0.65)),
    "pink": (0.065, 0.04, 0.01, (0.9, 0.98), (0.2, 0.65), (0.78, 0.96)),
    "yellow": (0.022, 0.015, 0.003, (0.115, 0.17), (0.4, 0.8), (0.72, 0.97)),
    "orange": (0.02, 0.015, 0.004, (0.03, 0.085), (0.6, 0.9), (0.65, 0.95)),
    "purple": (0.03, 0.025, 0.01, (0.72, 0.83), (0.3, 0.75), (0.25, 0.7)),
}

_BRIGHT: dict[str, Color] = {  # what people call by these names though few wear it
    "blue": (0.1, 0.17, 0.65),
    "red": (0.95, 0.1, 0.1),
    "green": (0.1, 0.65, 0.25),
    "purple": (0.5, 0.15, 0.55),
    "pink": (0.95, 0.3, 0.6),
    "yellow": (0.98, 0.92, 0.2),
    "orange": (0.98, 0.5, 0.05),
}

_HAIR: dict[str, Color] = {
    "black": (0.075, 0.065, 0.065),
    "brown": (0.20, 0.135, 0.095),
    "light_brown": (0.36, 0.25, 0.165),
    "blond": (0.64, 0.50, 0.31),
    "red": (0.44, 0.2, 0.11),
    "gray": (0.56, 0.55, 0.54),
    "white": (0.8, 0.79, 0.77),
}

_SKIN: dict[str, tuple[Color, Color]] = {  # light and dark end
    "african": ((0.50, 0.345, 0.26), (0.245, 0.165, 0.13)),
    "asian": ((0.87, 0.71, 0.585), (0.69, 0.51, 0.385)),
    "caucasian": ((0.89, 0.735, 0.65), (0.74, 0.56, 0.455)),
}


def cloth_color(
    rng: np.random.Generator, *, sober: bool = False, avoid: str | None = None, season: str = "between"
) -> tuple[str, Color]:
    """A color of cloth with its name: mostly dark, gray, white, blue and beige, some strong ones.

    ``sober`` draws as people do for trousers, coats and bags; otherwise tops are lighter and stronger in summer, darker
    in winter.
    """
    names = [name for name in _CLOTH if name != avoid]
    warm = {"summer": 1.0, "between": 0.5, "winter": 0.0}[season]
    columns = np.array([_CLOTH[name][:3] for name in names])
    shares = columns[:, 2] if sober else warm * columns[:, 0] + (1 - warm) * columns[:, 1]
    name = names[rng.choice(len(names), p=shares / shares.sum())]
    hue, saturation, value = (float(rng.uniform(*bounds)) for bounds in _CLOTH[name][3:])
    if sober and saturation > 0.25:
        saturation, value = SOBER[0] * saturation, SOBER[1] * value
    return name, colorsys.hsv_to_rgb(hue % 1.0, saturation, value)


def lab(colors: NDArray[np.floating]) -> NDArray[np.float64]:
    """(..., 3) sRGB, 0 to 1, to CIE L*a*b* under D65, in which distances are about as large as they look."""
    colors = np.asarray(colors, np.float64)
    linear = np.where(colors <= 0.04045, colors / 12.92, ((colors + 0.055) / 1.055) ** 2.4)
    matrix = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])
    xyz = linear @ (matrix / matrix.sum(1, keepdims=True)).T
    bent = np.where(xyz > 0.008856, np.cbrt(xyz), 7.787 * xyz + 16 / 116)
    x, y, z = np.moveaxis(bent, -1, 0)
    return np.stack([116 * y - 16, 500 * (x - y), 200 * (y - z)], axis=-1)


@functools.cache
def _named() -> tuple[list[str], NDArray[np.float64]]:
    """Names and L*a*b* of colors across the range of each name."""
    names, colors = list(_BRIGHT), list(_BRIGHT.values())
    for name, (_, _, _, *ranges) in _CLOTH.items():
        for corner in itertools.product(*(np.linspace(low, high, 3) for low, high in ranges)):
            names.append(name)
            colors.append(colorsys.hsv_to_rgb(corner[0] % 1.0, corner[1], corner[2]))
    return names, lab(np.array(colors))


def cloth_name(colors: NDArray[np.floating]) -> str:
    """The name that most of (n, 3) colors of cloth would be given: that of the palette's nearest color to each."""
    names, known = _named()
    few = lab(colors[:: max(len(colors) // 400, 1)])
    nearest = np.square(few[:, None] - known).sum(2).argmin(1)
    called = [names[k] for k in nearest]
    return max(_CLOTH, key=called.count)


def color_name(color: Color) -> str:
    """The name of one color of cloth."""
    return cloth_name(np.array([color]))


def hair_name(colors: NDArray[np.floating]) -> str:
    """The name of the natural hair color nearest to the median of (n, 3) colors."""
    shown = lab(np.median(colors, axis=0))
    return min(_HAIR, key=lambda name: float(np.square(lab(np.array(_HAIR[name])) - shown).sum()))


def hair_color(rng: np.random.Generator, ancestry: str, years: float) -> tuple[str, Color]:
    """A natural hair color by ancestry and age, rarely a dyed one."""
    if rng.random() < np.clip((years - 42) / 35, 0, 0.95):
        name = "white" if rng.random() < (years - 50) / 50 else "gray"
    elif ancestry == "caucasian":
        name = str(rng.choice(["black", "brown", "light_brown", "blond", "red"], p=[0.14, 0.38, 0.24, 0.19, 0.05]))
    else:
        name = str(rng.choice(["black", "brown", "light_brown", "blond"], p=[0.8, 0.15, 0.03, 0.02]))
    return name, shade(_HAIR[name], float(rng.uniform(0.8, 1.2)))


def skin_color(rng: np.random.Generator, ancestry: dict[str, float]) -> Color:
    """A skin color between those of the ancestries mixed."""
    tone = float(np.clip(rng.beta(1.6, 2.2), 0, 1))
    mixed = sum(
        share * (np.array(_SKIN[name][0]) * (1 - tone) + np.array(_SKIN[name][1]) * tone)
        for name, share in ancestry.items()
    )
    r, g, b = np.asarray(mixed, float)
    return float(r), float(g), float(b)


def shade(color: Color | NDArray[np.floating], factor: float) -> Color:
    """A lighter or darker color."""
    r, g, b = np.clip(np.asarray(color) * factor, 0, 1)
    return float(r), float(g), float(b)
