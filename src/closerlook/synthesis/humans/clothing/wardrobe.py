"""What people wear: outfits drawn by sex, age and season, made of patterns, fabrics and colours."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from closerlook.synthesis.humans.body.body import Shape
from closerlook.synthesis.humans.clothing.fabric import Fabric
from closerlook.synthesis.humans.clothing.garment_mesh import Cut
from closerlook.synthesis.humans.clothing.palette import Colour, cloth_colour, shade

__all__ = ["VERSION", "Extra", "Item", "Outfit", "sample_outfit"]

VERSION = 4  # to be raised by every change after which a seed's people are other people
ADULT_CUTS = 16  # years from which crop tops and hot pants are worn
MODEST_SHARE = 0.05  # of the women, who cover their hair, arms and legs


@dataclass(frozen=True)
class Item:
    """A garment: what it is called, its pattern, its cloth and the name of its colour."""

    kind: str
    cut: Cut
    fabric: Fabric
    colour: str


@dataclass(frozen=True)
class Extra:
    """Shoes, a hat, a scarf or something carried.

    Attributes:
        kind: what it is.
        name, colour: its colour.
        second: the colour of soles, of a hat's band or of a frame.
        side: the hand or hands that hold it, of ``LR``; nothing for what is worn.
    """

    kind: str
    name: str
    colour: Colour
    second: Colour = (0.06, 0.06, 0.06)
    side: str = ""


@dataclass(frozen=True)
class Outfit:
    """Everything a person wears and carries; ``None`` where there is nothing. A dress has no ``lower``.

    ``legs`` are tights or socks; ``load`` is what takes hands beside a bag: an umbrella, a suitcase, a stroller or a
    bicycle. No hand holds two things.
    """

    season: str
    upper: Item
    lower: Item | None
    outer: Item | None
    shoes: Extra
    hat: Extra | None
    scarf: Extra | None
    bag: Extra | None
    legs: Extra | None = None
    mask: Extra | None = None
    gloves: Extra | None = None
    load: Extra | None = None


CUTS: dict[str, Cut] = {
    "t_shirt": Cut("crew", -0.2, sleeve=0.3, ease=0.012, hem_ease=0.018, sleeve_ease=0.02, hang=0.35),
    "polo": Cut("crew", -0.2, sleeve=0.3, ease=0.012, hem_ease=0.016, sleeve_ease=0.018, hang=0.3, collar="shirt"),
    "tank_top": Cut("scoop", -0.25, ease=0.010, hem_ease=0.014, hang=0.2),
    "shirt": Cut("crew", -0.05, sleeve=1.0, ease=0.014, hem_ease=0.02, sleeve_ease=0.014, hang=0.4, collar="shirt"),
    "blouse": Cut("v", -0.15, sleeve=0.6, ease=0.014, hem_ease=0.022, sleeve_ease=0.028, hang=0.45),
    "long_sleeve": Cut("crew", -0.25, sleeve=1.0, ease=0.009, hem_ease=0.013, sleeve_ease=0.009, hang=0.2),
    "dress": Cut("scoop", 0.85, sleeve=0.25, ease=0.009, hem_ease=0.015, sleeve_ease=0.012, hang=0.1, flare=0.28),
    "long_dress": Cut("crew", 1.55, sleeve=1.0, ease=0.012, hem_ease=0.016, sleeve_ease=0.016, hang=0.2, flare=0.16),
    "crop_top": Cut("crew", -0.75, sleeve=0.2, ease=0.010, hem_ease=0.014, sleeve_ease=0.014, hang=0.2),
    "cardigan": Cut("v", 0.1, sleeve=1.0, ease=0.018, hem_ease=0.024, sleeve_ease=0.016, hang=0.4),
    "sweater": Cut("crew", -0.3, sleeve=1.0, ease=0.020, hem_ease=0.016, sleeve_ease=0.016, hang=0.5),
    "hoodie": Cut("crew", -0.25, sleeve=1.0, ease=0.024, hem_ease=0.02, sleeve_ease=0.02, hang=0.6, collar="hood"),
    "vest": Cut("high", -0.25, ease=0.030, hem_ease=0.028, hang=0.6),
    "jacket": Cut("high", -0.15, sleeve=1.0, ease=0.028, hem_ease=0.028, sleeve_ease=0.022, hang=0.65),
    "puffer": Cut("high", -0.2, sleeve=1.0, ease=0.046, hem_ease=0.040, sleeve_ease=0.040, hang=0.7),
    "parka": Cut("crew", 0.25, sleeve=1.0, ease=0.032, hem_ease=0.036, sleeve_ease=0.026, hang=0.7, collar="hood"),
    "blazer": Cut("v", 0.05, sleeve=1.0, ease=0.016, hem_ease=0.022, sleeve_ease=0.016, hang=0.35, collar="shirt"),
    "coat": Cut("crew", 0.75, sleeve=1.0, ease=0.028, hem_ease=0.034, sleeve_ease=0.024, hang=0.6, collar="shirt"),
    "long_coat": Cut("v", 1.2, sleeve=1.0, ease=0.026, hem_ease=0.034, sleeve_ease=0.024, hang=0.6, collar="shirt"),
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
    "t_shirt": (0.53, 0.31),
    "polo": (0.13, 0.03),
    "tank_top": (0.05, 0.11),
    "crop_top": (0.0, 0.05),
    "shirt": (0.18, 0.10),
    "blouse": (0.0, 0.13),
    "long_sleeve": (0.11, 0.12),
    "dress": (0.0, 0.12),
    "long_dress": (0.0, 0.03),
}
_WINTER_UPPERS = {
    "sweater": (0.33, 0.38),
    "long_sleeve": (0.22, 0.26),
    "shirt": (0.22, 0.12),
    "hoodie": (0.23, 0.19),
    "long_dress": (0.0, 0.05),
}
_BETWEEN_UPPERS = {
    "t_shirt": (0.22, 0.16),
    "long_sleeve": (0.20, 0.26),
    "shirt": (0.24, 0.16),
    "sweater": (0.14, 0.18),
    "hoodie": (0.20, 0.12),
    "dress": (0.0, 0.08),
    "long_dress": (0.0, 0.04),
}
_OUTERS = {
    "jacket": (0.36, 0.27),
    "puffer": (0.14, 0.14),
    "coat": (0.12, 0.22),
    "long_coat": (0.04, 0.08),
    "parka": (0.14, 0.13),
    "blazer": (0.12, 0.05),
    "cardigan": (0.02, 0.07),
    "vest": (0.06, 0.04),
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
    "slim_trousers": (0.38, 0.40),
    "trousers": (0.52, 0.27),
    "wide_trousers": (0.10, 0.10),
    "leggings": (0.0, 0.13),
    "skirt": (0.0, 0.07),
    "long_skirt": (0.0, 0.03),
}
_BAGS = {
    "backpack": (0.23, 0.14),
    "shoulder_bag": (0.12, 0.18),
    "handbag": (0.03, 0.14),
    "tote": (0.04, 0.08),
    "shopping_bag": (0.04, 0.05),
}
_LOADS = {"umbrella": (0.04, 0.06), "suitcase": (0.04, 0.035), "stroller": (0.015, 0.03), "bicycle": (0.035, 0.025)}
_HATS = {  # by season, for (men, women); a hood where there is one
    "summer": {"cap": (0.12, 0.06), "bucket_hat": (0.02, 0.03), "fedora": (0.02, 0.03)},
    "between": {"cap": (0.10, 0.05), "beanie": (0.03, 0.03), "bucket_hat": (0.01, 0.02), "fedora": (0.02, 0.02)},
    "winter": {"beanie": (0.16, 0.15), "cap": (0.06, 0.02), "fedora": (0.02, 0.03)},
}
HOOD_UP_SHARE = 0.2
_MODEST = ("long_sleeve", "sweater", "shirt", "long_dress", "trousers", "wide_trousers", "long_skirt")

_PATTERNS: dict[str, dict[str, float]] = {
    "t_shirt": {"plain": 0.40, "logo": 0.30, "stripes": 0.11, "print": 0.07, "blocks": 0.10, "dots": 0.02},
    "polo": {"plain": 0.6, "stripes": 0.22, "blocks": 0.12, "logo": 0.06},
    "shirt": {"plain": 0.48, "check": 0.27, "pinstripes": 0.14, "print": 0.06, "denim": 0.05},
    "dress": {"plain": 0.36, "print": 0.30, "stripes": 0.10, "blocks": 0.11, "dots": 0.13},
    "long_dress": {"plain": 0.55, "print": 0.30, "dots": 0.10, "melange": 0.05},
    "blouse": {"plain": 0.50, "print": 0.24, "pinstripes": 0.14, "dots": 0.12},
    "sweater": {"plain": 0.12, "melange": 0.24, "knit": 0.34, "stripes": 0.18, "blocks": 0.12},
    "cardigan": {"plain": 0.2, "melange": 0.35, "knit": 0.45},
    "hoodie": {"plain": 0.35, "logo": 0.33, "melange": 0.18, "blocks": 0.11, "camouflage": 0.03},
    "jacket": {"plain": 0.52, "blocks": 0.15, "leather": 0.16, "denim": 0.12, "camouflage": 0.05},
    "puffer": {"quilted": 1.0},
    "parka": {"plain": 0.92, "camouflage": 0.08},
    "coat": {"plain": 0.68, "melange": 0.20, "check": 0.12},
    "long_coat": {"plain": 0.70, "melange": 0.20, "check": 0.10},
    "blazer": {"plain": 0.80, "pinstripes": 0.12, "check": 0.08},
    "vest": {"plain": 0.35, "quilted": 0.55, "blocks": 0.1},
    "skirt": {"plain": 0.56, "print": 0.16, "check": 0.18, "leather": 0.06, "dots": 0.04},
    "long_skirt": {"plain": 0.6, "print": 0.4},
    "leggings": {"plain": 0.85, "print": 0.10, "leather": 0.05},
    "shorts": {"plain": 0.8, "check": 0.12, "camouflage": 0.08},
}
_OTHER_PATTERNS = {"plain": 0.66, "stripes": 0.24, "logo": 0.10}
_DETAILS: dict[str, tuple[str, ...]] = {
    "shirt": ("buttons", "cuffs"),
    "hoodie": ("pockets", "cuffs"),
    "sweater": ("cuffs",),
    "jacket": ("zip", "pockets"),
    "puffer": ("zip",),
    "vest": ("zip",),
    "parka": ("zip", "pockets"),
    "coat": ("buttons", "pockets"),
    "long_coat": ("buttons", "pockets"),
    "blazer": ("pockets",),
    "cardigan": ("buttons",),
}
_OPEN_SHARES = {"blazer": 0.85, "cardigan": 0.7, "puffer": 0.25}  # of outer garments that hang open; others 0.4
_JEANS = ("slim_trousers", "trousers", "shorts", "hot_pants", "skirt")
_UNIFORMS: dict[str, tuple[Colour, Colour, str, tuple[str, ...]]] = {  # top, trousers, colour's name, details
    "security": ((0.10, 0.11, 0.17), (0.08, 0.08, 0.11), "navy", ("chest_pocket", "buttons", "belt")),
    "road": ((0.92, 0.45, 0.06), (0.14, 0.17, 0.26), "orange", ("zip", "reflectors")),
    "courier": ((0.72, 0.75, 0.10), (0.08, 0.08, 0.09), "yellow", ("reflectors", "chest_pocket")),
    "nurse": ((0.35, 0.60, 0.68), (0.35, 0.60, 0.68), "blue", ("chest_pocket",)),
    "mechanic": ((0.16, 0.24, 0.42), (0.16, 0.24, 0.42), "blue", ("zip", "chest_pocket", "belt")),
}
UNIFORM_SHARE = 0.04
_SHOES: dict[str, dict[str, float]] = {  # by who and when; summer's are for warm days
    "men summer": {"sneakers": 0.66, "shoes": 0.27, "sandals": 0.07},
    "women summer": {"sneakers": 0.42, "flats": 0.26, "sandals": 0.19, "heels": 0.09, "shoes": 0.04},
    "men winter": {"sneakers": 0.55, "shoes": 0.31, "ankle_boots": 0.14},
    "women winter": {"sneakers": 0.38, "flats": 0.10, "ankle_boots": 0.24, "heels": 0.06, "shoes": 0.08, "boots": 0.14},
}


def sample_outfit(rng: np.random.Generator, shape: Shape, season: str) -> Outfit:
    """Clothes for a body on a day in ``summer``, ``winter`` or ``between``: garments by sex and age, then colours."""
    sex = int(shape.gender == "female")
    modest = bool(sex) and shape.years > 12 and rng.random() < MODEST_SHARE
    uniform = 18 < shape.years < 62 and not modest and rng.random() < UNIFORM_SHARE
    upper, lower, outer = _clothes(rng, sex, season, shape.years, modest=modest)
    if uniform:
        upper, lower, outer = _uniform(rng, season)
    bare = lower is None or not lower.cut.legs or lower.cut.hem < 1.2
    shoes = _shoes(rng, sex, season, shape.years, boots_fit=bare or (lower is not None and lower.cut.hem_ease < 0.02))
    bag, load = _carried(rng, sex, shape.years)
    top = outer or upper
    hat = _hat(rng, sex, season, top, modest=modest, cycles=load is not None and load.kind == "bicycle")
    if hat and hat.kind == "hood":  # it does not lie on the back as well
        top = replace(top, cut=replace(top.cut, collar=""))
        upper, outer = (upper, top) if outer else (top, None)
    return Outfit(
        season=season,
        upper=upper,
        lower=lower,
        outer=outer,
        shoes=shoes,
        hat=hat,
        scarf=None if hat and hat.kind in ("headscarf", "hood") else _scarf(rng, season),
        bag=bag,
        legs=_legs(rng, sex, season, shoes.kind, (lower or upper).cut, modest=modest),
        mask=_mask(rng),
        gloves=_gloves(rng, season, shape.years),
        load=load,
    )


def _clothes(
    rng: np.random.Generator, sex: int, season: str, years: float, *, modest: bool
) -> tuple[Item, Item | None, Item | None]:
    """What is worn above, below and over it."""
    uppers, layered = _UPPERS[season]
    if modest:
        uppers = {name: (0.0, 1.0) for name in _MODEST if name in uppers}
    if years < ADULT_CUTS:
        uppers = {name: row for name, row in uppers.items() if name != "crop_top"}
    upper = _item(rng, _pick(rng, uppers, sex), season)
    outer = _outer(rng, _pick(rng, _OUTERS, sex), season) if rng.random() < layered else None
    if outer and upper.kind == "dress" and outer.kind in ("vest", "blazer"):
        outer = None
    lower = None if upper.kind in ("dress", "long_dress") else _lower(rng, sex, season, years, modest=modest)
    if outer:
        outer = replace(outer, cut=_over(outer.cut, (lower or upper).cut))
    if outer and lower and outer.kind == "blazer" and lower.cut.legs and rng.random() < 0.6:  # a suit
        lower = replace(lower, fabric=replace(outer.fabric, details=()), colour=outer.colour)
        if upper.kind == "shirt" and not sex:
            upper = replace(upper, fabric=replace(upper.fabric, details=("tie",)))
    return upper, lower, outer


def _over(cut: Cut, beneath: Cut) -> Cut:
    """A coat wide enough to go over what hangs below it."""
    if beneath.legs or cut.hem < 0.05:
        return cut
    return replace(cut, flare=max(cut.flare, 1.15 * beneath.flare + 0.05))


def _pick(rng: np.random.Generator, shares: Mapping[str, tuple[float, float]], sex: int) -> str:
    values = np.array([row[sex] for row in shares.values()])
    return str(rng.choice(list(shares), p=values / values.sum()))


def _draw(rng: np.random.Generator, shares: Mapping[str, float]) -> str:
    """A name with its share; nothing for what the shares leave over."""
    rest = max(0.0, 1 - sum(shares.values()))
    values = np.array([*shares.values(), rest])
    return str(rng.choice([*shares, ""], p=values / values.sum()))


def _item(rng: np.random.Generator, kind: str, season: str, *, dark: float = 0.0) -> Item:
    """A garment of this kind as one maker cuts it, in a cloth and a colour; ``dark`` is the chance of a sober one."""
    colour, main = cloth_colour(rng, sober=rng.random() < dark, season=season)
    _, second = cloth_colour(rng, avoid=colour, season=season)
    pattern = _draw(rng, _PATTERNS.get(kind, _OTHER_PATTERNS))
    details = _DETAILS.get(kind, ())
    if kind in ("t_shirt", "polo", "sweater") and rng.random() < 0.15:
        details = (*details, "hem_band")
    if pattern == "leather":
        colour, main = _leather_colour(rng)
    if pattern == "denim":
        colour, main = _denim_colour(rng)
    worn = float(rng.uniform(0.1, 0.8)) if rng.random() < 0.25 else 0.0
    fabric = Fabric(pattern, main, second, float(rng.uniform(0.05, 0.13)), details, worn)
    return Item(kind, _vary(rng, CUTS[kind]), fabric, colour)


def _leather_colour(rng: np.random.Generator) -> tuple[str, Colour]:
    named: tuple[tuple[str, Colour], ...] = (("black", (0.055, 0.05, 0.05)), ("brown", (0.26, 0.155, 0.085)))
    return named[int(rng.random() < 0.35)]


def _denim_colour(rng: np.random.Generator) -> tuple[str, Colour]:
    named: tuple[tuple[str, Colour], ...] = (
        ("blue", (0.30, 0.42, 0.60)),
        ("navy", (0.12, 0.17, 0.28)),
        ("blue", (0.50, 0.61, 0.74)),
        ("black", (0.11, 0.11, 0.12)),
    )
    name, colour = named[int(rng.choice(4, p=(0.42, 0.3, 0.16, 0.12)))]
    return name, shade(colour, float(rng.uniform(0.7, 1.1)))


def _vary(rng: np.random.Generator, cut: Cut) -> Cut:
    """The same pattern, cut by another maker."""
    loose = float(np.clip(np.exp(rng.normal(0.03, 0.3)), 0.6, 1.9))
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


def _outer(rng: np.random.Generator, kind: str, season: str) -> Item:
    item = _item(rng, kind, season, dark=0.5)
    if rng.random() < _OPEN_SHARES.get(kind, 0.4):
        details = tuple(detail for detail in item.fabric.details if detail == "pockets")
        opening = float(rng.uniform(0.03, 0.06))
        return replace(item, cut=replace(item.cut, opening=opening), fabric=replace(item.fabric, details=details))
    return item


def _lower(rng: np.random.Generator, sex: int, season: str, years: float, *, modest: bool) -> Item:
    shares = _SUMMER_LOWERS if season == "summer" else _WINTER_LOWERS
    if years < ADULT_CUTS:
        shares = {name: row for name, row in shares.items() if name != "hot_pants"}
    if years > 62:
        shares = {name: row for name, row in shares.items() if name not in ("hot_pants", "leggings")}
    if modest:
        shares = {name: (0.0, 1.0) for name in _MODEST if name in shares}
    item = _item(rng, _pick(rng, shares, sex), season, dark=1.0)
    pattern = item.fabric.pattern if item.kind in _PATTERNS else "plain"
    if item.kind in _JEANS and item.colour in ("blue", "navy", "black") and rng.random() < 0.65:
        pattern = "denim"
    striped = item.kind in ("trousers", "shorts", "leggings") and pattern == "plain" and rng.random() < 0.2
    belted = item.kind in ("slim_trousers", "trousers") and not striped and rng.random() < 0.3
    details = ("side_stripe",) if striped else ("belt",) if belted else ()
    fabric = replace(item.fabric, pattern=pattern, details=details)
    return replace(item, fabric=replace(fabric, folds=fabric.folds * 1.25))


def _uniform(rng: np.random.Generator, season: str) -> tuple[Item, Item, Item | None]:
    """A trade's clothes: shirt or jacket and trousers in its colours."""
    top, below, name, details = _UNIFORMS[str(rng.choice(list(_UNIFORMS)))]
    upper, lower = _item(rng, "shirt", season), _item(rng, "trousers", season)
    cloth = Fabric("plain", shade(top, float(rng.uniform(0.85, 1.15))), (0.8, 0.8, 0.75), 0.08, details)
    outer = replace(_item(rng, "jacket", season), fabric=cloth, colour=name) if season != "summer" else None
    upper = replace(upper, kind="uniform", fabric=cloth, colour=name)
    lower_name = name if top == below else "black" if sum(below) < 0.3 else "navy"
    lower = replace(lower, fabric=Fabric("plain", below, (0.8, 0.8, 0.75), 0.1), colour=lower_name)
    return upper, lower, replace(outer, kind="uniform") if outer else None


