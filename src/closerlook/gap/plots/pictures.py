"""What there is to look at, as files: figures, and images of the source beside their losses."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import Any

from PIL import Image

from closerlook.charts import save_chart
from closerlook.compute.progress import progress
from closerlook.dataset import Dataset
from closerlook.gap.gap import Gap
from closerlook.gap.plots.figures import FIGURES
from closerlook.gap.plots.strips import level_strip
from closerlook.storage.files import atomic_path, explain_os_errors

__all__ = ["save_figures"]

KINDS: dict[str, dict[str, Any]] = {"html": {"inline": True}, "svg": {}, "png": {"ppi": 144}}


def save_figures(gap: Gap, source: Dataset, folder: str | Path) -> None:
    """Write every figure as HTML (which needs no network), SVG and PNG, and a strip of the source's images a factor.

    Raises:
        CloserlookError: ``source`` is not what was analysed.

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
    """Remove what an earlier analysis in the folder had and this one has not: it would look like a part of this one."""
    for name in FIGURES:
        for kind in KINDS if name not in charts else ():
            (folder / f"{name}.{kind}").unlink(missing_ok=True)
    for path in folder.glob("images_*.png"):
        if path.stem.removeprefix("images_") not in factors:
            path.unlink()
