"""A whole person from a seed and a number: body, skin, clothes, hair and what they carry, with their labels."""

from __future__ import annotations

import functools

import numpy as np
from numpy.typing import NDArray

from closerlook.randomness import keyed_rng
from closerlook.synthesis.person.assets import body_data
from closerlook.synthesis.person.body import Body, build_body, sample_shape
from closerlook.synthesis.person.carried import bag_parts, scarf_part
from closerlook.synthesis.person.fabric import fabric_texture
from closerlook.synthesis.person.hair import HAIR_STYLES, hair_parts, hat_parts
from closerlook.synthesis.person.mannequin import Mannequin, dress_form, nearest_tights
from closerlook.synthesis.person.mesh import Material, Person
from closerlook.synthesis.person.palette import hair_colour, skin_colour
from closerlook.synthesis.person.parts import Part, assemble
from closerlook.synthesis.person.shoes import shoe_part
from closerlook.synthesis.person.skin import eye_texture, skin_texture
from closerlook.synthesis.person.tailor import Garment, tailor, unwrap
from closerlook.synthesis.person.wardrobe import Item, Outfit, sample_outfit

__all__ = ["sample_person"]

Float = NDArray[np.floating]
Int = NDArray[np.int32]

UNDER_CLOTHES = 0.02  # metres inside a garment's edges before what lies beneath is left out


def sample_person(seed: int, identity: int) -> Person:
    """The person with this number in a seed's population: always the same, however many are asked for."""
    shape = sample_shape(keyed_rng(seed, "person", identity, "shape"))
    outfit = sample_outfit(keyed_rng(seed, "person", identity, "outfit"), shape)
    rng = keyed_rng(seed, "person", identity, "looks")
    body = build_body(shape, _arm_room(outfit))
    form = dress_form(body)
    ancestry = max(shape.ancestry, key=lambda name: shape.ancestry[name])
    hair_name, hair = hair_colour(rng, ancestry, shape.years)
    style = _hair_style(rng, shape.gender, shape.years, ancestry)
    bearded = shape.gender == "male" and shape.years > 20
    beard = float(rng.choice([0.0, 0.35, 0.9], p=[0.55, 0.27, 0.18])) if bearded else 0.0
    tone = skin_colour(rng, dict(shape.ancestry))
    skin = skin_texture(rng, tone, hair, years=shape.years, female=shape.gender == "female", beard=beard)

    clothes, surface, hidden = _dress(rng, form, outfit)
    parts = [
        _skin_part(body, Material("skin", skin, roughness=0.55), hidden),
        _eyes_part(body, Material("eyes", eye_texture(rng, ancestry), roughness=0.2)),
        *clothes,
        *hair_parts(rng, body, HAIR_STYLES[style], hair, surface, hat=outfit.hat is not None),
    ]
    if outfit.hat:
        parts += hat_parts(rng, body, outfit.hat.kind, outfit.hat.colour)
    if outfit.scarf:
        parts.append(scarf_part(rng, body, outfit.scarf.colour))
    if outfit.bag:
        parts += bag_parts(rng, body, outfit.bag.kind, outfit.bag.colour, surface)
    labels = {
        "gender": shape.gender,
        "age_group": shape.age_group,
        **_clothes_labels(outfit),
        "hair_style": style,
        "hair_colour": hair_name,
        "beard": "none" if beard == 0 else "stubble" if beard < 0.5 else "full",
        "hat": outfit.hat.kind if outfit.hat else "none",
        "scarf": outfit.scarf.name if outfit.scarf else "none",
        "bag": outfit.bag.kind if outfit.bag else "none",
    }
    return assemble(identity, labels, body, parts)


def _arm_room(outfit: Outfit) -> float:
    """Space between arms and hips that the clothes need, metres."""
    worn = [item.cut for item in (outfit.upper, outfit.lower, outfit.outer) if item]
    thick = sum(cut.ease for cut in worn if not cut.legs)
    flared = max((0.25 * cut.flare for cut in worn if not cut.legs and cut.hem > 0.2), default=0.0)
    return 0.6 * thick + 0.4 * flared + (0.05 if outfit.bag and outfit.bag.kind == "shoulder_bag" else 0.0)


_HAIR_SHARES: dict[tuple[str, bool], dict[str, float]] = {  # by sex and whether old
    ("male", False): {"short": 0.44, "side_part": 0.29, "curly": 0.11, "shaven": 0.13, "bob": 0.03},
    ("male", True): {"short": 0.36, "side_part": 0.20, "curly": 0.06, "shaven": 0.12, "balding": 0.26},
    ("female", False): {
        "long": 0.27,
        "shoulder": 0.17,
        "ponytail": 0.23,
        "bun": 0.11,
        "bob": 0.11,
        "fringe_bob": 0.05,
        "short": 0.06,
    },
    ("female", True): {"short": 0.35, "curly": 0.20, "bob": 0.25, "bun": 0.15, "shoulder": 0.05},
}


def _hair_style(rng: np.random.Generator, gender: str, years: float, ancestry: str) -> str:
    shares = _HAIR_SHARES[gender, years > (47 if gender == "male" else 60)]
    if ancestry == "african":
        shares = {**shares, "afro": 0.12, "curly": shares.get("curly", 0) + 0.1}
    values = np.array(list(shares.values()))
    return str(rng.choice(list(shares), p=values / values.sum()))


