"""All that the bytes of an image depend on besides its cell, checked, and as a folder of images keeps it."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from importlib.metadata import version
from pathlib import Path
from typing import get_args

import numpy as np

from closerlook.attributes import Design, Jitter, Spec
from closerlook.choices import ScenePer
from closerlook.dataset.fingerprint import files_digest
from closerlook.errors import CloserlookError, UsageError, unknown
from closerlook.randomness import keyed_rng, keyed_seed
from closerlook.storage.documents import checked, read_yaml
from closerlook.storage.keys import Key
from closerlook.synthesis.generation.network import HEADINGS, FixedCamera, Network, draw_network
from closerlook.synthesis.generation.parameters import parameter, with_custom
from closerlook.synthesis.humans import WARDROBE_VERSION
from closerlook.synthesis.humans.clothing.library import find_library, wardrobe_folder
from closerlook.synthesis.humans.population import Population
from closerlook.synthesis.scenes.backdrop import BACKDROPS, backdrops as find_backdrops
from closerlook.synthesis.scenes.pictures import CAMERA_NAME, read_picture
from closerlook.synthesis.scenes.sensor import SENSORS
from closerlook.synthesis.scenes.sky import ILLUMINATIONS, Illumination
from closerlook.synthesis.scenes.weather import WEATHERS, Weather

__all__ = ["SCENE_PER", "SETTINGS_NAME", "Settings", "read_settings"]

RENDERER_VERSION = 7  # raised when the same scene gives other bytes or annotations: a resumed folder never mixes two
SETTINGS_NAME = "render.yaml"  # in the folder of the images
SCENE_PER = get_args(ScenePer)


@dataclass(frozen=True)
class Settings:
    """All that the bytes of an image depend on, besides its cell.

    Attributes:
        backdrops: names of the places to draw from.
        shares: how often each of them is drawn, to a common factor; all alike if empty.
        network: the fixed cameras; without, a camera is where its viewpoint says.
    """

    seed: int
    size: tuple[int, int]
    scene_per: str
    backdrops: tuple[str, ...]
    sensor: str
    wardrobe: str | None = None
    population: Population = field(default_factory=Population)
    jitter: Mapping[str, Jitter] = field(default_factory=dict)
    weathers: Mapping[str, Spec] = field(default_factory=dict)
    illuminations: Mapping[str, Spec] = field(default_factory=dict)
    shares: tuple[float, ...] = ()
    network: Network | None = None
    versions: tuple[int, int] = (RENDERER_VERSION, WARDROBE_VERSION)

    @functools.cached_property
    def weather(self) -> Mapping[str, Weather]:
        """Every weather by name, the user's own after the renderer's."""
        return with_custom("weather", WEATHERS, self.weathers)

    @functools.cached_property
    def illumination(self) -> Mapping[str, Illumination]:
        """Every time of day by name, the user's own after the renderer's."""
        return with_custom("illumination", ILLUMINATIONS, self.illuminations)

    @functools.cached_property
    def cameras(self) -> tuple[FixedCamera, ...]:
        """The cameras of the network, numbered from 1; none without one."""
        if self.network is None:
            return ()
        return draw_network(self.seed, self.network, self.backdrops, self.shares, self.sensor)

    def backdrop(self, scene: Sequence[str | int]) -> str:
        """Name of the place of a scene.

        With shares, every place waits for a time drawn by the scene and divided by its share, and the first one is
        taken: so a place's share can change without other scenes' places changing among themselves.
        """
        if not self.shares:
            return self.backdrops[keyed_seed(self.seed, "backdrop", *scene) % len(self.backdrops)]
        waits = keyed_rng(self.seed, "backdrop", *scene).exponential(size=len(self.backdrops)) / self.shares
        return self.backdrops[int(np.argmin(waits))]

    def sources(self) -> Key:
        """What else people and places are made from: the body model's package, and the user's own files."""
        pictures = [Path(name) for name in self.backdrops if name not in BACKDROPS]
        pictures += sorted({path.parent / CAMERA_NAME for path in pictures if (path.parent / CAMERA_NAME).exists()})
        clothes = sorted(path for path in Path(self.wardrobe).rglob("*") if path.is_file()) if self.wardrobe else []
        digests = {
            name: files_digest(files, files)
            for name, files in (("pictures", list(map(str, pictures))), ("clothes", list(map(str, clothes))))
        }
        return {"anny": version("anny"), **digests}

    @classmethod
    def read(cls, path: Path) -> Settings:
        """The settings that a folder of images was rendered with, from its ``render.yaml``.

        Raises:
            CloserlookError: there is no such file, it cannot be read, or another version of the renderer wrote it.
        """
        if not path.exists():
            raise CloserlookError(f"{path.parent} was not rendered by closerlook: it has no {path.name}.")
        remedy = "It is damaged, or another version of closerlook wrote it: render it again."
        written = read_yaml(path, remedy)
        if not isinstance(written, dict):
            raise CloserlookError(f"{path} does not hold the settings of a rendering. {remedy}")
        values = {column.name: written[column.name] for column in fields(cls) if column.name in written}
        settings = checked(values, cls, str(path), remedy)
        if settings.versions != (RENDERER_VERSION, WARDROBE_VERSION):
            raise CloserlookError(f"{path.parent} was rendered by another version of closerlook: render it again.")
        return settings


def read_settings(
    size: tuple[int, int],
    seed: int,
    scene_per: str,
    backdrops: Sequence[str] | None,
    sensor: str,
    wardrobe: str | Path | None,
    population: str | Path | Population | None = None,
    design: Design | None = None,
) -> Settings:
    """The settings, checked; of ``design`` come its jitter, its own weathers and illuminations, and, where they are
    not given, its places and its mix of people.

    Raises:
        UsageError: a name is unknown, or the size is not one that can be rendered.
        CloserlookError: the wardrobe's folder holds no MakeHuman clothes, or the population's file or a picture to
            render in cannot be read.
    """
    height, width = size
    if not (16 <= height <= 1024 and 16 <= width <= 1024):
        raise UsageError(f"Image height and width must be 16 to 1024 pixels, not {height} x {width}.")
    if scene_per not in SCENE_PER:
        raise unknown("--scene-per", scene_per, SCENE_PER)
    if sensor not in SENSORS:
        raise unknown("sensor", sensor, SENSORS)
    find_library(wardrobe)  # to refuse it now, not in a worker
    mix = {} if design is None or backdrops is not None else design.backdrops
    places = {name: share for entry, share in mix.items() for name in _places([entry])}
    settings = Settings(
        seed,
        (height, width),
        scene_per,
        tuple(places) or _places(backdrops),
        sensor,
        wardrobe_folder(wardrobe),
        _population(population, design),
        shares=tuple(places.values()),
    )
    if design is None:
        return settings
    jitter = {parameter(name): drawn for name, drawn in design.jitter.items()}
    if design.cameras and scene_per == "person":
        raise UsageError(
            "With --cameras nobody has one pose and place: --scene-per must be view (each walk in all weathers and "
            "lights) or image (each of these with a walk of its own)."
        )
    return replace(
        settings,
        jitter=jitter,
        weathers=design.weathers,
        illuminations=design.illuminations,
        network=_network(design) if design.cameras else None,
    )


def _network(design: Design) -> Network:
    headings = next((factor.levels for factor in design.factors if factor.name == "viewpoint"), HEADINGS)
    return Network(design.cameras, design.frames, tuple(float(heading) for heading in headings))


def _places(names: Sequence[str] | None) -> tuple[str, ...]:
    places = find_backdrops(names)
    for place in places:
        if place.picture is not None:
            read_picture(place.picture)  # to refuse a damaged one now, not in a worker
    return tuple(place.name for place in places)


def _population(source: str | Path | Population | None, design: Design | None) -> Population:
    if source is not None or design is None:
        return Population.load(source)
    names = [share.name for share in fields(Population)]
    for name in design.population:
        if name not in names:
            raise unknown(f"share of the population in design '{design.name}':", name, names)
    return Population(**design.population)
