"""From joint angles to bones that stand on the ground with their hands on what they hold: a Warp kernel over poses."""

# Warp types kernels, not Python:
# mypy: disable-error-code="no-untyped-def, no-untyped-call, valid-type, untyped-decorator"
# mypy: disable-error-code="no-any-return, operator, index"

from __future__ import annotations

import functools
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import warp as wp
from numpy.typing import NDArray

from closerlook.arrays import Floating
from closerlook.compute.kernels import KERNEL_OPTIONS, warp_array
from closerlook.synthesis.humans.pose.rig import BONES, GROUND, SHOWN, bone_index, parents
from closerlook.synthesis.humans.pose.skinning import Flesh

__all__ = ["GONE", "TILTED", "UPRIGHT", "PoseTargets", "solve_poses"]


wp.set_module_options(KERNEL_OPTIONS)

PHONE_TILT = 50.0  # degrees that a phone's upper end leans away
# How a thing of SHOWN is in hand: shrunk to a point, as it was made, as a phone is held.
GONE, UPRIGHT, TILTED = 0, 1, 2

_PHONE_TILT = wp.constant(PHONE_TILT)
_TILTED = wp.constant(TILTED)
_GROUND = wp.constant(bone_index(GROUND))
_FIRST_SHOWN, _SHOWN = wp.constant(bone_index(SHOWN[0])), wp.constant(len(SHOWN))
_ARM = ("shoulder01", "upperarm01", "lowerarm01", "wrist", "grip")
_ARMS = np.array([[bone_index(f"{bone}.{side}") for bone in _ARM] for side in "LR"], np.int32)


@dataclass(frozen=True)
class PoseTargets:
    """What the bones of p poses of one person are solved for, besides the person.

    Attributes:
        angles: (p, b, 3) turns of every bone about the world's x, then z, then y axis of the rest pose, degrees.
        heading: (p,) of the whole person, to their left, degrees.
        swing: (p,) of what hangs from the hands, degrees.
        reach: (p, 2, 4) where the (left, right) hand has to be, as in ``mesh.Hold``, and 1; all 0 where it is free.
        shown: (p, 6) how each of ``SHOWN`` is in hand: GONE, UPRIGHT or TILTED.
    """

    angles: Floating = field(repr=False)
    heading: Floating = field(repr=False)
    swing: Floating = field(repr=False)
    reach: Floating = field(repr=False)
    shown: NDArray[np.integer] = field(repr=False)


def solve_poses(flesh: Flesh, targets: PoseTargets) -> tuple[Any, NDArray[np.float32]]:
    """The bones' transforms, a (p, b) Warp array of 4 x 4 matrices, and where their heads come to, (p, b, 3).

    The lowest sole is at y = 0 and the pelvis above the origin. What hangs or is shown in hand keeps upright.
    """
    shape = (len(targets.heading), len(BONES))
    transforms = wp.empty(shape, dtype=wp.mat44, device="cpu")
    joints = np.empty((*shape, 3), np.float32)
    numbers = [targets.angles, targets.heading, targets.swing, targets.reach]
    types = (wp.vec3, float, float, wp.vec4)
    inputs = [
        *(flesh.heads, *_rig(), flesh.soles, flesh.sole_bones, flesh.sole_weights),
        *(warp_array(np.asarray(values, np.float32), dtype) for values, dtype in zip(numbers, types, strict=True)),
        *(warp_array(targets.shown.astype(np.int32), int), transforms, warp_array(joints, wp.vec3)),
    ]
    wp.launch(_solve, dim=shape[0], inputs=inputs, device="cpu")
    return transforms, joints


@functools.cache
def _rig() -> tuple[Any, Any]:
    """Each bone's parent, and the numbers of the arms' bones."""
    return warp_array(parents(), int), warp_array(_ARMS, int)


@wp.func
def about_y(degrees: float) -> wp.mat33:
    c = wp.cos(wp.radians(degrees))
    s = wp.sin(wp.radians(degrees))
    return wp.mat33(c, 0.0, s, 0.0, 1.0, 0.0, -s, 0.0, c)


@wp.func
def about_x(degrees: float) -> wp.mat33:
    c = wp.cos(wp.radians(degrees))
    s = wp.sin(wp.radians(degrees))
    return wp.mat33(1.0, 0.0, 0.0, 0.0, c, -s, 0.0, s, c)


@wp.func
def about_z(degrees: float) -> wp.mat33:
    c = wp.cos(wp.radians(degrees))
    s = wp.sin(wp.radians(degrees))
    return wp.mat33(c, -s, 0.0, s, c, 0.0, 0.0, 0.0, 1.0)


@wp.func
def turned(degrees: wp.vec3) -> wp.mat33:
    """Turns about x, then z, then y."""
    return about_y(degrees[1]) * about_z(degrees[2]) * about_x(degrees[0])


@wp.func
def moved(turn: wp.mat33, start: wp.vec3, end: wp.vec3) -> wp.mat44:
    """A turn that brings one point to another."""
    o = end - turn * start
    return wp.mat44(
        turn[0, 0], turn[0, 1], turn[0, 2], o[0],
        turn[1, 0], turn[1, 1], turn[1, 2], o[1],
        turn[2, 0], turn[2, 1], turn[2, 2], o[2],
        0.0, 0.0, 0.0, 1.0,
    )  # fmt: skip


@wp.func
def turn_of(m: wp.mat44) -> wp.mat33:
    return wp.mat33(m[0, 0], m[0, 1], m[0, 2], m[1, 0], m[1, 1], m[1, 2], m[2, 0], m[2, 1], m[2, 2])


