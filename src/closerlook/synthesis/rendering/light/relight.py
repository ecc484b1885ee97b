"""The kernel that lights views: all weathers and times of day in one pass over their tiles.

What depends on the surface alone (:func:`independent.fill_independent`), on the light (:func:`direct.fill_direct`) and
on the air (:func:`atmosphere.fill_atmosphere`) is computed once each; :func:`expose.expose` adds them up for every
image. On the CPU one tile after the other uses the same memory for it, which then stays in the nearest cache.
"""


# Warp types kernels, not Python:
# mypy: ignore-errors

from __future__ import annotations

import functools
from typing import Any

import warp as wp

from closerlook.compute.kernels import with_lanes
from closerlook.synthesis.rendering.light.atmosphere import fill_atmosphere
from closerlook.synthesis.rendering.light.direct import fill_direct
from closerlook.synthesis.rendering.light.expose import expose
from closerlook.synthesis.rendering.light.independent import fill_independent
from closerlook.synthesis.rendering.light.tiles import Tile
from closerlook.synthesis.rendering.values import Air, Caster, Exposure, KeyLight, ViewParameters, texel


@wp.kernel
def relight(
    views: wp.array(dtype=ViewParameters),
    color: wp.array4d(dtype=wp.vec4),
    facing: wp.array4d(dtype=wp.vec4),
    where: wp.array4d(dtype=wp.vec4),
    open_sky: wp.array4d(dtype=float),
    skyline: wp.array2d(dtype=wp.vec2),
    grain: wp.array2d(dtype=wp.uint8),
    lamps: wp.array(dtype=wp.vec4),
    lights: wp.array(dtype=KeyLight),
    sky: wp.array2d(dtype=wp.vec3),
    gloss: wp.array2d(dtype=wp.vec3),
    shadow: wp.array3d(dtype=float),
    patterns: wp.array3d(dtype=wp.uint8),
    casters: wp.array(dtype=Caster),
    texels: wp.array(dtype=texel),
    airs: wp.array(dtype=Air),
    exposures: wp.array(dtype=Exposure),
    flakes: wp.array3d(dtype=wp.uint8),
    noise: wp.array2d(dtype=wp.vec3b),
    tones: wp.array2d(dtype=float),
    height: int,
    width: int,
    side: int,
    tiles: int,
    independent: wp.array2d(dtype=Any),
    lobes: wp.array2d(dtype=wp.vec4),
    direct: wp.array3d(dtype=Any),
    atmosphere: wp.array3d(dtype=Any),
    image: wp.array2d(dtype=wp.vec3ub),
):
    """All images of all views; ``image[i]`` is that of exposure i, (height, width), flat.

    Each thread has one of the ``tiles`` of a view, of ``side`` x ``side`` pixels. ``independent``, ``lobes``,
    ``direct`` and ``atmosphere`` have one row per thread, or one row where threads follow each other.
    """
    v, tile = wp.tid()
    view = views[v]
    across = (width + side - 1) / side
    at = Tile()
    at.y = (tile / across) * side
    at.x = (tile % across) * side
    at.end_y = wp.min(at.y + side, height)
    at.end_x = wp.min(at.x + side, width)
    at.side = side
    at.slot = view.slot
    at.view = v
    at.cell = (v * tiles + tile) % independent.shape[0]
    places = fill_independent(view, at, 1, color, facing, where, open_sky, skyline, lamps, grain, independent, lobes)
    persons = fill_independent(view, at, 0, color, facing, where, open_sky, skyline, lamps, grain, independent, lobes)
    for layer in range(2):
        if (layer == 0 and persons > 0) or (layer == 1 and places > 0):
            for i in range(view.end_light - view.first_light):
                fill_direct(
                    view,
                    at,
                    layer,
                    i,
                    facing,
                    where,
                    lights,
                    sky,
                    gloss,
                    shadow,
                    patterns,
                    casters,
                    texels,
                    independent,
                    lobes,
                    direct,
                )
            for i in range(view.end_air - view.first_air):
                fill_atmosphere(airs[view.first_air + i], at, layer, i, where, grain, independent, atmosphere)
    for i in range(view.first_exposure, view.end_exposure):
        expose(
            view,
            at,
            persons,
            places,
            independent,
            direct,
            atmosphere,
            exposures[i],
            flakes,
            noise,
            tones[v],
            width,
            image[i],
        )


@functools.cache
def overload(lanes: type) -> wp.Kernel:
    """:func:`relight` for lane vectors of one type."""
    rows, more_rows = wp.array2d(dtype=lanes), wp.array3d(dtype=lanes)
    (kernel,) = with_lanes(
        __name__, lanes, [(relight, {"independent": rows, "direct": more_rows, "atmosphere": more_rows})]
    )
    return kernel
