"""The report: one self-contained HTML page of what is in the data, what differs, what matters, what it gained."""

from __future__ import annotations

from pathlib import Path

from closerlook.compute.progress import step
from closerlook.inputs import find_reportable
from closerlook.reporting.page import render_page
from closerlook.reporting.story import read_story
from closerlook.reporting.validation import render_validation
from closerlook.storage.files import atomic_path
from closerlook.validation import Validation

__all__ = ["report"]


def report(folder: str | Path, out: str | Path | None = None) -> Path:
    """Write one HTML page about a study, an experiment, an analysis or a training run; it stands for itself.

    Args:
        folder: what :func:`closerlook.study.run_study`, ``closerlook demo``, :func:`closerlook.validate_gap`,
            :func:`closerlook.analyze` or :func:`closerlook.train` wrote.
        out: the page; ``folder/report.html`` by default.

    Returns:
        The page's path.

    Raises:
        CloserlookError: the folder is missing or holds none of these.

    Example:
        >>> short = {"steps": 1, "size": [64, 32], "identities_per_batch": 2, "images_per_identity": 2}
        >>> trained = cl.train(data, recipe="cpu-quick", overrides=short, out="run")
        >>> cl.report("run").name
        'report.html'
    """
    folder = Path(folder)
    page = Path(out) if out is not None else folder / "report.html"
    with step("Writing the report"):
        experiment = find_reportable(folder) == "experiment"
        text = render_validation(Validation.load(folder)) if experiment else render_page(read_story(folder))
    with atomic_path(page) as draft:
        draft.write_text(text, encoding="utf-8")
    return page
