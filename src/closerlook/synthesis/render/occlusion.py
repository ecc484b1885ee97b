"""Kernels for how much of the sky a pixel's surfaces see."""

# ruff: noqa: UP018, RUF046 - to Warp, the cast makes a variable of a constant
# Warp types kernels, not Python:
# mypy: ignore-errors

from __future__ import annotations

import warp as wp

from closerlook.compute.kernels import KERNEL_OPTIONS
from closerlook.synthesis.render.values import Sight

wp.set_module_options(KERNEL_OPTIONS)

BANDS = wp.constant(8)  # of height, that each have two spheres
NEAR = wp.constant(0.08)  # metres within which neighbours share what their taps found
REACH = wp.constant(6.3)  # radii beyond which a sphere darkens nothing
BODY_REACH = wp.constant(3.0)  # metres from the origin beyond which no sphere of a person darkens anything


@wp.func
def band_of(height: float, top: float) -> int:
    """Which of the BANDS a height below ``top`` is in."""
    return wp.min(int(height / top * float(BANDS)), BANDS - 1)


@wp.func
def sphere(sums: wp.vec4, height: float) -> wp.vec4:
    """For points at about this height, of which ``sums`` are their number and those of x, z and x * x + z * z."""
    scale = 1.0 / wp.max(sums[0], 1.0)
    x, z = sums[1] * scale, sums[2] * scale
    radius = wp.clamp(wp.sqrt(wp.max(sums[3] * scale - x * x - z * z, 0.0)), 0.05, 0.3)
    return wp.vec4(x, height, z, wp.where(sums[0] > 0.5, radius, 0.0))


@wp.kernel
def bodies(positions: wp.array2d(dtype=wp.vec3), step: int, spheres: wp.array2d(dtype=wp.vec4)):
    """Spheres (x, y, z, radius) that stand for the body of each pose when the place's open sky is worked out.

    Every ``step``-th vertex is looked at. Each of BANDS of height is split in two across its longer horizontal axis, so
    that both feet have their own; a half with no vertex has a sphere of radius 0.
    """
    p, band = wp.tid()
    top = float(0.0)
    i = int(0)
    while i < positions.shape[1]:
        top = wp.max(top, positions[p, i][1])
        i += step
    sums = wp.vec4()
    squares = wp.vec3()
    i = int(0)
    while i < positions.shape[1]:
        at = positions[p, i]
        if band_of(at[1], top) == band:
            square = wp.vec3(at[0] * at[0], at[0] * at[2], at[2] * at[2])
            squares += square
            sums += wp.vec4(1.0, at[0], at[2], square[0] + square[2])
        i += step
    scale = 1.0 / wp.max(sums[0], 1.0)
    x, z = sums[1] * scale, sums[2] * scale
    angle = 0.5 * wp.atan2(2.0 * (squares[1] * scale - x * z), (squares[0] - squares[2]) * scale - x * x + z * z)
    cos, sin = wp.cos(angle), wp.sin(angle)
    half = wp.vec4()
    i = int(0)
    while i < positions.shape[1]:
        at = positions[p, i]
        if band_of(at[1], top) == band and (at[0] - x) * cos + (at[2] - z) * sin > 0.0:
            half += wp.vec4(1.0, at[0], at[2], at[0] * at[0] + at[2] * at[2])
        i += step
    middle = (float(band) + 0.5) * top / float(BANDS)
    spheres[p, 2 * band] = sphere(sums - half, middle)
    spheres[p, 2 * band + 1] = sphere(half, middle)


@wp.func
def crease(
    v: int,
    slot: int,
    y: int,
    x: int,
    colour: wp.array4d(dtype=wp.vec4),
    facing: wp.array4d(dtype=wp.vec4),
    where: wp.array4d(dtype=wp.vec4),
    taps: wp.array3d(dtype=wp.vec2i),
    metres: float,
) -> float:
    """Share of the sky that a point of the person sees past the person, by one turn of the taps."""
    f = facing[slot, 0, y, x]
    w = where[slot, 0, y, x]
    n = wp.vec3(f[0], f[1], f[2])
    p = wp.vec3(w[0], w[1], w[2])
    turn = (x & 3) + 4 * (y & 3)
    total = float(0.0)
    s = int(0)
    while s < taps.shape[2]:
        i = x + taps[v, turn, s][0]
        j = y + taps[v, turn, s][1]
        inside = i >= 0 and i < colour.shape[3] and j >= 0 and j < colour.shape[2]
        if inside and colour[slot, 0, j, i][3] > 0.4:
            o = where[slot, 0, j, i]
            away = wp.vec3(o[0], o[1], o[2]) - p
            d2 = wp.dot(away, away)
            if d2 < 4.0 * metres * metres:
                total += wp.max(wp.dot(away, n) - 0.01, 0.0) / (d2 + 0.002)
        s += 1
    seen = wp.clamp(1.0 - total * metres * (1.9 / float(taps.shape[2])), 0.25, 1.0)
    near_ground = 1.0 - 0.5 * wp.exp(-p[1] * 6.0) * wp.clamp(0.6 - n[1], 0.0, 1.0)
    return seen * near_ground


