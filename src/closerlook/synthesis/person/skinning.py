"""Bending a mesh and its smooth normals with its bones: Warp kernels over vertices and triangles, on the CPU."""

# Warp types kernels, not Python:
# mypy: disable-error-code="no-untyped-def, no-untyped-call, valid-type, untyped-decorator"

from __future__ import annotations

import functools
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import warp as wp
from numpy.typing import NDArray

from closerlook.compute.kernels import KERNEL_OPTIONS, start_warp
from closerlook.synthesis.person.mesh import Person

__all__ = ["Flesh", "bend", "flesh_of", "lowest"]

Float = NDArray[np.float32]

wp.set_module_options(KERNEL_OPTIONS)


@dataclass(frozen=True, eq=False)
class Flesh:
    """A person's mesh as the kernels read it.

    Attributes:
        rest, normals, bones, weights: of the vertices in the rest pose, on the CPU.
        soles: (s, 4) homogeneous places of the vertices that can touch the ground in any pose.
        sole_bones: (k,) the bones that move them.
        sole_weights: (s, k) how much.
    """

    rest: Any = field(repr=False)
    normals: Any = field(repr=False)
    bones: Any = field(repr=False)
    weights: Any = field(repr=False)
    soles: Float = field(repr=False)
    sole_bones: NDArray[np.intp] = field(repr=False)
    sole_weights: Float = field(repr=False)


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
    used, number = np.unique(person.bones[soles], return_inverse=True)
    weights = np.zeros((len(soles), len(used)), np.float32)
    np.add.at(weights, (np.arange(len(soles))[:, None], number.reshape(-1, 4)), person.weights[soles])
    return Flesh(
        _array(person.positions, wp.vec3),
        _array(_smooth_normals(person), wp.vec3),
        _array(person.bones, wp.vec4i),
        _array(person.weights, wp.vec4),
        np.concatenate([person.positions[soles], np.ones((len(soles), 1), np.float32)], axis=1),
        used.astype(np.intp),
        weights,
    )


def bend(flesh: Flesh, transforms: Float) -> tuple[Float, Float]:
    """(v, 3) positions and unit normals by linear blend skinning with (b, 3, 4) transforms.

    Normals turn with the bones, as in games: to work them out again from the bent triangles would cost more than all of
    the bending, and differs only within joints.
    """
    positions, normals = (np.empty((*flesh.rest.shape, 3), np.float32) for _ in range(2))
    inputs = [flesh.rest, flesh.normals, flesh.bones, flesh.weights, _array(transforms, wp.vec4)]
    bent = [_array(positions, wp.vec3), _array(normals, wp.vec3)]
    wp.launch(_bend, dim=len(positions), inputs=[*inputs, *bent], device="cpu")
    return positions, normals


def lowest(flesh: Flesh, transforms: Float) -> float:
    """The height of the lowest sole."""
    heights = flesh.soles @ transforms[flesh.sole_bones, 1].T
    return float((heights * flesh.sole_weights).sum(1).min())


def _smooth_normals(person: Person) -> Float:
    """(v, 3) area-weighted unit normals in the rest pose, the same for vertices that share a ``smooth`` number."""
    summed = wp.zeros(int(person.smooth.max()) + 1, dtype=wp.vec3, device="cpu")
    places, smooth = _array(person.positions, wp.vec3), _array(person.smooth, wp.int32)
    normals = np.empty_like(person.positions)
    faces = _array(person.triangles, wp.vec3i)
    wp.launch(_add_faces, dim=len(person.triangles), inputs=[places, faces, smooth, summed], device="cpu")
    wp.launch(_share, dim=len(normals), inputs=[summed, smooth, _array(normals, wp.vec3)], device="cpu")
    return normals


def _array(values: NDArray[Any], dtype: Any) -> Any:
    """Warp's view of NumPy's memory: nothing is copied."""
    return wp.array(np.ascontiguousarray(values), dtype=dtype, device="cpu", copy=False)


@wp.func
def unit(n: wp.vec3) -> wp.vec3:
    """The direction of a normal; of what has none, being folded onto itself or not shown, any will do."""
    length = wp.length(n)
    if length < 1.0e-15:
        return wp.vec3(0.0, 1.0, 0.0)
    return n / length


@wp.kernel
def _bend(
    rest: wp.array(dtype=wp.vec3),
    rest_normals: wp.array(dtype=wp.vec3),
    bones: wp.array(dtype=wp.vec4i),
    weights: wp.array(dtype=wp.vec4),
    rows: wp.array2d(dtype=wp.vec4),
    positions: wp.array(dtype=wp.vec3),
    normals: wp.array(dtype=wp.vec3),
):
    i = wp.tid()
    p = wp.vec4(rest[i][0], rest[i][1], rest[i][2], 1.0)
    n = wp.vec4(rest_normals[i][0], rest_normals[i][1], rest_normals[i][2], 0.0)
    b = bones[i]
    w = weights[i]
    x = w[0] * rows[b[0], 0] + w[1] * rows[b[1], 0] + w[2] * rows[b[2], 0] + w[3] * rows[b[3], 0]
    y = w[0] * rows[b[0], 1] + w[1] * rows[b[1], 1] + w[2] * rows[b[2], 1] + w[3] * rows[b[3], 1]
    z = w[0] * rows[b[0], 2] + w[1] * rows[b[1], 2] + w[2] * rows[b[2], 2] + w[3] * rows[b[3], 2]
    positions[i] = wp.vec3(wp.dot(x, p), wp.dot(y, p), wp.dot(z, p))
    normals[i] = unit(wp.vec3(wp.dot(x, n), wp.dot(y, n), wp.dot(z, n)))


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
    normals[i] = unit(summed[smooth[i]])
