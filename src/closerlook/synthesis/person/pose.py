"""Poses: a parametric gait, standing, a phone in the hand; and putting a person into one."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from closerlook.synthesis.person.mesh import Person, PosedPerson
from closerlook.synthesis.person.rig import GRIPS, chain, rotate

__all__ = ["Pose", "pose_person", "sample_pose"]

Float = NDArray[np.floating]

# Joint angles of level walking in degrees over one cycle from heel strike, flexion positive (after D. A. Winter,
# Biomechanics and Motor Control of Human Movement).
_CYCLE = np.array([0.0, 0.08, 0.15, 0.3, 0.42, 0.52, 0.62, 0.72, 0.85, 0.95])
_HIP = np.array([28.0, 26.0, 20.0, 4.0, -7.0, -11.0, -3.0, 17.0, 30.0, 29.0])
_KNEE = np.array([4.0, 14.0, 18.0, 7.0, 5.0, 13.0, 42.0, 62.0, 28.0, 4.0])
_ANKLE = np.array([0.0, -6.0, -1.0, 7.0, 10.0, 4.0, -17.0, -4.0, 2.0, 1.0])
_TOES = np.array([0.0, 0.0, 0.0, 0.0, 12.0, 26.0, 14.0, 0.0, 0.0, 0.0])


@dataclass(frozen=True)
class Pose:
    """How a person holds their body at one moment. Angles in degrees.

    Attributes:
        phase: place in the gait cycle, 0 to 1; at 0 the left heel strikes.
        stride: 0 stands, 1 walks at an ordinary pace, 1.3 hurries.
        arm_swing: how far the arms swing, 1 ordinary.
        lean: of the trunk, forwards.
        heading: of the whole person, to their left.
        look: turn of the head to its left, and its nod downwards.
        lift: forward lift of the (left, right) upper arm above its swing.
        elbow: bend of the (left, right) elbow above its swing.
        shift: weight on one leg when standing, -1 right to 1 left.
    """

    phase: float = 0.0
    stride: float = 0.0
    arm_swing: float = 1.0
    lean: float = 1.0
    heading: float = 0.0
    look: tuple[float, float] = (0.0, 0.0)
    lift: tuple[float, float] = (0.0, 0.0)
    elbow: tuple[float, float] = (0.0, 0.0)
    shift: float = 0.0


def sample_pose(rng: np.random.Generator) -> Pose:
    """A pose of somebody on a street: most walk, some stand or wait, a few look at a phone."""
    walking = rng.random() < 0.82
    phone = rng.random() < 0.08
    hand = int(rng.integers(2))
    lift, elbow = np.zeros(2), np.abs(rng.normal(3, 3, 2))
    if phone:
        lift[hand], elbow[hand] = rng.uniform(22, 38), rng.uniform(78, 100)
    elif rng.random() < 0.08:
        elbow[hand] += rng.uniform(20, 70)
    return Pose(
        phase=float(rng.random()),
        stride=float(np.clip(rng.normal(0.95, 0.17), 0.5, 1.35)) if walking else 0.0,
        arm_swing=float(np.clip(rng.normal(0.85, 0.3), 0.1, 1.6)) if walking else 0.0,
        lean=float(rng.normal(2.5 if walking else 0.5, 1.5)),
        heading=float(rng.normal(0, 6)),
        look=(float(rng.normal(0, 9)), float(rng.normal(26, 5) if phone else rng.normal(2, 5))),
        lift=(float(lift[0]), float(lift[1])),
        elbow=(float(elbow[0]), float(elbow[1])),
        shift=float(rng.uniform(-1, 1)),
    )


def _rotations(pose: Pose) -> dict[str, Float]:
    """Bone name to rotation about the world's axes of the rest pose."""
    wave = np.cos(2 * np.pi * pose.phase)
    stance = (1 - min(pose.stride, 1.0)) * pose.shift
    turns: dict[str, Float] = {
        "root": rotate("y", pose.heading) @ rotate("y", -4 * pose.stride * wave) @ rotate("z", -2.5 * stance),
        "spine05": rotate("z", 1.5 * stance) @ rotate("y", 3 * pose.stride * wave) @ rotate("x", 0.4 * pose.lean),
        "spine03": rotate("z", 1.5 * stance) @ rotate("y", 4 * pose.stride * wave) @ rotate("x", 0.4 * pose.lean),
        "spine02": rotate("y", 2 * pose.stride * wave),
        "neck01": rotate("y", 0.4 * pose.look[0] - 4 * pose.stride * wave) @ rotate("x", 0.45 * pose.look[1]),
        "head": rotate("y", 0.6 * pose.look[0]) @ rotate("x", 0.55 * pose.look[1] - 0.6 * pose.lean),
    }
    for k, (side, sign) in enumerate((("L", 1.0), ("R", -1.0))):
        phase = (pose.phase + 0.5 * k) % 1.0
        hip, knee, ankle, toes = (
            float(np.interp(phase, _CYCLE, curve, period=1.0)) * pose.stride for curve in (_HIP, _KNEE, _ANKLE, _TOES)
        )
        relaxed = max(0.0, -sign * stance)
        hip, knee = hip + 9 * relaxed, knee + 16 * relaxed
        turns[f"upperleg01.{side}"] = rotate("z", 2.5 * stance + sign * (1.5 * relaxed)) @ rotate("x", -hip)
        turns[f"lowerleg01.{side}"] = rotate("x", knee)
        turns[f"foot.{side}"] = rotate("x", -ankle - 7 * relaxed)
        turns[f"toe1-1.{side}"] = rotate("x", -toes)
        swing = -pose.arm_swing * pose.stride * (17 * np.cos(2 * np.pi * phase)) + 3 * pose.stride + pose.lift[k]
        forwards = max(0.0, float(-np.cos(2 * np.pi * phase)))
        bend = pose.elbow[k] + pose.arm_swing * pose.stride * (6 + 14 * forwards)
        inwards = float(np.clip((bend - 30) / 60, 0, 1)) * 22
        turns[f"upperarm01.{side}"] = rotate("x", -swing)
        turns[f"lowerarm01.{side}"] = rotate("y", -sign * inwards) @ rotate("x", -bend)
    return turns


