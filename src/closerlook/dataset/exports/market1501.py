"""Into the Market-1501 layout, which every re-ID toolbox reads, each with limits of its own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import polars as pl

from closerlook.compute.progress import console, progress
from closerlook.dataset.dataset import DISTRACTOR, JUNK, Dataset
from closerlook.dataset.exports.copying import copy_as_jpeg, save_table
from closerlook.dataset.formats.market1501 import FOLDERS
from closerlook.errors import CloserlookError
from closerlook.storage.files import atomic_path

__all__ = ["MOST_CAMERAS", "MOST_PEOPLE", "export_market1501", "export_market1501_parts"]

POSITION = ("sequence", "frame", "box")  # of an image in its camera's recording
# What torchreid and fast-reid take: one digit of camera in the name, and asserted numbers.
MOST_CAMERAS, MOST_PEOPLE = 6, 1501


def export_market1501(dataset: Dataset, out: Path) -> None:
    """Copy images to ``bounding_box_train``, ``query`` and ``bounding_box_test``, named like 0002_c1s1_000451_03.jpg.

    Images that are not JPEG are encoded (quality 95). Sequence, frame and box are kept where the table has them, else
    images are numbered within their identity and camera. Identities and cameras keep their numbers, but all are raised
    by one where 0 is a person (the layout's 0 is a distractor) or a camera (the layout counts from 1). The table, with
    all attributes, is written beside the folders.

    Raises:
        CloserlookError: an image lacks an identity or a camera, a number that its name is made of is none, or
            toolboxes would misread a number.
    """
    table = _named(dataset)
    _refuse_misread(dataset.name, table)
    _note_empty(dataset)
    with atomic_path(out) as draft, progress(f"Copying {dataset.name}", len(dataset)) as advance:
        for source, name in _made(dataset, table, draft):
            copy_as_jpeg(source, draft / name)
            advance(1)


def export_market1501_parts(dataset: Dataset, out: Path) -> None:
    """Write ``part-1``, ``part-2``, ...: each in the Market-1501 layout, of at most 6 cameras and 1,501 people.

    Cameras and people are numbered from 1 in each part, in the order of their numbers, which the table keeps as
    ``source_camera`` and ``source_identity``. Images of one person in different groups of cameras are in different
    parts; junk and distractors are with the first people of their cameras.

    Raises:
        CloserlookError: as :func:`export_market1501`, but for numbers that would be misread.
    """
    _named(dataset)  # refuses before anything is cut
    _note_empty(dataset)
    parts = [(part, _named(part)) for part in _parts(dataset)]
    with atomic_path(out) as draft, progress(f"Copying {dataset.name}", len(dataset)) as advance:
        for number, (part, table) in enumerate(parts, 1):
            for source, name in _made(part, table, draft / f"part-{number}"):
                copy_as_jpeg(source, draft / f"part-{number}" / name)
                advance(1)


def _made(dataset: Dataset, table: pl.DataFrame, out: Path) -> Iterator[tuple[str, str]]:
    """Each image and the name that it is to get, between the folders before it and the table after it."""
    for folder in FOLDERS:
        (out / folder).mkdir(parents=True)
    yield from zip(dataset.files, table["file_name"], strict=True)
    save_table(dataset, out, table)


def _parts(dataset: Dataset) -> Iterator[Dataset]:
    table = dataset.table
    cameras = table["camera"].unique().sort().to_list()
    people = table["identity"].filter(table["identity"] >= 0).unique().sort().to_list()
    for camera in range(0, len(cameras), MOST_CAMERAS):
        filmed = cameras[camera : camera + MOST_CAMERAS]
        for person in range(0, max(1, len(people)), MOST_PEOPLE):
            known = people[person : person + MOST_PEOPLE]
            nobody = [] if person else [JUNK, DISTRACTOR]
            part = dataset.filter(pl.col("camera").is_in(filmed) & pl.col("identity").is_in([*known, *nobody]))
            if len(part):
                renumbered = part.table.with_columns(
                    pl.col("camera").alias("source_camera"),
                    pl.col("identity").alias("source_identity"),
                    _numbers("camera", filmed),
                    pl.coalesce(_numbers("identity", known), "identity").alias("identity"),
                )
                yield Dataset(dataset.root, renumbered, dataset.name, dataset.factors)


def _numbers(column: str, values: list[int]) -> pl.Expr:
    numbers = {value: number for number, value in enumerate(values, 1)}
    return pl.col(column).replace_strict(numbers, default=None, return_dtype=pl.Int64)


def _named(dataset: Dataset) -> pl.DataFrame:
    """The table with the layout's numbers and file names."""
    _refuse_missing(dataset)
    table = dataset.table.with_columns(pl.col("camera") + (pl.col("camera").min() == 0).cast(pl.Int64))
    if table.filter(pl.col("identity") == 0).height:
        table = table.with_columns(pl.when(pl.col("identity") >= 0).then(pl.col("identity") + 1).otherwise("identity"))
    if not set(POSITION) <= set(table.columns):
        number = pl.int_range(pl.len(), dtype=pl.Int64).over("identity", "camera") + 1
        table = table.with_columns(pl.lit(1).alias("sequence"), number.alias("frame"), pl.lit(0).alias("box"))
    folder = pl.col("split").replace_strict({split: folder for folder, split in FOLDERS.items()})
    no_person = {DISTRACTOR: "0000", JUNK: "-1"}
    identity = pl.coalesce(pl.col("identity").replace_strict(no_person, default=None), _digits("identity", 4))
    name = pl.format(
        "{}/{}_c{}s{}_{}_{}.jpg", folder, identity, "camera", "sequence", _digits("frame", 6), _digits("box", 2)
    )
    table = table.with_columns(name.alias("file_name"))
    repeated = table["file_name"].is_duplicated()
    if repeated.any():
        raise CloserlookError(
            f"{dataset.name}: {int(repeated.sum()):,} images would share a name in the Market-1501 layout, first "
            f"{table['file_name'].filter(repeated)[0]}; drop the columns sequence, frame and box to number them anew."
        )
    return table


def _refuse_missing(dataset: Dataset) -> None:
    for column, values in (("identity", dataset.table["identity"]), ("camera", dataset.table["camera"])):
        if values.null_count():
            raise CloserlookError(
                f"{dataset.name}: {values.null_count():,} of {len(dataset):,} images have no {column}, which the "
                f"Market-1501 layout needs in every name. Give the table a full '{column}' column."
            )
    for column in {"camera", *POSITION} & set(dataset.table.columns):
        values = dataset.table[column]
        if not values.dtype.is_integer() or values.null_count() or (values < 0).any():
            raise CloserlookError(
                f"{dataset.name}: column '{column}' becomes part of names in the Market-1501 layout and must hold "
                "whole numbers from 0 on in every row; mend it, or drop sequence, frame and box to number images anew."
            )


def _refuse_misread(name: str, table: pl.DataFrame) -> None:
    """What toolboxes read as something else, or stop at: of camera 34 they see camera 3."""
    highest = {column: int(str(table[column].max())) for column in ("camera", "identity")}
    if highest["camera"] <= MOST_CAMERAS and highest["identity"] <= MOST_PEOPLE:
        return
    raise CloserlookError(
        f"{name} has cameras up to {highest['camera']} and people up to {highest['identity']:,}, and the toolboxes "
        f"that read the Market-1501 layout (torchreid, fast-reid) take cameras 1 to {MOST_CAMERAS}, of which they read "
        f"one digit, and people up to {MOST_PEOPLE:,}. Export with --parts, into folders that they read, numbered "
        "anew, or into another format."
    )


def _note_empty(dataset: Dataset) -> None:
    """Say which folders will have no image, which toolboxes stop at."""
    splits = set(dataset.table["split"].unique())
    empty = [folder for folder, split in FOLDERS.items() if split not in splits]
    if empty:
        console.print(
            f"{dataset.name} has no images for {' and '.join(empty)}: torchreid and fast-reid need some in all of "
            f"{', '.join(FOLDERS)}. Give the table's column 'split' query and gallery images, or train on these only "
            "beside another data set's."
        )


def _digits(column: str, width: int) -> pl.Expr:
    return pl.col(column).cast(pl.String).str.zfill(width)
