"""What people wear: outfits drawn by sex, age and season, made of patterns, fabrics and colours."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from closerlook.synthesis.person.body import Shape
from closerlook.synthesis.person.fabric import Fabric
from closerlook.synthesis.person.palette import Colour, cloth_colour, shade
from closerlook.synthesis.person.tailor import Cut

__all__ = ["Item", "Outfit", "sample_outfit"]


@dataclass(frozen=True)
class Item:
    """A garment: what it is called, its pattern, its cloth and the name of its colour."""

    kind: str
    cut: Cut
    fabric: Fabric
    colour: str


@dataclass(frozen=True)
class Outfit:
    """Everything a person wears and carries; ``None`` where there is nothing.

    ``lower`` is ``None`` under a dress.
    """

    upper: Item
    lower: Item | None
    outer: Item | None
    shoes: tuple[str, str, Colour, Colour]
    hat: tuple[str, str, Colour] | None
    bag: tuple[str, str, Colour] | None
    season: str


_UPPERS: dict[str, tuple[Cut, float, float, str]] = {  # cut; shares in summer for men and women; season
    "t_shirt": (
        Cut("crew", -0.2, sleeve=0.3, ease=0.012, hem_ease=0.018, sleeve_ease=0.02, hang=0.35),
        0.55,
        0.34,
        "summer",
    ),
    "polo": (
        Cut("collar", -0.2, sleeve=0.3, ease=0.012, hem_ease=0.016, sleeve_ease=0.018, hang=0.3),
        0.13,
        0.03,
        "summer",
    ),
    "tank_top": (Cut("scoop", -0.25, sleeve=0.0, ease=0.009, hem_ease=0.014, hang=0.2), 0.05, 0.13, "summer"),
    "shirt": (
        Cut("collar", -0.05, sleeve=0.98, ease=0.015, hem_ease=0.02, sleeve_ease=0.016, hang=0.45),
        0.17,
        0.10,
        "both",
    ),
    "blouse": (Cut("v", -0.15, sleeve=0.6, ease=0.014, hem_ease=0.022, sleeve_ease=0.03, hang=0.5), 0.0, 0.14, "both"),
    "long_sleeve": (
        Cut("crew", -0.25, sleeve=0.99, ease=0.010, hem_ease=0.014, sleeve_ease=0.010, hang=0.25),
        0.10,
        0.12,
        "both",
    ),
    "dress": (
        Cut("scoop", 0.85, sleeve=0.25, ease=0.009, hem_ease=0.015, sleeve_ease=0.012, hang=0.1, flare=0.28),
        0.0,
        0.14,
        "summer",
    ),
    "sweater": (
        Cut("crew", -0.3, sleeve=1.0, ease=0.022, hem_ease=0.016, sleeve_ease=0.018, hang=0.55),
        0.0,
        0.0,
        "winter",
    ),
    "hoodie": (
        Cut("high", -0.25, sleeve=1.0, ease=0.028, hem_ease=0.02, sleeve_ease=0.024, hang=0.7),
        0.0,
        0.0,
        "winter",
    ),
    "jacket": (
        Cut("high", -0.15, sleeve=1.0, ease=0.030, hem_ease=0.030, sleeve_ease=0.024, hang=0.75),
        0.0,
        0.0,
        "winter",
    ),
    "coat": (
        Cut("high", 0.75, sleeve=1.0, ease=0.030, hem_ease=0.034, sleeve_ease=0.026, hang=0.7, flare=0.10),
        0.0,
        0.0,
        "winter",
    ),
}

_LOWERS: dict[
    str, tuple[Cut, float, float, float, float]
] = {  # cut; shares: men, women in summer, men, women in winter
    "slim_trousers": (Cut("waist", 1.93, legs=True, ease=0.008, hem_ease=0.014), 0.22, 0.27, 0.38, 0.42),
    "trousers": (Cut("waist", 2.02, legs=True, ease=0.014, hem_ease=0.030), 0.34, 0.16, 0.52, 0.27),
    "wide_trousers": (Cut("waist", 2.0, legs=True, ease=0.022, hem_ease=0.060), 0.06, 0.10, 0.10, 0.10),
    "leggings": (Cut("waist", 1.9, legs=True, ease=0.004, hem_ease=0.004), 0.0, 0.10, 0.0, 0.13),
    "shorts": (Cut("waist", 0.85, legs=True, ease=0.014, hem_ease=0.035), 0.36, 0.05, 0.0, 0.0),
    "hot_pants": (Cut("waist", 0.3, legs=True, ease=0.008, hem_ease=0.014), 0.02, 0.13, 0.0, 0.0),
    "skirt": (Cut("waist", 0.7, ease=0.008, hem_ease=0.012, hang=0.6, flare=0.22), 0.0, 0.15, 0.0, 0.06),
    "long_skirt": (Cut("waist", 1.6, ease=0.008, hem_ease=0.012, hang=0.6, flare=0.14), 0.0, 0.04, 0.0, 0.02),
}


def sample_outfit(rng: np.random.Generator, shape: Shape) -> Outfit:
    """Clothes for a body: season first, then garments that go with sex, age and season, then colours."""
    season = "summer" if rng.random() < 0.58 else "winter"
    female = shape.gender == "female"
    outer = None
    if season == "summer":
        upper = _upper(rng, _pick(rng, {name: row[1 + female] for name, row in _UPPERS.items()}))
    else:
        upper = _upper(rng, str(rng.choice(["sweater", "long_sleeve", "shirt", "hoodie"], p=[0.35, 0.25, 0.2, 0.2])))
        if rng.random() < 0.72:
            outer = _outer(rng, female, upper)
    lower = None if upper.kind == "dress" else _lower(rng, female, season, shape.years)
    return Outfit(
        upper=upper,
        lower=lower,
        outer=outer,
        shoes=_shoes(rng, female, season),
        hat=_hat(rng, season, shape),
        bag=_bag(rng, female, shape),
        season=season,
    )


def _pick(rng: np.random.Generator, shares: dict[str, float]) -> str:
    values = np.array(list(shares.values()))
    return str(rng.choice(list(shares), p=values / values.sum()))


def _vary(rng: np.random.Generator, cut: Cut) -> Cut:
    """The same pattern, cut by another maker."""
    loose = rng.uniform(0.7, 1.5)
    return replace(
        cut,
        hem=cut.hem + float(rng.normal(0, 0.07)) * (1 if cut.hem < 1.8 else 0.3),
        sleeve=cut.sleeve and min(1.0, cut.sleeve + float(rng.normal(0, 0.03))),
        ease=cut.ease * loose,
        hem_ease=cut.hem_ease * loose * rng.uniform(0.8, 1.25),
        sleeve_ease=cut.sleeve_ease * loose,
        hang=float(np.clip(cut.hang + rng.normal(0, 0.15), 0, 1)),
        flare=cut.flare * rng.uniform(0.6, 1.4),
    )


def _upper(rng: np.random.Generator, kind: str) -> Item:
    colour, main = cloth_colour(rng)
    _, second = cloth_colour(rng, avoid=colour)
    shares = {
        "t_shirt": {"plain": 0.42, "logo": 0.3, "stripes": 0.12, "print": 0.08, "blocks": 0.08},
        "shirt": {"plain": 0.5, "check": 0.28, "pinstripes": 0.14, "print": 0.08},
        "dress": {"plain": 0.4, "print": 0.35, "stripes": 0.1, "blocks": 0.15},
        "blouse": {"plain": 0.5, "print": 0.3, "pinstripes": 0.2},
        "sweater": {"plain": 0.25, "melange": 0.35, "stripes": 0.25, "blocks": 0.15},
        "hoodie": {"plain": 0.35, "logo": 0.35, "melange": 0.2, "blocks": 0.1},
    }.get(kind, {"plain": 0.6, "stripes": 0.22, "blocks": 0.08, "logo": 0.1})
    details = {"shirt": ("buttons",), "polo": (), "hoodie": ("pockets",)}.get(kind, ())
    if kind in ("t_shirt", "polo", "sweater") and rng.random() < 0.15:
        details = (*details, "hem_band")
    fabric = Fabric(_pick(rng, shares), main, second, float(rng.uniform(0.09, 0.22)), details)
    return Item(kind, _vary(rng, _UPPERS[kind][0]), fabric, colour)


def _outer(rng: np.random.Generator, female: bool, upper: Item) -> Item:
    kind = "coat" if rng.random() < (0.42 if female else 0.25) else "jacket"
    colour, main = cloth_colour(rng, lower=rng.random() < 0.6)
    _, second = cloth_colour(rng, avoid=colour)
    open_front = rng.random() < 0.4
    cut = replace(_vary(rng, _UPPERS[kind][0]), opening=float(rng.uniform(0.03, 0.06)) if open_front else 0.0)
    pattern = _pick(rng, {"plain": 0.8, "blocks": 0.1, "camouflage": 0.03, "check": 0.07})
    details = ("pockets",) if open_front else ("zip" if kind == "jacket" else "buttons", "pockets")
    fabric = Fabric(pattern, main, second, float(rng.uniform(0.08, 0.18)), details)
    return Item(kind, cut, fabric, colour)


def _lower(rng: np.random.Generator, female: bool, season: str, years: float) -> Item:
    column = (1 if season == "summer" else 3) + female
    shares = {name: float(row[column]) for name, row in _LOWERS.items()}
    if years > 62:
        shares = {**shares, "hot_pants": 0.0, "leggings": 0.3 * shares["leggings"]}
    kind = _pick(rng, shares)
    colour, main = cloth_colour(rng, lower=True)
    _, second = cloth_colour(rng, avoid=colour)
    pattern, details = "plain", ()
    if kind in ("slim_trousers", "trousers", "shorts", "hot_pants", "skirt") and colour in ("blue", "navy", "black"):
        pattern = "denim" if rng.random() < 0.65 else "plain"
    elif kind in ("skirt", "long_skirt", "leggings", "shorts"):
        pattern = _pick(rng, {"plain": 0.7, "print": 0.15, "check": 0.1, "camouflage": 0.05})
    if kind in ("trousers", "shorts", "leggings") and pattern == "plain" and rng.random() < 0.2:
        details = ("side_stripe",)
    fabric = Fabric(pattern, main, second, float(rng.uniform(0.12, 0.26)), details)
    return Item(kind, _vary(rng, _LOWERS[kind][0]), fabric, colour)


def _shoes(rng: np.random.Generator, female: bool, season: str) -> tuple[str, str, Colour, Colour]:
    boots = 0.25 if season == "winter" and female else 0.06 * (season == "winter")
    kind = _pick(rng, {"sneakers": 0.6, "shoes": 0.34, "boots": boots})
    name, colour = cloth_colour(rng, lower=rng.random() < 0.6)
    if kind != "sneakers" and rng.random() < 0.7:
        name, colour = ("black", (0.07, 0.065, 0.065)) if rng.random() < 0.7 else ("brown", (0.24, 0.15, 0.09))
    sole = (0.88, 0.87, 0.85) if kind == "sneakers" and rng.random() < 0.75 else (0.06, 0.06, 0.06)
    return kind, name, colour, sole


def _hat(rng: np.random.Generator, season: str, shape: Shape) -> tuple[str, str, Colour] | None:
    chance = {"summer": (0.0, 0.10), "winter": (0.16, 0.05)}[season]
    draw = rng.random()
    if draw > sum(chance):
        return None
    name, colour = cloth_colour(rng)
    return ("beanie" if draw < chance[0] else "cap"), name, colour


def _bag(rng: np.random.Generator, female: bool, shape: Shape) -> tuple[str, str, Colour] | None:
    shares = {"backpack": 0.24, "shoulder_bag": 0.13, "handbag": 0.03, "tote": 0.05}
    if female:
        shares = {"backpack": 0.15, "shoulder_bag": 0.2, "handbag": 0.15, "tote": 0.09}
    kind = _pick(rng, {**shares, "none": 1 - sum(shares.values())})
    if kind == "none" or (shape.years < 13 and kind != "backpack"):
        return None
    name, colour = cloth_colour(rng, lower=rng.random() < 0.6)
    return kind, name, shade(colour, float(rng.uniform(0.85, 1.1)))
