"""Kernels that light a view: all weathers and times of day in one pass over its pixels."""

# ruff: noqa: UP018 - to Warp, the cast makes a variable of a constant
# Warp types kernels, not Python:
# mypy: ignore-errors

from __future__ import annotations

import warp as wp

from closerlook.synthesis.render.texturing import sample
from closerlook.synthesis.render.values import Caster, Exposed, KeyLight, texel

wp.set_module_options({"enable_backward": False, "fast_math": True, "optimization_level": 3})

SNOW = wp.constant(0.85)
TONE_TOP = wp.constant(4.0)
TONE_STEPS = wp.constant(4095.0)


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
    total = float(0.0)
    for b in range(-1, 3):
        wy = float(1.0)
        if b == -1:
            wy = 1.0 - fv
        if b == 2:
            wy = fv
        for a in range(-1, 3):
            if shadow[light.slot, iv + b, iu + a] >= z:
                wx = float(1.0)
                if a == -1:
                    wx = 1.0 - fu
                if a == 2:
                    wx = fu
                total += wx * wy
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
def sky_irradiance(sky: wp.array2d(dtype=wp.vec3), i: int, n: wp.vec3) -> wp.vec3:
    """Irradiance from order-2 harmonics; the order of terms is that of scene.sky.harmonics."""
    e = sky[i, 0] * 0.282095 + (sky[i, 1] * n[1] + sky[i, 2] * n[2] + sky[i, 3] * n[0]) * 0.488603
    e += (sky[i, 4] * (n[0] * n[1]) + sky[i, 5] * (n[1] * n[2]) + sky[i, 7] * (n[0] * n[2])) * 1.092548
    e += sky[i, 6] * (0.315392 * (3.0 * n[2] * n[2] - 1.0)) + sky[i, 8] * (0.546274 * (n[0] * n[0] - n[1] * n[1]))
    return wp.max(e, wp.vec3())


@wp.func
def overcast(ny: float) -> float:
    """Irradiance under the CIE overcast dome by the normal's height, 1 facing up (fit to Moon and Spencer's sky)."""
    return wp.max(0.396 + 0.5 * ny + 0.104 * ny * ny, 0.0)


@wp.func
def snow_mask(layer: int, n: wp.vec3, patch: float, cover: float) -> float:
    """Where snow lies: on what faces up; on the ground first in patches, then closed; thin on a walking person."""
    flat = wp.smoothstep(0.3, 0.8, n[1])
    amount = wp.smoothstep(1.0 - cover, 1.35 - cover, patch * 0.65 + 0.35 * n[1])
    if layer == 0:
        return 0.8 * flat * wp.min(amount, cover)
    return 0.96 * flat * amount + 0.12 * cover * (1.0 - flat) * amount


@wp.struct
class Spot:
    """One layer of one pixel, with what does not depend on the light."""

    share: wp.float32
    albedo: wp.vec3
    normal: wp.vec3
    position: wp.vec3
    to_eye: wp.vec3
    distance: wp.float32
    rough: wp.float32
    emission: wp.float32
    seen: wp.float32
    rim: wp.float32
    water: wp.float32
    flat: wp.float32
    dome: wp.float32
    below: wp.float32
    patch: wp.float32


@wp.struct
class Met:
    """One layer of one pixel under one light: diffuse beam, beam mirrored by the dry and by the wet surface, diffuse
    and mirrored clear sky."""

    beam: wp.float32
    shine: wp.float32
    glint: wp.float32
    ambient: wp.vec3
    gloss: wp.vec3


@wp.func
def spot_at(
    layer: int, a: wp.vec4, f: wp.vec4, w: wp.vec4, seen: float, eye: wp.vec3, grain: wp.array2d(dtype=wp.uint8)
) -> Spot:
    s = Spot()
    s.share = a[3]
    if a[3] > 0.0:
        n = wp.vec3(f[0], f[1], f[2])
        p = wp.vec3(w[0], w[1], w[2])
        v = eye - p
        s.albedo = wp.vec3(a[0], a[1], a[2])
        s.normal = n
        s.position = p
        s.distance = wp.length(v)
        s.to_eye = v / s.distance
        s.rough = f[3]
        s.emission = w[3]
        s.seen = seen
        grazing = 1.0 - wp.max(wp.dot(n, s.to_eye), 0.02)
        grazing2 = grazing * grazing
        fresnel = grazing2 * grazing2 * grazing
        s.rim = (0.04 + 0.96 * fresnel) * (1.0 - s.rough) * (1.0 - s.rough) * seen
        s.water = (0.03 + 0.97 * fresnel) * seen
        s.flat = wp.smoothstep(0.6, 0.95, n[1])
        s.dome = overcast(n[1]) * seen
        s.below = (0.5 - 0.5 * n[1]) * seen
        coarse = tile_at(grain, p[0] * 23.0 + p[1] * 7.0, p[2] * 23.0)
        fine = tile_at(grain, p[0] * 110.0, p[2] * 110.0 + p[1] * 71.0)
        s.patch = 0.7 * coarse + 0.3 * fine
    return s


