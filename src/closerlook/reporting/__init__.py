"""The report: one self-contained HTML page of what is in the data, what differs, what matters, what it gained."""

from __future__ import annotations

from pathlib import Path

from closerlook.reporting.context import read_context
from closerlook.reporting.page import render_page
from closerlook.storage.files import atomic_path

__all__ = ["report"]


def report(folder: str | Path, out: str | Path | None = None) -> Path:
    """Write one HTML page about a study, an analysis or a training run; it needs nothing else to be looked at.

    Args:
        folder: what :func:`closerlook.study.run_study`, ``closerlook demo``, :func:`closerlook.analyze` or
            :func:`closerlook.train` wrote.
        out: the page; ``folder/report.html`` by default.

    Returns:
        The page's path.

    Raises:
        CloserlookError: the folder is missing or holds none of these.
    """
    folder = Path(folder)
    page = Path(out) if out is not None else folder / "report.html"
    text = render_page(read_context(folder))
    with atomic_path(page) as draft:
        draft.write_text(text, encoding="utf-8")
    return page
