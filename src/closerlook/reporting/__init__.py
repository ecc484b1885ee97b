"""The report: one self-contained HTML page of what was gained, what differs, what matters and what is in the data."""

from __future__ import annotations

from pathlib import Path

from closerlook.compute.progress import step
from closerlook.dataset import Dataset
from closerlook.errors import UsageError
from closerlook.inputs import check_comparable, find_reportable
from closerlook.reporting.comparison import render_comparison
from closerlook.reporting.context import read_context
from closerlook.reporting.page import render_page
from closerlook.reporting.reconstruction import reconstruct as reconstruct_layers
from closerlook.reporting.validation import render_validation
from closerlook.storage.files import atomic_path
from closerlook.validation import Validation

__all__ = ["report"]


def report(
    folder: str | Path,
    other: str | Path | None = None,
    *,
    source: Dataset | None = None,
    reconstruct: bool = False,
    out: str | Path | None = None,
) -> Path:
    """Write one HTML page about a study, an experiment, an analysis or a training run; it stands for itself.

    Args:
        folder: what :func:`closerlook.study.run_study`, ``closerlook demo``, :func:`closerlook.validate_gap`,
            :func:`closerlook.analyze` or :func:`closerlook.train` wrote.
        other: a second analysis or training run, to be compared with the first.
        source: the images that an analysis was of, for its page to show some; a study knows its own.
        reconstruct: show what each layer of the network keeps of an image of the source, and of the target where that
            is rendered; what was made is kept in ``folder/reconstruction``.
        out: the page; ``folder/report.html`` by default, ``folder/comparison.html`` for two.

    Returns:
        The page's path.

    Raises:
        CloserlookError: a folder is missing or holds none of these, or the two are not of one kind.
        UsageError: layers cannot be shown of what is in the folder.

    Example:
        >>> short = {"steps": 1, "size": [64, 32], "identities_per_batch": 2, "images_per_identity": 2}
        >>> trained = cl.train(data, recipe="cpu-quick", overrides=short, out="run")
        >>> cl.report("run").name
        'report.html'
    """
    folder = Path(folder)
    kind = find_reportable(folder)
    page = Path(out) if out is not None else folder / ("report.html" if other is None else "comparison.html")
    if other is not None:
        check_comparable(folder, Path(other))
    if reconstruct:
        if other is not None or kind not in ("study", "analysis"):
            raise UsageError("What layers keep is shown for one study or one analysis: leave out --reconstruct.")
        _reconstruct(folder, source)
    with step("Writing the report"):
        if other is not None:
            text = render_comparison(folder, Path(other))
        elif kind == "experiment":
            text = render_validation(Validation.load(folder))
        else:
            text = render_page(read_context(folder, source))
    with atomic_path(page) as draft:
        draft.write_text(text, encoding="utf-8")
    return page


def _reconstruct(folder: Path, source: Dataset | None) -> None:
    context = read_context(folder, source)
    if context.gap is None:
        raise UsageError(f"{folder} has no analysis that says which network's layers to show: leave out --reconstruct.")
    reconstruct_layers(folder, context.source, context.target, context.gap.settings.embedding)
