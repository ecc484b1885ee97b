"""Kernel for the sensor's own resolution: enlarge, soften or sharpen the surfaces that a view found.

It acts on the surfaces before they are lit, so it costs once a view and not once an image; light varies so much more
slowly than texture and outlines that the images come out alike.
"""

# Warp types kernels, not Python:
# mypy: ignore-errors

from __future__ import annotations

import warp as wp

from closerlook.compute.kernels import KERNEL_OPTIONS
from closerlook.synthesis.render.values import Sight

wp.set_module_options(KERNEL_OPTIONS)


@wp.func
def tap(offset: float, softness: float) -> wp.vec3:
    """Weights of three neighbours for a point ``offset`` pixels (-0.5..0.5) from the middle one.

    The quadratic through the three values plus ``softness`` times their second difference: 0.125 makes it the quadratic
    B-spline, a negative value sharpens.
    """
    half = 0.5 * offset * offset
    return wp.vec3(half - 0.5 * offset + softness, 1.0 - 2.0 * half - 2.0 * softness, half + 0.5 * offset + softness)


@wp.func
def least(a: float, b: float) -> float:
    """The lesser of two numbers, as in raster.least."""
    return wp.where(a < b, a, b)


@wp.func
def resampled(
    sight: Sight,
    target: int,
    y: int,
    x: int,
    colour: wp.array4d(dtype=wp.vec4),
    facing: wp.array4d(dtype=wp.vec4),
    where: wp.array4d(dtype=wp.vec4),
    source: int,
):
    """Both layers of one pixel of the image, from slot ``source`` to ``target``."""
    v = (float(y) + 0.5) * float(sight.height) / float(colour.shape[2]) - 0.5
    u = (float(x) + 0.5) * float(sight.width) / float(colour.shape[3]) - 0.5
    cv = int(wp.floor(v + 0.5))
    cu = int(wp.floor(u + 0.5))
    wv = tap(v - float(cv), sight.softness)
    wu = tap(u - float(cu), sight.softness)
    rows = wp.vec3i(wp.max(cv - 1, 0), cv, wp.min(cv + 1, sight.height - 1))
    columns = wp.vec3i(wp.max(cu - 1, 0), cu, wp.min(cu + 1, sight.width - 1))
    person_share = 0.0
    for layer in range(2):
        share = 0.0
        mean = wp.vec4()
        normal = wp.vec4()
        position = wp.vec4()
        weight = 0.0
        low = wp.vec3(1.0, 1.0, 1.0)
        for b in range(3):
            for a in range(3):
                c = colour[source, layer, rows[b], columns[a]]
                if c[3] > 0.0:
                    w = wv[b] * wu[a] * c[3]
                    share += w
                    mean += c * w
                    low = wp.vec3(least(low[0], c[0]), least(low[1], c[1]), least(low[2], c[2]))
                    near = wp.where(w > 1.0e-4, w, 1.0e-4)
                    normal += facing[source, layer, rows[b], columns[a]] * near
                    position += where[source, layer, rows[b], columns[a]] * near
                    weight += near
        if weight == 0.0:
            colour[target, layer, y, x] = wp.vec4()
        else:
            albedo = wp.max(wp.vec3(mean[0], mean[1], mean[2]) / wp.max(share, 1.0e-3), low * 0.5)
            if layer == 0:
                share = wp.clamp(share, 0.0, 1.0)
                person_share = share
            else:
                share = 1.0 - person_share
            n = wp.normalize(wp.vec3(normal[0], normal[1], normal[2]))
            scale = 1.0 / weight
            colour[target, layer, y, x] = wp.vec4(albedo[0], albedo[1], albedo[2], share)
            facing[target, layer, y, x] = wp.vec4(n[0], n[1], n[2], normal[3] * scale)
            where[target, layer, y, x] = position * scale


@wp.kernel
def resample(
    sights: wp.array(dtype=Sight),
    capacity: int,
    colour: wp.array4d(dtype=wp.vec4),
    facing: wp.array4d(dtype=wp.vec4),
    where: wp.array4d(dtype=wp.vec4),
    run: int,
):
    """Each view's surfaces, from its slot to ``capacity`` slots further on, from the sensor's size to the image's.

    Views whose sensor has the image's size and no softness stay as they are. A thread does ``run`` pixels of a row.
    """
    v, y, part = wp.tid()
    height, width = colour.shape[2], colour.shape[3]
    sight = sights[v]
    if sight.height == height and sight.width == width and sight.softness == 0.0:
        return
    x = part * run
    end = wp.min(x + run, width)
    while x < end:
        resampled(sight, capacity + v, y, x, colour, facing, where, v)
        x += 1
