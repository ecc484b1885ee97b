"""From weather and time of day to the numbers that the renderer multiplies surfaces with.

The camera's exposure and white balance are folded into every color here, so a pixel needs neither.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from closerlook.arrays import Float, Int
from closerlook.synthesis.scenes.gloss import HIDDEN
from closerlook.synthesis.scenes.sensor import Sensor
from closerlook.synthesis.scenes.sky import Illumination, horizontal, luminance, sky_light
from closerlook.synthesis.scenes.weather import Weather

__all__ = ["Lighting", "lighting", "turned"]


REFERENCE = 60.0  # kilolux at which every exposure is the sensor's own
SNOW_ALBEDO = 0.85
SNOW_METERED = 0.25  # what a camera that knows of bright scenes takes closed snow for
METERED_ALBEDO = 0.18  # of the gray card that every exposure is right for
GIVEN_BACK = 0.07  # of the key light by those to the place: a reflectance of 0.2, lit from a third of all sides
DARKEST = 1e-12  # kilolux of each color
CLEAR_GLOW, CLOUD_GLOW = 0.5, 2.5  # of a city's light, under a clear sky and by ``Weather.cloud``


@dataclass(frozen=True)
class Lighting:
    """Combinations of weather and time of day as the camera sees them; colors are exposed linear RGB, (n, 3).

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

    sun: Float
    sky: Float
    cloud: Float
    bounce: Float
    glow: Float
    fog: Float
    windows: Float
    flake: Float
    gain: Float


def turned(directions: Float, north: Float | float) -> Float:
    """(..., 3) directions in places turned by (...) ``north`` degrees."""
    c, s = np.cos(np.radians(north)), np.sin(np.radians(north))
    x, y, z = np.moveaxis(directions, -1, 0)
    return np.stack([c * x + s * z, y, c * z - s * x], axis=-1)


# Kilolux of one weather and time of day that do not depend on the camera; what lights surfaces of all directions, in
# the sun and in the shade (after dark other lamps add to the person's); and how much snow there is.
ARRIVING = np.dtype(
    [(name, np.float64, 3) for name in ("key", "dome", "glow", "from_sky", "on_ground", "fog", "windows", "around")]
    + [("sky", np.float64), ("snow", np.float64)]
)


@functools.lru_cache(maxsize=4096)
def _arriving(weather: Weather, illumination: Illumination) -> Float:
    """The numbers of a row of ``ARRIVING``."""
    light = sky_light(illumination)
    tint = np.array(weather.tint)
    height = max(light.direction[1], 0.0)
    clear = light.key * height * (not light.lamp) + horizontal(light.sky)
    gray = clear * 0.4 + luminance(clear) * 0.6  # a cloud mixes the colors of sun and sky
    dome = weather.cloud * gray * tint
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
    around = (0.75 if light.lamp else 0.5) * key + from_sky
    colors = [key, dome, glow, from_sky, on_ground, fog, light.windows, around]
    return np.concatenate([*colors, [sky, weather.snow_cover]])


def lighting(
    pairs: Sequence[tuple[Weather, Illumination]],
    pair: Int,
    view: Int,
    ground: Float,
    sensors: Sequence[Sensor],
) -> Lighting:
    """Combine weathers and times of day with the grounds and sensors of views.

    Args:
        pairs: weathers and times of day.
        pair: (n,) number of each row's among these.
        view: (n,) number of each row's view.
        ground: (V, 3) albedo in each view.
        sensors: of each view.
    """
    arriving = np.array([_arriving(*one) for one in pairs], np.float64).reshape(len(pairs), ARRIVING.itemsize // 8)
    light = arriving.view(ARRIVING)[pair, 0]
    numbers = np.array([_numbers(sensor) for sensor in sensors])[view]
    exposure, adaptation, metering, white_balance = (numbers[:, k : k + 1] for k in range(4))
    snow, ground = light["snow"][:, None], ground[view]
    under_foot = ground + (SNOW_ALBEDO - ground) * snow
    metered = ground + (SNOW_METERED - ground) * snow
    reflected = _power(metered / METERED_ALBEDO, metering)
    # Automatic exposure follows the light only in part (all the way, every scene would come out equally bright; not at
    # all, night would be black), and is fooled by snow only in part.
    around = np.maximum(light["around"], DARKEST)  # a design may put all lights out
    level = luminance(around) * luminance(reflected)
    gain = _power(REFERENCE / level[:, None], adaptation) / (1.0 + 0.2 * snow)
    balance = _white_balance(around * reflected, white_balance, numbers[:, 4:])
    scale = exposure * np.pi / REFERENCE * gain * balance
    white = scale / np.pi
    return Lighting(
        sun=light["key"] * white,
        sky=light["sky"][:, None] * white,
        cloud=light["dome"] * white,
        bounce=under_foot * light["on_ground"] * white,
        glow=light["glow"] * white,
        fog=light["fog"] * scale,
        windows=light["windows"] * scale,
        flake=(light["from_sky"] + 0.5 * light["key"]) * 1.15 * SNOW_ALBEDO * white,
        gain=gain[:, 0],
    )


def _numbers(sensor: Sensor) -> tuple[float, ...]:
    return (sensor.exposure, sensor.adaptation, sensor.metering, sensor.white_balance, *sensor.cast)


def _power(base: Float, exponent: Float) -> Float:
    """(n, k) powers by (n, 1) exponents, as contiguous arrays: NumPy rounds others differently."""
    return np.asarray(base ** np.repeat(exponent, base.shape[1], axis=1))


def _white_balance(illuminance: Float, share: Float, cast: Float) -> Float:
    """(n, 3) gains that take out a (n, 1) share of the light's color, luminance kept, times the camera's own cast."""
    color = illuminance / luminance(illuminance)[:, None]
    balance = _power(1.0 / np.clip(color, 0.15, 4.0), share) * cast
    return np.asarray(balance / luminance(balance * color)[:, None])
