"""Kernel that adds up what lights and airs do to a view's surfaces, exposes and develops it: an image a condition."""

# ruff: noqa: UP018, RUF046 - to Warp, the cast makes a variable of a constant
# Warp types kernels, not Python:
# mypy: ignore-errors

from __future__ import annotations

from typing import Any

import warp as wp

from closerlook.compute.kernels import KERNEL_OPTIONS
from closerlook.synthesis.render.tiles import (
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
    corner,
)
from closerlook.synthesis.render.values import Exposed

wp.set_module_options(KERNEL_OPTIONS)

SNOW = wp.constant(0.85)
TONE_TOP = wp.constant(4.0)
TONE_STEPS = wp.constant(4095.0)


@wp.func
def leaving(
    surveyed: wp.array2d(dtype=Any),
    met: wp.array3d(dtype=Any),
    thinned: wp.array3d(dtype=Any),
    tile: int,
    layer: int,
    channel: int,
    c: Exposed,
) -> Any:
    """Light of one colour that a tile's surfaces of one layer send to the eye, and the air's share of it."""
    s = layer * SURVEYED
    m = layer * MET
    t = layer * THINNED
    albedo = surveyed[tile, s + channel]
    falling = (
        met[tile, c.light, m + BEAM] * c.sun[channel]
        + met[tile, c.light, m + AMBIENT + channel] * c.sky[channel]
        + surveyed[tile, s + DOME] * c.cloud[channel]
        + surveyed[tile, s + BELOW] * c.bounce[channel]
        + surveyed[tile, s + SEEN] * c.glow[channel]
    )
    beam = met[tile, c.light, m + SHINE]
    around = (
        met[tile, c.light, m + GLOSS + channel] * c.sky[channel]
        + surveyed[tile, s + GLOSS_DOME] * c.cloud[channel]
        + surveyed[tile, s + GLOSS_BELOW] * c.bounce[channel]
    )
    rim = surveyed[tile, s + RIM]
    if c.wetness > 0.0:
        pool = thinned[tile, c.air, t + POOL]
        albedo -= wp.cw_mul(thinned[tile, c.air, t + DAMP], albedo)
        beam += wp.cw_mul(pool, met[tile, c.light, m + GLINT] - beam)
        in_water = (
            met[tile, c.light, m + WET_GLOSS + channel] * c.sky[channel]
            + surveyed[tile, s + WET_DOME] * c.cloud[channel]
            + surveyed[tile, s + WET_BELOW] * c.bounce[channel]
        )
        around += wp.cw_mul(pool, in_water - around)
        rim += wp.cw_mul(pool, surveyed[tile, s + WATER] - rim)
    mirrored = beam * c.sun[channel] + wp.cw_mul(around + type(albedo)(c.glow[channel]), rim)
    if c.snow_cover > 0.0:
        covered = thinned[tile, c.air, t + COVERED]
        albedo += wp.cw_mul(covered, type(albedo)(SNOW) - albedo)
        mirrored -= wp.cw_mul(covered, mirrored)
    out = wp.cw_mul(albedo, falling) + mirrored + surveyed[tile, s + EMISSION] * c.windows[channel]
    return wp.cw_mul(out, thinned[tile, c.air, t + THROUGH]) + thinned[tile, c.air, t + VEIL] * c.fog[channel]


@wp.func
def in_range(light: Any) -> Any:
    """Exposed light as a share of what the tone curve takes."""
    return wp.min(wp.max(light * (1.0 / TONE_TOP), type(light)(0.0)), type(light)(1.0))


@wp.func
def developed(tone: wp.array(dtype=float), level: float, rough: float) -> wp.uint8:
    """The code value of a level of light, with noise that is less in what is bright."""
    code = tone[int(wp.sqrt(level) * TONE_STEPS + 0.5)]
    done = code + rough * (1.3 - code * (1.0 / 255.0)) + 0.5
    done = wp.where(done > 0.0, done, 0.0)  # faster than wp.clamp, as in raster.least
    return wp.uint8(wp.where(done < 255.0, done, 255.0))


@wp.kernel
def expose(
    surveyed: wp.array2d(dtype=Any),
    met: wp.array3d(dtype=Any),
    thinned: wp.array3d(dtype=Any),
    present: wp.array2d(dtype=int),
    conditions: wp.array(dtype=Exposed),
    flakes: wp.array3d(dtype=wp.uint8),
    noise: wp.array2d(dtype=wp.vec3b),
    tone: wp.array(dtype=float),
    saturation: float,
    first: int,
    side: int,
    across: int,
    width: int,
    height: int,
    image: wp.array2d(dtype=wp.vec3ub),
):
    """All images of one view; ``image[i]`` is condition i's (height, width), flat."""
    tile, j = wp.tid()
    c = conditions[j]
    at = corner(first + tile, side, across)
    red = type(surveyed[0, 0])(0.0)
    green = type(red)(0.0)
    blue = type(red)(0.0)
    near = type(red)(0.0)
    if present[tile, 1] > 0:
        red = leaving(surveyed, met, thinned, tile, 1, 0, c)
        green = leaving(surveyed, met, thinned, tile, 1, 1, c)
        blue = leaving(surveyed, met, thinned, tile, 1, 2, c)
    if c.flakes > 0.0:
        far = type(red)(0.0)
        lane = int(0)
        y = int(at[0])
        while y < at[0] + side:
            x = int(at[1])
            while x < at[1] + side:
                far[lane] = float(flakes[c.flake_tile, (y + c.flake_y) & 255, (x + c.flake_x) & 255]) / 255.0
                near[lane] = float(flakes[c.flake_tile + 1, (y + c.flake_x) & 255, (x + c.flake_y) & 255]) / 255.0
                lane += 1
                x += 1
            y += 1
        if present[tile, 1] > 0:
            behind = (thinned[tile, c.air, THINNED + THROUGH] + thinned[tile, c.air, THINNED + VEIL]) * c.flakes
            red += wp.cw_mul(far, behind * c.flake[0] - red * c.flakes)
            green += wp.cw_mul(far, behind * c.flake[1] - green * c.flakes)
            blue += wp.cw_mul(far, behind * c.flake[2] - blue * c.flakes)
    if present[tile, 0] > 0:
        red += leaving(surveyed, met, thinned, tile, 0, 0, c)
        green += leaving(surveyed, met, thinned, tile, 0, 1, c)
        blue += leaving(surveyed, met, thinned, tile, 0, 2, c)
    if c.flakes > 0.0:
        near *= wp.min(c.flakes * 1.4, 1.0)
        red += wp.cw_mul(near, type(red)(c.flake[0]) - red)
        green += wp.cw_mul(near, type(red)(c.flake[1]) - green)
        blue += wp.cw_mul(near, type(red)(c.flake[2]) - blue)
    grey = (red * 0.2126 + green * 0.7152 + blue * 0.0722) * (1.0 - saturation)
    red = in_range(grey + red * saturation)
    green = in_range(grey + green * saturation)
    blue = in_range(grey + blue * saturation)
    y = int(at[0])
    while y < wp.min(at[0] + side, height):
        x = int(at[1])
        while x < wp.min(at[1] + side, width):
            lane = (y - at[0]) * side + x - at[1]
            rough = noise[(y + c.noise_y) & 255, (x + c.noise_x) & 255]
            image[j, y * width + x] = wp.vec3ub(
                developed(tone, red[lane], float(rough[0]) * c.noise),
                developed(tone, green[lane], float(rough[1]) * c.noise),
                developed(tone, blue[lane], float(rough[2]) * c.noise),
            )
            x += 1
        y += 1
