"""How the surface around each vertex of a mesh bends with its bones, so that creases and stretched cloth are lit so."""

# Warp types kernels, not Python:
# mypy: disable-error-code="no-untyped-def, no-untyped-call, valid-type, untyped-decorator, index, no-any-return"

from __future__ import annotations

import numpy as np
import warp as wp
from numpy.typing import NDArray

from closerlook.arrays import Float32
from closerlook.compute.kernels import KERNEL_OPTIONS, warp_array
from closerlook.synthesis.humans.mesh.mesh import Person

__all__ = ["tangents", "unit"]


wp.set_module_options(KERNEL_OPTIONS)

FLAT = wp.constant(1.0e-4)  # of the squared spread of the vertices around: those on one line say nothing across it


def tangents(person: Person, bones: NDArray[np.int32], weights: Float32) -> Float32:
    """(v, 4, 2, 4): for each of a vertex's bones what it adds to two tangents of the surface.

    A bone's 3 x 4 transform times these vectors, summed over the bones, gives two directions whose cross product points
    where the bent surface does. Each is the derivative of linear blend skinning along a direction e of the surface,

        sum over bones of w R e + (de w) (R p + o),

    where R, o are the bone's transform, w its weight at the vertex, and de w how the weight changes along e: it says
    that cloth between two legs is tilted by a stride, which a normal turned with the bones would not (M. Tarini,
    D. Panozzo and O. Sorkine-Hornung, "Accurate and efficient lighting for skinned models", 2014). Its slope is fitted
    to the vertices around.

    Args:
        person: the mesh; vertices that share a ``smooth`` number have one place and the same bones.
        bones, weights: (v, 4) of the person's vertices, in an order that is the same for those in one place.
    """
    count, shared = len(person.positions), int(person.smooth.max()) + 1
    faces, spread, slopes = (
        wp.zeros(shape, dtype=dtype, device="cpu")
        for shape, dtype in ((shared, wp.vec3), (shared, wp.mat33), ((shared, 4), wp.vec3))
    )
    positions, smooth = warp_array(person.positions, wp.vec3), warp_array(person.smooth, int)
    hung = [warp_array(bones, wp.vec4i), warp_array(weights, wp.vec4)]
    inputs = [warp_array(person.triangles, wp.vec3i), positions, smooth, *hung, faces, spread, slopes]
    wp.launch(_look_around, dim=len(person.triangles), inputs=inputs, device="cpu")
    made = np.empty((count, 4, 2, 4), np.float32)
    inputs = [positions, smooth, hung[1], faces, spread, slopes, warp_array(made, wp.vec4)]
    wp.launch(_derive, dim=count, inputs=inputs, device="cpu")
    return made


@wp.func
def unit(n: wp.vec3) -> wp.vec3:
    """The direction of a normal; of what has none, being folded onto itself or not shown, any will do."""
    squared = wp.dot(n, n)
    if squared < 1.0e-30:
        return wp.vec3(0.0, 1.0, 0.0)
    return n * (1.0 / wp.sqrt(squared))


@wp.func
def weight_of(bone: int, bones: wp.vec4i, weights: wp.vec4) -> float:
    """How much of a vertex hangs on a bone."""
    weight = weights[0] * float(bones[0] == bone)
    for k in range(1, 4):
        weight += weights[k] * float(bones[k] == bone)
    return weight


@wp.kernel
def _look_around(
    triangles: wp.array(dtype=wp.vec3i),
    positions: wp.array(dtype=wp.vec3),
    smooth: wp.array(dtype=int),
    bones: wp.array(dtype=wp.vec4i),
    weights: wp.array(dtype=wp.vec4),
    faces: wp.array(dtype=wp.vec3),
    spread: wp.array(dtype=wp.mat33),
    slopes: wp.array2d(dtype=wp.vec3),
):
    """Sums over what lies around: faces, how far which way vertices are, and how much more each bone moves them."""
    t = triangles[wp.tid()]
    face = wp.cross(positions[t[1]] - positions[t[0]], positions[t[2]] - positions[t[0]])
    for corner in range(3):
        i = t[corner]
        s = smooth[i]
        faces[s] += face
        for further in range(1, 3):
            k = t[(corner + further) % 3]
            way = positions[k] - positions[i]
            spread[s] += wp.outer(way, way)
            for j in range(4):
                if weights[i][j] > 0.0:
                    slopes[s, j] += way * (weight_of(bones[i][j], bones[k], weights[k]) - weights[i][j])


@wp.kernel
def _derive(
    positions: wp.array(dtype=wp.vec3),
    smooth: wp.array(dtype=int),
    weights: wp.array(dtype=wp.vec4),
    faces: wp.array(dtype=wp.vec3),
    spread: wp.array(dtype=wp.mat33),
    slopes: wp.array2d(dtype=wp.vec3),
    made: wp.array3d(dtype=wp.vec4),
):
    i = wp.tid()
    s = smooth[i]
    n = unit(faces[s])
    e = unit(wp.cross(n, wp.where(wp.abs(n[0]) < 0.6, wp.vec3(1.0, 0.0, 0.0), wp.vec3(0.0, 1.0, 0.0))))
    f = wp.cross(n, e)
    ee = wp.dot(e, spread[s] * e)
    ef = wp.dot(e, spread[s] * f)
    ff = wp.dot(f, spread[s] * f)
    inverse = ee * ff - ef * ef
    inverse = wp.where(inverse > FLAT * (ee + ff) * (ee + ff), 1.0 / inverse, 0.0)
    along, beside = wp.vec4(), wp.vec4()
    for j in range(4):
        a, b = wp.dot(slopes[s, j], e), wp.dot(slopes[s, j], f)
        along[j] = (a * ff - b * ef) * inverse
        beside[j] = (b * ee - a * ef) * inverse
    # Weights sum to 1, so their slopes to 0: what bones have that only move the neighbors goes to the strongest.
    strongest = wp.argmax(weights[i])
    along[strongest] = along[strongest] - (along[0] + along[1] + along[2] + along[3])
    beside[strongest] = beside[strongest] - (beside[0] + beside[1] + beside[2] + beside[3])
    for j in range(4):
        t = weights[i][j] * e + along[j] * positions[i]
        made[i, j, 0] = wp.vec4(t[0], t[1], t[2], along[j])
        t = weights[i][j] * f + beside[j] * positions[i]
        made[i, j, 1] = wp.vec4(t[0], t[1], t[2], beside[j])
