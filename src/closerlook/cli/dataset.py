"""closerlook dataset: bring data in, take it out, look it over."""

from __future__ import annotations

from typing import Annotated

import typer

from closerlook.choices import Layout
from closerlook.cli.options import Out, loading, paragraphs
from closerlook.inputs import find_data

__all__ = ["app"]

app = typer.Typer(help="Import, export and audit data sets.", no_args_is_help=True)
Data = Annotated[str, typer.Argument(help="A folder, or FORMAT:PATH such as market1501:/data/Market-1501-v15.09.15.")]


def import_(source: Data, out: Out) -> None:
    """Write the table of a data set in another layout; its images stay where they are.

    Every verb also opens FORMAT:PATH as it is. Formats: market1501, dukemtmc, msmt17 (people as released); finegpr,
    personx, randperson, clonedperson, unrealperson, weperson (synthetic); manifest (a CSV, JSONL or Parquet file with
    file_name and, where known, identity, camera, split and attributes); folder (pictures without labels).

    Where images lie outside of the folder, open the table as manifest:FOLDER/metadata.parquet: other tables of folders
    may not lead out of them.
    """
    find_data(source)
    with loading():
        from closerlook.dataset import open_dataset
        from closerlook.dataset.export import export

    data = open_dataset(source)
    export(data, out, layout="table")
    table = out / "metadata.parquet"
    typer.echo(f"{len(data):,} rows in {table}; open it as manifest:{table}")


def export_(
    source: Data,
    out: Out,
    layout: Annotated[Layout, typer.Option("--format", help="table is a metadata.parquet.")] = "market1501",
) -> None:
    """Copy a data set into another layout."""
    find_data(source)
    with loading():
        from closerlook.dataset import open_dataset
        from closerlook.dataset.export import export

    data = open_dataset(source)
    export(data, out, layout=layout)
    typer.echo(f"{len(data):,} images in {out}")


def audit(source: Data) -> None:
    """Count and check a data set: unreadable files, duplicates, cameras, missing cells."""
    find_data(source)
    with loading():
        from closerlook.dataset import open_dataset
        from closerlook.dataset.audit import audit

    typer.echo(audit(open_dataset(source)))


for name, verb in (("import", import_), ("export", export_), ("audit", audit)):
    app.command(name, no_args_is_help=True, help=paragraphs(verb))(verb)
