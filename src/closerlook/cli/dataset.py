"""closerlook dataset: bring data in, take it out, look it over."""

from __future__ import annotations

from typing import Annotated

import typer

from closerlook.cli.options import Out

__all__ = ["app"]

app = typer.Typer(help="Import, export and audit data sets.", no_args_is_help=True)
Data = Annotated[str, typer.Argument(help="A folder, or format:path such as market1501:/data/Market-1501-v15.09.15.")]


@app.command("import", no_args_is_help=True)
def import_(source: Data, out: Out) -> None:
    """Write the table of a data set in another layout; its images stay where they are."""
    from closerlook.dataset import Dataset
    from closerlook.dataset.export import export

    data = Dataset.open(source)
    export(data, out, layout="table")
    typer.echo(f"{len(data):,} rows in {out / 'metadata.parquet'}")


@app.command("export", no_args_is_help=True)
def export_(
    source: Data,
    out: Out,
    layout: Annotated[str, typer.Option("--format", help="market1501.")] = "market1501",
) -> None:
    """Copy a data set into another layout."""
    from closerlook.dataset import Dataset
    from closerlook.dataset.export import export

    data = Dataset.open(source)
    export(data, out, layout=layout)
    typer.echo(f"{len(data):,} images in {out}")


@app.command(no_args_is_help=True)
def audit(source: Data) -> None:
    """Count and check a data set: unreadable files, duplicates, cameras, missing cells."""
    from closerlook.dataset import Dataset
    from closerlook.dataset.audit import audit

    typer.echo(audit(Dataset.open(source)))
