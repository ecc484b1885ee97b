"""Into the layout of FineGPR, whose names say the attributes."""

from __future__ import annotations

from pathlib import Path

import polars as pl

from closerlook.attributes import ILLUMINATIONS, WEATHERS
from closerlook.compute.progress import progress
from closerlook.dataset.dataset import Dataset
from closerlook.dataset.exports.copying import copy_as_jpeg, save_table
from closerlook.errors import CloserlookError
from closerlook.storage.files import atomic_path

__all__ = ["export_finegpr"]

MOST_PEOPLE = 9999  # four digits


def export_finegpr(dataset: Dataset, out: Path) -> None:
    """Copy images to ``0001/0001_c01_w01_l01_p01.jpg``: person, viewpoint, weather, illumination, place.

    c01 is 90 degrees and each next one 10 more; weathers and illuminations are numbered in the order of the paper. The
    place is the column ``scene``, else ``backdrop`` numbered in sorted order, else 1. People are raised by one where 0
    is a person. Images that are not JPEG are encoded (quality 95). The table, with all attributes, is written beside.

    Raises:
        CloserlookError: images have a split, person or level that the layout has no number for, or would share a name.
    """
    table = _named(dataset)
    with atomic_path(out) as draft, progress(f"Copying {dataset.name}", len(dataset)) as advance:
        for folder in {Path(name).parent for name in table["file_name"]}:
            (draft / folder).mkdir(parents=True)
        for source, name in zip(dataset.files, table["file_name"], strict=True):
            copy_as_jpeg(source, draft / name)
            advance(1)
        save_table(dataset, draft, table)


def _named(dataset: Dataset) -> pl.DataFrame:
    table = dataset.table
    needed = ("viewpoint", "weather", "illumination")
    missing = [name for name in needed if name not in table.columns]
    if missing:
        raise CloserlookError(
            f"{dataset.name} has no column '{missing[0]}', and the FineGPR layout says {', '.join(needed)} in every "
            "name. Export into another format."
        )
    if (table["split"] != "train").any():
        raise CloserlookError(f"{dataset.name} has a query or gallery, which the FineGPR layout has no place for.")
    start = 1 - int((table["identity"] == 0).any())
    person = pl.col("identity") + 1 - start
    numbered = table.with_columns(
        pl.when((person >= 1) & (person <= MOST_PEOPLE)).then(person).alias("identity"),
        _camera(table["viewpoint"]).alias("camera"),
        *(
            _levels(table[name], levels).alias(letter)
            for name, letter, levels in (("weather", "w", WEATHERS), ("illumination", "l", ILLUMINATIONS))
        ),
        _place(table).alias("p"),
    )
    columns = {"identity": "identity", "camera": "viewpoint", "w": "weather", "l": "illumination", "p": "scene"}
    for column, name in columns.items():
        if numbered[column].null_count():
            odd = table.filter(numbered[column].is_null())
            value = odd[name][0] if name in odd.columns else None
            raise CloserlookError(
                f"{dataset.name}: {odd.height:,} images have a {name} that the FineGPR layout has no number for, first "
                f"{value!r} of {odd['file_name'][0]}. Leave them out, or export into another format."
            )
    parts = [
        pl.col(name).cast(pl.String).str.zfill(width) for name, width in zip(columns, (4, 2, 2, 2, 2), strict=True)
    ]
    path = pl.format("{}/{}_c{}_w{}_l{}_p{}.jpg", parts[0], *parts)
    numbered = numbered.with_columns(path.alias("file_name")).drop("w", "l", "p")
    repeated = numbered["file_name"].is_duplicated()
    if repeated.any():
        raise CloserlookError(
            f"{dataset.name}: {int(repeated.sum()):,} images would share a name in the FineGPR layout, first "
            f"{numbered['file_name'].filter(repeated)[0]}: they differ in what it does not say. Export into another "
            "format."
        )
    return numbered


def _camera(viewpoint: pl.Series) -> pl.Series:
    """c01 is 90 degrees, each next one 10 more; null where there is none."""
    degrees = viewpoint.cast(pl.Float64, strict=False)
    whole = (degrees % 10 == 0) & (degrees >= 0) & (degrees < 360)
    return pl.select(pl.when(whole).then(((degrees - 90) % 360 / 10 + 1).cast(pl.Int64))).to_series()


def _levels(values: pl.Series, levels: tuple[str, ...]) -> pl.Series:
    numbers = {level: number for number, level in enumerate(levels, 1)}
    return values.cast(pl.String, strict=False).replace_strict(numbers, default=None, return_dtype=pl.Int64)


def _place(table: pl.DataFrame) -> pl.Series:
    if "scene" in table.columns and table["scene"].dtype.is_integer():
        return pl.select(pl.when(table["scene"] >= 0).then(table["scene"].cast(pl.Int64))).to_series()
    if "backdrop" in table.columns:
        return table["backdrop"].rank("dense").cast(pl.Int64)
    return pl.Series([1] * table.height, dtype=pl.Int64)
