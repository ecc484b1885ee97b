"""What is worn and carried besides garments: shoes, tights and socks, hats, scarves, masks, gloves, bags and loads."""

from __future__ import annotations

import numpy as np

from closerlook.synthesis.humans.clothing.draws import draw_any, draw_dye, draw_kind
from closerlook.synthesis.humans.clothing.garment_mesh import Cut
from closerlook.synthesis.humans.clothing.outfit import Extra, Item
from closerlook.synthesis.humans.clothing.palette import cloth_color, shade
from closerlook.synthesis.humans.clothing.tables import TABLES

__all__ = [
    "sample_carried",
    "sample_gloves",
    "sample_hat",
    "sample_legs",
    "sample_mask",
    "sample_scarf",
    "sample_shoes",
]

HOOD_UP_SHARE = 0.2


def sample_shoes(rng: np.random.Generator, sex: int, season: str, years: float, *, boots_fit: bool) -> Extra:
    """Shoes by sex, season and age; tall boots only where they fit under or over what is worn below."""
    shares = dict(TABLES.shoes["warm" if season == "summer" else "cold"][("men", "women")[sex]])
    if not boots_fit:
        shares.pop("boots", None)
    if years < 15 or years > 70:
        shares.pop("heels", None)
    kind = draw_kind(rng, shares)
    dye = draw_dye(rng, TABLES.sneaker_dyes if kind == "sneakers" else TABLES.shoe_dyes)
    name, color = dye.name, dye.color
    if rng.random() < (0.22 if kind in ("sneakers", "flats", "heels") else 0.08):
        name, color = cloth_color(rng)
    sole = (0.88, 0.87, 0.85) if kind == "sneakers" and rng.random() < 0.75 else (0.06, 0.06, 0.06)
    return Extra(kind, name, color, sole)


def sample_legs(rng: np.random.Generator, sex: int, season: str, shoes: str, cut: Cut, *, modest: bool) -> Extra | None:
    """Tights under skirts, socks in low shoes."""
    shows = not cut.legs or cut.hem < 1.2
    if sex and shows and rng.random() < (1.0 if modest else TABLES.tights_shares[season]):
        dye = draw_dye(rng, TABLES.tights)
        return Extra("tights", dye.name, dye.color)
    if shoes in ("sneakers", "shoes", "ankle_boots") and rng.random() < 0.75:
        dye = draw_dye(rng, TABLES.socks)
        return Extra("socks", dye.name, dye.color)
    return None


def sample_hat(
    rng: np.random.Generator, sex: int, season: str, top: Item, *, modest: bool, cycles: bool
) -> Extra | None:
    """A headscarf, a cyclist's helmet, the hood of a garment, or a hat."""
    if modest:
        return Extra("headscarf", *cloth_color(rng, sober=rng.random() < 0.5))
    if cycles and rng.random() < 0.6:
        return Extra("helmet", *cloth_color(rng, sober=rng.random() < 0.5))
    if top.cut.collar == "hood" and rng.random() < HOOD_UP_SHARE:
        return Extra("hood", top.color, top.fabric.color)
    kind = draw_any(rng, {name: row[sex] for name, row in TABLES.hats[season].items()})
    return Extra(kind, *cloth_color(rng, sober=kind == "fedora")) if kind else None


def sample_scarf(rng: np.random.Generator, season: str) -> Extra | None:
    return Extra("scarf", *cloth_color(rng)) if rng.random() < TABLES.scarves[season] else None


def sample_mask(rng: np.random.Generator) -> Extra | None:
    if rng.random() > 0.07:
        return None
    mask = draw_dye(rng, TABLES.masks)
    return Extra(mask.kind, mask.name, mask.color)


def sample_gloves(rng: np.random.Generator, season: str, years: float) -> Extra | None:
    if season != "winter" or rng.random() > (0.4 if years < 13 or years > 62 else 0.22):
        return None
    return Extra("gloves", *cloth_color(rng, sober=rng.random() < 0.8))


def sample_carried(rng: np.random.Generator, sex: int, years: float) -> tuple[Extra | None, Extra | None]:
    """A bag and what else the hands are busy with: children carry what is worn on the back, or an umbrella."""
    child = years < 13
    first, second = rng.permutation(["L", "R"])
    kind = draw_any(rng, {name: row[sex] for name, row in TABLES.loads.items() if name == "umbrella" or not child})
    load = None
    if kind:
        side = "LR" if kind == "stroller" else str(first)
        name, color = cloth_color(rng, sober=rng.random() < 0.5)
        load = Extra(kind, name, color, TABLES.frames[int(rng.integers(len(TABLES.frames)))], side)
    free = [side for side in (str(first), str(second)) if load is None or side not in load.side]
    kind = draw_any(rng, {name: row[sex] for name, row in TABLES.bags.items()})
    held = kind in ("handbag", "tote", "shopping_bag")
    if not kind or (child and kind != "backpack") or (held and not free):
        return None, load
    name, color = cloth_color(rng, sober=rng.random() < 0.6)
    return Extra(kind, name, shade(color, float(rng.uniform(0.85, 1.1))), side=free[-1] if held else ""), load