def _shoes(rng: np.random.Generator, sex: int, season: str, years: float, *, boots_fit: bool) -> Extra:
    shares = dict(_SHOES[f"{('men', 'women')[sex]} {'summer' if season == 'summer' else 'winter'}"])
    if not boots_fit:
        shares.pop("boots", None)
    if years < 15 or years > 70:
        shares.pop("heels", None)
    values = np.array(list(shares.values()))
    kind = str(rng.choice(list(shares), p=values / values.sum()))
    sober: dict[str, Colour] = {
        "black": (0.07, 0.065, 0.065),
        "white": (0.88, 0.87, 0.85),
        "grey": (0.45, 0.45, 0.46),
        "brown": (0.24, 0.15, 0.09),
    }
    name = str(rng.choice(list(sober), p=(0.36, 0.30, 0.18, 0.16) if kind == "sneakers" else (0.62, 0.05, 0.07, 0.26)))
    colour = sober[name]
    if rng.random() < (0.22 if kind in ("sneakers", "flats", "heels") else 0.08):
        name, colour = cloth_colour(rng)
    sole = (0.88, 0.87, 0.85) if kind == "sneakers" and rng.random() < 0.75 else (0.06, 0.06, 0.06)
    return Extra(kind, name, colour, sole)


def _legs(rng: np.random.Generator, sex: int, season: str, shoes: str, cut: Cut, *, modest: bool) -> Extra | None:
    """Tights under skirts, socks in low shoes."""
    shows = not cut.legs or cut.hem < 1.2
    if sex and shows and rng.random() < (1.0 if modest else {"summer": 0.06, "between": 0.45, "winter": 0.85}[season]):
        tights: tuple[tuple[str, Colour], ...] = (("black", (0.05, 0.05, 0.055)), ("grey", (0.25, 0.25, 0.27)))
        return Extra("tights", *tights[int(rng.random() < 0.25)])
    if shoes in ("sneakers", "shoes", "ankle_boots") and rng.random() < 0.75:
        socks: tuple[tuple[str, Colour], ...] = (
            ("white", (0.86, 0.86, 0.85)),
            ("black", (0.06, 0.06, 0.06)),
            ("grey", (0.42, 0.42, 0.44)),
        )
        return Extra("socks", *socks[int(rng.choice(3, p=(0.4, 0.4, 0.2)))])
    return None


