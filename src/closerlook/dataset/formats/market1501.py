"""Market-1501 as released: ``bounding_box_train``, ``bounding_box_test`` and ``query``, labels in the file names."""

from __future__ import annotations

import re
from pathlib import Path

import polars as pl

from closerlook.dataset.table import Dataset
from closerlook.errors import CloserlookError

__all__ = ["FOLDERS", "read_market1501"]

FOLDERS = {"bounding_box_train": "train", "query": "query", "bounding_box_test": "gallery"}
# Identity, camera, sequence, frame, box. Some released names end in .jpg.jpg.
NAME = re.compile(r"(?P<identity>-1|\d+)_c(?P<camera>\d+)s(?P<sequence>\d+)_(?P<frame>\d+)_(?P<box>\d+)(\.jpe?g){1,2}")
IGNORED = frozenset({"Thumbs.db", ".DS_Store"})


def read_market1501(path: Path) -> Dataset:
    """The data set in ``path``, or in the one folder inside it that has the layout.

    Identity -1 is junk (partly seen people, to be left out of a gallery) and 0 a distractor (kept, matching nobody); an
    evaluation :class:`~closerlook.evaluation.Protocol` says what becomes of them. ``sequence``, ``frame`` and ``box``
    are columns of the table.

    Raises:
        CloserlookError: a folder is missing, all are empty, or a name is not of the form 0002_c1s1_000451_03.jpg.
    """
    root = _find_root(path)
    rows = [row for folder, split in FOLDERS.items() for row in _read_folder(root / folder, split)]
    if not rows:
        raise CloserlookError(f"{', '.join(FOLDERS)} in {root} hold no images.")
    table = pl.DataFrame(rows)
    return Dataset.from_table(root, table, "market1501", factors=())


def _find_root(path: Path) -> Path:
    if not path.is_dir():
        raise CloserlookError(f"{path} is not a folder; market1501 needs the one that holds {', '.join(FOLDERS)}.")
    candidates = [path, *sorted(child for child in path.iterdir() if child.is_dir())]
    complete = [folder for folder in candidates if all((folder / name).is_dir() for name in FOLDERS)]
    if complete and (complete[0] == path or len(complete) == 1):
        return complete[0]
    if complete:
        raise CloserlookError(
            f"{path} holds several data sets ({', '.join(p.name for p in complete)}); name one of them."
        )
    nearest = max(candidates, key=lambda folder: sum((folder / name).is_dir() for name in FOLDERS))
    missing = [name for name in FOLDERS if not (nearest / name).is_dir()]
    raise CloserlookError(
        f"{nearest} is not Market-1501: it lacks the folder{'s' * (len(missing) > 1)} {', '.join(missing)}."
    )


def _read_folder(folder: Path, split: str) -> list[dict[str, object]]:
    rows: list[dict[str, object]] = []
    for name in sorted(entry.name for entry in folder.iterdir()):
        if name in IGNORED:
            continue
        match = NAME.fullmatch(name)
        if match is None:
            raise CloserlookError(
                f"{folder / name}: the name is not of Market-1501's form 0002_c1s1_000451_03.jpg. Remove the file, or "
                "describe the images with a manifest (a CSV with file_name, identity, camera, split)."
            )
        numbers = {key: int(value) for key, value in match.groupdict().items()}
        rows.append({"file_name": f"{folder.name}/{name}", "split": split, **numbers})
    return rows
