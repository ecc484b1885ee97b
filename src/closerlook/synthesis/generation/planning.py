"""What is to be rendered: the design, checked, its images in order, and how their files are named."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TypedDict

import numpy as np
import polars as pl

from closerlook.attributes import Design, Level
from closerlook.dataset.dataset import Selectable
from closerlook.errors import CloserlookError, UsageError, short, unknown
from closerlook.synthesis.generation.parameters import check, column, known_parameters, parameter, with_custom
from closerlook.synthesis.generation.settings import Settings, read_settings
from closerlook.synthesis.humans.population import Population
from closerlook.synthesis.scenes.backdrop import backdrops as find_backdrops
from closerlook.synthesis.scenes.pictures import FITTED
from closerlook.synthesis.scenes.sky import ILLUMINATIONS
from closerlook.synthesis.scenes.weather import WEATHERS

__all__ = [
    "FACTORS",
    "MOST_PEOPLE",
    "Options",
    "Request",
    "camera_number",
    "key_of",
    "planned_images",
    "read_request",
    "renderable",
    "scene_key",
]

FACTORS = ("viewpoint", "weather", "illumination")
MOST_PEOPLE = 999_999  # numbers of people have six digits
MOST_IMAGES = 3_000_000  # FineGPR has 2,028,600; checking and naming so many takes 20 s
LONGEST_NAME = 200  # characters: file systems take 255, and drafts have a little more
DEFAULTS: dict[str, Level] = {"viewpoint": 90, "weather": "neutral", "illumination": "noon"}


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
    for name in asked:
        if known and name not in known and name not in WEATHERS:
            raise unknown("weather", name, dict.fromkeys([*known, *WEATHERS]))
    extra = tuple(dict.fromkeys(str(name) for name in asked if name in WEATHERS and name not in known))
    factors = (replace(f, levels=f.levels + extra) if f.name == "weather" else f for f in design.factors)
    return replace(design, factors=tuple(factors)) if extra else design


def _check_scene(design: Design) -> None:
    """See that the renderer knows every factor, level, jitter and level of the user's own."""
    named: dict[str, Mapping[str, object]] = {
        "weather": with_custom("weather", WEATHERS, design.weathers),
        "illumination": with_custom("illumination", ILLUMINATIONS, design.illuminations),
    }
    for factor in design.factors:
        for level in factor.levels:
            if factor.name == "viewpoint":
                camera_number(level)
            elif factor.name not in named:
                check(_scene_factor(design, factor.name), level)
            elif level not in named[factor.name]:
                raise unknown(factor.name, level, named[factor.name])
        if factor.name == "viewpoint" and len(set(map(camera_number, factor.levels))) < len(factor):
            raise UsageError(f"Design '{design.name}' names a viewpoint twice: {', '.join(map(str, factor.levels))}.")
    for name, drawn in design.jitter.items():
        dotted = parameter(name)
        if any(column(dotted) == factor.name for factor in design.factors):
            raise UsageError(f"Design '{design.name}' has {dotted} both as a factor and as jitter.")
        if drawn.kind != "normal":  # whose tails are drawn in to what is allowed
            for number in drawn.numbers:
                check(dotted, number, end=drawn.kind != "choice")


def _check_pictures(design: Design, settings: Settings) -> None:
    """See that no factor is something that a picture of the user's own camera says: its levels would be no facts."""
    pictures = [place.name for place in find_backdrops(settings.backdrops) if place.picture is not None]
    fixed = [factor.name for factor in design.factors if factor.name in map(column, FITTED)]
    if pictures and fixed:
        raise UsageError(
            f"Design '{design.name}' varies {parameter(fixed[0])}, which the camera that took {pictures[0]} has "
            "already: leave the factor out, or render into the named places."
        )


def _scene_factor(design: Design, name: str) -> str:
    try:
        return parameter(name)
    except UsageError:
        raise unknown(f"factor to render in design '{design.name}':", name, [*FACTORS, *known_parameters()]) from None


def camera_number(viewpoint: Level) -> int:
    """FineGPR's number of a viewpoint, 1 at 90 degrees and one more every 10; between them 1000 and ten a degree."""
    known = not isinstance(viewpoint, str | bool) and -720 <= viewpoint <= 720
    if not known or round(float(viewpoint) * 10) != round(float(viewpoint) * 10, 6):
        raise UsageError(f"A viewpoint must be a number of degrees, -720 to 720 to a tenth, not {short(viewpoint)}.")
    tenths = round(float(viewpoint) * 10) % 3600
    return (tenths - 900) % 3600 // 100 + 1 if tenths % 100 == 0 else 1000 + tenths


