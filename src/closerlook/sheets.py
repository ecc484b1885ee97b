"""Sheets of pictures: many side by side in one."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image

__all__ = ["sheet_of"]


def sheet_of(
    pictures: Sequence[Image.Image | NDArray[np.uint8]],
    columns: int,
    *,
    gap: int = 0,
    margin: tuple[int, int, int, int] = (0, 0, 0, 0),
    paper: str | tuple[int, int, int] = "white",
) -> Image.Image:
    """Pictures in rows of ``columns``, each in the upper left of its place.

    Args:
        pictures: images, or arrays (h, w, 3) uint8; a column is as wide as its widest, a row as high as its highest.
        columns: pictures in a row.
        gap: pixels between two.
        margin: pixels left of all, above, right and below.
        paper: the color behind.
    """
    images = [Image.fromarray(each) if isinstance(each, np.ndarray) else each for each in pictures]
    columns = min(columns, len(images))
    widths = [max(image.width for image in images[column::columns]) for column in range(columns)]
    rows = [images[start : start + columns] for start in range(0, len(images), columns)]
    heights = [max(image.height for image in row) for row in rows]
    left, top, right, bottom = margin
    size = left + sum(widths) + gap * (columns - 1) + right, top + sum(heights) + gap * (len(rows) - 1) + bottom
    sheet = Image.new("RGB", size, paper)
    y = top
    for row, height in zip(rows, heights, strict=True):
        x = left
        for image, width in zip(row, widths, strict=False):
            sheet.paste(image, (x, y))
            x += width + gap
        y += height + gap
    return sheet
