"""Kernel for the sensor's own resolution: enlarge, soften or sharpen the surfaces that a view found.

It acts on the surfaces before they are lit, so it costs once a view and not once an image; light varies so much more
slowly than texture and outlines that the images come out alike.
"""

# Warp types kernels, not Python:
# mypy: ignore-errors

from __future__ import annotations

import warp as wp

from closerlook.compute.kernels import KERNEL_OPTIONS
from closerlook.synthesis.rendering.numbers import greater, lesser
from closerlook.synthesis.rendering.values import ViewParameters

wp.set_module_options(KERNEL_OPTIONS)

FLAT = wp.constant(0.05)  # meters beside a pixel's plane within which its neighbors are of the same surface


@wp.func
def own_weight(offset: float, softness: float) -> float:
    """Weight of a pixel for a point ``offset`` pixels (-0.5..0.5) from its middle.

    With :func:`next_weight` on both sides, the quadratic through three values plus ``softness`` times their second
    difference: 0.125 makes it the quadratic B-spline, a negative value sharpens.
    """
    return 1.0 - offset * offset - 2.0 * softness


@wp.func
def next_weight(offset: float, softness: float) -> float:
    """Weight of the pixel after the one nearest to a point ``offset`` behind that one's middle."""
    return 0.5 * offset * (offset + 1.0) + softness


@wp.func
def weighed(c: wp.vec4, weight: float) -> wp.vec4:
    """Color times coverage, and coverage, times ``weight``."""
    return wp.vec4(c[0], c[1], c[2], 1.0) * (c[3] * weight)


@wp.func
def column(
    color: wp.array4d(dtype=wp.vec4),
    facing: wp.array4d(dtype=wp.vec4),
    v: int,
    layer: int,
    above: int,
    row: int,
    below: int,
    x: int,
    w_above: float,
    w_row: float,
    w_below: float,
):
    """What three rows of a column come to: color and coverage, and normal by weights of which none is below 0."""
    mean = wp.vec4()
    bent = wp.vec4()
    a = color[v, layer, above, x][3]
    b = color[v, layer, row, x][3]
    c = color[v, layer, below, x][3]
    if a + b + c > 0.0:
        mean = weighed(color[v, layer, above, x], w_above) + weighed(color[v, layer, row, x], w_row)
        mean += weighed(color[v, layer, below, x], w_below)
        if a > 0.0:
            bent = facing[v, layer, above, x] * (a * greater(w_above, 0.0))
        if b > 0.0:
            bent += facing[v, layer, row, x] * (b * greater(w_row, 0.0))
        if c > 0.0:
            bent += facing[v, layer, below, x] * (c * greater(w_below, 0.0))
    return mean, bent


@wp.func
def alike(coverage: float, away: wp.vec4, normal: wp.vec4) -> float:
    """1 for a pixel that has the layer and is so far from a point on the plane of its normal, else 0."""
    aside = wp.abs(away[0] * normal[0] + away[1] * normal[1] + away[2] * normal[2])
    return wp.where(coverage > 0.0 and aside < FLAT, 1.0, 0.0)


@wp.kernel
def resample(
    views: wp.array(dtype=ViewParameters),
    capacity: int,
    color: wp.array4d(dtype=wp.vec4),
    facing: wp.array4d(dtype=wp.vec4),
    where: wp.array4d(dtype=wp.vec4),
    run: int,
):
    """Each view's surfaces, from its slot to ``capacity`` slots further on, from the sensor's size to the image's.

    Color, coverage and normal are resampled. Position is the nearest pixel's that has the layer, and changes towards
    those of its neighbors that are of the same surface: a mean of two surfaces is on neither.

    Views whose sensor has the image's size and no softness stay as they are. A thread does ``run`` pixels of a row,
    with single numbers for what could be vectors: those that are written by halves and read whole are slow.
    """
    v, y, part = wp.tid()
    height, width = color.shape[2], color.shape[3]
    soft = views[v].softness
    bottom = views[v].height - 1
    edge = views[v].width - 1
    if bottom + 1 == height and edge + 1 == width and soft == 0.0:
        return
    target = capacity + v
    down = (float(y) + 0.5) * float(bottom + 1) / float(height)
    row = int(down)
    down -= float(row) + 0.5
    above = wp.max(row - 1, 0)
    below = wp.min(row + 1, bottom)
    beyond = wp.where(down < 0.0, above, below)
    w_above = next_weight(-down, soft)
    w_row = own_weight(down, soft)
    w_below = next_weight(down, soft)
    down = wp.abs(down)
    step = float(edge + 1) / float(width)
    for layer in range(2):
        x = part * run
        end = wp.min(x + run, width)
        u = int((float(x) + 0.5) * step)
        left, bent_left = column(color, facing, v, layer, above, row, below, wp.max(u - 1, 0), w_above, w_row, w_below)
        middle, bent = column(color, facing, v, layer, above, row, below, u, w_above, w_row, w_below)
        right, bent_right = column(
            color, facing, v, layer, above, row, below, wp.min(u + 1, edge), w_above, w_row, w_below
        )
        while x < end:
            across = (float(x) + 0.5) * step
            if int(across) > u:
                u += 1
                left = middle
                bent_left = bent
                middle = right
                bent = bent_right
                right, bent_right = column(
                    color, facing, v, layer, above, row, below, wp.min(u + 1, edge), w_above, w_row, w_below
                )
            across -= float(u) + 0.5
            w_own = own_weight(across, soft)
            w_left = next_weight(-across, soft)
            w_right = next_weight(across, soft)
            mean = middle * w_own + left * w_left + right * w_right
            if mean[3] > 0.0:
                before = wp.max(u - 1, 0)
                after = wp.min(u + 1, edge)
                beside = wp.where(across < 0.0, before, after)
                across = wp.abs(across)
                j = int(row)
                i = int(u)
                if color[v, layer, j, i][3] == 0.0:
                    for b in range(3):
                        for a in range(3):
                            k = wp.where(b == 0, above, wp.where(b == 1, below, row))
                            h = wp.where(a == 0, before, wp.where(a == 1, after, u))
                            if color[v, layer, k, h][3] > 0.0:
                                j = k
                                i = h
                least = color[v, layer, j, i] * 0.25
                albedo = mean * (1.0 / greater(mean[3], 1.0e-3))
                color[target, layer, y, x] = wp.vec4(
                    greater(albedo[0], least[0]),
                    greater(albedo[1], least[1]),
                    greater(albedo[2], least[2]),
                    lesser(mean[3], 1.0),
                )
                normal = facing[v, layer, j, i]
                turned = normal * 1.0e-3 + bent * greater(w_own, 0.0)
                turned += bent_left * greater(w_left, 0.0) + bent_right * greater(w_right, 0.0)
                n = wp.normalize(wp.vec3(turned[0], turned[1], turned[2]))
                facing[target, layer, y, x] = wp.vec4(n[0], n[1], n[2], normal[3])
                place = where[v, layer, j, i]
                away = where[v, layer, beyond, i] - place
                aside = where[v, layer, j, beside] - place
                w = down * alike(color[v, layer, beyond, i][3], away, normal)
                t = across * alike(color[v, layer, j, beside][3], aside, normal)
                where[target, layer, y, x] = place + away * w + aside * t
            else:
                color[target, layer, y, x] = wp.vec4()
            x += 1
