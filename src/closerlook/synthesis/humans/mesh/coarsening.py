"""A person with fewer triangles, for images in which the left out ones are smaller than a sample."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from closerlook.synthesis.humans.mesh.mesh import Person

__all__ = ["coarsened"]

FEWEST = 600  # triangles of a material that are worth thinning
UV_STEPS = 16  # per side of a texture: vertices in one cell lie on one piece of it

Numbers = NDArray[np.intp]


def coarsened(person: Person, meters: float) -> Person:
    """The person with one vertex in each cube of ``meters`` that a bone moves within a material.

    Vertex clustering (Rossignac and Borrel, "Multi-resolution 3D approximations", 1993). Kept are vertices that there
    were, so that the surface goes through the old one's points; cut-out cards and small things stay as they are.
    Vertices on both sides of a texture seam move together, so that no seam opens.
    """
    cluster = _clusters(person, meters)
    middle = _nearest_to_middle(person, cluster)
    cell = np.floor(person.uv * UV_STEPS).astype(np.int64)
    _, first, number = np.unique(_numbers(cluster, *cell.T), return_index=True, return_inverse=True)
    order = np.argsort(first, kind="stable")  # things at hand stay behind the body and what it wears
    rank = np.empty_like(order)
    rank[order] = np.arange(len(order))
    source, number = first[order], rank[number.ravel()]
    corners = cluster[person.triangles]
    whole = (corners != np.roll(corners, 1, axis=1)).all(1)
    moved = middle[cluster[source]]
    return replace(
        person,
        positions=person.positions[moved],
        smooth=cluster[source].astype(np.int32),
        uv=person.uv[source],
        bones=person.bones[moved],
        weights=person.weights[moved],
        triangles=number[person.triangles[whole]].astype(np.int32),
        materials_of=person.materials_of[whole],
        body_vertices=int((source < person.body_vertices).sum()),
    )


def _clusters(person: Person, meters: float) -> Numbers:
    """The number of each vertex's cluster, without gaps."""
    material = np.zeros(len(person.positions), np.int64)
    material[person.triangles] = person.materials_of[:, None]
    count = np.bincount(person.materials_of, minlength=len(person.materials))
    thinned = np.array([n >= FEWEST and not m.cutout for n, m in zip(count, person.materials, strict=True)])[material]
    # Of vertices in one place, split at a seam, the first speaks for all.
    _, first, same = np.unique(person.smooth, return_index=True, return_inverse=True)
    spokesman = first[same]
    bone = np.take_along_axis(person.bones, person.weights.argmax(1)[:, None], 1)[:, 0][spokesman]
    cube = np.floor(person.positions[spokesman] / meters).astype(np.int64)
    keys = np.stack([material, bone, *cube.T])
    keys[:4, ~thinned], keys[4, ~thinned] = -1, spokesman[~thinned]
    return np.unique(_numbers(*keys), return_inverse=True)[1]


def _numbers(*columns: Numbers) -> Numbers:
    """One number for each row of ``columns``, in the order of the rows: sorting numbers takes a tenth of the time."""
    numbers = np.zeros(len(columns[0]), np.int64)
    for column in columns:
        low = int(column.min())
        span = int(column.max()) - low + 1
        if int(numbers.max()) >= 2**62 // span:
            numbers = np.unique(numbers, return_inverse=True)[1]
        numbers = numbers * span + (column - low)
    return numbers


def _nearest_to_middle(person: Person, cluster: Numbers) -> Numbers:
    """Of each cluster the vertex nearest to its middle."""
    count = np.bincount(cluster)[:, None]
    middle = np.stack([np.bincount(cluster, axis) for axis in person.positions.T.astype(np.float64)], 1) / count
    away = ((person.positions - middle[cluster]) ** 2).sum(1)
    order = np.lexsort((away, cluster))
    return order[np.flatnonzero(np.diff(cluster[order], prepend=-1))]
