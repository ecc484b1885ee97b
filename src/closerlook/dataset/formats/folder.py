"""A folder: closerlook's own (``metadata.parquet``), one of Hugging Face's form, or plain images without any labels."""

from __future__ import annotations

from pathlib import Path, PurePosixPath

import polars as pl

from closerlook.dataset.dataset import Dataset
from closerlook.dataset.decoding import SUFFIXES
from closerlook.dataset.formats.listing import (
    image_files,
    is_image,
    refuse_bad_names,
    refuse_names_outside,
    refuse_other_encodings,
    shown,
    walk,
)
from closerlook.dataset.formats.manifest import TABLE_NAMES, described, named_table, read_own
from closerlook.dataset.formats.market1501 import FOLDERS
from closerlook.dataset.formats.parquet import read_shards, shards_in
from closerlook.dataset.formats.splits import SPLIT_NAMES
from closerlook.dataset.shards import SUFFIX
from closerlook.errors import CloserlookError, first_line

__all__ = ["has_table", "read_folder"]


def read_folder(path: Path) -> Dataset:
    """The data set in a folder.

    With ``metadata.parquet`` (and, for its factors, ``design.yaml``), ``metadata.csv`` or ``metadata.jsonl`` it is what
    that table says, people and cameras that are text being numbered. With such a table in each of the folders
    ``train``, ``query`` and ``gallery`` (or ``train``, ``validation`` and ``test``, see
    :data:`closerlook.dataset.formats.splits.SPLIT_NAMES`), as Hugging Face's ImageFolder has it, it is all of them.
    With Parquet shards that hold images it is those (see :mod:`closerlook.dataset.formats.parquet`).
    Without any it is an unlabeled target: every image in it and its subfolders, links followed, in sorted order,
    identity and camera unknown.

    Raises:
        CloserlookError: the folder is missing or holds no images, its table is damaged or names files outside, or
            tables lie where nothing says what they mean.
    """
    if not path.is_dir():
        raise CloserlookError(f"{path} is not a folder; for a manifest give a path that ends in .csv or .parquet.")
    for name in TABLE_NAMES:
        if (path / name).exists():
            return read_own(path / name)
    if all((path / name).is_dir() for name in FOLDERS):
        raise CloserlookError(f"{path} has the layout of Market-1501; open it as market1501:{path}.")
    tables = {start: name for start, files in walk(path) for name in reversed(TABLE_NAMES) if name in files}
    return _read_splits(path, tables) if tables else _read_plain(path)


def has_table(path: Path) -> bool:
    """Whether a folder says itself what its images are: in a table of its own, or in one for each split."""
    if any((path / name).exists() for name in TABLE_NAMES):
        return True
    return any((path / split / name).exists() for split in SPLIT_NAMES for name in TABLE_NAMES)


def _read_plain(path: Path) -> Dataset:
    names = image_files(path)
    if not names:
        shards = shards_in(path)
        if shards:
            return read_shards(path, shards)
        tables = [start + name for start, files in walk(path) for name in files if name.lower().endswith(SUFFIX)]
        raise CloserlookError(
            f"There are no images in {path} (looked for {', '.join(sorted(SUFFIXES))}, and Parquet files with a column "
            f"'image' of bytes and paths{f', which have not: {shown(tables)}' if tables else ''})."
        )
    return Dataset.from_table(path, pl.DataFrame({"file_name": names}), path.resolve().name, factors=())


def _read_splits(path: Path, tables: dict[str, str]) -> Dataset:
    """The data set whose ``tables`` (folder -> name of its table) describe a split each."""
    parts = [_read_split(path, start, name) for start, name in sorted(tables.items())]
    loose = [
        start + name
        for start, files in walk(path)
        if not start.startswith(tuple(tables))
        for name in files
        if is_image(name)
    ]
    refuse_other_encodings(path, loose)
    if loose:
        raise CloserlookError(
            f"{path}: {len(loose):,} images lie outside of the folders that have a table ({shown(sorted(tables))}): "
            f"{shown(loose)}. Describe them too, or name one of the folders."
        )
    try:
        table = pl.concat(parts, how="diagonal_relaxed")
    except pl.exceptions.PolarsError as error:
        raise CloserlookError(
            f"The tables in {path} do not fit together ({first_line(error)}): {shown(sorted(tables))}."
        ) from None
    return described(path / TABLE_NAMES[0], table)


def _read_split(path: Path, start: str, name: str) -> pl.DataFrame:
    folder, source = path / start, path / start / name
    table = named_table(source)
    refuse_names_outside(source, table["file_name"], of=folder)
    refuse_bad_names(source, table["file_name"], of=folder)
    split = PurePosixPath(start).name
    if "split" not in table.columns:
        if split not in SPLIT_NAMES:
            raise CloserlookError(
                f"{source} describes images, but nothing says of which split: call its folder train, query or gallery, "
                f"give it a column 'split', or open {folder} by itself."
            )
        table = table.with_columns(pl.lit(SPLIT_NAMES[split]).alias("split"))
    elif split not in SPLIT_NAMES:
        raise CloserlookError(
            f"{source} describes a data set of its own; open {folder}, or join the tables to {path / TABLE_NAMES[1]}."
        )
    return table.with_columns(pl.concat_str(pl.lit(start), "file_name").alias("file_name"))
