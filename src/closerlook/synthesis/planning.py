"""What is to be rendered: settings, the design's images in order, and how their files are named."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import polars as pl

from closerlook.attributes import Design, Level
from closerlook.dataset.table import Selectable
from closerlook.errors import CloserlookError, UsageError, unknown
from closerlook.randomness import keyed_seed
from closerlook.synthesis.person import WARDROBE_VERSION
from closerlook.synthesis.person.makehuman import find_library, wardrobe_folder
from closerlook.synthesis.person.population import Population
from closerlook.synthesis.scene.backdrop import backdrops as find_backdrops
from closerlook.synthesis.scene.sensor import SENSORS
from closerlook.synthesis.scene.sky import ILLUMINATIONS
from closerlook.synthesis.scene.weather import WEATHERS

__all__ = ["VARY", "Settings", "camera_number", "planned_images", "read_settings", "renderable", "scene_key"]

RENDERER_VERSION = 1  # raised when the same scene gives other bytes, so that a resumed folder never mixes two
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
    versions: tuple[int, int] = (RENDERER_VERSION, WARDROBE_VERSION)


def renderable(
    source: str | Path | Design, identities: int | None, levels: Mapping[str, Sequence[object]] | None
) -> Design:
    """The design with so many people and only these levels, checked that all of it can be rendered.

    Raises:
        UsageError: it has a factor or a level that the renderer does not know.
    """
    design = Design.load(source)
    for factor in design.factors:
        if factor.name not in FACTORS:
            raise unknown(f"factor to render in design '{design.name}':", factor.name, FACTORS)
    if identities is not None:
        if identities < 1:
            raise UsageError(f"--identities must be at least 1, not {identities}.")
        design = replace(design, identities=identities)
    design = design.subset(None, **(levels or {}))
    known: dict[str, Mapping[str, object]] = {"weather": WEATHERS, "illumination": ILLUMINATIONS}
    for factor in design.factors:
        for level in factor.levels:
            if factor.name == "viewpoint":
                camera_number(level)
            elif level not in known[factor.name]:
                raise unknown(factor.name, level, known[factor.name])
    return design


def camera_number(viewpoint: Level) -> int:
    """FineGPR's number of a viewpoint: 1 at 90 degrees, one more every 10."""
    if not isinstance(viewpoint, int) or viewpoint % 10:
        raise UsageError(f"A viewpoint must be a multiple of 10 degrees, not {viewpoint}.")
    return (viewpoint - 90) % 360 // 10 + 1


def read_settings(
    size: tuple[int, int],
    seed: int,
    vary: str,
    backdrops: Sequence[str] | None,
    sensor: str,
    wardrobe: str | Path | None,
    population: str | Path | Population | None = None,
) -> Settings:
    """The settings, checked.

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
    return Settings(seed, (height, width), vary, places, sensor, wardrobe_folder(wardrobe), Population.load(population))


def planned_images(design: Design, settings: Settings, first_identity: int, plan: Selectable | None) -> pl.DataFrame:
    """The images to make, in the order of the finished table."""
    if first_identity < 1 or first_identity + design.identities > 10**6:
        raise UsageError(f"--first-identity must be 1 to 999,999, not {first_identity}.")
    columns: dict[str, list[Level]] = {name: [] for name in ("file_name", "identity", "camera", *FACTORS, "backdrop")}
    names = [factor.name for factor in design.factors]
    for identity in range(first_identity, first_identity + design.identities):
        for cell in design.cells():
            values = {**DEFAULTS, **dict(zip(names, cell, strict=True))}
            key = scene_key(settings.vary, identity, values["viewpoint"], values["weather"], values["illumination"])
            chosen = settings.backdrops[keyed_seed(settings.seed, "backdrop", *key) % len(settings.backdrops)]
            camera = camera_number(values["viewpoint"])
            columns["file_name"].append(_file_name(identity, camera, values, chosen))
            for name, value in (("identity", identity), ("camera", camera), *values.items(), ("backdrop", chosen)):
                columns[name].append(value)
    table = pl.DataFrame(columns).with_columns(split=pl.lit("train"))
    if plan is not None:
        table = table[np.asarray(plan.rows(table), dtype=np.int64)]
        if table.height == 0:
            raise CloserlookError("The plan keeps none of the design's images.")
    return table


def _file_name(identity: int, camera: int, values: Mapping[str, Level], backdrop: str) -> str:
    weather = list(WEATHERS).index(str(values["weather"])) + 1
    light = list(ILLUMINATIONS).index(str(values["illumination"])) + 1
    number = find_backdrops([backdrop])[0].number
    person = f"{identity:04d}"
    return f"images/{person}/{person}_c{camera:02d}_w{weather:02d}_l{light:02d}_p{number:02d}.jpg"


def scene_key(vary: str, identity: int, viewpoint: Level, weather: Level, illumination: Level) -> tuple[Level, ...]:
    """What an image shares its pose, camera and place with."""
    return {
        "cell": ("cell", identity),
        "view": ("view", identity, viewpoint),
        "image": ("image", identity, viewpoint, weather, illumination),
    }[vary]
