"""Anybody's folder of images whose names say who is on them, by a regular expression of the user's own."""

from __future__ import annotations

import re
import warnings
from pathlib import Path

import polars as pl

from closerlook.dataset.dataset import Dataset
from closerlook.dataset.formats.listing import image_files, shown
from closerlook.dataset.formats.splits import as_splits
from closerlook.dataset.formats.texts import typed
from closerlook.errors import CloserlookError, UsageError

__all__ = ["EXAMPLE", "read_pattern"]

EXAMPLE = r"(?P<identity>\d+)_c(?P<camera>\d+)"
TAKEN = ("file_name", "identity_label", "camera_label")


def read_pattern(path: Path, name: str) -> Dataset:
    r"""The images in a folder and all below it, labeled by what ``name`` finds in their paths.

    Each named group is a column: ``identity`` and ``camera``, of whole numbers or text; ``split``, one of
    :data:`closerlook.dataset.formats.splits.SPLIT_NAMES`; any other is an attribute. A group that takes no part in a
    match leaves its column empty there.

    Args:
        path: the folder.
        name: searched for in each image's path relative to the folder, with ``/`` between folders.

    Raises:
        UsageError: ``name`` is no regular expression or has no named group.
        CloserlookError: there are no images, some do not match, or a column cannot be what its name says.

    Example:
        >>> from closerlook.dataset.formats.pattern import read_pattern
        >>> read_pattern(data.root, r"(?P<identity>\d+)_c(?P<camera>\d+)").counts()["identities"]
        4
    """
    form = _compiled(name)
    if not path.is_dir():
        raise CloserlookError(f"{path} is not a folder; a pattern needs one with images.")
    names = image_files(path)
    if not names:
        raise CloserlookError(f"There are no images in {path}.")
    matches = [form.search(each) for each in names]
    strange = [each for each, match in zip(names, matches, strict=True) if match is None]
    if strange:
        some = "no image matches" if len(strange) == len(names) else f"{len(strange):,} of {len(names):,} do not match"
        raise CloserlookError(
            f"{path}: {some} {name}: {shown(strange)}. Change --name, or remove what does not belong there."
        )
    said = {
        group: typed(pl.Series(group, [match[group] for match in matches if match], dtype=pl.String))
        for group in form.groupindex
    }
    table = pl.DataFrame({"file_name": names, **said})
    if "split" in said:
        table = table.with_columns(as_splits(table["split"].cast(pl.String), str(path)))
    return Dataset.from_table(path, table, path.resolve().name)


def _compiled(name: str) -> re.Pattern[str]:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)  # of sets within sets, which Python does not have yet
            form = re.compile(name)
    except (re.error, OverflowError, RecursionError) as error:
        raise UsageError(f"--name '{name}' is no regular expression ({error}); one is '{EXAMPLE}'.") from None
    if not form.groupindex:
        raise UsageError(f"--name '{name}' has no named group, so it says nothing; name one, as in '{EXAMPLE}'.")
    taken = [group for group in form.groupindex if group in TAKEN]
    if taken:
        raise UsageError(f"--name '{name}': the group '{taken[0]}' has a meaning of its own; name it otherwise.")
    return form
