"""Poses: a parametric gait, standing and waiting, a phone, a hand in the pocket; and putting a person into one."""

from __future__ import annotations

import bisect
import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from closerlook.arrays import Floating
from closerlook.synthesis.humans.mesh.mesh import Person, PosedBatch, PosedPerson
from closerlook.synthesis.humans.pose.rig import BONES, SHOWN, bone_index
from closerlook.synthesis.humans.pose.skinning import bend, flesh_of
from closerlook.synthesis.humans.pose.solver import GONE, TILTED, UPRIGHT, PoseTargets, solve_poses

__all__ = ["Pose", "pose_batch", "pose_person", "sample_pose"]


# Joint angles of level walking in degrees over one cycle from heel strike, flexion positive (after D. A. Winter,
# Biomechanics and Motor Control of Human Movement). The last place is the first again.
_CYCLE = np.array([0.0, 0.08, 0.15, 0.3, 0.42, 0.52, 0.62, 0.72, 0.85, 0.95, 1.0])
_HIP = np.array([28.0, 26.0, 20.0, 4.0, -7.0, -11.0, -3.0, 17.0, 30.0, 29.0, 28.0])
_KNEE = np.array([4.0, 14.0, 18.0, 7.0, 5.0, 13.0, 42.0, 62.0, 28.0, 4.0, 4.0])
_ANKLE = np.array([0.0, -6.0, -1.0, 7.0, 10.0, 4.0, -17.0, -4.0, 2.0, 1.0, 0.0])
_TOES = np.array([0.0, 0.0, 0.0, 0.0, 12.0, 26.0, 14.0, 0.0, 0.0, 0.0, 0.0])
SWAY = 5.0  # degrees that hanging bags swing at an ordinary pace
SHELTERING = 0.5  # share of poses in which who carries an umbrella has it open


@dataclass(frozen=True)
class Pose:
    """How a person holds their body at one moment. Angles in degrees.

    Attributes:
        phase: place in the gait cycle, 0 to 1; at 0 the left heel strikes.
        stride: length of the steps; 0 stands, 1 is ordinary.
        speed: of the walk, 1 ordinary: who hurries bends knees and elbows more, turns the hips and leans forwards.
        arm_swing: how far the arms swing, 1 ordinary.
        lean: of the trunk, forwards.
        heading: of the whole person, to their left.
        look: turn of the head to its left, and its nod downwards.
        lift: forward lift of the (left, right) upper arm above its swing, if that hand is free.
        elbow: bend of the (left, right) elbow above its swing, if that hand is free.
        shift: weight on one leg when standing, -1 right to 1 left.
        apart: each leg's turn outwards when standing.
        phone: the hand that is bent most, if free, holds a phone.
        sheltering: who carries an umbrella has it open; a scene may ask for it by its weather.
    """

    phase: float = 0.0
    stride: float = 0.0
    speed: float = 1.0
    arm_swing: float = 1.0
    lean: float = 1.0
    heading: float = 0.0
    look: tuple[float, float] = (0.0, 0.0)
    lift: tuple[float, float] = (0.0, 0.0)
    elbow: tuple[float, float] = (0.0, 0.0)
    shift: float = 0.0
    apart: float = 0.0
    phone: bool = False
    sheltering: bool = False


# Of each gesture: its share, lift of the upper arm from and to, bend of the elbow from and to.
_GESTURES: dict[str, tuple[float, tuple[float, float], tuple[float, float]]] = {
    "none": (0.78, (0, 0), (0, 0)),
    "phone": (0.09, (20, 36), (78, 102)),
    "pocket": (0.06, (-20, -12), (34, 46)),
    "bent": (0.07, (0, 6), (20, 70)),
}


_UP_TO = list(itertools.accumulate(share for share, _, _ in _GESTURES.values()))[:-1]


