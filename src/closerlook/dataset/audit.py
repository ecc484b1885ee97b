"""Looking a data set over before anything is concluded from it."""

from __future__ import annotations

import hashlib
import math
from collections import Counter, defaultdict
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl

from closerlook.compute.progress import progress
from closerlook.dataset.dataset import SPLITS, Dataset
from closerlook.dataset.decoding import read_bytes, read_image
from closerlook.dataset.threads import map_in_threads
from closerlook.errors import CloserlookError

__all__ = ["Audit", "audit"]

SHOWN = 3
PEOPLE = pl.col("identity").filter(pl.col("identity") >= 0).n_unique()
Size = tuple[int, int]


@dataclass(frozen=True)
class Audit:
    """What :func:`audit` found.

    Attributes:
        name: of the data set.
        splits: one row per split: ``split``, ``images``, ``identities``, ``cameras``.
        cameras: one row per camera: ``camera`` (null where unknown), ``images``, ``identities``.
        unlabeled: images without an identity.
        one_camera: identities seen by one camera only (no cross-camera match can be learnt or tested on them).
        images_per_identity: smallest, median and largest number.
        unreadable: message a file that is missing, empty, truncated or not an image.
        duplicates: groups of two or more files with equal bytes.
        duplicates_across: how many of the groups span two splits or two identities.
        sizes: images by (height, width), the most frequent first.
        cells: of the product of all factors' levels, how many there are and how many hold no image.
        unbalanced: factor -> images of its rarest and its most frequent level, where they differ.
        shared_identities: identities that are both in the training split and in query or gallery.
    """

    name: str
    splits: pl.DataFrame
    cameras: pl.DataFrame
    unlabeled: int
    one_camera: int
    images_per_identity: tuple[int, float, int]
    unreadable: tuple[str, ...]
    duplicates: tuple[tuple[str, ...], ...]
    duplicates_across: int
    sizes: dict[Size, int]
    cells: tuple[int, int]
    unbalanced: dict[str, tuple[int, int]]
    shared_identities: int

    @property
    def problems(self) -> list[str]:
        """What is likely to spoil a result, a sentence each; empty where nothing is."""
        found = []
        if self.unreadable:
            found.append(f"{len(self.unreadable):,} images cannot be read: {_shown(self.unreadable)}")
        if self.duplicates_across:
            found.append(f"{self.duplicates_across:,} groups of equal files span splits or identities")
        if self.shared_identities:
            found.append(f"{self.shared_identities:,} identities are both in train and in query or gallery")
        if self.cells[1]:
            found.append(f"{self.cells[1]:,} of {self.cells[0]:,} combinations of levels have no image")
        return found

    def __str__(self) -> str:
        sizes = ", ".join(f"{h} x {w} ({count:,})" for (h, w), count in list(self.sizes.items())[:SHOWN])
        low, median, high = self.images_per_identity
        lines = [self.name]
        for split, images, identities, cameras in self.splits.iter_rows():
            lines.append(f"  {split:<8} {images:>9,} images {identities:>7,} identities {cameras:>4,} cameras")
        lines += [
            f"  images per person: {low:,} to {high:,}, median {median:g}; of nobody known: {self.unlabeled:,}",
            f"  people seen by one camera only: {self.one_camera:,}",
            *(
                f"  camera {'unknown' if camera is None else camera}: {images:,} images of {identities:,} people"
                for camera, images, identities in self.cameras.iter_rows()
            ),
            f"  sizes (height x width): {sizes}" + (f" and {len(self.sizes) - SHOWN} more" * (len(self.sizes) > SHOWN)),
            f"  equal files: {len(self.duplicates):,} groups"
            + (f", first {_shown(self.duplicates[0])}" if self.duplicates else ""),
            *(f"  {factor}: {few:,} to {many:,} images per level" for factor, (few, many) in self.unbalanced.items()),
            *(f"  PROBLEM: {problem}" for problem in self.problems),
        ]
        return "\n".join(lines if self.problems else [*lines, "  no problems found"])


