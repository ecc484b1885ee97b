"""Putting a person together: parts with dense weights become one mesh with materials and four bones a vertex."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from closerlook.arrays import Floating, Int32
from closerlook.synthesis.humans.body.body import Body
from closerlook.synthesis.humans.mesh.mesh import Hold, Material, Person, Skeleton
from closerlook.synthesis.humans.pose.rig import BONES, GROUND, SHOWN, parents, top_four

__all__ = ["Part", "assemble", "rigid"]


@dataclass(frozen=True)
class Part:
    """One surface with one material.

    Attributes:
        material: how it looks.
        positions, uv, triangles: the surface.
        weights: (n, b) dense weights on the short rig.
        smooth: (n,) vertices with one number share a normal; ``None`` merges vertices at the same place.
    """

    material: Material
    positions: Floating = field(repr=False)
    uv: Floating = field(repr=False)
    triangles: Int32 = field(repr=False)
    weights: Floating = field(repr=False)
    smooth: Int32 | None = field(default=None, repr=False)


def rigid(count: int, **shares: float) -> Floating:
    """Weights of ``count`` vertices that all move with the same bones; ``__`` in a name stands for a dot."""
    weights = np.zeros((count, len(BONES)), np.float32)
    for name, share in shares.items():
        weights[:, BONES.index(name.replace("__", "."))] = share
    return weights


def assemble(
    identity: int,
    labels: Mapping[str, str],
    body: Body,
    parts: Sequence[Part],
    hands: tuple[Hold | None, Hold | None] = (None, None),
) -> Person:
    """Join the parts into a person whose (left, right) hand holds ``hands``; what is only at hand comes last."""
    parts = sorted(parts, key=_at_hand)
    starts = np.cumsum([0, *(len(part.positions) for part in parts)])
    groups, base = [], 0
    for part in parts:
        smooth = _same_place(part.positions) if part.smooth is None else part.smooth
        groups.append(smooth + base)
        base += int(smooth.max()) + 1
    bones, weights = top_four(np.concatenate([part.weights for part in parts]))
    return Person(
        identity=identity,
        labels=labels,
        positions=np.concatenate([part.positions for part in parts]).astype(np.float32),
        smooth=np.concatenate(groups).astype(np.int32),
        uv=np.concatenate([part.uv for part in parts]).astype(np.float32),
        bones=bones,
        weights=weights,
        triangles=np.concatenate([part.triangles + start for part, start in zip(parts, starts, strict=False)]).astype(
            np.int32
        ),
        materials_of=np.concatenate([np.full(len(part.triangles), k, np.int32) for k, part in enumerate(parts)]),
        materials=tuple(part.material for part in parts),
        skeleton=Skeleton(BONES, parents(), body.heads),
        hands=hands,
        body_vertices=sum(len(part.positions) for part in parts if not _at_hand(part)),
    )


_LOOSE = [BONES.index(name) for name in (GROUND, *SHOWN)]


def _at_hand(part: Part) -> bool:
    """Whether a part is neither of the body nor worn."""
    return bool(part.weights[0, _LOOSE].any())


def _same_place(positions: Floating) -> Int32:
    places = np.round(positions * 1e5).astype(np.int64)
    return np.unique(places, axis=0, return_inverse=True)[1].astype(np.int32).ravel()
