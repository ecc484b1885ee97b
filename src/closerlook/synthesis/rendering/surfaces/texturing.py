"""Texture look-up inside kernels."""

# Warp types kernels, not Python:
# mypy: ignore-errors

from __future__ import annotations

import warp as wp

from closerlook.synthesis.rendering.values import texel


@wp.func
def linear(code: wp.vec3) -> wp.vec3:
    """sRGB code values 0..1 to linear light (cubic fit, error below 0.002)."""
    return wp.cw_mul(code, wp.cw_mul(code, code * 0.305306011 + wp.vec3(0.682171111)) + wp.vec3(0.012522878))


@wp.func_native("""
    union { float number; int bits; } of;
    of.number = x;
    return (of.bits >> 23) - 127;
""")
def exponent(x: float) -> int:
    """The largest whole number that is not above log2 of a positive number."""


@wp.func
def mip(area: float, log2_side: int) -> int:
    """The level, of a texture, of which a texel is most like an area of so many texels of the largest level."""
    return wp.clamp((exponent(area) + 1) >> 1, 0, log2_side)


@wp.func
def level_start(start: int, log2_side: int, level: int) -> int:
    """The first texel of a level of a mip chain that starts at ``start``."""
    side = 1 << (log2_side - level)
    full = 1 << log2_side
    return start + (full * full - side * side) * 4 / 3


@wp.func
def unpacked(t: texel) -> wp.vec4:
    """A texel's bytes as numbers."""
    return wp.vec4(float(t[0]), float(t[1]), float(t[2]), float(t[3]))


@wp.func
def look_up(texels: wp.array(dtype=texel), start: int, log2_side: int, uv: wp.vec2, level: int) -> wp.vec4:
    """Bilinear look-up (repeating) in a mip level; 0..1."""
    side = 1 << (log2_side - level)
    base = level_start(start, log2_side, level)
    u = uv[0] * float(side) - 0.5
    v = uv[1] * float(side) - 0.5
    whole_u = wp.floor(u)
    whole_v = wp.floor(v)
    fu = u - whole_u
    fv = v - whole_v
    m = side - 1
    left = int(whole_u) & m
    right = (int(whole_u) + 1) & m
    upper = base + (int(whole_v) & m) * side
    lower = base + ((int(whole_v) + 1) & m) * side
    top = unpacked(texels[upper + left]) * (1.0 - fu) + unpacked(texels[upper + right]) * fu
    low = unpacked(texels[lower + left]) * (1.0 - fu) + unpacked(texels[lower + right]) * fu
    return top * ((1.0 - fv) * (1.0 / 255.0)) + low * (fv * (1.0 / 255.0))


@wp.func
def sample(texels: wp.array(dtype=texel), start: int, log2_side: int, uv: wp.vec2, level: float) -> wp.vec4:
    """Bilinear look-up (repeating) in the nearest mip level; 0..1."""
    return look_up(texels, start, log2_side, uv, wp.clamp(int(level + 0.5), 0, log2_side))


@wp.func
def opacity(texels: wp.array(dtype=texel), start: int, log2_side: int, uv: wp.vec2, level: int) -> int:
    """Alpha (0..255) of the nearest texel (repeating) of a mip level."""
    side = 1 << (log2_side - level)
    iu = int(wp.floor(uv[0] * float(side))) & (side - 1)
    iv = int(wp.floor(uv[1] * float(side))) & (side - 1)
    return int(texels[level_start(start, log2_side, level) + iv * side + iu][3])


@wp.func
def opacities(texels: wp.array(dtype=texel), start: int, log2_side: int, uv: wp.vec2, level: int) -> wp.vec2i:
    """The least and the largest alpha (0..255) of the four texels (repeating) of a mip level around a point."""
    side = 1 << (log2_side - level)
    base = level_start(start, log2_side, level)
    m = side - 1
    u = int(wp.floor(uv[0] * float(side) - 0.5))
    v = int(wp.floor(uv[1] * float(side) - 0.5))
    upper = base + (v & m) * side
    lower = base + ((v + 1) & m) * side
    a = int(texels[upper + (u & m)][3])
    b = int(texels[upper + ((u + 1) & m)][3])
    c = int(texels[lower + (u & m)][3])
    d = int(texels[lower + ((u + 1) & m)][3])
    return wp.vec2i(wp.min(wp.min(a, b), wp.min(c, d)), wp.max(wp.max(a, b), wp.max(c, d)))


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
