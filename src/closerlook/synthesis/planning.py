"""What is to be rendered: settings, the design's images in order, and how their files are named."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any, TypedDict

import numpy as np
import polars as pl
import yaml

from closerlook.attributes import Design, Jitter, Level, Spec
from closerlook.dataset.table import Selectable
from closerlook.errors import CloserlookError, UsageError, unknown
from closerlook.randomness import keyed_seed
from closerlook.synthesis.parameters import check, column, custom, known_parameters, parameter
from closerlook.synthesis.person import WARDROBE_VERSION
from closerlook.synthesis.person.makehuman import find_library, wardrobe_folder
from closerlook.synthesis.person.population import Population
from closerlook.synthesis.scene.backdrop import backdrops as find_backdrops
from closerlook.synthesis.scene.sensor import SENSORS
from closerlook.synthesis.scene.sky import ILLUMINATIONS, Illumination
from closerlook.synthesis.scene.weather import WEATHERS, Weather

__all__ = [
    "FACTORS",
    "SETTINGS_NAME",
    "VARY",
    "Options",
    "Request",
    "Settings",
    "camera_number",
    "illumination_named",
    "key_of",
    "planned_images",
    "read_request",
    "read_settings",
    "renderable",
    "scene_key",
    "weather_named",
]

RENDERER_VERSION = 2  # raised when the same scene gives other bytes, so that a resumed folder never mixes two
SETTINGS_NAME = "render.yaml"  # in the folder of the images
VARY = ("cell", "view", "image")
FACTORS = ("viewpoint", "weather", "illumination")
DEFAULTS: dict[str, Level] = {"viewpoint": 90, "weather": "neutral", "illumination": "noon"}


@dataclass(frozen=True)
class Settings:
    """All that the bytes of an image depend on, besides its cell."""

    seed: int
    size: tuple[int, int]
    vary: str
    backdrops: tuple[str, ...]
    sensor: str
    wardrobe: str | None = None
    population: Population = field(default_factory=Population)
    jitter: Mapping[str, Jitter] = field(default_factory=dict)
    weathers: Mapping[str, Spec] = field(default_factory=dict)
    illuminations: Mapping[str, Spec] = field(default_factory=dict)
    versions: tuple[int, int] = (RENDERER_VERSION, WARDROBE_VERSION)

    @classmethod
    def read(cls, path: Path) -> Settings:
        """The settings that a folder of images was rendered with, from its ``render.yaml``.

        Raises:
            CloserlookError: there is no such file, it cannot be read, or another version of the renderer wrote it.
        """
        try:
            found = yaml.safe_load(path.read_text())
            values = {one.name: found[one.name] for one in fields(cls)}
            values["population"] = Population(**values["population"])
            values["jitter"] = {k: Jitter(v["kind"], tuple(v["numbers"])) for k, v in values["jitter"].items()}
        except FileNotFoundError:
            raise CloserlookError(f"{path.parent} was not rendered by closerlook: it has no {path.name}.") from None
        except (yaml.YAMLError, UnicodeDecodeError, AttributeError, KeyError, TypeError):
            raise CloserlookError(f"{path} cannot be read, or was written by another version of closerlook.") from None
        tupled: dict[str, Any] = {name: tuple(v) if isinstance(v, list) else v for name, v in values.items()}
        read = cls(**tupled)
        if read.versions != (RENDERER_VERSION, WARDROBE_VERSION):
            raise CloserlookError(f"{path.parent} was rendered by another version of closerlook: render it again.")
        return read


def renderable(
    source: str | Path | Design, identities: int | None, levels: Mapping[str, Sequence[object]] | None
) -> Design:
    """The design with so many people and only these levels, checked that all of it can be rendered.

    Raises:
        UsageError: it has a factor or a level that the renderer does not know.
    """
    design = Design.load(source)
    _check_scene(design)
    if identities is not None:
        if identities < 1:
            raise UsageError(f"--identities must be at least 1, not {identities}.")
        design = replace(design, identities=identities)
    kept = {column(name): values for name, values in (levels or {}).items()}
    return _with_named_weathers(design, kept.get("weather", ())).subset(None, **kept)


def _with_named_weathers(design: Design, asked: Sequence[object]) -> Design:
    """The design with any weather of the renderer's own that is asked for, such as rain, which the paper lacks."""
    known = [level for factor in design.factors if factor.name == "weather" for level in factor.levels]
    extra = tuple(dict.fromkeys(str(name) for name in asked if name in WEATHERS and name not in known))
    factors = (replace(f, levels=f.levels + extra) if f.name == "weather" else f for f in design.factors)
    return replace(design, factors=tuple(factors)) if extra else design


