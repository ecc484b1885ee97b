"""Into COCO's form: images, and for each split a JSON file with boxes, 17 key points and masks of the people."""

from __future__ import annotations

import datetime
import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from closerlook.compute.progress import progress
from closerlook.dataset.dataset import SPLITS, Dataset
from closerlook.dataset.decoding import read_image, read_size
from closerlook.dataset.exports.copying import copy_images, portable_names
from closerlook.storage.files import atomic_path

__all__ = ["COCO_KEYPOINTS", "export_coco", "plain_value", "run_lengths"]

_SIDED = ("eye", "ear", "shoulder", "elbow", "wrist", "hip", "knee", "ankle")
COCO_KEYPOINTS = ("nose", *(f"{side}_{name}" for name in _SIDED for side in ("left", "right")))
# COCO's own lines between points, numbered from 1
SKELETON = (
    *((16, 14), (14, 12), (17, 15), (15, 13), (12, 13), (6, 12), (7, 13), (6, 7), (6, 8), (7, 9)),
    *((8, 10), (9, 11), (2, 3), (1, 2), (1, 3), (2, 4), (3, 5), (4, 6), (5, 7)),
)
BOX = ("box_left", "box_top", "box_right", "box_bottom")
PERSON = {
    "id": 1,
    "name": "person",
    "supercategory": "person",
    "keypoints": list(COCO_KEYPOINTS),
    "skeleton": [list(line) for line in SKELETON],
}


def export_coco(dataset: Dataset, out: Path) -> None:
    """Copy images to ``images`` and write ``annotations/person_keypoints_train.json`` and so on, a file a split.

    Each image has one annotation, of the person that it is of: ``bbox`` from the table's box, or the whole image where
    the table has none; ``keypoints`` where the table has them; ``segmentation`` as COCO's run lengths where
    ``closerlook annotate`` has written masks; ``identity`` and ``camera``. Where nothing of the person is seen there is
    no annotation. All other columns of the table are in ``attributes`` of the image.

    Raises:
        CloserlookError: an image is missing, empty or not an image.
    """
    names = portable_names(dataset)
    masks = dataset.root / "annotations" / "mask"
    with atomic_path(out) as draft:
        (draft / "annotations").mkdir(parents=True)
        rows = dataset.table.with_columns(names.alias("name")).to_dicts()
        by_split: dict[str, tuple[list[Any], list[Any]]] = {split: ([], []) for split in SPLITS}
        with progress(f"Describing {dataset.name}", len(dataset)) as advance:
            for number, (row, file) in enumerate(zip(rows, dataset.files, strict=True), 1):
                images, annotations = by_split[row["split"]]
                size = read_size(file)
                images.append(_image(number, row, size))
                mask = masks / Path(row["file_name"]).with_suffix(".png")
                annotation = _annotation(number, row, size, read_image(mask) if mask.is_file() else None)
                annotations += [annotation] if annotation else []
                advance(1)
        copy_images(dataset, names, draft / "images")
        for split, (images, annotations) in by_split.items():
            if images:
                content = {
                    "info": {"description": dataset.name, "version": "1.0"},
                    "licenses": [],
                    "images": images,
                    "annotations": annotations,
                    "categories": [PERSON],
                }
                text = json.dumps(content, allow_nan=False)
                (draft / "annotations" / f"person_keypoints_{split}.json").write_text(text, encoding="utf-8")


def _image(number: int, row: Mapping[str, Any], size: tuple[int, int]) -> dict[str, Any]:
    left_out = {"file_name", "name", "identity", "camera", "split", "keypoints", *BOX}
    return {
        "id": number,
        "file_name": row["name"],
        "height": size[0],
        "width": size[1],
        "attributes": {name: plain_value(value) for name, value in row.items() if name not in left_out},
    }


def _annotation(
    number: int, row: Mapping[str, Any], size: tuple[int, int], mask: NDArray[np.uint8] | None
) -> dict[str, Any] | None:
    height, width = size
    box = [row[name] for name in BOX if row.get(name) is not None]
    left, top, right, bottom = map(float, box if len(box) == len(BOX) else (0, 0, width, height))
    if not (right > left and bottom > top):
        return None
    found: dict[str, Any] = {
        "id": number,
        "image_id": number,
        "category_id": 1,
        "bbox": [left, top, right - left, bottom - top],
        "area": (right - left) * (bottom - top),
        "iscrowd": 0,
        "identity": row["identity"],
        "camera": row["camera"],
    }
    if mask is not None:
        covered = mask[:, :, 0] >= 128
        found["segmentation"] = {"size": [height, width], "counts": run_lengths(covered)}
        found["area"] = int(covered.sum())
    points = row.get("keypoints")
    if points is not None and len(points) == 3 * len(COCO_KEYPOINTS):
        seen = [int(value) for value in points[2::3]]
        triples = zip(points[0::3], points[1::3], seen, strict=True)
        # COCO has 0, 0, 0 for a point that is not there
        found["keypoints"] = [
            value for x, y, v in triples for value in ((round(x, 2), round(y, 2), v) if v else (0, 0, 0))
        ]
        found["num_keypoints"] = sum(value > 0 for value in seen)
    return found


def run_lengths(mask: NDArray[np.bool_]) -> list[int]:
    """COCO's uncompressed run lengths of a mask (height, width): column by column, beginning with what is not covered.

    Example:
        >>> run_lengths(np.array([[True, False], [True, True]]))
        [0, 2, 1, 1]
    """
    flat = mask.ravel(order="F")
    changes = np.flatnonzero(np.diff(flat)) + 1
    edges = [0, *([0] if flat.size and flat[0] else []), *changes.tolist(), flat.size]
    return np.diff(edges).tolist()


def plain_value(value: object) -> object:
    """A value of a table as JSON has it: neither NaN nor infinity; dates, durations, bytes and so on as text."""
    if isinstance(value, dict):
        return {name: plain_value(each) for name, each in value.items()}
    if isinstance(value, list):
        return [plain_value(each) for each in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if value is None or isinstance(value, str | int | float):
        return value
    return value.isoformat() if isinstance(value, datetime.date | datetime.time) else str(value)
