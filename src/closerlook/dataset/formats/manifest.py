"""A manifest: your own table of images, CSV or Parquet, with paths relative to the file itself."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import polars as pl

from closerlook.dataset.table import Dataset
from closerlook.errors import CloserlookError

__all__ = ["MANIFEST_SUFFIXES", "missing_files", "number_labels", "read_manifest", "read_table", "refuse_bad_names"]

MANIFEST_SUFFIXES = frozenset({".csv", ".parquet"})
SHOWN = 3


def read_manifest(path: Path) -> Dataset:
    """The data set that a manifest describes: ``file_name`` and, where known, ``identity``, ``camera``, ``split``.

    Other columns are attributes. Identities and cameras given as text are numbered from 1 in sorted order, and the text
    is kept in ``identity_label`` and ``camera_label``. Without a ``split`` column all images are for training.

    Raises:
        CloserlookError: the file is not a table, lacks ``file_name``, repeats a file or names files that do not exist.
    """
    table = read_table(path)
    if "file_name" not in table.columns:
        raise CloserlookError(
            f"{path} has no column 'file_name'; it has {', '.join(table.columns) or 'none'}. Needed: file_name "
            "(relative to the manifest); useful: identity, camera, split (train, query, gallery) and attributes."
        )
    table = table.with_columns(pl.col("file_name").cast(pl.String))
    refuse_bad_names(path, table["file_name"], of=path.parent)
    table, labels = number_labels(table)
    data = Dataset.from_table(path.parent, table, path.stem)
    return replace(data, factors=tuple(factor for factor in data.factors if factor.name not in labels))


def number_labels(table: pl.DataFrame) -> tuple[pl.DataFrame, list[str]]:
    """The table with people and cameras that are text numbered from 1 in sorted order, and the new columns' names."""
    texts = [column for column in ("identity", "camera") if _is_text(table, column)]
    labels = [pl.col(column).alias(f"{column}_label") for column in texts]
    numbers = [pl.col(column).rank("dense").cast(pl.Int64) for column in texts]
    return table.with_columns(*labels, *numbers), [f"{column}_label" for column in texts]


def read_table(path: Path) -> pl.DataFrame:
    """A CSV or Parquet file as a table.

    Raises:
        CloserlookError: the file is missing or is not what its suffix says.
    """
    if path.suffix.lower() not in MANIFEST_SUFFIXES:
        raise CloserlookError(f"{path}: a manifest must end in .csv or .parquet.")
    try:
        if path.suffix.lower() == ".parquet":
            return pl.read_parquet(path)
        return pl.read_csv(path, infer_schema_length=None)
    except (FileNotFoundError, IsADirectoryError):
        raise CloserlookError(f"There is no manifest {path}.") from None
    except (pl.exceptions.PolarsError, OSError) as error:
        raise CloserlookError(f"{path} cannot be read as a table: {str(error).splitlines()[0]}") from None


def missing_files(root: Path, names: Iterable[str]) -> list[str]:
    """Those of ``names`` that are not files under ``root``, found by listing each folder once."""
    by_folder: defaultdict[str, list[str]] = defaultdict(list)
    for name in names:
        by_folder[os.path.dirname(name)].append(name)  # noqa: PTH120 - Path is far slower on half a million names
    missing = []
    for folder, members in by_folder.items():
        try:
            present = set(os.listdir(root / folder))  # noqa: PTH208
        except OSError:
            present = set()
        missing += [name for name in members if os.path.basename(name) not in present]  # noqa: PTH119
    return missing


def refuse_bad_names(path: Path, names: pl.Series, *, of: Path) -> None:
    """Raise where a file is unnamed, named twice or missing below the folder ``of``; ``path`` is who names them."""
    if names.null_count():
        raise CloserlookError(f"{path}: {names.null_count():,} of {len(names):,} rows have no file_name.")
    repeated = names.filter(names.is_duplicated()).unique(maintain_order=True)
    if len(repeated):
        raise CloserlookError(f"{path}: {len(repeated):,} files are named twice: {_shown(repeated.to_list())}.")
    missing = missing_files(of, names)
    if missing:
        raise CloserlookError(
            f"{path}: {len(missing):,} of {len(names):,} files do not exist under {of}: {_shown(missing)}."
        )


def _shown(names: list[str]) -> str:
    return ", ".join(names[:SHOWN]) + (", ..." if len(names) > SHOWN else "")


def _is_text(table: pl.DataFrame, column: str) -> bool:
    """Whether the column holds text that is not whole numbers written out."""
    if column in table.columns and table[column].dtype == pl.String:
        values = table[column].drop_nulls()
        return values.cast(pl.Int64, strict=False).null_count() > 0
    return False
