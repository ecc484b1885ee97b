"""Pictures of rankings: a query, the images nearest to it with a green tick or a red cross, and the first match."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from closerlook.compute.progress import step
from closerlook.dataset.decoding import read_image
from closerlook.dataset.images import resize
from closerlook.embedding import Embedder
from closerlook.errors import UsageError
from closerlook.evaluation.attention import attention
from closerlook.evaluation.ranked_lists import telling
from closerlook.evaluation.result import Result
from closerlook.sheets import sheet_of
from closerlook.storage.files import atomic_path

__all__ = ["blend", "draw_rankings", "save_rankings"]

RIGHT, WRONG, QUERY = (46, 160, 67), (207, 34, 46), (90, 98, 110)
INK, FAINT, PAPER = (31, 35, 40), (101, 109, 118), (255, 255, 255)
FRAME, GAP, LINE = 4, 8, 16


def draw_rankings(
    result: Result,
    queries: Sequence[int] | None = None,
    *,
    count: int = 10,
    height: int = 160,
    embedder: Embedder | None = None,
) -> Image.Image:
    """One row per query: the query, then its ``count`` nearest gallery images, with a green frame and a tick where the
    person is the same, a red one and a cross where not.

    Ranks and distances are written below. Where no match is among them the first one follows at the end with its rank.

    Args:
        result: of :func:`closerlook.evaluate`, whose images are known.
        queries: row numbers; by default the four hardest errors, and four from the best to the worst query.
        count: nearest images per row.
        height: of an image in pixels; all are drawn twice as high as wide.
        embedder: adds a second row with what in each image makes it near to the query for this model (see
            :func:`~closerlook.evaluation.attention`).

    Raises:
        UsageError: the result was loaded, or made from features without images.

    Example:
        >>> from closerlook.evaluation import draw_rankings
        >>> draw_rankings(cl.evaluate(model, target), [0], count=3).mode
        'RGB'
    """
    if result.search is None or result.search.query_images is None or result.search.gallery_images is None:
        raise UsageError("There are no images behind this result: evaluate a model on a data set to see rankings.")
    if queries is None:
        queries = telling(result)
    paths = result.search.query_images.paths, result.search.gallery_images.paths
    rows = []
    for query in queries:
        rows.append(_draw_row(result, query, count, height, read_image, paths))
        if embedder is not None:
            rows.append(_draw_row(result, query, count, height, _looker(embedder, paths[0][query]), paths))
    return sheet_of(rows, 1, paper=PAPER)


def save_rankings(
    result: Result,
    path: str | Path,
    queries: Sequence[int] | None = None,
    *,
    count: int = 10,
    embedder: Embedder | None = None,
) -> None:
    """Write :func:`draw_rankings` as a PNG or JPEG file.

    Example:
        >>> from closerlook.evaluation import save_rankings
        >>> save_rankings(cl.evaluate(model, target), "rankings.png", [0], count=3)
    """
    with step("Drawing rankings"):
        picture = draw_rankings(result, queries, count=count, embedder=embedder)
    with atomic_path(path) as draft:
        picture.save(draft, quality=92)


Reader = Callable[[Path], NDArray[np.uint8]]


def _looker(embedder: Embedder, query: Path) -> Reader:
    """Reads an image with the map of what makes it near to ``query``."""
    target = resize(read_image(query), embedder.size)

    def read(path: Path) -> NDArray[np.uint8]:
        image = resize(read_image(path), embedder.size)
        return blend(image, attention(embedder, image, target))

    return read


def _draw_row(
    result: Result, query: int, count: int, height: int, read: Reader, paths: tuple[list[Path], list[Path]]
) -> Image.Image:
    scored = result.per_query.row(query, named=True)
    ranked = result.ranked_list(query, max(count, int(scored["first_hit"] or 0)))
    shown = ranked.head(count)
    if not shown["match"].any():
        shown = shown.vstack(ranked.filter("match").head(1))
    size = height, height // 2
    pitch = size[1] + 2 * FRAME + GAP
    row = Image.new("RGB", (GAP + (len(shown) + 1) * pitch + 3 * GAP, height + 2 * FRAME + 3 * LINE + 2 * GAP), PAPER)
    ImageDraw.Draw(row).text((GAP, GAP // 2), _title(scored), INK, _font(13))
    top = GAP // 2 + LINE + 4
    image = resize(read(paths[0][query]), size)
    _draw_cell(row, image, (GAP, top), QUERY, "query", f"camera {scored['camera']}")
    for place, entry in enumerate(shown.iter_rows(named=True), start=1):
        left = GAP + place * pitch + GAP + (2 * GAP if place > count else 0)
        image = resize(read(paths[1][entry["gallery"]]), size)
        color = RIGHT if entry["match"] else WRONG
        _draw_cell(row, image, (left, top), color, f"{entry['rank']:,}", f"{entry['distance']:.3f}")
    return row


def _title(scored: dict[str, object]) -> str:
    if scored["reason"] is not None:
        return f"Query {scored['query']}: invalid, {scored['reason']}"
    return (
        f"Query {scored['query']}, person {scored['identity']}: AP {scored['ap']:.2f}, first match at rank "
        f"{scored['first_hit']:,}, {scored['matches']} to be found"
    )


def _draw_cell(
    row: Image.Image,
    image: NDArray[np.uint8],
    corner: tuple[int, int],
    color: tuple[int, int, int],
    above: str,
    below: str,
) -> None:
    """An image in its frame with two short lines of text under it."""
    pen, (left, top), (height, width) = ImageDraw.Draw(row), corner, image.shape[:2]
    bottom = top + height + 2 * FRAME
    pen.rectangle((left, top, left + width + 2 * FRAME - 1, bottom - 1), fill=color)
    row.paste(Image.fromarray(image), (left + FRAME, top + FRAME))
    middle = left + FRAME + width // 2
    pen.text((middle, bottom + 2), above, color, _font(13), anchor="ma")
    if color != QUERY:
        _mark(pen, middle - 14 - pen.textlength(above, _font(13)) / 2, bottom + 5, color)
    pen.text((middle, bottom + 2 + LINE), below, FAINT, _font(11), anchor="ma")


def _mark(pen: ImageDraw.ImageDraw, x: float, y: float, color: tuple[int, int, int]) -> None:
    """A tick for a right answer, a cross for a wrong one: green and red look alike to some."""
    if color == RIGHT:
        pen.line([(x, y + 5), (x + 4, y + 9), (x + 10, y)], color, 2)
    else:
        pen.line([(x, y), (x + 9, y + 9)], color, 2)
        pen.line([(x, y + 9), (x + 9, y)], color, 2)


def _font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(size)


def blend(image: NDArray[np.uint8], heat: NDArray[np.float64]) -> NDArray[np.uint8]:
    """An image under its attention map: orange where it is positive, blue where negative, as strong as it is large."""
    strength = np.abs(heat) / max(float(np.abs(heat).max()), 1e-12)
    tint = np.where(heat[..., None] >= 0, np.array([255.0, 120, 0]), np.array([30.0, 90, 255]))
    opacity = 0.75 * strength[..., None]
    gray = image.mean(axis=2, keepdims=True) * 0.5 + image * 0.5
    return np.asarray((gray * (1 - opacity) + tint * opacity).round(), np.uint8)
