"""A manifest: your own table of images, with paths relative to the file itself."""

from __future__ import annotations

from pathlib import Path

import polars as pl

from closerlook.attributes import Design, Factor
from closerlook.dataset.columns import plain
from closerlook.dataset.dataset import DESIGN_NAME, TABLE_NAME, Dataset, spelled
from closerlook.dataset.formats.listing import refuse_bad_names, refuse_names_outside
from closerlook.dataset.formats.splits import SPLIT_NAMES, as_splits
from closerlook.dataset.formats.texts import read_csv, read_jsonl
from closerlook.errors import CloserlookError
from closerlook.storage.tables import read_parquet

__all__ = ["MANIFEST_SUFFIXES", "TABLE_NAMES", "described", "named_table", "read_manifest", "read_own", "read_table"]

MANIFEST_SUFFIXES = frozenset({".csv", ".jsonl", ".parquet"})
TABLE_NAMES = (TABLE_NAME, "metadata.csv", "metadata.jsonl")  # in a folder of images; the first that is there counts


def read_manifest(path: Path) -> Dataset:
    """The data set that a manifest describes: ``file_name`` and, where known, ``identity``, ``camera``, ``split``.

    Other columns are attributes. Identities and cameras given as text are numbered from 1 in sorted order, and the text
    is kept in ``identity_label`` and ``camera_label``. A split may be called as others call it
    (:data:`closerlook.dataset.formats.splits.SPLIT_NAMES`); without that column all images are for training. Who names
    a manifest trusts it: its files may lie anywhere.

    Raises:
        CloserlookError: the file is not a table, lacks ``file_name``, repeats a file or names files that do not exist.
    """
    table = named_table(path)
    refuse_bad_names(path, table["file_name"], of=path.parent)
    return described(path, table)


def read_own(path: Path) -> Dataset:
    """The data set of a table among its images, which must all lie in its folder.

    Raises:
        CloserlookError: as :func:`read_manifest`, and where a file lies outside. Whether the files of a
            ``metadata.parquet`` exist is not looked at: closerlook writes it last.
    """
    table = named_table(path)
    refuse_names_outside(path, table["file_name"], of=path.parent)
    if path.name != TABLE_NAME:
        refuse_bad_names(path, table["file_name"], of=path.parent)
    return described(path, table if "split" in table.columns else _split_by_folder(table))


def _split_by_folder(table: pl.DataFrame) -> pl.DataFrame:
    """The table with the splits that the images' first folders name, as Hugging Face takes them, where all do."""
    split = (
        table["file_name"].str.extract("^([^/]+)/").replace_strict(SPLIT_NAMES, default=None, return_dtype=pl.String)
    )
    return table if split.null_count() else table.with_columns(split.alias("split"))


def described(path: Path, table: pl.DataFrame) -> Dataset:
    """The data set of a checked table, with the factors of the design beside it where it is a folder's own."""
    if table.schema.get("split") == pl.String:
        table = table.with_columns(as_splits(table["split"], str(path)))
    own = path.name in TABLE_NAMES
    design = path.parent / DESIGN_NAME
    factors = Design.load(design).factors if own and design.exists() else None
    for factor in factors or ():
        _refuse_other_levels(factor, design, path, table)
    name = path.parent.resolve().name if own else path.stem
    return Dataset.from_table(path.parent, table, name, factors, read_from=path)


def _refuse_other_levels(factor: Factor, design: Path, path: Path, table: pl.DataFrame) -> None:
    if factor.name not in table.columns:
        raise CloserlookError(f"{design} names the factor '{factor.name}', but {path} has no such column.")
    dtype, numbers = table[factor.name].dtype, not any(isinstance(level, str) for level in factor.levels)
    if not (dtype.is_numeric() if numbers else dtype == pl.String):
        wanted, found = "numbers" if numbers else "text", str(dtype).lower()
        raise CloserlookError(
            f"{path}: column '{factor.name}' must hold {wanted}, as the levels in {design} do, not {found}."
        )


def named_table(path: Path) -> pl.DataFrame:
    """The table in a file, with the column ``file_name`` and one spelling of each name.

    Raises:
        CloserlookError: the file is missing or is not what its suffix says, or has no such column.
    """
    table = plain(read_table(path))
    if "file_name" not in table.columns:
        raise CloserlookError(
            f"{path} has no column 'file_name'; it has {', '.join(table.columns) or 'none'}. Needed: file_name "
            "(relative to the manifest); useful: identity, camera, split (train, query, gallery) and attributes."
        )
    if table["file_name"].dtype != pl.String:
        raise CloserlookError(f"{path}: column 'file_name' must hold a path, as text, in every row.")
    return table.with_columns(spelled(table["file_name"]))


def read_table(path: Path) -> pl.DataFrame:
    """A CSV, JSONL or Parquet file as a table.

    Raises:
        CloserlookError: the file is missing or is not what its suffix says.
    """
    match path.suffix.lower():
        case ".parquet":
            return read_parquet(path, remedy="restore it")
        case ".csv":
            return read_csv(path)
        case ".jsonl":
            return read_jsonl(path)
    raise CloserlookError(f"{path}: a manifest must end in .csv, .jsonl or .parquet.")
