"""What a person is to the renderer: skinned triangles with materials, and the skeleton that poses them.

Coordinates are meters, right-handed, y up; the person faces +z with +x at their left. UV origin is the image's upper
left corner, v downwards.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from closerlook.arrays import Float32, Int32

__all__ = ["Hold", "Material", "Person", "PosedBatch", "PosedPerson", "Skeleton"]


@dataclass(frozen=True)
class Material:
    """How a surface looks.

    Attributes:
        name: what it is (``skin``, ``hair``, ``upper``, ``lower``, ``shoes``, ``backpack``, ...).
        texture: (h, w, 4) uint8, sRGB and alpha; square with a power of two as its side.
        roughness: GGX roughness, 0 mirror to 1 chalk.
        cutout: alpha below one half is a hole (hair cards, hems cut in texture space).
        two_sided: back faces are drawn too, with the normal turned to the viewer.
        relief: name of the wrinkles that tilt its normals, see :func:`clothing.fabric.relief_texture`; empty if smooth
        bump: slope of its steepest wrinkles.
    """

    name: str
    texture: NDArray[np.uint8] = field(repr=False)
    roughness: float = 0.85
    cutout: bool = False
    two_sided: bool = False
    relief: str = ""
    bump: float = 0.0


@dataclass(frozen=True)
class Skeleton:
    """The bones of one body.

    Attributes:
        names: bone names, parents before children.
        parents: (b,) index of each bone's parent, -1 for roots.
        heads: (b, 3) position of each bone's head in the rest pose, meters.
    """

    names: tuple[str, ...]
    parents: Int32 = field(repr=False)
    heads: Float32 = field(repr=False)


@dataclass(frozen=True)
class Hold:
    """What a hand is busy with.

    Attributes:
        kind: what it holds (``handbag``, ``umbrella``, ...).
        reach: where the hand stays: meters to the person's left of the pelvis, above the ground, before the pelvis;
            ``None`` where the thing just hangs from the hand.
    """

    kind: str
    reach: tuple[float, float, float] | None = None


@dataclass(frozen=True, eq=False)
class Person:
    """One identity in the rest pose, ready to be posed and rendered.

    Attributes:
        identity: the number that names this person within a seed.
        labels: identity-level attributes (gender, age_group, upper_type, upper_color, ...), from what was built.
        positions: (v, 3) rest-pose vertices. Vertices are split at texture seams.
        smooth: (v,) vertices with the same number share one smooth normal.
        uv: (v, 2) texture coordinates.
        bones, weights: (v, 4) the four bones that move each vertex and their weights (rows sum to 1).
        triangles: (t, 3) vertex numbers, counter-clockwise seen from outside.
        materials_of: (t,) index into ``materials`` for each triangle.
        materials: the surfaces.
        skeleton: the bones.
        body_vertices: how many vertices, from the first, belong to the body and what it wears; things at hand come
            after them. A detector's box holds these.
        hands: what the (left, right) hand holds; ``None`` where it is free.
    """

    identity: int
    labels: Mapping[str, str]
    positions: Float32 = field(repr=False)
    smooth: Int32 = field(repr=False)
    uv: Float32 = field(repr=False)
    bones: Int32 = field(repr=False)
    weights: Float32 = field(repr=False)
    triangles: Int32 = field(repr=False)
    materials_of: Int32 = field(repr=False)
    materials: tuple[Material, ...] = field(repr=False)
    skeleton: Skeleton = field(repr=False)
    body_vertices: int
    hands: tuple[Hold | None, Hold | None] = (None, None)


@dataclass(frozen=True)
class PosedPerson:
    """A person in a pose, standing on y = 0 with the pelvis above the origin.

    Attributes:
        positions: (v, 3) meters.
        normals: (v, 3) unit length, smooth over texture seams.
        joints: (b, 3) the bones' heads, posed.
        labels: what only this pose shows: ``phone`` (yes, no) and ``umbrella`` (open, folded, none).
    """

    positions: Float32 = field(repr=False)
    normals: Float32 = field(repr=False)
    joints: Float32 = field(repr=False)
    labels: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class PosedBatch:
    """One person in several poses; ``batch[k]`` is the person in one of them.

    Attributes:
        positions, normals: (p, v, 3) as in PosedPerson.
        joints: (p, b, 3) the bones' heads, posed.
        labels: of each pose.
    """

    positions: Float32 = field(repr=False)
    normals: Float32 = field(repr=False)
    joints: Float32 = field(repr=False)
    labels: tuple[Mapping[str, str], ...]

    @classmethod
    def from_posed(cls, posed: PosedPerson) -> PosedBatch:
        """A batch of one."""
        return cls(posed.positions[None], posed.normals[None], posed.joints[None], (posed.labels,))

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, number: int) -> PosedPerson:
        return PosedPerson(self.positions[number], self.normals[number], self.joints[number], self.labels[number])
