"""Bending a mesh and its smooth normals with its bones: Warp kernels over vertices and triangles, on the CPU."""

# Warp types kernels, not Python:
# mypy: disable-error-code="no-untyped-def, no-untyped-call, valid-type, untyped-decorator, misc"

from __future__ import annotations

import functools
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import warp as wp
from numpy.typing import NDArray

from closerlook.compute.kernels import KERNEL_OPTIONS, start_warp
from closerlook.synthesis.person.mesh import Person

__all__ = ["Flesh", "bend", "flesh_of", "warp_array"]

Float = NDArray[np.float32]

wp.set_module_options(KERNEL_OPTIONS)


@dataclass(frozen=True, eq=False)
class Flesh:
    """A person's mesh as the kernels read it.

    Attributes:
        rest, normals, bones, weights: of the vertices in the rest pose, on the CPU.
        soles: the numbers of the vertices that can touch the ground in any pose.
        heads: of the bones in the rest pose.
    """

    rest: Any = field(repr=False)
    normals: Any = field(repr=False)
    bones: Any = field(repr=False)
    weights: Any = field(repr=False)
    soles: Any = field(repr=False)
    heads: Any = field(repr=False)


@functools.lru_cache(maxsize=4)
def flesh_of(person: Person) -> Flesh:
    """Made once for all poses of a person."""
    start_warp()
    strongest = np.argsort(-person.weights, axis=1, kind="stable")
    bones, weights = (np.take_along_axis(of, strongest, 1) for of in (person.bones, person.weights))
    legs = [k for k, name in enumerate(person.skeleton.names) if name.startswith(("foot", "toe", "lowerleg"))]
    low = person.positions[:, 1] < 0.12 * person.positions[:, 1].max()
    soles = np.flatnonzero(np.isin(bones[:, 0], legs) & low)
    return Flesh(
        warp_array(person.positions, wp.vec3),
        warp_array(_smooth_normals(person), wp.vec3),
        warp_array(bones, wp.vec4i),
        warp_array(weights, wp.vec4),
        warp_array((soles if len(soles) else np.arange(len(low))).astype(np.int32), int),
        warp_array(person.skeleton.heads, wp.vec3),
    )


def bend(flesh: Flesh, transforms: Any) -> tuple[Float, Float]:
    """(p, v, 3) positions and unit normals by linear blend skinning with a (p, b) Warp array of 4 x 4 matrices.

    Normals turn with the bones, as in games: to work them out again from the bent triangles would cost more than all of
    the bending, and differs only within joints.
    """
    shape = (transforms.shape[0], flesh.rest.shape[0])
    positions, normals = (np.empty((*shape, 3), np.float32) for _ in range(2))
    inputs = [flesh.rest, flesh.normals, flesh.bones, flesh.weights, transforms]
    bent = [warp_array(positions, wp.vec3), warp_array(normals, wp.vec3)]
    wp.launch(_bend, dim=shape, inputs=[*inputs, *bent], device="cpu")
    return positions, normals


def _smooth_normals(person: Person) -> Float:
    """(v, 3) area-weighted unit normals in the rest pose, the same for vertices that share a ``smooth`` number."""
    summed = wp.zeros(int(person.smooth.max()) + 1, dtype=wp.vec3, device="cpu")
    places, smooth = warp_array(person.positions, wp.vec3), warp_array(person.smooth, wp.int32)
    normals = np.empty_like(person.positions)
    faces = warp_array(person.triangles, wp.vec3i)
    wp.launch(_add_faces, dim=len(person.triangles), inputs=[places, faces, smooth, summed], device="cpu")
    wp.launch(_share, dim=len(normals), inputs=[summed, smooth, warp_array(normals, wp.vec3)], device="cpu")
    return normals


def warp_array(values: NDArray[Any], dtype: Any) -> Any:
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
    transforms: wp.array2d(dtype=wp.mat44),
    positions: wp.array2d(dtype=wp.vec3),
    normals: wp.array2d(dtype=wp.vec3),
):
    p, i = wp.tid()
    b = bones[i]
    w = weights[i]
    m = w[0] * transforms[p, b[0]]
    if w[1] > 0.0:
        m += w[1] * transforms[p, b[1]]
        if w[2] > 0.0:
            m += w[2] * transforms[p, b[2]] + w[3] * transforms[p, b[3]]
    positions[p, i] = wp.transform_point(m, rest[i])
    normals[p, i] = unit(wp.transform_vector(m, rest_normals[i]))


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
