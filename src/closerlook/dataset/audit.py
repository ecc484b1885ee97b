"""Looking a data set over before anything is concluded from it."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from closerlook.dataset.auditing.finding import SHOWN, Finding
from closerlook.dataset.auditing.kept import labels_digest
from closerlook.dataset.auditing.label_lag import label_lag
from closerlook.dataset.auditing.looks import Look, look_at
from closerlook.dataset.auditing.near_duplicates import MOST_COMPARED, near_duplicates
from closerlook.dataset.dataset import SPLITS, Dataset

__all__ = ["Audit", "Finding", "audit"]

LISTED = 20  # files that a finding names
DARK = 16.0  # mean luminance of 255; the darkest of Market-1501's 12,936 training images has 30
BLURRED = 2.5  # mean absolute Laplacian at 128 x 64; the most blurred of them has 3.2
SMALLEST = (16, 8)  # height, width
PEOPLE = pl.col("identity").filter(pl.col("identity") >= 0).n_unique()
Size = tuple[int, int]
BOX = ("box_left", "box_top", "box_right", "box_bottom")


@dataclass(frozen=True)
class Audit:
    """What :func:`audit` found.

    Attributes:
        name: of the data set.
        labels: a digest of its table's identities, cameras and splits.
        splits: one row per split: ``split``, ``images``, ``identities``, ``cameras``.
        cameras: one row per camera: ``camera`` (null where unknown), ``images``, ``identities``.
        unlabeled: images without an identity.
        one_camera: identities seen by one camera only (no cross-camera match can be learnt or tested on them).
        images_per_identity: smallest, median and largest number.
        sizes: images by (height, width), the most frequent first.
        cells: of the product of all factors' levels, how many there are and how many hold no image.
        unbalanced: factor -> images of its rarest and its most frequent level, where they differ.
        findings: what is wrong or worth knowing, problems first.
    """

    name: str
    labels: str
    splits: pl.DataFrame
    cameras: pl.DataFrame
    unlabeled: int
    one_camera: int
    images_per_identity: tuple[int, float, int]
    sizes: dict[Size, int]
    cells: tuple[int, int]
    unbalanced: dict[str, tuple[int, int]]
    findings: tuple[Finding, ...]

    @property
    def problems(self) -> tuple[Finding, ...]:
        """The findings that are likely to spoil a result."""
        return tuple(finding for finding in self.findings if finding.severity == "problem")

    def found(self, check: str) -> int:
        """How many a check found, 0 where it found nothing."""
        return sum(finding.count for finding in self.findings if finding.check == check)

    @property
    def table(self) -> pl.DataFrame:
        """The findings, a row each: ``check``, ``severity``, ``count``, ``message``, ``files`` (a list)."""
        kinds = {"check": pl.String, "severity": pl.String, "count": pl.Int64, "message": pl.String}
        return pl.DataFrame(
            [asdict(finding) for finding in self.findings], schema={**kinds, "files": pl.List(pl.String)}
        )

    def to_dict(self) -> dict[str, Any]:
        """The audit as plain values, for JSON."""
        return {
            "name": self.name,
            "labels": self.labels,
            "splits": self.splits.to_dicts(),
            "cameras": self.cameras.to_dicts(),
            "unlabeled": self.unlabeled,
            "one_camera": self.one_camera,
            "images_per_identity": dict(zip(("least", "median", "most"), self.images_per_identity, strict=True)),
            "sizes": [{"height": h, "width": w, "images": count} for (h, w), count in self.sizes.items()],
            "cells": dict(zip(("all", "empty"), self.cells, strict=True)),
            "unbalanced": {name: {"least": few, "most": many} for name, (few, many) in self.unbalanced.items()},
            "findings": [{**asdict(finding), "files": list(finding.files)} for finding in self.findings],
        }

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
            *(f"  {factor}: {few:,} to {many:,} images per level" for factor, (few, many) in self.unbalanced.items()),
            *(f"  {finding}" for finding in self.findings),
        ]
        return "\n".join(lines if self.problems else [*lines, "  no problems found"])


def audit(dataset: Dataset, *, workers: int = 2) -> Audit:
    """Read every image of ``dataset`` and check files, labels and design. Junk and distractors count as unlabeled.

    Example:
        >>> from closerlook.dataset.audit import audit
        >>> audit(data).found("unreadable")
        0
    """
    looks: list[Look] = []
    rows: list[int] = []
    unreadable = []
    for row, found in enumerate(look_at(dataset, workers)):
        if isinstance(found, str):
            unreadable.append(found)
        else:
            looks.append(found)
            rows.append(row)
    table = dataset.table
    people = table.filter(pl.col("identity") >= 0)
    per_person = people.group_by("identity").agg(
        pl.len().alias("images"), pl.col("camera").drop_nulls().n_unique().alias("cameras")
    )
    images = per_person["images"].to_numpy() if len(per_person) else np.zeros(1, int)
    cells, unbalanced = _design_gaps(dataset)
    findings = [
        *_bad_files(unreadable),
        *_duplicates(table[rows], looks),
        *_shared(people),
        *_labels(table[rows], looks),
        *_poor_pictures(table[rows], looks),
        *_sizes(table[rows], looks),
        *_empty_cells(cells),
    ]
    return Audit(
        name=dataset.name,
        labels=labels_digest(dataset),
        splits=_split_counts(table),
        cameras=table.group_by("camera").agg(pl.len().alias("images"), PEOPLE.alias("identities")).sort("camera"),
        unlabeled=table.height - people.height,
        one_camera=per_person.filter(pl.col("cameras") == 1).height,
        images_per_identity=(int(images.min()), float(np.median(images)), int(images.max())),
        sizes=dict(Counter(look.size for look in looks).most_common()),
        cells=cells,
        unbalanced=unbalanced,
        findings=tuple(sorted(findings, key=lambda finding: finding.severity, reverse=True)),
    )


def _bad_files(messages: Sequence[str]) -> Iterator[Finding]:
    if messages:
        said = f"{len(messages):,} images cannot be read"
        yield Finding("unreadable", "problem", len(messages), said, tuple(messages[:LISTED]))


def _duplicates(table: pl.DataFrame, looks: Sequence[Look]) -> Iterator[Finding]:
    """Equal files, and others that show the same picture; both matter most across splits and people."""
    digests: defaultdict[bytes, list[int]] = defaultdict(list)
    for row, look in enumerate(looks):
        digests[look.digest].append(row)
    groups = [rows for rows in digests.values() if len(rows) > 1]
    across = [rows for rows in groups if table[rows].select("split", "identity").n_unique() > 1]
    if groups:
        said = f"{len(groups):,} groups of files are equal"
        yield Finding("equal files", "note", len(groups), said, _named(table, groups[0]))
    if across:
        said = f"{len(across):,} groups of equal files span splits or identities"
        yield Finding("equal files across", "problem", len(across), said, _named(table, across[0]))
    pairs = near_duplicates(looks)
    pairs = pairs[[looks[a].digest != looks[b].digest for a, b in pairs]] if len(pairs) else pairs
    some = f" (of {MOST_COMPARED:,} drawn images)" if len(looks) > MOST_COMPARED else ""
    train = (table["split"] == "train").to_numpy()
    person = table["identity"].fill_null(-1).to_numpy()
    one, other = pairs.T
    leaks = train[one] != train[other]
    twice = (person[one] != person[other]) & (person[one] >= 0) & (person[other] >= 0)
    for check, severity, chosen, what in (
        ("leak between splits", "problem", leaks, "show one picture in train and in query or gallery"),
        ("one picture, two people", "problem", twice & ~leaks, "show one picture under two identities"),
        ("near duplicates", "note", ~(leaks | twice), "show nearly the same picture"),
    ):
        if chosen.any():
            files = tuple(" = ".join(_named(table, pair)) for pair in pairs[chosen][:LISTED])
            count = int(chosen.sum())
            yield Finding(check, severity, count, f"{count:,} pairs{some} {what}", files)  # type: ignore[arg-type]


def _shared(people: pl.DataFrame) -> Iterator[Finding]:
    train = people.filter(pl.col("split") == "train")["identity"].unique()
    test = people.filter(pl.col("split") != "train")["identity"].unique()
    shared = len(set(train) & set(test))
    if shared:
        yield Finding(
            "shared identities", "problem", shared, f"{shared:,} identities are both in train and in query or gallery"
        )


def _labels(table: pl.DataFrame, looks: Sequence[Look]) -> Iterator[Finding]:
    lag = label_lag(table, looks)
    if lag is not None:
        when = "late" if lag.images > 0 else "early"
        said = (
            f"identities change {abs(lag.images)} image(s) too {when}: at {lag.share:.0%} of {lag.boundaries:,} "
            f"boundaries the image beside it looks like the other person, elsewhere {lag.usual:.0%}"
        )
        yield Finding("label lag", "problem", lag.boundaries, said)


def _poor_pictures(table: pl.DataFrame, looks: Sequence[Look]) -> Iterator[Finding]:
    dark = [row for row, look in enumerate(looks) if look.luminance < DARK]
    blurred = [row for row, look in enumerate(looks) if look.detail < BLURRED and look.luminance >= DARK]
    for check, rows, what in (("dark", dark, "too dark to show anybody"), ("blurred", blurred, "blurred or empty")):
        if rows:
            said = f"{len(rows):,} images are {what}"
            yield Finding(check, "problem", len(rows), said, _named(table, rows[:LISTED]))


def _sizes(table: pl.DataFrame, looks: Sequence[Look]) -> Iterator[Finding]:
    heights, widths = np.array([look.size for look in looks]).reshape(-1, 2).T
    small = (heights < SMALLEST[0]) | (widths < SMALLEST[1])
    outside = np.zeros(len(looks), bool)
    if set(BOX) <= set(table.columns):
        left, top, right, bottom = (table[name].fill_null(0).to_numpy() for name in BOX)
        outside = (left < 0) | (top < 0) | (right > widths) | (bottom > heights) | (left > right) | (top > bottom)
    for check, severity, chosen, what in (
        ("too small", "problem", small, f"are smaller than {SMALLEST[0]} x {SMALLEST[1]} (height x width)"),
        ("box outside", "problem", outside, "are smaller than their annotated box"),
        ("lying", "note", widths > heights, "are wider than high, which no standing person is"),
    ):
        rows = np.flatnonzero(chosen)
        if len(rows):
            files = _named(table, rows[:LISTED])
            yield Finding(check, severity, len(rows), f"{len(rows):,} images {what}", files)  # type: ignore[arg-type]


def _empty_cells(cells: tuple[int, int]) -> Iterator[Finding]:
    if cells[1]:
        said = f"{cells[1]:,} of {cells[0]:,} combinations of levels have no image"
        yield Finding("empty cells", "problem", cells[1], said)


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


def _named(table: pl.DataFrame, rows: Sequence[int] | NDArray[np.int64]) -> tuple[str, ...]:
    return tuple(table["file_name"][int(row)] for row in rows)
