"""Market-1501's layout: ``bounding_box_train``, ``bounding_box_test`` and ``query``, labels in the file names.

Others use the folders with names of their own: DukeMTMC-reID (withdrawn by its authors; only its layout is read) and
Occluded-Duke, which is chosen from it; PersonX, whose camera is a background; and CUHK03 as it is shared by its new
protocol (CUHK03-NP), a folder each for detected and labeled boxes.
"""

from __future__ import annotations

import functools
import re
from pathlib import Path

import polars as pl

from closerlook.dataset.dataset import DISTRACTOR, Dataset
from closerlook.dataset.formats.listing import is_litter, refuse_other_encodings
from closerlook.dataset.formats.roots import find_root
from closerlook.errors import CloserlookError

__all__ = ["FOLDERS", "NAMES", "READERS"]

FOLDERS = {"bounding_box_train": "train", "query": "query", "bounding_box_test": "gallery"}
# Every group is a column of whole numbers. Some released names end in .jpg.jpg.
DUKE = (
    "0005_c2_f0046985.jpg",
    r"(?P<identity>-1|\d{1,12})_c(?P<camera>\d{1,12})_f(?P<frame>\d{1,12})(?i:\.jpe?g){1,2}",
)
NAMES = {
    "market1501": (
        "0002_c1s1_000451_03.jpg",
        r"(?P<identity>-1|\d{1,12})_c(?P<camera>\d{1,12})s(?P<sequence>\d{1,12})_(?P<frame>\d{1,12})_(?P<box>\d{1,12})"
        r"(?i:\.jpe?g){1,2}",
    ),
    "dukemtmc": DUKE,
    "occluded-duke": DUKE,
    "personx": (
        "0001_c1s1_33.jpg",
        r"(?P<identity>\d{1,12})_c(?P<camera>\d{1,12})s(?P<sequence>\d{1,12})_(?P<view>\d{1,12})(?i:\.(?:jpe?g|png))",
    ),
    "cuhk03-np": (
        "0003_c1_21.png",
        r"(?P<identity>\d{1,12})_c(?P<camera>\d{1,12})_(?P<frame>\d{1,12})(?i:\.(?:jpe?g|png))",
    ),
}


def _read(layout: str, path: Path) -> Dataset:
    """The data set in ``path``, or in the one folder inside it that has the layout.

    Of these layouts Market-1501's alone says that identity 0 is a distractor, which the table has as
    :data:`~closerlook.dataset.dataset.DISTRACTOR`; its junk is -1 as in the table. All else that the names
    say (sequence, frame, box, view) is a column of the table.

    Raises:
        CloserlookError: a folder is missing, all are empty, or a name is not of the layout's form.
    """
    root = find_root(layout, path, tuple(FOLDERS))
    rows = [row for folder, split in FOLDERS.items() for row in _read_folder(layout, root / folder, split)]
    if not rows:
        raise CloserlookError(f"{', '.join(FOLDERS)} in {root} hold no images.")
    return Dataset.from_table(root, pl.DataFrame(rows), layout, factors=())


def _read_folder(layout: str, folder: Path, split: str) -> list[dict[str, object]]:
    example, pattern = NAMES[layout]
    form = re.compile(pattern)
    rows: list[dict[str, object]] = []
    names = sorted(entry.name for entry in folder.iterdir() if not is_litter(entry.name))
    refuse_other_encodings(folder, names)
    for name in names:
        match = form.fullmatch(name)
        if match is None:
            raise CloserlookError(
                f"{folder / name}: the name is not of {layout}'s form {example}. Remove the file, or describe the "
                "images with a manifest (a CSV with file_name, identity, camera, split)."
            )
        numbers = {key: int(value) for key, value in match.groupdict().items()}
        if layout == "market1501" and numbers["identity"] == 0:
            numbers["identity"] = DISTRACTOR
        rows.append({"file_name": f"{folder.name}/{name}", "split": split, **numbers})
    return rows


READERS = {name: functools.partial(_read, name) for name in NAMES}
