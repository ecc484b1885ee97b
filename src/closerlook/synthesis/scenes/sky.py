"""Light by the hour: sun position, clear-sky radiance and color, street lamps and moon.

Illuminances are in kilolux (linear RGB whose luminance is the illuminance), radiances in kilocandela a square meter.

Sources: Preetham, Shirley and Smits, "A practical analytic model for daylight" (1999) for the sky and for the sun's
attenuation; Ramamoorthi and Hanrahan, "An efficient representation for irradiance environment maps" (2001).
"""

from __future__ import annotations

import functools
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from closerlook.arrays import Float
from closerlook.synthesis.scenes import gloss

__all__ = [
    "ILLUMINATIONS",
    "Illumination",
    "Lamps",
    "SkyLight",
    "declination",
    "dome",
    "harmonics",
    "horizontal",
    "illumination_at",
    "irradiance",
    "luminance",
    "sky_light",
    "sun_illuminance",
    "sun_position",
    "temperature_color",
]

LUMINANCE = (0.2126, 0.7152, 0.0722)


def luminance(colors: Float) -> Float:
    """(...) luminance of (..., 3) linear RGB; not by a matrix product, whose rounding depends on the number of rows."""
    r, g, b = LUMINANCE
    return np.asarray(r * colors[..., 0] + g * colors[..., 1] + b * colors[..., 2])


@dataclass(frozen=True)
class Lamps:
    """Street light after dark.

    Attributes:
        lux: illuminance at the person from the nearest lamp, perpendicular to its light.
        kelvin: its color temperature.
        glow: illuminance on the ground from everything else that is lit: further lamps, windows, sky glow.
        glow_kelvin: the glow's color temperature.
        windows: radiance of lit windows and shop fronts, kilocandela a square meter.
    """

    lux: float
    kelvin: float
    glow: float
    glow_kelvin: float
    windows: float


@dataclass(frozen=True)
class Illumination:
    """A time of day somewhere on Earth.

    Attributes:
        hour: solar time, 0 to 24.
        turbidity: haze of the clear sky, 2 very clear to 6 hazy.
        lamps: street light, if it is on; see :func:`illumination_at` for lamps that follow the sun.
        latitude: degrees, north positive.
        day: of the year, 1 to 365; gives the sun's declination.
        moon: illuminance of the ground by a moonlit or starlit sky, kilolux; the full moon brings 0.0003.
    """

    hour: float
    turbidity: float = 3.0
    lamps: Lamps | None = None
    latitude: float = 40.0
    day: float = 141.0
    moon: float = 0.0002


ILLUMINATIONS: dict[str, Illumination] = {
    "midnight": Illumination(1.0, lamps=Lamps(6.0, 4600.0, 2.0, 7500.0, 0.002)),
    "dawn": Illumination(4.9, turbidity=2.2),
    "forenoon": Illumination(9.0, turbidity=3.6),
    "noon": Illumination(12.0, turbidity=3.6),
    "afternoon": Illumination(15.8, turbidity=4.0),
    "dusk": Illumination(19.3, turbidity=3.0, lamps=Lamps(34.0, 2700.0, 7.0, 3000.0, 0.02)),
    "night": Illumination(21.5, lamps=Lamps(28.0, 2700.0, 5.0, 3400.0, 0.02)),
}


def illumination_at(hour: float, latitude: float = 40.0, day: float = 141.0, turbidity: float = 3.0) -> Illumination:
    """Any hour of any day: street lamps come on while the sun sinks from 6 degrees above the horizon to 2 below."""
    elevation, _ = sun_position(hour, latitude, declination(day))
    share = float(np.clip((6.0 - elevation) / 8.0, 0.0, 1.0))
    full = ILLUMINATIONS["night"].lamps
    assert full is not None
    lamps = replace(full, lux=full.lux * share, glow=full.glow * share, windows=full.windows * share)
    return Illumination(hour, turbidity, lamps if share else None, latitude, day)


SOLAR_CONSTANT = 128.0  # kilolux outside the atmosphere


@dataclass(frozen=True)
class SkyLight:
    """The light of one time of day under a clear sky.

    Attributes:
        direction: (3,) unit vector to the key light (sun, or the nearest lamp after dark); azimuth from +z, before
            the place turns it.
        key: (3,) its illuminance, perpendicular to it.
        lamp: the key light is a lamp: near, not weakened by clouds.
        sky: (9, 3) irradiance of the sky on a surface as spherical harmonics of its normal: see :func:`harmonics`.
        gloss: (n, 3) radiance of the sky as surfaces of every roughness mirror it: see :func:`gloss.prefiltered`.
        sunward: (3,) level unit vector to where the sun is, was or will be.
        horizon: (3,) radiance just above the horizon, averaged around it.
        glow: (3,) illuminance from lamps far off and windows, from everywhere alike.
        windows: (3,) radiance of what shines by itself.
    """

    direction: Float
    key: Float
    lamp: bool
    sky: Float
    gloss: NDArray[np.float32]
    sunward: Float
    horizon: Float
    glow: Float
    windows: Float


