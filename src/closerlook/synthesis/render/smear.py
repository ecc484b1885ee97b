"""Kernels for blur: of the lens, of a walking person, and of colour alone.

Like resample, they act on the surfaces before they are lit and so cost once a view.
"""

# ruff: noqa: UP018, RUF046 - to Warp, the cast makes a variable of a constant
# Warp types kernels, not Python:
# mypy: ignore-errors

from __future__ import annotations

import warp as wp

from closerlook.compute.kernels import KERNEL_OPTIONS
from closerlook.synthesis.render.values import Blur, Sight

wp.set_module_options(KERNEL_OPTIONS)

ALL = wp.constant(0)
PERSON = wp.constant(1)
RED, GREEN, BLUE = wp.constant(0.2126), wp.constant(0.7152), wp.constant(0.0722)  # of brightness


@wp.func
def smeared(
    blur: Blur,
    y: int,
    x: int,
    taps: wp.array(dtype=wp.vec3),
    colour: wp.array4d(dtype=wp.vec4),
    facing: wp.array4d(dtype=wp.vec4),
    where: wp.array4d(dtype=wp.vec4),
):
    """Both layers of one pixel."""
    source, target = blur.source, blur.target
    person_share = float(0.0)
    for layer in range(2):
        own = colour[source, layer, y, x]
        share = float(0.0)
        mean = wp.vec4()
        normal = wp.vec4()
        position = wp.vec4()
        weight = float(0.0)
        k = int(blur.first_tap)
        while k < blur.end_tap:
            t = taps[k]
            row = wp.clamp(y + int(t[1]), 0, colour.shape[2] - 1)
            column = wp.clamp(x + int(t[0]), 0, colour.shape[3] - 1)
            c = colour[source, layer, row, column]
            if c[3] > 0.0:
                w = t[2] * c[3]
                near = wp.where(w > 1.0e-4, w, 1.0e-4)
                mean += c * w
                share += w
                normal += facing[source, layer, row, column] * near
                position += where[source, layer, row, column] * near
                weight += near
            k += 1
        albedo = wp.vec3(mean[0], mean[1], mean[2]) / wp.max(share, 1.0e-4)
        if layer == 0:
            person_share = share
        else:
            share = 1.0 - person_share
        if blur.what == PERSON and layer == 1 and own[3] > 0.0:
            albedo = wp.vec3(own[0], own[1], own[2])
            facing[target, layer, y, x] = facing[source, layer, y, x]
            where[target, layer, y, x] = where[source, layer, y, x]
        else:
            if weight == 0.0:
                share = 0.0
            scale = 1.0 / wp.max(weight, 1.0e-6)
            n = wp.normalize(wp.vec3(normal[0], normal[1], normal[2]))
            facing[target, layer, y, x] = wp.vec4(n[0], n[1], n[2], normal[3] * scale)
            where[target, layer, y, x] = position * scale
        colour[target, layer, y, x] = wp.vec4(albedo[0], albedo[1], albedo[2], share)


@wp.kernel
def smear(
    blurs: wp.array(dtype=Blur),
    taps: wp.array(dtype=wp.vec3),
    colour: wp.array4d(dtype=wp.vec4),
    facing: wp.array4d(dtype=wp.vec4),
    where: wp.array4d(dtype=wp.vec4),
    run: int,
):
    """Mean of a pixel's neighbours, each tap (right, down, weight); a blur's weights sum to 1.

    What is blurred is ALL, or the PERSON, behind whom the place stays sharp. A thread does ``run`` pixels of a row.
    """
    i, y, part = wp.tid()
    blur = blurs[i]
    x = part * run
    end = wp.min(x + run, colour.shape[3])
    while x < end:
        smeared(blur, y, x, taps, colour, facing, where)
        x += 1


@wp.kernel
def separate(
    sights: wp.array(dtype=Sight), colour: wp.array4d(dtype=wp.vec4), split: wp.array3d(dtype=wp.vec3), run: int
):
    """Brightness, and blue and red beyond it, of both layers together as they would be shown in even light.

    The square root stands for the display's transfer function, after which cameras smooth colour. Views with no
    ``bell`` are left alone, here and below; a thread does ``run`` pixels of a row.
    """
    v, y, part = wp.tid()
    sight = sights[v]
    if sight.bell == 0:
        return
    x = part * run
    end = wp.min(x + run, colour.shape[3])
    while x < end:
        a = colour[sight.slot, 0, y, x]
        b = colour[sight.slot, 1, y, x]
        red = wp.sqrt(a[0] * a[3] + b[0] * b[3])
        green = wp.sqrt(a[1] * a[3] + b[1] * b[3])
        blue = wp.sqrt(a[2] * a[3] + b[2] * b[3])
        light = red * RED + green * GREEN + blue * BLUE
        split[v, y, x] = wp.vec3(light, blue - light, red - light)
        x += 1


@wp.func
def blurred(
    split: wp.array3d(dtype=wp.vec3),
    bells: wp.array2d(dtype=float),
    count: int,
    v: int,
    y: int,
    x: int,
    dy: int,
    dx: int,
) -> wp.vec3:
    """Weighted mean of the pixels on a line through this one; the view's ``bells`` are its weight and that of those
    beside it."""
    total = split[v, y, x] * bells[v, 0]
    k = int(1)
    while k < count:
        below = split[v, wp.min(y + k * dy, split.shape[1] - 1), wp.min(x + k * dx, split.shape[2] - 1)]
        total += (below + split[v, wp.max(y - k * dy, 0), wp.max(x - k * dx, 0)]) * bells[v, k]
        k += 1
    return total


@wp.kernel
def soften(
    sights: wp.array(dtype=Sight),
    bells: wp.array2d(dtype=float),
    split: wp.array3d(dtype=wp.vec3),
    across: wp.array3d(dtype=wp.vec3),
    run: int,
):
    """Blur along rows."""
    v, y, part = wp.tid()
    sight = sights[v]
    if sight.bell == 0:
        return
    x = part * run
    end = wp.min(x + run, split.shape[2])
    while x < end:
        across[v, y, x] = blurred(split, bells, sight.bell, v, y, x, 0, 1)
        x += 1


@wp.kernel
def recolour(
    sights: wp.array(dtype=Sight),
    bells: wp.array2d(dtype=float),
    split: wp.array3d(dtype=wp.vec3),
    across: wp.array3d(dtype=wp.vec3),
    colour: wp.array4d(dtype=wp.vec4),
    run: int,
):
    """Blur down columns, and give both layers the smoothed colour at the brightness that they have together."""
    v, y, part = wp.tid()
    sight = sights[v]
    if sight.bell == 0:
        return
    x = part * run
    end = wp.min(x + run, split.shape[2])
    while x < end:
        own = split[v, y, x]
        mean = blurred(across, bells, sight.bell, v, y, x, 1, 0)
        old = wp.vec3(own[2], -(own[2] * RED + own[1] * BLUE) / GREEN, own[1]) + wp.vec3(own[0])
        new = wp.vec3(mean[2], -(mean[2] * RED + mean[1] * BLUE) / GREEN, mean[1]) + wp.vec3(own[0])
        new = wp.max(new, wp.vec3())
        change = wp.cw_mul(new, new) - wp.cw_mul(old, old)
        for layer in range(2):
            c = colour[sight.slot, layer, y, x]
            if c[3] > 0.0:
                albedo = wp.max(wp.vec3(c[0], c[1], c[2]) + change, wp.vec3())
                colour[sight.slot, layer, y, x] = wp.vec4(albedo[0], albedo[1], albedo[2], c[3])
        x += 1
