"""CUHK03: detected and labeled boxes, by its new protocol (767 people to train on, 700 to test) or its classic one.

Images as the field's toolboxes extract them: ``images_detected`` and ``images_labeled`` with names like
``1_001_2_06.png``, which are pair of cameras, person of that pair, camera of the pair, image. The released
``cuhk-03.mat`` holds them inside: see :mod:`closerlook.dataset.formats.cuhk03_mat`.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path, PurePosixPath
from typing import Any

import polars as pl
from scipy.io import loadmat

from closerlook.dataset.dataset import Dataset
from closerlook.dataset.formats.listing import image_files, shown
from closerlook.dataset.formats.texts import read_json
from closerlook.errors import CloserlookError, first_line

__all__ = ["READERS", "VARIANTS", "VIEWS", "labeled_table", "new_config", "new_splits"]

# format -> protocol, kind of boxes
VARIANTS = {
    "cuhk03-detected": ("new", "detected"),
    "cuhk03-labeled": ("new", "labeled"),
    "cuhk03-classic-detected": ("classic", "detected"),
    "cuhk03-classic-labeled": ("classic", "labeled"),
}
EXAMPLE = "1_001_2_06.png"
NAME = r"^(?P<pair>\d{1,2})_(?P<person>\d{1,6})_(?P<view>[12])_(?P<image>\d{1,3})\.(?i:png|jpe?g|bmp)$"
PEOPLE = ("pair", "person")
VIEWS = {1: "query", 2: "gallery"}  # of the classic protocol, which asks one camera of a pair for what the other saw


def _read(variant: str, path: Path) -> Dataset:
    """The data set in a folder that holds ``images_detected`` or ``images_labeled`` and the protocol's own file.

    The new protocol is in ``cuhk03_new_protocol_config_detected.mat`` or ``splits_new_detected.json``, the classic one
    (the first of its twenty splits) in ``splits_classic_detected.json``; with ``labeled`` for labeled boxes.

    Raises:
        CloserlookError: a folder or file is missing, or an image is named otherwise or is in no split.
    """
    protocol, kind = VARIANTS[variant]
    if path.suffix.lower() == ".mat":
        raise CloserlookError(
            f"{path} holds its images inside: write them out first, by 'closerlook dataset import {variant}:{path} "
            "--out FOLDER', and open that folder."
        )
    folder = path / f"images_{kind}"
    if not folder.is_dir():
        raise CloserlookError(
            f"{path} has no folder {folder.name} with images like {EXAMPLE}, which {variant} needs; or import the "
            "released cuhk-03.mat."
        )
    names = image_files(folder)
    if not names:
        raise CloserlookError(f"There are no images in {folder}; {variant} has images like {EXAMPLE}.")
    splits = _published(path, protocol, kind)
    table = labeled_table(variant, folder, names, splits)
    listed = {*splits} - {PurePosixPath(name).name for name in names}
    if listed:
        raise CloserlookError(f"{folder} lacks {len(listed):,} images of its protocol, first {sorted(listed)[0]}.")
    named = pl.concat_str(pl.lit(f"{folder.name}/"), "file_name").alias("file_name")
    return Dataset.from_table(path, table.with_columns(named), variant, ())


def labeled_table(variant: str, where: Path, names: Iterable[str], splits: Mapping[str, str]) -> pl.DataFrame:
    """One row per image: people numbered from 1 over all pairs, camera 1 or 2 of the pair, and the split.

    Raises:
        CloserlookError: an image is named otherwise, or is in no split.
    """
    table = pl.DataFrame({"file_name": list(names)})
    base = table["file_name"].str.extract("([^/]*)$")
    said = base.str.extract_groups(NAME).struct.unnest().cast(pl.Int64, strict=False)
    strange = table["file_name"].filter(said["pair"].is_null())
    if len(strange):
        raise CloserlookError(
            f"{where}: {len(strange):,} of {len(table):,} images are not named like {EXAMPLE}, as {variant} has them: "
            f"{shown(strange.to_list())}."
        )
    split = base.replace_strict(dict(splits), default=None, return_dtype=pl.String)
    if split.null_count():
        left = table["file_name"].filter(split.is_null())
        raise CloserlookError(
            f"{where}: {len(left):,} of {len(table):,} images are in no split of {variant}: {shown(left.to_list())}."
        )
    identity = pl.struct(PEOPLE).rank("dense").cast(pl.Int64).alias("identity")
    labels = said.select(identity, "pair", pl.col("view").alias("camera"))
    return table.with_columns(labels).with_columns(split.alias("split"))


def _published(path: Path, protocol: str, kind: str) -> dict[str, str]:
    """The split of each image, by its name."""
    config, lists = new_config(path, kind), path / f"splits_{protocol}_{kind}.json"
    if protocol == "new" and config.exists():
        return new_splits(config)
    if not lists.exists():
        wanted = f"{config.name} or {lists.name}" if protocol == "new" else lists.name
        raise CloserlookError(f"{path} lacks {wanted}, which says which images are trained and tested on.")
    return _listed(lists, protocol)


def new_config(folder: Path, kind: str) -> Path:
    """The file of the new protocol's split, as its authors publish it."""
    return folder / f"cuhk03_new_protocol_config_{kind}.mat"


def new_splits(path: Path) -> dict[str, str]:
    """The split of each image by its name, of the new protocol's own file.

    Raises:
        CloserlookError: the file is missing or damaged.
    """
    try:
        with path.open("rb") as file:
            values = loadmat(file)
        names = [str(name[0]) for name in values["filelist"].ravel()]
        return {
            names[int(number) - 1]: split
            for split in ("train", "query", "gallery")
            for number in values[f"{split}_idx"].ravel()
        }
    except FileNotFoundError:
        raise CloserlookError(f"There is no file {path}, which says which images are trained and tested on.") from None
    except Exception as error:  # the reader raises whatever the damage leads to
        raise CloserlookError(
            f"{path} is no configuration of CUHK03's new protocol ({first_line(error)}): fetch it again."
        ) from None


def _listed(path: Path, protocol: str) -> dict[str, str]:
    """The first split of a list that toolboxes write: images as ``[path, person, camera]``."""
    try:
        first: Any = read_json(path)[0]
        parts = {
            split: [PurePosixPath(entry[0].replace("\\", "/")).name for entry in first[split]]
            for split in ("train", "query", "gallery")
        }
    except (LookupError, TypeError, AttributeError) as error:
        raise CloserlookError(f"{path} is no list of CUHK03's splits ({first_line(error)}): write it again.") from None
    if protocol == "classic":  # query and gallery hold all test images there
        tested = set(parts["query"]) | set(parts["gallery"])
        parts |= {split: [name for name in tested if _view(path, name) == view] for view, split in VIEWS.items()}
    return {name: split for split, names in parts.items() for name in names}


def _view(path: Path, name: str) -> int:
    fields = name.split("_")
    if len(fields) != 4 or fields[2] not in ("1", "2"):
        raise CloserlookError(f"{path} lists the image {name}, which is not named like {EXAMPLE}.")
    return int(fields[2])


READERS: dict[str, Callable[[Path], Dataset]] = {name: functools.partial(_read, name) for name in VARIANTS}