@wp.func
def highlight(s: Spot, towards: wp.vec3, rough: float) -> float:
    """GGX (Walter et al. 2007, with Schlick's Fresnel and geometry terms), for light square to the surface."""
    nl = wp.max(wp.dot(s.normal, towards), 0.0)
    nv = wp.max(wp.dot(s.normal, s.to_eye), 0.02)
    h = wp.normalize(s.to_eye + towards)
    nh = wp.max(wp.dot(s.normal, h), 0.0)
    alpha = rough * rough
    alpha2 = alpha * alpha
    k = (rough + 1.0) * (rough + 1.0) * 0.125
    d = nh * nh * (alpha2 - 1.0) + 1.0
    geometry = 1.0 / ((nl * (1.0 - k) + k) * (nv * (1.0 - k) + k) * 4.0)
    t = 1.0 - wp.max(wp.dot(s.to_eye, h), 0.0)
    t2 = t * t
    return alpha2 / (d * d) * geometry * (0.04 + 0.96 * t2 * t2 * t)


@wp.func
def meet(
    layer: int,
    s: Spot,
    light: KeyLight,
    sky: wp.array2d(dtype=wp.vec3),
    i: int,
    shadow: wp.array3d(dtype=float),
    shade: wp.array2d(dtype=wp.uint8),
    shade_strength: float,
    casters: wp.array(dtype=Caster),
    texels: wp.array(dtype=texel),
    wet: int,
) -> Met:
    """Lambert and a highlight under light ``i``; the highlight of water only if something is wet."""
    m = Met()
    n = s.normal
    towards = light.place
    fall = float(1.0)
    if light.reach > 0.0:
        towards = light.place - s.position
        d2 = wp.dot(towards, towards)
        towards = towards / wp.sqrt(d2)
        fall = light.reach / d2
    nl = wp.dot(n, towards)
    if nl > 0.0:
        beam = nl * fall * lit(shadow, light, s.position + n * 0.015)
        if light.reach == 0.0 and beam > 0.0:
            beam *= dapple(shade, s.position, towards, shade_strength)
            if layer == 0 or n[1] > 0.7:  # a thing is flat, and would lie in its own shadow
                beam *= past_things(casters, light, texels, s.position)
        if beam > 0.0:
            m.beam = beam
            m.shine = highlight(s, towards, s.rough) * beam
            if wet != 0 and s.flat > 0.0:
                m.glint = highlight(s, towards, 0.22) * beam
    m.ambient = sky_irradiance(sky, i, n) * s.seen
    m.gloss = sky_irradiance(sky, i, n * (2.0 * wp.dot(n, s.to_eye)) - s.to_eye)
    return m


@wp.struct
class Air:
    """One layer of one pixel in one weather.

    Albedo with its snow and water, share that is bare of snow, share of it that mirrors like a puddle, clearness of the
    air.
    """

    albedo: wp.vec3
    bare: wp.float32
    pool: wp.float32
    clear: wp.float32


@wp.func
def air(layer: int, s: Spot, extinction: float, snow_cover: float, wetness: float) -> Air:
    r = Air()
    r.albedo = s.albedo
    r.bare = 1.0
    if wetness > 0.0:
        damp = wetness * (0.2 + 0.35 * s.flat)
        if layer == 1:
            r.pool = wetness * s.flat * (0.3 + 0.7 * wp.smoothstep(1.0 - 0.6 * wetness, 1.15 - 0.6 * wetness, s.patch))
        r.albedo = s.albedo * (1.0 - damp)
    if snow_cover > 0.0:
        covered = snow_mask(layer, s.normal, s.patch, snow_cover)
        r.albedo = r.albedo * (1.0 - covered) + wp.vec3(SNOW, SNOW, SNOW) * covered
        r.bare = 1.0 - covered
    r.clear = wp.exp(-extinction * s.distance)
    return r


