"""Small sets of images rendered under given values of the scene's continuous parameters.

Everything that the values do not name (people, poses, noise) is a function of the seed alone: two sets differ by
their values only.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import simplejpeg
from numpy.typing import NDArray

from closerlook.adaptation.parameters import Parameter
from closerlook.errors import UsageError, unknown
from closerlook.randomness import keyed_rng, keyed_seed
from closerlook.synthesis.generation.parameters import override
from closerlook.synthesis.generation.sampling import height_of, sample_places, sample_view
from closerlook.synthesis.generation.settings import Settings
from closerlook.synthesis.humans import pose_batch, sample_pose
from closerlook.synthesis.humans.cache import load_person
from closerlook.synthesis.humans.population import Population
from closerlook.synthesis.rendering.renderer import ImageRequest, Renderer, ViewRequest
from closerlook.synthesis.scenes.backdrop import BACKDROPS
from closerlook.synthesis.scenes.sensor import compress
from closerlook.synthesis.scenes.sky import ILLUMINATIONS
from closerlook.synthesis.scenes.weather import WEATHERS

__all__ = ["PARAMETERS", "Sampler", "choose_parameters", "design_of"]

WEATHER, HOUR = "neutral", "noon"  # what the named parameters change
FOUND = "found"  # what the scene's own weather and time of day are called
SCENE = ("weather.", "illumination.", "camera.", "sensor.")
SUMMER, WINTER, BACKDROP = "clothes.summer", "clothes.winter", "backdrop."

# Of the scene; then the share of people dressed for a warm day, and of the others for a cold one; then how often each
# place is seen, to a common factor.
PARAMETERS: dict[str, Parameter] = {
    parameter.name: parameter
    for parameter in (
        Parameter("illumination.hour", 4.0, 22.0, 12.0),
        Parameter("weather.direct", 0.0, 1.0, 0.5),
        Parameter("weather.cloud", 0.0, 0.45, 0.2),
        Parameter("weather.extinction", 0.0005, 0.03, 0.0015, log=True),
        Parameter("camera.height", 1.6, 6.0, 3.0),
        Parameter("camera.pitch", 3.0, 40.0, 14.0, log=True),
        Parameter("sensor.exposure", 0.5, 2.0, 1.0, log=True),
        Parameter("sensor.white_balance", 0.0, 1.0, 0.55),
        Parameter("sensor.saturation", 0.4, 1.4, 0.9),
        Parameter("sensor.contrast", 0.75, 1.35, 1.0),
        Parameter("sensor.scale", 0.3, 1.0, 0.8),
        Parameter("sensor.noise", 0.0, 5.0, 1.0),
        Parameter("sensor.quality", 30.0, 96.0, 85.0),
        Parameter(SUMMER, 0.0, 1.0, 0.45),
        Parameter(WINTER, 0.0, 1.0, 0.49),
        *(Parameter(f"{BACKDROP}{name}", 0.05, 1.0, 0.2, log=True) for name in BACKDROPS),
    )
}


def choose_parameters(names: Sequence[str] | None, backdrops: Sequence[str]) -> tuple[Parameter, ...]:
    """The named parameters, or all; ``sensor`` names all of ``sensor.noise``, ``sensor.scale``, ...

    Args:
        backdrops: the places to draw from. Pictures of the user's own have no shares to be found.

    Raises:
        UsageError: there is no such parameter, or one is named twice.
    """
    known = [name for name in PARAMETERS if not name.startswith(BACKDROP)]
    if len(backdrops) > 1 and set(backdrops) <= set(BACKDROPS):
        known += [f"{BACKDROP}{name}" for name in backdrops]
    chosen = known if names is None else [member for name in names for member in _family(name, known)]
    if len(set(chosen)) < len(chosen) or not chosen:
        raise UsageError("Name at least one scene parameter, and each only once.")
    return tuple(PARAMETERS[name] for name in chosen)


def _family(name: str, known: Sequence[str]) -> list[str]:
    family = [member for member in known if member == name or member.startswith(f"{name}.")]
    if not family:
        raise unknown("scene parameter", name, known)
    return family


class Sampler:
    """Renders the same people under any values.

    Args:
        settings: size, seed, places and kind of sensor.
        identities: how many people.
        views: images of each, seen from as many sides.
    """

    def __init__(self, settings: Settings, identities: int, views: int) -> None:
        self._settings, self._identities, self._views = settings, identities, views
        self._renderer = Renderer(settings.size)

    def __call__(self, values: Mapping[str, float], first: int = 1) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
        """Images (n, h, w, 3) of the people from number ``first`` on, and each image's person (n,)."""
        identities = range(first, first + self._identities)
        images = [image for identity in identities for image in self._images(identity, values)]
        return np.stack(images), np.repeat(np.array(identities), self._views)

    def _images(self, identity: int, values: Mapping[str, float]) -> list[NDArray[np.uint8]]:
        settings, seed = _with_shares(self._settings, values), self._settings.seed
        person = load_person(seed, identity, settings.wardrobe, _dressed(settings, identity, values))
        self._renderer.set_person(person)
        keys = [("adapt", identity, number) for number in range(self._views)]
        posed = pose_batch(person, [sample_pose(keyed_rng(seed, "pose", *key)) for key in keys])
        where = sample_places(seed, {key: settings.backdrop(key) for key in keys})
        requests = []
        for number, key in enumerate(keys):
            viewpoint = int(keyed_seed(seed, "heading", identity) + number * 360 // self._views) % 360
            drawn = _drawn(values, seed, key)
            view = sample_view(settings, key, viewpoint, where[key], height_of(person), drawn)
            requests.append(ViewRequest(view, (_image_request(drawn, keyed_seed(seed, "shot", *key)),), number))
        images = self._renderer.render(posed, requests)
        jpegs = (compress(image[0], request.view.sensor) for image, request in zip(images, requests, strict=True))
        return [simplejpeg.decode_jpeg(jpeg) for jpeg in jpegs]


def _with_shares(settings: Settings, values: Mapping[str, float]) -> Settings:
    shares = _shares(values, settings.backdrops)
    return replace(settings, shares=tuple(shares.values())) if shares else settings


def _shares(values: Mapping[str, float], backdrops: Sequence[str]) -> dict[str, float]:
    """How often each place is seen; empty where the values name none."""
    named = {f"{BACKDROP}{name}": name for name in backdrops}
    if not named.keys() & values.keys():
        return {}
    return {name: values.get(dotted, PARAMETERS[dotted].start) for dotted, name in named.items()}


def _seasons(values: Mapping[str, float]) -> dict[str, float]:
    """Shares of people dressed for summer and for winter; empty where the values name none."""
    if not {SUMMER, WINTER} & values.keys():
        return {}
    summer, winter = (values.get(name, PARAMETERS[name].start) for name in (SUMMER, WINTER))
    return {"summer": float(f"{summer:.6g}"), "winter": float(f"{(1 - summer) * winter:.6g}")}


def _dressed(settings: Settings, identity: int, values: Mapping[str, float]) -> Population:
    """A population of one season, the person's: nobody is built more than once a season, whatever the shares."""
    mix = replace(settings.population, **_seasons(values))
    if mix == settings.population:
        return mix
    season = mix.season(keyed_rng(settings.seed, "adapted season", identity))
    return replace(mix, summer=float(season == "summer"), winter=float(season == "winter"))


def _drawn(values: Mapping[str, float], seed: int, key: tuple[str | int, ...]) -> dict[str, float]:
    """One image's own values of the scene's parameters."""
    return {
        name: PARAMETERS[name].jitter(value).draw(keyed_rng(seed, "jitter", name, *key))
        for name, value in values.items()
        if name.startswith(SCENE)
    }


def _image_request(drawn: Mapping[str, float], key: int) -> ImageRequest:
    weather = override("weather", WEATHERS[WEATHER], drawn)
    return ImageRequest(weather, override("illumination", ILLUMINATIONS[HOUR], drawn), key)


def design_of(values: Mapping[str, float], identities: int, backdrops: Sequence[str]) -> dict[str, object]:
    """The design, as :func:`closerlook.generate` takes it, whose images have these values."""
    named = {
        part: {name.removeprefix(f"{part}."): value for name, value in values.items() if name.startswith(f"{part}.")}
        for part in ("weather", "illumination")
    }
    drawn = {name: PARAMETERS[name].jitter(value) for name, value in values.items() if name.startswith(SCENE)}
    shares = _shares(values, backdrops)
    return {
        "name": "adapted",
        "identities": identities,
        "factors": {"viewpoint": list(range(0, 360, 30)), "weather": [FOUND], "illumination": [FOUND]},
        "jitter": {name: {jitter.kind: list(jitter.numbers)} for name, jitter in drawn.items()},
        "weathers": {FOUND: {"like": WEATHER, **named["weather"]}},
        "illuminations": {FOUND: {"like": HOUR, **named["illumination"]}},
        "backdrops": {name: round(share / sum(shares.values()), 4) for name, share in shares.items()},
        "population": _seasons(values),
    }
