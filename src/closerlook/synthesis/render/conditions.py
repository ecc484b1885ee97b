"""What the images of a view differ in, as the kernels take it: exposed light, air, flakes and noise."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from closerlook.synthesis.render.optics import NOISE_UNIT
from closerlook.synthesis.render.values import AIR_ROW, EXPOSED_ROW
from closerlook.synthesis.scene.lighting import lighting
from closerlook.synthesis.scene.sensor import Sensor
from closerlook.synthesis.scene.sky import ILLUMINATIONS, Illumination
from closerlook.synthesis.scene.weather import WEATHERS, Weather

__all__ = ["Shot", "exposed_rows", "flake_shape", "flake_weathers"]


@dataclass(frozen=True)
class Shot:
    """One image to be made of a view: a weather, a time of day, and the key of its own noise and flakes."""

    weather: Weather
    illumination: Illumination
    key: int

    @classmethod
    def named(cls, weather: str, illumination: str, key: int = 0) -> Shot:
        return cls(WEATHERS[weather], ILLUMINATIONS[illumination], key)


def exposed_rows(
    shots: Sequence[Shot], ground: NDArray[np.float64], sensor: Sensor
) -> tuple[NDArray[Any], NDArray[Any]]:
    """The shots as rows of :class:`Exposed`, and their airs as rows of :class:`Air`."""
    light = lighting([(shot.weather, shot.illumination) for shot in shots], ground, sensor)
    rows: NDArray[Any] = np.zeros(len(shots), dtype=EXPOSED_ROW)
    for name in ("sun", "sky", "cloud", "bounce", "glow", "fog", "windows", "flake"):
        rows[name] = getattr(light, name)
    for name in ("snow_cover", "wetness", "flakes"):
        rows[name] = [getattr(shot.weather, name) for shot in shots]
    of_shots = [tuple(getattr(shot.weather, str(name)) for name in AIR_ROW.names or ()) for shot in shots]
    airs = list(dict.fromkeys(of_shots))
    rows["air"] = [airs.index(air) for air in of_shots]
    rows["noise"] = sensor.noise / NOISE_UNIT * np.maximum(light.gain, 0.25) ** sensor.noise_growth
    keys = np.array([shot.key & 0xFFFFFFFF for shot in shots], dtype=np.uint32)
    for name, bits in (("flake_x", 0), ("flake_y", 8), ("noise_x", 16), ("noise_y", 24)):
        rows[name] = keys >> bits & 255
    return rows, np.array(airs, dtype=AIR_ROW)


def flake_shape(weather: Weather) -> tuple[float, float, float]:
    return (weather.flake_size, weather.streak, weather.wind) if weather.flakes > 0 else (1.0, 1.0, 0.0)


def flake_weathers(shots: Sequence[Shot]) -> list[tuple[float, float, float]]:
    return sorted({flake_shape(shot.weather) for shot in shots})
