"""Where data sets come from: one importer a file, each ``(path) -> Dataset``, found by the name before the colon."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from closerlook.dataset.formats.folder import read_folder
from closerlook.dataset.formats.manifest import MANIFEST_SUFFIXES, read_manifest
from closerlook.dataset.formats.market1501 import read_dukemtmc, read_market1501, read_personx
from closerlook.dataset.formats.msmt17 import read_msmt17
from closerlook.dataset.formats.names import READERS
from closerlook.dataset.table import Dataset
from closerlook.errors import CloserlookError, unknown

__all__ = ["FORMATS", "open_source"]

FORMATS: dict[str, Callable[[Path], Dataset]] = {
    "folder": read_folder,
    "manifest": read_manifest,
    "market1501": read_market1501,
    "dukemtmc": read_dukemtmc,
    "msmt17": read_msmt17,
    "personx": read_personx,
    **READERS,
}


def open_source(source: str) -> Dataset:
    """Open ``format:path``, or a path by itself: a folder, or a manifest that ends in .csv or .parquet.

    Raises:
        UsageError: the format's name is unknown.
        CloserlookError: nothing is at the path, or it does not hold what its format says.
    """
    name, colon, rest = source.partition(":")
    if colon and name in FORMATS:
        path, read = Path(rest).expanduser(), FORMATS[name]
    else:
        path = Path(source).expanduser()
        read = read_manifest if path.suffix.lower() in MANIFEST_SUFFIXES else read_folder
        if colon and not path.exists():
            raise unknown("data set format", name, FORMATS)
    if not (rest if colon and name in FORMATS else source):
        raise CloserlookError(f"'{source}' names no folder or file; give NAME:PATH, such as market1501:/data/Market.")
    if not path.exists():
        raise CloserlookError(f"There is no data set at {path}; give a folder, a .csv or .parquet file, or NAME:PATH.")
    return read(path)