@wp.func
def radiance(s: Spot, m: Met, r: Air, c: Exposed) -> wp.vec3:
    """Light that leaves a spot towards the eye, and the air's share of it."""
    falling = c.sun * m.beam + wp.cw_mul(c.sky, m.ambient) + c.cloud * s.dome + c.bounce * s.below + c.glow * s.seen
    rim = s.rim + (s.water - s.rim) * r.pool
    mirrored = c.sun * (m.shine + (m.glint - m.shine) * r.pool)
    mirrored += (wp.cw_mul(c.sky, m.gloss) + c.cloud + c.glow * r.pool) * rim
    out = wp.cw_mul(r.albedo, falling) + c.windows * s.emission + mirrored * r.bare
    return out * r.clear + c.fog * (1.0 - r.clear)


@wp.kernel
def relight(
    colour: wp.array3d(dtype=wp.vec4),
    facing: wp.array3d(dtype=wp.vec4),
    where: wp.array3d(dtype=wp.vec4),
    open_sky: wp.array3d(dtype=float),
    eye: wp.vec3,
    lights: wp.array(dtype=KeyLight),
    sky: wp.array2d(dtype=wp.vec3),
    shadow: wp.array3d(dtype=float),
    shade: wp.array2d(dtype=wp.uint8),
    shade_strength: float,
    grain: wp.array2d(dtype=wp.uint8),
    casters: wp.array(dtype=Caster),
    texels: wp.array(dtype=texel),
    wet: int,
    conditions: wp.array(dtype=Exposed),
    first: wp.array(dtype=int),
    flakes: wp.array3d(dtype=wp.uint8),
    noise: wp.array3d(dtype=wp.int8),
    tone: wp.array(dtype=float),
    saturation: float,
    width: int,
    image: wp.array2d(dtype=wp.uint8),
):
    """All conditions of one view; ``image[i]`` is condition i's (height, width, 3), flat.

    What depends on the light alone (shadow, highlight, sky irradiance) is worked out once a light, what depends on the
    air alone once a run of conditions in the same air; a condition is then a weighted sum. ``first[i]:first[i + 1]``
    are the conditions under light ``i``.
    """
    y, x = wp.tid()
    person = spot_at(0, colour[0, y, x], facing[0, y, x], where[0, y, x], open_sky[0, y, x], eye, grain)
    place = spot_at(1, colour[1, y, x], facing[1, y, x], where[1, y, x], open_sky[1, y, x], eye, grain)
    met_person = Met()
    met_place = Met()
    at = (y * width + x) * 3
    for i in range(lights.shape[0]):
        if person.share > 0.0:
            met_person = meet(0, person, lights[i], sky, i, shadow, shade, shade_strength, casters, texels, wet)
        if place.share > 0.0:
            met_place = meet(1, place, lights[i], sky, i, shadow, shade, shade_strength, casters, texels, wet)
        for j in range(first[i], first[i + 1]):
            c = conditions[j]
            v = wp.vec3()
            if place.share > 0.0:
                around = air(1, place, c.extinction, c.snow_cover, c.wetness)
                v += radiance(place, met_place, around, c) * place.share
            if c.flakes > 0.0:
                far = float(flakes[c.flake_tile, (y + c.flake_y) & 255, (x + c.flake_x) & 255]) / 255.0 * c.flakes
                v = v * (1.0 - far) + c.flake * (far * place.share)
            if person.share > 0.0:
                before = air(0, person, c.extinction, c.snow_cover, c.wetness)
                v += radiance(person, met_person, before, c) * person.share
            if c.flakes > 0.0:
                near = float(flakes[c.flake_tile + 1, (y + c.flake_x) & 255, (x + c.flake_y) & 255]) / 255.0
                v += (c.flake - v) * (near * wp.min(c.flakes * 1.4, 1.0))
            grey = v[0] * 0.2126 + v[1] * 0.7152 + v[2] * 0.0722
            for ch in range(3):
                level = wp.sqrt(wp.clamp(grey + (v[ch] - grey) * saturation, 0.0, TONE_TOP) / TONE_TOP) * TONE_STEPS
                code = tone[int(level)]
                rough = float(noise[(y + c.noise_y) & 255, (x + c.noise_x) & 255, ch]) * c.noise
                image[j, at + ch] = wp.uint8(wp.clamp(code + rough * (1.3 - code / 255.0) + 0.5, 0.0, 255.0))
