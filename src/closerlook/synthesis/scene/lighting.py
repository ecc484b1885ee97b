"""From weather and time of day to the numbers that the renderer multiplies surfaces with.

The camera's exposure and white balance are folded into every colour here, so a pixel needs neither.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from closerlook.synthesis.scene.gloss import HIDDEN
from closerlook.synthesis.scene.sensor import Sensor
from closerlook.synthesis.scene.sky import Illumination, SkyLight, horizontal, luminance, sky_light
from closerlook.synthesis.scene.weather import Weather

__all__ = ["Lighting", "key_direction", "lighting", "turned"]

Double = NDArray[np.float64]

REFERENCE = 60.0  # kilolux at which every exposure is the sensor's own
SNOW_ALBEDO = 0.85
SNOW_METERED = 0.25  # what a camera that knows of bright scenes takes closed snow for
METERED_ALBEDO = 0.18  # of the grey card that every exposure is right for
GIVEN_BACK = 0.07  # of the key light by those to the place: a reflectance of 0.2, lit from a third of all sides
CLEAR_GLOW, CLOUD_GLOW = 0.5, 2.5  # of a city's light, under a clear sky and by ``Weather.cloud``


@dataclass(frozen=True)
class Lighting:
    """Combinations of weather and time of day as the camera sees them; colours are exposed linear RGB, (n, 3).

    Attributes:
        sun: radiance of a white surface square to the key light.
        sky: factor on the clear sky's harmonic irradiance.
        cloud: radiance of a white surface facing up, from the cloud dome.
        bounce: radiance of a white surface facing down, from the ground.
        glow: radiance of a white surface from light that comes from all sides.
        fog: radiance of endless air.
        windows: radiance of what shines by itself.
        flake: radiance of a falling flake.
        gain: (n,) amplification of the sensor over its reference exposure; noise grows with it.
    """

    sun: Double
    sky: Double
    cloud: Double
    bounce: Double
    glow: Double
    fog: Double
    windows: Double
    flake: Double
    gain: Double


def turned(direction: Double, north: float) -> Double:
    """A direction in a place turned by ``north`` degrees."""
    c, s = np.cos(np.radians(north)), np.sin(np.radians(north))
    x, y, z = direction
    return np.array([c * x + s * z, y, c * z - s * x])


def key_direction(light: SkyLight, north: float) -> Double:
    """Unit vector to the key light in a place turned by ``north`` degrees."""
    return turned(light.direction, north)


@dataclass(frozen=True)
class _Arriving:
    """Kilolux of one weather and time of day that do not depend on the camera."""

    key: Double
    sky: float
    dome: Double
    glow: Double
    from_sky: Double
    on_ground: Double
    fog: Double
    windows: Double


@functools.lru_cache(maxsize=4096)
def _arriving(weather: Weather, illumination: Illumination) -> _Arriving:
    light = sky_light(illumination)
    tint = np.array(weather.tint)
    height = max(light.direction[1], 0.0)
    clear = light.key * height * (not light.lamp) + horizontal(light.sky)
    grey = clear * 0.4 + luminance(clear) * 0.6  # a cloud mixes the colours of sun and sky
    dome = weather.cloud * grey * tint
    key = light.key * (1.0 if light.lamp else weather.direct)
    sky = weather.sky * (1.0 - HIDDEN)
    # Clouds throw a city's light back down: under them a night is brighter and softer than under the stars.
    glow = light.glow * (CLEAR_GLOW + CLOUD_GLOW * weather.cloud) * (tint if weather.cloud else 1.0)
    if not light.lamp:
        glow = glow + HIDDEN * GIVEN_BACK * key
    from_sky = sky * horizontal(light.sky) + dome + glow
    on_ground = key * height + from_sky
    veil = (dome + glow + 0.3 * key * height) / np.pi
    fog = weather.sky * light.horizon + veil * weather.scatter * tint
    return _Arriving(key, sky, dome, glow, from_sky, on_ground, fog, light.windows)


def lighting(pairs: Sequence[tuple[Weather, Illumination]], ground: Double, sensor: Sensor) -> Lighting:
    """Combine weathers and times of day, the ground's (3,) albedo and the camera's sensor."""
    arriving = [_arriving(*pair) for pair in pairs]

    def each(name: str) -> Double:
        return np.array([getattr(one, name) for one in arriving])

    key, from_sky, on_ground = each("key"), each("from_sky"), each("on_ground")
    snow = np.array([weather.snow_cover for weather, _ in pairs])[:, None]
    under_foot = ground + (SNOW_ALBEDO - ground) * snow
    metered = ground + (SNOW_METERED - ground) * snow
    reflected = (metered / METERED_ALBEDO) ** sensor.metering
    lamps = np.array([sky_light(illumination).lamp for _, illumination in pairs])[:, None]
    # On surfaces of all directions, in the sun and in the shade; after dark other lamps add to the person's.
    around = np.where(lamps, 0.75, 0.5) * key + from_sky
    gain = _gain(luminance(around) * luminance(reflected), snow[:, 0], sensor)
    scale = (sensor.exposure * np.pi / REFERENCE * gain)[:, None] * _white_balance(around * reflected, sensor)
    white = scale / np.pi
    return Lighting(
        sun=key * white,
        sky=each("sky")[:, None] * white,
        cloud=each("dome") * white,
        bounce=under_foot * on_ground * white,
        glow=each("glow") * white,
        fog=each("fog") * scale,
        windows=each("windows") * scale,
        flake=(from_sky + 0.5 * key) * 1.15 * SNOW_ALBEDO * white,
        gain=gain,
    )


def _gain(level: Double, snow: Double, sensor: Sensor) -> Double:
    """Automatic exposure that follows the light only in part, and is fooled by snow only in part.

    With adaptation 1 every scene would come out equally bright; with 0 night would be black.
    """
    return np.asarray((REFERENCE / level) ** sensor.adaptation / (1.0 + 0.2 * snow))


def _white_balance(illuminance: Double, sensor: Sensor) -> Double:
    """Per-channel gains that take out part of the light's colour, luminance kept, times the camera's own cast."""
    colour = illuminance / luminance(illuminance)[:, None]
    balance = (1.0 / np.clip(colour, 0.15, 4.0)) ** sensor.white_balance * np.array(sensor.cast)
    return np.asarray(balance / luminance(balance * colour)[:, None])
