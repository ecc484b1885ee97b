"""Bending a mesh and its smooth normals with its bones: a Warp kernel over poses and vertices, on the CPU."""

# Warp types kernels, not Python:
# mypy: disable-error-code="no-untyped-def, no-untyped-call, valid-type, untyped-decorator, misc, no-any-return"

from __future__ import annotations

import functools
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import warp as wp
from numpy.typing import NDArray

from closerlook.arrays import Float32, Int32
from closerlook.compute.kernels import KERNEL_OPTIONS, start_warp, warp_array
from closerlook.synthesis.humans.mesh.mesh import Person
from closerlook.synthesis.humans.pose.tangents import tangents, unit

__all__ = ["Flesh", "bend", "flesh_of"]


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
        shares: (e, 12) lanes: three vectors that the bone's 3 x 4 transform is multiplied with: what it adds to the
            vertices' places, and to two tangents there.
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


def bend(flesh: Flesh, transforms: Any) -> tuple[Float32, Float32]:
    """(p, v, 3) positions and unit normals by linear blend skinning with a (p, b) Warp array of 4 x 4 matrices."""
    poses = transforms.shape[0]
    positions, normals = (np.empty((poses, flesh.size, 3), np.float32) for _ in range(2))
    inputs = [flesh.vertices, flesh.first, flesh.bones, flesh.shares, transforms]
    bent = [warp_array(positions, wp.vec3), warp_array(normals, wp.vec3)]
    wp.launch(_bend, dim=(poses, flesh.vertices.shape[0]), inputs=[*inputs, *bent], device="cpu")
    return positions, normals


def _grouped(person: Person) -> tuple[Int32, Int32, Int32, Float32]:
    """Groups of LANES vertices, their first bones, the bones, and the shares, as in :class:`Flesh`."""
    none = len(person.skeleton.names)
    bones = np.where(person.weights > 0, person.bones, none).astype(np.int32)
    order = np.argsort(bones, axis=1)
    bones, weights = np.take_along_axis(bones, order, axis=1), np.take_along_axis(person.weights, order, axis=1)
    key = np.ravel_multi_index(tuple(bones.T), (none + 1,) * 4)
    kin = np.argsort(key, kind="stable")
    begins = np.flatnonzero(np.diff(key[kin], prepend=-1))  # where other bones begin, the vertices being in this order
    rank = np.arange(len(kin)) - np.repeat(begins, np.diff(begins, append=len(kin)))
    leads = rank % LANES == 0
    vertices = np.repeat(kin[leads, None], LANES, axis=1)
    vertices[np.cumsum(leads) - 1, rank % LANES] = kin
    group, column = np.nonzero(bones[vertices[:, 0]] < none)
    first = np.searchsorted(group, np.arange(len(vertices) + 1))
    shares = np.concatenate([_places(person, weights)[:, :, None], tangents(person, bones, weights)], axis=2)
    members = vertices[group]
    shares = shares[members, column[:, None]].transpose(0, 2, 3, 1)
    return vertices.astype(np.int32), first.astype(np.int32), bones[members[:, 0], column], shares


def _places(person: Person, weights: Float32) -> Float32:
    """(v, 4, 4) homogeneous places in the rest pose times the weights of the bones."""
    ones = np.ones((len(weights), 1), np.float32)
    return np.asarray(np.concatenate([person.positions, ones], axis=1)[:, None] * weights[..., None])


def _soles(person: Person) -> NDArray[np.intp]:
    """The vertices that can touch the ground in any pose."""
    legs = [k for k, name in enumerate(person.skeleton.names) if name.startswith(("foot", "toe", "lowerleg"))]
    strongest = np.take_along_axis(person.bones, person.weights.argmax(1)[:, None], 1)[:, 0]
    low = person.positions[:, 1] < 0.12 * person.positions[:, 1].max()
    soles = np.flatnonzero(np.isin(strongest, legs) & low)
    return soles if len(soles) else np.arange(len(low))


@wp.func
def times(m: wp.mat44, row: int, x: lanes, y: lanes, z: lanes, one: lanes) -> lanes:
    """One row of a transform times vectors."""
    return m[row, 0] * x + m[row, 1] * y + m[row, 2] * z + m[row, 3] * one


@wp.kernel
def _bend(
    vertices: wp.array(dtype=numbers),
    first: wp.array(dtype=int),
    bones: wp.array(dtype=int),
    shares: wp.array3d(dtype=lanes),
    transforms: wp.array2d(dtype=wp.mat44),
    positions: wp.array2d(dtype=wp.vec3),
    normals: wp.array2d(dtype=wp.vec3),
):
    p, g = wp.tid()
    x, y, z = lanes(), lanes(), lanes()
    ex, ey, ez = lanes(), lanes(), lanes()
    fx, fy, fz = lanes(), lanes(), lanes()
    for e in range(first[g], first[g + 1]):
        m, k = transforms[p, bones[e]], shares[e]
        x += times(m, 0, k[0, 0], k[0, 1], k[0, 2], k[0, 3])
        y += times(m, 1, k[0, 0], k[0, 1], k[0, 2], k[0, 3])
        z += times(m, 2, k[0, 0], k[0, 1], k[0, 2], k[0, 3])
        ex += times(m, 0, k[1, 0], k[1, 1], k[1, 2], k[1, 3])
        ey += times(m, 1, k[1, 0], k[1, 1], k[1, 2], k[1, 3])
        ez += times(m, 2, k[1, 0], k[1, 1], k[1, 2], k[1, 3])
        fx += times(m, 0, k[2, 0], k[2, 1], k[2, 2], k[2, 3])
        fy += times(m, 1, k[2, 0], k[2, 1], k[2, 2], k[2, 3])
        fz += times(m, 2, k[2, 0], k[2, 1], k[2, 2], k[2, 3])
    group = vertices[g]
    to, facing = positions[p], normals[p]
    for lane in range(LANES):
        i = group[lane]
        to[i] = wp.vec3(x[lane], y[lane], z[lane])
        n = wp.cross(wp.vec3(ex[lane], ey[lane], ez[lane]), wp.vec3(fx[lane], fy[lane], fz[lane]))
        facing[i] = unit(n)