def _hat(rng: np.random.Generator, sex: int, season: str, top: Item, *, modest: bool, cycles: bool) -> Extra | None:
    if modest:
        return Extra("headscarf", *cloth_colour(rng, sober=rng.random() < 0.5))
    if cycles and rng.random() < 0.6:
        return Extra("helmet", *cloth_colour(rng, sober=rng.random() < 0.5))
    if top.cut.collar == "hood" and rng.random() < HOOD_UP_SHARE:
        return Extra("hood", top.colour, top.fabric.colour)
    kind = _draw(rng, {name: row[sex] for name, row in _HATS[season].items()})
    return Extra(kind, *cloth_colour(rng, sober=kind == "fedora")) if kind else None


_SCARVES = {"summer": 0.0, "between": 0.05, "winter": 0.26}


def _scarf(rng: np.random.Generator, season: str) -> Extra | None:
    return Extra("scarf", *cloth_colour(rng)) if rng.random() < _SCARVES[season] else None


def _mask(rng: np.random.Generator) -> Extra | None:
    if rng.random() > 0.07:
        return None
    masks: tuple[tuple[str, str, Colour], ...] = (
        ("surgical", "blue", (0.60, 0.76, 0.85)),
        ("surgical", "white", (0.90, 0.91, 0.91)),
        ("cloth", "black", (0.06, 0.06, 0.065)),
    )
    return Extra(*masks[int(rng.choice(3, p=(0.4, 0.3, 0.3)))])


