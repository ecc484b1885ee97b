"""closerlook dataset: bring data in, take it out, look it over."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from closerlook.choices import Layout
from closerlook.cli.options import Out, loading, parse_file, parse_size
from closerlook.cli.output import Found, answer, end_with, say_next, tell
from closerlook.cli.verbs import add_verb
from closerlook.inputs import find_data

__all__ = ["app"]

app = typer.Typer(name="dataset", help="Import, export and audit data sets.", no_args_is_help=True)
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
) -> Found:
    """Bring data in: write a data set in another layout as a folder of closerlook's own, images and one table.

    Images are hard links where the file system allows them, and take no room. Every verb also opens FORMAT:PATH as it
    is. Formats: market1501, dukemtmc, occluded-duke, cuhk01, cuhk03-detected,
    cuhk03-labeled, cuhk03-classic-detected, cuhk03-classic-labeled, cuhk03-np, msmt17 (people as released); finegpr,
    gpr, personx, randperson, clonedperson, unrealperson, weperson (synthetic); manifest (a CSV, JSONL or Parquet file
    with file_name and, where known, identity, camera, split and attributes); folder (pictures without labels).

    Only here: pattern:FOLDER with --name. Frames with boxes become crops, a data set of their own: coco:FILE and
    mot:FILE, with --frames. So do the images inside CUHK03's cuhk-03.mat.
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
        tell(done.note)
    tell(f"{len(done.data):,} images in {out}")
    say_next("dataset", "audit", out)
    return {"out": out, "images": len(done.data), "note": done.note}


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
) -> Found:
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
    tell(f"{len(data):,} images in {out}")
    say_next("dataset", "audit", source)
    return {"out": out, "images": len(data)}


def audit(
    source: Data,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out", "-o", callback=parse_file, help="Keep it as JSON; reports show that of a data set's audit.json."
        ),
    ] = None,
) -> Found:
    """Count and check a data set, and exit with 3 where something is likely to spoil a result.

    Unreadable files; equal and nearly equal images, across splits and people; people in train and test; labels that lag
    behind the images; dark, blurred and too small images, boxes outside of them; levels without images.
    """
    find_data(source)
    with loading():
        from closerlook.dataset import open_dataset
        from closerlook.dataset.audit import audit
        from closerlook.storage.files import write_json

    found = audit(open_dataset(source))
    if out is not None:
        write_json(out, found.to_dict())
    answer(str(found))
    if found.problems:
        end_with(3)
        say_next("dataset", "import", source, "--out", "DATA")
    else:
        say_next("analyze", source, "TARGET", "--out", "gap")
    return found.to_dict()


for name, verb in (("import", import_), ("export", export_), ("audit", audit)):
    add_verb(app, name, verb)