def sample_pose(rng: np.random.Generator) -> Pose:
    """A pose of somebody on a street: most walk, some stand or wait, a few look at a phone or have a hand in a pocket.

    Who it is plays no part.
    """
    # In two draws: a draw of one number takes longer than what is done with it.
    stroll, doing, side, both, high, far, phase, shift, apart, open_sky = rng.random(10).tolist()
    left, right, pace, step, arms, upright, heading, aside, down = rng.standard_normal(9).tolist()
    walking = stroll < 0.78
    gesture = list(_GESTURES)[bisect.bisect_right(_UP_TO, doing)]
    _, lifted, bent = _GESTURES[gesture]
    lift, elbow = [0.0, 0.0], [abs(4 + 4 * left), abs(4 + 4 * right)]
    for hand in (0, 1) if gesture == "pocket" and both < 0.4 else (int(2 * side),):
        lift[hand] += lifted[0] + (lifted[1] - lifted[0]) * high
        elbow[hand] += bent[0] + (bent[1] - bent[0]) * far
    speed = min(max(1.0 + 0.16 * pace, 0.65), 1.6)
    return Pose(
        phase=phase,
        stride=min(max(0.4 + 0.55 * speed + 0.12 * step, 0.45), 1.35) if walking else 0.0,
        speed=speed,
        arm_swing=min(max(0.9 + 0.32 * arms, 0.1), 1.7),
        lean=(2.5 if walking else 0.5) + 1.7 * upright,
        heading=6 * heading,
        look=((9 if walking else 22) * aside, (26 if gesture == "phone" else 2) + 5 * down),
        lift=(lift[0], lift[1]),
        elbow=(elbow[0], elbow[1]),
        shift=2 * shift - 1,
        apart=5 * apart,
        phone=gesture == "phone",
        sheltering=open_sky < SHELTERING,
    )


def pose_person(person: Person, pose: Pose) -> PosedPerson:
    """Bend a person into a pose; see :func:`pose_batch`."""
    return pose_batch(person, [pose])[0]


def pose_batch(person: Person, poses: Sequence[Pose]) -> PosedBatch:
    """Bend a person into poses (linear blend skinning), feet on y = 0 and the pelvis above the origin.

    Hands that hold something are where that is; gestures are left to free hands. What rolls beside the person stays on
    the ground. A pose comes out the same, bit for bit, in any batch.
    """
    flesh, of = flesh_of(person), _columns(poses)
    reach, shown = _reach(person, of), _shown(person, of)
    swing = SWAY * of["stride"] * np.sin(4 * np.pi * of["phase"])
    transforms, joints = solve_poses(flesh, PoseTargets(_angles(person, of), of["heading"], swing, reach, shown))
    return PosedBatch(*bend(flesh, transforms), joints, tuple(_labels(row) for row in shown.tolist()))


def _columns(poses: Sequence[Pose]) -> dict[str, Floating]:
    """Each field of Pose as (p,) float64, or (2, p) where it has two numbers."""
    return {part.name: np.array([getattr(pose, part.name) for pose in poses], float).T for part in fields(Pose)}


