"""Weather as continuous parameters; the seven names of the paper are points among them.

``replace(WEATHERS["foggy"], extinction=0.02)`` is a thinner fog; a new ``Weather`` is a new weather.
"""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["WEATHERS", "Weather"]

Colour = tuple[float, float, float]


@dataclass(frozen=True)
class Weather:
    """What lies between the sky and the camera.

    Attributes:
        direct: share of the clear sun that arrives as a beam.
        sky: share of the clear (blue) sky that is seen.
        cloud: light of the cloud or haze dome, as a share of all the light a clear sky would bring.
        tint: linear RGB of the dome, and of the veil, relative to neutral grey.
        extinction: of the air, per metre; 3.9 / extinction is the meteorological visibility in metres.
        snow_cover: 0 none, 0.5 patches, 1 closed.
        flakes: falling snow, 0 none to 1 heavy.
        wind: slant of the flakes' streaks, metres sideways per metre of fall.
    """

    direct: float
    sky: float
    cloud: float
    tint: Colour = (1.0, 1.0, 1.0)
    extinction: float = 0.0005
    snow_cover: float = 0.0
    flakes: float = 0.0
    wind: float = 0.0


WEATHERS: dict[str, Weather] = {
    "sunny": Weather(direct=1.0, sky=1.0, cloud=0.0),
    "clouds": Weather(direct=0.52, sky=0.7, cloud=0.16, tint=(0.97, 1.0, 1.05), extinction=0.0012),
    "overcast": Weather(direct=0.05, sky=0.08, cloud=0.42, tint=(1.05, 1.0, 0.9), extinction=0.009),
    "foggy": Weather(direct=0.03, sky=0.05, cloud=0.36, tint=(0.98, 1.0, 1.03), extinction=0.03),
    "neutral": Weather(direct=0.2, sky=0.3, cloud=0.32, extinction=0.002),
    "blizzard": Weather(
        direct=0.02,
        sky=0.05,
        cloud=0.34,
        tint=(0.95, 1.0, 1.07),
        extinction=0.018,
        snow_cover=1.0,
        flakes=1.0,
        wind=0.9,
    ),
    "snowlight": Weather(
        direct=0.12,
        sky=0.2,
        cloud=0.4,
        tint=(0.98, 1.0, 1.04),
        extinction=0.006,
        snow_cover=0.5,
        flakes=0.35,
        wind=0.25,
    ),
}
