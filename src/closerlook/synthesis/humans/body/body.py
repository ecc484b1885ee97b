"""Body shapes: who walks down a street, and the standing body that follows from it."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from closerlook.arrays import Floating
from closerlook.synthesis.humans.body.assets import BodyData, body_data
from closerlook.synthesis.humans.population import Population
from closerlook.synthesis.humans.pose.rig import ADDED, BONES, GRIPS, SHOWN, align, chain, full_bone_map, rotate, skin

__all__ = ["Body", "Shape", "build_body", "sample_shape"]


ANCESTRIES = ("african", "asian", "caucasian")
PALM = 0.043  # from the wrist to what a hand holds, as a share of the stature


@dataclass(frozen=True)
class Shape:
    """A body in MakeHuman's macro parameters, all between 0 and 1, and what they stand for.

    Attributes:
        female: 1 female, 0 male body.
        years: age in years.
        stature: meters.
        muscle, weight, proportions, cup: MakeHuman's parameters; 0.5 is average.
        ancestry: the shares of the three ancestries that MakeHuman mixes; sum to 1.
        details: weights of local targets.
    """

    female: float
    years: float
    stature: float
    muscle: float
    weight: float
    proportions: float
    cup: float
    ancestry: Mapping[str, float]
    details: Mapping[str, float]

    @property
    def gender(self) -> str:
        return "female" if self.female > 0.5 else "male"

    @property
    def age_group(self) -> str:
        """``child`` below 13, ``teenager`` below 19, ``adult`` below 62, ``elderly``."""
        bounds = ((13, "child"), (19, "teenager"), (62, "adult"))
        return next((name for bound, name in bounds if self.years < bound), "elderly")


@dataclass(frozen=True)
class Body:
    """A body standing upright with its arms hanging, in MakeHuman's vertex numbering.

    Attributes:
        shape: what it was built from.
        positions: (v, 3) meters, soles at y = 0.
        heads: (b, 3) heads of the short rig's bones.
        weights: (v, b) dense weights on the short rig.
        unposed: (v, 3) the same body in MakeHuman's own pose, meters but not scaled to the stature.
        transforms: (f, 3, 4) what takes each bone of the full rig from that pose to standing.
    """

    shape: Shape
    positions: Floating = field(repr=False)
    heads: Floating = field(repr=False)
    weights: Floating = field(repr=False)
    unposed: Floating = field(repr=False)
    transforms: Floating = field(repr=False)

    def stand(self, unposed: Floating, weights: Floating) -> Floating:
        """Take points fitted to the unposed body, with dense weights on the full rig, to the standing one."""
        return np.asarray(skin(unposed, weights, self.transforms), np.float32)

    def head(self, bone: str) -> Floating:
        """Where a bone begins."""
        return np.asarray(self.heads[BONES.index(bone)])


def sample_shape(rng: np.random.Generator, population: Population | None = None) -> Shape:
    """A body drawn from correlated distributions by a population's shares; weight grows with age."""
    population = population or Population()
    female = bool(rng.random() < population.female)
    children, elderly = population.children, population.elderly
    group = rng.choice(3, p=(children, elderly, 1 - children - elderly))
    years = (rng.uniform(6, 13), rng.uniform(62, 85), 13 + 48.5 * rng.beta(1.3, 2.0))[group]
    shares = np.array([getattr(population, name) for name in ANCESTRIES])
    main = ANCESTRIES[rng.choice(3, p=shares / shares.sum())]
    mixture = rng.dirichlet([6.0 if name == main else 0.35 for name in ANCESTRIES])
    middle_age = np.clip((years - 20) / 40, 0, 1)
    # Weight over what a height lets expect is skewed: a few are much heavier, nobody much lighter.
    weight = np.clip(rng.normal(0.36 + 0.12 * middle_age, 0.15) + rng.exponential(0.14), 0.05, 1.0)
    muscle = np.clip(rng.normal(0.52 - 0.1 * female - 0.12 * (years > 62), 0.12) + 0.2 * (weight - 0.5), 0.15, 0.9)
    stature = _mean_stature(female, years) - 0.035 * (main == "asian") + 0.04 * rng.normal() * min(years / 12, 1.6)
    details = {
        f"head/head-{rng.choice(['oval', 'round', 'square', 'rectangular'])}": rng.uniform(0, 0.8),
        "nose/nose-scale-horiz-incr": rng.uniform(0, 0.6),
        "nose/nose-scale-depth-incr": rng.uniform(0, 0.5),
        "chin/chin-width-incr": rng.uniform(0, 0.4 if female else 0.8),
        "hip/hip-scale-horiz-incr": rng.uniform(0, 0.5) * female,
        "torso/torso-vshape-incr": rng.uniform(0, 0.5) * (not female) * (years > 15),
        "stomach/stomach-pregnant-incr": max(0.0, rng.normal(0.1, 0.25)) * (weight > 0.55) * (years > 30),
    }
    return Shape(
        female=float(np.clip(rng.normal(0.94 if female else 0.06, 0.05), 0, 1)),
        years=float(years),
        stature=float(stature),
        muscle=float(muscle),
        weight=float(weight),
        proportions=float(rng.uniform(0.35, 0.75)),
        cup=float(np.clip(rng.normal(0.45 + 0.3 * (weight - 0.5), 0.18), 0.05, 0.95)),
        ancestry={name: float(share) for name, share in zip(ANCESTRIES, mixture, strict=True)},
        details={name: float(value) for name, value in details.items() if value > 0},
    )


