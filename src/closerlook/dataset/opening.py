"""Opening a data set by what a user names: a folder, a table, or ``format:path``."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from closerlook.dataset.dataset import Dataset
from closerlook.dataset.formats import FORMATS
from closerlook.dataset.formats.folder import read_folder
from closerlook.dataset.formats.manifest import MANIFEST_SUFFIXES, read_manifest
from closerlook.errors import CloserlookError, unknown

__all__ = ["open_dataset"]


def open_dataset(source: str | Path | Dataset) -> Dataset:
    """Open a data set: a closerlook folder, a plain image folder, a manifest, or ``format:path``.

    Examples: ``data/gpr-plus``, ``market1501:/data/Market-1501-v15.09.15``, ``manifest:people.csv``; the formats
    are those of :data:`closerlook.dataset.formats.FORMATS`. ``~`` in front of a text is the home folder; a
    :class:`~pathlib.Path` is taken as it is, and a data set is returned unchanged.

    Raises:
        CloserlookError: nothing is there, it is empty, or a needed column or folder is missing.
        UsageError: the format's name is unknown.
    """
    if isinstance(source, Dataset):
        return source
    return _open_path(source) if isinstance(source, Path) else _open_text(source)


def _open_text(source: str) -> Dataset:
    """Open ``format:path``, or a path by itself."""
    name, colon, rest = source.partition(":")
    if not (colon and name in FORMATS):
        if source and colon and not _path(source).exists():
            raise unknown("data set format", name, FORMATS)
        name, rest = "", source
    if not rest:
        raise CloserlookError(f"'{source}' names no folder or file; give NAME:PATH, such as market1501:/data/Market.")
    return _existing(_path(rest), FORMATS[name]) if name else _open_path(_path(rest))


def _open_path(path: Path) -> Dataset:
    """Open a folder, or a manifest that ends in .csv, .jsonl or .parquet."""
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
