"""Parquet files that hold images among their columns, as Hugging Face ``datasets`` writes and reads them.

Such a shard has a column ``image`` of ``{bytes, path}`` and a row per image. To every stage it looks like a folder: the
path of an image is the shard's with the image's name behind it, ``images/0001.parquet/0001_c04_w01_l01_p02.jpg``.
"""

from __future__ import annotations

import functools
import json
import os
import re
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path, PurePosixPath

import polars as pl

from closerlook.errors import CloserlookError, first_line
from closerlook.storage.files import atomic_path
from closerlook.storage.tables import pack_parquet

__all__ = ["SUFFIX", "as_files", "has_images", "labels", "names_in", "read_from_shard", "shard_of", "write_shard"]

SUFFIX = ".parquet"
IMAGE = "image"
BLOCK = 128  # rows of a row group, which are read together: two batches
KEPT_BLOCKS, KEPT_NAMES = 6, 64
FEATURES = json.dumps({"info": {"features": {IMAGE: {"_type": "Image"}}}})  # by which `datasets` knows what to decode
# Where Arrow finds a schema of its own in a file it looks at nothing else, so ours is put out of its sight: it is only
# one of longer types, which say nothing.
ARROW, HIDDEN = b"ARROW:schema", b"other:schema"

READING = threading.Lock()


def write_shard(path: Path, table: pl.DataFrame, images: Sequence[bytes]) -> None:
    """Write a table with the bytes of its images, atomically.

    Args:
        table: has ``file_name``, whose last parts are the images' names in the shard.
        images: of each row, encoded.
    """
    names = [PurePosixPath(name).name for name in table["file_name"]]
    image = pl.DataFrame({"bytes": pl.Series(images, dtype=pl.Binary), "path": names}).to_struct(IMAGE)
    data = pack_parquet(
        table.select(image, pl.all()),
        compression="uncompressed",
        row_group_size=BLOCK,
        metadata={"huggingface": FEATURES},
    )
    footer = len(data) - 8 - int.from_bytes(data[-8:-4], "little")
    found = bytes(data[footer:]).find(ARROW)
    if found >= 0:
        data[footer + found : footer + found + len(ARROW)] = HIDDEN
    with atomic_path(path) as draft:
        draft.write_bytes(data)


def shard_of(path: str | Path) -> Path | None:
    """The shard that the image at ``path`` is in; None for one that is a file."""
    shard = Path(path).parent
    return shard if shard.suffix.lower() == SUFFIX and shard.is_file() else None


def as_files(names: pl.Series) -> pl.Series:
    """The names of images as they would be outside of shards: ``images/0001/a.jpg`` of ``images/0001.parquet/a.jpg``.

    What is drawn by names is drawn by these, so that it is the same images of either.
    """
    return names.str.replace(rf"(?i){re.escape(SUFFIX)}(/[^/]*)$", "$1")


def has_images(path: Path) -> bool:
    """Whether a Parquet file is a shard of images.

    Raises:
        CloserlookError: it is missing or damaged.
    """
    kind = _schema(path).get(IMAGE)
    return isinstance(kind, pl.Struct) and {"bytes", "path"} <= {field.name for field in kind.fields}


def labels(path: Path) -> pl.DataFrame:
    """The table of a shard without its images; ``file_name`` has their names in the shard.

    Raises:
        CloserlookError: it is missing or damaged.
    """
    others = [name for name in _schema(path) if name not in (IMAGE, "file_name")]
    names = pl.DataFrame({"file_name": pl.Series(names_in(path), dtype=pl.String)})
    return names.hstack(_read(path, others)) if others else names


def names_in(path: Path) -> list[str]:
    """The names of a shard's images in order: the last parts of ``file_name``, else of the images' own paths; their row
    numbers, where these are missing or occur twice.

    Raises:
        CloserlookError: the shard is missing or damaged.
    """
    return list(_rows(*_state(path)))


def read_from_shard(path: str | Path, shard: Path) -> bytes:
    """The bytes of the image at ``path``, which is in ``shard``.

    Raises:
        CloserlookError: the shard has no such image, or cannot be read.
    """
    state = _state(shard)
    row = _rows(*state).get(Path(path).name)
    if row is None:
        raise CloserlookError(f"There is no image {path}: {shard} has none of that name.")
    number, place = divmod(row, BLOCK)
    with READING:  # else threads that want neighbors would all read their block
        data = _block(*state, number)[place]
    if data is None:
        raise CloserlookError(
            f"Image {path} is not in its shard, which only names where it was: write {shard.name} with the images in "
            "it, as push_to_hub of 'datasets' does."
        )
    if not data:
        raise CloserlookError(f"Image {path} is empty (zero bytes); restore it or remove it from the data set.")
    return data


State = tuple[str, int, int]  # path, time of change and length: what was read of another state is not taken


def _state(path: Path) -> State:
    try:
        status = path.stat()
    except OSError as error:
        raise CloserlookError(f"Shard {path} cannot be read: {error.strerror}.") from None
    return os.path.abspath(path), status.st_mtime_ns, status.st_size  # noqa: PTH100 - links stay


@functools.lru_cache(KEPT_NAMES)
def _rows(path: str, changed: int, length: int) -> dict[str, int]:
    """Row by name of the image."""
    if "file_name" in _schema(Path(path)):
        whole = _read(Path(path), ["file_name"])["file_name"].cast(pl.String)
    else:
        whole = _read(Path(path), [IMAGE])[IMAGE].struct.field("path")
    names = whole.str.extract("([^/]+)$")
    if names.null_count() or names.n_unique() < len(names):
        names = pl.Series([str(row) for row in range(len(names))], dtype=pl.String)
    return {name: row for row, name in enumerate(names)}


@functools.lru_cache(KEPT_BLOCKS)
def _block(path: str, changed: int, length: int, number: int) -> list[bytes | None]:
    with _explained(path), Path(path).open("rb") as file:
        rows = pl.scan_parquet(file).select(IMAGE).slice(number * BLOCK, BLOCK).collect()
        return rows[IMAGE].struct.field("bytes").to_list()


def _schema(path: Path) -> dict[str, pl.DataType]:
    with _explained(path), path.open("rb") as file:
        return dict(pl.read_parquet_schema(file))


def _read(path: Path, columns: Sequence[str]) -> pl.DataFrame:
    with _explained(path), path.open("rb") as file:
        return pl.read_parquet(file, columns=list(columns))


@contextmanager
def _explained(path: str | Path) -> Iterator[None]:
    """One message for whatever a damaged file makes its parser raise."""
    try:
        yield
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError, ValueError) as error:
        raise CloserlookError(f"Shard {path} cannot be read ({first_line(error)}); restore it.") from None
