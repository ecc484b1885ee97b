"""Simple surfaces with texture coordinates for carried things and hair: superellipsoids, tubes and ribbons."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from closerlook.arrays import Floating, Int32

__all__ = ["Surface", "box", "grid_triangles", "join", "lathe", "ribbon", "rounded_box", "swatch", "tube"]

Surface = tuple[Floating, Floating, Int32]  # positions, texture coordinates, triangles


def grid_triangles(rows: int, columns: int) -> Int32:
    """Two triangles a cell of a (rows, columns) grid of vertices.

    Faces look towards ``cross(next row, next column)``.
    """
    a = (np.arange(rows - 1)[:, None] * columns + np.arange(columns - 1)).ravel()
    return np.concatenate(
        [np.stack([a, a + columns, a + 1], 1), np.stack([a + 1, a + columns, a + columns + 1], 1)]
    ).astype(np.int32)


def box(size: tuple[float, float, float], center: Floating | tuple[float, float, float]) -> Surface:
    """A cuboid of this width, height and depth; every face shows the whole texture."""
    corner = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]], np.float32) / 2
    faces = []
    for axis in range(3):
        for sign in (-0.5, 0.5):
            face = np.full((4, 3), sign, np.float32)
            face[:, [(axis + 1) % 3, (axis + 2) % 3]] = corner if sign > 0 else corner[::-1]
            faces.append(face)
    points = np.concatenate(faces) * np.array(size, np.float32) + np.asarray(center, np.float32)
    uv = np.tile(corner + 0.5, (6, 1)).astype(np.float32)
    start = 4 * np.arange(6)[:, None]
    triangles = np.concatenate([start + np.array(corners) for corners in ((0, 1, 2), (0, 2, 3))]).astype(np.int32)
    return points.astype(np.float32), uv, triangles


def lathe(radii: Floating, heights: Floating, sides: int = 16) -> Surface:
    """A profile (n,) of radii and heights turned about the y axis, faces outwards where the heights descend."""
    angle = np.linspace(-np.pi, np.pi, sides + 1)
    ring = np.stack([np.sin(angle), np.zeros_like(angle), np.cos(angle)], 1)
    points = np.asarray(radii)[:, None, None] * ring + np.asarray(heights)[:, None, None] * np.array([0, 1, 0])
    uv = np.stack(np.meshgrid(np.linspace(0, 1, sides + 1), np.linspace(0, 1, len(points))), axis=2)
    triangles = grid_triangles(len(points), sides + 1)
    return points.reshape(-1, 3).astype(np.float32), uv.reshape(-1, 2).astype(np.float32), triangles


def join(*surfaces: Surface) -> Surface:
    """Several surfaces as one."""
    starts = np.cumsum([0, *(len(points) for points, _, _ in surfaces)])
    return (
        np.concatenate([points for points, _, _ in surfaces]).astype(np.float32),
        np.concatenate([uv for _, uv, _ in surfaces]).astype(np.float32),
        np.concatenate([triangles + start for (_, _, triangles), start in zip(surfaces, starts, strict=False)]).astype(
            np.int32
        ),
    )


def swatch(surface: Surface, number: int, count: int) -> Surface:
    """The surface in one color: the middle of column ``number`` of ``count`` of its texture."""
    points, uv, triangles = surface
    return points, np.broadcast_to(np.array([(number + 0.5) / count, 0.5], np.float32), uv.shape), triangles


def rounded_box(size: tuple[float, float, float], power: float = 0.35, *, rows: int = 13, columns: int = 25) -> Surface:
    """A superellipsoid of this width, height and depth around the origin: positions, texture coordinates, triangles.

    ``power`` 1 is an ellipsoid, 0 a box. The texture's middle faces +z, its margins meet at -z.
    """
    down = np.linspace(0, np.pi, rows)[:, None]
    around = np.linspace(-np.pi, np.pi, columns)[None]

    def bend(value: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.sign(value) * np.abs(value) ** power

    x, y, z = bend(np.sin(down)) * bend(np.sin(around)), bend(np.cos(down)), bend(np.sin(down)) * bend(np.cos(around))
    points = np.stack(np.broadcast_arrays(x, y, z), axis=2).reshape(-1, 3) * np.array(size) / 2
    uv = np.stack(np.broadcast_arrays(around / (2 * np.pi) + 0.5, 0.5 - 0.5 * y), axis=2).reshape(-1, 2)
    return points.astype(np.float32), uv.astype(np.float32), grid_triangles(rows, columns)


def tube(path: Floating, radii: Floating, sides: int = 10) -> Surface:
    """A tube along a path (n, 3) with a radius at each point, closed at its ends; (n, 2) radii make it flat."""
    path, radii = np.asarray(path, np.float64), np.broadcast_to(np.asarray(radii, np.float64).T, (2, len(path))).T
    along = np.gradient(path, axis=0)
    along /= np.linalg.norm(along, axis=1, keepdims=True)
    reference = np.eye(3)[np.abs(along).max(0).argmin()]  # the axis that the path never runs along
    across = reference - along * (along @ reference)[:, None]
    across /= np.linalg.norm(across, axis=1, keepdims=True)
    upright = np.cross(along, across)
    angle = np.linspace(0, 2 * np.pi, sides + 1)
    ring = across[:, None] * np.cos(angle)[None, :, None] * radii[:, 0, None, None]
    ring = ring + upright[:, None] * np.sin(angle)[None, :, None] * radii[:, 1, None, None]
    points = path[:, None] + ring
    points = np.concatenate([np.broadcast_to(path[:1, None], points[:1].shape), points, points[-1:] * 0 + path[-1]])
    v = np.concatenate([[0], np.linspace(0, 1, len(path)), [1]])
    uv = np.stack(np.broadcast_arrays(angle[None] / (2 * np.pi), v[:, None]), axis=2)
    triangles = grid_triangles(len(points), sides + 1)[:, ::-1]
    return (
        points.reshape(-1, 3).astype(np.float32),
        uv.reshape(-1, 2).astype(np.float32),
        np.ascontiguousarray(triangles),
    )


def ribbon(path: Floating, across: Floating, thickness: float) -> Surface:
    """A flat band along a path (n, 3), half as wide as ``across`` (n, 3) to each side: straps and handles."""
    along = np.gradient(np.asarray(path, np.float64), axis=0)
    normal = np.cross(along, across)
    normal /= np.maximum(np.linalg.norm(normal, axis=1, keepdims=True), 1e-9)
    out = normal * thickness / 2
    corners = np.stack([path - across + out, path + across + out, path + across - out, path - across - out], axis=1)
    points = np.concatenate([corners, corners[:, :1]], axis=1)
    v = np.linspace(0, 1, len(path))
    uv = np.stack(np.broadcast_arrays(np.array([0, 0.5, 0.5, 1.0, 1.0])[None], v[:, None]), axis=2)
    return points.reshape(-1, 3).astype(np.float32), uv.reshape(-1, 2).astype(np.float32), grid_triangles(len(path), 5)