def declination(day: float) -> float:
    """Degrees of the sun's declination on a day of the year (Cooper 1969), within half a degree."""
    return float(23.45 * np.sin(2 * np.pi * (284.0 + day) / 365.0))


def sun_position(hour: float, latitude: float, declination: float) -> tuple[float, float]:
    """Elevation and azimuth (from south, positive to the west) of the sun, degrees."""
    lat, dec, turn = np.radians([latitude, declination, 15.0 * (hour - 12.0)])
    elevation = np.arcsin(np.sin(lat) * np.sin(dec) + np.cos(lat) * np.cos(dec) * np.cos(turn))
    azimuth = np.arctan2(np.sin(turn), np.cos(turn) * np.sin(lat) - np.tan(dec) * np.cos(lat))
    return float(np.degrees(elevation)), float(np.degrees(azimuth))


def temperature_color(kelvin: float) -> Float:
    """Linear sRGB of a black body, luminance 1 (Planckian locus after Kim et al. 2002)."""
    t = 1000.0 / kelvin
    if kelvin < 4000.0:
        x = ((-0.2661239 * t - 0.2343589) * t + 0.8776956) * t + 0.179910
        y = ((-0.9549476 * x - 1.37418593) * x + 2.09137015) * x - 0.16748867
    else:
        x = ((-3.0258469 * t + 2.1070379) * t + 0.2226347) * t + 0.240390
        y = ((3.0817580 * x - 5.87338670) * x + 3.75112997) * x - 0.37001483
    return _from_xyy(np.array(x), np.array(y), np.array(1.0))


def _from_xyy(x: Float, y: Float, luminance: Float) -> Float:
    xyz = np.stack([x / y * luminance, luminance, (1 - x - y) / y * luminance], axis=-1)
    to_rgb = np.array([[3.2406, -1.5372, -0.4986], [-0.9689, 1.8758, 0.0415], [0.0557, -0.2040, 1.0570]])
    return np.asarray(np.maximum(xyz @ to_rgb.T, 0.0))


def sun_illuminance(elevation: float, turbidity: float) -> Float:
    """(3,) kilolux of direct sun, linear RGB, left by Rayleigh, aerosol and ozone attenuation (Preetham, A.1)."""
    if elevation <= 0:
        return np.zeros(3)
    mass = 1.0 / (np.sin(np.radians(elevation)) + 0.15 * (elevation + 3.885) ** -1.253)
    wavelength = np.array([0.610, 0.550, 0.465])
    rayleigh = np.exp(-0.008735 * mass * wavelength**-4.08)
    aerosol = np.exp(-(0.04608 * turbidity - 0.04586) * mass * wavelength**-1.3)
    ozone = np.exp(-0.35 * mass * np.array([0.12, 0.085, 0.01]))
    return np.asarray(SOLAR_CONSTANT * rayleigh * aerosol * ozone)


def sky_radiance(directions: Float, sun: Float, turbidity: float) -> Float:
    """(n, 3) radiance of the clear sky towards ``directions`` (n, 3) for the sun at unit vector ``sun``."""
    t = turbidity
    zenith_angle = np.arccos(np.clip(sun[1], 0.0, 1.0))
    cos_theta = np.maximum(directions[:, 1], 0.01)
    gamma = np.arccos(np.clip(directions @ sun, -1.0, 1.0))
    chi = (4 / 9 - t / 120) * (np.pi - 2 * zenith_angle)
    powers = zenith_angle ** np.arange(3, -1, -1)
    zenith = (
        (4.0453 * t - 4.9710) * np.tan(chi) - 0.2155 * t + 2.4192,
        np.array([t * t, t, 1]) @ np.array(_ZENITH_X) @ powers,
        np.array([t * t, t, 1]) @ np.array(_ZENITH_Y) @ powers,
    )
    channels = []
    for value, rows in zip(zenith, (_PEREZ_LUMINANCE, _PEREZ_X, _PEREZ_Y), strict=True):
        a, b, c, d, e = np.array(rows) @ [t, 1.0]

        def perez(cos: Float, angle: Float, k: tuple[float, ...] = (a, b, c, d, e)) -> Float:
            brighter = 1 + k[2] * np.exp(k[3] * angle) + k[4] * np.cos(angle) ** 2
            return np.asarray((1 + k[0] * np.exp(k[1] / cos)) * brighter)

        at_zenith = perez(np.array(1.0), np.array(zenith_angle))
        channels.append(value * perez(cos_theta, gamma) / at_zenith)
    luminance, x, y = channels
    return _from_xyy(x, y, np.maximum(luminance, 0.0))


def _low_sun(elevation: float) -> Float:
    """(3,) factors on the sky's radiance where Preetham's fit, made for a sun well up, is too bright and too red.

    The sky of a low sun brings about 1 kilolux at sunrise and 6 with the sun at 10 degrees; below the horizon a
    degree takes 60 % (Spitschan et al., "Variation of outdoor illumination as a function of solar elevation", 2016).
    Its light has come a long way through ozone, which makes the blue hour blue (Hulburt 1953).
    """
    up = (min(max(elevation, 0.0), 10.0) + 1.0) / 11.0
    below = 10.0 ** (0.4 * min(elevation, 0.0))
    ozone = np.exp(-7.0 * min(1.0 - min(elevation, 10.0) / 10.0, 1.0) * np.array([0.12, 0.085, 0.01]))
    return np.asarray(up**1.2 * below * ozone)


