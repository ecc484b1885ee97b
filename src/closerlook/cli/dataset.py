"""closerlook dataset: bring data in, take it out, look it over."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from closerlook.choices import Layout
from closerlook.cli.options import Out, loading, paragraphs, parse_size
from closerlook.inputs import find_data

__all__ = ["app"]

app = typer.Typer(help="Import, export and audit data sets.", no_args_is_help=True)
Data = Annotated[str, typer.Argument(help="A folder, or FORMAT:PATH such as market1501:/data/Market-1501-v15.09.15.")]


def import_(
    source: Annotated[
        list[str], typer.Argument(help="A folder, or FORMAT:PATH such as market1501:/data/Market; several become one.")
    ],
    out: Out,
    name: Annotated[
        str | None,
        typer.Option(help=r"Of pattern:FOLDER: what its names mean, as '(?P<identity>\d+)_c(?P<camera>\d+)'."),
    ] = None,
    frames: Annotated[
        Path | None, typer.Option(help="Of coco:FILE and mot:FILE: the folder that holds the frames.")
    ] = None,
    margin: Annotated[float | None, typer.Option(help="Added to each side of a box, as a share of it; none.")] = None,
    smallest: Annotated[
        str | None, typer.Option(help="Height x width in pixels of the smallest box that is cut; 32x16.")
    ] = None,
    overlap: Annotated[
        float | None, typer.Option(help="Share of a box that one in front of it may cover; 1, that is any.")
    ] = None,
    tracks: Annotated[bool, typer.Option("--tracks", help="Track ids are people; else crops are unlabeled.")] = False,
    category: Annotated[str | None, typer.Option(help="The COCO category of people; person, or the only one.")] = None,
    score: Annotated[float | None, typer.Option(help="Lowest score of a box that is cut.")] = None,
) -> None:
    """Bring data in: write the table of a data set in another layout, whose images stay where they are.

    Every verb also opens FORMAT:PATH as it is. Formats: market1501, dukemtmc, occluded-duke, cuhk01, cuhk03-detected,
    cuhk03-labeled, cuhk03-classic-detected, cuhk03-classic-labeled, cuhk03-np, msmt17 (people as released); finegpr,
    gpr, personx, randperson, clonedperson, unrealperson, weperson (synthetic); manifest (a CSV, JSONL or Parquet file
    with file_name and, where known, identity, camera, split and attributes); folder (pictures without labels).

    Only here: pattern:FOLDER with --name. Frames with boxes become crops, a data set of their own: coco:FILE and
    mot:FILE, with --frames. So do the images inside CUHK03's cuhk-03.mat.

    Where images lie outside of the folder, open the table as manifest:FOLDER/metadata.parquet: other tables of folders
    may not lead out of them.
    """
    for each in source:
        find_data(each)
    shape = None if smallest is None else parse_size(smallest, "--smallest", 1)
    asked = {"margin": margin, "smallest": shape, "overlap": overlap, "category": category, "score": score}
    given = {option: value for option, value in asked.items() if value is not None}
    with loading():
        from closerlook.dataset import import_dataset
        from closerlook.dataset.crops.boxes import Cutting

    cutting = Cutting(**given, tracks=tracks) if given or tracks else None  # type: ignore[arg-type]
    done = import_dataset(*source, out=out, name=name, frames=frames, cutting=cutting)
    if done.note:
        typer.echo(done.note)
    table = out / "metadata.parquet"
    opened = out if done.has_images else f"manifest:{table}"
    typer.echo(f"{len(done.data):,} rows in {table}; open it as {opened}")


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
