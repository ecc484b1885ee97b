"""What people wear: outfits drawn by sex, age and season, made of patterns, fabrics and colours."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from closerlook.synthesis.person.body import Shape
from closerlook.synthesis.person.fabric import Fabric
from closerlook.synthesis.person.palette import Colour, cloth_colour, shade
from closerlook.synthesis.person.tailor import Cut

__all__ = ["VERSION", "Extra", "Item", "Outfit", "sample_outfit"]

VERSION = 2  # to be raised by every change after which a seed's people are other people


@dataclass(frozen=True)
class Item:
    """A garment: what it is called, its pattern, its cloth and the name of its colour."""

    kind: str
    cut: Cut
    fabric: Fabric
    colour: str


@dataclass(frozen=True)
class Extra:
    """Shoes, a hat, a scarf or a bag: its kind and colour; ``second`` is the colour of soles."""

    kind: str
    name: str
    colour: Colour
    second: Colour = (0.06, 0.06, 0.06)


@dataclass(frozen=True)
class Outfit:
    """Everything a person wears and carries; ``None`` where there is nothing. A dress has no ``lower``."""

    season: str
    upper: Item
    lower: Item | None
    outer: Item | None
    shoes: Extra
    hat: Extra | None
    scarf: Extra | None
    bag: Extra | None


CUTS: dict[str, Cut] = {
    "t_shirt": Cut("crew", -0.2, sleeve=0.3, ease=0.012, hem_ease=0.018, sleeve_ease=0.02, hang=0.35),
    "polo": Cut("crew", -0.2, sleeve=0.3, ease=0.012, hem_ease=0.016, sleeve_ease=0.018, hang=0.3, collar="shirt"),
    "tank_top": Cut("scoop", -0.25, ease=0.010, hem_ease=0.014, hang=0.2),
    "shirt": Cut("crew", -0.05, sleeve=1.0, ease=0.014, hem_ease=0.02, sleeve_ease=0.014, hang=0.4, collar="shirt"),
    "blouse": Cut("v", -0.15, sleeve=0.6, ease=0.014, hem_ease=0.022, sleeve_ease=0.028, hang=0.45),
    "long_sleeve": Cut("crew", -0.25, sleeve=1.0, ease=0.009, hem_ease=0.013, sleeve_ease=0.009, hang=0.2),
    "dress": Cut("scoop", 0.85, sleeve=0.25, ease=0.009, hem_ease=0.015, sleeve_ease=0.012, hang=0.1, flare=0.28),
    "sweater": Cut("crew", -0.3, sleeve=1.0, ease=0.020, hem_ease=0.016, sleeve_ease=0.016, hang=0.5),
    "hoodie": Cut("crew", -0.25, sleeve=1.0, ease=0.024, hem_ease=0.02, sleeve_ease=0.02, hang=0.6, collar="hood"),
    "vest": Cut("high", -0.25, ease=0.030, hem_ease=0.028, hang=0.6),
    "jacket": Cut("high", -0.15, sleeve=1.0, ease=0.028, hem_ease=0.028, sleeve_ease=0.022, hang=0.65),
    "parka": Cut("crew", 0.25, sleeve=1.0, ease=0.032, hem_ease=0.036, sleeve_ease=0.026, hang=0.7, collar="hood"),
    "blazer": Cut("v", 0.05, sleeve=1.0, ease=0.016, hem_ease=0.022, sleeve_ease=0.016, hang=0.35, collar="shirt"),
    "coat": Cut("crew", 0.75, sleeve=1.0, ease=0.028, hem_ease=0.034, sleeve_ease=0.024, hang=0.6, collar="shirt"),
    "slim_trousers": Cut("waist", 1.93, legs=True, ease=0.008, hem_ease=0.014),
    "trousers": Cut("waist", 2.05, legs=True, ease=0.014, hem_ease=0.030),
    "wide_trousers": Cut("waist", 2.05, legs=True, ease=0.022, hem_ease=0.048),
    "leggings": Cut("waist", 1.9, legs=True, ease=0.004, hem_ease=0.004),
    "shorts": Cut("waist", 0.85, legs=True, ease=0.014, hem_ease=0.035),
    "hot_pants": Cut("waist", 0.3, legs=True, ease=0.008, hem_ease=0.014),
    "skirt": Cut("waist", 0.7, ease=0.008, hem_ease=0.012, hang=0.6, flare=0.22),
    "long_skirt": Cut("waist", 1.6, ease=0.008, hem_ease=0.012, hang=0.6, flare=0.14),
}

# Shares of each kind, for (men, women).
_SUMMER_UPPERS = {
    "t_shirt": (0.55, 0.34),
    "polo": (0.13, 0.03),
    "tank_top": (0.04, 0.13),
    "shirt": (0.18, 0.10),
    "blouse": (0.0, 0.14),
    "long_sleeve": (0.10, 0.12),
    "dress": (0.0, 0.14),
}
_WINTER_UPPERS = {"sweater": (0.33, 0.40), "long_sleeve": (0.22, 0.28), "shirt": (0.22, 0.12), "hoodie": (0.23, 0.20)}
_BETWEEN_UPPERS = {
    "t_shirt": (0.22, 0.16),
    "long_sleeve": (0.20, 0.26),
    "shirt": (0.24, 0.16),
    "sweater": (0.14, 0.20),
    "hoodie": (0.20, 0.12),
    "dress": (0.0, 0.10),
}
_OUTERS = {
    "jacket": (0.46, 0.36),
    "coat": (0.14, 0.30),
    "parka": (0.16, 0.18),
    "blazer": (0.16, 0.08),
    "vest": (0.08, 0.08),
}
_UPPERS = {"summer": (_SUMMER_UPPERS, 0.0), "between": (_BETWEEN_UPPERS, 0.38), "winter": (_WINTER_UPPERS, 0.76)}
_SUMMER_LOWERS = {
    "slim_trousers": (0.22, 0.27),
    "trousers": (0.34, 0.16),
    "wide_trousers": (0.06, 0.10),
    "leggings": (0.0, 0.10),
    "shorts": (0.36, 0.05),
    "hot_pants": (0.02, 0.13),
    "skirt": (0.0, 0.15),
    "long_skirt": (0.0, 0.04),
}
_WINTER_LOWERS = {
    "slim_trousers": (0.38, 0.42),
    "trousers": (0.52, 0.27),
    "wide_trousers": (0.10, 0.10),
    "leggings": (0.0, 0.13),
    "skirt": (0.0, 0.06),
    "long_skirt": (0.0, 0.02),
}
_BAGS = {"backpack": (0.24, 0.15), "shoulder_bag": (0.13, 0.20), "handbag": (0.03, 0.15), "tote": (0.05, 0.09)}

_PATTERNS: dict[str, dict[str, float]] = {
    "t_shirt": {"plain": 0.42, "logo": 0.30, "stripes": 0.12, "print": 0.08, "blocks": 0.08},
    "shirt": {"plain": 0.50, "check": 0.28, "pinstripes": 0.14, "print": 0.08},
    "dress": {"plain": 0.40, "print": 0.35, "stripes": 0.10, "blocks": 0.15},
    "blouse": {"plain": 0.50, "print": 0.30, "pinstripes": 0.20},
    "sweater": {"plain": 0.25, "melange": 0.35, "stripes": 0.25, "blocks": 0.15},
    "hoodie": {"plain": 0.35, "logo": 0.35, "melange": 0.20, "blocks": 0.10},
    "jacket": {"plain": 0.80, "blocks": 0.15, "camouflage": 0.05},
    "parka": {"plain": 0.92, "camouflage": 0.08},
    "coat": {"plain": 0.70, "melange": 0.20, "check": 0.10},
    "blazer": {"plain": 0.80, "pinstripes": 0.12, "check": 0.08},
    "vest": {"plain": 0.9, "blocks": 0.1},
    "skirt": {"plain": 0.6, "print": 0.2, "check": 0.2},
    "long_skirt": {"plain": 0.6, "print": 0.4},
    "leggings": {"plain": 0.85, "print": 0.15},
    "shorts": {"plain": 0.8, "check": 0.12, "camouflage": 0.08},
}
_OTHER_PATTERNS = {"plain": 0.66, "stripes": 0.24, "logo": 0.10}
_DETAILS: dict[str, tuple[str, ...]] = {
    "shirt": ("buttons",),
    "hoodie": ("pockets",),
    "jacket": ("zip", "pockets"),
    "vest": ("zip",),
    "parka": ("zip", "pockets"),
    "coat": ("buttons", "pockets"),
    "blazer": ("pockets",),
}
_JEANS = ("slim_trousers", "trousers", "shorts", "hot_pants", "skirt")


def sample_outfit(rng: np.random.Generator, shape: Shape, season: str) -> Outfit:
    """Clothes for a body on a day in ``summer``, ``winter`` or ``between``: garments by sex and age, then colours."""
    sex = int(shape.gender == "female")
    uppers, layered = _UPPERS[season]
    upper = _item(rng, _pick(rng, uppers, sex))
    outer = _outer(rng, _pick(rng, _OUTERS, sex)) if rng.random() < layered else None
    if outer and upper.kind == "dress" and outer.kind in ("vest", "blazer"):
        outer = None
    lower = None if upper.kind == "dress" else _lower(rng, sex, season, shape.years)
    if outer and lower and outer.kind == "blazer" and lower.cut.legs and rng.random() < 0.6:
        lower = replace(lower, fabric=replace(outer.fabric, details=()), colour=outer.colour)
    return Outfit(
        season=season,
        upper=upper,
        lower=lower,
        outer=outer,
        shoes=_shoes(rng, sex, season, boots_fit=lower is None or not lower.cut.legs or lower.cut.hem_ease < 0.02),
        hat=_hat(rng, season),
        scarf=_scarf(rng, season),
        bag=_bag(rng, sex, shape.years),
    )


def _pick(rng: np.random.Generator, shares: dict[str, tuple[float, float]], sex: int) -> str:
    values = np.array([row[sex] for row in shares.values()])
    return str(rng.choice(list(shares), p=values / values.sum()))


def _item(rng: np.random.Generator, kind: str, *, dark: float = 0.0) -> Item:
    """A garment of this kind as one maker cuts it, in a cloth and a colour; ``dark`` is the chance of a sober one."""
    colour, main = cloth_colour(rng, sober=rng.random() < dark)
    _, second = cloth_colour(rng, avoid=colour)
    patterns = _PATTERNS.get(kind, _OTHER_PATTERNS)
    pattern = str(rng.choice(list(patterns), p=list(patterns.values())))
    details = _DETAILS.get(kind, ())
    if kind in ("t_shirt", "polo", "sweater") and rng.random() < 0.15:
        details = (*details, "hem_band")
    fabric = Fabric(pattern, main, second, float(rng.uniform(0.05, 0.13)), details)
    return Item(kind, _vary(rng, CUTS[kind]), fabric, colour)


def _vary(rng: np.random.Generator, cut: Cut) -> Cut:
    """The same pattern, cut by another maker."""
    loose = float(rng.uniform(0.7, 1.45))
    return replace(
        cut,
        hem=cut.hem + float(rng.normal(0, 0.07)) * (1 if cut.hem < 1.8 else 0.3),
        sleeve=cut.sleeve and min(1.0, cut.sleeve + float(rng.normal(0, 0.03))),
        ease=cut.ease * loose,
        hem_ease=cut.hem_ease * loose * float(rng.uniform(0.8, 1.25)),
        sleeve_ease=cut.sleeve_ease * loose,
        hang=float(np.clip(cut.hang + rng.normal(0, 0.15), 0, 1)),
        flare=cut.flare * float(rng.uniform(0.6, 1.4)),
    )


def _outer(rng: np.random.Generator, kind: str) -> Item:
    item = _item(rng, kind, dark=0.6)
    if rng.random() < (0.85 if kind == "blazer" else 0.4):
        details = tuple(detail for detail in item.fabric.details if detail == "pockets")
        opening = float(rng.uniform(0.03, 0.06))
        return replace(item, cut=replace(item.cut, opening=opening), fabric=replace(item.fabric, details=details))
    return item


def _lower(rng: np.random.Generator, sex: int, season: str, years: float) -> Item:
    shares = _SUMMER_LOWERS if season == "summer" else _WINTER_LOWERS
    if years > 62:
        shares = {name: row for name, row in shares.items() if name not in ("hot_pants", "leggings")}
    item = _item(rng, _pick(rng, shares, sex), dark=1.0)
    pattern, details = item.fabric.pattern if item.kind in _PATTERNS else "plain", ()
    if item.kind in _JEANS and item.colour in ("blue", "navy", "black") and rng.random() < 0.65:
        pattern = "denim"
    striped = item.kind in ("trousers", "shorts", "leggings") and pattern == "plain" and rng.random() < 0.2
    fabric = replace(item.fabric, pattern=pattern, details=("side_stripe",) if striped else details)
    return replace(item, fabric=replace(fabric, folds=fabric.folds * 1.25))


def _shoes(rng: np.random.Generator, sex: int, season: str, *, boots_fit: bool) -> Extra:
    boots = (0.12, 0.4)[sex] if season == "winter" and boots_fit else 0.0
    kind = str(rng.choice(["sneakers", "shoes", "boots"], p=[0.62 * (1 - boots), 0.38 * (1 - boots), boots]))
    sober: dict[str, Colour] = {
        "black": (0.07, 0.065, 0.065),
        "white": (0.88, 0.87, 0.85),
        "grey": (0.45, 0.45, 0.46),
        "brown": (0.24, 0.15, 0.09),
    }
    name = str(rng.choice(list(sober), p=(0.36, 0.30, 0.18, 0.16) if kind == "sneakers" else (0.66, 0.04, 0.08, 0.22)))
    colour = sober[name]
    if rng.random() < (0.22 if kind == "sneakers" else 0.08):
        name, colour = cloth_colour(rng)
    sole = (0.88, 0.87, 0.85) if kind == "sneakers" and rng.random() < 0.75 else (0.06, 0.06, 0.06)
    return Extra(kind, name, colour, sole)


def _hat(rng: np.random.Generator, season: str) -> Extra | None:
    beanie, cap = {"summer": (0.0, 0.11), "between": (0.03, 0.09), "winter": (0.18, 0.04)}[season]
    draw = rng.random()
    if draw > beanie + cap:
        return None
    return Extra("beanie" if draw < beanie else "cap", *cloth_colour(rng))


_SCARVES = {"summer": 0.0, "between": 0.05, "winter": 0.26}


def _scarf(rng: np.random.Generator, season: str) -> Extra | None:
    return Extra("scarf", *cloth_colour(rng)) if rng.random() < _SCARVES[season] else None


def _bag(rng: np.random.Generator, sex: int, years: float) -> Extra | None:
    shares = {name: row[sex] for name, row in _BAGS.items()}
    kinds = [*shares, "none"]
    kind = str(rng.choice(kinds, p=[*shares.values(), 1 - sum(shares.values())]))
    if kind == "none" or (years < 13 and kind != "backpack"):
        return None
    name, colour = cloth_colour(rng, sober=rng.random() < 0.6)
    return Extra(kind, name, shade(colour, float(rng.uniform(0.85, 1.1))))
