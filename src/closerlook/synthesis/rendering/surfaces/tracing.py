"""Which panel of a place a pixel, or a ray, meets first; inside kernels."""

# ruff: noqa: UP018, RUF046 - to Warp, the cast makes a variable of a constant
# Warp types kernels, not Python:
# mypy: ignore-errors

from __future__ import annotations

import warp as wp

from closerlook.synthesis.rendering.surfaces.planes import (
    HORIZON,
    MIXED,
    OUT,
    PARTLY,
    SKY,
    WHOLLY,
    Plane,
    before,
    coverage,
    form,
)
from closerlook.synthesis.rendering.surfaces.texturing import exponent, mip, opacities, opacity
from closerlook.synthesis.rendering.values import texel

CLEAR = wp.constant(7)  # opacity that differs from a hole's, or from a solid's, by no more is not at an edge


@wp.func
def holes(q: Plane, inverse: float, at: wp.vec2, texels: wp.array(dtype=texel)) -> int:
    """Whether a cut-out panel is there in the whole of a pixel around a point: OUT, PARTLY or WHOLLY.

    At a level of which four texels hold all that the pixel's samples may look up: up to two above theirs, where a mean
    that is CLEAR leaves no doubt of them.
    """
    depth = 1.0 / inverse
    fine = mip(q.grain * depth * depth, q.log2_side)
    level = wp.max(fine, exponent(q.dense * depth) + 1)
    if level > wp.min(fine + 2, q.log2_side):
        return PARTLY
    u = form(q.across, at) * depth * q.map[0] + q.map[1]
    v = form(q.upward, at) * depth * q.map[2] + q.map[3]
    alpha = opacities(texels, q.start, q.log2_side, wp.vec2(u, v), level)
    if alpha[1] <= CLEAR:
        return OUT
    return wp.where(alpha[0] >= 255 - CLEAR, WHOLLY, PARTLY)


@wp.func
def alone(
    planes: wp.array(dtype=Plane),
    first: int,
    tile: wp.array(dtype=int),
    texels: wp.array(dtype=texel),
    at: wp.vec2,
    half: wp.vec2,
) -> int:
    """The only panel of a tile that the pixel around a point sees, SKY, or MIXED for several."""
    if tile[0] == 0 and tile[1] != MIXED:
        return tile[1]
    ground = planes[first]
    nearest = form(ground.inverse, at)
    rivals = wp.uint64(0)
    only = SKY
    front = wp.vec3()
    behind = float(0.0)  # what is further than this is hidden
    if nearest + ground.doubt > HORIZON:
        rivals = wp.uint64(1)
    if nearest - ground.doubt > HORIZON:
        only = 0
        front = ground.inverse
        behind = nearest - ground.doubt
    nearest = wp.max(nearest, 0.0)
    k = int(1)
    while k <= tile[0]:
        q = planes[first + tile[k]]
        inverse = form(q.inverse, at)
        if inverse + q.doubt > behind:
            kind = coverage(q, inverse, at, 1.0)
            if kind == WHOLLY and q.cutout != 0:
                kind = holes(q, inverse, at, texels)
            if kind != OUT:
                rivals = rivals | (wp.uint64(1) << wp.uint64(k))
            if kind == WHOLLY and inverse > nearest:
                only = tile[k]
                front = q.inverse
                nearest = inverse
                behind = wp.max(behind, inverse - q.doubt)
        k += 1
    j = int(0)
    k = int(0)
    while rivals != wp.uint64(0):
        if (rivals & wp.uint64(1)) != wp.uint64(0) and j != only and before(planes[first + j], front, at, half):
            return MIXED
        rivals = rivals >> wp.uint64(1)
        k += 1
        if k <= tile[0]:
            j = tile[k]
    return only


@wp.struct
class Hit:
    """The nearest panel along a ray, SKY for none, and whether the ray passed the edge of a hole."""

    panel: int
    inverse: wp.float32
    edge: int


@wp.func
def trace(
    planes: wp.array(dtype=Plane),
    first: int,
    tile: wp.array(dtype=int),
    last: int,
    texels: wp.array(dtype=texel),
    at: wp.vec2,
    nearest: Hit,
) -> Hit:
    """The nearest of ``nearest`` and of the panels of a tile up to number ``last`` along a ray."""
    h = nearest
    k = int(1)
    while k <= tile[0]:
        j = tile[k]
        if j > last:
            return h
        q = planes[first + j]
        inverse = form(q.inverse, at)
        u = form(q.across, at)
        v = form(q.upward, at)
        if inverse > h.inverse and inverse < q.nearest and wp.min(u, v) >= 0.0 and wp.max(u, v) <= inverse:
            solid = 255
            if q.cutout != 0:
                depth = 1.0 / inverse
                uv = wp.vec2(u * depth * q.map[0] + q.map[1], v * depth * q.map[2] + q.map[3])
                solid = opacity(texels, q.start, q.log2_side, uv, mip(q.grain * depth * depth, q.log2_side))
                if solid > CLEAR and solid < 255 - CLEAR:
                    h.edge = 1
            if solid >= 128:
                h.inverse = inverse
                h.panel = j
        k += 1
    return h


@wp.func
def open_ground(planes: wp.array(dtype=Plane), first: int, at: wp.vec2) -> Hit:
    """The ground or the sky along a ray."""
    h = Hit()
    h.panel = SKY
    inverse = form(planes[first].inverse, at)
    if inverse > HORIZON:
        h.panel = 0
        h.inverse = inverse
    return h
