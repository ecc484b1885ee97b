"""Kernels that light a view: all weathers and times of day in one pass over its tiles.

What depends on the surface alone (:func:`survey`), on the light (:func:`meet`) and on the air (:func:`thin`) is worked
out once each; :func:`expose.expose` adds them up for every image.
"""

# ruff: noqa: UP018, RUF046 - to Warp, the cast makes a variable of a constant
# Warp types kernels, not Python:
# mypy: ignore-errors

from __future__ import annotations

import functools
from typing import Any

import warp as wp

from closerlook.compute.kernels import KERNEL_OPTIONS, with_lanes
from closerlook.synthesis.render import lamps as street, specular
from closerlook.synthesis.render.expose import expose
from closerlook.synthesis.render.shadows import dapple, lit, past_things
from closerlook.synthesis.render.texturing import tile_at
from closerlook.synthesis.render.tiles import (
    AMBIENT,
    BEAM,
    BELOW,
    COVERED,
    DAMP,
    DOME,
    EMISSION,
    GLINT,
    GLOSS,
    GLOSS_BELOW,
    GLOSS_DOME,
    LAMP_GLINT,
    LAMPS,
    LAYERS,
    MET,
    NORMAL,
    POOL,
    RIM,
    SEEN,
    SHINE,
    SURVEYED,
    THINNED,
    THROUGH,
    VEIL,
    WATER,
    WET_BELOW,
    WET_DOME,
    WET_GLOSS,
    corner,
)
from closerlook.synthesis.render.values import Air, Caster, KeyLight, texel

wp.set_module_options(KERNEL_OPTIONS)

STAINS = wp.constant(9.0)  # texels of the noise a metre of ground


@wp.func
def snow_mask(layer: int, n: wp.vec3, patch: float, cover: float) -> float:
    """Where snow lies: on what faces up; on the ground first in patches, then closed; thin on a walking person."""
    amount = wp.smoothstep(1.0 - cover, 1.35 - cover, patch * 0.65 + 0.35 * n[1])
    if layer == 0:
        return 0.6 * wp.smoothstep(0.45, 1.05, n[1]) * wp.min(amount, cover)
    flat = wp.smoothstep(0.3, 0.8, n[1])
    return 0.96 * flat * amount + 0.12 * cover * (1.0 - flat) * amount


