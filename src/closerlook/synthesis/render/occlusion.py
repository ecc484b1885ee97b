"""Kernels for how much of the sky a pixel's surfaces see."""

# ruff: noqa: UP018, RUF046 - to Warp, the cast makes a variable of a constant
# Warp types kernels, not Python:
# mypy: ignore-errors

from __future__ import annotations

import warp as wp

from closerlook.compute.kernels import KERNEL_OPTIONS

wp.set_module_options(KERNEL_OPTIONS)


NEAR = wp.constant(0.08)  # metres within which neighbours share what their taps found
REACH = wp.constant(6.3)  # radii beyond which a sphere darkens nothing


@wp.kernel
def occlude(
    colour: wp.array3d(dtype=wp.vec4),
    facing: wp.array3d(dtype=wp.vec4),
    where: wp.array3d(dtype=wp.vec4),
    blobs: wp.array(dtype=wp.vec4),
    body: int,
    taps: wp.array2d(dtype=wp.vec2i),
    metres: float,
    width: int,
    height: int,
    creases: wp.array2d(dtype=float),
    open_sky: wp.array3d(dtype=float),
):
    """Share of the sky that each layer sees.

    The person occludes itself in screen space (McGuire et al., "The alchemy screen-space ambient obscurance
    algorithm", 2011) within ``metres``, at the pixels that one row of ``taps`` says, which differs between neighbours:
    :func:`settle` then makes one of their ``creases``. The place is darkened by the ``blobs``, spheres (x, y, z,
    radius); the first ``body`` of them are the person's.
    """
    y, x = wp.tid()
    if colour[0, y, x][3] > 0.0:
        f = facing[0, y, x]
        w = where[0, y, x]
        n = wp.vec3(f[0], f[1], f[2])
        p = wp.vec3(w[0], w[1], w[2])
        turn = (x & 3) + 4 * (y & 3)
        total = float(0.0)
        s = int(0)
        while s < taps.shape[1]:
            i = x + taps[turn, s][0]
            j = y + taps[turn, s][1]
            inside = i >= 0 and i < width and j >= 0 and j < height
            if inside and colour[0, j, i][3] > 0.4:
                o = where[0, j, i]
                v = wp.vec3(o[0], o[1], o[2]) - p
                d2 = wp.dot(v, v)
                if d2 < 4.0 * metres * metres:
                    total += wp.max(wp.dot(v, n) - 0.01, 0.0) / (d2 + 0.002)
            s += 1
        crease = wp.clamp(1.0 - total * metres * (1.9 / float(taps.shape[1])), 0.25, 1.0)
        near_ground = 1.0 - 0.5 * wp.exp(-p[1] * 6.0) * wp.clamp(0.6 - n[1], 0.0, 1.0)
        creases[y, x] = crease * near_ground
    if colour[1, y, x][3] > 0.0:
        f = facing[1, y, x]
        w = where[1, y, x]
        n = wp.vec3(f[0], f[1], f[2])
        p = wp.vec3(w[0], w[1], w[2])
        seen = float(1.0)
        first = int(0)
        if p[0] * p[0] + p[2] * p[2] > 9.0:
            first = body  # no sphere of the person is large enough to darken anything 3 m away
        s = int(first)
        while s < blobs.shape[0]:
            b = blobs[s]
            d = wp.vec3(b[0], b[1], b[2]) - p
            d2 = wp.dot(d, d)
            if d2 < REACH * REACH * b[3] * b[3]:
                away = wp.max(d2 / (b[3] * b[3]), 1.0)
                seen *= 1.0 - wp.clamp(wp.dot(n, d) / wp.sqrt(d2), 0.0, 1.0) / away
            s += 1
        if wp.abs(n[1]) < 0.5:
            seen *= 1.0 - 0.45 * wp.exp(-p[1] * 2.5)  # a wall sees less of the sky near its foot
        open_sky[1, y, x] = seen


@wp.kernel
def settle(
    colour: wp.array3d(dtype=wp.vec4),
    where: wp.array3d(dtype=wp.vec4),
    creases: wp.array2d(dtype=float),
    open_sky: wp.array3d(dtype=float),
):
    """The person's share of the sky: the mean over 4 x 4 pixels, each of which has another turn of the taps."""
    y, x = wp.tid()
    if colour[0, y, x][3] > 0.0:
        w = where[0, y, x]
        total = float(0.0)
        count = float(0.0)
        j = wp.max(y - 1, 0)
        while j < wp.min(y + 3, colour.shape[1]):
            i = wp.max(x - 1, 0)
            while i < wp.min(x + 3, colour.shape[2]):
                if colour[0, j, i][3] > 0.0:
                    o = where[0, j, i]
                    away = wp.vec3(o[0] - w[0], o[1] - w[1], o[2] - w[2])
                    if wp.dot(away, away) < NEAR * NEAR:
                        total += creases[j, i]
                        count += 1.0
                i += 1
            j += 1
        open_sky[0, y, x] = total / count
