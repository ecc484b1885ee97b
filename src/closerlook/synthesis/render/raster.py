"""Kernels that turn triangles into samples: project, rasterise, cast the shadow map."""

# ruff: noqa: UP018 - to Warp, the cast makes a variable of a constant
# Warp types kernels, not Python:
# mypy: ignore-errors

from __future__ import annotations

import warp as wp

from closerlook.compute.kernels import KERNEL_OPTIONS
from closerlook.synthesis.render.texturing import opacity
from closerlook.synthesis.render.values import Look, Sight, Surface, texel

wp.set_module_options(KERNEL_OPTIONS)

EMPTY = wp.constant(wp.int64(1 << 62))
ID_BITS = wp.constant(wp.int64(20))
ID_MASK = wp.constant(wp.int64((1 << 20) - 1))
DEPTH_STEPS = wp.constant(1073741824.0)


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
def least(a: float, b: float, c: float) -> float:
    """The least of three numbers; one instruction each, which ``wp.min`` is not: it minds what is not a number."""
    d = wp.where(a < b, a, b)
    return wp.where(d < c, d, c)


@wp.func
def most(a: float, b: float, c: float) -> float:
    """The largest of three numbers, as :func:`least`."""
    d = wp.where(a > b, a, b)
    return wp.where(d > c, d, c)


@wp.func
def bounds(a: wp.vec4, b: wp.vec4, c: wp.vec4, width: int, height: int) -> wp.vec4i:
    """First column and row, last column and row of the samples that a triangle may cover; first > last for none."""
    return wp.vec4i(
        wp.max(int(wp.ceil(least(a[0], b[0], c[0]) - 0.5)), 0),
        wp.max(int(wp.ceil(least(a[1], b[1], c[1]) - 0.5)), 0),
        wp.min(int(wp.floor(most(a[0], b[0], c[0]) - 0.5)), width - 1),
        wp.min(int(wp.floor(most(a[1], b[1], c[1]) - 0.5)), height - 1),
    )


@wp.func
def bend(straight2: float, distortion: float) -> float:
    """What a lens multiplies a point's distance from the axis with, given the square of that distance: the root of
    f * (1 + distortion * straight2 * f * f) = 1, by Newton's method."""
    f = float(1.0)
    k = distortion * straight2
    for _ in range(4):
        f -= (f + k * f * f * f - 1.0) / (1.0 + 3.0 * k * f * f)
    return f


@wp.kernel
def project(positions: wp.array2d(dtype=wp.vec3), looks: wp.array(dtype=Look), screen: wp.array2d(dtype=wp.vec4)):
    """World to (x, y in samples from the upper left, depth 0..1, 1/w), through the camera's lens, a row a look."""
    row, i = wp.tid()
    look = looks[row]
    p = positions[look.pose, i]
    q = look.matrix * wp.vec4(p[0], p[1], p[2], 1.0)
    r = 1.0 / q[3]
    x = q[0] * r
    y = q[1] * r
    if look.distortion != 0.0:
        u = look.window[0] + look.window[2] * x
        v = look.window[1] + look.window[3] * y
        bent = bend(u * u + v * v, look.distortion)
        x = (u * bent - look.window[0]) / look.window[2]
        y = (v * bent - look.window[1]) / look.window[3]
    across = (x * 0.5 + 0.5) * float(look.width)
    down = (0.5 - y * 0.5) * float(look.height)
    screen[row, i] = wp.vec4(across, down, q[2] * r * 0.5 + 0.5, r)


@wp.kernel
def rasterise(
    screen: wp.array2d(dtype=wp.vec4),
    triangles: wp.array(dtype=wp.vec3i),
    surface_of: wp.array(dtype=int),
    surfaces: wp.array(dtype=Surface),
    uv: wp.array(dtype=wp.vec2),
    texels: wp.array(dtype=texel),
    sights: wp.array(dtype=Sight),
    key: wp.array3d(dtype=wp.int64),
):
    """Keep in each sample the nearest triangle: depth in the upper bits of ``key``, the triangle's number in the lower.

    Each sight has its row of ``screen`` and draws its 2 x 2 samples a pixel into the upper left of its ``key``, which
    must be :data:`EMPTY` before. Screen y points down, so triangles that are counter-clockwise in the world are
    clockwise here.
    """
    view, t = wp.tid()
    f = triangles[t]
    a = screen[view, f[0]]
    b = screen[view, f[1]]
    c = screen[view, f[2]]
    area = doubled_area(a, b, c)
    if hidden(area, surfaces[surface_of[t]].two_sided):
        return
    box = bounds(a, b, c, 2 * sights[view].width, 2 * sights[view].height)
    s = surfaces[surface_of[t]]
    inverse = 1.0 / area
    y = int(box[1])
    while y <= box[3]:
        x = int(box[0])
        while x <= box[2]:
            w = weights(a, b, c, inverse, float(x) + 0.5, float(y) + 0.5)
            if least(w[0], w[1], w[2]) >= 0.0:
                z = w[0] * a[2] + w[1] * b[2] + w[2] * c[2]
                k = (wp.int64(z * DEPTH_STEPS) << ID_BITS) | wp.int64(t)
                if z >= 0.0 and k < key[view, y, x]:
                    solid = 255
                    if s.cutout != 0:
                        q0 = w[0] * a[3]
                        q1 = w[1] * b[3]
                        q2 = w[2] * c[3]
                        at = (uv[f[0]] * q0 + uv[f[1]] * q1 + uv[f[2]] * q2) / (q0 + q1 + q2)
                        solid = opacity(texels, s.start, s.log2_side, at, float(s.log2_side - 7))
                    if solid >= 128:
                        wp.atomic_min(key, view, y, x, k)
            x += 1
        y += 1


@wp.kernel
def cast(
    screen: wp.array2d(dtype=wp.vec4),
    triangles: wp.array(dtype=wp.vec3i),
    surface_of: wp.array(dtype=int),
    surfaces: wp.array(dtype=Surface),
    first_row: int,
    slots: wp.array(dtype=int),
    shadow: wp.array3d(dtype=float),
):
    """Nearest depth from key lights: cast k draws row ``first_row`` + k of ``screen`` into the map ``slots[k]``."""
    k, t = wp.tid()
    row = first_row + k
    f = triangles[t]
    a = screen[row, f[0]]
    b = screen[row, f[1]]
    c = screen[row, f[2]]
    area = doubled_area(a, b, c)
    if hidden(area, surfaces[surface_of[t]].two_sided):
        return
    side = shadow.shape[1]
    slot = slots[k]
    box = bounds(a, b, c, side, side)
    inverse = 1.0 / area
    y = int(box[1])
    while y <= box[3]:
        x = int(box[0])
        while x <= box[2]:
            w = weights(a, b, c, inverse, float(x) + 0.5, float(y) + 0.5)
            if least(w[0], w[1], w[2]) >= 0.0:
                wp.atomic_min(shadow, slot, y, x, w[0] * a[2] + w[1] * b[2] + w[2] * c[2])
            x += 1
        y += 1
