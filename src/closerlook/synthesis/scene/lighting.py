"""From weather and time of day to the numbers that the renderer multiplies surfaces with.

The camera's exposure and white balance are folded into every colour here, so a pixel needs neither.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from closerlook.synthesis.scene.sensor import Sensor
from closerlook.synthesis.scene.sky import LUMINANCE, Illumination, SkyLight, horizontal, sky_light
from closerlook.synthesis.scene.weather import Weather

__all__ = ["Condition", "condition", "key_direction"]

Double = NDArray[np.float64]

REFERENCE = 60.0  # kilolux at which every exposure is the sensor's own
SNOW_ALBEDO = 0.85
DAYLIGHT = np.array([1.0, 1.0, 1.0])


@dataclass(frozen=True)
class Condition:
    """One combination of weather and time of day as the camera sees it; colours are exposed linear RGB.

    Attributes:
        sun: (3,) radiance of a white surface square to the key light.
        sky: (3,) factor on the clear sky's harmonic irradiance, the same exposure included.
        cloud: (3,) radiance of a white surface facing up, from the cloud dome.
        bounce: (3,) radiance of a white surface facing down, from the ground.
        glow: (3,) radiance of a white surface from light that comes from all sides.
        fog: (3,) radiance of endless air.
        windows: (3,) radiance of what shines by itself.
        flake: (3,) radiance of a falling flake.
        extinction, snow_cover, flakes, wind: as in :class:`Weather`.
        gain: amplification of the sensor over its reference exposure; noise grows with it.
    """

    sun: Double
    sky: Double
    cloud: Double
    bounce: Double
    glow: Double
    fog: Double
    windows: Double
    flake: Double
    extinction: float
    snow_cover: float
    flakes: float
    wind: float
    gain: float


def key_direction(light: SkyLight, north: float) -> Double:
    """Unit vector to the key light in a place turned by ``north`` degrees."""
    c, s = np.cos(np.radians(north)), np.sin(np.radians(north))
    x, y, z = light.direction
    return np.array([c * x + s * z, y, c * z - s * x])


def condition(weather: Weather, illumination: Illumination, ground: Double, sensor: Sensor) -> Condition:
    """Combine weather, time of day, the ground's (3,) albedo and the camera's sensor."""
    light = sky_light(illumination)
    tint = np.array(weather.tint)
    clear = light.key * max(light.direction[1], 0.0) * (not light.lamp) + horizontal(light.sky)
    grey = clear * 0.4 + (clear @ LUMINANCE) * 0.6  # a cloud mixes the colours of sun and sky
    dome = weather.cloud * grey * tint
    key = light.key * (1.0 if light.lamp else weather.direct)
    from_sky = weather.sky * horizontal(light.sky) + dome + light.glow
    on_ground = key * max(light.direction[1], 0.3 if light.lamp else 0.0) + from_sky
    under_foot = ground + (SNOW_ALBEDO - ground) * weather.snow_cover
    veil = (dome + light.glow + 0.3 * (on_ground - from_sky)) / np.pi
    exposure, gain = _expose(key, from_sky, weather, sensor)
    balance = _white_balance(on_ground, sensor)
    scale = exposure * balance
    return Condition(
        sun=key / np.pi * scale,
        sky=weather.sky / np.pi * scale,
        cloud=dome / np.pi * scale,
        bounce=under_foot * on_ground / np.pi * scale,
        glow=light.glow / np.pi * scale,
        fog=(weather.sky * light.horizon + veil * 0.85 * tint) * scale,
        windows=light.windows * scale,
        flake=(from_sky + 0.5 * key) / np.pi * SNOW_ALBEDO * 1.15 * scale,
        extinction=weather.extinction,
        snow_cover=weather.snow_cover,
        flakes=weather.flakes,
        wind=weather.wind,
        gain=gain,
    )


def _expose(key: Double, from_sky: Double, weather: Weather, sensor: Sensor) -> tuple[float, float]:
    """The factor from kilolux to sensor values, and the gain: automatic exposure that follows light only in part.

    With adaptation 1 every scene would come out equally bright; with 0 night would be black.
    """
    level = float((0.5 * key + from_sky) @ LUMINANCE)
    brighter_ground = 1.0 + 0.45 * weather.snow_cover
    gain = (REFERENCE / level) ** sensor.adaptation / brighter_ground
    return sensor.exposure * np.pi / REFERENCE * gain, gain


def _white_balance(illuminance: Double, sensor: Sensor) -> Double:
    """Per-channel gains that take out part of the light's colour, luminance kept, times the camera's own cast."""
    colour = illuminance / (illuminance @ LUMINANCE)
    balance = (1.0 / np.clip(colour, 0.15, 4.0)) ** sensor.white_balance * np.array(sensor.cast)
    return np.asarray(balance / (balance * colour @ LUMINANCE))
