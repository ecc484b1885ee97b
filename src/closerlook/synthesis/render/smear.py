"""Kernel for blur: of the lens, of a walking person, and of colour alone.

Like resample, it acts on the surfaces before they are lit and so costs once a view.
"""

# ruff: noqa: UP018, RUF046 - to Warp, the cast makes a variable of a constant
# Warp types kernels, not Python:
# mypy: ignore-errors

from __future__ import annotations

import warp as wp

wp.set_module_options({"enable_backward": False, "fast_math": True, "optimization_level": 3})

ALL = wp.constant(0)
PERSON = wp.constant(1)
COLOUR = wp.constant(2)


@wp.func
def grey(c: wp.vec3) -> float:
    return c[0] * 0.2126 + c[1] * 0.7152 + c[2] * 0.0722


@wp.kernel
def smear(
    colour: wp.array3d(dtype=wp.vec4),
    facing: wp.array3d(dtype=wp.vec4),
    where: wp.array3d(dtype=wp.vec4),
    taps: wp.array(dtype=wp.vec3),
    what: int,
    out_colour: wp.array3d(dtype=wp.vec4),
    out_facing: wp.array3d(dtype=wp.vec4),
    out_where: wp.array3d(dtype=wp.vec4),
):
    """Mean of a pixel's neighbours, each tap (right, down, weight); weights sum to 1.

    ``what`` is ALL, or the PERSON, behind whom the place stays sharp.
    """
    y, x = wp.tid()
    person_share = float(0.0)
    for layer in range(2):
        own = colour[layer, y, x]
        share = float(0.0)
        mean = wp.vec4()
        normal = wp.vec4()
        position = wp.vec4()
        weight = float(0.0)
        k = int(0)
        while k < taps.shape[0]:
            t = taps[k]
            row = wp.clamp(y + int(t[1]), 0, colour.shape[1] - 1)
            column = wp.clamp(x + int(t[0]), 0, colour.shape[2] - 1)
            c = colour[layer, row, column]
            if c[3] > 0.0:
                w = t[2] * c[3]
                near = wp.where(w > 1.0e-4, w, 1.0e-4)
                mean += c * w
                share += w
                normal += facing[layer, row, column] * near
                position += where[layer, row, column] * near
                weight += near
            k += 1
        albedo = wp.vec3(mean[0], mean[1], mean[2]) / wp.max(share, 1.0e-4)
        if layer == 0:
            person_share = share
        else:
            share = 1.0 - person_share
        if what == PERSON and layer == 1 and own[3] > 0.0:
            albedo = wp.vec3(own[0], own[1], own[2])
            out_facing[layer, y, x] = facing[layer, y, x]
            out_where[layer, y, x] = where[layer, y, x]
        else:
            if weight == 0.0:
                share = 0.0
            scale = 1.0 / wp.max(weight, 1.0e-6)
            n = wp.normalize(wp.vec3(normal[0], normal[1], normal[2]))
            out_facing[layer, y, x] = wp.vec4(n[0], n[1], n[2], normal[3] * scale)
            out_where[layer, y, x] = position * scale
        out_colour[layer, y, x] = wp.vec4(albedo[0], albedo[1], albedo[2], share)


@wp.kernel
def tint(
    colour: wp.array3d(dtype=wp.vec4),
    taps: wp.array(dtype=wp.vec3),
    out_colour: wp.array3d(dtype=wp.vec4),
):
    """Mean colour of a pixel's neighbours at the pixel's own brightness; taps as in :func:`smear`."""
    y, x = wp.tid()
    for layer in range(2):
        own = colour[layer, y, x]
        if own[3] > 0.0:
            mean = wp.vec4()
            k = int(0)
            while k < taps.shape[0]:
                t = taps[k]
                row = wp.clamp(y + int(t[1]), 0, colour.shape[1] - 1)
                column = wp.clamp(x + int(t[0]), 0, colour.shape[2] - 1)
                c = colour[layer, row, column]
                mean += c * (t[2] * c[3])
                k += 1
            albedo = wp.vec3(mean[0], mean[1], mean[2])
            albedo = albedo * (grey(wp.vec3(own[0], own[1], own[2])) / wp.max(grey(albedo), 1.0e-5))
            own = wp.vec4(albedo[0], albedo[1], albedo[2], own[3])
        out_colour[layer, y, x] = own
