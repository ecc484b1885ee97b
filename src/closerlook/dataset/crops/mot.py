"""Boxes as MOTChallenge writes them, a line each: ``frame, track, left, top, width, height, score, class, visible``."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import polars as pl

from closerlook.dataset.crops.boxes import SCHEMA, Boxes, Cutting
from closerlook.dataset.formats.listing import image_files
from closerlook.dataset.formats.texts import read_text
from closerlook.errors import CloserlookError, short

__all__ = ["read_mot"]

PEDESTRIAN = 1  # the class of a ground truth's lines that show a walking person
NUMBER = re.compile(r"(\d+)$")


def read_mot(path: Path, frames: Path | None, cutting: Cutting) -> Boxes:
    """The boxes of a sequence (``gt.txt``, ``det.txt``), or of each sequence in a folder like MOTChallenge's.

    A sequence is a camera. Pixels are counted from 1 there. Of a file called ``gt.txt`` only pedestrians are taken
    whose flag, the seventh number, is not 0; of any other, the seventh number is a score. A track of -1 is none.

    Args:
        frames: folder of the frames, whose names end in their numbers; ``img1`` beside the file's folder if ``None``.

    Raises:
        CloserlookError: a line is not of this form, or a frame is missing; the message says which.
    """
    if not path.is_dir():
        folder = path.parent.parent / "img1" if frames is None else frames
        rows, left_out = _read(path, _sequence(path), folder, "")
        return Boxes(folder, pl.DataFrame(rows, schema=SCHEMA, orient="row"), left_out=left_out)
    files = sorted(path.glob("*/gt/gt.txt"))
    if not files:
        raise CloserlookError(f"{path} holds no sequence: looked for */gt/gt.txt. Name one file of boxes instead.")
    home = path if frames is None else frames
    every, marked = list[tuple[object, ...]](), Counter[str]()
    for file in files:
        sequence = _sequence(file)
        rows, left_out = _read(file, sequence, home / sequence / "img1", f"{sequence}/img1/")
        every += [(*row[:2], None if row[2] is None else f"{sequence}/{row[2]}", *row[3:]) for row in rows]
        marked += left_out
    return Boxes(home, pl.DataFrame(every, schema=SCHEMA, orient="row"), left_out=marked)


def _sequence(path: Path) -> str:
    folder = path.resolve().parent
    return folder.parent.name if folder.name in ("gt", "det") else path.stem


def _read(path: Path, sequence: str, folder: Path, start: str) -> tuple[list[tuple[object, ...]], Counter[str]]:
    names = _frames(path, folder)
    is_truth = path.name == "gt.txt"
    rows, seen, left_out = list[tuple[object, ...]](), set[tuple[object, ...]](), Counter[str]()
    for number, line in enumerate(read_text(path).splitlines(), 1):
        if not line.strip():
            continue
        where = f"{path}, line {number}"
        frame, track, left, top, width, height, *more = _numbers(where, line)
        if is_truth and more and (more[0] == 0 or (len(more) > 1 and more[1] != PEDESTRIAN)):
            left_out["marked as no pedestrian's"] += 1
            continue
        if frame not in names:
            raise CloserlookError(f"{where}: there is no frame {frame:g} in {folder}.")
        score = more[0] if more and not is_truth else None
        row = (
            start + names[int(frame)],
            sequence,
            None if track < 0 else f"{track:g}",
            *(left - 1, top - 1, width, height),
            score,
        )
        if row in seen:
            left_out["written twice"] += 1
            continue
        seen.add(row)
        rows.append(row)
    return rows, left_out


def _frames(path: Path, folder: Path) -> dict[int, str]:
    """Names of the frames by number."""
    if not folder.is_dir():
        raise CloserlookError(f"{folder} is not a folder; --frames must name the one with the frames of {path}.")
    found: dict[int, str] = {}
    for name in image_files(folder):
        match = NUMBER.search(Path(name).stem)
        if match and found.setdefault(int(match[1]), name) != name:
            raise CloserlookError(f"{folder} has two frames {int(match[1])}: {found[int(match[1])]} and {name}.")
    if not found:
        raise CloserlookError(f"There are no images in {folder} whose names end in a number, such as 000001.jpg.")
    return found


def _numbers(where: str, line: str) -> list[float]:
    parts = [part for part in re.split(r"[,;\s]+", line.strip()) if part]
    try:
        values = [float(part) for part in parts]
    except ValueError:
        values = []
    if len(values) < 6 or not (values[0] >= 0 and values[0].is_integer()) or not values[1].is_integer():
        raise CloserlookError(
            f"{where}: '{short(line.strip())}' is not like '1, 3, 794.2, 47.5, 71.2, 174.8, 1' (frame, track, left, "
            "top, width, height, ...)."
        )
    return values
