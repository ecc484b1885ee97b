"""Files in folders: the images that are there, and whether what a table names is."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import polars as pl

from closerlook.dataset.decoding import SUFFIXES
from closerlook.dataset.shards import names_in, shard_of
from closerlook.errors import CloserlookError

__all__ = ["image_files", "is_litter", "missing_files", "refuse_bad_names", "refuse_names_outside", "shown", "walk"]

SHOWN = 3
LEADS_OUT = r"^$|^/|\x00|(^|/)\.\.(/|$)"  # a whole column at once, by the rule of closerlook.storage.paths.leads_out
# What cameras, network disks and desktops leave beside images, in lower case; besides it all that begins with a dot.
LITTER = frozenset({"@eadir", "#recycle", "@recycle", "$recycle.bin", "__macosx", "desktop.ini", "thumbs.db"})


def is_litter(name: str) -> bool:
    """Whether a file or folder of this name is nobody's data: hidden, or left by a system."""
    return name.startswith(".") or name.lower() in LITTER


def walk(root: Path) -> Iterator[tuple[str, list[str]]]:
    """Each folder below ``root`` (``""`` is itself, else it ends in ``/``) with its files' names, sorted, no litter.

    Folders behind symbolic links are entered, each real folder once.
    """
    seen = set()
    for folder, below, files in os.walk(root, followlinks=True):
        real = os.path.realpath(folder)
        if real in seen:
            below.clear()
            continue
        seen.add(real)
        below[:] = sorted(name for name in below if not is_litter(name))
        within = os.path.relpath(folder, root)
        yield "" if within == "." else f"{within}/", sorted(name for name in files if not is_litter(name))


def image_files(root: Path) -> list[str]:
    """The images in a folder and all below it, relative to it, in sorted order.

    Raises:
        CloserlookError: a name is not UTF-8, so that no table can hold it.
    """
    names = sorted(start + name for start, files in walk(root) for name in files if is_image(name))
    refuse_other_encodings(root, names)
    return names


def is_image(name: str) -> bool:
    return os.path.splitext(name)[1].lower() in SUFFIXES  # noqa: PTH122 - Path is far slower on half a million names


def refuse_other_encodings(root: Path, names: Iterable[str]) -> None:
    bad = [name for name in names if not _is_utf8(name)]
    if bad:
        raise CloserlookError(
            f"{len(bad):,} names in {root} are not UTF-8, first {bad[0]!a}; rename them (convmv does all at once)."
        )


def _is_utf8(name: str) -> bool:
    return name.isascii() or not any("\ud800" <= letter <= "\udfff" for letter in name)


def missing_files(root: Path, names: pl.Series) -> list[str]:
    """Those of ``names`` that are not files under ``root``, found by listing each folder once."""
    missing: list[str] = []
    by_folder = pl.DataFrame({"folder": _folders(names), "name": names}).group_by("folder", maintain_order=True)
    for folder, members in by_folder.agg("name").iter_rows():
        try:
            present = set(os.listdir(root / folder))  # noqa: PTH208 - as above
        except NotADirectoryError:
            shard = shard_of(root / folder / "any")
            present = set() if shard is None else set(names_in(shard))
        except (OSError, ValueError):  # ValueError: a zero byte in the name
            present = set()
        missing += [name for name in members if name[len(folder) :] not in present]
    return missing


def refuse_bad_names(path: Path, names: pl.Series, *, of: Path) -> None:
    """Raise where a file is unnamed, named twice or missing below the folder ``of``; ``path`` is who names them."""
    if names.null_count():
        raise CloserlookError(f"{path}: {names.null_count():,} of {len(names):,} rows have no file_name.")
    if names.n_unique() < len(names):
        repeated = names.filter(names.is_duplicated()).unique(maintain_order=True)
        raise CloserlookError(f"{path}: {len(repeated):,} files are named twice: {shown(repeated.to_list())}.")
    missing = missing_files(of, names)
    if missing:
        raise CloserlookError(
            f"{path}: {len(missing):,} of {len(names):,} files do not exist under {of}: {shown(missing)}."
        )


def refuse_names_outside(path: Path, names: pl.Series, *, of: Path) -> None:
    """Raise where a name leads out of the folder ``of``: absolute, by ``..``, or by a symbolic link."""
    known = names.drop_nulls()
    outside = known.filter(known.str.contains(LEADS_OUT)).to_list() or _linked_outside(of, known)
    if outside:
        raise CloserlookError(
            f"{path} names {len(outside):,} files outside of {of}: {shown(outside)}. If you trust this table, open it "
            f"as manifest:{path}."
        )


def _linked_outside(root: Path, names: pl.Series) -> list[str]:
    home, folders, outside = root.resolve(), _folders(names), list[str]()
    for folder in folders.unique():
        if not (root / folder).resolve().is_relative_to(home):
            outside += names.filter(folders == folder).to_list()
            continue
        try:
            with os.scandir(root / folder) as entries:
                links = [folder + entry.name for entry in entries if entry.is_symlink()]
        except OSError:
            continue
        linked = names.filter(names.is_in(links)) if links else ()
        outside += [name for name in linked if not (root / name).resolve().is_relative_to(home)]
    return outside


def _folders(names: pl.Series) -> pl.Series:
    """Each name up to the last slash, and with it; empty where it has none."""
    return names.str.extract(r"^((?s:.)*/)").fill_null("")


def shown(names: Sequence[str]) -> str:
    return ", ".join(names[:SHOWN]) + (", ..." if len(names) > SHOWN else "")
