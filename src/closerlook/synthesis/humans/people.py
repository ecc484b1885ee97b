"""A whole person from a seed and a number: body, skin, clothes, hair and what they carry, with their labels."""

from __future__ import annotations

import functools
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from closerlook.arrays import Floating, Int32
from closerlook.randomness import keyed_rng
from closerlook.synthesis.humans.accessories.carried import bag_parts, phone_parts, umbrella_parts
from closerlook.synthesis.humans.accessories.headwear import COVERING, hat_parts, mask_part, neck_roll
from closerlook.synthesis.humans.accessories.wheeled import wheeled_parts
from closerlook.synthesis.humans.body.assets import body_data
from closerlook.synthesis.humans.body.body import Body, Shape, build_body, sample_shape
from closerlook.synthesis.humans.body.skin import eye_texture, skin_texture, wear_on_skin
from closerlook.synthesis.humans.clothing.dressing import dress, dress_from_library
from closerlook.synthesis.humans.clothing.fabric import plain_texture
from closerlook.synthesis.humans.clothing.library import Library, find_library, fit, proxy_part, read_proxy, skin_image
from closerlook.synthesis.humans.clothing.mannequin import dress_form
from closerlook.synthesis.humans.clothing.outfit import Extra, Outfit
from closerlook.synthesis.humans.clothing.palette import Color, hair_color, skin_color
from closerlook.synthesis.humans.clothing.wardrobe import sample_outfit
from closerlook.synthesis.humans.hair.hair import HAIR_STYLES, hair_parts
from closerlook.synthesis.humans.mesh.assembly import Part, assemble
from closerlook.synthesis.humans.mesh.mesh import Hold, Material, Person
from closerlook.synthesis.humans.mesh.packing import pack, unpack
from closerlook.synthesis.humans.population import Population
from closerlook.synthesis.humans.visibility import visible_labels

__all__ = ["build_person", "sample_person"]


HAND_CELL = 0.008  # meters
PHONE_YEARS = 11  # below this age nobody has a phone
LIBRARY_SHARE = 0.5  # of the people who wear clothes, hair or skin from a library where there is one


def sample_person(
    seed: int, identity: int, wardrobe: str | Path | None = None, population: Population | None = None
) -> Person:
    """The person with this number in a seed's population: always the same, however many are asked for.

    ``wardrobe`` names a MakeHuman data folder whose clothes, shoes, hair and skins are mixed with the procedural ones;
    ``$CLOSERLOOK_MAKEHUMAN`` does the same for all. With another wardrobe or population the people are other people.

    Raises:
        CloserlookError: the wardrobe's folder holds no MakeHuman clothes, or a file in it cannot be read.
    """
    return unpack(pack(build_person(seed, identity, wardrobe, population)))


