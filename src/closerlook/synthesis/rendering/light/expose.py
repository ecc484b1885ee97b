"""Adding up what a light and an air do to the surfaces of a tile; exposing and developing it, once per image."""

# ruff: noqa: UP018, RUF046 - to Warp, the cast makes a variable of a constant
# Warp types kernels, not Python:
# mypy: ignore-errors

from __future__ import annotations

from typing import Any

import warp as wp

from closerlook.synthesis.rendering.light.tiles import (
    AMBIENT,
    ATMOSPHERE_ROWS,
    BEAM,
    BELOW,
    COVERED,
    DAMP,
    DIRECT_ROWS,
    DOME,
    EMISSION,
    GLINT,
    GLOSS,
    GLOSS_BELOW,
    GLOSS_DOME,
    INDEPENDENT_ROWS,
    POOL,
    RIM,
    SHINE,
    THROUGH,
    VEIL,
    VISIBILITY,
    WATER,
    WET_BELOW,
    WET_DOME,
    WET_GLOSS,
    Tile,
)
from closerlook.synthesis.rendering.numbers import greater, lesser
from closerlook.synthesis.rendering.values import Exposure, ViewParameters

SNOW = wp.constant(0.85)
TONE_TOP = wp.constant(4.0)
TONE_STEPS = wp.constant(4095.0)


