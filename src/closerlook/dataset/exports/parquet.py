"""Into Parquet as the Hugging Face Hub takes it: image bytes beside their labels, features that say so, and a card."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray
from typing_extensions import TypedDict

from closerlook.compute.progress import progress
from closerlook.dataset.dataset import SPLITS, Dataset
from closerlook.dataset.decoding import read_whole
from closerlook.dataset.exports.card import CARD_NAME, card_of
from closerlook.dataset.exports.copying import portable_names
from closerlook.errors import CloserlookError, UsageError
from closerlook.storage.files import atomic_path

__all__ = ["export_parquet", "hub_features"]

SHARD_BYTES = 2**28  # of images in a file
ROW_GROUP = 100  # images, which are held in memory


class Picture(TypedDict):
    """An image as Hugging Face's feature ``Image`` is stored."""

    bytes: bytes
    path: str


_TYPES = {
    **{getattr(pl, f"{sign}nt{bits}"): f"{sign.lower()}nt{bits}" for sign in ("I", "UI") for bits in (8, 16, 32, 64)},
    pl.Float32: "float32",
    pl.Float64: "float64",
    pl.String: "string",
    pl.Boolean: "bool",
    pl.Null: "null",
    pl.Date: "date32",
}


def export_parquet(dataset: Dataset, out: Path, *, license: str) -> None:
    """Write ``data/train-00000-of-00001.parquet`` and so on, a run of files a split, beside a data set card.

    The column ``image`` holds the files' bytes as they are; all others are those of the table. Both
    ``load_dataset(OUT)`` and ``load_dataset("parquet", data_dir=OUT)`` give images, labels and the splits.

    Raises:
        UsageError: pyarrow is not installed.
        CloserlookError: an image is missing or empty, the table has a column ``image``, or one of a kind that Hugging
            Face has not.
    """
    try:
        import pyarrow
        from pyarrow import parquet
    except ImportError:
        raise UsageError("Parquet for the Hub needs the package pyarrow: pip install 'closerlook[hub]'.") from None
    features = hub_features(dataset)
    says = {"huggingface": json.dumps({"info": {"features": features}})}
    picture = pyarrow.struct({"bytes": pyarrow.binary(), "path": pyarrow.string()})
    rest = dataset.table.drop("file_name").to_arrow()
    schema = pyarrow.schema([pyarrow.field("image", picture), *rest.schema]).with_metadata(says)
    names = portable_names(dataset)
    splits = [split for split in SPLITS if (dataset.table["split"] == split).any()]
    with atomic_path(out) as draft, progress(f"Packing {dataset.name}", len(dataset)) as advance:
        (draft / "data").mkdir(parents=True)
        for split in splits:
            batches = _batches(dataset, names, np.flatnonzero(dataset.table["split"] == split))
            files: list[Path] = []
            batch = next(batches, None)
            while batch is not None:
                files.append(draft / "data" / f"{split}-{len(files):05d}.parquet")
                written = 0
                with parquet.ParquetWriter(files[-1], schema, compression="zstd") as writer:
                    while batch is not None and written < SHARD_BYTES:
                        rows, images = batch
                        column = pyarrow.array(images, picture)
                        writer.write_table(pyarrow.Table.from_arrays([column, *rest.take(rows).columns], schema=schema))
                        written += sum(len(image["bytes"]) for image in images)
                        advance(len(rows))
                        batch = next(batches, None)
            for number, file in enumerate(files):
                file.rename(file.with_name(f"{split}-{number:05d}-of-{len(files):05d}.parquet"))
        info = {
            "configs": [
                {
                    "config_name": "default",
                    "data_files": [{"split": split, "path": f"data/{split}-*.parquet"} for split in splits],
                }
            ]
        }
        (draft / CARD_NAME).write_text(card_of(dataset, license, "parquet", info), encoding="utf-8")


def hub_features(dataset: Dataset) -> dict[str, Any]:
    """What Hugging Face calls the features of a Parquet export, as its files say it.

    Raises:
        CloserlookError: the table has a column ``image``, or one that has no such feature.
    """
    table = dataset.table.drop("file_name")
    if "image" in table.columns:
        raise CloserlookError(f"{dataset.name} has a column 'image', which is where images go; rename it.")
    return {
        "image": {"_type": "Image"},
        **{name: _feature(dataset.name, name, dtype) for name, dtype in table.schema.items()},
    }


def _feature(data: str, column: str, dtype: pl.DataType) -> dict[str, Any]:
    if isinstance(dtype, pl.List | pl.Array):
        inner = _feature(data, column, dtype.inner)  # type: ignore[arg-type]
        return {"feature": inner, "_type": "Sequence"}
    known = _TYPES.get(type(dtype))
    if known is None:
        raise CloserlookError(
            f"{data}: column '{column}' holds {str(dtype).lower()}, which Hugging Face's features have not; drop it or "
            "make it text."
        )
    return {"dtype": known, "_type": "Value"}


def _batches(
    dataset: Dataset, names: pl.Series, rows: NDArray[np.int64]
) -> Iterator[tuple[NDArray[np.int64], list[Picture]]]:
    """Row numbers and their images, a row group at a time."""
    for start in range(0, len(rows), ROW_GROUP):
        chosen = rows[start : start + ROW_GROUP]
        part = dataset.take(chosen)
        yield (
            chosen,
            [Picture(bytes=read_whole(file), path=name) for file, name in zip(part.files, names[chosen], strict=True)],
        )
