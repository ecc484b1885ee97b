"""Images of the source to look through: some of every level, the nearest and the farthest among them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import polars as pl

from closerlook.attributes import Factor
from closerlook.dataset import Dataset
from closerlook.dataset.columns import known_or_alone
from closerlook.gap import Gap
from closerlook.reporting.samples import data_uri, image_size, shown_image
from closerlook.reporting.words import percent

__all__ = ["Gallery", "Picture", "gallery"]

MOST, SPREAD = 320, 96  # pictures; of these, evenly from all
MOST_BYTES = 2_200_000
EXTREMES = 3  # of each level, nearest and farthest


@dataclass(frozen=True)
class Picture:
    """An image of the source.

    Attributes:
        uri: the image itself.
        levels: number of its level in each factor; -1 where it has none of them.
        caption: its levels.
        tip: what there is to know about it.
        order: its place from the nearest to the farthest.
    """

    uri: str
    levels: tuple[int, ...]
    caption: str
    tip: str
    order: int


@dataclass(frozen=True)
class Gallery:
    """Pictures to be filtered by level.

    Attributes:
        factors: by which.
        pictures: nearest to the target first, where there is an analysis.
        ordered: whether there is one.
        total: images of the source.
    """

    factors: tuple[Factor, ...]
    pictures: tuple[Picture, ...]
    ordered: bool
    total: int


def gallery(source: Dataset, gap: Gap | None) -> Gallery:
    """Images of every level of the source: by the gap the nearest and the farthest, and some spread evenly over all.

    An image that the gap does not know is left out; what is shown takes at most 2.2 MB.
    """
    factors = tuple(source.factors)
    table = source.table.with_row_index("row").with_columns(person=known_or_alone(source.table["identity"]))
    if gap is not None:
        table = table.join(gap.losses.select("file_name", "loss"), on="file_name", maintain_order="left")
    else:
        table = table.with_columns(loss=pl.lit(None, pl.Float64))
    rows = list(dict.fromkeys([*_extremes(table, factors, gap), *_spread(table)]))[:MOST]
    share = dict(zip(table["row"], (table["loss"].rank() / max(table.height, 1)).to_list(), strict=True))
    chosen = table.filter(pl.col("row").is_in(rows)).sort("loss", "row", nulls_last=True)
    drawn = _drawn(source, rows)
    pictures = [
        _picture(row, factors, drawn[row["row"]], share[row["row"]], order)
        for order, row in enumerate(chosen.iter_rows(named=True))
        if row["row"] in drawn
    ]
    return Gallery(factors, tuple(pictures), gap is not None, len(source))


def _extremes(table: pl.DataFrame, factors: tuple[Factor, ...], gap: Gap | None) -> Iterator[int]:
    """Of each level the images with the lowest and the highest loss, each of another person."""
    if gap is None:
        return
    for factor in factors:
        for level in factor.levels:
            ordered = table.filter(pl.col(factor.name) == level).sort("loss", "file_name")
            for end in (ordered, ordered.reverse()):
                yield from end.unique("person", keep="first", maintain_order=True).head(EXTREMES)["row"]


def _spread(table: pl.DataFrame) -> list[int]:
    places = np.linspace(0, table.height - 1, min(SPREAD, table.height)).astype(int)
    return [int(row) for row in table["row"].gather(places)]


def _drawn(source: Dataset, rows: list[int]) -> dict[int, str]:
    """Row -> image, of as many rows as fit, thinned evenly: what an image takes is guessed from the first ones."""
    size = image_size(source)

    def draw(row: int) -> str:
        return data_uri(shown_image(source, row, size), quality=80)

    guess = max([len(draw(row)) for row in rows[:8]], default=1)
    places = np.linspace(0, len(rows) - 1, min(MOST_BYTES // guess, len(rows))).astype(int)
    return {rows[place]: draw(rows[place]) for place in places.tolist()}


def _picture(row: dict[str, object], factors: tuple[Factor, ...], uri: str, share: float | None, order: int) -> Picture:
    known = [(factor, row[factor.name]) for factor in factors]
    levels = tuple(-1 if level is None else factor.levels.index(level) for factor, level in known)
    tip = "; ".join(f"{factor.name} {level}" for factor, level in known)
    if row["identity"] is not None:
        tip = f"Person {row['identity']}; {tip}"
    if row["loss"] is not None and share is not None:
        tip += f"; loss {row['loss']:.3f}, nearer than {percent(1 - share, 0)} % of the analyzed images"
    return Picture(uri, levels, " · ".join(str(level) for _, level in known), f"{tip}.", order)
