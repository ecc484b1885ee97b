"""Kernels that turn triangles into samples: project, rasterize, cast the shadow map."""

# ruff: noqa: UP018, RUF046 - to Warp, the cast makes a variable of a constant
# Warp types kernels, not Python:
# mypy: ignore-errors

from __future__ import annotations

import warp as wp

from closerlook.compute.kernels import KERNEL_OPTIONS
from closerlook.synthesis.rendering.numbers import greater, lesser
from closerlook.synthesis.rendering.surfaces.texturing import opacity
from closerlook.synthesis.rendering.values import Projection, Surface, ViewParameters, texel

wp.set_module_options(KERNEL_OPTIONS)

EMPTY = wp.constant(wp.int64(1 << 62))
ID_BITS = wp.constant(wp.int64(20))
ID_MASK = wp.constant(wp.int64((1 << 20) - 1))
DEPTH_STEPS = wp.constant(1073741824.0)

SLIVER = wp.constant(1.0e-4)  # of a sample, by which a triangle is larger than it is: none is lost to rounding
LEVEL = wp.constant(1.0e-7)  # an edge whose number changes by less with a column is taken for level
FAR = wp.constant(1.0e6)


@wp.func
def weights(a: wp.vec4, b: wp.vec4, c: wp.vec4, inverse: float, x: float, y: float) -> wp.vec3:
    """Barycentric coordinates on the screen of (x, y); ``inverse`` is 1 / :func:`doubled_area`."""
    w0 = ((x - b[0]) * (b[1] - c[1]) + (y - b[1]) * (c[0] - b[0])) * inverse
    w1 = ((x - c[0]) * (c[1] - a[1]) + (y - c[1]) * (a[0] - c[0])) * inverse
    return wp.vec3(w0, w1, 1.0 - w0 - w1)


@wp.func
def doubled_area(a: wp.vec4, b: wp.vec4, c: wp.vec4) -> float:
    """Twice the signed area on the screen, whose y points down: negative for a triangle that faces the viewer."""
    return (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0])


@wp.func
def hidden(area: float, two_sided: int) -> bool:
    """Whether a triangle of this :func:`doubled_area` has no extent, or shows a back that is not drawn."""
    return area == 0.0 or (area > 0.0 and two_sided == 0)


@wp.func
def min3(a: float, b: float, c: float) -> float:
    """The smallest of three numbers."""
    return lesser(lesser(a, b), c)


@wp.func
def max3(a: float, b: float, c: float) -> float:
    """The largest of three numbers."""
    return greater(greater(a, b), c)


@wp.struct
class Cover:
    """The samples that a triangle may cover: the upper left one of the box around it, and its columns and rows; the
    :func:`weights` of the upper left one, and what a column and a row further adds to them.

    The samples of a row from the largest of ``low`` to the least of ``high``, columns of the box, are covered; these,
    too, are of the first row, followed by what a row further adds to them.
    """

    left: int
    top: int
    columns: int
    rows: int
    first: wp.vec3
    column: wp.vec3
    row: wp.vec3
    low: wp.vec3
    low_row: wp.vec3
    high: wp.vec3
    high_row: wp.vec3


@wp.func
def cover(a: wp.vec4, b: wp.vec4, c: wp.vec4, area: float, width: int, height: int) -> Cover:
    """The samples of a picture that a triangle of this :func:`doubled_area` may cover; no rows if there are none."""
    s = Cover()
    s.left = wp.max(int(min3(a[0], b[0], c[0]) + 0.5 - SLIVER), 0)
    s.top = wp.max(int(min3(a[1], b[1], c[1]) + 0.5 - SLIVER), 0)
    s.columns = wp.min(int(max3(a[0], b[0], c[0]) + 0.5 + SLIVER), width) - s.left
    rows = wp.min(int(max3(a[1], b[1], c[1]) + 0.5 + SLIVER), height) - s.top
    if s.columns > 0 and rows > 0:
        s.rows = rows
        inverse = 1.0 / area
        x = float(s.left) + 0.5
        y = float(s.top) + 0.5
        s.column = wp.vec3(b[1] - c[1], c[1] - a[1], a[1] - b[1]) * inverse
        s.row = wp.vec3(c[0] - b[0], a[0] - c[0], b[0] - a[0]) * inverse
        w0 = (x - b[0]) * s.column[0] + (y - b[1]) * s.row[0]
        w1 = (x - c[0]) * s.column[1] + (y - c[1]) * s.row[1]
        s.first = wp.vec3(w0, w1, 1.0 - w0 - w1)
        for edge in range(3):
            slope = wp.where(wp.abs(s.column[edge]) < LEVEL, LEVEL, s.column[edge])
            over = -1.0 / slope
            at = s.first[edge] * over
            step = s.row[edge] * over
            s.low[edge] = wp.where(slope > 0.0, at, -FAR)
            s.low_row[edge] = wp.where(slope > 0.0, step, 0.0)
            s.high[edge] = wp.where(slope > 0.0, FAR, at)
            s.high_row[edge] = wp.where(slope > 0.0, 0.0, step)
    return s


