"""From frames and boxes to crops in a folder with their table."""

from __future__ import annotations

import functools
from collections import Counter
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import polars as pl
import simplejpeg

from closerlook.compute.progress import progress
from closerlook.dataset.crops.boxes import REASONS, Boxes, Cutting, choose
from closerlook.dataset.dataset import Dataset
from closerlook.dataset.decoding import read_image
from closerlook.dataset.formats.listing import missing_files, refuse_names_outside, shown
from closerlook.dataset.threads import map_in_threads
from closerlook.errors import CloserlookError
from closerlook.storage.files import atomic_path

__all__ = ["Cut", "cut"]

JPEG_QUALITY = 95
COLUMNS = {
    "file_name": pl.String,
    "identity": pl.String,
    "camera": pl.String,
    "frame": pl.String,
    "score": pl.Float64,
    "box_left": pl.Float64,
    "box_top": pl.Float64,
    "box_right": pl.Float64,
    "box_bottom": pl.Float64,
}


@dataclass(frozen=True)
class Cut:
    """What became of the boxes.

    Attributes:
        data: the crops, as they now lie in their folder.
        left_out: boxes that were not cut, by reason.
    """

    data: Dataset
    left_out: Counter[str]

    def __str__(self) -> str:
        left = counted(self.left_out)
        return f"{len(self.data):,} crops" + (f"; left out: {left}" if left else "")


def cut(path: Path, boxes: Boxes, cutting: Cutting, out: Path, *, workers: int = 2) -> Cut:
    """Cut the boxes that ``cutting`` takes out of their frames, into ``out``, which appears whole or not at all.

    Raises:
        CloserlookError: a frame is missing, unreadable or of another size than the file says, no box is left, or
            ``out`` exists already.
    """
    table, left_out = boxes.table, Counter(boxes.left_out)
    kept = table if cutting.score is None else table.filter((pl.col("score") >= cutting.score).fill_null(True))
    left_out["below --score"] = table.height - kept.height
    table = kept.filter(pl.col("track").is_not_null()) if cutting.tracks else kept
    left_out["without a track"] = kept.height - table.height
    frames = table["frame"].unique(maintain_order=True)
    _check_frames(path, frames, boxes.frames)
    names = _crop_names(frames)
    work = functools.partial(_cut_frame, boxes, cutting)
    rows: list[tuple[object, ...]] = []
    with atomic_path(out) as draft, progress("Cutting", len(frames)) as advance:
        parts = table.partition_by("frame", maintain_order=True)
        tasks = ((part, draft / names[part["frame"][0]], names[part["frame"][0]]) for part in parts)
        for made, reasons in map_in_threads(lambda task: work(*task), tasks, workers):
            rows += made
            left_out += reasons
            advance(1)
        if not rows:
            raise CloserlookError(f"{path}: no box is left to cut ({counted(left_out) or 'there are none'}).")
        crops = _labeled(pl.DataFrame(rows, schema=COLUMNS, orient="row"), cutting.tracks)
        Dataset.from_table(draft, crops, out.name, ()).save()
    return Cut(Dataset.from_table(out, crops, out.name, ()), left_out)


def counted(left_out: Counter[str]) -> str:
    return ", ".join(f"{count:,} {why}" for why, count in left_out.items() if count)


def _check_frames(path: Path, frames: pl.Series, folder: Path) -> None:
    try:
        refuse_names_outside(path, frames, of=folder)
    except CloserlookError as error:
        said = str(error).partition(" If you trust")[0]
        raise CloserlookError(f"{said} Name their folder with --frames, and the frames relative to it.") from None
    missing = missing_files(folder, frames)
    if missing:
        raise CloserlookError(
            f"{path}: {len(missing):,} of {len(frames):,} frames are not in {folder} ({shown(missing)}); name their "
            "folder with --frames."
        )


def _crop_names(frames: pl.Series) -> dict[str, str]:
    """What the names of each frame's crops begin with: the frame's own, with its ending only where others share it."""
    stems = Counter(PurePosixPath(name).with_suffix("").as_posix() for name in frames)
    short = {name: PurePosixPath(name).with_suffix("").as_posix() for name in frames}
    return {name: f"images/{stem if stems[stem] == 1 else name}" for name, stem in short.items()}


def _cut_frame(
    boxes: Boxes, cutting: Cutting, part: pl.DataFrame, to: Path, name: str
) -> tuple[list[tuple[object, ...]], Counter[str]]:
    frame = part["frame"][0]
    image = read_image(boxes.frames / frame)
    size = (image.shape[0], image.shape[1])
    if boxes.sizes.get(frame, size) != size:
        said = boxes.sizes[frame]
        raise CloserlookError(
            f"Frame {boxes.frames / frame} is {size[0]} x {size[1]} (height x width) and its boxes are of one of "
            f"{said[0]} x {said[1]}: give the frames that the boxes are of, not resized or turned."
        )
    why, crops, inside = choose(part.select("left", "top", "width", "height").to_numpy(), size, cutting)
    rows: list[tuple[object, ...]] = []
    for number, row in enumerate(part.iter_rows(named=True)):
        if why[number]:
            continue
        left, top, right, bottom = crops[number].tolist()
        to.parent.mkdir(parents=True, exist_ok=True)
        pixels = image[top:bottom, left:right].copy()
        encoded = simplejpeg.encode_jpeg(pixels, quality=JPEG_QUALITY, colorsubsampling="444")
        to.with_name(f"{to.name}_{number:02d}.jpg").write_bytes(encoded)
        own = f"{name}_{number:02d}.jpg"
        rows.append((own, row["track"], row["camera"], frame, row["score"], *inside[number].tolist()))
    return rows, Counter(REASONS[reason] for reason in why[why > 0].tolist())


def _labeled(crops: pl.DataFrame, tracks: bool) -> pl.DataFrame:
    if not tracks:
        crops = crops.with_columns(pl.lit(None, pl.Int64).alias("identity"))
    return crops.drop("score") if crops["score"].null_count() == crops.height else crops
