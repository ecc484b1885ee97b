"""MSMT17 as released, version 1 or 2 (faces masked): images in two folders, listed in text files."""

from __future__ import annotations

import re
from pathlib import Path

import polars as pl

from closerlook.dataset.dataset import Dataset
from closerlook.dataset.formats.listing import refuse_bad_names, shown
from closerlook.dataset.formats.roots import find_root
from closerlook.errors import CloserlookError
from closerlook.storage.paths import leads_out

__all__ = ["read_msmt17"]

# list -> split, folder of its images (as version 1, version 2 and another copy of version 2 name it), needed or not
LISTS = {
    "list_train.txt": ("train", ("train", "mask_train_v2", "mask_train_V2"), True),
    "list_val.txt": ("train", ("train", "mask_train_v2", "mask_train_V2"), False),
    "list_query.txt": ("query", ("test", "mask_test_v2", "mask_test_V2"), True),
    "list_gallery.txt": ("gallery", ("test", "mask_test_v2", "mask_test_V2"), True),
}
# Person's folder / person, image, camera, date and part of the day, ...: 0000/0000_000_01_0303morning_0008_0.jpg 0
LINE = re.compile(
    r"(?P<name>(?:[^/]+/)*\d+_\d+_(?P<camera>\d{1,12})_(?:\d+(?P<daytime>morning|noon|afternoon))?.*)"
    r" (?P<label>\d{1,12})"
)


def read_msmt17(path: Path) -> Dataset:
    """The data set in ``path``, or in the one folder inside it that holds the lists.

    People are numbered from 1: those of the training and validation lists first, then those of the test, who are
    others although the lists number both from 0. The validation list's images are training images; ``list`` says where
    an image comes from, ``daytime`` what its name says (morning, noon, afternoon).

    Raises:
        CloserlookError: a list or a folder is missing, a line is not ``name label``, or images are missing.
    """
    root = find_root("msmt17", path, [name for name, (_, _, needed) in LISTS.items() if needed])
    rows = [row for name in LISTS if (root / name).is_file() for row in _read_list(root, name)]
    if not rows:
        raise CloserlookError(f"The lists in {root} name no images.")
    table = pl.DataFrame(rows, infer_schema_length=None)
    trained = table.filter(pl.col("split") == "train")["label"].max()
    after = 1 if trained is None else int(trained) + 2  # type: ignore[arg-type]
    table = table.with_columns(
        (pl.col("label") + pl.when(pl.col("split") == "train").then(1).otherwise(after)).alias("identity")
    ).drop("label")
    outside = [name for name in table["file_name"] if leads_out(name)]
    if outside:
        raise CloserlookError(f"The lists in {root} name {len(outside):,} files outside of it: {shown(outside)}.")
    refuse_bad_names(root, table["file_name"], of=root)
    return Dataset.from_table(root, table, "msmt17", factors=())


def _read_list(root: Path, name: str) -> list[dict[str, object]]:
    split, folders, _ = LISTS[name]
    folder = next((folder for folder in folders if (root / folder).is_dir()), None)
    if folder is None:
        raise CloserlookError(f"{root} has no folder {' or '.join(folders[:2])} for the images of {name}.")
    rows: list[dict[str, object]] = []
    try:
        lines = (root / name).read_text(encoding="utf-8-sig").splitlines()
    except UnicodeDecodeError:
        raise CloserlookError(f"{root / name} is not a text file.") from None
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        match = LINE.fullmatch(line.strip())
        if match is None:
            raise CloserlookError(
                f"{root / name}, line {number}: '{line[:80]}' is not like '0000/0000_000_01_0303morning_0008_0.jpg 0'."
            )
        rows.append(
            {
                "file_name": f"{folder}/{match['name']}",
                "split": split,
                "camera": int(match["camera"]),
                "label": int(match["label"]),
                "list": name.removeprefix("list_").removesuffix(".txt"),
                "daytime": match["daytime"],
            }
        )
    return rows