@wp.func
def height_by(m: wp.mat44, p: wp.vec3) -> float:
    return m[1, 0] * p[0] + m[1, 1] * p[1] + m[1, 2] * p[2] + m[1, 3]


@wp.func
def height(place: wp.vec3, bones: wp.vec4i, weights: wp.vec4, transforms: wp.array(dtype=wp.mat44)) -> float:
    """Above the ground, of a bent vertex."""
    y = weights[0] * height_by(transforms[bones[0]], place)
    for k in range(1, 4):
        if weights[k] > 0.0:
            y += weights[k] * height_by(transforms[bones[k]], place)
    return y


@wp.func
def lowest(
    places: wp.array(dtype=wp.vec3),
    bones: wp.array(dtype=wp.vec4i),
    weights: wp.array(dtype=wp.vec4),
    transforms: wp.array(dtype=wp.mat44),
) -> float:
    """The height of the lowest of some vertices."""
    minimum = height(places[0], bones[0], weights[0], transforms)
    for s in range(1, places.shape[0]):
        minimum = wp.min(minimum, height(places[s], bones[s], weights[s], transforms))
    return minimum


@wp.func
def aligned(source: wp.vec3, target: wp.vec3) -> wp.mat33:
    """The smallest rotation that turns one direction into another, which is not its opposite."""
    a = wp.normalize(source)
    b = wp.normalize(target)
    cross = wp.skew(wp.cross(a, b))
    return wp.identity(n=3, dtype=float) + cross + cross * cross * (1.0 / (1.0 + wp.dot(a, b)))


@wp.func
def reach(
    transforms: wp.array(dtype=wp.mat44),
    heads: wp.array(dtype=wp.vec3),
    arm: wp.array(dtype=int),
    side: float,
    aim: wp.vec3,
):
    """Bend one arm so that its grip comes to ``aim``, or as near as it goes, the elbow low and outside."""
    upper = arm[1]
    lower = arm[2]
    grip = arm[4]
    shoulder = wp.transform_point(transforms[upper], heads[upper])
    a = wp.length(heads[lower] - heads[upper])
    b = wp.length(heads[grip] - heads[lower])
    way = wp.normalize(aim - shoulder)
    far = wp.clamp(wp.length(aim - shoulder), wp.abs(a - b) + 0.02, 0.995 * (a + b))
    along = (a * a - b * b + far * far) / (2.0 * far)
    outside = turn_of(transforms[0]) * wp.vec3(0.35 * side, -1.0, -0.35)
    outside = wp.normalize(outside - way * wp.dot(outside, way))
    elbow = shoulder + along * way + wp.sqrt(wp.max(a * a - along * along, 0.0)) * outside
    turn = turn_of(transforms[arm[0]])
    turn = aligned(turn * (heads[lower] - heads[upper]), elbow - shoulder) * turn
    transforms[upper] = moved(turn, heads[upper], shoulder)
    turn = aligned(turn * (heads[grip] - heads[lower]), shoulder + far * way - elbow) * turn
    transforms[lower] = moved(turn, heads[lower], elbow)
    transforms[arm[3]] = transforms[lower]
    transforms[grip] = transforms[lower]


@wp.kernel
def _solve(
    heads: wp.array(dtype=wp.vec3),
    parents: wp.array(dtype=int),
    arms: wp.array2d(dtype=int),
    soles: wp.array(dtype=wp.vec3),
    sole_bones: wp.array(dtype=wp.vec4i),
    sole_weights: wp.array(dtype=wp.vec4),
    angles: wp.array2d(dtype=wp.vec3),
    headings: wp.array(dtype=float),
    swings: wp.array(dtype=float),
    reaches: wp.array2d(dtype=wp.vec4),
    shown: wp.array2d(dtype=int),
    all_transforms: wp.array2d(dtype=wp.mat44),
    joints: wp.array2d(dtype=wp.vec3),
):
    p = wp.tid()
    transforms = all_transforms[p]
    for k in range(heads.shape[0]):
        transform = moved(turned(angles[p, k]), heads[k], heads[k])
        if parents[k] >= 0:
            transform = transforms[parents[k]] * transform
        transforms[k] = transform
    pelvis = wp.transform_point(transforms[0], heads[0])
    pelvis = wp.vec3(pelvis[0], lowest(soles, sole_bones, sole_weights, transforms), pelvis[2])
    facing = about_y(headings[p])
    transforms[_GROUND] = moved(facing, heads[_GROUND], pelvis)
    hanging = facing * about_x(swings[p])
    for s in range(2):
        r = reaches[p, s]
        if r[3] > 0.0:
            reach(transforms, heads, arms[s], 1.0 - 2.0 * float(s), pelvis + facing * wp.vec3(r[0], r[1], r[2]))
        grip = arms[s, 4]
        transforms[grip] = moved(hanging, heads[grip], wp.transform_point(transforms[grip], heads[grip]))
    for t in range(_SHOWN):
        k = _FIRST_SHOWN + t
        grip = arms[t % 2, 4]
        way = facing * float(wp.min(shown[p, t], 1))
        if shown[p, t] == _TILTED:
            way = facing * about_x(_PHONE_TILT)
        transforms[k] = moved(way, heads[k], wp.transform_point(transforms[grip], heads[grip]))
    for k in range(heads.shape[0]):
        transform = transforms[k]
        for axis in range(3):
            transform[axis, 3] = transform[axis, 3] - pelvis[axis]
        transforms[k] = transform
        joints[p, k] = wp.transform_point(transform, heads[k])