@wp.kernel
def survey(
    colour: wp.array3d(dtype=wp.vec4),
    facing: wp.array3d(dtype=wp.vec4),
    where: wp.array3d(dtype=wp.vec4),
    open_sky: wp.array3d(dtype=float),
    skyline: wp.array2d(dtype=wp.vec2),
    lamps: wp.array(dtype=wp.vec4),
    grain: wp.array2d(dtype=wp.uint8),
    stains: float,
    wet: int,
    eye: wp.vec3,
    first: int,
    side: int,
    across: int,
    surveyed: wp.array2d(dtype=Any),
    present: wp.array2d(dtype=int),
    lobes: wp.array3d(dtype=wp.vec4),
):
    """What lighting needs of each surface, whatever the light: the rows ``surveyed[tile]``.

    ``lobes`` are the middles of what surfaces that are not dull mirror, and the levels of their roughness.
    ``present[tile, layer]`` counts the pixels that show a layer; rows of a layer that none shows are left as they
    are, here and below. The first tile is number ``first`` of the image.
    """
    tile, layer = wp.tid()
    at = corner(first + tile, side, across)
    row = layer * SURVEYED
    red = type(surveyed[0, 0])(0.0)
    green = type(red)(0.0)
    blue = type(red)(0.0)
    nx = type(red)(0.0)
    ny = type(red)(0.0)
    nz = type(red)(0.0)
    seen = type(red)(0.0)
    rim = type(red)(0.0)
    dome = type(red)(0.0)
    below = type(red)(0.0)
    water = type(red)(0.0)
    wet_dome = type(red)(0.0)
    wet_below = type(red)(0.0)
    lamplight = type(red)(0.0)
    glint = type(red)(0.0)
    emission = type(red)(0.0)
    count = int(0)
    y = int(at[0])
    while y < wp.min(at[0] + side, colour.shape[1]):
        x = int(at[1])
        while x < wp.min(at[1] + side, colour.shape[2]):
            a = colour[layer, y, x]
            if a[3] > 0.0:
                lane = (y - at[0]) * side + x - at[1]
                f = facing[layer, y, x]
                w = where[layer, y, x]
                n = wp.vec3(f[0], f[1], f[2])
                to_eye = wp.normalize(eye - wp.vec3(w[0], w[1], w[2]))
                cos = wp.max(wp.dot(n, to_eye), 0.02)
                clean = float(1.0)
                if layer == 1 and n[1] > 0.9 and w[1] < 0.05:
                    clean += stains * (tile_at(grain, w[0] * STAINS, w[2] * STAINS) - 0.5)
                red[lane] = a[0] * clean
                green[lane] = a[1] * clean
                blue[lane] = a[2] * clean
                nx[lane] = f[0]
                ny[lane] = f[1]
                nz[lane] = f[2]
                emission[lane] = w[3]
                shown = open_sky[layer, y, x]
                seen[lane] = shown
                lobe = specular.middle_of_lobe(n, to_eye, cos, f[3])
                step = specular.level_of(f[3])
                if f[3] < specular.DULL:
                    lobes[layer, y, x] = wp.vec4(lobe[0], lobe[1], lobe[2], float(step))
                mirrors = specular.open_sky(skyline, step, lobe[1])
                rim[lane] = specular.mirrored_share(f[3], cos) * shown
                below[lane] = 1.0 - mirrors[0]
                dome[lane] = mirrors[1]
                p = wp.vec3(w[0], w[1], w[2])
                if lamps.shape[0] > 0:
                    lamplight[lane] = street.lamplight(lamps, n, p) * shown
                if wet != 0:
                    if n[1] > 0.6:
                        glint[lane] = street.reflections(lamps, n, p, to_eye)
                    in_water = specular.wet_lobe(n, to_eye)
                    mirrors = specular.open_sky(skyline, int(in_water[3]), in_water[1])
                    water[lane] = specular.mirrored_share(specular.WATER_ROUGH, cos) * shown
                    wet_below[lane] = 1.0 - mirrors[0]
                    wet_dome[lane] = mirrors[1]
                count += 1
            x += 1
        y += 1
    present[tile, layer] = count
    if count == 0:
        return
    one = type(red)(1.0)
    surveyed[tile, row] = red
    surveyed[tile, row + 1] = green
    surveyed[tile, row + 2] = blue
    surveyed[tile, row + NORMAL] = nx
    surveyed[tile, row + NORMAL + 1] = ny
    surveyed[tile, row + NORMAL + 2] = nz
    # The CIE overcast dome by the normal's height (fit to Moon and Spencer's sky)
    lit_by = one * 0.396 + ny * 0.5 + wp.cw_mul(ny, ny) * 0.104
    surveyed[tile, row + DOME] = wp.cw_mul(wp.max(lit_by, type(red)(0.0)), seen)
    surveyed[tile, row + BELOW] = wp.cw_mul(one * 0.5 - ny * 0.5, seen)
    surveyed[tile, row + SEEN] = seen
    surveyed[tile, row + RIM] = rim
    surveyed[tile, row + GLOSS_DOME] = dome
    surveyed[tile, row + GLOSS_BELOW] = below
    surveyed[tile, row + EMISSION] = emission
    surveyed[tile, row + LAMPS] = lamplight
    if wet != 0:
        surveyed[tile, row + LAMP_GLINT] = glint
        surveyed[tile, row + WATER] = water
        surveyed[tile, row + WET_DOME] = wet_dome
        surveyed[tile, row + WET_BELOW] = wet_below


@wp.func
def struck(
    layer: int,
    f: wp.vec4,
    w: wp.vec4,
    eye: wp.vec3,
    light: KeyLight,
    shadow: wp.array3d(dtype=float),
    shade: wp.array2d(dtype=wp.uint8),
    shade_strength: float,
    casters: wp.array(dtype=Caster),
    texels: wp.array(dtype=texel),
    wet: int,
) -> wp.vec3:
    """The key light's diffuse beam, and what of it the dry and the wet surface mirror (that only if ``wet``)."""
    n = wp.vec3(f[0], f[1], f[2])
    p = wp.vec3(w[0], w[1], w[2])
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
        beam *= dapple(shade, p, towards, shade_strength)
        if layer == 0 or n[1] > 0.7:  # a thing is flat, and would lie in its own shadow
            beam *= past_things(casters, light, texels, p)
    if beam <= 0.0:
        return wp.vec3()
    to_eye = wp.normalize(eye - p)
    glint = float(0.0)
    if wet != 0 and n[1] > 0.6:
        glint = specular.highlight(n, to_eye, towards, specular.WATER_ROUGH) * beam
    return wp.vec3(beam, specular.highlight(n, to_eye, towards, f[3]) * beam, glint)


