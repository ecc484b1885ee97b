"""A folder of Parquet shards with images among their columns, as Hugging Face's Hub has data sets."""

from __future__ import annotations

import re
from pathlib import Path

import polars as pl

from closerlook.dataset.columns import LABELS, numbered
from closerlook.dataset.dataset import Dataset
from closerlook.dataset.formats.listing import walk
from closerlook.dataset.formats.splits import SPLIT_NAMES, as_splits
from closerlook.dataset.shards import SUFFIX, has_images, labels
from closerlook.errors import CloserlookError

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
        numbered(table.select(LABELS.keys() & set(table.columns)), str(path / shard))  # refuses, by the shard's own name
        parts.append(table.with_columns(pl.concat_str(pl.lit(f"{shard}/"), "file_name").alias("file_name")))
        _refuse_misfit(path, shards[0], parts[0], shard, parts[-1])
    table = pl.concat(parts, how="diagonal_relaxed")
    return Dataset.from_table(path, table, path.resolve().name, read_from=path)


def _refuse_misfit(path: Path, first: str, one: pl.DataFrame, shard: str, other: pl.DataFrame) -> None:
    """Raise where a shard holds a column that another kind of value stands under in the first one."""
    for name in set(one.columns) & set(other.columns):
        try:
            pl.concat([one.select(name).clear(), other.select(name).clear()], how="vertical_relaxed")
        except pl.exceptions.PolarsError:
            raise CloserlookError(
                f"{path / shard}: column '{name}' holds {str(other[name].dtype).lower()}, and in {path / first} "
                f"{str(one[name].dtype).lower()}: give it one type in all shards."
            ) from None


def _split(shard: str) -> str:
    words = re.split(r"[^A-Za-z]+", shard)
    return next((SPLIT_NAMES[word] for word in words if word in SPLIT_NAMES), "train")
