"""Kernel for blur: of the lens, of a walking person, and of colour alone.

Like resample, it acts on the surfaces before they are lit and so costs once a view.
"""

# ruff: noqa: UP018, RUF046 - to Warp, the cast makes a variable of a constant
# Warp types kernels, not Python:
# mypy: ignore-errors

from __future__ import annotations

import warp as wp

from closerlook.compute.kernels import KERNEL_OPTIONS

wp.set_module_options(KERNEL_OPTIONS)

ALL = wp.constant(0)
PERSON = wp.constant(1)
RED, GREEN, BLUE = wp.constant(0.2126), wp.constant(0.7152), wp.constant(0.0722)  # of brightness


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
def separate(colour: wp.array3d(dtype=wp.vec4), split: wp.array2d(dtype=wp.vec3)):
    """Brightness, and blue and red beyond it, of both layers together as they would be shown in even light.

    The square root stands for the display's transfer function, after which cameras smooth colour.
    """
    y, x = wp.tid()
    a = colour[0, y, x]
    b = colour[1, y, x]
    red = wp.sqrt(a[0] * a[3] + b[0] * b[3])
    green = wp.sqrt(a[1] * a[3] + b[1] * b[3])
    blue = wp.sqrt(a[2] * a[3] + b[2] * b[3])
    light = red * RED + green * GREEN + blue * BLUE
    split[y, x] = wp.vec3(light, blue - light, red - light)


@wp.func
def blurred(split: wp.array2d(dtype=wp.vec3), taps: wp.array(dtype=float), y: int, x: int, dy: int, dx: int) -> wp.vec3:
    """Weighted mean of the pixels on a line through this one; ``taps`` are its weight and that of those beside it."""
    total = split[y, x] * taps[0]
    k = int(1)
    while k < taps.shape[0]:
        below = split[wp.min(y + k * dy, split.shape[0] - 1), wp.min(x + k * dx, split.shape[1] - 1)]
        total += (below + split[wp.max(y - k * dy, 0), wp.max(x - k * dx, 0)]) * taps[k]
        k += 1
    return total


@wp.kernel
def soften(split: wp.array2d(dtype=wp.vec3), taps: wp.array(dtype=float), across: wp.array2d(dtype=wp.vec3)):
    """Blur along rows."""
    y, x = wp.tid()
    across[y, x] = blurred(split, taps, y, x, 0, 1)


@wp.kernel
def recolour(
    split: wp.array2d(dtype=wp.vec3),
    across: wp.array2d(dtype=wp.vec3),
    taps: wp.array(dtype=float),
    colour: wp.array3d(dtype=wp.vec4),
):
    """Blur down columns, and give both layers the smoothed colour at the brightness that they have together."""
    y, x = wp.tid()
    own = split[y, x]
    mean = blurred(across, taps, y, x, 1, 0)
    old = wp.vec3(own[2], -(own[2] * RED + own[1] * BLUE) / GREEN, own[1]) + wp.vec3(own[0])
    new = wp.vec3(mean[2], -(mean[2] * RED + mean[1] * BLUE) / GREEN, mean[1]) + wp.vec3(own[0])
    new = wp.max(new, wp.vec3())
    change = wp.cw_mul(new, new) - wp.cw_mul(old, old)
    for layer in range(2):
        c = colour[layer, y, x]
        if c[3] > 0.0:
            albedo = wp.max(wp.vec3(c[0], c[1], c[2]) + change, wp.vec3())
            colour[layer, y, x] = wp.vec4(albedo[0], albedo[1], albedo[2], c[3])