def _dress(rng: np.random.Generator, form: Mannequin, outfit: Outfit) -> tuple[list[Part], Float, NDArray[np.bool_]]:
    """Tailor every layer, the inner ones first: the parts, points of the outer surface, and covered body vertices."""
    under: Float | None = None
    made: list[tuple[str, Item, Garment]] = []
    worn = (("lower", outfit.lower), ("upper", outfit.upper), ("outer", outfit.outer))
    for name, item in worn:
        if item is None:
            continue
        garment = tailor(form, item.cut, under)
        made.append((name, item, garment))
        reached = (garment.covers > -0.03)[:, None]
        below = np.zeros_like(garment.offset) if under is None else under
        under = np.where(reached, np.maximum(garment.offset, below), below).astype(np.float32)
    assert under is not None
    shoes, shoe_covers = _shoes(form, outfit, made)
    parts = [shoes]
    covered = shoe_covers + 0.02
    for name, item, garment in reversed(made):
        parts.append(_garment_part(rng, name, item, garment, form))
        covered = np.maximum(covered, garment.covers)
    surface = form.sheet.position + under[:, :1] * form.sheet.values["normal"] + under[:, 1:] * form.outwards
    trunk = (form.sheet.values["arm"] < 0.4) & (form.sheet.values["leg"] < 0.5)
    nearest, beneath = nearest_tights()
    return parts, surface[trunk], (covered[nearest] > UNDER_CLOTHES) & beneath


def _shoes(form: Mannequin, outfit: Outfit, made: list[tuple[str, Item, Garment]]) -> tuple[Part, Float]:
    """The shoes; boots go over trousers."""
    under = np.zeros(len(form.sheet), np.float32)
    for _, item, garment in made:
        if item.cut.legs:
            under = np.where(garment.covers > -0.03, garment.offset[:, 0], 0).astype(np.float32)
    shoes = outfit.shoes
    return shoe_part(form, shoes.kind, shoes.colour, shoes.second, under)


def _garment_part(rng: np.random.Generator, name: str, item: Item, garment: Garment, form: Mannequin) -> Part:
    sheet, uv = unwrap(garment, form)
    layout = "trousers" if item.cut.legs else "skirt" if item.cut.top == "waist" else "top"
    texture = fabric_texture(rng, item.fabric, layout)
    material = Material(name, texture, roughness=0.9, two_sided=True)
    smooth = sheet.values["smooth"].astype(np.int32)
    return Part(material, sheet.position, uv, sheet.triangles, sheet.values["weights"], smooth)


@functools.cache
def _split_skin() -> tuple[Int, Float, Int]:
    """The body's vertices split at texture seams: source vertex, coordinates, triangles; no inside of the mouth."""
    data = body_data()
    quads, quad_uv = data.quads["body"], data.quad_uv["body"]
    middle = data.uv[quad_uv].mean(1)
    outside = ~((middle[:, 0] > 0.755) & (middle[:, 1] > 0.855))
    quads, quad_uv = quads[outside], quad_uv[outside]
    pairs = np.stack([quads, quad_uv], axis=2).reshape(-1, 2)
    unique, inverse = np.unique(pairs, axis=0, return_inverse=True)
    corners = inverse.reshape(-1, 4).astype(np.int32)
    triangles = np.concatenate([corners[:, [0, 1, 2]], corners[:, [0, 2, 3]]])
    return unique[:, 0].astype(np.int32), data.uv[unique[:, 1]], triangles


def _skin_part(body: Body, material: Material, hidden: NDArray[np.bool_]) -> Part:
    source, uv, triangles = _split_skin()
    kept = triangles[~hidden[source[triangles]].all(1)]
    used, renumbered = np.unique(kept, return_inverse=True)
    vertices = source[used]
    triangles = renumbered.reshape(-1, 3).astype(np.int32)
    return Part(material, body.positions[vertices], uv[used], triangles, body.weights[vertices], vertices)


def _eyes_part(body: Body, material: Material) -> Part:
    data = body_data()
    quads = np.concatenate([data.quads["helper-l-eye"], data.quads["helper-r-eye"]])
    used, renumbered = np.unique(quads, return_inverse=True)
    corners = renumbered.reshape(-1, 4).astype(np.int32)
    position = body.positions[used]
    uv = np.zeros((len(used), 2), np.float32)
    for side in (position[:, 0] > 0, position[:, 0] <= 0):
        eye = position[side]
        low, high = eye.min(0), eye.max(0)
        uv[side] = ((eye - low) / (high - low))[:, :2] * (1, -1) + (0, 1)
    triangles = np.concatenate([corners[:, [0, 1, 2]], corners[:, [0, 2, 3]]])
    return Part(material, position, uv, triangles, body.weights[used])


def _clothes_labels(outfit: Outfit) -> dict[str, str]:
    """What can be seen of the clothes, from what was made."""
    top = outfit.outer or outfit.upper
    lower = outfit.lower
    bottom = lower.cut.hem if lower else outfit.upper.cut.hem
    return {
        "upper_type": top.kind,
        "upper_colour": top.colour,
        "upper_pattern": top.fabric.pattern,
        "sleeve_length": "none" if top.cut.sleeve <= 0 else "short" if top.cut.sleeve < 0.7 else "long",
        "lower_type": lower.kind if lower else outfit.upper.kind,
        "lower_colour": lower.colour if lower else outfit.upper.colour,
        "lower_length": "short" if bottom < 1.2 else "long",
        "shoe_type": outfit.shoes.kind,
        "shoe_colour": outfit.shoes.name,
    }
