"""Outfits drawn by sex, age and season, made of patterns, fabrics and colors; their tables are ``wardrobe.yaml``."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from closerlook.synthesis.humans.body.body import Shape
from closerlook.synthesis.humans.clothing.draws import draw_any, draw_dye, draw_kind
from closerlook.synthesis.humans.clothing.extras import (
    sample_carried,
    sample_gloves,
    sample_hat,
    sample_legs,
    sample_mask,
    sample_scarf,
    sample_shoes,
)
from closerlook.synthesis.humans.clothing.fabric import Fabric
from closerlook.synthesis.humans.clothing.garment_mesh import Cut
from closerlook.synthesis.humans.clothing.outfit import Item, Outfit
from closerlook.synthesis.humans.clothing.palette import cloth_color, shade
from closerlook.synthesis.humans.clothing.tables import TABLES, BySex

__all__ = ["VERSION", "sample_outfit"]

VERSION = 5  # to be raised by every change after which a seed's people are other people
ADULT_CUTS = 16  # years from which crop tops and hot pants are worn
MODEST_SHARE = 0.05  # of the women, who cover their hair, arms and legs
UNIFORM_SHARE = 0.04


def sample_outfit(rng: np.random.Generator, shape: Shape, season: str) -> Outfit:
    """Clothes for a body on a day in ``summer``, ``winter`` or ``between``: garments by sex and age, then colors."""
    sex = int(shape.gender == "female")
    modest = bool(sex) and shape.years > 12 and rng.random() < MODEST_SHARE
    uniform = 18 < shape.years < 62 and not modest and rng.random() < UNIFORM_SHARE
    upper, lower, outer = _clothes(rng, sex, season, shape.years, modest=modest)
    if uniform:
        upper, lower, outer = _uniform(rng, season)
    bare = lower is None or not lower.cut.legs or lower.cut.hem < 1.2
    shoes = sample_shoes(
        rng, sex, season, shape.years, boots_fit=bare or (lower is not None and lower.cut.hem_ease < 0.02)
    )
    bag, load = sample_carried(rng, sex, shape.years)
    top = outer or upper
    hat = sample_hat(rng, sex, season, top, modest=modest, cycles=load is not None and load.kind == "bicycle")
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
        scarf=None if hat and hat.kind in ("headscarf", "hood") else sample_scarf(rng, season),
        bag=bag,
        legs=sample_legs(rng, sex, season, shoes.kind, (lower or upper).cut, modest=modest),
        mask=sample_mask(rng),
        gloves=sample_gloves(rng, season, shape.years),
        load=load,
    )


def _clothes(
    rng: np.random.Generator, sex: int, season: str, years: float, *, modest: bool
) -> tuple[Item, Item | None, Item | None]:
    """What is worn above, below and over it."""
    uppers = TABLES.uppers[season]
    if modest:
        uppers = {name: (0.0, 1.0) for name in TABLES.modest if name in uppers}
    if years < ADULT_CUTS:
        uppers = {name: row for name, row in uppers.items() if name != "crop_top"}
    upper = _item(rng, _pick(rng, uppers, sex), season)
    outer = _outer(rng, _pick(rng, TABLES.outers, sex), season) if rng.random() < TABLES.layered[season] else None
    if outer and upper.kind == "dress" and outer.kind in ("vest", "blazer"):
        outer = None
    lower = None if upper.kind in ("dress", "long_dress") else _lower(rng, sex, season, years, modest=modest)
    if outer:
        outer = replace(outer, cut=_over(outer.cut, (lower or upper).cut))
    if outer and lower and outer.kind == "blazer" and lower.cut.legs and rng.random() < 0.6:  # a suit
        lower = replace(lower, fabric=replace(outer.fabric, details=()), color=outer.color)
        if upper.kind == "shirt" and not sex:
            upper = replace(upper, fabric=replace(upper.fabric, details=("tie",)))
    return upper, lower, outer


def _over(cut: Cut, beneath: Cut) -> Cut:
    """A coat wide enough to go over what hangs below it."""
    if beneath.legs or cut.hem < 0.05:
        return cut
    return replace(cut, flare=max(cut.flare, 1.15 * beneath.flare + 0.05))


def _pick(rng: np.random.Generator, table: BySex, sex: int) -> str:
    return draw_kind(rng, {name: shares[sex] for name, shares in table.items()})


def _item(rng: np.random.Generator, kind: str, season: str, *, dark: float = 0.0) -> Item:
    """A garment of this kind as one maker cuts it, in a cloth and a color; ``dark`` is the chance of a sober one."""
    color, main = cloth_color(rng, sober=rng.random() < dark, season=season)
    _, second = cloth_color(rng, avoid=color, season=season)
    pattern = draw_any(rng, TABLES.patterns.get(kind, TABLES.patterns_otherwise))
    details = TABLES.details.get(kind, ())
    if kind in ("t_shirt", "polo", "sweater") and rng.random() < 0.15:
        details = (*details, "hem_band")
    if pattern == "leather":
        leather = draw_dye(rng, TABLES.leather)
        color, main = leather.name, leather.color
    if pattern == "denim":
        denim = draw_dye(rng, TABLES.denim)
        color, main = denim.name, shade(denim.color, float(rng.uniform(0.7, 1.1)))
    worn = float(rng.uniform(0.1, 0.8)) if rng.random() < 0.25 else 0.0
    fabric = Fabric(pattern, main, second, float(rng.uniform(0.05, 0.13)), details, worn)
    return Item(kind, _vary(rng, TABLES.cuts[kind]), fabric, color)


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
    if rng.random() < TABLES.open.get(kind, TABLES.open_otherwise):
        details = tuple(detail for detail in item.fabric.details if detail == "pockets")
        opening = float(rng.uniform(0.03, 0.06))
        return replace(item, cut=replace(item.cut, opening=opening), fabric=replace(item.fabric, details=details))
    return item


def _lower(rng: np.random.Generator, sex: int, season: str, years: float, *, modest: bool) -> Item:
    shares = TABLES.lowers["warm" if season == "summer" else "cold"]
    if years < ADULT_CUTS:
        shares = {name: row for name, row in shares.items() if name != "hot_pants"}
    if years > 62:
        shares = {name: row for name, row in shares.items() if name not in ("hot_pants", "leggings")}
    if modest:
        shares = {name: (0.0, 1.0) for name in TABLES.modest if name in shares}
    item = _item(rng, _pick(rng, shares, sex), season, dark=1.0)
    pattern = item.fabric.pattern if item.kind in TABLES.patterns else "plain"
    if item.kind in TABLES.jeans and item.color in ("blue", "navy", "black") and rng.random() < 0.65:
        pattern = "denim"
    striped = item.kind in ("trousers", "shorts", "leggings") and pattern == "plain" and rng.random() < 0.2
    belted = item.kind in ("slim_trousers", "trousers") and not striped and rng.random() < 0.3
    details = ("side_stripe",) if striped else ("belt",) if belted else ()
    fabric = replace(item.fabric, pattern=pattern, details=details)
    return replace(item, fabric=replace(fabric, folds=fabric.folds * 1.25))


def _uniform(rng: np.random.Generator, season: str) -> tuple[Item, Item, Item | None]:
    """A trade's clothes: shirt or jacket and trousers in its colors."""
    uniform = TABLES.uniforms[str(rng.choice(list(TABLES.uniforms)))]
    top, below, name = uniform.top, uniform.trousers, uniform.name
    upper, lower = _item(rng, "shirt", season), _item(rng, "trousers", season)
    cloth = Fabric("plain", shade(top, float(rng.uniform(0.85, 1.15))), (0.8, 0.8, 0.75), 0.08, uniform.details)
    outer = replace(_item(rng, "jacket", season), fabric=cloth, color=name) if season != "summer" else None
    upper = replace(upper, kind="uniform", fabric=cloth, color=name)
    lower_name = name if top == below else "black" if sum(below) < 0.3 else "navy"
    lower = replace(lower, fabric=Fabric("plain", below, (0.8, 0.8, 0.75), 0.1), color=lower_name)
    return upper, lower, replace(outer, kind="uniform") if outer else None