def build_person(
    seed: int, identity: int, wardrobe: str | Path | None = None, population: Population | None = None
) -> Person:
    """:func:`sample_person` before :func:`pack` has rounded anything."""
    population = population or Population()
    library = find_library(wardrobe)
    shape = sample_shape(keyed_rng(seed, "person", identity, "shape"), population)
    season = population.season(keyed_rng(seed, "person", identity, "season"))
    outfit = sample_outfit(keyed_rng(seed, "person", identity, "outfit"), shape, season)
    rng = keyed_rng(seed, "person", identity, "looks")
    body = build_body(shape, _arm_room(outfit))
    form = dress_form(body)
    ancestry = max(shape.ancestry, key=lambda name: shape.ancestry[name])
    hair_name, hair = hair_color(rng, ancestry, shape.years)
    style = _hair_style(rng, shape.gender, shape.years, ancestry)
    bearded = shape.gender == "male" and shape.years > 20
    beard = float(rng.choice([0.0, 0.35, 0.9], p=[0.55, 0.27, 0.18])) if bearded else 0.0
    shares = _GLASSES_SHARES[outfit.season, shape.years > 45]
    glasses = str(rng.choice(list(shares), p=list(shares.values())))
    tone = skin_color(rng, dict(shape.ancestry))
    skin = skin_texture(
        rng,
        tone,
        hair,
        years=shape.years,
        female=shape.gender == "female",
        beard=beard,
        glasses=glasses,
    )

    borrowed = library is not None and rng.random() < LIBRARY_SHARE
    if borrowed and outfit.hat and outfit.hat.kind == "hood":  # of a garment that is not worn
        outfit = replace(outfit, hat=None)
    clothes = dress_from_library(rng, form, library) if library and borrowed else dress(rng, form, outfit, tone)
    if glasses == "none":
        skin = _library_skin(rng, library, shape, ancestry, skin)
    for worn in (outfit.legs, outfit.gloves):
        if worn:
            wear_on_skin(skin, worn.kind, worn.color)
    growth = _library_hair(rng, library, body, hair) if library and not outfit.hat else []
    parts = [
        _skin_part(body, Material("skin", skin, roughness=0.55), clothes.hidden),
        _eyes_part(body, Material("eyes", eye_texture(rng, ancestry, hidden=glasses == "sunglasses"), roughness=0.2)),
        *clothes.parts,
    ]
    if not outfit.hat or outfit.hat.kind not in COVERING:
        parts += growth or hair_parts(rng, body, HAIR_STYLES[style], hair, clothes.surface, hat=outfit.hat is not None)
    parts += _head_wear(rng, body, outfit, library)
    carried, hands = _carried_parts(rng, body, outfit, clothes.surface)
    labels = {
        "gender": shape.gender,
        "age_group": shape.age_group,
        **clothes.labels,
        "hair_style": "other" if growth else style,
        "hair_color": hair_name,
        "beard": "none" if beard == 0 else "stubble" if beard < 0.5 else "full",
        "glasses": glasses,
        "hat": _kind(outfit.hat),
        "mask": _kind(outfit.mask),
        "scarf": outfit.scarf.name if outfit.scarf else "none",
        "gloves": outfit.gloves.name if outfit.gloves else "none",
        "bag": _kind(outfit.bag),
        "carried": _kind(outfit.load),
    }
    person = assemble(identity, labels, body, [*parts, *carried], hands)
    return replace(person, labels=visible_labels(person, labels))


def _kind(extra: Extra | None) -> str:
    return extra.kind if extra else "none"


def _head_wear(rng: np.random.Generator, body: Body, outfit: Outfit, library: Library | None) -> list[Part]:
    """Hat (some fedoras are the library's), mask and scarf."""
    parts: list[Part] = []
    if outfit.hat and outfit.hat.kind == "fedora" and library and library.hats and rng.random() < LIBRARY_SHARE:
        proxy = read_proxy(library.hats[int(rng.integers(len(library.hats)))])
        parts.append(proxy_part(proxy, *fit(proxy, body), "hat", outfit.hat.color))
    elif outfit.hat:
        parts += hat_parts(rng, body, outfit.hat.kind, outfit.hat.color)
    if outfit.mask:
        parts.append(mask_part(rng, body, outfit.mask.color))
    if outfit.scarf:
        wool = plain_texture(rng, outfit.scarf.color, size=64, grain=0.12)
        parts.append(neck_roll(body, Material("scarf", wool, roughness=0.95), 1.0))
    return parts


def _carried_parts(
    rng: np.random.Generator, body: Body, outfit: Outfit, surface: Floating
) -> tuple[list[Part], tuple[Hold | None, Hold | None]]:
    """Bag, load and phone, and what each hand holds."""
    parts: list[Part] = []
    hands: dict[str, Hold] = {}
    bag, load = outfit.bag, outfit.load
    if load and load.kind == "umbrella":
        parts, hold = umbrella_parts(rng, body, load.color, load.second, load.side)
        hands[load.side] = hold
    elif load:
        parts, hands = wheeled_parts(rng, body, load.kind, load.color, load.second, load.side)
    if bag:
        parts = [*parts, *bag_parts(rng, body, bag.kind, bag.color, surface, bag.side)]
        hands |= {side: Hold(bag.kind) for side in bag.side}
    free = [side for side in "LR" if side not in hands]
    if free and body.shape.years > PHONE_YEARS:
        parts = [*parts, *phone_parts(rng, body, free)]
    return parts, (hands.get("L"), hands.get("R"))


