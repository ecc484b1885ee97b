"""What a light brings to the surfaces of a tile."""

# ruff: noqa: UP018 - to Warp, the cast makes a variable of a constant
# Warp types kernels, not Python:
# mypy: ignore-errors

from __future__ import annotations

from typing import Any

import warp as wp

from closerlook.synthesis.rendering.light import lamps as street, specular
from closerlook.synthesis.rendering.light.shadows import dapple, lit, past_things
from closerlook.synthesis.rendering.light.tiles import (
    AMBIENT,
    BEAM,
    DIRECT_ROWS,
    GLINT,
    GLOSS,
    INDEPENDENT_ROWS,
    LAMP_GLINT,
    LAMPS,
    NORMAL,
    SHARE,
    SHINE,
    VISIBILITY,
    WET_GLOSS,
    Tile,
)
from closerlook.synthesis.rendering.values import Caster, KeyLight, ViewParameters, texel


@wp.func
def struck(
    view: ViewParameters,
    layer: int,
    n: wp.vec3,
    p: wp.vec3,
    rough: float,
    light: KeyLight,
    shadow: wp.array3d(dtype=float),
    patterns: wp.array3d(dtype=wp.uint8),
    casters: wp.array(dtype=Caster),
    texels: wp.array(dtype=texel),
) -> wp.vec3:
    """The key light's diffuse beam, and what of it the dry and the wet surface mirror (that only where it is wet)."""
    towards = light.place
    fall = float(1.0)
    if light.reach > 0.0:
        towards = light.place - p
        d2 = wp.dot(towards, towards)
        towards = towards / wp.sqrt(d2)
        fall = light.reach / d2 * street.below_shade(towards)
    nl = wp.dot(n, towards)
    if nl <= 0.0:
        return wp.vec3()
    beam = nl * fall * lit(shadow, light, p + n * 0.015)
    if light.reach == 0.0 and beam > 0.0:
        beam *= dapple(patterns, view.pattern, p, towards, view.shade)
        if layer == 0 or n[1] > 0.7:  # a thing is flat, and would lie in its own shadow
            beam *= past_things(casters, light, texels, p)
    if beam <= 0.0:
        return wp.vec3()
    to_eye = wp.normalize(view.position - p)
    glint = float(0.0)
    if view.wet != 0 and n[1] > 0.6:
        glint = specular.highlight(n, to_eye, towards, specular.WATER_ROUGH) * beam
    return wp.vec3(beam, specular.highlight(n, to_eye, towards, rough) * beam, glint)


@wp.func
def sky_irradiance(sky: wp.array2d(dtype=wp.vec3), i: int, channel: int, x: Any, y: Any, z: Any) -> Any:
    """Irradiance from order-2 harmonics, their constants multiplied in; the order is that of scenes.sky.harmonics."""
    e = y * sky[i, 1][channel] + z * sky[i, 2][channel] + x * sky[i, 3][channel]
    e += wp.cw_mul(x, y * sky[i, 4][channel] + z * sky[i, 7][channel]) + wp.cw_mul(y, z) * sky[i, 5][channel]
    e += wp.cw_mul(z, z) * (3.0 * sky[i, 6][channel])
    e += (wp.cw_mul(x, x) - wp.cw_mul(y, y)) * sky[i, 8][channel]
    return wp.max(e + type(x)(sky[i, 0][channel] - sky[i, 6][channel]), type(x)(0.0))


@wp.func
def fill_direct(
    view: ViewParameters,
    at: Tile,
    layer: int,
    number: int,
    facing: wp.array4d(dtype=wp.vec4),
    where: wp.array4d(dtype=wp.vec4),
    lights: wp.array(dtype=KeyLight),
    sky: wp.array2d(dtype=wp.vec3),
    gloss: wp.array2d(dtype=wp.vec3),
    shadow: wp.array3d(dtype=float),
    patterns: wp.array3d(dtype=wp.uint8),
    casters: wp.array(dtype=Caster),
    texels: wp.array(dtype=texel),
    independent: wp.array2d(dtype=Any),
    lobes: wp.array2d(dtype=wp.vec4),
    direct: wp.array3d(dtype=Any),
):
    """Fill the rows of one layer and the view's light of this ``number`` in ``direct``: diffuse beam, beam mirrored dry
    and wet, diffuse and mirrored sky."""
    i = view.first_light + number
    light = lights[i]
    row = layer * INDEPENDENT_ROWS
    out = layer * DIRECT_ROWS
    visibility = independent[at.cell, row + VISIBILITY]
    shares = independent[at.cell, row + SHARE]
    nx = independent[at.cell, row + NORMAL]
    ny = independent[at.cell, row + NORMAL + 1]
    nz = independent[at.cell, row + NORMAL + 2]
    # What is rough mirrors of the sky about what lights it.
    red = sky_irradiance(sky, i, 0, nx, ny, nz)
    green = sky_irradiance(sky, i, 1, nx, ny, nz)
    blue = sky_irradiance(sky, i, 2, nx, ny, nz)
    direct[at.cell, number, out + AMBIENT] = wp.cw_mul(red, visibility)
    direct[at.cell, number, out + AMBIENT + 1] = wp.cw_mul(green, visibility)
    direct[at.cell, number, out + AMBIENT + 2] = wp.cw_mul(blue, visibility)
    beam = type(visibility)(0.0)
    shine = type(visibility)(0.0)
    glint = type(visibility)(0.0)
    wet_red = type(visibility)(0.0)
    wet_green = type(visibility)(0.0)
    wet_blue = type(visibility)(0.0)
    y = int(at.y)
    while y < at.end_y:
        x = int(at.x)
        while x < at.end_x:
            lane = (y - at.y) * at.side + x - at.x
            if shares[lane] > 0.0:
                f = facing[at.slot, layer, y, x]
                n = wp.vec3(f[0], f[1], f[2])
                w = where[at.slot, layer, y, x]
                p = wp.vec3(w[0], w[1], w[2])
                if light.lit != 0:
                    came = struck(view, layer, n, p, f[3], light, shadow, patterns, casters, texels)
                    beam[lane] = came[0]
                    shine[lane] = came[1]
                    glint[lane] = came[2]
                if f[3] < specular.DULL:
                    lobe = lobes[at.cell, layer * at.side * at.side + lane]
                    mirrors = specular.mirrored(gloss, light.gloss, light.sunward, lobe)
                    red[lane] = mirrors[0]
                    green[lane] = mirrors[1]
                    blue[lane] = mirrors[2]
                if view.wet != 0:
                    in_water = specular.wet_lobe(n, view.position - p)
                    mirrors = specular.mirrored(gloss, light.gloss, light.sunward, in_water)
                    wet_red[lane] = mirrors[0]
                    wet_green[lane] = mirrors[1]
                    wet_blue[lane] = mirrors[2]
            x += 1
        y += 1
    if light.reach > 0.0:
        beam += independent[at.cell, row + LAMPS]
        if view.wet != 0:
            glint += independent[at.cell, row + LAMP_GLINT]
    direct[at.cell, number, out + BEAM] = beam
    direct[at.cell, number, out + SHINE] = shine
    direct[at.cell, number, out + GLINT] = glint
    direct[at.cell, number, out + GLOSS] = red
    direct[at.cell, number, out + GLOSS + 1] = green
    direct[at.cell, number, out + GLOSS + 2] = blue
    if view.wet != 0:
        direct[at.cell, number, out + WET_GLOSS] = wet_red
        direct[at.cell, number, out + WET_GLOSS + 1] = wet_green
        direct[at.cell, number, out + WET_GLOSS + 2] = wet_blue
