"""Small sets of images rendered under given values of the scene's continuous parameters.

Everything that the values do not name (people, poses, places, noise) is a function of the seed alone, so that two sets
differ by their values only.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import simplejpeg
from numpy.typing import NDArray

from closerlook.adaptation.parameters import Parameter
from closerlook.errors import UsageError, unknown
from closerlook.randomness import keyed_rng, keyed_seed
from closerlook.synthesis.parameters import override
from closerlook.synthesis.person import pose_person, sample_pose
from closerlook.synthesis.person.cache import load_person
from closerlook.synthesis.production import draw_view
from closerlook.synthesis.render.renderer import Renderer, Shot
from closerlook.synthesis.scene.sky import ILLUMINATIONS
from closerlook.synthesis.scene.weather import WEATHERS
from closerlook.synthesis.settings import Settings

__all__ = ["PARAMETERS", "Sampler", "choose_parameters", "design_of"]

WEATHER, HOUR = "neutral", "noon"  # what the named parameters change
FOUND = "found"  # what the scene's own weather and time of day are called

PARAMETERS: dict[str, Parameter] = {
    parameter.name: parameter
    for parameter in (
        Parameter("illumination.hour", 4.0, 22.0, 12.0),
        Parameter("weather.direct", 0.0, 1.0, 0.5),
        Parameter("weather.cloud", 0.0, 0.45, 0.2),
        Parameter("weather.extinction", 0.0005, 0.03, 0.0015, log=True),
        Parameter("camera.height", 1.6, 6.0, 3.0),
        Parameter("camera.distance", 3.5, 16.0, 7.0, log=True),
        Parameter("sensor.exposure", 0.5, 2.0, 1.0, log=True),
        Parameter("sensor.white_balance", 0.0, 1.0, 0.55),
        Parameter("sensor.saturation", 0.4, 1.4, 0.9),
        Parameter("sensor.contrast", 0.75, 1.35, 1.0),
        Parameter("sensor.scale", 0.3, 1.0, 0.8),
        Parameter("sensor.noise", 0.0, 5.0, 1.0),
        Parameter("sensor.quality", 30.0, 96.0, 85.0),
    )
}


def choose_parameters(names: Sequence[str] | None) -> tuple[Parameter, ...]:
    """The named parameters, or all.

    Raises:
        UsageError: there is no such parameter, or one is named twice.
    """
    chosen = list(PARAMETERS) if names is None else list(names)
    for name in chosen:
        if name not in PARAMETERS:
            raise unknown("scene parameter", name, PARAMETERS)
    if len(set(chosen)) < len(chosen) or not chosen:
        raise UsageError("Name at least one scene parameter, and each only once.")
    return tuple(PARAMETERS[name] for name in chosen)


class Sampler:
    """Renders the same people under any values.

    Args:
        settings: size, seed, places and kind of sensor.
        people: how many.
        views: images of each, seen from as many sides.
    """

    def __init__(self, settings: Settings, people: int, views: int) -> None:
        self._settings, self._people, self._views = settings, people, views
        self._renderer = Renderer(settings.size)

    def __call__(self, values: Mapping[str, float], first: int = 1) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
        """Images (n, h, w, 3) of the people from number ``first`` on, and each image's person (n,)."""
        identities = range(first, first + self._people)
        images = [image for identity in identities for image in self._images(identity, values)]
        return np.stack(images), np.repeat(np.array(identities), self._views)

    def _images(self, identity: int, values: Mapping[str, float]) -> list[NDArray[np.uint8]]:
        settings, seed = self._settings, self._settings.seed
        person = load_person(seed, identity, settings.wardrobe, settings.population)
        self._renderer.wear(person)
        images = []
        for number in range(self._views):
            key = ("adapt", identity, number)
            self._renderer.pose(pose_person(person, sample_pose(keyed_rng(seed, "pose", *key))))
            viewpoint = int(keyed_seed(seed, "heading", identity) + number * 360 // self._views) % 360
            kind = settings.backdrops[keyed_seed(seed, "backdrop", *key) % len(settings.backdrops)]
            view = draw_view(settings, key, viewpoint, kind, values)
            image = self._renderer.render(view, [_shot(values, keyed_seed(seed, "shot", *key))])[0]
            jpeg = simplejpeg.encode_jpeg(image, quality=view.sensor.quality, colorsubsampling="420")
            images.append(simplejpeg.decode_jpeg(jpeg))
        return images


def _shot(values: Mapping[str, float], key: int) -> Shot:
    weather = override("weather", WEATHERS[WEATHER], values)
    return Shot(weather, override("illumination", ILLUMINATIONS[HOUR], values), key)


def design_of(values: Mapping[str, float], identities: int) -> dict[str, object]:
    """The design, as :func:`closerlook.generate` takes it, whose every image has these values."""
    own = {
        part: {name.removeprefix(f"{part}."): value for name, value in values.items() if name.startswith(f"{part}.")}
        for part in ("weather", "illumination")
    }
    fixed = {name: {"choice": [value]} for name, value in values.items() if name.startswith(("camera.", "sensor."))}
    return {
        "name": "adapted",
        "identities": identities,
        "factors": {"viewpoint": list(range(0, 360, 30)), "weather": [FOUND], "illumination": [FOUND]},
        "jitter": fixed,
        "weathers": {FOUND: {"like": WEATHER, **own["weather"]}},
        "illuminations": {FOUND: {"like": HOUR, **own["illumination"]}},
    }
