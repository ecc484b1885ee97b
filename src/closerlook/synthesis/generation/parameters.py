"""Everything continuous about a scene by its name: ``weather.extinction``, ``camera.crop.height``, ``sensor.noise``.

A parameter is a number in one of the scene's frozen dataclasses, whichever fields these have. Any of them may be a
design's factor or its per-image jitter. As a column of a table, a dot is an underscore: ``weather_extinction``.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import is_dataclass, replace
from typing import Any, TypeVar, get_type_hints

from closerlook.attributes import Level, Spec
from closerlook.errors import UsageError, short, unknown
from closerlook.synthesis.scenes.camera import DISTANCES, Camera
from closerlook.synthesis.scenes.sensor import Sensor
from closerlook.synthesis.scenes.sky import Illumination, illumination_at
from closerlook.synthesis.scenes.weather import Weather

__all__ = [
    "BOUNDS",
    "IMAGE_PARTS",
    "VIEW_PARTS",
    "check",
    "column",
    "custom",
    "known_parameters",
    "override",
    "parameter",
    "value_in",
    "with_custom",
    "within",
]

Value = TypeVar("Value")
SCENE: Mapping[str, type] = {"weather": Weather, "illumination": Illumination, "camera": Camera, "sensor": Sensor}
# What is physical, and what can be computed: beyond it numbers overflow, or a blur takes minutes.
BOUNDS = {
    "illumination.hour": (0.0, 24.0),
    "illumination.turbidity": (1.7, 10.0),
    "illumination.latitude": (-66.0, 66.0),
    "illumination.day": (1.0, 366.0),
    "illumination.moon": (0.0, 1.0),
    "weather.direct": (0.0, 1.0),
    "weather.sky": (0.0, 1.0),
    "weather.cloud": (0.0, 1.0),
    "weather.extinction": (0.0, 10.0),
    "weather.scatter": (0.0, 1.0),
    "weather.wetness": (0.0, 1.0),
    "weather.snow_cover": (0.0, 1.0),
    "weather.flakes": (0.0, 1.0),
    "weather.streak": (1.0, 40.0),
    "weather.flake_size": (0.05, 5.0),
    "weather.wind": (-3.0, 3.0),
    "camera.distance": DISTANCES,
    "camera.pitch": (1.0, 60.0),
    "camera.height": (0.0, 50.0),
    "camera.roll": (-180.0, 180.0),
    "camera.right": (-1.0, 1.0),
    "camera.down": (-1.0, 1.0),
    "camera.focal": (8.0, 400.0),
    "camera.distortion": (0.0, 0.5),
    "camera.occlusion": (0.0, 0.6),
    "camera.crop.height": (0.05, 20.0),
    "camera.crop.aspect": (0.1, 10.0),
    "camera.crop.right": (-10.0, 10.0),
    "camera.crop.down": (-10.0, 10.0),
    "camera.crop.fit": (0.0, 1.0),
    "camera.crop.margin_left": (-0.45, 10.0),
    "camera.crop.margin_top": (-0.45, 10.0),
    "camera.crop.margin_right": (-0.45, 10.0),
    "camera.crop.margin_bottom": (-0.45, 10.0),
    "camera.crop.cut": (0.0, 1.0),
    "camera.crop.least": (0.0, 0.5),
    "sensor.exposure": (0.01, 100.0),
    "sensor.adaptation": (0.0, 1.0),
    "sensor.metering": (0.0, 1.0),
    "sensor.white_balance": (0.0, 1.0),
    "sensor.saturation": (0.0, 4.0),
    "sensor.knee": (0.0, 1.0),
    "sensor.contrast": (0.1, 10.0),
    "sensor.black": (0.0, 1.0),
    "sensor.scale": (0.05, 1.0),
    "sensor.softness": (-0.5, 0.5),
    "sensor.focus": (0.0, 16.0),
    "sensor.motion": (0.0, 64.0),
    "sensor.motion_angle": (-360.0, 360.0),
    "sensor.mosaic": (0.0, 2.0),
    "sensor.color_blur": (0.0, 16.0),
    "sensor.noise": (0.0, 100.0),
    "sensor.noise_growth": (0.0, 2.0),
    "sensor.video": (0.0, 51.0),
    "sensor.grid_down": (0.0, 7.0),
    "sensor.grid_right": (0.0, 7.0),
    "sensor.quality": (1.0, 100.0),
}
VIEW_PARTS, IMAGE_PARTS = ("camera.", "sensor."), ("weather.", "illumination.")  # of a scene, as names begin
LIKE = {"weather": "neutral", "illumination": "noon"}  # what a level of the user's own is like if it does not say


@functools.cache
def known_parameters() -> Mapping[str, type]:
    """Dotted name of every parameter to its type, ``float`` or ``int``."""
    kinds = {name: kind for part, value in SCENE.items() for name, kind in _numbers(part, value)}
    kinds["camera.pitch"] = float  # in place of the distance, which follows from it and the height
    return {name: kind for name, kind in kinds.items() if name != "camera.viewpoint"}  # that is a factor by itself


def _numbers(prefix: str, kind: type) -> list[tuple[str, type]]:
    numbers: list[tuple[str, type]] = []
    for name, hint in get_type_hints(kind).items():
        if hint in (float, int):
            numbers.append((f"{prefix}.{name}", hint))
        elif isinstance(hint, type) and is_dataclass(hint):
            numbers += _numbers(f"{prefix}.{name}", hint)
    return numbers


def column(name: str) -> str:
    """What a parameter is called in a table: ``weather.extinction`` is ``weather_extinction``."""
    return name.replace(".", "_")


def parameter(name: str) -> str:
    """The dotted name of a parameter that may be written either way.

    Raises:
        UsageError: there is none of this name.
    """
    dotted = _by_column().get(column(name))
    if dotted is None:
        raise unknown("scene parameter", name, known_parameters())
    return dotted


@functools.cache
def _by_column() -> Mapping[str, str]:
    return {column(dotted): dotted for dotted in known_parameters()}


def value_in(scene: Mapping[str, object], name: str) -> float:
    """The value that a parameter has in a scene, given its parts by name."""
    part, *path = name.split(".")
    return float(functools.reduce(getattr, path, scene[part]))  # type: ignore[arg-type]


def within(name: str, value: float) -> float:
    """The allowed value of a parameter that is nearest to this one."""
    low, high = BOUNDS[name]
    return min(max(value, low), high)


def check(name: str, value: object, *, end: bool = False) -> float:
    """The value of a parameter, if it may have it.

    Args:
        end: it is an end of what the parameter is drawn between, which need not be whole where the parameter is.

    Raises:
        UsageError: it is no number, or one that the parameter cannot have.
    """
    low, high = BOUNDS[name]
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise UsageError(f"{name} must be a number, not {value!r}.")
    if not low <= value <= high:  # nor is NaN
        raise UsageError(f"{name} must be {low:g} to {high:g}, not {short(value)}.")
    if not end and known_parameters()[name] is int and value != round(value):
        raise UsageError(f"{name} must be a whole number, not {value:g}.")
    return float(value)


def override(part: str, value: Value, changes: Mapping[str, Level]) -> Value:
    """``value`` (the scene's ``part``) with those of ``changes``, by dotted name, that are parameters of it.

    With another hour, day or latitude, street lamps follow the sun: see :func:`scenes.sky.illumination_at`. With a
    pitch a camera comes nearer or goes away until it looks down by so many degrees.
    """
    mine = {name.removeprefix(f"{part}."): number for name, number in changes.items() if name.startswith(f"{part}.")}
    pitch = mine.pop("pitch", None)
    changed = value
    for name, number in mine.items():
        changed = _replaced(changed, name.split("."), number)
    if isinstance(changed, Camera) and pitch is not None:
        changed = _replaced(changed, ["distance"], changed.distance_at(float(pitch)))
    if isinstance(changed, Illumination) and mine.keys() & {"hour", "day", "latitude"}:
        lamps = illumination_at(changed.hour, changed.latitude, changed.day, changed.turbidity).lamps
        changed = _replaced(changed, ["lamps"], lamps)
    return changed


def _replaced(value: Any, path: list[str], new: Any) -> Any:
    name, *rest = path
    old = getattr(value, name)
    if rest:
        return replace(value, **{name: _replaced(old, rest, new)})
    number = isinstance(old, int | float)
    return replace(value, **{name: type(old)(round(new) if isinstance(old, int) else new) if number else new})


def with_custom(part: str, known: Mapping[str, Value], specs: Mapping[str, Spec]) -> dict[str, Value]:
    """The weathers or illuminations that are ``known``, then a user's own by their ``specs``:
    ``{haze: {like: foggy}}``.

    Raises:
        UsageError: a name is taken, ``like`` is unknown, or a parameter is unknown or cannot have its value.
    """
    return {**known, **{name: custom(part, known, name, spec) for name, spec in specs.items()}}


def custom(part: str, known: Mapping[str, Value], name: str, spec: Spec) -> Value:
    """A user's own weather or illumination: ``{like: foggy, extinction: 0.01}``.

    Raises:
        UsageError: see :func:`with_custom`.
    """
    if name in known:
        raise UsageError(f"'{name}' is a {part} already: give yours another name.")
    if not name.isidentifier():
        raise UsageError(f"A {part}'s name must be a plain word, not '{name}'.")
    like = str(spec.get("like", LIKE[part]))
    if like not in known:
        raise unknown(part, like, known)
    changes: dict[str, Level] = {}
    for key, value in spec.items():
        if key != "like":
            dotted = parameter(f"{part}.{key}")
            changes[dotted] = check(dotted, value)
    return override(part, known[like], changes)
