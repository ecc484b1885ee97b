"""Kernel for the sensor's own resolution: enlarge, soften or sharpen the surfaces that a view found.

It acts on the surfaces before they are lit, so it costs once a view and not once an image; light varies so much more
slowly than texture and outlines that the images come out alike.
"""

# Warp types kernels, not Python:
# mypy: ignore-errors

from __future__ import annotations

import warp as wp

from closerlook.compute.kernels import KERNEL_OPTIONS

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


@wp.kernel
def resample(
    colour: wp.array3d(dtype=wp.vec4),
    facing: wp.array3d(dtype=wp.vec4),
    where: wp.array3d(dtype=wp.vec4),
    height: int,
    width: int,
    softness: float,
    full_height: int,
    full_width: int,
    full_colour: wp.array3d(dtype=wp.vec4),
    full_facing: wp.array3d(dtype=wp.vec4),
    full_where: wp.array3d(dtype=wp.vec4),
):
    """Both layers of the (height, width) sensor to the image's full size; as in resolve.resolve."""
    y, x = wp.tid()
    v = (float(y) + 0.5) * float(height) / float(full_height) - 0.5
    u = (float(x) + 0.5) * float(width) / float(full_width) - 0.5
    cv = int(wp.floor(v + 0.5))
    cu = int(wp.floor(u + 0.5))
    wv = tap(v - float(cv), softness)
    wu = tap(u - float(cu), softness)
    rows = wp.vec3i(wp.max(cv - 1, 0), cv, wp.min(cv + 1, height - 1))
    columns = wp.vec3i(wp.max(cu - 1, 0), cu, wp.min(cu + 1, width - 1))
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
                c = colour[layer, rows[b], columns[a]]
                if c[3] > 0.0:
                    w = wv[b] * wu[a] * c[3]
                    share += w
                    mean += c * w
                    low = wp.vec3(least(low[0], c[0]), least(low[1], c[1]), least(low[2], c[2]))
                    near = wp.where(w > 1.0e-4, w, 1.0e-4)
                    normal += facing[layer, rows[b], columns[a]] * near
                    position += where[layer, rows[b], columns[a]] * near
                    weight += near
        if weight == 0.0:
            full_colour[layer, y, x] = wp.vec4()
        else:
            albedo = wp.max(wp.vec3(mean[0], mean[1], mean[2]) / wp.max(share, 1.0e-3), low * 0.5)
            if layer == 0:
                share = wp.clamp(share, 0.0, 1.0)
                person_share = share
            else:
                share = 1.0 - person_share
            n = wp.normalize(wp.vec3(normal[0], normal[1], normal[2]))
            scale = 1.0 / weight
            full_colour[layer, y, x] = wp.vec4(albedo[0], albedo[1], albedo[2], share)
            full_facing[layer, y, x] = wp.vec4(n[0], n[1], n[2], normal[3] * scale)
            full_where[layer, y, x] = position * scale