def _check_scene(design: Design) -> None:
    """See that the renderer knows every factor, level, jitter and level of the user's own."""
    for part, own in (("weather", design.weathers), ("illumination", design.illuminations)):
        for name, spec in own.items():
            custom(part, name, spec)
    for factor in design.factors:
        for level in factor.levels:
            if factor.name == "viewpoint":
                camera_number(level)
            elif factor.name == "weather":
                weather_named(level, design.weathers)
            elif factor.name == "illumination":
                illumination_named(level, design.illuminations)
            else:
                check(_scene_factor(design, factor.name), level)
    for name, drawn in design.jitter.items():
        dotted = parameter(name)
        if any(column(dotted) == factor.name for factor in design.factors):
            raise UsageError(f"Design '{design.name}' has {dotted} both as a factor and as jitter.")
        if drawn.kind != "normal":  # whose tails are drawn in to what is allowed
            for number in drawn.numbers:
                check(dotted, number)


def _scene_factor(design: Design, name: str) -> str:
    try:
        return parameter(name)
    except UsageError:
        raise unknown(f"factor to render in design '{design.name}':", name, [*FACTORS, *known_parameters()]) from None


def weather_named(name: Level, own: Mapping[str, Spec]) -> Weather:
    """A weather of the paper's names or the user's own."""
    if name in own:
        made = custom("weather", str(name), own[str(name)])
        assert isinstance(made, Weather)
        return made
    if name not in WEATHERS:
        raise unknown("weather", name, [*WEATHERS, *own])
    return WEATHERS[str(name)]


def illumination_named(name: Level, own: Mapping[str, Spec]) -> Illumination:
    """A time of day of the paper's names or the user's own."""
    if name in own:
        made = custom("illumination", str(name), own[str(name)])
        assert isinstance(made, Illumination)
        return made
    if name not in ILLUMINATIONS:
        raise unknown("illumination", name, [*ILLUMINATIONS, *own])
    return ILLUMINATIONS[str(name)]


def camera_number(viewpoint: Level) -> int:
    """FineGPR's number of a viewpoint, 1 at 90 degrees and one more every 10; between them 1000 and ten a degree."""
    if isinstance(viewpoint, str) or round(viewpoint * 10) != round(viewpoint * 10, 6):
        raise UsageError(f"A viewpoint must be a number of degrees, to a tenth, not {viewpoint}.")
    tenths = round(viewpoint * 10) % 3600
    return (tenths - 900) % 3600 // 100 + 1 if tenths % 100 == 0 else 1000 + tenths


def read_settings(
    size: tuple[int, int],
    seed: int,
    vary: str,
    backdrops: Sequence[str] | None,
    sensor: str,
    wardrobe: str | Path | None,
    population: str | Path | Population | None = None,
    design: Design | None = None,
) -> Settings:
    """The settings, checked; of ``design`` come its jitter and its own weathers and illuminations.

    Raises:
        UsageError: a name is unknown, or the size is not one that can be rendered.
        CloserlookError: the wardrobe's folder holds no MakeHuman clothes, or the population's file cannot be read.
    """
    height, width = size
    if not (16 <= height <= 1024 and 16 <= width <= 1024):
        raise UsageError(f"Image height and width must be 16 to 1024 pixels, not {height} x {width}.")
    if vary not in VARY:
        raise unknown("--vary", vary, VARY)
    if sensor not in SENSORS:
        raise unknown("sensor", sensor, SENSORS)
    find_library(wardrobe)  # to refuse it now, not in a worker
    places = tuple(place.name for place in find_backdrops(backdrops))
    settings = Settings(
        seed, (height, width), vary, places, sensor, wardrobe_folder(wardrobe), Population.load(population)
    )
    if design is None:
        return settings
    jitter = {parameter(name): drawn for name, drawn in design.jitter.items()}
    return replace(settings, jitter=jitter, weathers=design.weathers, illuminations=design.illuminations)