def _angles(person: Person, of: Mapping[str, Floating]) -> Floating:
    """(p, b, 3) turns of every bone about the world's x, y and z axes of the rest pose, degrees."""
    phase, stride, speed, heading = (of[name] for name in ("phase", "stride", "speed", "heading"))
    hurry = np.maximum(0.0, stride * (speed - 1))
    twist = stride * np.cos(2 * np.pi * phase) * (0.4 + 0.6 * speed)
    still = 1 - np.minimum(stride, 1.0)
    hip_shift, lean = still * of["shift"], of["lean"] + 5 * hurry
    turned, nod = of["look"]
    zero = np.zeros_like(phase)
    turns = {
        "root": (zero, heading - 4 * twist, -2.5 * hip_shift),
        "spine05": (0.4 * lean, 3 * twist, 1.5 * hip_shift),
        "spine03": (0.4 * lean, 4 * twist, 1.5 * hip_shift),
        "spine02": (zero, 2 * twist, zero),
        "neck01": (0.45 * nod, 0.4 * turned - 4 * twist, zero),
        "head": (0.55 * nod - 0.6 * lean, 0.6 * turned, zero),
    }
    lift, elbow, share = _free_arms(person, of)
    for k, (side, sign) in enumerate((("L", 1.0), ("R", -1.0))):
        place = (phase + 0.5 * k) % 1.0
        hip, knee, ankle, toes = (stride * np.interp(place, _CYCLE, curve) for curve in (_HIP, _KNEE, _ANKLE, _TOES))
        higher = 30 * hurry * np.interp(place, (0.5, 0.72, 0.95), (0, 1, 0))  # the knee of the leg in the air
        relaxed, spread = np.maximum(0.0, -sign * hip_shift), sign * still * of["apart"]
        back = np.cos(2 * np.pi * place)  # an arm swings against the leg of its side
        swing = of["arm_swing"] * stride * share[k]
        bent = elbow[k] + swing * (6 + 14 * np.maximum(0.0, -back) + 25 * hurry)
        inwards = 22 * np.clip((bent - 50) / 40, 0, 1)
        turns |= {
            f"upperleg01.{side}": (-hip - 9 * relaxed, zero, 2.5 * hip_shift + sign * 1.5 * relaxed + spread),
            f"lowerleg01.{side}": (knee + higher + 16 * relaxed, zero, zero),
            f"foot.{side}": (-ankle - 7 * relaxed, zero, -spread),
            f"toe1-1.{side}": (-toes, zero, zero),
            f"upperarm01.{side}": (17 * swing * back - 3 * stride - lift[k], zero, zero),
            f"lowerarm01.{side}": (-bent, -sign * inwards, zero),
        }
    angles = np.zeros((len(phase), len(BONES), 3))
    angles[:, [bone_index(name) for name in turns]] = np.array(list(turns.values())).transpose(2, 0, 1)
    return angles


def _free_arms(person: Person, of: Mapping[str, Floating]) -> tuple[Floating, Floating, Floating]:
    """The arms' lift, elbow bend and share of the swing, each (2, p); a gesture goes to the other hand where its own is
    busy."""
    lift, elbow = of["lift"], of["elbow"]
    busy = np.array([hold is not None for hold in person.hands])[:, None]
    if busy.any() and not busy.all():
        changed = busy[:, 0][np.argmax(elbow, axis=0)]
        lift, elbow = (np.where(changed, each[::-1], each) for each in (lift, elbow))
    calm = np.clip(1.2 - elbow / 60, 0.1, 1)  # a bent arm hardly swings
    return np.where(busy, 0, lift), np.where(busy, np.minimum(elbow, 12), elbow), np.where(busy, 0.45, calm)


def _reach(person: Person, of: Mapping[str, Floating]) -> Floating:
    """Where each hand has to be, as in :class:`PoseTargets`."""
    reach = np.zeros((len(of["phase"]), 2, 4))
    for side, hold in enumerate(person.hands):
        if hold and hold.reach:
            reach[:, side] = (*hold.reach, 1.0)
            if hold.kind == "umbrella":
                reach[of["sheltering"] == 0, side] = 0.0
    return reach


def _shown(person: Person, of: Mapping[str, Floating]) -> NDArray[np.int32]:
    """(p, 6) how each of ``SHOWN`` is in hand, as in :class:`PoseTargets`."""
    shown = np.full((len(of["phase"]), len(SHOWN)), GONE, np.int32)
    for side, hold in zip("LR", person.hands, strict=True):
        if hold and hold.kind == "umbrella":
            sheltering = of["sheltering"] != 0
            shown[:, SHOWN.index(f"open.{side}")] = np.where(sheltering, UPRIGHT, GONE)
            shown[:, SHOWN.index(f"folded.{side}")] = np.where(sheltering, GONE, UPRIGHT)
    if any(material.name == "phone" for material in person.materials):
        hand = np.argmax(_free_arms(person, of)[1], axis=0)
        for number, side in enumerate("LR"):
            if person.hands[number] is None:
                calling = (of["phone"] != 0) & (hand == number)
                shown[:, SHOWN.index(f"phone.{side}")] = np.where(calling, TILTED, GONE)
    return shown


def _labels(shown: Sequence[int]) -> dict[str, str]:
    """What a row of :func:`_shown` says in words."""
    things = [thing.partition(".")[0] for thing, how in zip(SHOWN, shown, strict=True) if how != GONE]
    return {
        "phone": "yes" if "phone" in things else "no",
        "umbrella": next((thing for thing in things if thing != "phone"), "none"),
    }
