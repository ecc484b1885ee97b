"""Boxes in frames, whatever wrote them, and which of them are worth cutting out."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from closerlook.arrays import Float
from closerlook.errors import UsageError

__all__ = ["SCHEMA", "Boxes", "Cutting", "choose"]

SCHEMA = {
    "frame": pl.String,
    "camera": pl.String,
    "track": pl.String,
    "left": pl.Float64,
    "top": pl.Float64,
    "width": pl.Float64,
    "height": pl.Float64,
    "score": pl.Float64,
}
# why a box is left out, in the order in which it is asked
NO_NUMBERS, EMPTY, OUTSIDE, SMALL, COVERED = range(1, 6)
REASONS = {
    NO_NUMBERS: "not of finite numbers",
    EMPTY: "without an area",
    OUTSIDE: "outside of the frame",
    SMALL: "too small",
    COVERED: "covered by another",
}


@dataclass(frozen=True)
class Boxes:
    """What was read of a file of boxes.

    Attributes:
        frames: folder that the frames' names are relative to.
        table: one row per box, with the columns of ``SCHEMA``: pixels of the frame from its upper left corner; camera,
            track and score are null where they are not known.
        sizes: (height, width) of the frames as the file says, by name; empty where it does not.
        left_out: boxes that the file itself marks as nobody's, by reason.
    """

    frames: Path
    table: pl.DataFrame = field(repr=False)
    sizes: dict[str, tuple[int, int]] = field(default_factory=dict, repr=False)
    left_out: Counter[str] = field(default_factory=Counter)


@dataclass(frozen=True)
class Cutting:
    """How crops are cut.

    Attributes:
        margin: added on each side, as a share of the box's height above and below, of its width left and right.
        smallest: (height, width) in pixels that a box must have at least within its frame, without the margin.
        overlap: the largest share of a box that one box in front of it (whose lower edge is lower) may cover; 1 keeps
            all.
        tracks: whether track ids become identities; boxes without one are then left out. Else all are unlabeled.
        category: of a COCO file, the category whose boxes are people's; ``person``, or its only one, if ``None``.
        score: the lowest that is taken, where boxes have one.

    Raises:
        UsageError: a value is out of range.
    """

    margin: float = 0.0
    smallest: tuple[int, int] = (32, 16)
    overlap: float = 1.0
    tracks: bool = False
    category: str | None = None
    score: float | None = None

    def __post_init__(self) -> None:
        if not 0 <= self.margin <= 1:
            raise UsageError(f"--margin must be a share between 0 and 1, not {self.margin:g}.")
        if not 0 <= self.overlap <= 1:
            raise UsageError(f"--overlap must be a share between 0 and 1, not {self.overlap:g}.")
        if min(self.smallest) < 1:
            raise UsageError(f"--smallest must be at least 1x1, not {self.smallest[0]}x{self.smallest[1]}.")
        if self.score is not None and not np.isfinite(self.score):
            raise UsageError(f"--score must be a number, not {self.score:g}.")


def choose(boxes: Float, size: tuple[int, int], cutting: Cutting) -> tuple[NDArray[np.int64], NDArray[np.int64], Float]:
    """Which boxes of a frame are cut, and where.

    Args:
        boxes: (n, 4) left, top, width and height.
        size: (height, width) of the frame.

    Returns:
        why: (n,) 0 for a box that is cut, else one of ``REASONS``.
        crops: (n, 4) left, top, right and bottom in whole pixels, within the frame; zeros for those left out.
        inside: (n, 4) left, top, right and bottom of the box within its crop; zeros for those left out.
    """
    boxes = np.asarray(boxes, np.float64).reshape(-1, 4)
    why = np.zeros(len(boxes), np.int64)
    why[~np.isfinite(boxes).all(axis=1)] = NO_NUMBERS
    why[(why == 0) & (boxes[:, 2:] <= 0).any(axis=1)] = EMPTY
    good = np.where((why == 0)[:, None], boxes, 0.0)
    limits = np.array([size[1], size[0]], np.float64)
    low, high = good[:, :2], good[:, :2] + good[:, 2:]
    shown = np.concatenate([np.clip(low, 0, limits), np.clip(high, 0, limits)], axis=1)
    extent = shown[:, 2:] - shown[:, :2]
    why[(why == 0) & (extent <= 0).any(axis=1)] = OUTSIDE
    why[(why == 0) & ((extent[:, 1] < cutting.smallest[0]) | (extent[:, 0] < cutting.smallest[1]))] = SMALL
    why[(why == 0) & (_covered(shown, extent, high[:, 1]) > cutting.overlap)] = COVERED
    margin = cutting.margin * good[:, 2:]
    start = np.floor(np.clip(low - margin, 0, limits))
    stop = np.ceil(np.clip(high + margin, 0, limits))
    crops = np.concatenate([start, stop], axis=1) * (why == 0)[:, None]
    inside = (shown - np.tile(start, 2)) * (why == 0)[:, None]
    return why, crops.astype(np.int64), inside


def _covered(shown: Float, extent: Float, bottom: Float) -> Float:
    """(n,) the largest share of each box's area that a single box in front of it covers."""
    low = np.maximum(shown[:, None, :2], shown[None, :, :2])
    high = np.minimum(shown[:, None, 2:], shown[None, :, 2:])
    common = np.clip(high - low, 0, None).prod(axis=2)
    in_front = bottom[None, :] > bottom[:, None]
    area = np.maximum(extent.prod(axis=1), np.finfo(float).tiny)
    return np.asarray((np.where(in_front, common, 0.0) / area[:, None]).max(axis=1, initial=0.0))
