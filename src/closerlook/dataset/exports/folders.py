"""Into a folder of images and their table: closerlook's own, or Hugging Face's ImageFolder with a folder a split."""

from __future__ import annotations

from pathlib import Path

import polars as pl

from closerlook.dataset.dataset import TABLE_NAME, Dataset
from closerlook.dataset.exports.card import CARD_NAME, card_of
from closerlook.dataset.exports.copying import copy_images, portable_names, save_design, save_table
from closerlook.storage.files import atomic_path
from closerlook.storage.tables import write_parquet

__all__ = ["export_imagefolder", "export_table"]

SPLIT_FOLDERS = {"train": "train", "query": "test", "gallery": "test"}  # Hugging Face knows neither query nor gallery


def export_table(dataset: Dataset, out: Path, *, link: bool = False) -> None:
    """Copy images, bytes unchanged, beside a ``metadata.parquet`` that names them relative to the folder.

    They keep their names unless one leads out of the data set's folder, or Hugging Face's ImageFolder would take it for
    hidden or for a split's; then all lie in ``images``.

    Args:
        link: by hard links, which take no room, where the file system allows them.

    Raises:
        CloserlookError: an image is missing or empty.
    """
    names = portable_names(dataset)
    with atomic_path(out) as draft:
        draft.mkdir(parents=True)
        copy_images(dataset, names, draft, link=link)
        save_table(dataset, draft, dataset.table.with_columns(names))


def export_imagefolder(dataset: Dataset, out: Path, *, license: str) -> None:
    """Copy images into ``train`` and ``test``, each with a ``metadata.parquet``, beside a data set card.

    ``load_dataset("imagefolder", data_dir=OUT)`` gives both splits; ``test`` holds query and gallery, and the column
    ``split`` says which.

    Raises:
        CloserlookError: an image is missing or empty.
    """
    names = portable_names(dataset)
    folders = dataset.table["split"].replace_strict(SPLIT_FOLDERS, return_dtype=pl.String)
    with atomic_path(out) as draft:
        draft.mkdir(parents=True)
        copy_images(dataset, folders + "/" + names, draft)
        table = dataset.table.with_columns(names)
        for folder in folders.unique().sort():
            write_parquet(table.filter(folders == folder), draft / folder / TABLE_NAME)
        save_design(dataset, draft)
        (draft / CARD_NAME).write_text(card_of(dataset, license, "imagefolder"), encoding="utf-8")