@wp.func
def first_column(s: Cover, row: float) -> int:
    """The first covered column of a row of the box."""
    low = max3(s.low[0] + s.low_row[0] * row, s.low[1] + s.low_row[1] * row, s.low[2] + s.low_row[2] * row)
    return int(lesser(greater(low, 0.0), float(s.columns)) + 1.0 - SLIVER)


@wp.func
def end_column(s: Cover, row: float) -> int:
    """The column after the last covered one of a row of the box."""
    high = min3(s.high[0] + s.high_row[0] * row, s.high[1] + s.high_row[1] * row, s.high[2] + s.high_row[2] * row)
    return int(lesser(greater(high + 1.0 + SLIVER, 0.0), float(s.columns)))


@wp.func
def bend(straight2: float, distortion: float) -> float:
    """What a lens multiplies a point's distance from the axis with, given the square of that distance: the root of
    f * (1 + distortion * straight2 * f * f) = 1, by Newton's method from a fraction that is right to second order."""
    k = distortion * straight2
    f = (1.0 + 2.0 * k) / (1.0 + 3.0 * k)
    for _ in range(2):
        f -= (f + k * f * f * f - 1.0) / (1.0 + 3.0 * k * f * f)
    return f


@wp.kernel
def project(
    positions: wp.array2d(dtype=wp.vec3),
    projections: wp.array(dtype=Projection),
    screen: wp.array2d(dtype=wp.vec4),
    run: int,
):
    """World to (x, y in samples from the upper left, depth 0..1, 1/w), through the camera's lens: one row per
    projection.

    A thread does ``run`` vertices.
    """
    row, part = wp.tid()
    projection = projections[row]
    across = 0.5 * float(projection.width)
    down = 0.5 * float(projection.height)
    across_plane = across / projection.window[2]
    down_plane = down / projection.window[3]
    i = part * run
    end = wp.min(i + run, screen.shape[1])
    while i < end:
        p = positions[projection.pose, i]
        q = projection.matrix * wp.vec4(p[0], p[1], p[2], 1.0)
        r = 1.0 / q[3]
        x = q[0] * r * across
        y = q[1] * r * down
        if projection.distortion != 0.0:
            u = projection.window[0] + projection.window[2] * (q[0] * r)
            v = projection.window[1] + projection.window[3] * (q[1] * r)
            bent = bend(u * u + v * v, projection.distortion)
            x = (u * bent - projection.window[0]) * across_plane
            y = (v * bent - projection.window[1]) * down_plane
        screen[row, i] = wp.vec4(across + x, down - y, q[2] * r * 0.5 + 0.5, r)
        i += 1


@wp.func
def seen_through(
    f: wp.vec3i, q: wp.vec3, uv: wp.array(dtype=wp.vec2), texels: wp.array(dtype=texel), surface: Surface
) -> bool:
    """Whether a cut-out surface has a hole in a triangle where its corners weigh ``q`` in the world."""
    at = (uv[f[0]] * q[0] + uv[f[1]] * q[1] + uv[f[2]] * q[2]) / (q[0] + q[1] + q[2])
    return opacity(texels, surface.start, surface.log2_side, at, wp.max(surface.log2_side - 7, 0)) < 128


