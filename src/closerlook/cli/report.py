"""closerlook report: one HTML page of what ran and what it found."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from closerlook.cli.options import loading, parse_file
from closerlook.cli.output import Found, answer, say_next
from closerlook.inputs import check_comparable, find_data, find_reportable

__all__ = ["report"]


def report(
    folder: Annotated[Path, typer.Argument(help="Folder of a study, an analysis or a training run.")],
    other: Annotated[
        Path | None, typer.Argument(help="A second analysis or training run, to compare with the first.")
    ] = None,
    source: Annotated[str | None, typer.Option(help="Images that an analysis was of, to show some of them.")] = None,
    reconstruct: Annotated[
        bool, typer.Option("--reconstruct", help="Show what each layer keeps of an image, as section 2.2 (a minute).")
    ] = False,
    out: Annotated[
        Path | None,
        typer.Option("--out", "-o", callback=parse_file, help="Page to write; by default report.html in FOLDER."),
    ] = None,
) -> Found:
    """Write one self-contained HTML page about a study, an analysis or a training run, or about two beside each other.

    'closerlook report A B' compares two analyses or two training runs.
    """
    kind = find_reportable(folder)
    if other is not None:
        check_comparable(folder, other)
    if source is not None:
        find_data(source)
    with loading():
        from closerlook.dataset import open_dataset
        from closerlook.reporting import report

    data = open_dataset(source) if source is not None else None
    page = report(folder, other, source=data, reconstruct=reconstruct, out=out)
    answer(f"The report is at {page}")
    if kind == "analysis":
        say_next("select", folder)
    elif kind == "run":
        say_next("evaluate", folder, "--target", "TARGET")
    else:
        say_next("analyze", "SOURCE", "TARGET", "--out", "gap")
    return {"report": page}
