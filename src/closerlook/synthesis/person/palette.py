"""Colours: of cloth as people wear them, of hair and skin; and the name that a person would give a colour."""

from __future__ import annotations

import colorsys

import numpy as np
from numpy.typing import NDArray

__all__ = ["Colour", "cloth_colour", "colour_name", "hair_colour", "shade", "skin_colour"]

Colour = tuple[float, float, float]  # sRGB, 0 to 1

# Name: (share among tops, share among trousers and coats, hue, saturation and value ranges).
_CLOTH: dict[str, tuple[float, float, tuple[float, float], tuple[float, float], tuple[float, float]]] = {
    "black": (0.21, 0.30, (0.5, 0.7), (0.00, 0.25), (0.05, 0.15)),
    "grey": (0.13, 0.12, (0.5, 0.65), (0.00, 0.12), (0.28, 0.62)),
    "white": (0.18, 0.05, (0.08, 0.2), (0.00, 0.06), (0.82, 0.97)),
    "navy": (0.10, 0.16, (0.6, 0.65), (0.3, 0.55), (0.13, 0.26)),
    "blue": (0.09, 0.17, (0.56, 0.63), (0.25, 0.6), (0.35, 0.7)),
    "beige": (0.06, 0.08, (0.08, 0.12), (0.15, 0.35), (0.62, 0.84)),
    "brown": (0.04, 0.05, (0.04, 0.08), (0.35, 0.6), (0.18, 0.4)),
    "red": (0.06, 0.015, (0.97, 1.02), (0.55, 0.85), (0.35, 0.72)),
    "green": (0.045, 0.03, (0.24, 0.42), (0.25, 0.6), (0.2, 0.55)),
    "pink": (0.035, 0.01, (0.92, 0.98), (0.15, 0.42), (0.7, 0.92)),
    "yellow": (0.02, 0.005, (0.12, 0.16), (0.4, 0.75), (0.7, 0.92)),
    "orange": (0.015, 0.003, (0.045, 0.08), (0.6, 0.85), (0.62, 0.88)),
    "purple": (0.02, 0.007, (0.74, 0.82), (0.25, 0.6), (0.25, 0.6)),
}

_HAIR: dict[str, Colour] = {
    "black": (0.075, 0.065, 0.065),
    "brown": (0.20, 0.135, 0.095),
    "light_brown": (0.36, 0.25, 0.165),
    "blond": (0.64, 0.50, 0.31),
    "red": (0.44, 0.2, 0.11),
    "grey": (0.56, 0.55, 0.54),
    "white": (0.8, 0.79, 0.77),
}

_SKIN: dict[str, tuple[Colour, Colour]] = {  # light and dark end
    "african": ((0.50, 0.345, 0.26), (0.245, 0.165, 0.13)),
    "asian": ((0.87, 0.71, 0.585), (0.69, 0.51, 0.385)),
    "caucasian": ((0.89, 0.735, 0.65), (0.74, 0.56, 0.455)),
}


def cloth_colour(rng: np.random.Generator, *, sober: bool = False, avoid: str | None = None) -> tuple[str, Colour]:
    """A colour of cloth with its name: mostly dark, grey, white, blue and beige, some strong ones.

    ``sober`` draws as people do for trousers, coats and bags.
    """
    names = [name for name in _CLOTH if name != avoid]
    shares = np.array([_CLOTH[name][int(sober)] for name in names])
    name = names[rng.choice(len(names), p=shares / shares.sum())]
    hue, saturation, value = (float(rng.uniform(*bounds)) for bounds in _CLOTH[name][2:])
    return name, colorsys.hsv_to_rgb(hue % 1.0, saturation, value)


def colour_name(colour: Colour) -> str:
    """The name of the palette's nearest colour."""

    def far(name: str) -> float:
        _, _, *ranges = _CLOTH[name]
        middle = colorsys.hsv_to_rgb(*(float(np.mean(bounds)) % 1.0 for bounds in ranges))
        return float(np.square(np.subtract(middle, colour)).sum())

    return min(_CLOTH, key=far)


def hair_colour(rng: np.random.Generator, ancestry: str, years: float) -> tuple[str, Colour]:
    """A natural hair colour by ancestry and age, rarely a dyed one."""
    if rng.random() < np.clip((years - 42) / 35, 0, 0.95):
        name = "white" if rng.random() < (years - 50) / 50 else "grey"
    elif ancestry == "caucasian":
        name = str(rng.choice(["black", "brown", "light_brown", "blond", "red"], p=[0.14, 0.38, 0.24, 0.19, 0.05]))
    else:
        name = str(rng.choice(["black", "brown", "light_brown", "blond"], p=[0.8, 0.15, 0.03, 0.02]))
    return name, shade(_HAIR[name], float(rng.uniform(0.8, 1.2)))


def skin_colour(rng: np.random.Generator, ancestry: dict[str, float]) -> Colour:
    """A skin colour between those of the ancestries mixed."""
    tone = float(np.clip(rng.beta(1.6, 2.2), 0, 1))
    mixed = sum(
        share * (np.array(_SKIN[name][0]) * (1 - tone) + np.array(_SKIN[name][1]) * tone)
        for name, share in ancestry.items()
    )
    r, g, b = np.asarray(mixed, float)
    return float(r), float(g), float(b)


def shade(colour: Colour | NDArray[np.floating], factor: float) -> Colour:
    """A lighter or darker colour."""
    r, g, b = np.clip(np.asarray(colour) * factor, 0, 1)
    return float(r), float(g), float(b)
