"""Taking a data set out, into the formats that other programs read."""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path

from closerlook.dataset.dataset import Dataset
from closerlook.dataset.exports.coco import export_coco
from closerlook.dataset.exports.finegpr import export_finegpr
from closerlook.dataset.exports.folders import export_imagefolder, export_table
from closerlook.dataset.exports.market1501 import export_market1501, export_market1501_parts
from closerlook.dataset.exports.parquet import export_parquet
from closerlook.dataset.exports.webdataset import export_webdataset
from closerlook.errors import CloserlookError, UsageError, unknown

__all__ = ["LAYOUTS", "WITH_CARD", "export", "import_table"]

LAYOUTS: dict[str, Callable[..., None]] = {
    "market1501": export_market1501,
    "finegpr": export_finegpr,
    "table": export_table,
    "imagefolder": export_imagefolder,
    "parquet": export_parquet,
    "coco": export_coco,
    "webdataset": export_webdataset,
}
WITH_CARD = ("imagefolder", "parquet")
UNSAID = "other"  # the Hub's word for a license that it has no name for


def export(
    dataset: Dataset, out: str | Path, *, layout: str = "market1501", parts: bool = False, license: str | None = None
) -> None:
    """Write ``dataset`` into a new folder in another format of :data:`LAYOUTS`, whole or not at all.

    Args:
        parts: of ``market1501``: as many folders as its readers need, each of few enough cameras and people.
        license: of ``imagefolder`` and ``parquet``: what the data set card is to say, by the Hub's names.

    Raises:
        UsageError: the format's name is unknown, or has not that option.
        CloserlookError: ``out`` exists already, or the format cannot hold these images; see its function.

    Example:
        >>> from closerlook.dataset.export import export
        >>> export(data, "shared", layout="parquet", license="cc-by-4.0")
        >>> sorted(path.name for path in Path("shared").iterdir())
        ['README.md', 'data']
    """
    if layout not in LAYOUTS:
        raise unknown("format", layout, LAYOUTS)
    if parts and layout != "market1501":
        raise UsageError(f"--parts is for the format market1501; {layout} takes any number of cameras and people.")
    if license is not None and layout not in WITH_CARD:
        raise UsageError(f"--license is said in a data set card, which {' and '.join(WITH_CARD)} have.")
    write: Callable[..., None] = export_market1501_parts if parts else LAYOUTS[layout]
    if layout in WITH_CARD:
        write = functools.partial(write, license=license or UNSAID)
    write(dataset, _new(out))


def import_table(dataset: Dataset, out: str | Path) -> None:
    """Write ``dataset`` as a folder of closerlook's own; images are hard links where the file system allows them.

    Raises:
        CloserlookError: ``out`` exists already, or an image is missing or empty.
    """
    export_table(dataset, _new(out), link=True)


def _new(out: str | Path) -> Path:
    folder = Path(out)
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise CloserlookError(f"{folder} exists already; remove it or choose another output folder.")
    return folder
