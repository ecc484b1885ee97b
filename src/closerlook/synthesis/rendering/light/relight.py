"""The kernel that lights views: all weathers and times of day in one pass over their tiles.

What depends on the surface alone (:func:`survey.survey`), on the light (:func:`meet.meet`) and on the air
(:func:`thin.thin`) is worked out once each; :func:`expose.expose` adds them up for every image. On the CPU one tile
after the other uses the same memory for it, which then stays in the nearest cache.
"""


# Warp types kernels, not Python:
# mypy: ignore-errors

from __future__ import annotations

import functools
from typing import Any

import warp as wp

from closerlook.compute.kernels import with_lanes
from closerlook.synthesis.rendering.light.atmosphere import thin
from closerlook.synthesis.rendering.light.direct import meet
from closerlook.synthesis.rendering.light.expose import expose
from closerlook.synthesis.rendering.light.independent import survey
from closerlook.synthesis.rendering.light.tiles import Tile
from closerlook.synthesis.rendering.values import Air, Caster, Exposed, KeyLight, Sight, texel


@wp.kernel
def relight(
    sights: wp.array(dtype=Sight),
    colour: wp.array4d(dtype=wp.vec4),
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
    shots: wp.array(dtype=Exposed),
    flakes: wp.array3d(dtype=wp.uint8),
    noise: wp.array2d(dtype=wp.vec3b),
    tones: wp.array2d(dtype=float),
    height: int,
    width: int,
    side: int,
    tiles: int,
    surveyed: wp.array2d(dtype=Any),
    lobes: wp.array2d(dtype=wp.vec4),
    met: wp.array3d(dtype=Any),
    thinned: wp.array3d(dtype=Any),
    image: wp.array2d(dtype=wp.vec3ub),
):
    """All images of all views; ``image[i]`` is shot i's (height, width), flat.

    Each thread has one of the ``tiles`` of a view, of ``side`` x ``side`` pixels. ``surveyed``, ``lobes``, ``met`` and
    ``thinned`` have a row a thread, or one row where threads follow each other.
    """
    view, tile = wp.tid()
    sight = sights[view]
    across = (width + side - 1) / side
    at = Tile()
    at.y = (tile / across) * side
    at.x = (tile % across) * side
    at.end_y = wp.min(at.y + side, height)
    at.end_x = wp.min(at.x + side, width)
    at.side = side
    at.slot = sight.slot
    at.view = view
    at.cell = (view * tiles + tile) % surveyed.shape[0]
    places = survey(sight, at, 1, colour, facing, where, open_sky, skyline, lamps, grain, surveyed, lobes)
    persons = survey(sight, at, 0, colour, facing, where, open_sky, skyline, lamps, grain, surveyed, lobes)
    for layer in range(2):
        if (layer == 0 and persons > 0) or (layer == 1 and places > 0):
            for i in range(sight.end_light - sight.first_light):
                meet(
                    sight,
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
                    surveyed,
                    lobes,
                    met,
                )
            for i in range(sight.end_air - sight.first_air):
                thin(airs[sight.first_air + i], at, layer, i, where, grain, surveyed, thinned)
    for i in range(sight.first_shot, sight.end_shot):
        expose(
            sight, at, persons, places, surveyed, met, thinned, shots[i], flakes, noise, tones[view], width, image[i]
        )


@functools.cache
def overload(lanes: type) -> wp.Kernel:
    """:func:`relight` for lane vectors of one type."""
    rows, more_rows = wp.array2d(dtype=lanes), wp.array3d(dtype=lanes)
    (kernel,) = with_lanes(__name__, lanes, [(relight, {"surveyed": rows, "met": more_rows, "thinned": more_rows})])
    return kernel
