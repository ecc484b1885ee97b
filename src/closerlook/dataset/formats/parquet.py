"""A folder of Parquet shards with images among their columns, as Hugging Face's Hub has data sets."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

import polars as pl

from closerlook.dataset.columns import LABELS, numbered
from closerlook.dataset.dataset import Dataset
from closerlook.dataset.formats.listing import walk
from closerlook.dataset.formats.splits import SPLIT_NAMES, as_splits
from closerlook.dataset.shards import SUFFIX, has_images, labels
from closerlook.errors import CloserlookError, first_line

__all__ = ["read_shards", "shards_in"]


def shards_in(path: Path) -> list[str]:
    """The shards in a folder and all below it, relative to it, in sorted order."""
    names = (start + name for start, files in walk(path) for name in files if name.lower().endswith(SUFFIX))
    return sorted(name for name in names if has_images(path / name))


def read_shards(path: Path, shards: list[str]) -> Dataset:
    """The images in the shards of a folder.

    Where the tables have no column ``split``, a word in a shard's path says it, as in ``data/train-00000-of-00012``;
    shards without such a word are for training.

    Raises:
        CloserlookError: a shard is damaged, or the shards do not fit together.
    """
    parts = []
    for shard in shards:
        table = labels(path / shard)
        if "split" in table.columns:
            table = table.with_columns(as_splits(table["split"].cast(pl.String), str(path / shard)))
        else:
            table = table.with_columns(pl.lit(_split(shard)).alias("split"))
        numbered(
            table.select(LABELS.keys() & set(table.columns)), str(path / shard)
        )  # refuses, by the shard's own name
        parts.append(table.with_columns(pl.concat_str(pl.lit(f"{shard}/"), "file_name").alias("file_name")))
    try:
        table = pl.concat(parts, how="diagonal_relaxed")
    except pl.exceptions.PolarsError as error:
        why = _misfit(path, dict(zip(shards, parts, strict=True)))
        raise CloserlookError(why or f"The shards in {path} do not fit together ({first_line(error)}).") from None
    return Dataset.from_table(path, table, path.resolve().name, read_from=path)


def _misfit(path: Path, parts: Mapping[str, pl.DataFrame]) -> str:
    """Which shard holds other values under a column than the first one does; empty where none does."""
    (first, one), *others = parts.items()
    for shard, other in others:
        for name in one.columns:
            try:
                pl.concat([one.select(name), other.select({name} & set(other.columns))], how="diagonal_relaxed")
            except pl.exceptions.PolarsError:
                return (
                    f"{path / shard}: column '{name}' holds {str(other[name].dtype).lower()}, and in {path / first} "
                    f"{str(one[name].dtype).lower()}; give it one type in all shards."
                )
    return ""


def _split(shard: str) -> str:
    words = re.split(r"[^A-Za-z]+", shard)
    return next((SPLIT_NAMES[word] for word in words if word in SPLIT_NAMES), "train")
