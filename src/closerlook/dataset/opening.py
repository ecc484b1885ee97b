"""Opening a data set by what a user names: a folder, a table, or ``format:path``."""

from __future__ import annotations

from pathlib import Path

from rich.markup import escape

from closerlook.choices import CROPPED, PATTERN
from closerlook.compute.progress import announce, step
from closerlook.dataset.dataset import Dataset
from closerlook.dataset.formats import FORMATS
from closerlook.dataset.formats.folder import has_table, read_folder
from closerlook.dataset.formats.manifest import MANIFEST_SUFFIXES, read_manifest
from closerlook.dataset.formats.pattern import EXAMPLE, read_pattern
from closerlook.dataset.formats.recognition import recognize
from closerlook.errors import UsageError
from closerlook.inputs import existing_data, find_data

__all__ = ["open_dataset"]


def open_dataset(source: str | Path | Dataset, *, name: str | None = None) -> Dataset:
    """Open a data set: a closerlook folder, a plain image folder, a manifest, or ``format:path``.

    Examples: ``data/gpr-plus``, ``market1501:/data/Market-1501-v15.09.15``, ``manifest:people.csv``; the formats
    are those of :data:`closerlook.dataset.formats.FORMATS`. A folder without a table that has one of these layouts is
    opened by it, and a note says why. ``~`` in front of a text is the home folder; a :class:`~pathlib.Path` is taken as
    it is, and a data set is returned unchanged.

    Args:
        name: of ``pattern:path`` alone: the regular expression that says what the images' names mean, such as
            ``(?P<identity>\\d+)_c(?P<camera>\\d+)``.

    Raises:
        CloserlookError: nothing is there, it is empty, a needed column or folder is missing, or a folder could be of
            several layouts.
        UsageError: the format's name is unknown, or its path alone does not say enough.

    Example:
        >>> len(cl.open_dataset(data.root)) == len(data)
        True
    """
    if isinstance(source, Dataset):
        return source
    form, path = ("", source) if isinstance(source, Path) else find_data(source)
    _check_request(source, form, name)
    if isinstance(source, Path):
        return _open_path(source)
    with step(f"Opening {source}"):
        if name is not None:
            return read_pattern(path, name)
        return FORMATS[form](path) if form else _open_path(path)


def _check_request(source: str | Path, form: str, name: str | None) -> None:
    """Refuse a format whose path alone does not say enough, and a name where it says nothing."""
    if form == PATTERN and name is None:
        raise UsageError(
            f"{source} needs a name, such as {EXAMPLE}: 'closerlook dataset import {source} --name ... --out FOLDER' "
            "writes its table, which every verb opens."
        )
    if name is not None and form != PATTERN:
        raise UsageError(f"Only pattern:PATH takes a name; {source} says by itself what its images are.")
    if form in CROPPED:
        raise UsageError(
            f"{source} has boxes in frames: cut them out first, by 'closerlook dataset import {source} --frames FOLDER "
            "--out CROPS', and open CROPS."
        )


def _open_path(path: Path) -> Dataset:
    """Open a manifest that ends in .csv, .jsonl or .parquet, or a folder by its table or layout."""
    existing_data(path)
    if path.suffix.lower() in MANIFEST_SUFFIXES and not path.is_dir():
        return read_manifest(path)
    found = recognize(path) if path.is_dir() and not has_table(path) else None
    if found is None:
        return read_folder(path)
    announce(f"{escape(str(path))} is taken for {found.layout}, because {found.why}.")
    return FORMATS[found.layout](path)