@wp.func
def past(sphere: wp.vec4, n: wp.vec3, p: wp.vec3) -> float:
    """Share of the sky that a point ``p`` with normal ``n`` sees past a sphere."""
    d = wp.vec3(sphere[0], sphere[1], sphere[2]) - p
    d2 = wp.dot(d, d)
    seen = float(1.0)
    if d2 < REACH * REACH * sphere[3] * sphere[3]:
        away = wp.max(d2 / (sphere[3] * sphere[3]), 1.0)
        seen = 1.0 - wp.clamp(wp.dot(n, d) / wp.sqrt(d2), 0.0, 1.0) / away
    return seen


@wp.func
def beneath(
    sight: Sight, facing: wp.vec4, place: wp.vec4, spheres: wp.array2d(dtype=wp.vec4), blobs: wp.array(dtype=wp.vec4)
) -> float:
    """Share of the sky that a point of the place sees past the person and the things around."""
    n = wp.vec3(facing[0], facing[1], facing[2])
    p = wp.vec3(place[0], place[1], place[2])
    seen = float(1.0)
    if p[0] * p[0] + p[2] * p[2] < BODY_REACH * BODY_REACH:
        for i in range(2 * BANDS):
            seen *= past(spheres[sight.pose, i], n, p)
    i = int(sight.first_blob)
    while i < sight.end_blob:
        seen *= past(blobs[i], n, p)
        i += 1
    if wp.abs(n[1]) < 0.5:
        seen *= 1.0 - 0.45 * wp.exp(-p[1] * 2.5)  # a wall sees less of the sky near its foot
    return seen


@wp.kernel
def occlude(
    sights: wp.array(dtype=Sight),
    colour: wp.array4d(dtype=wp.vec4),
    facing: wp.array4d(dtype=wp.vec4),
    where: wp.array4d(dtype=wp.vec4),
    spheres: wp.array2d(dtype=wp.vec4),
    blobs: wp.array(dtype=wp.vec4),
    taps: wp.array3d(dtype=wp.vec2i),
    metres: float,
    creases: wp.array3d(dtype=float),
    open_sky: wp.array4d(dtype=float),
    run: int,
):
    """Share of the sky that each layer sees.

    The person occludes itself in screen space (McGuire et al., "The alchemy screen-space ambient obscurance
    algorithm", 2011) within ``metres``, at the pixels that one row of ``taps`` says, which differs between neighbours:
    :func:`settle` then makes one of their ``creases``. The place is darkened by the ``spheres`` of the pose and the
    ``blobs`` of things (x, y, z, radius). A thread does ``run`` pixels of a row.
    """
    v, y, part = wp.tid()
    sight = sights[v]
    x = part * run
    end = wp.min(x + run, colour.shape[3])
    while x < end:
        if colour[sight.slot, 0, y, x][3] > 0.0:
            creases[v, y, x] = crease(v, sight.slot, y, x, colour, facing, where, taps, metres)
        if colour[sight.slot, 1, y, x][3] > 0.0:
            open_sky[v, 1, y, x] = beneath(
                sight, facing[sight.slot, 1, y, x], where[sight.slot, 1, y, x], spheres, blobs
            )
        x += 1


@wp.func
def settled(
    v: int,
    slot: int,
    y: int,
    x: int,
    colour: wp.array4d(dtype=wp.vec4),
    where: wp.array4d(dtype=wp.vec4),
    creases: wp.array3d(dtype=float),
) -> float:
    """Mean over 4 x 4 pixels, each of which has another turn of the taps."""
    w = where[slot, 0, y, x]
    total = float(0.0)
    count = float(0.0)
    j = wp.max(y - 1, 0)
    while j < wp.min(y + 3, colour.shape[2]):
        i = wp.max(x - 1, 0)
        while i < wp.min(x + 3, colour.shape[3]):
            if colour[slot, 0, j, i][3] > 0.0:
                o = where[slot, 0, j, i]
                away = wp.vec3(o[0] - w[0], o[1] - w[1], o[2] - w[2])
                if wp.dot(away, away) < NEAR * NEAR:
                    total += creases[v, j, i]
                    count += 1.0
            i += 1
        j += 1
    return total / count


@wp.kernel
def settle(
    sights: wp.array(dtype=Sight),
    colour: wp.array4d(dtype=wp.vec4),
    where: wp.array4d(dtype=wp.vec4),
    creases: wp.array3d(dtype=float),
    open_sky: wp.array4d(dtype=float),
    run: int,
):
    """The person's share of the sky, of its neighbours' ``creases``; a thread does ``run`` pixels of a row."""
    v, y, part = wp.tid()
    slot = sights[v].slot
    x = part * run
    end = wp.min(x + run, colour.shape[3])
    while x < end:
        if colour[slot, 0, y, x][3] > 0.0:
            open_sky[v, 0, y, x] = settled(v, slot, y, x, colour, where, creases)
        x += 1