@wp.func
def sky_irradiance(sky: wp.array2d(dtype=wp.vec3), i: int, channel: int, x: Any, y: Any, z: Any) -> Any:
    """Irradiance from order-2 harmonics, their constants multiplied in; the order is that of scene.sky.harmonics."""
    e = y * sky[i, 1][channel] + z * sky[i, 2][channel] + x * sky[i, 3][channel]
    e += wp.cw_mul(x, y * sky[i, 4][channel] + z * sky[i, 7][channel]) + wp.cw_mul(y, z) * sky[i, 5][channel]
    e += wp.cw_mul(z, z) * (3.0 * sky[i, 6][channel])
    e += (wp.cw_mul(x, x) - wp.cw_mul(y, y)) * sky[i, 8][channel]
    return wp.max(e + type(x)(sky[i, 0][channel] - sky[i, 6][channel]), type(x)(0.0))


@wp.kernel
def meet(
    colour: wp.array3d(dtype=wp.vec4),
    facing: wp.array3d(dtype=wp.vec4),
    where: wp.array3d(dtype=wp.vec4),
    eye: wp.vec3,
    lights: wp.array(dtype=KeyLight),
    sky: wp.array2d(dtype=wp.vec3),
    gloss: wp.array2d(dtype=wp.vec3),
    shadow: wp.array3d(dtype=float),
    shade: wp.array2d(dtype=wp.uint8),
    shade_strength: float,
    casters: wp.array(dtype=Caster),
    texels: wp.array(dtype=texel),
    wet: int,
    first: int,
    side: int,
    across: int,
    surveyed: wp.array2d(dtype=Any),
    present: wp.array2d(dtype=int),
    lobes: wp.array3d(dtype=wp.vec4),
    met: wp.array3d(dtype=Any),
):
    """What each light brings to each surface: diffuse beam, beam mirrored dry and wet, diffuse and mirrored sky."""
    tile, i = wp.tid()
    at = corner(first + tile, side, across)
    for layer in range(LAYERS):
        if present[tile, layer] > 0:
            row = layer * SURVEYED
            seen = surveyed[tile, row + SEEN]
            beam = type(seen)(0.0)
            shine = type(seen)(0.0)
            glint = type(seen)(0.0)
            nx = surveyed[tile, row + NORMAL]
            ny = surveyed[tile, row + NORMAL + 1]
            nz = surveyed[tile, row + NORMAL + 2]
            # What is rough mirrors of the sky about what lights it.
            red = sky_irradiance(sky, i, 0, nx, ny, nz)
            green = sky_irradiance(sky, i, 1, nx, ny, nz)
            blue = sky_irradiance(sky, i, 2, nx, ny, nz)
            out = layer * MET
            met[tile, i, out + AMBIENT] = wp.cw_mul(red, seen)
            met[tile, i, out + AMBIENT + 1] = wp.cw_mul(green, seen)
            met[tile, i, out + AMBIENT + 2] = wp.cw_mul(blue, seen)
            wet_red = type(seen)(0.0)
            wet_green = type(seen)(0.0)
            wet_blue = type(seen)(0.0)
            y = int(at[0])
            while y < wp.min(at[0] + side, colour.shape[1]):
                x = int(at[1])
                while x < wp.min(at[1] + side, colour.shape[2]):
                    if colour[layer, y, x][3] > 0.0:
                        lane = (y - at[0]) * side + x - at[1]
                        f = facing[layer, y, x]
                        w = where[layer, y, x]
                        if lights[i].lit != 0:
                            came = struck(
                                layer, f, w, eye, lights[i], shadow, shade, shade_strength, casters, texels, wet
                            )
                            beam[lane] = came[0]
                            shine[lane] = came[1]
                            glint[lane] = came[2]
                        if f[3] < specular.DULL:
                            mirrors = specular.mirrored(gloss, i, lights[i].sunward, lobes[layer, y, x])
                            red[lane] = mirrors[0]
                            green[lane] = mirrors[1]
                            blue[lane] = mirrors[2]
                        if wet != 0:
                            lobe = specular.wet_lobe(wp.vec3(f[0], f[1], f[2]), eye - wp.vec3(w[0], w[1], w[2]))
                            mirrors = specular.mirrored(gloss, i, lights[i].sunward, lobe)
                            wet_red[lane] = mirrors[0]
                            wet_green[lane] = mirrors[1]
                            wet_blue[lane] = mirrors[2]
                    x += 1
                y += 1
            if lights[i].reach > 0.0:
                beam += surveyed[tile, row + LAMPS]
                if wet != 0:
                    glint += surveyed[tile, row + LAMP_GLINT]
            met[tile, i, out + BEAM] = beam
            met[tile, i, out + SHINE] = shine
            met[tile, i, out + GLINT] = glint
            met[tile, i, out + GLOSS] = red
            met[tile, i, out + GLOSS + 1] = green
            met[tile, i, out + GLOSS + 2] = blue
            if wet != 0:
                met[tile, i, out + WET_GLOSS] = wet_red
                met[tile, i, out + WET_GLOSS + 1] = wet_green
                met[tile, i, out + WET_GLOSS + 2] = wet_blue