# Preetham et al., appendix A.2: rows A..E, columns (turbidity, 1); zenith chromaticity by turbidity and angle.
_PEREZ_LUMINANCE = ((0.1787, -1.4630), (-0.3554, 0.4275), (-0.0227, 5.3251), (0.1206, -2.5771), (-0.0670, 0.3703))
_PEREZ_X = ((-0.0193, -0.2592), (-0.0665, 0.0008), (-0.0004, 0.2125), (-0.0641, -0.8989), (-0.0033, 0.0452))
_PEREZ_Y = ((-0.0167, -0.2608), (-0.0950, 0.0092), (-0.0079, 0.2102), (-0.0441, -1.6537), (-0.0109, 0.0529))
_ZENITH_X = (
    (0.00166, -0.00375, 0.00209, 0.0),
    (-0.02903, 0.06377, -0.03202, 0.00394),
    (0.11693, -0.21196, 0.06052, 0.25886),
)
_ZENITH_Y = (
    (0.00275, -0.00610, 0.00317, 0.0),
    (-0.04214, 0.08970, -0.04153, 0.00516),
    (0.15346, -0.26756, 0.06670, 0.26688),
)


def harmonics(normals: Float) -> Float:
    """(n, 9) real spherical harmonics up to order 2 of unit vectors, in the order
    1, y, z, x, xy, yz, 3z2-1, xz, x2-y2."""
    x, y, z = normals.T
    return np.stack(
        [
            np.full_like(x, 0.282095),
            0.488603 * y,
            0.488603 * z,
            0.488603 * x,
            1.092548 * x * y,
            1.092548 * y * z,
            0.315392 * (3 * z * z - 1),
            1.092548 * x * z,
            0.546274 * (x * x - y * y),
        ],
        axis=-1,
    )


_COSINE_LOBE = np.array([np.pi] + [2 * np.pi / 3] * 3 + [np.pi / 4] * 5)


def dome() -> tuple[Float, float]:
    """Directions spread evenly over the upper half sphere, and the solid angle of each."""
    count = 1024
    y = (np.arange(count) + 0.5) / count
    turn = np.pi * (1 + 5**0.5) * np.arange(count)
    ring = np.sqrt(1 - y * y)
    return np.stack([ring * np.cos(turn), y, ring * np.sin(turn)], axis=-1), 2 * np.pi / count


def irradiance(radiance: Float) -> Float:
    """(9, 3) harmonics of the irradiance under a dome with this (n, 3) radiance at the directions of :func:`dome`."""
    directions, solid_angle = dome()
    return np.asarray(harmonics(directions).T @ radiance * solid_angle * _COSINE_LOBE[:, None])


def horizontal(sky: Float) -> Float:
    """(3,) illuminance of the ground under a sky given as harmonics."""
    return np.asarray(np.maximum(harmonics(np.array([[0.0, 1.0, 0.0]]))[0] @ sky, 0.0))


@functools.lru_cache(maxsize=512)  # 34 KB each, and jitter may make one per image
def sky_light(illumination: Illumination) -> SkyLight:
    """The light of a time of day; the same for every image, so it is computed once."""
    elevation, azimuth = sun_position(illumination.hour, illumination.latitude, declination(illumination.day))
    directions, _ = dome()
    lamps = illumination.lamps
    el, az = np.radians([max(elevation, 0.0), azimuth])
    direction = np.array([np.cos(el) * np.sin(az), np.sin(el), np.cos(el) * np.cos(az)])
    key = sun_illuminance(elevation, illumination.turbidity)
    sunward = np.array([np.sin(az), 0.0, np.cos(az)])
    moonlit = illumination.moon / np.pi * temperature_color(9000.0)
    attenuated = _low_sun(elevation)
    radiance = sky_radiance(directions, direction, illumination.turbidity) * attenuated + moonlit
    before_sun = np.array([np.cos(el), np.sin(el), 0.0])
    mirrored_sky = sky_radiance(gloss.directions(), before_sun, illumination.turbidity) * attenuated + moonlit
    if elevation <= 0:
        direction = np.array([0.35, 0.8, 0.49])
        direction /= np.linalg.norm(direction)
    glow = windows = np.zeros(3)
    if lamps is not None:
        glow = lamps.glow / 1000 * temperature_color(lamps.glow_kelvin)
        windows = lamps.windows * temperature_color(lamps.glow_kelvin)
        if elevation <= 0:
            key = lamps.lux / 1000 * temperature_color(lamps.kelvin)
    horizon = radiance[directions[:, 1] < 0.15].mean(0)
    mirrored = gloss.prefiltered(mirrored_sky)
    return SkyLight(direction, key, elevation <= 0, irradiance(radiance), mirrored, sunward, horizon, glow, windows)
