"""Thin surfaces that garments and hair are cut from: triangles with per-vertex values that cutting interpolates."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from closerlook.arrays import Floating, Int32

__all__ = ["Sheet", "boundary_edges", "loops", "split_quads", "vertex_normals"]


def split_quads(quads: Int32) -> Int32:
    """Two triangles a quad, (2q, 3)."""
    return np.concatenate([quads[:, [0, 1, 2]], quads[:, [0, 2, 3]]])


def vertex_normals(positions: Floating, triangles: Int32) -> Floating:
    """Area-weighted unit normals, (v, 3)."""
    a, b, c = (positions[triangles[:, k]] for k in range(3))
    faces = np.cross(b - a, c - a)
    corners = triangles.T.ravel()
    summed = np.stack([np.bincount(corners, np.tile(faces[:, axis], 3), len(positions)) for axis in range(3)], axis=1)
    length = np.linalg.norm(summed, axis=1, keepdims=True)
    return np.asarray(summed / np.maximum(length, 1e-12), np.float32)


@dataclass(frozen=True)
class Sheet:
    """Triangles and the values at their vertices.

    Attributes:
        triangles: (t, 3) vertex numbers.
        values: arrays with one row per vertex; ``position`` (n, 3) and ``weights`` (n, b) always, and whatever
            cutting needs.
    """

    triangles: Int32 = field(repr=False)
    values: Mapping[str, Floating] = field(repr=False)

    def __len__(self) -> int:
        return len(self.values["position"])

    @property
    def position(self) -> Floating:
        return self.values["position"]

    def with_values(self, **values: Floating) -> Sheet:
        """The same triangles with some values replaced or added."""
        return replace(self, values={**self.values, **values})

    def faces(self, keep: NDArray[np.bool_]) -> Sheet:
        """Only the triangles for which ``keep`` (t,) holds, without the vertices that nothing uses any more."""
        triangles = self.triangles[keep]
        used, renumbered = np.unique(triangles, return_inverse=True)
        values = {name: value[used] for name, value in self.values.items()}
        return Sheet(renumbered.reshape(-1, 3).astype(np.int32), values)

    def clip(self, level: Floating) -> Sheet:
        """The part where ``level`` (n,), linear over each triangle, is positive: cut exactly along its zero line."""
        return self._cut(level, both=False)

    def divide(self, level: Floating) -> Sheet:
        """The whole sheet with its triangles cut along the zero line of ``level``, so that none lies on both sides."""
        return self._cut(level, both=True)

    def _cut(self, level: Floating, *, both: bool) -> Sheet:
        level = np.where(np.abs(level) < 1e-6, -1e-6, level)
        inside = level[self.triangles] > 0
        count = inside.sum(1)
        crossing = (count == 1) | (count == 2)
        mixed, signs = self.triangles[crossing], inside[crossing]
        lone_inside = signs.sum(1) == 1
        lone = np.where(lone_inside, signs.argmax(1), (~signs).argmax(1))
        a, b, c = np.take_along_axis(mixed, (lone[:, None] + np.arange(3)) % 3, 1).T
        edges = np.sort(np.stack([np.stack([a, b], 1), np.stack([a, c], 1)]).reshape(-1, 2), axis=1)
        unique, which = np.unique(edges, axis=0, return_inverse=True)
        ab, ac = len(self) + which.reshape(2, -1)
        tips = np.stack([a, ab, ac], 1)[lone_inside | both]
        rest = ~lone_inside | both
        trunks = np.concatenate([np.stack([ab, b, c], 1)[rest], np.stack([ab, c, ac], 1)[rest]])
        whole = self.triangles[(count == 3) | (both & (count == 0))]
        triangles = np.concatenate([whole, tips, trunks]).astype(np.int32)
        start, end = unique.T
        share = (level[start] / (level[start] - level[end]))[:, None].astype(np.float32)
        values = {}
        for name, value in self.values.items():
            flat = value.reshape(len(value), -1)
            cut = flat[start] * (1 - share) + flat[end] * share
            values[name] = np.concatenate([flat, cut]).reshape(-1, *value.shape[1:]).astype(np.float32)
        return Sheet(triangles, values).faces(np.ones(len(triangles), bool))

    def turn_in(self, depth: float) -> Sheet:
        """Every open edge folded inwards by ``depth``, against the normals: thickness at hems and rims."""
        edges = boundary_edges(self.triangles)
        normals = vertex_normals(self.position, self.triangles)
        rim, renumbered = np.unique(edges, return_inverse=True)
        start, end = len(self) + renumbered.reshape(-1, 2).T
        lip = np.concatenate([np.stack([edges[:, 0], start, end], 1), np.stack([edges[:, 0], end, edges[:, 1]], 1)])
        values = {name: np.concatenate([value, value[rim]]) for name, value in self.values.items()}
        values["position"][len(self) :] -= depth * normals[rim]
        return Sheet(np.concatenate([self.triangles, lip]).astype(np.int32), values)


def boundary_edges(triangles: Int32) -> Int32:
    """(e, 2) directed edges that only one triangle has, in that triangle's direction."""
    edges = np.concatenate([triangles[:, [0, 1]], triangles[:, [1, 2]], triangles[:, [2, 0]]]).astype(np.int64)
    size = int(edges.max(initial=0)) + 1
    key, reverse = edges[:, 0] * size + edges[:, 1], edges[:, 1] * size + edges[:, 0]
    return edges[~np.isin(key, reverse)].astype(np.int32)


def loops(edges: Int32) -> list[Int32]:
    """Directed boundary edges chained into closed loops of vertices, the longest first."""
    following = {int(a): int(b) for a, b in edges}
    loops: list[Int32] = []
    while following:
        start, here = following.popitem()
        loop = [start]
        while here != start and here in following:
            loop.append(here)
            here = following.pop(here)
        loops.append(np.array(loop, np.int32))
    return sorted(loops, key=len, reverse=True)