class Options(TypedDict, total=False):
    """What :func:`closerlook.generate` takes besides the design; see there."""

    identities: int | None
    first_identity: int
    levels: Mapping[str, Sequence[object]] | None
    size: tuple[int, int]
    seed: int
    scene_per: str
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
        options.get("scene_per", "view"),
        options.get("backdrops"),
        options.get("sensor", "cctv"),
        options.get("wardrobe"),
        options.get("population"),
        chosen,
    )
    _check_pictures(chosen, settings)
    table = planned_images(chosen, settings, options.get("first_identity", 1), options.get("plan"))
    return Request(chosen, settings, table)


def planned_images(design: Design, settings: Settings, first_identity: int, plan: Selectable | None) -> pl.DataFrame:
    """The images to make, in the order of the finished table."""
    if first_identity < 1 or first_identity + design.identities - 1 > MOST_PEOPLE:
        raise UsageError(
            f"People are numbered from 1 to {MOST_PEOPLE:,}: --first-identity and --identities "
            f"ask for {short(first_identity)} to {short(first_identity + design.identities - 1)}."
        )
    if len(design) > MOST_IMAGES:
        raise UsageError(
            f"Design '{design.name}' has {short(f'{len(design):,}')} images, and at most {MOST_IMAGES:,} are rendered "
            "into a folder: give fewer --identities or levels, and further people by --first-identity."
        )
    names = [factor.name for factor in design.factors]
    cells = [{**DEFAULTS, **dict(zip(names, cell, strict=True))} for cell in design.cells()]
    cameras, numbers = [camera_number(cell["viewpoint"]) for cell in cells], _numbers(settings)
    parts = [_name_parts(camera, cell, numbers) for camera, cell in zip(cameras, cells, strict=True)]
    longest = max((f"{front}_p00{rest}" for front, rest in parts), key=len)
    if len(longest) > LONGEST_NAME:
        raise UsageError(f"Design '{design.name}' has so many factors that its files' names are too long: {longest}")
    people = range(first_identity, first_identity + design.identities)
    columns: dict[str, list[str]] = {"file_name": [], "backdrop": []}
    place_numbers = numbers["backdrop"]
    for identity in people:
        folder, chosen = f"images/{identity:04d}/{identity:04d}", dict[tuple[str | int, ...], str]()
        for cell, (front, rest) in zip(cells, parts, strict=True):
            scene = scene_key(settings.scene_per, identity, *cell.values())
            backdrop = chosen.get(scene) or chosen.setdefault(scene, settings.backdrop(scene))
            columns["backdrop"].append(backdrop)
            columns["file_name"].append(f"{folder}{front}_p{place_numbers[backdrop]:02d}{rest}")
    levels = pl.DataFrame({"camera": cameras, **{name: [cell[name] for cell in cells] for name in cells[0]}})
    table = pl.DataFrame({"identity": people}).join(levels, how="cross", maintain_order="left_right")
    table = pl.DataFrame(columns).hstack(table)
    table = table.select("file_name", pl.exclude("file_name", "backdrop"), "backdrop", split=pl.lit("train"))
    if plan is not None:
        table = table[np.asarray(plan.rows(table), dtype=np.int64)]
        if table.height == 0:
            raise CloserlookError("The plan keeps none of the design's images.")
    return table


def _numbers(settings: Settings) -> Mapping[str, Mapping[str, int]]:
    """FineGPR's number of each weather, illumination and place."""
    return {
        "weather": {name: number for number, name in enumerate(settings.weather, start=1)},
        "illumination": {name: number for number, name in enumerate(settings.illumination, start=1)},
        "backdrop": {place.name: place.number for place in find_backdrops(settings.backdrops)},
    }


def _name_parts(camera: int, values: Mapping[str, Level], numbers: Mapping[str, Mapping[str, int]]) -> tuple[str, str]:
    """What a cell adds to a file's name between the person and the place, FineGPR's way, and after them: the last word
    and the level of every further factor."""
    weather, light = (numbers[name][str(values[name])] for name in ("weather", "illumination"))
    rest = "".join(f"_{name.rpartition('_')[2]}{level}" for name, level in values.items() if name not in FACTORS)
    return f"_c{camera:02d}_w{weather:02d}_l{light:02d}", f"{rest}.jpg"


def scene_key(scene_per: str, identity: int, viewpoint: Level, *levels: Level) -> tuple[str | int, ...]:
    """What an image shares its pose, camera and place with; ``levels`` are those of all factors but the viewpoint."""
    azimuth, *rest = key_of(viewpoint, *levels)
    return {
        "person": ("cell", identity),  # this word keys what is drawn: another would draw other images
        "view": ("view", identity, azimuth),
        "image": ("image", identity, azimuth, *rest),
    }[scene_per]


def key_of(*levels: Level) -> tuple[str | int, ...]:
    """Levels as what randomness is keyed with; 90.0 is 90."""
    whole = (int(level) if isinstance(level, float) and level.is_integer() else level for level in levels)
    return tuple(repr(level) if isinstance(level, float) else level for level in whole)
