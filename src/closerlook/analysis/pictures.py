"""What there is to look at, as files: figures, and images of the source beside their losses."""

from __future__ import annotations

from pathlib import Path

from PIL import Image

from closerlook.analysis.gap import Gap
from closerlook.analysis.strips import level_strip
from closerlook.charts import save_chart
from closerlook.dataset import Dataset
from closerlook.files import atomic_path

__all__ = ["save_figures"]


def save_figures(gap: Gap, source: Dataset, folder: str | Path) -> None:
    """Write every figure as HTML (which needs no network), SVG and PNG, and a strip of the source's images a factor.

    Raises:
        CloserlookError: ``source`` is not what was analysed.
    """
    folder = Path(folder)
    for name, chart in gap.figures().items():
        for kind in ("html", "svg", "png"):
            save_chart(chart, folder / f"{name}.{kind}")
    for factor in gap.factors:
        with atomic_path(folder / f"images_{factor.name}.png") as draft:
            Image.fromarray(level_strip(gap, source, factor.name)).save(draft)
