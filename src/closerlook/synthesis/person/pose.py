"""Poses: a parametric gait, standing and waiting, a phone, a hand in the pocket; and putting a person into one."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from closerlook.synthesis.person.mesh import Person, PosedPerson
from closerlook.synthesis.person.rig import BONES, GRIPS, GROUND, SHOWN, align, chain, parents, rotate, turn
from closerlook.synthesis.person.skinning import bend, flesh_of, lowest

__all__ = ["Pose", "pose_person", "sample_pose"]

Float = NDArray[np.floating]

# Joint angles of level walking in degrees over one cycle from heel strike, flexion positive (after D. A. Winter,
# Biomechanics and Motor Control of Human Movement). The last place is the first again.
_CYCLE = np.array([0.0, 0.08, 0.15, 0.3, 0.42, 0.52, 0.62, 0.72, 0.85, 0.95, 1.0])
_HIP = np.array([28.0, 26.0, 20.0, 4.0, -7.0, -11.0, -3.0, 17.0, 30.0, 29.0, 28.0])
_KNEE = np.array([4.0, 14.0, 18.0, 7.0, 5.0, 13.0, 42.0, 62.0, 28.0, 4.0, 4.0])
_ANKLE = np.array([0.0, -6.0, -1.0, 7.0, 10.0, 4.0, -17.0, -4.0, 2.0, 1.0, 0.0])
_TOES = np.array([0.0, 0.0, 0.0, 0.0, 12.0, 26.0, 14.0, 0.0, 0.0, 0.0, 0.0])
SWAY = 5.0  # degrees that hanging bags swing at an ordinary pace
SHELTERING = 0.5  # share of poses in which who carries an umbrella has it open
PHONE_TILT = 50.0  # degrees that a phone's upper end leans away
_INDEX = {name: k for k, name in enumerate(BONES)}


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


_SHARES = np.cumsum([share for share, _, _ in _GESTURES.values()])


def sample_pose(rng: np.random.Generator) -> Pose:
    """A pose of somebody on a street: most walk, some stand or wait, a few look at a phone or have a hand in a pocket.

    Who it is plays no part.
    """
    walking = bool(rng.random() < 0.78)
    gesture = list(_GESTURES)[int(np.searchsorted(_SHARES, rng.random(), side="right"))]
    _, lifted, bent = _GESTURES[gesture]
    hand = int(rng.integers(2))
    hands = [0, 1] if gesture == "pocket" and rng.random() < 0.4 else [hand]
    lift, elbow = np.zeros(2), np.abs(rng.normal(4, 4, 2))
    lift[hands] += rng.uniform(*lifted)
    elbow[hands] += rng.uniform(*bent)
    speed = min(max(rng.normal(1.0, 0.16), 0.65), 1.6)
    return Pose(
        phase=float(rng.random()),
        stride=min(max(rng.normal(0.4 + 0.55 * speed, 0.12), 0.45), 1.35) if walking else 0.0,
        speed=speed,
        arm_swing=min(max(rng.normal(0.9, 0.32), 0.1), 1.7),
        lean=float(rng.normal(2.5 if walking else 0.5, 1.7)),
        heading=float(rng.normal(0, 6)),
        look=(
            float(rng.normal(0, 9 if walking else 22)),
            float(rng.normal(26, 5) if gesture == "phone" else rng.normal(2, 5)),
        ),
        lift=(float(lift[0]), float(lift[1])),
        elbow=(float(elbow[0]), float(elbow[1])),
        shift=float(rng.uniform(-1, 1)),
        apart=float(rng.uniform(0, 5)),
        phone=gesture == "phone",
        sheltering=bool(rng.random() < SHELTERING),
    )


def pose_person(person: Person, pose: Pose) -> PosedPerson:
    """Bend a person into a pose (linear blend skinning), feet on y = 0 and the pelvis above the origin.

    Hands that hold something are where that is; gestures are left to free hands. What rolls beside the person stays on
    the ground.
    """
    heads, flesh = person.skeleton.heads, flesh_of(person)
    transforms = chain(heads, parents(), turn(_angles(pose, person)))
    ground = lowest(flesh, transforms)
    facing = rotate("y", pose.heading)
    pelvis = _place(transforms, heads, "root")
    pelvis[1] = ground
    _stand(transforms, heads, GROUND, pelvis, facing)
    for side, hold in zip("LR", person.hands, strict=True):
        if hold and hold.reach and (hold.kind != "umbrella" or pose.sheltering):
            _reach(transforms, heads, side, pelvis + facing @ np.array(hold.reach, np.float32))
    hanging = facing @ rotate("x", SWAY * pose.stride * np.sin(4 * np.pi * pose.phase))
    for grip in GRIPS:
        _stand(transforms, heads, grip, _place(transforms, heads, grip), hanging)
    shown = _in_hand(pose, person)
    for thing in SHOWN:
        there = _place(transforms, heads, f"grip.{thing[-1]}")
        _stand(transforms, heads, thing, there, shown.get(thing, np.zeros((3, 3), np.float32)) @ facing)
    transforms[:, :, 3] -= pelvis
    positions, normals = bend(flesh, transforms)
    joints = np.einsum("bij,bj->bi", transforms[:, :, :3], heads) + transforms[:, :, 3]
    labels = {
        "phone": "yes" if any(thing.startswith("phone") for thing in shown) else "no",
        "umbrella": next((thing[:-2] for thing in shown if thing.startswith(("open", "folded"))), "none"),
    }
    return PosedPerson(positions, normals, joints.astype(np.float32), labels)


def _angles(pose: Pose, person: Person) -> Float:
    """(b, 3) turns of every bone about the world's x, y and z axes of the rest pose, degrees."""
    wave = np.cos(2 * np.pi * pose.phase)
    hurry = max(0.0, pose.stride * (pose.speed - 1))
    twist = pose.stride * wave * (0.4 + 0.6 * pose.speed)
    still = 1 - min(pose.stride, 1.0)
    stance, lean = still * pose.shift, pose.lean + 5 * hurry
    turned, nod = pose.look
    turns = {
        "root": (0, pose.heading - 4 * twist, -2.5 * stance),
        "spine05": (0.4 * lean, 3 * twist, 1.5 * stance),
        "spine03": (0.4 * lean, 4 * twist, 1.5 * stance),
        "spine02": (0, 2 * twist, 0),
        "neck01": (0.45 * nod, 0.4 * turned - 4 * twist, 0),
        "head": (0.55 * nod - 0.6 * lean, 0.6 * turned, 0),
    }
    phases = np.array([pose.phase, pose.phase + 0.5]) % 1.0
    gait = [pose.stride * np.interp(phases, _CYCLE, curve) for curve in (_HIP, _KNEE, _ANKLE, _TOES)]
    higher = 30 * hurry * np.interp(phases, (0.5, 0.72, 0.95), (0, 1, 0))  # the knee of the leg in the air
    lift, elbow, share = _free_arms(pose, person)
    for k, (side, sign) in enumerate((("L", 1.0), ("R", -1.0))):
        hip, knee, ankle, toes = (float(angle[k]) for angle in gait)
        relaxed, spread = max(0.0, -sign * stance), sign * still * pose.apart
        back = np.cos(2 * np.pi * phases[k])  # an arm swings against the leg of its side
        swing = pose.arm_swing * pose.stride * share[k]
        bent = elbow[k] + swing * (6 + 14 * max(0.0, -back) + 25 * hurry)
        inwards = 22 * min(max((bent - 50) / 40, 0), 1)
        turns |= {
            f"upperleg01.{side}": (-hip - 9 * relaxed, 0, 2.5 * stance + sign * 1.5 * relaxed + spread),
            f"lowerleg01.{side}": (knee + higher[k] + 16 * relaxed, 0, 0),
            f"foot.{side}": (-ankle - 7 * relaxed, 0, -spread),
            f"toe1-1.{side}": (-toes, 0, 0),
            f"upperarm01.{side}": (17 * swing * back - 3 * pose.stride - lift[k], 0, 0),
            f"lowerarm01.{side}": (-bent, -sign * inwards, 0),
        }
    angles = np.zeros((len(BONES), 3))
    angles[[_INDEX[name] for name in turns]] = list(turns.values())
    return angles


