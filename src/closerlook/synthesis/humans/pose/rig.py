"""Bones: the short rig that poses a person, rotations, and linear blend skinning."""

from __future__ import annotations

import functools

import numpy as np
from numpy.typing import NDArray

from closerlook.arrays import Floating
from closerlook.synthesis.humans.body.assets import body_data

__all__ = [
    "ADDED",
    "BONES",
    "GRIPS",
    "GROUND",
    "SHOWN",
    "align",
    "bone_index",
    "chain",
    "full_bone_map",
    "parents",
    "rotate",
    "skin",
    "top_four",
]


_SIDE = ("clavicle", "shoulder01", "upperarm01", "lowerarm01", "wrist", "upperleg01", "lowerleg01", "foot", "toe1-1")
GRIPS = ("grip.L", "grip.R")  # where hands hold things: below the wrists, not in MakeHuman's rig
GROUND = "ground"  # what rolls or stands beside the person
SHOWN = tuple(f"{thing}.{side}" for thing in ("open", "folded", "phone") for side in "LR")  # in hand in some poses only
ADDED = (*GRIPS, GROUND, *SHOWN)
BONES: tuple[str, ...] = (
    "root",
    *("spine05", "spine04", "spine03", "spine02", "spine01", "neck01", "head"),
    *(f"{name}.{side}" for side in "LR" for name in _SIDE),
    *ADDED,
)


def _short_ancestor(bone: int) -> str:
    """The nearest bone of the short rig at or above a bone of the full rig; all toes move as one."""
    data = body_data()
    here = bone
    while (name := data.bone_names[here]) not in BONES:
        if name.startswith("toe"):
            return f"toe1-1.{name[-1]}"
        here = int(data.parents[here])
    return name


@functools.cache
def full_bone_map() -> NDArray[np.intp]:
    """For each bone of the full rig, the bone of the short rig that it moves with."""
    return np.array([BONES.index(_short_ancestor(b)) for b in range(len(body_data().bone_names))])


@functools.cache
def parents() -> NDArray[np.int32]:
    """The parent of each bone of the short rig, -1 for the root."""
    data = body_data()
    above = [int(data.parents[data.bone_names.index(name)]) for name in BONES if name not in ADDED]
    known = [BONES.index(_short_ancestor(p)) if p >= 0 else -1 for p in above]
    return np.array([*known, *(BONES.index(f"wrist.{name[-1]}") for name in GRIPS), -1, *(-1 for _ in SHOWN)], np.int32)


def bone_index(name: str) -> int:
    """The number of a bone of the short rig."""
    return BONES.index(name)


def rotate(axis: str, degrees: float) -> Floating:
    """The rotation about a world axis, right-handed."""
    c, s = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    i, j = {"x": (1, 2), "y": (2, 0), "z": (0, 1)}[axis]
    matrix = np.eye(3, dtype=np.float32)
    matrix[i, i] = matrix[j, j] = c
    matrix[i, j], matrix[j, i] = -s, s
    return matrix


def align(source: Floating, target: Floating) -> Floating:
    """The smallest rotation that turns one direction into another."""
    a, b = source / np.linalg.norm(source), target / np.linalg.norm(target)
    axis, cosine = np.cross(a, b), float(a @ b)
    if cosine < -0.99999:
        raise ValueError("opposite directions have no smallest rotation between them")
    x, y, z = axis
    cross = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]], np.float32)
    return np.asarray(np.eye(3) + cross + cross @ cross / (1 + cosine), np.float32)


def chain(heads: Floating, parents: NDArray[np.int32], rotations: Floating) -> Floating:
    """Each bone's transform, (b, 3, 4), where bones rotate about their heads, on top of their parents.

    Rotations (b, 3, 3) are given about the world's axes of the rest pose.
    """
    transforms = np.zeros((len(heads), 4, 4), np.float32)
    transforms[:, :3, :3] = rotations
    transforms[:, :3, 3] = heads - np.einsum("bij,bj->bi", rotations, heads)
    transforms[:, 3, 3] = 1
    for bone, parent in enumerate(parents.tolist()):
        if parent >= 0:
            transforms[bone] = transforms[parent] @ transforms[bone]
    return transforms[:, :3]


def skin(positions: Floating, weights: Floating, transforms: Floating) -> Floating:
    """Linear blend skinning with dense weights: (n, 3), (n, b), (b, 3, 4) -> (n, 3)."""
    blended = (weights @ transforms.reshape(len(transforms), 12)).reshape(-1, 3, 4)
    return np.asarray(np.einsum("nij,nj->ni", blended[:, :, :3], positions) + blended[:, :, 3])


def top_four(weights: Floating) -> tuple[NDArray[np.int32], Floating]:
    """The four strongest bones of each row of dense weights, renormalized."""
    bones = np.argpartition(-weights, 3, axis=1)[:, :4]
    kept = np.take_along_axis(weights, bones, 1)
    return bones.astype(np.int32), (kept / np.maximum(kept.sum(1, keepdims=True), 1e-9)).astype(np.float32)
