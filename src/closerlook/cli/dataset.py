"""closerlook dataset: bring data in, take it out, look it over."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from closerlook.choices import Layout
from closerlook.cli.options import Out, loading, paragraphs
from closerlook.inputs import find_data

__all__ = ["app"]

app = typer.Typer(help="Import, export and audit data sets.", no_args_is_help=True)
Data = Annotated[str, typer.Argument(help="A folder, or FORMAT:PATH such as market1501:/data/Market-1501-v15.09.15.")]


def import_(source: Data, out: Out) -> None:
    """Write a data set in another layout as a folder of closerlook's own: images and one metadata.parquet.

    Images are hard links where the file system allows them, and take no room. Every verb also opens FORMAT:PATH as it
    is. Formats: market1501, dukemtmc, msmt17 (people as released); finegpr, personx, randperson, clonedperson,
    unrealperson, weperson (synthetic); manifest (a CSV, JSONL or Parquet file with file_name and, where known,
    identity, camera, split and attributes); folder (pictures without labels).
    """
    find_data(source)
    with loading():
        from closerlook.dataset import open_dataset
        from closerlook.dataset.export import import_table

    data = open_dataset(source)
    import_table(data, out)
    typer.echo(f"{len(data):,} images in {out}")


def export_(
    source: Data,
    out: Out,
    layout: Annotated[Layout, typer.Option("--format", help="What to write.")] = "market1501",
    parts: Annotated[
        bool, typer.Option("--parts", help="market1501: folders of at most 6 cameras and 1,501 people.")
    ] = False,
    license: Annotated[
        str | None, typer.Option(help="imagefolder, parquet: for the card, by the Hub's names, as cc-by-4.0.")
    ] = None,
) -> None:
    """Copy a data set into another format.

    market1501: the layout of the re-ID toolboxes, refused where they would misread it. finegpr: names that say the
    attributes. table: images and one metadata.parquet, closerlook's own. imagefolder: that in train and test, as
    Hugging Face reads it. parquet: image bytes and labels, for the Hub. coco: boxes, 17 key points and masks.
    webdataset: tar files.
    """
    find_data(source)
    with loading():
        from closerlook.dataset import open_dataset
        from closerlook.dataset.export import export

    data = open_dataset(source)
    export(data, out, layout=layout, parts=parts, license=license)
    typer.echo(f"{len(data):,} images in {out}")


def audit(
    source: Data,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of text.")] = False,
) -> None:
    """Count and check a data set, and exit with 3 where something is likely to spoil a result.

    Unreadable files; equal and nearly equal images, across splits and people; people in train and test; labels that lag
    behind the images; dark, blurred and too small images, boxes outside of them; levels without images.
    """
    find_data(source)
    with loading():
        from closerlook.dataset import open_dataset
        from closerlook.dataset.audit import audit

    found = audit(open_dataset(source))
    typer.echo(json.dumps(found.to_dict(), indent=2) if as_json else found)
    if found.problems:
        raise typer.Exit(3)


for name, verb in (("import", import_), ("export", export_), ("audit", audit)):
    app.command(name, no_args_is_help=True, help=paragraphs(verb))(verb)