def _free_arms(pose: Pose, person: Person) -> tuple[Float, Float, Float]:
    """The arms' lift, elbow bend and share of the swing; a gesture goes to the other hand where its own is busy."""
    lift, elbow = np.array(pose.lift), np.array(pose.elbow)
    busy = np.array([hold is not None for hold in person.hands])
    if busy[np.argmax(elbow)] and not busy.all():
        lift, elbow = lift[::-1], elbow[::-1]
    calm = np.clip(1.2 - elbow / 60, 0.1, 1)  # a bent arm hardly swings
    return np.where(busy, 0, lift), np.where(busy, np.minimum(elbow, 12), elbow), np.where(busy, 0.45, calm)


def _in_hand(pose: Pose, person: Person) -> dict[str, Float]:
    """What of ``SHOWN`` is to be seen in this pose, and how it is turned; all else shrinks to a point in the hand."""
    things: dict[str, Float] = {}
    for side, hold in zip("LR", person.hands, strict=True):
        if hold and hold.kind == "umbrella":
            things[f"{'open' if pose.sheltering else 'folded'}.{side}"] = np.eye(3, dtype=np.float32)
    hand = int(np.argmax(_free_arms(pose, person)[1]))
    if pose.phone and person.hands[hand] is None and any(material.name == "phone" for material in person.materials):
        things[f"phone.{'LR'[hand]}"] = rotate("y", pose.heading) @ rotate("x", PHONE_TILT) @ rotate("y", -pose.heading)
    return things


