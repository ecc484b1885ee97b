"""Clothes onto a body, from either wardrobe: procedural garments, or the pieces of a MakeHuman library."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from closerlook.arrays import Floating
from closerlook.synthesis.humans.body.body import Body
from closerlook.synthesis.humans.clothing.fabric import bump_of, fabric_texture, roughness_of
from closerlook.synthesis.humans.clothing.garment_mesh import Garment, build_garment
from closerlook.synthesis.humans.clothing.library import Library, Proxy, fit, halves, proxy_part, read_proxy
from closerlook.synthesis.humans.clothing.mannequin import Mannequin, nearest_tights
from closerlook.synthesis.humans.clothing.outfit import Item, Outfit
from closerlook.synthesis.humans.clothing.palette import Color, cloth_color, color_name
from closerlook.synthesis.humans.clothing.shoes import shoe_part
from closerlook.synthesis.humans.clothing.unwrap import unwrap
from closerlook.synthesis.humans.clothing.wardrobe import ADULT_CUTS
from closerlook.synthesis.humans.mesh.assembly import Part
from closerlook.synthesis.humans.mesh.mesh import Material
from closerlook.synthesis.humans.pose.rig import BONES

__all__ = ["Dressed", "dress", "dress_from_library"]


UNDER_CLOTHES = 0.012  # meters inside a garment's edges before what lies beneath is left out
TUCKED = 0.05  # meters that trousers reach up beneath the top of another suit
KEEPS_COLOR = 0.3  # share of library clothes that are not dyed


@dataclass(frozen=True)
class Dressed:
    """Clothes on a body.

    Attributes:
        parts: the garments and shoes.
        surface: (n, 3) points of the trunk's outermost clothes, for hair and bags to lie on.
        hidden: (v,) vertices of the body that the clothes cover.
        labels: what can be seen of the clothes, from what was made.
    """

    parts: Sequence[Part] = field(repr=False)
    surface: Floating = field(repr=False)
    hidden: NDArray[np.bool_] = field(repr=False)
    labels: Mapping[str, str]


def dress(rng: np.random.Generator, form: Mannequin, outfit: Outfit, skin: Color) -> Dressed:
    """Tailor every layer of an outfit, the inner ones first; low shoes show feet of this color."""
    under = np.zeros((len(form.sheet), 2), np.float32)
    made: list[tuple[str, Item, Garment]] = []
    for name, item in (("lower", outfit.lower), ("upper", outfit.upper), ("outer", outfit.outer)):
        if item is None:
            continue
        garment = build_garment(form, item.cut, under if made else None)
        made.append((name, item, garment))
        reached = (garment.covers > -0.03)[:, None]
        under = np.where(reached, np.maximum(garment.offset, under), under).astype(np.float32)
    shoes, covered = _shoes(form, outfit, made, skin)
    parts = [*shoes, *(_garment_part(rng, name, item, garment, form) for name, item, garment in reversed(made))]
    covered = np.maximum.reduce([covered + UNDER_CLOTHES, *(garment.covers for _, _, garment in made)])
    surface = form.sheet.position + under[:, :1] * form.sheet.values["normal"] + under[:, 1:] * form.outwards
    trunk = (form.sheet.values["arm"] < 0.4) & (form.sheet.values["leg"] < 0.5)
    nearest, beneath = nearest_tights()
    return Dressed(parts, surface[trunk], (covered[nearest] > UNDER_CLOTHES) & beneath, _labels(outfit))


def _shoes(
    form: Mannequin, outfit: Outfit, made: list[tuple[str, Item, Garment]], skin: Color
) -> tuple[list[Part], Floating]:
    """The shoes; boots go over trousers."""
    under = np.zeros(len(form.sheet), np.float32)
    for _, item, garment in made:
        if item.cut.legs:
            under = np.where(garment.covers > -0.03, garment.offset[:, 0], 0).astype(np.float32)
    shoes = outfit.shoes
    feet = outfit.legs.color if outfit.legs else skin
    return shoe_part(form, shoes.kind, shoes.color, shoes.second, under, feet)


def _garment_part(rng: np.random.Generator, name: str, item: Item, garment: Garment, form: Mannequin) -> Part:
    sheet, uv = unwrap(garment, form)
    layout = "trousers" if item.cut.legs else "skirt" if item.cut.top == "waist" else "top"
    texture, relief = fabric_texture(rng, item.fabric, layout)
    shine, bump = roughness_of(item.fabric), bump_of(item.fabric)
    material = Material(name, texture, roughness=shine, two_sided=True, relief=relief, bump=bump)
    smooth = sheet.values["smooth"].astype(np.int32)
    return Part(material, sheet.position, uv, sheet.triangles, sheet.values["weights"], smooth)


def _labels(outfit: Outfit) -> dict[str, str]:
    top = outfit.outer or outfit.upper
    lower = outfit.lower or outfit.upper
    return {
        "upper_type": top.kind,
        "upper_color": top.color,
        "upper_pattern": top.fabric.pattern,
        "sleeve_length": _sleeve_length(max(top.cut.sleeve, outfit.upper.cut.sleeve)),
        "lower_type": lower.kind,
        "lower_color": lower.color,
        "lower_length": "short" if lower.cut.hem < 1.2 else "long",
        "shoe_type": outfit.shoes.kind,
        "shoe_color": outfit.shoes.name,
    }


def _sleeve_length(end: float) -> str:
    """By where on the arm a sleeve ends: 0 the shoulder, 0.5 the elbow, 1 the wrist."""
    return "none" if end <= 0.05 else "short" if end < 0.7 else "long"


def dress_from_library(rng: np.random.Generator, form: Mannequin, library: Library) -> Dressed:
    """The top of one suit with the trousers of another, dyed, and shoes; one-piece suits stay whole."""
    body, waist = form.body, form.landmarks.waist
    suits = [path for path in library.suits if path.stem.startswith(body.shape.gender)] or list(library.suits)
    if body.shape.years < ADULT_CUTS:  # those for sports leave the belly bare
        suits = [path for path in suits if "sport" not in path.stem] or suits
    top, other = (_choose(rng, suits) for _ in range(2))
    hidden = np.zeros(len(body.positions), bool)
    upper, color = _dyed_part(rng, top, body, "upper", lambda at: halves(top, at, waist)[0])
    labels = {"upper_type": _kind(top), "upper_color": color, "upper_pattern": "other"}
    labels["sleeve_length"] = _sleeve_length(_sleeve_end(body, upper))
    parts, lower, suit = [upper], upper, top
    if not halves(top, fit(top, body)[0], waist)[1].any():
        hidden[top.deleted] = True
    else:
        suit = other if _meets(other, body, waist, _trunk_low(upper, body)) else top
        rise = _trunk_low(upper, body) + TUCKED if suit is not top else np.inf

        def below_top(at: Floating) -> NDArray[np.bool_]:  # a bib would show through another suit's top
            return halves(suit, at, waist)[1] & (at[:, 1] < rise)

        lower, color = _dyed_part(rng, suit, body, "lower", below_top)
        parts.append(lower)
        height = body.positions[:, 1]
        hidden[top.deleted[height[top.deleted] > _trunk_low(upper, body) + UNDER_CLOTHES]] = True
        hidden[suit.deleted[height[suit.deleted] < lower.positions[:, 1].max() - UNDER_CLOTHES]] = True
    bottom = float(lower.positions[:, 1].min())
    labels |= {"lower_type": _kind(suit), "lower_color": color}
    labels |= {"lower_length": "short" if bottom > 0.75 * form.landmarks.knee else "long"}
    if library.shoes:
        shoes = _choose(rng, library.shoes)
        ends = bottom + UNDER_CLOTHES if labels["lower_length"] == "long" else np.inf

        def below_trousers(at: Floating) -> NDArray[np.bool_]:  # a shaft would show through them
            below = at[:, 1] < ends
            return below if below[shoes.source[shoes.triangles]].all(1).any() else np.ones_like(below)

        part, color = _dyed_part(rng, shoes, body, "shoes", below_trousers)
        labels |= {"shoe_type": "shoes", "shoe_color": color}
        hidden[shoes.deleted] = True
        parts.append(part)
    else:
        made, _ = shoe_part(form, "shoes", _BLACK, _BLACK, np.zeros(len(form.sheet), np.float32), _BLACK)
        labels |= {"shoe_type": "shoes", "shoe_color": "black"}
        parts += made
    surface = np.concatenate([upper.positions, lower.positions])
    trunk = np.abs(surface[:, 0]) < abs(float(body.head("upperarm01.L")[0])) - 0.01
    return Dressed(parts, surface[trunk & (surface[:, 1] > form.landmarks.crotch)], hidden, labels)


_BLACK = (0.07, 0.065, 0.065)


def _trunk_low(part: Part, body: Body) -> float:
    """The height at which a top ends on the trunk."""
    near = np.abs(part.positions[:, 0]) < 0.6 * abs(float(body.head("upperarm01.L")[0]))
    return float(part.positions[near, 1].min())


def _meets(suit: Proxy, body: Body, waist: float, low: float) -> bool:
    """Whether a suit has trousers of its own that reach up to where the top ends."""
    positions, _ = fit(suit, body)
    below = halves(suit, positions, waist)[1]
    return bool(below.any()) and float(positions[below, 1].max()) > low + UNDER_CLOTHES


def _choose(rng: np.random.Generator, paths: Sequence[Path]) -> Proxy:
    return read_proxy(paths[int(rng.integers(len(paths)))])


def _dyed_part(
    rng: np.random.Generator,
    proxy: Proxy,
    body: Body,
    name: str,
    choose: Callable[[Floating], NDArray[np.bool_]],
) -> tuple[Part, str]:
    """The vertices of a fitted proxy that ``choose`` picks, as a part, and the name of its color."""
    positions, weights = fit(proxy, body)
    keep = choose(positions)
    called, color = cloth_color(rng, sober=name != "upper")
    if rng.random() > KEEPS_COLOR:
        return proxy_part(proxy, positions, weights, name, color, keep=keep), called
    part = proxy_part(proxy, positions, weights, name, None, keep=keep)
    size = len(part.material.texture)
    u, v = np.clip(part.uv.T * size, 0, size - 1).astype(np.int64)
    r, g, b = part.material.texture[v, u, :3].mean(0) / 255
    return part, color_name((float(r), float(g), float(b)))


def _kind(proxy: Proxy) -> str:
    """What a library calls its suit: casual, elegant, sport, work."""
    known = ("casual", "elegant", "sport", "work")
    return next((kind for kind in known if kind in proxy.name.lower() or kind in proxy.tags), "other")


def _sleeve_end(body: Body, part: Part) -> float:
    """How far down the arm a garment reaches: 0 the shoulder, 0.5 the elbow, 1 the wrist."""
    reach = 0.0
    for bone, tip, start in (("upperarm01.L", "lowerarm01.L", 0.0), ("lowerarm01.L", "wrist.L", 0.5)):
        on_it = part.weights[:, BONES.index(bone)] > 0.5
        if on_it.any():
            axis = body.head(tip) - body.head(bone)
            along = (part.positions[on_it] - body.head(bone)) @ axis / (axis @ axis)
            reach = max(reach, start + 0.5 * float(np.clip(along.max(), 0, 1)))
    return reach
