"""Taking a data set out: into the Market-1501 layout that every re-ID toolbox reads, or as a table alone."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import polars as pl
from PIL import Image

from closerlook.attributes import Design
from closerlook.compute.progress import progress
from closerlook.dataset.dataset import DISTRACTOR, JUNK, Dataset
from closerlook.dataset.decoding import read_bytes, read_image
from closerlook.dataset.formats.market1501 import FOLDERS
from closerlook.errors import CloserlookError, unknown
from closerlook.storage.files import atomic_path

__all__ = ["LAYOUTS", "export"]

JPEG_QUALITY = 95
POSITION = ("sequence", "frame", "box")  # of an image in its camera's recording


def export(dataset: Dataset, out: str | Path, *, layout: str = "market1501") -> Dataset:
    """Write ``dataset`` in another layout and return it as it now lies there; see :data:`LAYOUTS`.

    ``market1501`` copies images to ``bounding_box_train``, ``query`` and ``bounding_box_test`` under names like
    ``0002_c1s1_000451_03.jpg``; those that are not JPEG are encoded (quality 95). Sequence, frame and box are kept
    where the table has them, else images are numbered within their identity and camera. Identities and cameras keep
    their numbers, but all are raised by one where 0 is a person (the layout's 0 is a distractor) or a camera (the
    layout counts from 1). The table, with all attributes, is written beside the folders. Toolboxes that
    read one digit of camera, as most do, misread camera 10 and above.

    ``table`` writes only ``metadata.parquet``, pointing at the images where they are; open it as
    ``manifest:OUT/metadata.parquet``, for a folder's own table may not lead out of it.

    Raises:
        UsageError: the layout's name is unknown.
        CloserlookError: ``out`` exists already, or an image lacks an identity or a camera, or a number that its name
            is made of is none.
    """
    if layout not in LAYOUTS:
        raise unknown("layout", layout, LAYOUTS)
    folder = Path(out)
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise CloserlookError(f"{folder} exists already; remove it or choose another output folder.")
    return LAYOUTS[layout](dataset, folder)


def _export_table(dataset: Dataset, out: Path) -> Dataset:
    home = out.resolve()
    names = [
        path.relative_to(home).as_posix() if path.is_relative_to(home) else str(path)
        for path in (path.resolve() for path in dataset.paths)
    ]
    table = dataset.table.with_columns(file_name=pl.Series(names, dtype=pl.String))
    with atomic_path(out) as draft:
        _save_table(dataset, draft, table)
    return Dataset(out, table, dataset.name, dataset.factors)


def _export_market1501(dataset: Dataset, out: Path) -> Dataset:
    table = _market_table(dataset)
    with atomic_path(out) as draft, progress(f"Copying {dataset.name}", len(dataset)) as advance:
        for folder in FOLDERS:
            (draft / folder).mkdir(parents=True)
        for source, name in zip(dataset.paths, table["file_name"], strict=True):
            _copy_as_jpeg(source, draft / name)
            advance(1)
        _save_table(dataset, draft, table)
    return Dataset(out, table, dataset.name, dataset.factors)


def _save_table(dataset: Dataset, out: Path, table: pl.DataFrame) -> None:
    moved = Dataset(out, table, dataset.name, dataset.factors)
    people = moved.counts()["identities"]
    moved.save(Design(dataset.name.partition("/")[0], max(1, people), dataset.factors))


def _copy_as_jpeg(source: Path, to: Path) -> None:
    if source.suffix.lower() not in (".jpg", ".jpeg"):
        Image.fromarray(read_image(source)).save(to, quality=JPEG_QUALITY, subsampling=0)
        return
    to.write_bytes(read_bytes(source))


def _market_table(dataset: Dataset) -> pl.DataFrame:
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


def _digits(column: str, width: int) -> pl.Expr:
    return pl.col(column).cast(pl.String).str.zfill(width)


LAYOUTS: dict[str, Callable[[Dataset, Path], Dataset]] = {"market1501": _export_market1501, "table": _export_table}
