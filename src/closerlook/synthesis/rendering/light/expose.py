"""Adding up what a light and an air do to the surfaces of a tile; exposing and developing it: an image a shot."""

# ruff: noqa: UP018, RUF046 - to Warp, the cast makes a variable of a constant
# Warp types kernels, not Python:
# mypy: ignore-errors

from __future__ import annotations

from typing import Any

import warp as wp

from closerlook.synthesis.rendering.light.tiles import (
    AMBIENT,
    BEAM,
    BELOW,
    COVERED,
    DAMP,
    DOME,
    EMISSION,
    GLINT,
    GLOSS,
    GLOSS_BELOW,
    GLOSS_DOME,
    MET,
    POOL,
    RIM,
    SEEN,
    SHINE,
    SURVEYED,
    THINNED,
    THROUGH,
    VEIL,
    WATER,
    WET_BELOW,
    WET_DOME,
    WET_GLOSS,
    Tile,
)
from closerlook.synthesis.rendering.numbers import greater, lesser
from closerlook.synthesis.rendering.values import Exposed, Sight

SNOW = wp.constant(0.85)
TONE_TOP = wp.constant(4.0)
TONE_STEPS = wp.constant(4095.0)


@wp.func
def leaving(
    surveyed: wp.array2d(dtype=Any),
    met: wp.array3d(dtype=Any),
    thinned: wp.array3d(dtype=Any),
    cell: int,
    layer: int,
    channel: int,
    c: Exposed,
) -> Any:
    """Light of one colour that a tile's surfaces of one layer send to the eye, and the air's share of it."""
    s = layer * SURVEYED
    m = layer * MET
    t = layer * THINNED
    albedo = surveyed[cell, s + channel]
    falling = (
        met[cell, c.light, m + BEAM] * c.sun[channel]
        + met[cell, c.light, m + AMBIENT + channel] * c.sky[channel]
        + surveyed[cell, s + DOME] * c.cloud[channel]
        + surveyed[cell, s + BELOW] * c.bounce[channel]
        + surveyed[cell, s + SEEN] * c.glow[channel]
    )
    beam = met[cell, c.light, m + SHINE]
    around = (
        met[cell, c.light, m + GLOSS + channel] * c.sky[channel]
        + surveyed[cell, s + GLOSS_DOME] * c.cloud[channel]
        + surveyed[cell, s + GLOSS_BELOW] * c.bounce[channel]
    )
    rim = surveyed[cell, s + RIM]
    if c.wetness > 0.0:
        pool = thinned[cell, c.air, t + POOL]
        albedo -= wp.cw_mul(thinned[cell, c.air, t + DAMP], albedo)
        beam += wp.cw_mul(pool, met[cell, c.light, m + GLINT] - beam)
        in_water = (
            met[cell, c.light, m + WET_GLOSS + channel] * c.sky[channel]
            + surveyed[cell, s + WET_DOME] * c.cloud[channel]
            + surveyed[cell, s + WET_BELOW] * c.bounce[channel]
        )
        around += wp.cw_mul(pool, in_water - around)
        rim += wp.cw_mul(pool, surveyed[cell, s + WATER] - rim)
    mirrored = beam * c.sun[channel] + wp.cw_mul(around + type(albedo)(c.glow[channel]), rim)
    if c.snow_cover > 0.0:
        covered = thinned[cell, c.air, t + COVERED]
        albedo += wp.cw_mul(covered, type(albedo)(SNOW) - albedo)
        mirrored -= wp.cw_mul(covered, mirrored)
    out = wp.cw_mul(albedo, falling) + mirrored + surveyed[cell, s + EMISSION] * c.windows[channel]
    return wp.cw_mul(out, thinned[cell, c.air, t + THROUGH]) + thinned[cell, c.air, t + VEIL] * c.fog[channel]


@wp.func
def in_range(light: Any) -> Any:
    """Exposed light as a share of what the tone curve takes."""
    return wp.min(wp.max(light * (1.0 / TONE_TOP), type(light)(0.0)), type(light)(1.0))


