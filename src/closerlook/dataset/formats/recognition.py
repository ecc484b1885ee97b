"""Which published layout a folder has, told by its folders, lists and the names of its images."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from closerlook.dataset.formats.cuhk03 import VARIANTS
from closerlook.dataset.formats.listing import image_files, is_image, walk
from closerlook.dataset.formats.market1501 import FOLDERS, NAMES
from closerlook.dataset.formats.msmt17 import LISTS
from closerlook.dataset.formats.names import LAYOUTS, matches
from closerlook.errors import CloserlookError

__all__ = ["Recognized", "recognize"]

LOOKED_AT = 64  # images of a folder, before all of them are
# Layouts whose names another's pattern takes as well: the one is only meant where the other is not.
WITHIN = {"randperson": ("clonedperson",), "gpr": ("finegpr",)}


@dataclass(frozen=True)
class Recognized:
    """A layout, and why a folder is taken to have it."""

    layout: str
    why: str


def recognize(path: Path) -> Recognized | None:
    """The layout of a folder; None where it has none that is known, as a folder of one's own pictures.

    Raises:
        CloserlookError: it could be several; the message lists them.
    """
    found = [*_markets(path), *_lists(path), *_cuhk03(path)] or list(_named(path))
    if len(found) > 1:
        candidates = ", ".join(f"{one.layout}:{path}" for one in found)
        raise CloserlookError(f"{path} could be several data sets, for {found[0].why}: name one of {candidates}.")
    return found[0] if found else None


def _markets(path: Path) -> Iterator[Recognized]:
    """Folders like Market-1501's, in which names are of one form in each layout."""
    if not all((path / name).is_dir() for name in FOLDERS):
        return
    names = [name for folder in FOLDERS for name in _some(path / folder)]
    for layout, (example, pattern) in NAMES.items():
        form = re.compile(pattern)
        if names and all(form.fullmatch(name) for name in names):
            yield Recognized(layout, f"its folders are {', '.join(FOLDERS)} and its images are named like {example}")


def _lists(path: Path) -> Iterator[Recognized]:
    needed = [name for name, (_, _, is_needed) in LISTS.items() if is_needed]
    if all((path / name).is_file() for name in needed):
        yield Recognized("msmt17", f"it holds {', '.join(needed)}")


def _cuhk03(path: Path) -> Iterator[Recognized]:
    for variant, (_, kind) in VARIANTS.items():
        if (path / f"images_{kind}").is_dir():
            yield Recognized(variant, f"it holds images_{kind}")


def _named(path: Path) -> Iterator[Recognized]:
    """Layouts that are in the names alone, where a first look and then all images agree."""
    some = _some(path)
    if not some:
        return
    home = path.resolve().name
    likely = [layout for layout, form in LAYOUTS.items() if matches(form, home, some)]
    if not likely:
        return
    every = image_files(path)
    sure = [layout for layout in likely if matches(LAYOUTS[layout], home, every)]
    for layout in sure:
        if not set(WITHIN.get(layout, ())) & set(sure):
            yield Recognized(layout, f"all {len(every):,} images are named like {LAYOUTS[layout].example}")


def _some(path: Path) -> list[str]:
    every = (start + name for start, files in walk(path) for name in files if is_image(name))
    return list(itertools.islice(every, LOOKED_AT))
