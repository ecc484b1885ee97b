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

__all__ = ["FORMATS", "open_path", "open_source"]

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
    """Open ``format:path``, or a path by itself as :func:`open_path` does; ``~`` in front is the home folder.

    Raises:
        UsageError: the format's name is unknown.
        CloserlookError: nothing is at the path, or it does not hold what its format says.
    """
    name, colon, rest = source.partition(":")
    if not (colon and name in FORMATS):
        if source and colon and not _path(source).exists():
            raise unknown("data set format", name, FORMATS)
        name, rest = "", source
    if not rest:
        raise CloserlookError(f"'{source}' names no folder or file; give NAME:PATH, such as market1501:/data/Market.")
    return _existing(_path(rest), FORMATS[name]) if name else open_path(_path(rest))


def open_path(path: Path) -> Dataset:
    """Open a folder, or a manifest that ends in .csv, .jsonl or .parquet; the path is taken as it is.

    Raises:
        CloserlookError: nothing is there, or not what it should be.
    """
    return _existing(
        path, read_manifest if path.suffix.lower() in MANIFEST_SUFFIXES and not path.is_dir() else read_folder
    )


def _existing(path: Path, read: Callable[[Path], Dataset]) -> Dataset:
    if not path.exists():
        raise CloserlookError(
            f"There is no data set at {path}; give a folder, a .csv, .jsonl or .parquet file, or NAME:PATH."
        )
    return read(path)


def _path(text: str) -> Path:
    """``./~`` is a folder of that name."""
    return Path(text).expanduser() if text.startswith("~") else Path(text)
