"""Images on their way into an export: under which names, and as which bytes."""

from __future__ import annotations

import contextlib
import os
import re
from pathlib import Path

import polars as pl
import yaml
from PIL import Image

from closerlook.attributes import Design
from closerlook.compute.progress import progress
from closerlook.dataset.dataset import DESIGN_NAME, TABLE_NAME, Dataset
from closerlook.dataset.decoding import SUFFIXES, is_whole, read_bytes, read_image, read_whole
from closerlook.dataset.shards import as_files
from closerlook.storage.paths import leads_out
from closerlook.storage.tables import write_parquet

__all__ = ["copy_as_jpeg", "copy_images", "portable_names", "save_design", "save_table", "suffixed"]

JPEG = (".jpg", ".jpeg")
JPEG_QUALITY = 95
STARTS = {b"\xff\xd8": ".jpg", b"\x89PNG": ".png", b"RIFF": ".webp", b"BM": ".bmp", b"II*": ".tif", b"MM": ".tif"}
_SPLIT_WORDS = "train|training|validation|valid|dev|val|test|testing|eval|evaluation"
# Hugging Face's ImageFolder passes over hidden files and folders and takes these words in a path for a split's name.
_MISREAD = re.compile(
    rf"(^|/)(\.|__)|[\x00-\x1f\\]|://|(^|[-._ 0-9/])({_SPLIT_WORDS})[-._ 0-9/]|^data/.*-\d{{5}}-of-\d{{5}}"
)


def portable_names(dataset: Dataset) -> pl.Series:
    """A path below the export's folder for each image: its own, where no reader takes it for something else.

    If any leads out of the data set's folder or would be misread, all become ``images/`` and the file's name; if these
    are not all different and plain, ``images/`` and a number.
    """
    own = pl.Series("file_name", map(suffixed, as_files(dataset.table["file_name"]), dataset.files), dtype=pl.String)
    files = pl.select(pl.concat_str(pl.lit("images/"), own.str.extract("([^/]*)$")).alias("file_name")).to_series()
    numbers = [f"images/{number:08d}{Path(name).suffix.lower()}" for number, name in enumerate(own)]
    for names in (own, files):
        if not any(leads_out(name) or _MISREAD.search(name) for name in names) and not names.is_duplicated().any():
            return names
    return pl.Series("file_name", numbers)


def suffixed(name: str, file: str | Path) -> str:
    """The name with an ending that says what the file holds, where it has none that readers know.

    Raises:
        CloserlookError: it has none, and the file is missing or empty.
    """
    if name.lower().endswith(tuple(SUFFIXES)):
        return name
    head = read_bytes(file)[:4]
    return name + next((suffix for start, suffix in STARTS.items() if head.startswith(start)), ".jpg")


def copy_images(dataset: Dataset, names: pl.Series, out: Path, *, link: bool = False) -> None:
    """Copy every image to its name below ``out``, its bytes unchanged.

    Args:
        link: by a hard link, which takes no room, where the file system allows one.

    Raises:
        CloserlookError: an image is missing, empty, cut off or no image.
    """
    with progress(f"Copying {dataset.name}", len(dataset)) as advance:
        made = set()
        for source, name in zip(dataset.files, names, strict=True):
            to = out / name
            if to.parent not in made:
                to.parent.mkdir(parents=True, exist_ok=True)
                made.add(to.parent)
            _copy(source, to, link)
            advance(1)


def copy_as_jpeg(source: str | Path, to: Path) -> None:
    """Copy a JPEG file, or encode another image (quality 95).

    Raises:
        CloserlookError: the image is missing, empty or cut off.
    """
    if str(source).lower().endswith(JPEG):
        _copy(source, to, link=False)
    else:
        Image.fromarray(read_image(source)).save(to, quality=JPEG_QUALITY, subsampling=0)


def save_table(dataset: Dataset, out: Path, table: pl.DataFrame) -> None:
    """Write ``metadata.parquet`` and ``design.yaml`` of the images as they lie in ``out``."""
    write_parquet(table, out / TABLE_NAME)
    save_design(dataset, out)


def save_design(dataset: Dataset, folder: Path) -> None:
    """Write ``design.yaml``, which says that the factors are these and no other column."""
    design = Design(dataset.name.partition("/")[0], max(1, dataset.counts()["identities"]), dataset.factors)
    (folder / DESIGN_NAME).write_text(yaml.safe_dump(design.to_dict(), sort_keys=False), encoding="utf-8")


def _copy(source: str | Path, to: Path, link: bool) -> None:
    if link and is_whole(source):
        with contextlib.suppress(OSError):  # another disk, or one without hard links
            os.link(os.path.realpath(source), to)
            return
    to.write_bytes(read_whole(source))