@wp.func
def developed(tone: wp.array(dtype=float), level: float, rough: float) -> wp.uint8:
    """The code value of a level of light, with noise that is less in what is bright."""
    code = tone[int(wp.sqrt(level) * TONE_STEPS + 0.5)]
    done = code + rough * (1.3 - code * (1.0 / 255.0)) + 0.5
    return wp.uint8(lesser(greater(done, 0.0), 255.0))


@wp.func
def expose(
    sight: Sight,
    at: Tile,
    persons: int,
    places: int,
    surveyed: wp.array2d(dtype=Any),
    met: wp.array3d(dtype=Any),
    thinned: wp.array3d(dtype=Any),
    c: Exposed,
    flakes: wp.array3d(dtype=wp.uint8),
    noise: wp.array2d(dtype=wp.vec3b),
    tone: wp.array(dtype=float),
    width: int,
    image: wp.array(dtype=wp.vec3ub),
):
    """A tile of one image; ``persons`` and ``places`` count its pixels that show either layer."""
    cell = at.cell
    red = type(surveyed[0, 0])(0.0)
    green = type(red)(0.0)
    blue = type(red)(0.0)
    near = type(red)(0.0)
    if places > 0:
        red = leaving(surveyed, met, thinned, cell, 1, 0, c)
        green = leaving(surveyed, met, thinned, cell, 1, 1, c)
        blue = leaving(surveyed, met, thinned, cell, 1, 2, c)
    if c.flakes > 0.0:
        far = type(red)(0.0)
        lane = int(0)
        y = int(at.y)
        while y < at.y + at.side:
            x = int(at.x)
            while x < at.x + at.side:
                far[lane] = float(flakes[c.flake_tile, (y + c.flake_y) & 255, (x + c.flake_x) & 255]) / 255.0
                near[lane] = float(flakes[c.flake_tile + 1, (y + c.flake_x) & 255, (x + c.flake_y) & 255]) / 255.0
                lane += 1
                x += 1
            y += 1
        if places > 0:
            row = THINNED
            behind = (thinned[cell, c.air, row + THROUGH] + thinned[cell, c.air, row + VEIL]) * c.flakes
            red += wp.cw_mul(far, behind * c.flake[0] - red * c.flakes)
            green += wp.cw_mul(far, behind * c.flake[1] - green * c.flakes)
            blue += wp.cw_mul(far, behind * c.flake[2] - blue * c.flakes)
    if persons > 0:
        red += leaving(surveyed, met, thinned, cell, 0, 0, c)
        green += leaving(surveyed, met, thinned, cell, 0, 1, c)
        blue += leaving(surveyed, met, thinned, cell, 0, 2, c)
    if c.flakes > 0.0:
        near *= wp.min(c.flakes * 1.4, 1.0)
        red += wp.cw_mul(near, type(red)(c.flake[0]) - red)
        green += wp.cw_mul(near, type(red)(c.flake[1]) - green)
        blue += wp.cw_mul(near, type(red)(c.flake[2]) - blue)
    grey = (red * 0.2126 + green * 0.7152 + blue * 0.0722) * (1.0 - sight.saturation)
    red = in_range(grey + red * sight.saturation)
    green = in_range(grey + green * sight.saturation)
    blue = in_range(grey + blue * sight.saturation)
    y = int(at.y)
    while y < at.end_y:
        x = int(at.x)
        while x < at.end_x:
            lane = (y - at.y) * at.side + x - at.x
            rough = noise[(y + c.noise_y) & 255, (x + c.noise_x) & 255]
            image[y * width + x] = wp.vec3ub(
                developed(tone, red[lane], float(rough[0]) * c.noise),
                developed(tone, green[lane], float(rough[1]) * c.noise),
                developed(tone, blue[lane], float(rough[2]) * c.noise),
            )
            x += 1
        y += 1
