"""Opening a data set by what a user names: a folder, a table, or ``format:path``."""

from __future__ import annotations

from pathlib import Path

from closerlook.compute.progress import step
from closerlook.dataset.dataset import Dataset
from closerlook.dataset.formats import FORMATS
from closerlook.dataset.formats.folder import read_folder
from closerlook.dataset.formats.manifest import MANIFEST_SUFFIXES, read_manifest
from closerlook.inputs import existing_data, find_data

__all__ = ["open_dataset"]


def open_dataset(source: str | Path | Dataset) -> Dataset:
    """Open a data set: a closerlook folder, a plain image folder, a manifest, or ``format:path``.

    Examples: ``data/gpr-plus``, ``market1501:/data/Market-1501-v15.09.15``, ``manifest:people.csv``; the formats
    are those of :data:`closerlook.dataset.formats.FORMATS`. ``~`` in front of a text is the home folder; a
    :class:`~pathlib.Path` is taken as it is, and a data set is returned unchanged.

    Raises:
        CloserlookError: nothing is there, it is empty, or a needed column or folder is missing.
        UsageError: the format's name is unknown.

    Example:
        >>> len(cl.open_dataset(data.root)) == len(data)
        True
    """
    if isinstance(source, Dataset):
        return source
    if isinstance(source, Path):
        return _open_path(source)
    name, path = find_data(source)
    with step(f"Opening {source}"):
        return FORMATS[name](path) if name else _open_path(path)


def _open_path(path: Path) -> Dataset:
    """Open a folder, or a manifest that ends in .csv, .jsonl or .parquet."""
    is_table = path.suffix.lower() in MANIFEST_SUFFIXES and not path.is_dir()
    return read_manifest(existing_data(path)) if is_table else read_folder(existing_data(path))