class Options(TypedDict, total=False):
    """What :func:`closerlook.generate` takes besides the design; see there."""

    identities: int | None
    first_identity: int
    levels: Mapping[str, Sequence[object]] | None
    size: tuple[int, int]
    seed: int
    vary: str
    backdrops: Sequence[str] | None
    sensor: str
    wardrobe: str | Path | None
    population: str | Path | Population | None
    plan: Selectable | None


@dataclass(frozen=True)
class Request:
    """What is to be rendered: the design, the settings, and a row an image."""

    design: Design
    settings: Settings
    table: pl.DataFrame = field(repr=False)

    @property
    def extra(self) -> list[str]:
        """The factors that are parameters of a scene, as columns."""
        return [factor.name for factor in self.design.factors if factor.name not in FACTORS]


def read_request(design: str | Path | Design, options: Options) -> Request:
    """A design and options, checked and written out image by image.

    Raises:
        UsageError: a name is unknown or an option makes no sense.
        CloserlookError: a file that an option names cannot be read.
    """
    chosen = renderable(design, options.get("identities"), options.get("levels"))
    settings = read_settings(
        options.get("size", (128, 64)),
        options.get("seed", 0),
        options.get("vary", "view"),
        options.get("backdrops"),
        options.get("sensor", "cctv"),
        options.get("wardrobe"),
        options.get("population"),
        chosen,
    )
    table = planned_images(chosen, settings, options.get("first_identity", 1), options.get("plan"))
    return Request(chosen, settings, table)


def planned_images(design: Design, settings: Settings, first_identity: int, plan: Selectable | None) -> pl.DataFrame:
    """The images to make, in the order of the finished table."""
    if first_identity < 1 or first_identity + design.identities > 10**6:
        raise UsageError(f"--first-identity must be 1 to 999,999, not {first_identity}.")
    names = [factor.name for factor in design.factors]
    extra = [name for name in names if name not in FACTORS]
    columns: dict[str, list[Level]] = {
        name: [] for name in ("file_name", "identity", "camera", *FACTORS, *extra, "backdrop")
    }
    for identity in range(first_identity, first_identity + design.identities):
        for cell in design.cells():
            values = {**DEFAULTS, **dict(zip(names, cell, strict=True))}
            key = scene_key(settings.vary, identity, *values.values())
            chosen = settings.backdrops[keyed_seed(settings.seed, "backdrop", *key) % len(settings.backdrops)]
            camera = camera_number(values["viewpoint"])
            columns["file_name"].append(_file_name(identity, camera, values, chosen, settings))
            for name, value in (("identity", identity), ("camera", camera), *values.items(), ("backdrop", chosen)):
                columns[name].append(value)
    table = pl.DataFrame(columns).with_columns(split=pl.lit("train"))
    if plan is not None:
        table = table[np.asarray(plan.rows(table), dtype=np.int64)]
        if table.height == 0:
            raise CloserlookError("The plan keeps none of the design's images.")
    return table


def _file_name(identity: int, camera: int, values: Mapping[str, Level], backdrop: str, settings: Settings) -> str:
    """FineGPR's name, then the last word and the level of every further factor."""
    weather = [*WEATHERS, *settings.weathers].index(str(values["weather"])) + 1
    light = [*ILLUMINATIONS, *settings.illuminations].index(str(values["illumination"])) + 1
    number = find_backdrops([backdrop])[0].number
    person = f"{identity:04d}"
    rest = "".join(f"_{name.rpartition('_')[2]}{level}" for name, level in values.items() if name not in FACTORS)
    return f"images/{person}/{person}_c{camera:02d}_w{weather:02d}_l{light:02d}_p{number:02d}{rest}.jpg"


def scene_key(vary: str, identity: int, viewpoint: Level, *levels: Level) -> tuple[str | int, ...]:
    """What an image shares its pose, camera and place with; ``levels`` are those of all factors but the viewpoint."""
    azimuth, *rest = key_of(viewpoint, *levels)
    return {
        "cell": ("cell", identity),
        "view": ("view", identity, azimuth),
        "image": ("image", identity, azimuth, *rest),
    }[vary]


def key_of(*levels: Level) -> tuple[str | int, ...]:
    """Levels as what randomness is keyed with; 90.0 is 90."""
    whole = (int(level) if isinstance(level, float) and level.is_integer() else level for level in levels)
    return tuple(repr(level) if isinstance(level, float) else level for level in whole)
