"""What is to be rendered: a design and options become settings and one row per image."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypedDict, get_args

import polars as pl

from closerlook.attributes import Design
from closerlook.choices import Storage
from closerlook.dataset.dataset import Selectable
from closerlook.dataset.shards import SUFFIX
from closerlook.errors import UsageError, unknown
from closerlook.synthesis.generation.design import FACTORS, read_design
from closerlook.synthesis.generation.image_table import image_table, planned
from closerlook.synthesis.generation.network_table import in_splits, network_table
from closerlook.synthesis.generation.parameters import column, parameter
from closerlook.synthesis.generation.settings import Settings, read_settings
from closerlook.synthesis.humans.population import Population
from closerlook.synthesis.scenes.backdrop import backdrops as find_backdrops
from closerlook.synthesis.scenes.pictures import FITTED

__all__ = ["Options", "Request", "read_request"]


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
    cameras: int | None
    splits: bool
    storage: Storage


@dataclass(frozen=True)
class Request:
    """What is to be rendered: the design, the settings, and one row per image."""

    design: Design
    settings: Settings
    table: pl.DataFrame = field(repr=False)
    splits: bool = False

    @property
    def in_shards(self) -> bool:
        """Whether each person's images go into a shard."""
        return str(self.table["file_name"][0]).rpartition("/")[0].endswith(SUFFIX)

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
    chosen = read_design(design, options.get("identities"), options.get("levels"), options.get("cameras"))
    splits = options.get("splits", False)
    if splits and not chosen.cameras:
        raise UsageError(
            "--splits makes queries that are to be found again by other cameras, which needs fixed cameras: give "
            "--cameras 6 as well, or 'cameras' in the design."
        )
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
    of_network = settings.network is not None
    table = (network_table if of_network else image_table)(chosen, settings, options.get("first_identity", 1))
    kept = planned(table, options.get("plan"))
    if splits:
        kept = in_splits(kept, settings.seed)
    storage = options.get("storage", "files")
    if storage not in get_args(Storage):
        raise unknown("--storage", storage, get_args(Storage))
    return Request(chosen, settings, kept if storage == "files" else _in_shards(kept), splits)


def _in_shards(table: pl.DataFrame) -> pl.DataFrame:
    """The table with a shard in the place of each person's folder."""
    return table.with_columns(pl.col("file_name").str.replace("/([^/]*)$", f"{SUFFIX}/$1").alias("file_name"))


def _check_pictures(design: Design, settings: Settings) -> None:
    """See that no factor is something that a picture of the user's own camera says: its levels would be no facts."""
    pictures = [place.name for place in find_backdrops(settings.backdrops) if place.picture is not None]
    if pictures and settings.network is not None:
        raise UsageError(
            f"A network's cameras have places that people walk through, and {pictures[0]} is a picture: render into "
            "the named places, or without --cameras."
        )
    fixed = [factor.name for factor in design.factors if factor.name in map(column, FITTED)]
    if pictures and fixed:
        raise UsageError(
            f"Design '{design.name}' varies {parameter(fixed[0])}, which the camera that took {pictures[0]} has "
            "already: leave the factor out, or render into the named places."
        )
