"""A folder: closerlook's own (``metadata.parquet``), or plain images without any labels."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import polars as pl

from closerlook.attributes import Design
from closerlook.dataset.decoding import SUFFIXES
from closerlook.dataset.formats.manifest import number_labels, read_manifest, read_table
from closerlook.dataset.formats.market1501 import FOLDERS
from closerlook.dataset.table import DESIGN_NAME, TABLE_NAME, Dataset
from closerlook.errors import CloserlookError

__all__ = ["read_folder"]


def read_folder(path: Path) -> Dataset:
    """The data set in a folder.

    With ``metadata.parquet`` (and, for its factors, ``design.yaml``) it is read as closerlook wrote it, people and
    cameras that are text being numbered; with ``metadata.csv`` as a manifest. Without either it is an unlabelled
    target: every image in it and its subfolders, in sorted order, identity and camera unknown.

    Raises:
        CloserlookError: the folder is missing or holds no images, or its table is damaged.
    """
    if not path.is_dir():
        raise CloserlookError(f"{path} is not a folder; for a manifest give a path that ends in .csv or .parquet.")
    if (path / TABLE_NAME).exists():
        return _read_own(path)
    if (path / "metadata.csv").exists():
        return read_manifest(path / "metadata.csv")
    if all((path / name).is_dir() for name in FOLDERS):
        raise CloserlookError(f"{path} has the layout of Market-1501; open it as market1501:{path}.")
    return _read_plain(path)


def _read_own(path: Path) -> Dataset:
    table = read_table(path / TABLE_NAME)
    design = path / DESIGN_NAME
    factors = Design.load(design).factors if design.exists() else None
    lost = [factor.name for factor in factors or () if factor.name not in table.columns]
    if lost:
        raise CloserlookError(f"{design} names the factor '{lost[0]}', but {path / TABLE_NAME} has no such column.")
    table, labels = number_labels(table)
    data = Dataset.from_table(path, table, path.resolve().name, factors)
    return replace(data, factors=tuple(factor for factor in data.factors if factor.name not in labels))


def _read_plain(path: Path) -> Dataset:
    names = sorted(
        file.relative_to(path).as_posix()
        for file in path.rglob("*")
        if file.suffix.lower() in SUFFIXES and not any(part.startswith(".") for part in file.relative_to(path).parts)
    )
    if not names:
        raise CloserlookError(f"There are no images in {path} (looked for {', '.join(sorted(SUFFIXES))}).")
    return Dataset.from_table(path, pl.DataFrame({"file_name": names}), path.resolve().name, factors=())