def _mean_stature(female: bool, years: float) -> float:
    """Mean stature in meters by sex and age (after the WHO growth references; adults shrink after 55)."""
    ages = (2, 6, 10, 13, 15, 18, 55, 85)
    meters = (
        (0.86, 1.15, 1.38, 1.56, 1.61, 1.64, 1.64, 1.57) if female else (0.87, 1.16, 1.38, 1.56, 1.69, 1.77, 1.77, 1.70)
    )
    return float(np.interp(years, ages, meters))


def build_body(shape: Shape, arm_room: float = 0.01) -> Body:
    """Blend the targets, scale to the stature, and let the body stand with hanging arms and relaxed hands.

    ``arm_room`` is the extra space in meters between arms and hips that clothes need.
    """
    data = body_data()
    chosen = target_weights(shape, data)
    rows = np.array(list(chosen), np.intp)
    values = np.array(list(chosen.values()), np.float32)
    blended = np.concatenate([data.vertices, data.heads])
    for row, value in zip(rows, values, strict=True):
        blended += value * data.targets[row].astype(np.float32)
    positions, heads = blended[: len(data.vertices)], blended[len(data.vertices) :]
    transforms = chain(heads, data.parents, _stance(positions, heads, data, arm_room))
    standing = skin(positions, data.weights, transforms)
    low, high = (float(f(standing[_body_vertices(), 1])) for f in (np.min, np.max))
    transforms[:, 1, 3] -= low
    transforms *= shape.stature / (high - low)
    standing = (standing - np.array([0, low, 0], np.float32)) * np.float32(shape.stature / (high - low))
    heads = np.einsum("bij,bj->bi", transforms[:, :, :3], heads) + transforms[:, :, 3]
    short = [heads[data.bone_names.index(name)] for name in BONES if name not in ADDED]
    for grip in GRIPS:
        wrist, elbow = (short[BONES.index(f"{bone}.{grip[-1]}")] for bone in ("wrist", "lowerarm01"))
        short.append(wrist + PALM * shape.stature * (wrist - elbow) / np.linalg.norm(wrist - elbow))
    short.append(short[0] * np.array([1, 0, 1], np.float32))
    short += [short[BONES.index(f"grip.{thing[-1]}")] for thing in SHOWN]
    return Body(shape, standing, np.array(short, np.float32), short_weights(), positions, transforms)


@functools.cache
def short_weights() -> Floating:
    """(v, b) weights of all vertices on the short rig."""
    data = body_data()
    summed = np.zeros((len(BONES), len(data.vertices)), np.float32)
    np.add.at(summed, full_bone_map(), data.weights.T)
    return np.ascontiguousarray(summed.T)


@functools.cache
def _body_vertices() -> NDArray[np.int32]:
    return np.unique(body_data().quads["body"])


def target_weights(shape: Shape, data: BodyData) -> dict[int, float]:
    """The rows of ``data.targets`` that make this shape, with their weights (MakeHuman's macro scheme)."""
    sexes = {"female": shape.female, "male": 1 - shape.female}
    ages = _between(shape.years, {1: "baby", 9.5: "child", 20: "young", 90: "old"})
    muscles = _between(shape.muscle, {0: "minmuscle", 0.5: "averagemuscle", 1: "maxmuscle"})
    weights = _between(shape.weight, {0: "minweight", 0.5: "averageweight", 1: "maxweight"})
    signed = {
        "proportions": (
            shape.proportions,
            "macrodetails/proportions/{}-uncommonproportions",
            "macrodetails/proportions/{}-idealproportions",
        ),
        "cup": (shape.cup, "breast/{}-mincup-averagefirmness", "breast/{}-maxcup-averagefirmness"),
    }
    named: dict[str, float] = dict(shape.details)
    for (race, a), (sex, b), (age, c) in itertools.product(shape.ancestry.items(), sexes.items(), ages.items()):
        named[f"macrodetails/{race}-{sex}-{age}"] = a * b * c
    for (sex, a), (age, b), (muscle, c), (weight, d) in itertools.product(
        sexes.items(), ages.items(), muscles.items(), weights.items()
    ):
        key, share = f"{sex}-{age}-{muscle}-{weight}", a * b * c * d
        named[f"macrodetails/universal-{key}"] = share
        for value, low, high in signed.values():
            named[(low if value < 0.5 else high).format(key)] = share * abs(value - 0.5) * 2
    index = data.target_index
    return {index[name]: value for name, value in named.items() if value > 1e-3 and name in index}


