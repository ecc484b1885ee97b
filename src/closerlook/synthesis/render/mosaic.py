"""Kernels for the sensor's mosaic of colour filters: each of its pixels sees one colour, the others are filled in.

Filling in is linear, so it can be done to the surfaces before they are lit, once a view: where a surface's light varies
little over five pixels, lit surfaces come out as if their light had been filled in.
"""

# ruff: noqa: UP018 - to Warp, the cast makes a variable of a constant
# Warp types kernels, not Python:
# mypy: ignore-errors

from __future__ import annotations

import warp as wp

wp.set_module_options({"enable_backward": False, "fast_math": True, "optimization_level": 3})

CORRECTED = wp.constant(2)  # as in scene.sensor.Sensor.mosaic
FAINT = wp.constant(0.02)  # share of a layer where only the colour of its border is seen


@wp.kernel
def sift(colour: wp.array3d(dtype=wp.vec4), down: int, right: int, mosaic: wp.array3d(dtype=float)):
    """What each pixel sees of each layer: red and green alternate in even rows, green and blue in odd ones (Bayer)."""
    layer, y, x = wp.tid()
    c = colour[layer, y, x]
    odd = ((y + down) & 1) + ((x + right) & 1)
    mosaic[layer, y, x] = wp.where(odd == 0, c[0], wp.where(odd == 1, c[1], c[2])) * c[3]


@wp.func
def at(mosaic: wp.array3d(dtype=float), layer: int, y: int, x: int, height: int, width: int) -> float:
    """A sample of the mosaic; beyond the border it is mirrored, which keeps the order of the colours."""
    row = wp.where(y < 0, -y, wp.where(y < height, y, 2 * height - 2 - y))
    column = wp.where(x < 0, -x, wp.where(x < width, x, 2 * width - 2 - x))
    return mosaic[layer, row, column]


@wp.func
def filled(
    mosaic: wp.array3d(dtype=float), kind: int, layer: int, y: int, x: int, blue: int, aside: int, h: int, w: int
) -> wp.vec3:
    """Red, green and blue of a pixel in a ``blue`` row or not, in an odd column (``aside``) or not, counted from red.

    The nearest pixels' means, for CORRECTED with gradients: Malvar, He and Cutler (2004), figure 2.
    """
    own = at(mosaic, layer, y, x, h, w)
    across = at(mosaic, layer, y, x - 1, h, w) + at(mosaic, layer, y, x + 1, h, w)
    along = at(mosaic, layer, y - 1, x, h, w) + at(mosaic, layer, y + 1, x, h, w)
    corners = at(mosaic, layer, y - 1, x - 1, h, w) + at(mosaic, layer, y - 1, x + 1, h, w)
    corners += at(mosaic, layer, y + 1, x - 1, h, w) + at(mosaic, layer, y + 1, x + 1, h, w)
    far_across = float(0.0)
    far_along = float(0.0)
    if kind == CORRECTED:
        far_across = at(mosaic, layer, y, x - 2, h, w) + at(mosaic, layer, y, x + 2, h, w)
        far_along = at(mosaic, layer, y - 2, x, h, w) + at(mosaic, layer, y + 2, x, h, w)
    if blue == aside:
        green = (across + along) * 0.25
        other = corners * 0.25
        if kind == CORRECTED:
            green += (own * 4.0 - far_across - far_along) * 0.125
            other += (own * 6.0 - (far_across + far_along) * 1.5) * 0.125
        return wp.where(blue == 0, wp.vec3(own, green, other), wp.vec3(other, green, own))
    beside = across * 0.5
    above = along * 0.5
    if kind == CORRECTED:
        beside += (own * 5.0 - corners - far_across + far_along * 0.5) * 0.125
        above += (own * 5.0 - corners - far_along + far_across * 0.5) * 0.125
    return wp.where(blue == 0, wp.vec3(beside, own, above), wp.vec3(above, own, beside))


@wp.kernel
def fill_in(
    mosaic: wp.array3d(dtype=float),
    kind: int,
    down: int,
    right: int,
    height: int,
    width: int,
    colour: wp.array3d(dtype=wp.vec4),
    facing: wp.array3d(dtype=wp.vec4),
    where: wp.array3d(dtype=wp.vec4),
):
    """Both layers' colours filled in.

    A layer's border colours pixels beyond it. Such a pixel is lit as the neighbour that the colour comes from.
    """
    y, x = wp.tid()
    blue = (y + down) & 1
    aside = (x + right) & 1
    shares = wp.vec2(colour[0, y, x][3], colour[1, y, x][3])
    for layer in range(2):
        if shares[layer] == 0.0:
            for k in range(9):
                row = wp.clamp(y + k / 3 - 1, 0, height - 1)
                column = wp.clamp(x + k % 3 - 1, 0, width - 1)
                if shares[layer] == 0.0 and colour[layer, row, column][3] > 0.1:
                    shares[layer] = FAINT
                    shares[1 - layer] = shares[1 - layer] - FAINT
                    facing[layer, y, x] = facing[layer, row, column]
                    where[layer, y, x] = where[layer, row, column]
    for layer in range(2):
        if shares[layer] > 0.0:
            seen = wp.max(filled(mosaic, kind, layer, y, x, blue, aside, height, width), wp.vec3()) / shares[layer]
            colour[layer, y, x] = wp.vec4(seen[0], seen[1], seen[2], shares[layer])
