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
Int = NDArray[np.int32]

wp.set_module_options(KERNEL_OPTIONS)


LANES = 32  # vertices that are bent at once: measured, fewer are not SIMD, of more too many are idle
lanes, numbers = (wp.types.vector(length=LANES, dtype=dtype) for dtype in (wp.float32, wp.int32))


@dataclass(frozen=True, eq=False)
class Flesh:
    """A person's mesh as the kernels read it, on the CPU: vertices that hang on the same bones are bent together.

    Attributes:
        size: how many vertices there are.
        vertices: (g,) lanes: the vertices of each group, one of them more than once in groups that are not full.
        first: (g + 1,) where in ``bones`` each group's begin.
        bones: (e,) the bones that move the groups.
        shares: (e, 7) lanes: the vertices' places, normals and 1 in the rest pose, times the weight of that bone.
        soles, sole_bones, sole_weights: of the vertices that can touch the ground in any pose.
        heads: of the bones in the rest pose.
    """

    size: int
    vertices: Any = field(repr=False)
    first: Any = field(repr=False)
    bones: Any = field(repr=False)
    shares: Any = field(repr=False)
    soles: Any = field(repr=False)
    sole_bones: Any = field(repr=False)
    sole_weights: Any = field(repr=False)
    heads: Any = field(repr=False)


@functools.lru_cache(maxsize=4)
def flesh_of(person: Person) -> Flesh:
    """Made once for all poses of a person."""
    start_warp()
    vertices, first, bones, shares = _grouped(person)
    soles = _soles(person)
    return Flesh(
        len(person.positions),
        warp_array(vertices, numbers),
        warp_array(first, int),
        warp_array(bones, int),
        warp_array(shares, lanes),
        warp_array(person.positions[soles], wp.vec3),
        warp_array(person.bones[soles], wp.vec4i),
        warp_array(person.weights[soles], wp.vec4),
        warp_array(person.skeleton.heads, wp.vec3),
    )


def bend(flesh: Flesh, transforms: Any) -> tuple[Float, Float]:
    """(p, v, 3) positions and unit normals by linear blend skinning with a (p, b) Warp array of 4 x 4 matrices.

    Normals turn with the bones, as in games: to work them out again from the bent triangles would cost more than all of
    the bending, and differs only within joints.
    """
    poses = transforms.shape[0]
    positions, normals = (np.empty((poses, flesh.size, 3), np.float32) for _ in range(2))
    inputs = [flesh.vertices, flesh.first, flesh.bones, flesh.shares, transforms]
    bent = [warp_array(positions, wp.vec3), warp_array(normals, wp.vec3)]
    wp.launch(_bend, dim=(poses, flesh.vertices.shape[0]), inputs=[*inputs, *bent], device="cpu")
    return positions, normals


def _grouped(person: Person) -> tuple[Int, Int, Int, Float]:
    """Groups of LANES vertices, their first bones, the bones, and the shares, as in :class:`Flesh`."""
    none = len(person.skeleton.names)
    bones = np.where(person.weights > 0, person.bones, none)
    order = np.argsort(bones, axis=1)
    bones, weights = (np.take_along_axis(of, order, axis=1) for of in (bones, person.weights))
    key = np.ravel_multi_index(tuple(bones.T), (none + 1,) * 4)
    kin = np.argsort(key, kind="stable")
    begins = np.flatnonzero(np.diff(key[kin], prepend=-1))  # where other bones begin, the vertices being in this order
    rank = np.arange(len(kin)) - np.repeat(begins, np.diff(begins, append=len(kin)))
    leads = rank % LANES == 0
    vertices = np.repeat(kin[leads, None], LANES, axis=1)
    vertices[np.cumsum(leads) - 1, rank % LANES] = kin
    group, column = np.nonzero(bones[vertices[:, 0]] < none)
    first = np.searchsorted(group, np.arange(len(vertices) + 1))
    values = np.concatenate([person.positions, _smooth_normals(person), np.ones((len(kin), 1), np.float32)], axis=1)
    members = vertices[group]
    shares = (values[members] * weights[members, column[:, None], None]).transpose(0, 2, 1)
    return vertices.astype(np.int32), first.astype(np.int32), bones[members[:, 0], column].astype(np.int32), shares


def _soles(person: Person) -> NDArray[np.intp]:
    """The vertices that can touch the ground in any pose."""
    legs = [k for k, name in enumerate(person.skeleton.names) if name.startswith(("foot", "toe", "lowerleg"))]
    strongest = np.take_along_axis(person.bones, person.weights.argmax(1)[:, None], 1)[:, 0]
    low = person.positions[:, 1] < 0.12 * person.positions[:, 1].max()
    soles = np.flatnonzero(np.isin(strongest, legs) & low)
    return soles if len(soles) else np.arange(len(low))


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
    squared = wp.dot(n, n)
    if squared < 1.0e-30:
        return wp.vec3(0.0, 1.0, 0.0)
    return n * (1.0 / wp.sqrt(squared))


@wp.kernel
def _bend(
    vertices: wp.array(dtype=numbers),
    first: wp.array(dtype=int),
    bones: wp.array(dtype=int),
    shares: wp.array2d(dtype=lanes),
    transforms: wp.array2d(dtype=wp.mat44),
    positions: wp.array2d(dtype=wp.vec3),
    normals: wp.array2d(dtype=wp.vec3),
):
    p, g = wp.tid()
    x, y, z = lanes(), lanes(), lanes()
    u, v, w = lanes(), lanes(), lanes()
    for e in range(first[g], first[g + 1]):
        m = transforms[p, bones[e]]
        a, b, c, one = shares[e, 0], shares[e, 1], shares[e, 2], shares[e, 6]
        x += m[0, 0] * a + m[0, 1] * b + m[0, 2] * c + m[0, 3] * one
        y += m[1, 0] * a + m[1, 1] * b + m[1, 2] * c + m[1, 3] * one
        z += m[2, 0] * a + m[2, 1] * b + m[2, 2] * c + m[2, 3] * one
        r, s, t = shares[e, 3], shares[e, 4], shares[e, 5]
        u += m[0, 0] * r + m[0, 1] * s + m[0, 2] * t
        v += m[1, 0] * r + m[1, 1] * s + m[1, 2] * t
        w += m[2, 0] * r + m[2, 1] * s + m[2, 2] * t
    group = vertices[g]
    to, facing = positions[p], normals[p]
    for lane in range(LANES):
        i = group[lane]
        to[i] = wp.vec3(x[lane], y[lane], z[lane])
        facing[i] = unit(wp.vec3(u[lane], v[lane], w[lane]))


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