@wp.func
def draw(
    v: int,
    t: int,
    screen: wp.array2d(dtype=wp.vec4),
    triangles: wp.array(dtype=wp.vec3i),
    surface: Surface,
    uv: wp.array(dtype=wp.vec2),
    texels: wp.array(dtype=texel),
    width: int,
    height: int,
    key: wp.array3d(dtype=wp.int64),
):
    """Keep a triangle in those samples that show none nearer."""
    f = triangles[t]
    a = screen[v, f[0]]
    b = screen[v, f[1]]
    c = screen[v, f[2]]
    area = doubled_area(a, b, c)
    if hidden(area, surface.two_sided):
        return
    box = cover(a, b, c, area, width, height)
    row = int(0)
    while row < box.rows:
        y = box.top + row
        left = box.first + box.row * float(row)
        column = first_column(box, float(row))
        end = end_column(box, float(row))
        while column < end:
            x = box.left + column
            w = left + box.column * float(column)
            z = w[0] * a[2] + w[1] * b[2] + w[2] * c[2]
            k = (wp.int64(z * DEPTH_STEPS) << ID_BITS) | wp.int64(t)
            solid = z >= 0.0
            if surface.cutout != 0 and k < key[v, y, x]:
                shares = wp.vec3(w[0] * a[3], w[1] * b[3], w[2] * c[3])
                solid = solid and not seen_through(f, shares, uv, texels, surface)
            if solid:
                wp.atomic_min(key, v, y, x, k)
            column += 1
        row += 1


@wp.kernel
def rasterize(
    screen: wp.array2d(dtype=wp.vec4),
    triangles: wp.array(dtype=wp.vec3i),
    surface_of: wp.array(dtype=int),
    surfaces: wp.array(dtype=Surface),
    uv: wp.array(dtype=wp.vec2),
    texels: wp.array(dtype=texel),
    views: wp.array(dtype=ViewParameters),
    key: wp.array3d(dtype=wp.int64),
    run: int,
):
    """Keep in each sample the nearest triangle: depth in the upper bits of ``key``, the triangle's number in the lower.

    Each view has its row of ``screen`` and draws its 2 x 2 samples a pixel into the upper left of its ``key``, which
    must be :data:`EMPTY` before. Screen y points down, so triangles that are counter-clockwise in the world are
    clockwise here. A thread does ``run`` triangles.
    """
    v, part = wp.tid()
    width = 2 * views[v].width
    height = 2 * views[v].height
    t = part * run
    end = wp.min(t + run, triangles.shape[0])
    while t < end:
        draw(v, t, screen, triangles, surfaces[surface_of[t]], uv, texels, width, height, key)
        t += 1


@wp.func
def throw(
    row: int,
    f: wp.vec3i,
    two_sided: int,
    screen: wp.array2d(dtype=wp.vec4),
    shadow: wp.array3d(dtype=float),
):
    """Keep a triangle's depth in those texels of a shadow map that have none nearer."""
    a = screen[row, f[0]]
    b = screen[row, f[1]]
    c = screen[row, f[2]]
    area = doubled_area(a, b, c)
    if hidden(area, two_sided):
        return
    box = cover(a, b, c, area, shadow.shape[2], shadow.shape[1])
    down = int(0)
    while down < box.rows:
        left = box.first + box.row * float(down)
        across = first_column(box, float(down))
        end = end_column(box, float(down))
        while across < end:
            w = left + box.column * float(across)
            z = w[0] * a[2] + w[1] * b[2] + w[2] * c[2]
            wp.atomic_min(shadow, row, box.top + down, box.left + across, z)
            across += 1
        down += 1


@wp.kernel
def cast(
    screen: wp.array2d(dtype=wp.vec4),
    triangles: wp.array(dtype=wp.vec3i),
    surface_of: wp.array(dtype=int),
    surfaces: wp.array(dtype=Surface),
    shadow: wp.array3d(dtype=float),
    run: int,
):
    """Nearest depth from key lights, each of which has its row of ``screen`` and its shadow map.

    The maps must be further than any depth before. A thread does ``run`` triangles.
    """
    k, part = wp.tid()
    t = part * run
    end = wp.min(t + run, triangles.shape[0])
    while t < end:
        throw(k, triangles[t], surfaces[surface_of[t]].two_sided, screen, shadow)
        t += 1
