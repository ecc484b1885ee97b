"""The images of a design in order, and how FineGPR names their files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import polars as pl

from closerlook.attributes import Design, Level
from closerlook.dataset.dataset import SAMPLING_WEIGHT, Selectable
from closerlook.errors import CloserlookError, UsageError, short
from closerlook.synthesis.generation.design import FACTORS, camera_number
from closerlook.synthesis.generation.keys import scene_key
from closerlook.synthesis.generation.settings import Settings
from closerlook.synthesis.scenes.backdrop import backdrops as find_backdrops

__all__ = [
    "DEFAULTS",
    "MAX_PEOPLE",
    "check_count",
    "check_names",
    "image_table",
    "name_parts",
    "numbers_of",
    "people_of",
    "planned",
]

MAX_PEOPLE = 999_999  # numbers of people have six digits
MAX_IMAGES = 3_000_000  # FineGPR has 2,028,600; checking and naming so many takes 20 s
LONGEST_NAME = 200  # characters: file systems take 255, and drafts have a little more
DEFAULTS: dict[str, Level] = {"viewpoint": 90, "weather": "neutral", "illumination": "noon"}


def people_of(design: Design, first_identity: int) -> range:
    """Numbers of the design's people.

    Raises:
        UsageError: there are too many.
    """
    if first_identity < 1 or first_identity + design.identities - 1 > MAX_PEOPLE:
        raise UsageError(
            f"People are numbered from 1 to {MAX_PEOPLE:,}: --first-identity and --identities "
            f"ask for {short(first_identity)} to {short(first_identity + design.identities - 1)}."
        )
    return range(first_identity, first_identity + design.identities)


def check_count(design: Design, images: int) -> None:
    """See that a folder may hold so many images.

    Raises:
        UsageError: it may not.
    """
    if images > MAX_IMAGES:
        raise UsageError(
            f"Design '{design.name}' has {short(f'{images:,}')} images, and at most {MAX_IMAGES:,} are rendered "
            "into a folder: give fewer --identities or levels, and further people by --first-identity."
        )


def check_names(design: Design, parts: Sequence[tuple[str, str]]) -> None:
    """See that names of files with these parts are not too long.

    Raises:
        UsageError: they are.
    """
    longest = max((f"{front}_p00{rest}" for front, rest in parts), key=len)
    if len(longest) > LONGEST_NAME:
        raise UsageError(f"Design '{design.name}' has so many factors that its files' names are too long: {longest}")


def image_table(design: Design, settings: Settings, first_identity: int) -> pl.DataFrame:
    """One row per image to make, in the order of the finished table.

    Raises:
        UsageError: there are too many people or images, or names are too long.
    """
    people = people_of(design, first_identity)
    check_count(design, len(design))
    names = [factor.name for factor in design.factors]
    cells = [{**DEFAULTS, **dict(zip(names, cell, strict=True))} for cell in design.cells()]
    cameras, numbers = [camera_number(cell["viewpoint"]) for cell in cells], numbers_of(settings)
    parts = [name_parts(camera, cell, numbers) for camera, cell in zip(cameras, cells, strict=True)]
    check_names(design, parts)
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
    return table.select("file_name", pl.exclude("file_name", "backdrop"), "backdrop", split=pl.lit("train"))


def planned(table: pl.DataFrame, plan: Selectable | None) -> pl.DataFrame:
    """The rows that a plan keeps, if there is one.

    Raises:
        CloserlookError: it keeps nothing.
    """
    if plan is None:
        return table
    kept = plan.apply(table).drop(SAMPLING_WEIGHT, strict=False)  # how often they are drawn is training's affair
    if kept.height == 0:
        raise CloserlookError("The plan keeps none of the design's images.")
    return kept


def numbers_of(settings: Settings) -> Mapping[str, Mapping[str, int]]:
    """FineGPR's number of each weather, illumination and place."""
    return {
        "weather": {name: number for number, name in enumerate(settings.weather, start=1)},
        "illumination": {name: number for number, name in enumerate(settings.illumination, start=1)},
        "backdrop": {place.name: place.number for place in find_backdrops(settings.backdrops)},
    }


def name_parts(camera: int, values: Mapping[str, Level], numbers: Mapping[str, Mapping[str, int]]) -> tuple[str, str]:
    """What a cell adds to a file's name between the person and the place, FineGPR's way, and after them: the last word
    and the level of every further factor."""
    weather, light = (numbers[name][str(values[name])] for name in ("weather", "illumination"))
    rest = "".join(f"_{name.rpartition('_')[2]}{level}" for name, level in values.items() if name not in FACTORS)
    return f"_c{camera:02d}_w{weather:02d}_l{light:02d}", f"{rest}.jpg"
