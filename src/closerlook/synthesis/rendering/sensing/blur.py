"""Kernels for blur: of the lens, of a walking person, and of color alone.

Like resample, they act on the surfaces before they are lit and so cost once a view.
"""

# ruff: noqa: UP018, RUF046 - to Warp, the cast makes a variable of a constant
# Warp types kernels, not Python:
# mypy: ignore-errors

from __future__ import annotations

import warp as wp

from closerlook.compute.kernels import KERNEL_OPTIONS
from closerlook.synthesis.rendering.values import Blur, ViewParameters

wp.set_module_options(KERNEL_OPTIONS)

ALL = wp.constant(0)
PERSON = wp.constant(1)
RED, GREEN, BLUE = wp.constant(0.2126), wp.constant(0.7152), wp.constant(0.0722)  # of brightness


@wp.func
def blur_layer(
    blur: Blur,
    layer: int,
    y: int,
    x: int,
    taps: wp.array(dtype=wp.vec3),
    color: wp.array4d(dtype=wp.vec4),
    facing: wp.array4d(dtype=wp.vec4),
    where: wp.array4d(dtype=wp.vec4),
):
    """One layer of one pixel."""
    source, target = blur.source, blur.target
    bottom = color.shape[2] - 1
    edge = color.shape[3] - 1
    mean = wp.vec4()
    bent = wp.vec4()
    place = wp.vec4()
    strongest = float(0.0)
    row = int(y)
    column = int(x)
    k = int(blur.first_tap)
    while k < blur.end_tap:
        t = taps[k]
        j = wp.clamp(y + int(t[1]), 0, bottom)
        i = wp.clamp(x + int(t[0]), 0, edge)
        c = color[source, layer, j, i]
        w = t[2] * c[3]
        if w > 0.0:
            mean += wp.vec4(c[0], c[1], c[2], 1.0) * w
            bent += facing[source, layer, j, i] * w
            if layer == 0:
                place += where[source, layer, j, i] * w
            if w > strongest:
                strongest = w
                row = j
                column = i
        k += 1
    if strongest > 0.0:
        scale = 1.0 / mean[3]
        color[target, layer, y, x] = wp.vec4(mean[0] * scale, mean[1] * scale, mean[2] * scale, mean[3])
        place *= scale
        if layer == 1:
            if color[source, layer, y, x][3] > 0.0:
                row = y
                column = x
            place = where[source, layer, row, column]
        n = wp.normalize(wp.vec3(bent[0], bent[1], bent[2]))
        facing[target, layer, y, x] = wp.vec4(n[0], n[1], n[2], bent[3] * scale)
        where[target, layer, y, x] = place
    else:
        color[target, layer, y, x] = wp.vec4()


@wp.kernel
def blur_surfaces(
    blurs: wp.array(dtype=Blur),
    taps: wp.array(dtype=wp.vec3),
    color: wp.array4d(dtype=wp.vec4),
    facing: wp.array4d(dtype=wp.vec4),
    where: wp.array4d(dtype=wp.vec4),
    run: int,
):
    """Mean of a pixel's neighbors, each tap (right, down, weight); a blur's weights sum to 1.

    Colors, normals and the person's positions are the mean of all taps, so that light is blurred, too. A position of
    the place is the pixel's own or, where it does not have the layer, that of the strongest tap: a mean of two far
    surfaces' is on neither.

    What is blurred is ALL, or the PERSON, behind whom the place stays sharp. A thread does ``run`` pixels of a row.
    """
    i, y, part = wp.tid()
    blur = blurs[i]
    x = part * run
    end = wp.min(x + run, color.shape[3])
    while x < end:
        blur_layer(blur, 0, y, x, taps, color, facing, where)
        pixel = color[blur.source, 1, y, x]
        if blur.what == PERSON and pixel[3] > 0.0:
            color[blur.target, 1, y, x] = pixel
            facing[blur.target, 1, y, x] = facing[blur.source, 1, y, x]
            where[blur.target, 1, y, x] = where[blur.source, 1, y, x]
        else:
            blur_layer(blur, 1, y, x, taps, color, facing, where)
        if color[blur.target, 1, y, x][3] > 0.0:
            color[blur.target, 1, y, x][3] = 1.0 - color[blur.target, 0, y, x][3]
        x += 1


@wp.func
def shown(a: wp.vec4, b: wp.vec4) -> wp.vec3:
    """Both layers of a pixel together as they would be shown in even light.

    The square root stands for the display's transfer function, after which cameras smooth color.
    """
    return wp.vec3(
        wp.sqrt(a[0] * a[3] + b[0] * b[3]), wp.sqrt(a[1] * a[3] + b[1] * b[3]), wp.sqrt(a[2] * a[3] + b[2] * b[3])
    )