def audit(dataset: Dataset, *, workers: int = 2) -> Audit:
    """Read every image of ``dataset`` and check files, labels and design. Junk and distractors count as unlabeled."""
    unreadable, digests, sizes = _read_files(dataset, workers)
    table = dataset.table
    people = table.filter(pl.col("identity") >= 0)
    per_person = people.group_by("identity").agg(
        pl.len().alias("images"), pl.col("camera").drop_nulls().n_unique().alias("cameras")
    )
    train = people.filter(pl.col("split") == "train")["identity"].unique()
    test = people.filter(pl.col("split") != "train")["identity"].unique()
    groups = [rows for rows in digests.values() if len(rows) > 1]
    images = per_person["images"].to_numpy() if len(per_person) else np.zeros(1, int)
    cells, unbalanced = _design_gaps(dataset)
    return Audit(
        name=dataset.name,
        splits=_split_counts(table),
        cameras=table.group_by("camera").agg(pl.len().alias("images"), PEOPLE.alias("identities")).sort("camera"),
        unlabeled=table.height - people.height,
        one_camera=per_person.filter(pl.col("cameras") == 1).height,
        images_per_identity=(int(images.min()), float(np.median(images)), int(images.max())),
        unreadable=tuple(unreadable),
        duplicates=tuple(tuple(table["file_name"][rows]) for rows in groups),
        duplicates_across=sum(table[rows].select("split", "identity").n_unique() > 1 for rows in groups),
        sizes=dict(sizes.most_common()),
        cells=cells,
        unbalanced=unbalanced,
        shared_identities=len(set(train) & set(test)),
    )


def _read_files(dataset: Dataset, workers: int) -> tuple[list[str], dict[bytes, list[int]], Counter[Size]]:
    """Messages about bad files, row numbers by the hash of their bytes, and images by size."""
    unreadable: list[str] = []
    digests: defaultdict[bytes, list[int]] = defaultdict(list)
    sizes: Counter[Size] = Counter()
    with progress(f"Reading {dataset.name}", len(dataset)) as advance:
        for row, found in enumerate(map_in_threads(_read_file, dataset.paths, workers)):
            if isinstance(found, str):
                unreadable.append(found)
            else:
                digests[found[0]].append(row)
                sizes[found[1]] += 1
            advance(1)
    return unreadable, digests, sizes


def _read_file(path: Path) -> tuple[bytes, Size] | str:
    try:
        height, width = read_image(path).shape[:2]
    except CloserlookError as error:
        return str(error)
    return hashlib.blake2b(read_bytes(path), digest_size=16).digest(), (height, width)


def _split_counts(table: pl.DataFrame) -> pl.DataFrame:
    counts = table.group_by("split").agg(
        pl.len().alias("images"),
        PEOPLE.alias("identities"),
        pl.col("camera").drop_nulls().n_unique().alias("cameras"),
    )
    return counts.sort(pl.col("split").cast(pl.Enum(SPLITS)))


def _design_gaps(dataset: Dataset) -> tuple[tuple[int, int], dict[str, tuple[int, int]]]:
    """(cells of the full product, empty ones), and the factors whose levels hold unequal numbers of images."""
    factors = dataset.factors
    if not factors:
        return (0, 0), {}
    total = math.prod(len(factor) for factor in factors)
    filled = dataset.table.select([factor.name for factor in factors]).drop_nulls().n_unique()
    unbalanced = {}
    for factor in factors:
        counts = Counter(map(str, dataset.table[factor.name]))
        images = [counts[str(level)] for level in factor.levels]
        if min(images) != max(images):
            unbalanced[factor.name] = (min(images), max(images))
    return (total, total - filled), unbalanced


def _shown(items: tuple[str, ...]) -> str:
    return ", ".join(items[:SHOWN]) + (", ..." if len(items) > SHOWN else "")