def pose_person(person: Person, pose: Pose) -> PosedPerson:
    """Bend a person into a pose (linear blend skinning), feet on y = 0 and the pelvis above the origin."""
    skeleton = person.skeleton
    index = {name: i for i, name in enumerate(skeleton.names)}
    turns = {index[name]: turn for name, turn in _rotations(pose).items()}
    transforms = chain(skeleton.heads, skeleton.parents, turns)
    for grip in GRIPS:
        _let_hang(transforms[index[grip]], skeleton.heads[index[grip]], pose)
    rows = transforms.reshape(len(transforms), 12)
    blended = person.weights[:, :1] * rows[person.bones[:, 0]]
    for k in range(1, person.bones.shape[1]):
        blended += person.weights[:, k, None] * rows[person.bones[:, k]]
    x, y, z = person.positions.T
    positions = np.empty_like(person.positions)
    for axis in range(3):
        m = blended[:, 4 * axis : 4 * axis + 4]
        positions[:, axis] = m[:, 0] * x + m[:, 1] * y + m[:, 2] * z + m[:, 3]
    joints = np.einsum("bij,bj->bi", transforms[:, :, :3], skeleton.heads) + transforms[:, :, 3]
    shift = np.array([joints[0, 0], positions[:, 1].min(), joints[0, 2]], np.float32)
    positions -= shift
    return PosedPerson(positions, _smooth_normals(person, positions), (joints - shift).astype(np.float32))


def _let_hang(transform: Float, grip: Float, pose: Pose) -> None:
    """What a hand holds turns with the person but hangs down, whatever the arm does."""
    held = transform[:, :3] @ grip + transform[:, 3]
    transform[:, :3] = rotate("y", pose.heading)
    transform[:, 3] = held - transform[:, :3] @ grip


def _smooth_normals(person: Person, positions: Float) -> Float:
    """Area-weighted unit normals, the same for vertices that share a ``smooth`` number."""
    a, b, c = (positions[person.triangles[:, k]] for k in range(3))
    e, f = b - a, c - a
    faces = np.empty_like(e)
    for i, j, k in ((0, 1, 2), (1, 2, 0), (2, 0, 1)):
        faces[:, i] = e[:, j] * f[:, k] - e[:, k] * f[:, j]
    groups = person.smooth[person.triangles]
    size = int(person.smooth.max()) + 1
    summed = np.empty((size, 3))
    for axis in range(3):
        column = faces[:, axis]
        summed[:, axis] = sum(np.bincount(groups[:, k], column, size) for k in range(3))
    length = np.sqrt((summed * summed).sum(1, keepdims=True))
    summed[length[:, 0] < 1e-30] = (0, 1, 0)  # folded onto itself: any direction will do
    unit = (summed / np.where(length < 1e-30, 1, length)).astype(np.float32)
    return np.asarray(unit[person.smooth])