@wp.kernel
def separate(
    views: wp.array(dtype=ViewParameters),
    color: wp.array4d(dtype=wp.vec4),
    chroma: wp.array3d(dtype=wp.vec2),
    run: int,
):
    """Red and blue beyond brightness, the mean of 2 x 2 pixels.

    Views with no chroma taps are left alone, here and below. A thread does ``run`` of a row of such means.
    """
    v, j, part = wp.tid()
    view = views[v]
    if view.chroma_tap_count == 0:
        return
    y = 2 * j
    below = wp.min(y + 1, color.shape[2] - 1)
    i = part * run
    end = wp.min(i + run, chroma.shape[2])
    while i < end:
        x = 2 * i
        right = wp.min(x + 1, color.shape[3] - 1)
        mean = shown(color[view.slot, 0, y, x], color[view.slot, 1, y, x])
        mean += shown(color[view.slot, 0, y, right], color[view.slot, 1, y, right])
        mean += shown(color[view.slot, 0, below, x], color[view.slot, 1, below, x])
        mean += shown(color[view.slot, 0, below, right], color[view.slot, 1, below, right])
        light = mean[0] * RED + mean[1] * GREEN + mean[2] * BLUE
        chroma[v, j, i] = wp.vec2(0.25 * (mean[0] - light), 0.25 * (mean[2] - light))
        i += 1


@wp.kernel
def soften(
    views: wp.array(dtype=ViewParameters),
    chroma_taps: wp.array2d(dtype=float),
    chroma: wp.array3d(dtype=wp.vec2),
    down: int,
    softened: wp.array3d(dtype=wp.vec2),
    run: int,
):
    """Blur along rows, or ``down`` columns; a view's chroma taps are the weights of a pixel itself and of its
    neighbors to each side."""
    v, j, part = wp.tid()
    count = views[v].chroma_tap_count
    if count == 0:
        return
    bottom = chroma.shape[1] - 1
    edge = chroma.shape[2] - 1
    across = 1 - down
    i = part * run
    end = wp.min(i + run, chroma.shape[2])
    while i < end:
        total = chroma[v, j, i] * chroma_taps[v, 0]
        k = int(1)
        while k < count:
            a = chroma[v, wp.min(j + k * down, bottom), wp.min(i + k * across, edge)]
            b = chroma[v, wp.max(j - k * down, 0), wp.max(i - k * across, 0)]
            total += (a + b) * chroma_taps[v, k]
            k += 1
        softened[v, j, i] = total
        i += 1


@wp.func
def between(chroma: wp.array3d(dtype=wp.vec2), v: int, near: int, far: int, i: int) -> wp.vec2:
    """A quarter of the way from one row to another."""
    column = wp.clamp(i, 0, chroma.shape[2] - 1)
    return chroma[v, near, column] * 0.75 + chroma[v, far, column] * 0.25


@wp.func
def repaint(color: wp.array4d(dtype=wp.vec4), slot: int, y: int, x: int, mean: wp.vec2):
    """Give both layers of a pixel what a new ``mean`` chroma, at the brightness that they have together, adds."""
    a = color[slot, 0, y, x]
    b = color[slot, 1, y, x]
    old = shown(a, b)
    light = old[0] * RED + old[1] * GREEN + old[2] * BLUE
    green = light - (mean[0] * RED + mean[1] * BLUE) / GREEN
    new = wp.max(wp.vec3(light + mean[0], green, light + mean[1]), wp.vec3())
    change = wp.cw_mul(new, new) - wp.cw_mul(old, old)
    if a[3] > 0.0:
        albedo = wp.max(wp.vec3(a[0], a[1], a[2]) + change, wp.vec3())
        color[slot, 0, y, x] = wp.vec4(albedo[0], albedo[1], albedo[2], a[3])
    if b[3] > 0.0:
        albedo = wp.max(wp.vec3(b[0], b[1], b[2]) + change, wp.vec3())
        color[slot, 1, y, x] = wp.vec4(albedo[0], albedo[1], albedo[2], b[3])


@wp.kernel
def recolor(
    views: wp.array(dtype=ViewParameters),
    chroma: wp.array3d(dtype=wp.vec2),
    color: wp.array4d(dtype=wp.vec4),
    run: int,
):
    """Give pixels the smoothed color, interpolated between the four nearest means.

    A thread does the pixels of one row that ``run`` means stand for.
    """
    v, y, part = wp.tid()
    view = views[v]
    if view.chroma_tap_count == 0:
        return
    near = y >> 1
    far = wp.clamp(near + 2 * (y & 1) - 1, 0, chroma.shape[1] - 1)
    i = part * run
    end = wp.min(i + run, chroma.shape[2])
    left = between(chroma, v, near, far, i - 1)
    middle = between(chroma, v, near, far, i)
    while i < end:
        right = between(chroma, v, near, far, i + 1)
        repaint(color, view.slot, y, 2 * i, middle * 0.75 + left * 0.25)
        if 2 * i + 1 < color.shape[3]:
            repaint(color, view.slot, y, 2 * i + 1, middle * 0.75 + right * 0.25)
        left = middle
        middle = right
        i += 1
