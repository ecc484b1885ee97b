"""Boxes of a COCO file: ``images``, ``annotations`` and, where it has some, ``categories``."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Any

import polars as pl

from closerlook.dataset.crops.boxes import SCHEMA, Boxes, Cutting
from closerlook.dataset.formats.texts import read_json
from closerlook.errors import CloserlookError, short, unknown

__all__ = ["read_coco"]

PERSON = "person"
TRACKS = ("track_id", "instance_id")  # as trackers and exports of annotation tools call it, also in ``attributes``
KINDS = {int: "a whole number", str: "text"}


def read_coco(path: Path, frames: Path | None, cutting: Cutting) -> Boxes:
    """The boxes of people in a COCO file.

    A frame's camera is what its entry says under ``camera``, else the folder in its name. The track is an annotation's
    ``track_id`` or ``instance_id``, itself or under ``attributes``, within its video where the frames have a
    ``video_id``.

    Args:
        frames: folder that the frames' names are relative to; the file's own if ``None``.

    Raises:
        UsageError: there is no such category.
        CloserlookError: the file is no such JSON; the message says which entry is wrong.
    """
    document = _parsed(path)
    images = {image["id"]: image for image in _images(path, document)}
    wanted = _category(path, document, cutting.category)
    left_out: Counter[str] = Counter()
    rows, seen = [], set()
    for number, entry in enumerate(_list(path, document, "annotations")):
        where = f"{path}: annotations[{number}]"
        _check(where, entry, "image_id", (int, str))
        if wanted is not None:
            _check(where, entry, "category_id", (int, str))
            if entry["category_id"] not in wanted:
                continue
        if entry["image_id"] not in images:
            raise CloserlookError(f"{where} is of image {short(entry['image_id'])}, which 'images' does not have.")
        if entry.get("iscrowd"):
            left_out["crowds"] += 1
            continue
        row = _row(where, entry, images[entry["image_id"]])
        if row in seen:
            left_out["written twice"] += 1
            continue
        seen.add(row)
        rows.append(row)
    table = pl.DataFrame(rows, schema=SCHEMA, orient="row")
    sizes = {
        image["file_name"]: (image["height"], image["width"])
        for image in images.values()
        if "height" in image and "width" in image
    }
    return Boxes(path.parent if frames is None else frames, table, sizes, left_out)


def _parsed(path: Path) -> Mapping[str, Any]:
    document = read_json(path)
    if isinstance(document, list):
        raise CloserlookError(
            f"{path} is a list, as detectors' results are, which does not name the frames: give a file with 'images' "
            "and 'annotations', whose entries have image_id and bbox."
        )
    if not isinstance(document, dict):
        raise CloserlookError(f"{path} must be an object with 'images' and 'annotations'.")
    return document


def _list(path: Path, document: Mapping[str, Any], name: str) -> list[dict[str, Any]]:
    entries = document.get(name)
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise CloserlookError(f"{path}: '{name}' must be a list of objects.")
    return entries


def _images(path: Path, document: Mapping[str, Any]) -> list[dict[str, Any]]:
    images = _list(path, document, "images")
    for number, image in enumerate(images):
        _check(f"{path}: images[{number}]", image, "id", (int, str))
        _check(f"{path}: images[{number}]", image, "file_name", (str,))
        for name, kinds in (("height", (int,)), ("width", (int,)), ("video_id", (int, str)), ("camera", (int, str))):
            if name in image:
                _check(f"{path}: images[{number}]", image, name, kinds)
    for name in ("id", "file_name"):
        again = [value for value, count in Counter(image[name] for image in images).items() if count > 1]
        if again:
            raise CloserlookError(f"{path}: {len(again):,} images share their {name}, first {short(again[0])}.")
    return images


def _category(path: Path, document: Mapping[str, Any], name: str | None) -> set[object] | None:
    """The numbers of the category of people; None where the file has no categories."""
    if not document.get("categories"):
        if name is not None:
            raise CloserlookError(f"{path} has no categories, so --category {name} chooses nothing: leave it out.")
        return None
    categories = _list(path, document, "categories")
    for number, category in enumerate(categories):
        _check(f"{path}: categories[{number}]", category, "id", (int, str))
        _check(f"{path}: categories[{number}]", category, "name", (str,))
    names = list(dict.fromkeys(category["name"] for category in categories))
    wanted = name or (names[0] if len(names) == 1 else PERSON)
    if wanted not in names:
        raise unknown(f"--category of {path}", wanted, names)
    return {category["id"] for category in categories if category["name"] == wanted}


def _row(where: str, entry: Mapping[str, Any], image: Mapping[str, Any]) -> tuple[object, ...]:
    box = entry.get("bbox")
    if not isinstance(box, list) or len(box) != 4 or not all(_is_number(value) for value in box):
        raise CloserlookError(f"{where}: 'bbox' must be [left, top, width, height], not {short(box)}.")
    score = entry.get("score")
    if score is not None and not _is_number(score):
        raise CloserlookError(f"{where}: 'score' must be a number, not {short(score)}.")
    camera = image.get("camera", PurePosixPath(image["file_name"]).parent.as_posix())
    attributes = entry.get("attributes")
    known = {**(attributes if isinstance(attributes, dict) else {}), **entry}
    track = next((known[name] for name in TRACKS if known.get(name) is not None), None)
    if track is not None and (isinstance(track, bool) or not isinstance(track, int | str)):
        raise CloserlookError(f"{where}: a track must be a whole number or text, not {short(track)}.")
    if track is not None and "video_id" in image:
        track = f"{image['video_id']}/{track}"
    return (
        image["file_name"],
        None if camera in (None, ".") else str(camera),
        None if track is None else str(track),
        *(_float(value) for value in box),
        None if score is None else _float(score),
    )


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _float(value: float) -> float:
    try:
        return float(value)
    except OverflowError:  # a whole number of hundreds of digits
        return float("inf")


def _check(where: str, entry: Mapping[str, Any], name: str, kinds: tuple[type, ...]) -> None:
    value = entry.get(name)
    if not isinstance(value, kinds) or isinstance(value, bool):
        wanted = " or ".join(KINDS[kind] for kind in kinds)
        raise CloserlookError(f"{where}: '{name}' must be {wanted}, not {short(value)}.")