def _place(transforms: Float, heads: Float, bone: str) -> Float:
    """Where a bone's head has come to."""
    k = _INDEX[bone]
    return np.asarray(transforms[k, :, :3] @ heads[k] + transforms[k, :, 3])


def _stand(transforms: Float, heads: Float, bone: str, place: Float, facing: Float) -> None:
    """Move a bone to a place and keep it upright, facing where the person does, whatever the bones above it do."""
    k = _INDEX[bone]
    transforms[k, :, :3] = facing
    transforms[k, :, 3] = place - facing @ heads[k]


def _reach(transforms: Float, heads: Float, side: str, aim: Float) -> None:
    """Bend one arm so that its grip comes to ``aim``, or as near as it goes, the elbow low and outside."""
    upper, lower, grip = (_INDEX[f"{bone}.{side}"] for bone in ("upperarm01", "lowerarm01", "grip"))
    shoulder = _place(transforms, heads, f"upperarm01.{side}")
    a, b = (float(np.linalg.norm(heads[tip] - heads[bone])) for tip, bone in ((lower, upper), (grip, lower)))
    way = aim - shoulder
    far = min(max(float(np.linalg.norm(way)), abs(a - b) + 0.02), 0.995 * (a + b))
    way = way / np.linalg.norm(way)
    along = (a * a - b * b + far * far) / (2 * far)
    outside = transforms[0, :, :3] @ np.array([0.35 if side == "L" else -0.35, -1.0, -0.35], np.float32)
    outside = outside - way * (outside @ way)
    elbow = shoulder + along * way + np.sqrt(max(a * a - along * along, 0.0)) * outside / np.linalg.norm(outside)
    turned = transforms[_INDEX[f"shoulder01.{side}"], :, :3]
    for bone, tip, start, end in ((upper, lower, shoulder, elbow), (lower, grip, elbow, shoulder + far * way)):
        turned = align(turned @ (heads[tip] - heads[bone]), end - start) @ turned
        transforms[bone, :, :3] = turned
        transforms[bone, :, 3] = start - turned @ heads[bone]
    transforms[[_INDEX[f"wrist.{side}"], grip]] = transforms[lower]
