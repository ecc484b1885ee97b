"""Labels that lag behind their images: the last pictures said to be of one person show the next one."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from closerlook.dataset.auditing.looks import Look

__all__ = ["Lag", "label_lag"]

MOST_IMAGES = 3  # that labels may lag or lead by
CORE = 2  # images in the middle of a run that its person is known by
SHORTEST = 2 * MOST_IMAGES + CORE
FEWEST_RUNS = 10
CLEARLY = 4.0  # standard errors
MOSTLY = 0.3  # of the boundaries more than in the middle of runs


@dataclass(frozen=True)
class Lag:
    """By how many images labels come too late (negative: too early), and how sure that is.

    Attributes:
        images: how many.
        share: of the boundaries where the image beside it looks like the other person.
        usual: the same of images in the middle of runs.
        boundaries: how many were looked at.
    """

    images: int
    share: float
    usual: float
    boundaries: int


def label_lag(table: pl.DataFrame, looks: Sequence[Look]) -> Lag | None:
    """Whether labels lag, in the order of ``table``, whose rows ``looks`` are of; None where they do not, or too few
    boundaries say.

    Where images of one person follow those of another in one camera's recording, each run of at least 8, the last and
    first images are held against the middles of both runs, as are the images beside the middles: only if those at the
    boundary look like the other person much more often than these do, labels lag or lead.
    """
    pairs = _neighbors(table)
    if len(pairs) < FEWEST_RUNS:
        return None
    small = np.stack([look.thumbnail.ravel() for look in looks]).astype(np.float32)
    votes = np.array([_votes(small, *pair) for pair in pairs])  # (pairs, sides, images from the boundary), then usual
    usual = votes[:, :, -1].mean()
    shares = votes[:, :, :-1].mean(0)
    errors = np.sqrt(np.clip(shares * (1 - shares) + usual * (1 - usual), 0.01, None) / len(pairs))
    wrong = (shares - usual > MOSTLY) & (shares - usual > CLEARLY * errors)
    side = int(shares[:, 0].argmax())
    if not wrong[side, 0]:
        return None
    images = int(np.append(wrong[side], False).argmin())
    return Lag(images if side == 0 else -images, float(shares[side, 0]), float(usual), len(pairs))


def _neighbors(table: pl.DataFrame) -> list[tuple[slice, slice]]:
    """Runs of one person and the next in one camera and split, both long enough."""
    kept = table.select(
        pl.col("identity").fill_null(-1).rle_id().alias("run"),
        pl.struct("camera", "split").rle_id().alias("recording"),
        pl.col("identity").fill_null(-1),
    ).with_row_index()
    runs = (
        kept.group_by("recording", "run", maintain_order=True)
        .agg(pl.col("index").min().alias("start"), pl.len(), pl.col("identity").first())
        .to_dicts()
    )
    return [
        (slice(one["start"], one["start"] + one["len"]), slice(other["start"], other["start"] + other["len"]))
        for one, other in itertools.pairwise(runs)
        if one["recording"] == other["recording"]
        and min(one["len"], other["len"]) >= SHORTEST
        and min(one["identity"], other["identity"]) >= 0
    ]


def _votes(small: NDArray[np.float32], one: slice, other: slice) -> NDArray[np.bool_]:
    """(2, 4): of the last images of one run and the first of the other, from the boundary on, and of one image beside
    the middle, whether each is nearer to the other run's middle than to its own."""
    middles = [(run.start + run.stop - CORE) // 2 for run in (one, other)]
    cores = [small[middle : middle + CORE].mean(0) for middle in middles]
    rows = np.array(
        [
            [*(one.stop - 1 - number for number in range(MOST_IMAGES)), middles[0] - 1],
            [*(other.start + number for number in range(MOST_IMAGES)), middles[1] + CORE],
        ]
    )
    near, far = (np.abs(small[rows] - np.stack([cores[i], cores[1 - i]])[:, None]).mean(-1) for i in (0, 1))
    return np.asarray(near > far)
