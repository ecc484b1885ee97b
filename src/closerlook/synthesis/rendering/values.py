"""What the kernels are given: surfaces, panels, views, lights and exposures."""

# Warp types these fields, not Python:
# mypy: ignore-errors

from __future__ import annotations

import numpy as np
import warp as wp

__all__ = [
    "AIR_ROW",
    "BLUR_ROW",
    "CASTER_ROW",
    "EXPOSURE_ROW",
    "KEY_LIGHT_ROW",
    "PANEL_ROW",
    "PROJECTION_ROW",
    "VIEW_PARAMETERS_ROW",
    "Air",
    "Blur",
    "Caster",
    "Exposure",
    "KeyLight",
    "Panel",
    "Projection",
    "Surface",
    "ViewParameters",
    "texel",
]

texel = wp.types.vector(length=4, dtype=wp.uint8)


@wp.struct
class Surface:
    """A textured material: where its mip chain starts, log2 of its side, roughness, and whether alpha cuts holes.

    ``relief`` is where the mip chain of its slopes starts, -1 if it is smooth, and ``bump`` how steep the steepest is.
    """

    start: int
    log2_side: int
    roughness: float
    cutout: int
    two_sided: int
    relief: int
    relief_log2: int
    bump: float


@wp.struct
class Panel:
    """A textured parallelogram of the place: corner, edges divided by their squared length, normal."""

    corner: wp.vec3
    along: wp.vec3
    upward: wp.vec3
    normal: wp.vec3
    tint: wp.vec3
    repeat: wp.vec2
    shift: wp.vec2
    texels: wp.float32  # texels a meter
    near: wp.float32  # the panel is cut away nearer than this to the eye
    start: int
    log2_side: int
    cutout: int
    roughness: wp.float32


@wp.struct
class Caster:
    """A thing that throws a shadow from the sun: its foot, edges divided by their squared length, direction faced."""

    foot: wp.vec3
    across: wp.vec3
    facing: wp.vec3
    height: wp.float32
    start: int


@wp.struct
class Projection:
    """A projection of the vertices of one pose: ``matrix`` and, for lenses, ``window`` and ``distortion`` are
    frames.Frame's; the picture is so many samples wide and high."""

    matrix: wp.mat44
    window: wp.vec4
    distortion: wp.float32
    pose: int
    width: int
    height: int


@wp.struct
class ViewParameters:
    """How one camera of a batch sees one pose of the person in one place.

    ``window`` is center x, y, half width, half height on the plane at distance 1; ``pixel`` meters a pixel there;
    ``distortion`` as frames.Frame's. The sensor has ``width`` x ``height`` pixels. Of arrays that hold the rows of all
    views, its own are those from ``first_`` to before ``end_``; of its panels the first is the ground, and the next up
    to number ``fronts`` may stand before the person. ``slot`` is where its surfaces are after all that the sensor does
    to them.
    """

    position: wp.vec3
    right: wp.vec3
    up: wp.vec3
    forward: wp.vec3
    window: wp.vec4
    pixel: wp.float32
    distortion: wp.float32
    width: int
    height: int
    pose: int
    slot: int
    first_panel: int
    end_panel: int
    fronts: int
    first_sphere: int
    end_sphere: int
    first_lamp: int
    end_lamp: int
    first_light: int
    end_light: int
    first_air: int
    end_air: int
    first_exposure: int
    end_exposure: int
    softness: wp.float32
    mosaic: int
    mosaic_down: int
    mosaic_right: int
    chroma_tap_count: int
    saturation: wp.float32
    stains: wp.float32
    shade: wp.float32
    pattern: int
    wet: int


@wp.struct
class Blur:
    """One pass of blur.blur_surfaces over the surfaces of one view: from a slot to another, ``what``, and its taps."""

    source: int
    target: int
    what: int
    first_tap: int
    end_tap: int


@wp.struct
class KeyLight:
    """Sun (reach 0, ``place`` a direction) or lamp (``place`` a position, ``reach`` its squared distance).

    ``slot`` is the number of its shadow map, ``gloss`` that of the sky that is mirrored. ``lit`` is 0 where no weather
    lets its light through; ``sunward`` is the level direction (x, z) towards the sun.
    """

    place: wp.vec3
    reach: wp.float32
    shadow: wp.mat44
    slot: int
    lit: int
    sunward: wp.vec2
    gloss: int
    first_caster: int
    end_caster: int


@wp.struct
class Air:
    """What the air and the ground are like in a weather, as in scenes.weather.Weather."""

    extinction: wp.float32
    snow_cover: wp.float32
    wetness: wp.float32


@wp.struct
class Exposure:
    """One image's weather and time of day, as in scenes.lighting.Lighting; the numbers of its light and its air among
    those of its view; where its noise and flakes are taken from."""

    sun: wp.vec3
    sky: wp.vec3
    cloud: wp.vec3
    bounce: wp.vec3
    glow: wp.vec3
    fog: wp.vec3
    windows: wp.vec3
    flake: wp.vec3
    light: int
    air: int
    snow_cover: wp.float32
    wetness: wp.float32
    flakes: wp.float32
    flake_tile: int
    noise: wp.float32
    flake_x: int
    flake_y: int
    noise_x: int
    noise_y: int


AIR_ROW = np.dtype(Air.numpy_dtype())
BLUR_ROW = np.dtype(Blur.numpy_dtype())
CASTER_ROW = np.dtype(Caster.numpy_dtype())
PROJECTION_ROW = np.dtype(Projection.numpy_dtype())
PANEL_ROW = np.dtype(Panel.numpy_dtype())
VIEW_PARAMETERS_ROW = np.dtype(ViewParameters.numpy_dtype())
KEY_LIGHT_ROW = np.dtype(KeyLight.numpy_dtype())
EXPOSURE_ROW = np.dtype(Exposure.numpy_dtype())
