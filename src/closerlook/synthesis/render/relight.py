"""Kernels that light a view: all weathers and times of day in one pass over its pixels.

Pixels are taken in square tiles. A *lane vector* holds one number of each pixel of a tile; on the CPU its arithmetic is
SIMD, so that a further weather or time of day costs a few multiplications a pixel. On CUDA a tile is one pixel. What
depends on the surface alone (:func:`survey`), on the light (:func:`meet`) and on the air (:func:`thin`) is worked out
once each; :func:`expose` adds them up for every image.
"""

# ruff: noqa: UP018, RUF046 - to Warp, the cast makes a variable of a constant
# Warp types kernels, not Python:
# mypy: ignore-errors

from __future__ import annotations

import functools
from typing import Any

import warp as wp

from closerlook.synthesis.render import lamps as street, specular
from closerlook.synthesis.render.texturing import sample
from closerlook.synthesis.render.values import Air, Caster, Exposed, KeyLight, texel

OPTIONS = {"enable_backward": False, "fast_math": True, "optimization_level": 3}
wp.set_module_options(OPTIONS)

SNOW = wp.constant(0.85)
TONE_TOP = wp.constant(4.0)
TONE_STEPS = wp.constant(4095.0)
LAYERS = 2
STAINS = wp.constant(9.0)  # texels of the noise a metre of ground

# Rows of ``surveyed``, ``met`` and ``thinned`` for one layer
DOME, BELOW, SEEN, RIM, WATER, EMISSION, NORMAL = (wp.constant(row) for row in range(3, 10))
GLOSS_DOME, GLOSS_BELOW, WET_DOME, WET_BELOW, LAMPS, LAMP_GLINT = (wp.constant(row) for row in range(12, 18))
SURVEYED = wp.constant(18)  # the albedo comes first
BEAM, SHINE, GLINT, AMBIENT, GLOSS, WET_GLOSS = (wp.constant(row) for row in (0, 1, 2, 3, 6, 9))
MET = wp.constant(12)
THROUGH, VEIL, COVERED, DAMP, POOL = (wp.constant(row) for row in range(5))
THINNED = wp.constant(5)


@wp.func
def passed(shadow: wp.array3d(dtype=float), slot: int, row: int, column: int, z: float, fu: float) -> float:
    """How many of three texels in a row, from ``fu`` right of ``column`` - 1 on, are not nearer to the light than z."""
    total = wp.where(shadow[slot, row, column - 1] >= z, 1.0 - fu, 0.0)
    total += wp.where(shadow[slot, row, column] >= z, 1.0, 0.0)
    total += wp.where(shadow[slot, row, column + 1] >= z, 1.0, 0.0)
    return total + wp.where(shadow[slot, row, column + 2] >= z, fu, 0.0)


@wp.func
def lit(shadow: wp.array3d(dtype=float), light: KeyLight, p: wp.vec3) -> float:
    """Share of the key light that passes the person: 3 x 3 percentage-closer filter with linear weights."""
    side = shadow.shape[1]
    q = light.shadow * wp.vec4(p[0], p[1], p[2], 1.0)
    r = 1.0 / q[3]
    u = (q[0] * r * 0.5 + 0.5) * float(side) - 0.5
    v = (0.5 - q[1] * r * 0.5) * float(side) - 0.5
    if q[3] <= 0.0 or u < 2.0 or v < 2.0 or u > float(side) - 4.0 or v > float(side) - 4.0:
        return 1.0
    z = q[2] * r * 0.5 + 0.5 - 0.0015
    iu = int(u)
    iv = int(v)
    fu = u - float(iu)
    fv = v - float(iv)
    total = passed(shadow, light.slot, iv - 1, iu, z, fu) * (1.0 - fv)
    total += passed(shadow, light.slot, iv, iu, z, fu) + passed(shadow, light.slot, iv + 1, iu, z, fu)
    total += passed(shadow, light.slot, iv + 2, iu, z, fu) * fv
    return total / 9.0