@wp.kernel
def thin(
    colour: wp.array3d(dtype=wp.vec4),
    facing: wp.array3d(dtype=wp.vec4),
    where: wp.array3d(dtype=wp.vec4),
    eye: wp.vec3,
    grain: wp.array2d(dtype=wp.uint8),
    airs: wp.array(dtype=Air),
    first: int,
    side: int,
    across: int,
    present: wp.array2d(dtype=int),
    thinned: wp.array3d(dtype=Any),
):
    """What each air does to each surface: share of its light that comes through and of the veil; snow and water."""
    tile, i, layer = wp.tid()
    if present[tile, layer] == 0:
        return
    at = corner(first + tile, side, across)
    air = airs[i]
    through = type(thinned[0, 0, 0])(0.0)
    veil = type(through)(0.0)
    covered = type(through)(0.0)
    damp = type(through)(0.0)
    pool = type(through)(0.0)
    y = int(at[0])
    while y < wp.min(at[0] + side, colour.shape[1]):
        x = int(at[1])
        while x < wp.min(at[1] + side, colour.shape[2]):
            share = colour[layer, y, x][3]
            if share > 0.0:
                lane = (y - at[0]) * side + x - at[1]
                w = where[layer, y, x]
                p = wp.vec3(w[0], w[1], w[2])
                clear = share * wp.exp(-air.extinction * wp.length(eye - p))
                through[lane] = clear
                veil[lane] = share - clear
                if air.snow_cover > 0.0 or air.wetness > 0.0:
                    f = facing[layer, y, x]
                    n = wp.vec3(f[0], f[1], f[2])
                    coarse = tile_at(grain, p[0] * 23.0 + p[1] * 7.0, p[2] * 23.0)
                    fine = tile_at(grain, p[0] * 110.0, p[2] * 110.0 + p[1] * 71.0)
                    patch = 0.7 * coarse + 0.3 * fine
                    if air.snow_cover > 0.0:
                        covered[lane] = snow_mask(layer, n, patch, air.snow_cover)
                    flat = wp.smoothstep(0.6, 0.95, n[1])
                    damp[lane] = air.wetness * (0.2 + 0.35 * flat)
                    if layer == 1:
                        edge = 1.0 - 0.6 * air.wetness
                        pool[lane] = air.wetness * flat * (0.3 + 0.7 * wp.smoothstep(edge, edge + 0.15, patch))
            x += 1
        y += 1
    row = layer * THINNED
    thinned[tile, i, row + THROUGH] = through
    thinned[tile, i, row + VEIL] = veil
    thinned[tile, i, row + COVERED] = covered
    thinned[tile, i, row + DAMP] = damp
    thinned[tile, i, row + POOL] = pool


@functools.cache
def overloads(lanes: type) -> tuple[wp.Kernel, ...]:
    """:func:`survey`, :func:`meet`, :func:`thin` and :func:`expose.expose` for lane vectors of one type."""
    rows, more_rows = wp.array2d(dtype=lanes), wp.array3d(dtype=lanes)
    return with_lanes(
        __name__,
        lanes,
        [
            (survey, {"surveyed": rows}),
            (meet, {"surveyed": rows, "met": more_rows}),
            (thin, {"thinned": more_rows}),
            (expose, {"surveyed": rows, "met": more_rows, "thinned": more_rows}),
        ],
    )
