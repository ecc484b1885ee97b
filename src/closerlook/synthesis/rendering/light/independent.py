"""What lighting needs of the surfaces of a tile, whatever the light."""

# ruff: noqa: UP018, RUF046 - to Warp, the cast makes a variable of a constant
# Warp types kernels, not Python:
# mypy: ignore-errors

from __future__ import annotations

from typing import Any

import warp as wp

from closerlook.synthesis.rendering.light import lamps as street, specular
from closerlook.synthesis.rendering.light.tiles import (
    AWAY,
    BELOW,
    DOME,
    EMISSION,
    GLOSS_BELOW,
    GLOSS_DOME,
    INDEPENDENT_ROWS,
    LAMP_GLINT,
    LAMPS,
    NORMAL,
    RIM,
    SHARE,
    VISIBILITY,
    WATER,
    WET_BELOW,
    WET_DOME,
    Tile,
)
from closerlook.synthesis.rendering.surfaces.texturing import tile_at
from closerlook.synthesis.rendering.values import ViewParameters

STAINS = wp.constant(9.0)  # texels of the noise a meter of ground


@wp.func
def fill_independent(
    view: ViewParameters,
    at: Tile,
    layer: int,
    color: wp.array4d(dtype=wp.vec4),
    facing: wp.array4d(dtype=wp.vec4),
    where: wp.array4d(dtype=wp.vec4),
    open_sky: wp.array4d(dtype=float),
    skyline: wp.array2d(dtype=wp.vec2),
    lamps: wp.array(dtype=wp.vec4),
    grain: wp.array2d(dtype=wp.uint8),
    independent: wp.array2d(dtype=Any),
    lobes: wp.array2d(dtype=wp.vec4),
) -> int:
    """Fill the rows of one layer of ``independent``; how many of the tile's pixels show the layer.

    ``lobes`` are the middles of what surfaces that are not dull mirror, and the levels of their roughness. Where no
    pixel shows the layer, rows are left as they are.
    """
    row = layer * INDEPENDENT_ROWS
    red = type(independent[0, 0])(0.0)
    green = type(red)(0.0)
    blue = type(red)(0.0)
    nx = type(red)(0.0)
    ny = type(red)(0.0)
    nz = type(red)(0.0)
    visibility = type(red)(0.0)
    rim = type(red)(0.0)
    dome = type(red)(0.0)
    below = type(red)(0.0)
    water = type(red)(0.0)
    wet_dome = type(red)(0.0)
    wet_below = type(red)(0.0)
    lamplight = type(red)(0.0)
    glint = type(red)(0.0)
    emission = type(red)(0.0)
    share = type(red)(0.0)
    away = type(red)(0.0)
    count = int(0)
    y = int(at.y)
    while y < at.end_y:
        x = int(at.x)
        while x < at.end_x:
            a = color[at.slot, layer, y, x]
            if a[3] > 0.0:
                lane = (y - at.y) * at.side + x - at.x
                f = facing[at.slot, layer, y, x]
                w = where[at.slot, layer, y, x]
                n = wp.vec3(f[0], f[1], f[2])
                p = wp.vec3(w[0], w[1], w[2])
                ray = view.position - p
                length = wp.length(ray)
                to_eye = ray / length
                cos = wp.max(wp.dot(n, to_eye), 0.02)
                clean = float(1.0)
                if layer == 1 and n[1] > 0.9 and w[1] < 0.05:
                    clean += view.stains * (tile_at(grain, w[0] * STAINS, w[2] * STAINS) - 0.5)
                share[lane] = a[3]
                away[lane] = length
                red[lane] = a[0] * clean
                green[lane] = a[1] * clean
                blue[lane] = a[2] * clean
                nx[lane] = f[0]
                ny[lane] = f[1]
                nz[lane] = f[2]
                emission[lane] = w[3]
                shown = open_sky[at.view, layer, y, x]
                visibility[lane] = shown
                step = specular.level_of(f[3])
                height = n[1]  # what is dull mirrors about what lights it
                if f[3] < specular.DULL:
                    lobe = specular.middle_of_lobe(n, to_eye, cos, f[3])
                    lobes[at.cell, layer * at.side * at.side + lane] = wp.vec4(lobe[0], lobe[1], lobe[2], float(step))
                    height = lobe[1]
                mirrors = specular.open_sky(skyline, step, height)
                rim[lane] = specular.mirrored_share(f[3], cos) * shown
                below[lane] = 1.0 - mirrors[0]
                dome[lane] = mirrors[1]
                if view.end_lamp > view.first_lamp:
                    lamplight[lane] = street.lamplight(lamps, view.first_lamp, view.end_lamp, n, p) * shown
                if view.wet != 0:
                    if n[1] > 0.6:
                        glint[lane] = street.reflections(lamps, view.first_lamp, view.end_lamp, n, p, to_eye)
                    in_water = specular.wet_lobe(n, to_eye)
                    mirrors = specular.open_sky(skyline, int(in_water[3]), in_water[1])
                    water[lane] = specular.mirrored_share(specular.WATER_ROUGH, cos) * shown
                    wet_below[lane] = 1.0 - mirrors[0]
                    wet_dome[lane] = mirrors[1]
                count += 1
            x += 1
        y += 1
    if count == 0:
        return 0
    unit = type(red)(1.0)
    independent[at.cell, row] = red
    independent[at.cell, row + 1] = green
    independent[at.cell, row + 2] = blue
    independent[at.cell, row + NORMAL] = nx
    independent[at.cell, row + NORMAL + 1] = ny
    independent[at.cell, row + NORMAL + 2] = nz
    # The CIE overcast dome by the normal's height (fit to Moon and Spencer's sky)
    lit_by = unit * 0.396 + ny * 0.5 + wp.cw_mul(ny, ny) * 0.104
    independent[at.cell, row + DOME] = wp.cw_mul(wp.max(lit_by, type(red)(0.0)), visibility)
    independent[at.cell, row + BELOW] = wp.cw_mul(unit * 0.5 - ny * 0.5, visibility)
    independent[at.cell, row + VISIBILITY] = visibility
    independent[at.cell, row + RIM] = rim
    independent[at.cell, row + GLOSS_DOME] = dome
    independent[at.cell, row + GLOSS_BELOW] = below
    independent[at.cell, row + EMISSION] = emission
    independent[at.cell, row + LAMPS] = lamplight
    independent[at.cell, row + SHARE] = share
    independent[at.cell, row + AWAY] = away
    if view.wet != 0:
        independent[at.cell, row + LAMP_GLINT] = glint
        independent[at.cell, row + WATER] = water
        independent[at.cell, row + WET_DOME] = wet_dome
        independent[at.cell, row + WET_BELOW] = wet_below
    return count