@wp.func
def tile_at(tile: wp.array2d(dtype=wp.uint8), u: float, v: float) -> float:
    """Bilinear value (0..1) of a repeating 256 x 256 tile; u and v count its texels."""
    iu = int(wp.floor(u))
    iv = int(wp.floor(v))
    fu = u - float(iu)
    fv = v - float(iv)
    a = float(tile[iv & 255, iu & 255]) * (1.0 - fu) + float(tile[iv & 255, (iu + 1) & 255]) * fu
    b = float(tile[(iv + 1) & 255, iu & 255]) * (1.0 - fu) + float(tile[(iv + 1) & 255, (iu + 1) & 255]) * fu
    return (a * (1.0 - fv) + b * fv) / 255.0


@wp.func
def dapple(shade: wp.array2d(dtype=wp.uint8), p: wp.vec3, towards: wp.vec3, strength: float) -> float:
    """Share of the key light that passes what stands around the place: trees, roofs, poles."""
    if strength <= 0.0:
        return 1.0
    down = p[1] / wp.max(towards[1], 0.08)
    x = p[0] - towards[0] * down
    z = p[2] - towards[2] * down
    here = strength * wp.smoothstep(0.3, 2.0, wp.sqrt(x * x + z * z))  # the person stands mostly clear of it
    return 1.0 - here * (1.0 - tile_at(shade, x * 8.0 + 128.0, z * 8.0 + 128.0))


@wp.func
def past_things(casters: wp.array(dtype=Caster), light: KeyLight, texels: wp.array(dtype=texel), p: wp.vec3) -> float:
    """Share of the sun that passes the things that stand between it and ``p``, each a picture turned to the sun."""
    towards = light.place
    share = float(1.0)
    for k in range(light.first_caster, light.end_caster):
        c = casters[k]
        slope = wp.dot(towards, c.facing)
        way = wp.dot(c.foot - p, c.facing) / wp.max(slope, 1.0e-3)
        if way > 0.05:
            at = p + towards * way - c.foot
            u = wp.dot(at, c.across) + 0.5
            v = 1.0 - at[1] / c.height
            if u > 0.0 and u < 1.0 and v > 0.0 and v < 1.0:
                # The sun is half a degree wide: the further, the softer.
                blur = wp.log2(way * 0.0093 / c.height * 256.0 + 1.0)
                cover = sample(texels, c.start, 8, wp.vec2(u, v), wp.max(blur, 1.0))
                share *= 1.0 - cover[3]
    return share


@wp.func
def snow_mask(layer: int, n: wp.vec3, patch: float, cover: float) -> float:
    """Where snow lies: on what faces up; on the ground first in patches, then closed; thin on a walking person."""
    amount = wp.smoothstep(1.0 - cover, 1.35 - cover, patch * 0.65 + 0.35 * n[1])
    if layer == 0:
        return 0.6 * wp.smoothstep(0.45, 1.05, n[1]) * wp.min(amount, cover)
    flat = wp.smoothstep(0.3, 0.8, n[1])
    return 0.96 * flat * amount + 0.12 * cover * (1.0 - flat) * amount


@wp.func
def corner(tile: int, side: int, across: int) -> wp.vec2i:
    """Row and column of a tile's first pixel; there are ``across`` tiles of side x side pixels in a row of tiles."""
    return wp.vec2i((tile / across) * side, (tile % across) * side)


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

    ``lobes`` are the middles of what the surfaces mirror and the levels of their roughness.
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
                        lobe = lobes[layer, y, x]
                        if int(lobe[3]) < specular.DULL:
                            mirrors = specular.mirrored(gloss, i, lights[i].sunward, lobe)
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