def _library_skin(
    rng: np.random.Generator, library: Library | None, shape: Shape, ancestry: str, made: NDArray[np.uint8]
) -> NDArray[np.uint8]:
    """A skin of the library for this sex and ancestry, in the made one's tone; the made one where there is none."""
    if library is None or rng.random() > LIBRARY_SHARE:
        return made
    stage = "old" if shape.years > 60 else "middleage" if shape.years > 38 else "young"
    folders = (f"{stage}_{ancestry}_{shape.gender}", f"young_{ancestry}_{shape.gender}")
    fitting = [path for name in folders for path in library.skins if path.parent.name.startswith(name)]
    if not fitting:
        return made
    image = skin_image(fitting[0])
    tone = np.median(made[::8, ::8, :3].reshape(-1, 3), axis=0) / np.median(image[::8, ::8, :3].reshape(-1, 3), axis=0)
    image[..., :3] = np.clip(image[..., :3] * (0.5 + 0.5 * tone), 0, 255)
    return image


def _library_hair(rng: np.random.Generator, library: Library, body: Body, color: Color) -> list[Part]:
    """Hair of the library, dyed; short for most men. Empty for those who keep the procedural one."""
    fitting = [path for path in library.hair if body.shape.gender == "female" or "short" in path.stem]
    if not fitting or rng.random() > LIBRARY_SHARE:
        return []
    proxy = read_proxy(fitting[int(rng.integers(len(fitting)))])
    return [proxy_part(proxy, *fit(proxy, body), "hair", color, cutout=True)]


_GLASSES_SHARES = {  # by season and whether old
    ("summer", False): {"none": 0.72, "glasses": 0.16, "sunglasses": 0.12},
    ("summer", True): {"none": 0.46, "glasses": 0.42, "sunglasses": 0.12},
    ("between", False): {"none": 0.78, "glasses": 0.17, "sunglasses": 0.05},
    ("between", True): {"none": 0.5, "glasses": 0.43, "sunglasses": 0.07},
    ("winter", False): {"none": 0.82, "glasses": 0.16, "sunglasses": 0.02},
    ("winter", True): {"none": 0.54, "glasses": 0.44, "sunglasses": 0.02},
}


def _arm_room(outfit: Outfit) -> float:
    """Space between arms and hips that the clothes need, meters."""
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


@functools.cache
def _split_skin() -> tuple[Int32, Floating, Int32]:
    """The body's vertices split at texture seams: source vertex, coordinates, triangles.

    The inside of the mouth is left out, and hands are thinned: they are a third of MakeHuman's faces.
    """
    data = body_data()
    quads, quad_uv = data.quads["body"], data.quad_uv["body"]
    middle = data.uv[quad_uv].mean(1)
    outside = ~((middle[:, 0] > 0.755) & (middle[:, 1] > 0.855))
    quads, quad_uv = quads[outside], quad_uv[outside]
    pairs = np.stack([quads, quad_uv], axis=2).reshape(-1, 2)
    unique, inverse = np.unique(pairs, axis=0, return_inverse=True)
    merged = _thinned(unique)[inverse].reshape(-1, 4)
    triangles = np.concatenate([merged[:, [0, 1, 2]], merged[:, [0, 2, 3]]])
    a, b, c = unique[triangles, 0].T
    triangles = triangles[(a != b) & (b != c) & (c != a)]
    return unique[:, 0].astype(np.int32), data.uv[unique[:, 1]], triangles.astype(np.int32)


def _thinned(pairs: NDArray[np.integer]) -> NDArray[np.intp]:
    """For each (vertex, coordinate) pair, the one that stands for all of its cell of ``HAND_CELL`` on a hand."""
    data = body_data()
    fingers = [name.startswith(("finger", "metacarpal")) for name in data.bone_names]
    hand = data.weights[pairs[:, 0]][:, fingers].sum(1) > 0.5
    place = np.floor(data.vertices[pairs[:, 0]] / HAND_CELL).astype(np.int64)
    key = np.column_stack([place, np.where(hand, -1, np.arange(len(pairs)))])
    _, first, cell = np.unique(key, axis=0, return_index=True, return_inverse=True)
    return np.asarray(first[cell.ravel()])


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
