"""closerlook report: one HTML page of what ran and what it found."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from closerlook.cli.options import loading, parse_file
from closerlook.inputs import find_reportable

__all__ = ["report"]


def report(
    folder: Annotated[Path, typer.Argument(help="A study's or a run's folder.")],
    out: Annotated[
        Path | None,
        typer.Option("--out", "-o", callback=parse_file, help="Page to write; by default FOLDER/report.html."),
    ] = None,
) -> None:
    """Write one self-contained HTML page about a study, an analysis or a training run."""
    find_reportable(folder)
    with loading():
        from closerlook.reporting import report

    typer.echo(f"The report is at {report(folder, out=out)}")