@wp.func
def leaving(
    surveyed: wp.array2d(dtype=Any),
    met: wp.array3d(dtype=Any),
    thinned: wp.array3d(dtype=Any),
    tile: int,
    layer: int,
    channel: int,
    c: Exposed,
) -> Any:
    """Light of one colour that a tile's surfaces of one layer send to the eye, and the air's share of it."""
    s = layer * SURVEYED
    m = layer * MET
    t = layer * THINNED
    albedo = surveyed[tile, s + channel]
    falling = (
        met[tile, c.light, m + BEAM] * c.sun[channel]
        + met[tile, c.light, m + AMBIENT + channel] * c.sky[channel]
        + surveyed[tile, s + DOME] * c.cloud[channel]
        + surveyed[tile, s + BELOW] * c.bounce[channel]
        + surveyed[tile, s + SEEN] * c.glow[channel]
    )
    beam = met[tile, c.light, m + SHINE]
    around = (
        met[tile, c.light, m + GLOSS + channel] * c.sky[channel]
        + surveyed[tile, s + GLOSS_DOME] * c.cloud[channel]
        + surveyed[tile, s + GLOSS_BELOW] * c.bounce[channel]
    )
    rim = surveyed[tile, s + RIM]
    if c.wetness > 0.0:
        pool = thinned[tile, c.air, t + POOL]
        albedo -= wp.cw_mul(thinned[tile, c.air, t + DAMP], albedo)
        beam += wp.cw_mul(pool, met[tile, c.light, m + GLINT] - beam)
        in_water = (
            met[tile, c.light, m + WET_GLOSS + channel] * c.sky[channel]
            + surveyed[tile, s + WET_DOME] * c.cloud[channel]
            + surveyed[tile, s + WET_BELOW] * c.bounce[channel]
        )
        around += wp.cw_mul(pool, in_water - around)
        rim += wp.cw_mul(pool, surveyed[tile, s + WATER] - rim)
    mirrored = beam * c.sun[channel] + wp.cw_mul(around + type(albedo)(c.glow[channel]), rim)
    if c.snow_cover > 0.0:
        covered = thinned[tile, c.air, t + COVERED]
        albedo += wp.cw_mul(covered, type(albedo)(SNOW) - albedo)
        mirrored -= wp.cw_mul(covered, mirrored)
    out = wp.cw_mul(albedo, falling) + mirrored + surveyed[tile, s + EMISSION] * c.windows[channel]
    return wp.cw_mul(out, thinned[tile, c.air, t + THROUGH]) + thinned[tile, c.air, t + VEIL] * c.fog[channel]


@wp.func
def in_range(light: Any) -> Any:
    """Exposed light as a share of what the tone curve takes."""
    return wp.min(wp.max(light * (1.0 / TONE_TOP), type(light)(0.0)), type(light)(1.0))


@wp.func
def developed(tone: wp.array(dtype=float), level: float, rough: float) -> wp.uint8:
    """The code value of a level of light, with noise that is less in what is bright."""
    code = tone[int(wp.sqrt(level) * TONE_STEPS + 0.5)]
    done = code + rough * (1.3 - code * (1.0 / 255.0)) + 0.5
    done = wp.where(done > 0.0, done, 0.0)  # faster than wp.clamp, as in raster.least
    return wp.uint8(wp.where(done < 255.0, done, 255.0))


