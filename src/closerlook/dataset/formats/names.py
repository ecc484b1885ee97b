"""Data sets whose labels are in the names of their images: FineGPR, RandPerson, ClonedPerson, CUHK01 and others."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import polars as pl

from closerlook.attributes import ILLUMINATIONS, WEATHERS, Factor
from closerlook.dataset.dataset import Dataset
from closerlook.dataset.formats.listing import image_files
from closerlook.errors import CloserlookError

__all__ = ["LAYOUTS", "READERS", "Layout", "matches", "read_named"]


@dataclass(frozen=True)
class Layout:
    """How the path of an image says who is on it.

    Attributes:
        example: a path, for messages.
        pattern: matches the path from its own folder's name on; every group is a column of whole numbers.
        identity, camera: the groups that together tell people and cameras apart. A single one is taken as it is, more
            are numbered from 1 in sorted order.
        first: the layout's lowest number of a person; people count from 1 here, for 0 means nobody in the field.
        splits: start of the path within the data set -> split.
        derived: further columns made of the groups, by name, of which identity and camera may be made.
        attributes: columns made of the groups, by name, with their levels.
    """

    example: str
    pattern: str
    identity: tuple[str, ...] = ("person",)
    camera: tuple[str, ...] = ("camera_name",)
    first: int = 0
    splits: Mapping[str, str] = field(default_factory=lambda: {"": "train"})
    derived: Callable[[], Mapping[str, pl.Expr]] = dict
    attributes: Callable[[], Sequence[tuple[Factor, pl.Expr]]] = tuple


def _gpr_attributes() -> list[tuple[Factor, pl.Expr]]:
    """c01 is 90 degrees (facing the camera) and each next one 10 more; w01 sunny to w07 snowlight; l01 midnight ..."""
    named = (("weather", "w", WEATHERS), ("illumination", "l", ILLUMINATIONS))
    return [
        (Factor("viewpoint", tuple(range(0, 360, 10))), (80 + 10 * pl.col("camera_name")) % 360),
        *(
            (Factor(name, levels), pl.col(group).replace_strict(dict(enumerate(levels, 1)), default=None))
            for name, group, levels in named
        ),
    ]


_GPR = Layout(
    "0001/0001_c01_w01_l01_p01.jpg",
    r"(?:^|/)(?P<person>\d+)_c(?P<camera_name>\d+)_w(?P<w>\d+)_l(?P<l>\d+)_p(?P<scene>\d+)\.\w+$",
    first=1,
    attributes=_gpr_attributes,
)
LAYOUTS = {
    "finegpr": _GPR,
    "gpr": _GPR,  # by the same authors, and named alike
    "randperson": Layout(
        "000000_s00_c00_f000264.jpg",
        r"(?:^|/)(?P<person>\d+)_(?:c(?P<older>\d+)_)?s(?P<scene>\d+)_(?:c(?P<newer>\d+)_)?f(?P<frame>\d+)\.\w+$",
        camera=("scene", "camera_name"),
    ),
    "clonedperson": Layout(
        "train/700000_s02_c00_f023389.jpg",
        r"(?:^|/)(?P<person>\d+)_s(?P<scene>\d+)_c(?P<camera_name>\d+)_f(?P<frame>\d+)\.\w+$",
        camera=("scene", "camera_name"),
        splits={"train/": "train", "test/query/": "query", "test/gallery/": "gallery"},
    ),
    "unrealperson": Layout(
        "unreal_v1.1/images/12_c3_45.jpg",
        r"(?:^|/)unreal_v(?P<scene>\d+)\.(?P<part>\d+)/images/(?P<person>\d+)_c(?P<camera_name>\d+)_(?P<frame>\d+)\.\w+$",
        identity=("part", "person"),
        camera=("scene", "camera_name"),
    ),
    "weperson": Layout(
        "0000/0000_c00_s00_T04.png",
        r"(?:^|/)(?P<person>\d+)_c(?P<camera_name>\d+)_s(?P<scene>\d+)_T(?P<time>\d+)\.\w+$",
        camera=("scene", "camera_name"),
    ),
    "cuhk01": Layout(  # images 1 and 2 of a person are one camera's, 3 and 4 the other's; no split was published
        "campus/0001001.png",
        r"(?:^|/)(?P<person>\d{4})(?P<image>\d{3})\.\w+$",
        camera=("view",),
        first=1,
        derived=lambda: {"view": (pl.col("image") + 1) // 2},
    ),
}


def read_named(layout: str, path: Path) -> Dataset:
    """The images of a layout of :data:`LAYOUTS` in a folder and all below it, in sorted order.

    Raises:
        CloserlookError: there are none, or one is not named as the layout says.
    """
    form = LAYOUTS[layout]
    table = _parse(layout, form, path, _list_images(layout, path))
    table, made = table.with_columns(**form.derived()), form.attributes()
    table = table.with_columns(
        _numbers(table, form.identity, 1 - form.first).alias("identity"),
        _numbers(table, form.camera, 0).alias("camera"),
        *(value.alias(factor.name) for factor, value in made),
    )
    present = {factor.name: set(table[factor.name].drop_nulls().unique()) for factor, _ in made}
    factors = tuple(
        factor.keep([level for level in factor.levels if level in present[factor.name]]) for factor, _ in made
    )
    return Dataset.from_table(
        path, table.drop("person", "camera_name", "view", "w", "l", strict=False), layout, factors
    )


def _list_images(layout: str, path: Path) -> list[str]:
    if not path.is_dir():
        raise CloserlookError(f"{path} is not a folder; {layout} needs one with images like {LAYOUTS[layout].example}.")
    names = image_files(path)
    if not names:
        raise CloserlookError(f"There are no images in {path}; {layout} has images like {LAYOUTS[layout].example}.")
    return names


def matches(form: Layout, home: str, names: Sequence[str]) -> bool:
    """Whether all images of a folder called ``home`` are named as the layout says."""
    whole = pl.DataFrame({"file_name": names}).select(_whole(home), _split(form))
    return bool(whole["whole"].str.contains(form.pattern).all()) and not whole["split"].null_count()


def _whole(home: str) -> pl.Expr:
    return (pl.lit(f"{home}/") + pl.col("file_name")).alias("whole")


def _split(form: Layout) -> pl.Expr:
    starts = (
        pl.when(pl.col("file_name").str.starts_with(start)).then(pl.lit(split)) for start, split in form.splits.items()
    )
    return pl.coalesce(starts).alias("split")


def _parse(layout: str, form: Layout, path: Path, names: Sequence[str]) -> pl.DataFrame:
    """One row per image: ``file_name``, ``split`` and the groups of the layout's pattern."""
    table = pl.DataFrame({"file_name": names})
    said = _whole(path.resolve().name).str.extract_groups(form.pattern).struct.unnest().cast(pl.Int64, strict=False)
    table = table.with_columns(_split(form), said)
    if "older" in table.columns:  # RandPerson has been released with camera and scene in either order
        table = table.with_columns(pl.coalesce("older", "newer").alias("camera_name")).drop("older", "newer")
    strange = table.filter(pl.any_horizontal(pl.all().is_null()))
    if len(strange):
        raise CloserlookError(
            f"{path}: {len(strange):,} of {len(table):,} images are not named like {form.example}, as {layout} has "
            f"them: {strange['file_name'][0]}. Remove them, or describe the images with a manifest."
        )
    return table


def _numbers(table: pl.DataFrame, groups: Sequence[str], shift: int) -> pl.Series:
    if len(groups) == 1:
        return table[groups[0]] + shift
    parts = table.select(groups)
    numbered = parts.unique().sort(groups).with_row_index("number", offset=1)
    return parts.join(numbered, on=groups, how="left", maintain_order="left")["number"].cast(pl.Int64)


READERS = {name: functools.partial(read_named, name) for name in LAYOUTS}
