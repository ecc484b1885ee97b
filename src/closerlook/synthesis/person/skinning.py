"""Bending a mesh with its bones, and its smooth normals: Warp kernels over vertices and triangles, on the CPU."""

# Warp types kernels, not Python:
# mypy: disable-error-code="no-untyped-def, no-untyped-call, valid-type, untyped-decorator"

from __future__ import annotations

import functools
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import warp as wp
from numpy.typing import NDArray

from closerlook.compute.kernels import start_warp
from closerlook.synthesis.person.mesh import Person

__all__ = ["Flesh", "bend", "flesh_of", "smooth_normals"]

Float = NDArray[np.float32]

wp.set_module_options({"enable_backward": False, "optimization_level": 3})


@dataclass(frozen=True, eq=False)
class Flesh:
    """A person's mesh as the kernels read it.

    Attributes:
        soles: (s,) the vertices that can touch the ground in any pose.
        groups: number of smooth normals.
        rest, bones, weights, triangles, smooth: as in :class:`Person`, on the CPU.
    """

    soles: NDArray[np.intp] = field(repr=False)
    groups: int
    rest: Any = field(repr=False)
    bones: Any = field(repr=False)
    weights: Any = field(repr=False)
    triangles: Any = field(repr=False)
    smooth: Any = field(repr=False)


@functools.lru_cache(maxsize=4)
def flesh_of(person: Person) -> Flesh:
    """Made once for all poses of a person."""
    start_warp()
    legs = [k for k, name in enumerate(person.skeleton.names) if name.startswith(("foot", "toe", "lowerleg"))]
    strongest = np.take_along_axis(person.bones, person.weights.argmax(1)[:, None], 1)[:, 0]
    low = person.positions[:, 1] < 0.12 * person.positions[:, 1].max()
    soles = np.flatnonzero(np.isin(strongest, legs) & low)
    if not len(soles):
        soles = np.arange(len(low))
    return Flesh(
        soles,
        int(person.smooth.max()) + 1,
        _array(person.positions, wp.vec3),
        _array(person.bones, wp.vec4i),
        _array(person.weights, wp.vec4),
        _array(person.triangles, wp.vec3i),
        _array(person.smooth, wp.int32),
    )


def bend(flesh: Flesh, transforms: Float) -> Float:
    """(v, 3) linear blend skinning with (b, 3, 4) transforms."""
    positions = np.empty((*flesh.rest.shape, 3), np.float32)
    inputs = [flesh.rest, flesh.bones, flesh.weights, _array(transforms, wp.vec4), _array(positions, wp.vec3)]
    wp.launch(_bend, dim=len(positions), inputs=inputs, device="cpu")
    return positions


def smooth_normals(flesh: Flesh, positions: Float) -> Float:
    """(v, 3) area-weighted unit normals, the same for vertices that share a ``smooth`` number."""
    summed = wp.zeros(flesh.groups, dtype=wp.vec3, device="cpu")
    places = _array(positions, wp.vec3)
    normals = np.empty_like(positions)
    wp.launch(
        _add_faces, dim=flesh.triangles.shape[0], inputs=[places, flesh.triangles, flesh.smooth, summed], device="cpu"
    )
    wp.launch(_share, dim=len(positions), inputs=[summed, flesh.smooth, _array(normals, wp.vec3)], device="cpu")
    return normals


def _array(values: NDArray[Any], dtype: Any) -> Any:
    """Warp's view of NumPy's memory: nothing is copied."""
    return wp.array(np.ascontiguousarray(values), dtype=dtype, device="cpu", copy=False)


@wp.kernel
def _bend(
    rest: wp.array(dtype=wp.vec3),
    bones: wp.array(dtype=wp.vec4i),
    weights: wp.array(dtype=wp.vec4),
    rows: wp.array2d(dtype=wp.vec4),
    positions: wp.array(dtype=wp.vec3),
):
    i = wp.tid()
    p = wp.vec4(rest[i][0], rest[i][1], rest[i][2], 1.0)
    b = bones[i]
    w = weights[i]
    x = w[0] * rows[b[0], 0] + w[1] * rows[b[1], 0] + w[2] * rows[b[2], 0] + w[3] * rows[b[3], 0]
    y = w[0] * rows[b[0], 1] + w[1] * rows[b[1], 1] + w[2] * rows[b[2], 1] + w[3] * rows[b[3], 1]
    z = w[0] * rows[b[0], 2] + w[1] * rows[b[1], 2] + w[2] * rows[b[2], 2] + w[3] * rows[b[3], 2]
    positions[i] = wp.vec3(wp.dot(x, p), wp.dot(y, p), wp.dot(z, p))


@wp.kernel
def _add_faces(
    positions: wp.array(dtype=wp.vec3),
    triangles: wp.array(dtype=wp.vec3i),
    smooth: wp.array(dtype=wp.int32),
    summed: wp.array(dtype=wp.vec3),
):
    t = triangles[wp.tid()]
    a = positions[t[0]]
    face = wp.cross(positions[t[1]] - a, positions[t[2]] - a)
    for k in range(3):
        wp.atomic_add(summed, smooth[t[k]], face)


@wp.kernel
def _share(summed: wp.array(dtype=wp.vec3), smooth: wp.array(dtype=wp.int32), normals: wp.array(dtype=wp.vec3)):
    i = wp.tid()
    n = summed[smooth[i]]
    length = wp.length(n)
    normals[i] = wp.vec3(0.0, 1.0, 0.0)  # of what is folded onto itself: any direction will do
    if length > 1.0e-15:
        normals[i] = n / length