@wp.kernel
def expose(
    surveyed: wp.array2d(dtype=Any),
    met: wp.array3d(dtype=Any),
    thinned: wp.array3d(dtype=Any),
    present: wp.array2d(dtype=int),
    conditions: wp.array(dtype=Exposed),
    flakes: wp.array3d(dtype=wp.uint8),
    noise: wp.array2d(dtype=wp.vec3b),
    tone: wp.array(dtype=float),
    saturation: float,
    first: int,
    side: int,
    across: int,
    width: int,
    height: int,
    image: wp.array2d(dtype=wp.vec3ub),
):
    """All images of one view; ``image[i]`` is condition i's (height, width), flat."""
    tile, j = wp.tid()
    c = conditions[j]
    at = corner(first + tile, side, across)
    red = type(surveyed[0, 0])(0.0)
    green = type(red)(0.0)
    blue = type(red)(0.0)
    near = type(red)(0.0)
    if present[tile, 1] > 0:
        red = leaving(surveyed, met, thinned, tile, 1, 0, c)
        green = leaving(surveyed, met, thinned, tile, 1, 1, c)
        blue = leaving(surveyed, met, thinned, tile, 1, 2, c)
    if c.flakes > 0.0:
        far = type(red)(0.0)
        lane = int(0)
        y = int(at[0])
        while y < at[0] + side:
            x = int(at[1])
            while x < at[1] + side:
                far[lane] = float(flakes[c.flake_tile, (y + c.flake_y) & 255, (x + c.flake_x) & 255]) / 255.0
                near[lane] = float(flakes[c.flake_tile + 1, (y + c.flake_x) & 255, (x + c.flake_y) & 255]) / 255.0
                lane += 1
                x += 1
            y += 1
        if present[tile, 1] > 0:
            behind = (thinned[tile, c.air, THINNED + THROUGH] + thinned[tile, c.air, THINNED + VEIL]) * c.flakes
            red += wp.cw_mul(far, behind * c.flake[0] - red * c.flakes)
            green += wp.cw_mul(far, behind * c.flake[1] - green * c.flakes)
            blue += wp.cw_mul(far, behind * c.flake[2] - blue * c.flakes)
    if present[tile, 0] > 0:
        red += leaving(surveyed, met, thinned, tile, 0, 0, c)
        green += leaving(surveyed, met, thinned, tile, 0, 1, c)
        blue += leaving(surveyed, met, thinned, tile, 0, 2, c)
    if c.flakes > 0.0:
        near *= wp.min(c.flakes * 1.4, 1.0)
        red += wp.cw_mul(near, type(red)(c.flake[0]) - red)
        green += wp.cw_mul(near, type(red)(c.flake[1]) - green)
        blue += wp.cw_mul(near, type(red)(c.flake[2]) - blue)
    grey = (red * 0.2126 + green * 0.7152 + blue * 0.0722) * (1.0 - saturation)
    red = in_range(grey + red * saturation)
    green = in_range(grey + green * saturation)
    blue = in_range(grey + blue * saturation)
    y = int(at[0])
    while y < wp.min(at[0] + side, height):
        x = int(at[1])
        while x < wp.min(at[1] + side, width):
            lane = (y - at[0]) * side + x - at[1]
            rough = noise[(y + c.noise_y) & 255, (x + c.noise_x) & 255]
            image[j, y * width + x] = wp.vec3ub(
                developed(tone, red[lane], float(rough[0]) * c.noise),
                developed(tone, green[lane], float(rough[1]) * c.noise),
                developed(tone, blue[lane], float(rough[2]) * c.noise),
            )
            x += 1
        y += 1


@functools.cache
def overloads(lanes: type) -> tuple[wp.Kernel, wp.Kernel, wp.Kernel, wp.Kernel]:
    """:func:`survey`, :func:`meet`, :func:`thin` and :func:`expose` for lane vectors of one type.

    They have a module of their own: Warp compiles a module as a whole, and a process that uses both devices would
    compile the CPU's wide lanes for CUDA, too, which takes a minute.
    """
    module = wp.get_module(f"{__name__}.lanes{lanes._length_}")
    wp.set_module_options(OPTIONS, module)
    rows, more_rows = wp.array2d(dtype=lanes), wp.array3d(dtype=lanes)
    of_lanes = (
        (survey, {"surveyed": rows}),
        (meet, {"surveyed": rows, "met": more_rows}),
        (thin, {"thinned": more_rows}),
        (expose, {"surveyed": rows, "met": more_rows, "thinned": more_rows}),
    )
    return tuple(wp.overload(wp.Kernel(kernel.func, module=module), types) for kernel, types in of_lanes)