def _gloves(rng: np.random.Generator, season: str, years: float) -> Extra | None:
    if season != "winter" or rng.random() > (0.4 if years < 13 or years > 62 else 0.22):
        return None
    return Extra("gloves", *cloth_colour(rng, sober=rng.random() < 0.8))


def _carried(rng: np.random.Generator, sex: int, years: float) -> tuple[Extra | None, Extra | None]:
    """A bag and what else the hands are busy with: children carry what is worn on the back, or an umbrella."""
    child = years < 13
    first, second = rng.permutation(["L", "R"])
    kind = _draw(rng, {name: row[sex] for name, row in _LOADS.items() if name == "umbrella" or not child})
    load = None
    if kind:
        side = "LR" if kind == "stroller" else str(first)
        name, colour = cloth_colour(rng, sober=rng.random() < 0.5)
        load = Extra(kind, name, colour, _FRAMES[int(rng.integers(len(_FRAMES)))], side)
    free = [side for side in (str(first), str(second)) if load is None or side not in load.side]
    kind = _draw(rng, {name: row[sex] for name, row in _BAGS.items()})
    held = kind in ("handbag", "tote", "shopping_bag")
    if not kind or (child and kind != "backpack") or (held and not free):
        return None, load
    name, colour = cloth_colour(rng, sober=rng.random() < 0.6)
    return Extra(kind, name, shade(colour, float(rng.uniform(0.85, 1.1))), side=free[-1] if held else ""), load


_FRAMES: tuple[Colour, ...] = ((0.06, 0.06, 0.06), (0.55, 0.56, 0.58), (0.85, 0.85, 0.84), (0.25, 0.26, 0.28))
