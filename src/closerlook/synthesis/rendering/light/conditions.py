"""What the images of a view differ in, as the kernels take it: exposed light, air, flakes and noise."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from closerlook.arrays import Int
from closerlook.synthesis.rendering.sensing.optics import NOISE_UNIT
from closerlook.synthesis.rendering.values import AIR_ROW, EXPOSURE_ROW
from closerlook.synthesis.scenes.lighting import lighting
from closerlook.synthesis.scenes.sensor import Sensor
from closerlook.synthesis.scenes.sky import ILLUMINATIONS, Illumination
from closerlook.synthesis.scenes.weather import WEATHERS, Weather

__all__ = ["Conditions", "ImageRequest", "conditions", "flake_shape"]

T = TypeVar("T")


@dataclass(frozen=True)
class ImageRequest:
    """One image to make of a view: a weather, a time of day, and the key of its own noise and flakes."""

    weather: Weather
    illumination: Illumination
    key: int

    @classmethod
    def from_names(cls, weather: str, illumination: str, key: int = 0) -> ImageRequest:
        """By the names of a weather of ``WEATHERS`` and a time of day of ``ILLUMINATIONS``."""
        return cls(WEATHERS[weather], ILLUMINATIONS[illumination], key)


@dataclass(frozen=True)
class Conditions:
    """What the images of V views differ in; rows of each view after those of the view before.

    Attributes:
        exposures: (n,) rows of :class:`values.Exposure`; ``light`` and ``air`` count from the first of the view.
        exposure_ends: (V + 1,) number of the first exposure of each view, and of all exposures.
        airs: (a,) rows of :class:`values.Air`.
        air_ends: (V + 1,) as for exposures.
        illuminations: (k,) distinct times of day.
        light: (l,) numbers of the views' times of day among these.
        lit: (l,) some weather lets the key light of it through.
        light_ends: (V + 1,) as for exposures.
    """

    exposures: NDArray[Any]
    exposure_ends: Int
    airs: NDArray[Any]
    air_ends: Int
    illuminations: tuple[Illumination, ...]
    light: Int
    lit: NDArray[np.bool_]
    light_ends: Int


def conditions(
    requests: Sequence[Sequence[ImageRequest]], ground: NDArray[np.float64], sensors: Sequence[Sensor]
) -> Conditions:
    """The images of each view, over a ground of (V, 3) albedo and with a sensor each."""
    images = [image for of_view in requests for image in of_view]
    count = np.array([len(of_view) for of_view in requests])
    view = np.repeat(np.arange(len(requests)), count)
    weathers, weather = _distinct([image.weather for image in images])
    illuminations, illumination = _distinct([image.illumination for image in images])
    first, pair = np.unique(weather * len(illuminations) + illumination, return_index=True, return_inverse=True)[1:]
    scene_light = lighting([(images[i].weather, images[i].illumination) for i in first], pair, view, ground, sensors)
    rows: NDArray[Any] = np.zeros(len(images), dtype=EXPOSURE_ROW)
    for name in ("sun", "sky", "cloud", "bounce", "glow", "fog", "windows", "flake"):
        rows[name] = getattr(scene_light, name)
    for name in ("snow_cover", "wetness", "flakes"):
        rows[name] = np.array([getattr(sky, name) for sky in weathers])[weather]
    strength, growth = np.array([(sensor.noise / NOISE_UNIT, sensor.noise_growth) for sensor in sensors]).T[:, view]
    rows["noise"] = strength * np.maximum(scene_light.gain, 0.25) ** growth.copy()
    keys = np.array([image.key & 0xFFFFFFFF for image in images], dtype=np.uint32)
    for name, bits in (("flake_x", 0), ("flake_y", 8), ("noise_x", 16), ("noise_y", 24)):
        rows[name] = keys >> bits & 255
    air_names = AIR_ROW.names or ()
    airs, air = _distinct([tuple(getattr(sky, name) for name in air_names) for sky in weathers])
    shown, rows["air"], air_ends = _of_views(view, air[weather], len(requests))
    light, rows["light"], light_ends = _of_views(view, illumination, len(requests))
    lit = np.bincount(light_ends[view] + rows["light"], rows["sun"].any(1), len(light)) > 0
    return Conditions(
        *(rows, np.cumsum([0, *count]), np.array(airs, dtype=AIR_ROW)[shown], air_ends),
        *(tuple(illuminations), light, lit, light_ends),
    )


def _distinct(values: Sequence[T]) -> tuple[list[T], Int]:
    """Values that differ, in order of first appearance, and the number of each value among them."""
    by_identity: dict[int, int] = {}  # hashing the many numbers of a weather would take longer than all else
    by_value: dict[T, int] = {}
    numbers = []
    for value in values:
        number = by_identity.get(id(value))
        if number is None:
            number = by_identity[id(value)] = by_value.setdefault(value, len(by_value))
        numbers.append(number)
    return list(by_value), np.array(numbers, np.int64)


def _of_views(view: Int, number: Int, views: int) -> tuple[Int, Int, Int]:
    """What each view has of something: the distinct numbers of each view, in order of first appearance and views end
    to end; the place of each row's among its own view's; and (V + 1,) where each view's begin."""
    _, first, which = np.unique(view * (number.max(initial=0) + 1) + number, return_index=True, return_inverse=True)
    order = np.argsort(first)
    place = np.empty_like(order)
    place[order] = np.arange(len(order))
    first = first[order]
    ends = np.searchsorted(view[first], np.arange(views + 1))
    return number[first], place[which] - ends[view], ends


def flake_shape(weather: Weather) -> tuple[float, float, float]:
    return (weather.flake_size, weather.streak, weather.wind) if weather.flakes > 0 else (1.0, 1.0, 0.0)
