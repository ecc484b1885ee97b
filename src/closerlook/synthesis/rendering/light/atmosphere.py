"""What the air and what falls from it do to the surfaces of a tile."""


# Warp types kernels, not Python:
# mypy: ignore-errors

from __future__ import annotations

from typing import Any

import warp as wp

from closerlook.synthesis.rendering.light.tiles import (
    ATMOSPHERE_ROWS,
    AWAY,
    COVERED,
    DAMP,
    INDEPENDENT_ROWS,
    NORMAL,
    POOL,
    SHARE,
    THROUGH,
    VEIL,
    Tile,
)
from closerlook.synthesis.rendering.surfaces.texturing import tile_at
from closerlook.synthesis.rendering.values import Air


@wp.func
def snow_mask(layer: int, n: wp.vec3, patch: float, cover: float) -> float:
    """Where snow lies: on what faces up; on the ground first in patches, then closed; thin on a walking person."""
    amount = wp.smoothstep(1.0 - cover, 1.35 - cover, patch * 0.65 + 0.35 * n[1])
    if layer == 0:
        return 0.6 * wp.smoothstep(0.45, 1.05, n[1]) * wp.min(amount, cover)
    flat = wp.smoothstep(0.3, 0.8, n[1])
    return 0.96 * flat * amount + 0.12 * cover * (1.0 - flat) * amount


@wp.func
def fill_atmosphere(
    air: Air,
    at: Tile,
    layer: int,
    number: int,
    where: wp.array4d(dtype=wp.vec4),
    grain: wp.array2d(dtype=wp.uint8),
    independent: wp.array2d(dtype=Any),
    atmosphere: wp.array3d(dtype=Any),
):
    """Fill the rows of one layer and the view's air of this ``number`` in ``atmosphere``: share of the surfaces' light
    that comes through and of the veil; snow and water."""
    from_row = layer * INDEPENDENT_ROWS
    row = layer * ATMOSPHERE_ROWS
    shares = independent[at.cell, from_row + SHARE]
    away = independent[at.cell, from_row + AWAY]
    through = type(shares)(0.0)
    for lane in range(len(shares)):
        through[lane] = wp.exp(-air.extinction * away[lane])
    through = wp.cw_mul(through, shares)
    atmosphere[at.cell, number, row + THROUGH] = through
    atmosphere[at.cell, number, row + VEIL] = shares - through
    if air.snow_cover == 0.0 and air.wetness == 0.0:
        return
    nx = independent[at.cell, from_row + NORMAL]
    ny = independent[at.cell, from_row + NORMAL + 1]
    nz = independent[at.cell, from_row + NORMAL + 2]
    covered = type(shares)(0.0)
    damp = type(shares)(0.0)
    pool = type(shares)(0.0)
    y = int(at.y)
    while y < at.end_y:
        x = int(at.x)
        while x < at.end_x:
            lane = (y - at.y) * at.side + x - at.x
            if shares[lane] > 0.0:
                w = where[at.slot, layer, y, x]
                n = wp.vec3(nx[lane], ny[lane], nz[lane])
                coarse = tile_at(grain, w[0] * 23.0 + w[1] * 7.0, w[2] * 23.0)
                fine = tile_at(grain, w[0] * 110.0, w[2] * 110.0 + w[1] * 71.0)
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
    atmosphere[at.cell, number, row + COVERED] = covered
    atmosphere[at.cell, number, row + DAMP] = damp
    atmosphere[at.cell, number, row + POOL] = pool
