"""What there is to look at, as files: charts, and images of the source beside their losses.

Only source images, which are rendered people, are ever shown; the target's are real people's and stay where they are.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from closerlook.charts import INK, LINE, NEAR, save_chart
from closerlook.compute.progress import progress
from closerlook.dataset import Dataset
from closerlook.dataset.columns import known_or_alone
from closerlook.dataset.decoding import read_image
from closerlook.dataset.images import resize
from closerlook.errors import CloserlookError
from closerlook.gap.gap import Gap
from closerlook.gap.plots.charts import FIGURES
from closerlook.storage.files import atomic_path, explain_os_errors

__all__ = ["level_strip", "save_figures"]

KINDS: dict[str, dict[str, Any]] = {"html": {"inline": True}, "svg": {}, "png": {"ppi": 144}}
SIZE = (128, 64)
EXTREMES = 2  # images of each kind
GAP, MARGIN, HEAD, FOOT = 8, 72, 42, 20


def save_figures(gap: Gap, source: Dataset, folder: str | Path) -> None:
    """Write every figure as HTML (which needs no network), SVG and PNG, and a strip of the source's images for each
    factor.

    Raises:
        CloserlookError: ``source`` is not what was analyzed.

    Example:
        >>> from closerlook.gap import save_figures
        >>> save_figures(gap, data, "figures")  # doctest: +SKIP
    """
    folder = Path(folder)
    charts = gap.figures()
    with explain_os_errors(folder):
        _remove_others(folder, charts, [factor.name for factor in gap.factors])
    with progress("Drawing figures", len(charts), "figures") as advance:
        for name, chart in charts.items():
            for kind in KINDS:
                save_chart(chart, folder / f"{name}.{kind}")
            advance(1)
    for factor in gap.factors:
        with atomic_path(folder / f"images_{factor.name}.png") as draft:
            Image.fromarray(level_strip(gap, source, factor.name)).save(draft)


def _remove_others(folder: Path, charts: Collection[str], factors: Collection[str]) -> None:
    """Remove what an earlier analysis in the folder had and this one has not: it would look as if it belonged to this
    one."""
    for name in FIGURES:
        for kind in KINDS if name not in charts else ():
            (folder / f"{name}.{kind}").unlink(missing_ok=True)
    for path in folder.glob("images_*.png"):
        if path.stem.removeprefix("images_") not in factors:
            path.unlink()


def level_strip(gap: Gap, source: Dataset, factor: str) -> NDArray[np.uint8]:
    """A picture (h, w, 3): one column per level of ``factor``, its lowest-loss images above, its highest-loss ones
    below.

    Images of a level are of different people where there are enough.

    Raises:
        CloserlookError: an image of the gap is not in ``source``.
    """
    levels = gap.levels.filter(pl.col("factor") == factor)
    paths = dict(zip(source.table["file_name"], source.paths, strict=True))
    height, width = SIZE
    sheet = Image.new(
        "RGB", (MARGIN + (width + GAP) * levels.height, HEAD + 2 * EXTREMES * (height + FOOT) + 2 * GAP), "white"
    )
    draw = ImageDraw.Draw(sheet)
    draw.font = ImageFont.load_default(13)
    for column, (level, mmd2) in enumerate(levels.select("level", "mmd2").iter_rows()):
        x = MARGIN + (width + GAP) * column
        heading = str(level) if mmd2 is None else f"{level}\ngap {mmd2:.3f}"
        draw.multiline_text((x + width // 2, 4), heading, fill=INK, anchor="ma", align="center")
        images = gap.losses.filter(pl.col(factor).cast(pl.String) == level)
        for row, name, loss in _extremes(images):
            if name not in paths:
                raise CloserlookError(f"{source.name} has no image {name}, which was analyzed; name the same source.")
            y = HEAD + row * (height + FOOT) + (2 * GAP if row >= EXTREMES else 0)
            sheet.paste(Image.fromarray(resize(read_image(paths[name]), SIZE)), (x, y))
            draw.text(
                (x + width // 2, y + height + 2), f"{loss:.2f}", fill=NEAR if row < EXTREMES else LINE, anchor="ma"
            )
    for row, (label, color) in enumerate((("lowest loss", NEAR), ("highest loss", LINE))):
        middle = HEAD + (row + 0.5) * EXTREMES * (height + FOOT)
        draw.multiline_text((MARGIN - 8, middle), label.replace(" ", "\n"), fill=color, anchor="rm", align="right")
    return np.asarray(sheet)


def _extremes(images: pl.DataFrame) -> Iterator[tuple[int, str, float]]:
    """Row, name and loss: the lowest losses, lowest first, then the highest, highest last, each of another person."""
    ordered = images.with_columns(person=known_or_alone(images["identity"])).sort("loss", "file_name")
    low = ordered.unique("person", keep="first", maintain_order=True).head(EXTREMES)
    high = ordered.reverse().unique("person", keep="first", maintain_order=True).head(EXTREMES).reverse()
    for first, table in ((0, low), (EXTREMES, high)):
        for row, (name, loss) in enumerate(table.select("file_name", "loss").iter_rows()):
            yield first + row, name, loss
