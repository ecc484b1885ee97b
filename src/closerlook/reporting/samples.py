"""Pictures of a data set for a page: every level of every factor, the same people under the same other levels."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
import simplejpeg
from numpy.typing import NDArray

from closerlook.attributes import Factor, Level
from closerlook.dataset import Dataset
from closerlook.dataset.decoding import read_image
from closerlook.dataset.images import resize

__all__ = ["Grid", "Strip", "data_uri", "grid", "image_size", "level_strips", "plain_row", "sample", "shown_image"]

IDENTITIES = 3
# What the other factors are held at while one varies: where a person is seen best.
PLAIN = {"viewpoint": (90, 120, 60), "weather": ("neutral", "clouds"), "illumination": ("forenoon", "noon")}
TALLEST = 192  # pixels of an image on a page


@dataclass(frozen=True)
class Strip:
    """One factor: a column of people for each level, as data URIs."""

    factor: str
    columns: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Grid:
    """One person in every combination of two factors: a picture for each level of one, levels of the other across."""

    down: str
    across: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, str], ...]


def data_uri(image: NDArray[np.uint8], quality: int = 88) -> str:
    """An (h, w, 3) uint8 image as a JPEG data URI."""
    jpeg = simplejpeg.encode_jpeg(np.ascontiguousarray(image), quality=quality, colorsubsampling="444")
    return "data:image/jpeg;base64," + base64.b64encode(jpeg).decode()


def level_strips(data: Dataset, identities: int = IDENTITIES) -> list[Strip]:
    """One strip a factor; only that factor varies along it."""
    shown, size = data.table["identity"].unique().sort().head(identities).to_list(), image_size(data)
    return [_strip(data, factor, shown, size) for factor in data.factors]


def _strip(data: Dataset, factor: Factor, identities: Sequence[int], size: tuple[int, int]) -> Strip:
    fixed = {other.name: _plain(other) for other in data.factors if other.name != factor.name}
    columns = []
    for level in factor.levels:
        rows = _rows(data, identities, {**fixed, factor.name: level})
        if rows:
            columns.append(
                (_label(factor.name, level), data_uri(np.concatenate([shown_image(data, row, size) for row in rows])))
            )
    return Strip(factor.name, tuple(columns))


def grid(data: Dataset, down: str, across: str) -> Grid | None:
    """One person in every combination of two factors; None where the data set lacks one."""
    names = {factor.name for factor in data.factors}
    if not {down, across} <= names:
        return None
    first, size = data.table["identity"].min(), image_size(data)
    fixed = {factor.name: _plain(factor) for factor in data.factors if factor.name not in (down, across)}
    rows = []
    for a in data.factor(down).levels:
        cells = [_rows(data, [first], {**fixed, down: a, across: b}) for b in data.factor(across).levels]
        if not all(cells):
            return None
        picture = np.concatenate([shown_image(data, cell[0], size) for cell in cells], axis=1)
        rows.append((_label(down, a), data_uri(picture)))
    return Grid(down, across, tuple(_label(across, b) for b in data.factor(across).levels), tuple(rows))


def sample(data: Dataset, count: int) -> str:
    """``count`` images spread evenly over the table, side by side."""
    rows, size = np.linspace(0, len(data) - 1, min(count, len(data))).astype(int), image_size(data)
    return data_uri(np.concatenate([shown_image(data, int(row), size) for row in rows], axis=1))


def plain_row(data: Dataset) -> int:
    """The row of an image in plain levels, where a person is seen best; the middle one where none are known."""
    rows = data.table.with_row_index("row")
    for factor in data.factors:
        rows = rows.filter(pl.col(factor.name) == _plain(factor))
    return int(rows["row"][len(rows) // 2]) if data.factors and len(rows) else len(data) // 2


def _plain(factor: Factor) -> Level:
    for level in PLAIN.get(factor.name, ()):
        if level in factor.levels:
            return level
    return factor.levels[0]


def _rows(data: Dataset, identities: Sequence[object], levels: dict[str, Level]) -> list[int]:
    condition = pl.lit(True)
    for name, level in levels.items():
        condition &= pl.col(name) == level
    rows = data.table.with_row_index("row").filter(condition & pl.col("identity").is_in(list(identities)))
    return rows.unique("identity", keep="first").sort("identity")["row"].to_list()


def image_size(data: Dataset) -> tuple[int, int]:
    """(height, width) of all images of a data set on a page: as high as its first, at most 192, and half as wide."""
    height = min(read_image(data.root / data.table["file_name"][0]).shape[0], TALLEST)
    return height, height // 2


def shown_image(data: Dataset, row: int, size: tuple[int, int]) -> NDArray[np.uint8]:
    """An image of a data set at a page's size."""
    return resize(read_image(data.root / data.table["file_name"][row]), size)


def _label(factor: str, level: Level) -> str:
    return f"{level}°" if factor == "viewpoint" else str(level)
