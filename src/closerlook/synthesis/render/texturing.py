"""Texture look-up inside kernels."""


# Warp types kernels, not Python:
# mypy: ignore-errors

from __future__ import annotations

import warp as wp

from closerlook.synthesis.render.values import texel


@wp.func
def linear(code: wp.vec3) -> wp.vec3:
    """sRGB code values 0..1 to linear light (cubic fit, error below 0.002)."""
    return wp.cw_mul(code, wp.cw_mul(code, code * 0.305306011 + wp.vec3(0.682171111)) + wp.vec3(0.012522878))


@wp.func
def sample(texels: wp.array(dtype=texel), start: int, log2_side: int, uv: wp.vec2, level: float) -> wp.vec4:
    """Bilinear look-up (repeating) in the nearest mip level; 0..1."""
    lv = wp.clamp(int(level + 0.5), 0, log2_side)
    side = 1 << (log2_side - lv)
    full = 1 << log2_side
    base = start + (full * full - side * side) * 4 / 3
    u = (uv[0] - wp.floor(uv[0])) * float(side) - 0.5
    v = (uv[1] - wp.floor(uv[1])) * float(side) - 0.5
    iu = int(wp.floor(u))
    iv = int(wp.floor(v))
    fu = u - float(iu)
    fv = v - float(iv)
    m = side - 1
    a = texels[base + (iv & m) * side + (iu & m)]
    b = texels[base + (iv & m) * side + ((iu + 1) & m)]
    c = texels[base + ((iv + 1) & m) * side + (iu & m)]
    d = texels[base + ((iv + 1) & m) * side + ((iu + 1) & m)]
    top = (
        wp.vec4(float(a[0]), float(a[1]), float(a[2]), float(a[3])) * (1.0 - fu)
        + wp.vec4(float(b[0]), float(b[1]), float(b[2]), float(b[3])) * fu
    )
    low = (
        wp.vec4(float(c[0]), float(c[1]), float(c[2]), float(c[3])) * (1.0 - fu)
        + wp.vec4(float(d[0]), float(d[1]), float(d[2]), float(d[3])) * fu
    )
    return (top * (1.0 - fv) + low * fv) * (1.0 / 255.0)


@wp.func
def opacity(texels: wp.array(dtype=texel), start: int, log2_side: int, uv: wp.vec2, level: float) -> int:
    """Alpha (0..255) of the nearest texel of the nearest mip level."""
    lv = wp.clamp(int(level + 0.5), 0, log2_side)
    side = 1 << (log2_side - lv)
    full = 1 << log2_side
    base = start + (full * full - side * side) * 4 / 3
    iu = int((uv[0] - wp.floor(uv[0])) * float(side))
    iv = int((uv[1] - wp.floor(uv[1])) * float(side))
    return int(texels[base + (iv & (side - 1)) * side + (iu & (side - 1))][3])


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
