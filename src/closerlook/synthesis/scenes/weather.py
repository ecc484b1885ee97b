"""Weather as continuous parameters; the seven names of the paper, and rain, are points among them.

``replace(WEATHERS["foggy"], extinction=0.01)`` is a thinner fog; a new ``Weather`` is a new weather.
"""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["WEATHERS", "Weather"]

Color = tuple[float, float, float]


@dataclass(frozen=True)
class Weather:
    """What lies between the sky and the camera, and on the ground.

    Attributes:
        direct: share of the clear sun that arrives as a beam, 0 to 1.
        sky: share of the clear (blue) sky that is seen between the clouds, 0 to 1.
        cloud: light of the cloud or haze dome, as a share of all the light a clear sky would bring, 0 to about 0.5.
        tint: linear RGB of the dome, and of the veil, relative to neutral gray.
        extinction: of the air, per meter; 3.9 / extinction is the meteorological visibility in meters.
        scatter: brightness of endless air, as a share of a white surface that the same light falls on, 0 to 1.
        wetness: 0 dry to 1 soaked, with puddles: the ground darkens and mirrors the sky and the lamps.
        snow_cover: 0 none, 0.5 patches, 1 closed.
        flakes: what falls, snow or rain: 0 nothing to 1 heavy.
        flake_size: its size: 1 snowflakes, 0.3 rain drops.
        streak: how much longer than wide it is drawn out while the shutter is open, from 1.
        wind: slant of the streaks, meters sideways per meter of fall.
    """

    direct: float
    sky: float
    cloud: float
    tint: Color = (1.0, 1.0, 1.0)
    extinction: float = 0.0005
    scatter: float = 0.85
    wetness: float = 0.0
    snow_cover: float = 0.0
    flakes: float = 0.0
    flake_size: float = 1.0
    streak: float = 1.6
    wind: float = 0.0


WEATHERS: dict[str, Weather] = {
    "sunny": Weather(direct=1.0, sky=1.0, cloud=0.0),
    "clouds": Weather(direct=0.34, sky=0.45, cloud=0.22, tint=(0.84, 1.0, 1.22), extinction=0.002),
    "overcast": Weather(direct=0.06, sky=0.08, cloud=0.42, tint=(1.14, 1.0, 0.77), extinction=0.01),
    "foggy": Weather(direct=0.0, sky=0.03, cloud=0.36, tint=(0.98, 1.0, 1.03), extinction=0.019, scatter=0.6),
    "neutral": Weather(direct=0.0, sky=0.04, cloud=0.42, tint=(0.93, 1.05, 0.94), extinction=0.001),
    "blizzard": Weather(
        direct=0.0,
        sky=0.05,
        cloud=0.34,
        tint=(0.93, 1.0, 1.1),
        extinction=0.014,
        scatter=0.78,
        snow_cover=1.0,
        flakes=1.0,
        streak=3.0,
        wind=0.8,
    ),
    "snowlight": Weather(
        direct=0.06,
        sky=0.15,
        cloud=0.38,
        tint=(0.95, 1.0, 1.08),
        extinction=0.005,
        snow_cover=0.55,
        flakes=0.5,
        wind=0.15,
    ),
    "rain": Weather(
        direct=0.02,
        sky=0.06,
        cloud=0.32,
        tint=(0.96, 1.0, 1.05),
        extinction=0.006,
        wetness=1.0,
        flakes=0.6,
        flake_size=0.3,
        streak=22.0,
        wind=0.18,
    ),
}