@wp.func
def leaving(
    independent: wp.array2d(dtype=Any),
    direct: wp.array3d(dtype=Any),
    atmosphere: wp.array3d(dtype=Any),
    cell: int,
    layer: int,
    channel: int,
    exposure: Exposure,
) -> Any:
    """Light of one color that a tile's surfaces of one layer send to the eye, and the air's share of it."""
    s = layer * INDEPENDENT_ROWS
    m = layer * DIRECT_ROWS
    t = layer * ATMOSPHERE_ROWS
    albedo = independent[cell, s + channel]
    falling = (
        direct[cell, exposure.light, m + BEAM] * exposure.sun[channel]
        + direct[cell, exposure.light, m + AMBIENT + channel] * exposure.sky[channel]
        + independent[cell, s + DOME] * exposure.cloud[channel]
        + independent[cell, s + BELOW] * exposure.bounce[channel]
        + independent[cell, s + VISIBILITY] * exposure.glow[channel]
    )
    beam = direct[cell, exposure.light, m + SHINE]
    around = (
        direct[cell, exposure.light, m + GLOSS + channel] * exposure.sky[channel]
        + independent[cell, s + GLOSS_DOME] * exposure.cloud[channel]
        + independent[cell, s + GLOSS_BELOW] * exposure.bounce[channel]
    )
    rim = independent[cell, s + RIM]
    if exposure.wetness > 0.0:
        pool = atmosphere[cell, exposure.air, t + POOL]
        albedo -= wp.cw_mul(atmosphere[cell, exposure.air, t + DAMP], albedo)
        beam += wp.cw_mul(pool, direct[cell, exposure.light, m + GLINT] - beam)
        in_water = (
            direct[cell, exposure.light, m + WET_GLOSS + channel] * exposure.sky[channel]
            + independent[cell, s + WET_DOME] * exposure.cloud[channel]
            + independent[cell, s + WET_BELOW] * exposure.bounce[channel]
        )
        around += wp.cw_mul(pool, in_water - around)
        rim += wp.cw_mul(pool, independent[cell, s + WATER] - rim)
    mirrored = beam * exposure.sun[channel] + wp.cw_mul(around + type(albedo)(exposure.glow[channel]), rim)
    if exposure.snow_cover > 0.0:
        covered = atmosphere[cell, exposure.air, t + COVERED]
        albedo += wp.cw_mul(covered, type(albedo)(SNOW) - albedo)
        mirrored -= wp.cw_mul(covered, mirrored)
    out = wp.cw_mul(albedo, falling) + mirrored + independent[cell, s + EMISSION] * exposure.windows[channel]
    return (
        wp.cw_mul(out, atmosphere[cell, exposure.air, t + THROUGH])
        + atmosphere[cell, exposure.air, t + VEIL] * exposure.fog[channel]
    )


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
    view: ViewParameters,
    at: Tile,
    persons: int,
    places: int,
    independent: wp.array2d(dtype=Any),
    direct: wp.array3d(dtype=Any),
    atmosphere: wp.array3d(dtype=Any),
    exposure: Exposure,
    flakes: wp.array3d(dtype=wp.uint8),
    noise: wp.array2d(dtype=wp.vec3b),
    tone: wp.array(dtype=float),
    width: int,
    image: wp.array(dtype=wp.vec3ub),
):
    """A tile of one image; ``persons`` and ``places`` count its pixels that show either layer."""
    cell = at.cell
    red = type(independent[0, 0])(0.0)
    green = type(red)(0.0)
    blue = type(red)(0.0)
    near = type(red)(0.0)
    if places > 0:
        red = leaving(independent, direct, atmosphere, cell, 1, 0, exposure)
        green = leaving(independent, direct, atmosphere, cell, 1, 1, exposure)
        blue = leaving(independent, direct, atmosphere, cell, 1, 2, exposure)
    if exposure.flakes > 0.0:
        far = type(red)(0.0)
        lane = int(0)
        y = int(at.y)
        while y < at.y + at.side:
            x = int(at.x)
            while x < at.x + at.side:
                far[lane] = (
                    float(flakes[exposure.flake_tile, (y + exposure.flake_y) & 255, (x + exposure.flake_x) & 255])
                    / 255.0
                )
                near[lane] = (
                    float(flakes[exposure.flake_tile + 1, (y + exposure.flake_x) & 255, (x + exposure.flake_y) & 255])
                    / 255.0
                )
                lane += 1
                x += 1
            y += 1
        if places > 0:
            row = ATMOSPHERE_ROWS
            behind = (
                atmosphere[cell, exposure.air, row + THROUGH] + atmosphere[cell, exposure.air, row + VEIL]
            ) * exposure.flakes
            red += wp.cw_mul(far, behind * exposure.flake[0] - red * exposure.flakes)
            green += wp.cw_mul(far, behind * exposure.flake[1] - green * exposure.flakes)
            blue += wp.cw_mul(far, behind * exposure.flake[2] - blue * exposure.flakes)
    if persons > 0:
        red += leaving(independent, direct, atmosphere, cell, 0, 0, exposure)
        green += leaving(independent, direct, atmosphere, cell, 0, 1, exposure)
        blue += leaving(independent, direct, atmosphere, cell, 0, 2, exposure)
    if exposure.flakes > 0.0:
        near *= wp.min(exposure.flakes * 1.4, 1.0)
        red += wp.cw_mul(near, type(red)(exposure.flake[0]) - red)
        green += wp.cw_mul(near, type(red)(exposure.flake[1]) - green)
        blue += wp.cw_mul(near, type(red)(exposure.flake[2]) - blue)
    gray = (red * 0.2126 + green * 0.7152 + blue * 0.0722) * (1.0 - view.saturation)
    red = in_range(gray + red * view.saturation)
    green = in_range(gray + green * view.saturation)
    blue = in_range(gray + blue * view.saturation)
    y = int(at.y)
    while y < at.end_y:
        x = int(at.x)
        while x < at.end_x:
            lane = (y - at.y) * at.side + x - at.x
            rough = noise[(y + exposure.noise_y) & 255, (x + exposure.noise_x) & 255]
            image[y * width + x] = wp.vec3ub(
                developed(tone, red[lane], float(rough[0]) * exposure.noise),
                developed(tone, green[lane], float(rough[1]) * exposure.noise),
                developed(tone, blue[lane], float(rough[2]) * exposure.noise),
            )
            x += 1
        y += 1