def _between(value: float, anchors: Mapping[float, str]) -> dict[str, float]:
    """Linear weights of the two anchors around a value."""
    places = list(anchors)
    value = min(max(value, places[0]), places[-1])
    above = next(i for i in range(1, len(places)) if value <= places[i])
    low, high = places[above - 1], places[above]
    share = (value - low) / (high - low)
    return {anchors[low]: 1 - share, anchors[high]: share}


def _stance(positions: Floating, heads: Floating, data: BodyData, room: float) -> Floating:
    """Rotations that take MakeHuman's A-pose to standing: arms hang beside the hips, palms inwards, fingers curled."""
    turns: dict[str, Floating] = {}

    def at(name: str) -> Floating:
        return np.asarray(heads[data.bone_names.index(name)])

    def aim(bone: str, tip: str, above: Floating, direction: tuple[float, float, float]) -> Floating:
        """Turn ``bone`` so that it points in a direction of the world, below a parent turned by ``above``."""
        turns[bone] = align(at(tip) - at(bone), above.T @ np.array(direction, np.float32))
        return above @ turns[bone]

    hips = positions[data.quads["helper-tights"]].reshape(-1, 3)
    level = at("pelvis.L")[1]
    hip_half_width = np.abs(hips[np.abs(hips[:, 1] - level) < 0.08][:, 0]).max()
    for side, sign in (("L", 1.0), ("R", -1.0)):
        upper, lower, hand = f"upperarm01.{side}", f"lowerarm01.{side}", f"wrist.{side}"
        length = np.linalg.norm(at(hand) - at(lower)) + np.linalg.norm(at(lower) - at(upper))
        outwards = (hip_half_width + 0.035 + room - np.abs(at(upper)[0])) / length
        slope = float(np.clip(outwards, 0.07, 0.4))
        drop = np.degrees(np.arctan2(sign * (at(hand) - at(upper))[0], -(at(hand) - at(upper))[1]))
        turns[f"clavicle.{side}"] = rotate("z", -sign * 0.07 * drop)
        turns[f"shoulder01.{side}"] = rotate("z", -sign * 0.12 * drop)
        shoulder = turns[f"clavicle.{side}"] @ turns[f"shoulder01.{side}"]
        arm = aim(upper, lower, shoulder, (sign * (slope + 0.05), -1.0, -0.07))
        forearm = aim(lower, hand, arm, (sign * max(slope - 0.05, 0.02), -1.0, 0.16))
        axis, across = at(hand) - at(lower), at(f"finger2-1.{side}") - at(f"finger5-1.{side}")
        twist = _twist(forearm @ axis, forearm @ across, np.array((-sign * 0.35, 0.0, 1.0), np.float32))
        half = _about(axis, 0.5 * twist)
        turns[f"lowerarm02.{side}"] = half
        turns[hand] = half @ align(at(f"finger3-1.{side}") - at(hand), axis + 0.15 * (at(lower) - at(hand)))
        for finger in range(1, 6):
            knuckle, tip = at(f"finger{finger}-1.{side}"), at(f"finger{finger}-3.{side}")
            curl = _about(across if finger > 1 else tip - knuckle, -sign * (14.0 + 4 * finger if finger > 1 else 8.0))
            for joint in (1, 2, 3):
                turns[f"finger{finger}-{joint}.{side}"] = curl
        leg = at(f"foot.{side}") - at(f"upperleg01.{side}")
        spread = np.degrees(np.arctan2(sign * leg[0], -leg[1]))
        turns[f"upperleg01.{side}"] = rotate("z", -sign * (spread - 1.0))
        turns[f"foot.{side}"] = rotate("z", sign * (spread - 1.0))
    rotations = np.tile(np.eye(3, dtype=np.float32), (len(heads), 1, 1))
    for name, turn in turns.items():
        rotations[data.bone_names.index(name)] = turn
    return rotations


def _about(axis: Floating, degrees: float) -> Floating:
    """Rotation about any axis (Rodrigues)."""
    x, y, z = axis / np.linalg.norm(axis)
    cross = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]], np.float32)
    angle = np.radians(degrees)
    return np.asarray(np.eye(3) + np.sin(angle) * cross + (1 - np.cos(angle)) * cross @ cross, np.float32)


def _twist(axis: Floating, across: Floating, wanted: Floating) -> float:
    """The angle in degrees about ``axis`` that turns ``across`` as near as possible to ``wanted``."""
    axis = axis / np.linalg.norm(axis)
    a, b = across - axis * (across @ axis), wanted - axis * (wanted @ axis)
    return float(np.degrees(np.arctan2(axis @ np.cross(a, b), a @ b)))
