"""Kernels for the sensor's mosaic of color filters: each of its pixels sees one color, the others are filled in.

Filling in is linear, so it can be done to the surfaces before they are lit, once a view: where light varies little over
five pixels, lit surfaces come out as if their light had been filled in. It is done to both layers together, for what a
filter takes from one side of an outline and adds on the other must meet in one color before what is below 0 is cut.
"""

# ruff: noqa: UP018 - to Warp, the cast makes a variable of a constant
# Warp types kernels, not Python:
# mypy: ignore-errors

from __future__ import annotations

import warp as wp

from closerlook.compute.kernels import KERNEL_OPTIONS
from closerlook.synthesis.rendering.values import ViewParameters

wp.set_module_options(KERNEL_OPTIONS)

CORRECTED = wp.constant(2)  # as in scenes.sensor.Sensor.mosaic


@wp.func
def together(color: wp.array4d(dtype=wp.vec4), v: int, y: int, x: int) -> wp.vec3:
    """A pixel's color by both layers' shares of it."""
    a = color[v, 0, y, x]
    b = color[v, 1, y, x]
    return wp.vec3(a[0], a[1], a[2]) * a[3] + wp.vec3(b[0], b[1], b[2]) * b[3]


@wp.kernel
def sift(
    views: wp.array(dtype=ViewParameters), color: wp.array4d(dtype=wp.vec4), mosaic: wp.array3d(dtype=float), run: int
):
    """What each pixel sees: red and green alternate in even rows, green and blue in odd ones (Bayer).

    A thread does ``run`` pixels of a row.
    """
    v, y, part = wp.tid()
    view = views[v]
    if view.mosaic == 0 or y >= view.height:
        return
    x = part * run
    end = wp.min(x + run, view.width)
    blue = (y + view.mosaic_down) & 1
    while x < end:
        c = together(color, v, y, x)
        odd = blue + ((x + view.mosaic_right) & 1)
        mosaic[v, y, x] = wp.where(odd == 0, c[0], wp.where(odd == 1, c[1], c[2]))
        x += 1


@wp.func
def at(mosaic: wp.array3d(dtype=float), v: int, y: int, x: int, height: int, width: int) -> float:
    """A sample of the mosaic; beyond the border it is mirrored, which keeps the order of the colors."""
    row = wp.where(y < 0, -y, wp.where(y < height, y, 2 * height - 2 - y))
    column = wp.where(x < 0, -x, wp.where(x < width, x, 2 * width - 2 - x))
    return mosaic[v, row, column]


@wp.func
def filled(
    mosaic: wp.array3d(dtype=float), kind: int, v: int, y: int, x: int, blue: int, aside: int, h: int, w: int
) -> wp.vec3:
    """Red, green and blue of a pixel in a ``blue`` row or not, in an odd column (``aside``) or not, counted from red.

    The nearest pixels' means, for CORRECTED with gradients: Malvar, He and Cutler (2004), figure 2.
    """
    center = at(mosaic, v, y, x, h, w)
    across = at(mosaic, v, y, x - 1, h, w) + at(mosaic, v, y, x + 1, h, w)
    along = at(mosaic, v, y - 1, x, h, w) + at(mosaic, v, y + 1, x, h, w)
    corners = at(mosaic, v, y - 1, x - 1, h, w) + at(mosaic, v, y - 1, x + 1, h, w)
    corners += at(mosaic, v, y + 1, x - 1, h, w) + at(mosaic, v, y + 1, x + 1, h, w)
    far_across = float(0.0)
    far_along = float(0.0)
    if kind == CORRECTED:
        far_across = at(mosaic, v, y, x - 2, h, w) + at(mosaic, v, y, x + 2, h, w)
        far_along = at(mosaic, v, y - 2, x, h, w) + at(mosaic, v, y + 2, x, h, w)
    if blue == aside:
        green = (across + along) * 0.25
        other = corners * 0.25
        if kind == CORRECTED:
            green += (center * 4.0 - far_across - far_along) * 0.125
            other += (center * 6.0 - (far_across + far_along) * 1.5) * 0.125
        return wp.where(blue == 0, wp.vec3(center, green, other), wp.vec3(other, green, center))
    beside = across * 0.5
    above = along * 0.5
    if kind == CORRECTED:
        beside += (center * 5.0 - corners - far_across + far_along * 0.5) * 0.125
        above += (center * 5.0 - corners - far_along + far_across * 0.5) * 0.125
    return wp.where(blue == 0, wp.vec3(beside, center, above), wp.vec3(above, center, beside))


@wp.kernel
def fill_in(
    views: wp.array(dtype=ViewParameters), mosaic: wp.array3d(dtype=float), color: wp.array4d(dtype=wp.vec4), run: int
):
    """Give both layers of each pixel what filling in adds to the color that they have together; as :func:`sift`."""
    v, y, part = wp.tid()
    view = views[v]
    if view.mosaic == 0 or y >= view.height:
        return
    x = part * run
    end = wp.min(x + run, view.width)
    blue = (y + view.mosaic_down) & 1
    while x < end:
        aside = (x + view.mosaic_right) & 1
        restored = filled(mosaic, view.mosaic, v, y, x, blue, aside, view.height, view.width)
        change = wp.max(restored, wp.vec3()) - together(color, v, y, x)
        for layer in range(2):
            c = color[v, layer, y, x]
            if c[3] > 0.0:
                albedo = wp.max(wp.vec3(c[0], c[1], c[2]) + change, wp.vec3())
                color[v, layer, y, x] = wp.vec4(albedo[0], albedo[1], albedo[2], c[3])
        x += 1
