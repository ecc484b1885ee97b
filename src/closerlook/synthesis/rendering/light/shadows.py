"""What comes between a key light and a surface: the person, things of the place, and what stands around it."""

# ruff: noqa: UP018 - to Warp, the cast makes a variable of a constant
# Warp types kernels, not Python:
# mypy: ignore-errors

from __future__ import annotations

import warp as wp

from closerlook.synthesis.rendering.surfaces.texturing import sample, tile_at
from closerlook.synthesis.rendering.values import Caster, KeyLight, texel


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
def dapple(patterns: wp.array3d(dtype=wp.uint8), pattern: int, p: wp.vec3, towards: wp.vec3, strength: float) -> float:
    """Share of the key light that passes what stands around the place: trees, roofs, poles."""
    if strength <= 0.0:
        return 1.0
    down = p[1] / wp.max(towards[1], 0.08)
    x = p[0] - towards[0] * down
    z = p[2] - towards[2] * down
    here = strength * wp.smoothstep(0.3, 2.0, wp.sqrt(x * x + z * z))  # the person stands mostly clear of it
    return 1.0 - here * (1.0 - tile_at(patterns[pattern], x * 8.0 + 128.0, z * 8.0 + 128.0))


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
