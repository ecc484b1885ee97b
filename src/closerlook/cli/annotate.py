"""closerlook annotate: masks, body parts, depth and normals of rendered images; and a sheet to check them by eye."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, get_args

import typer

from closerlook.choices import AnnotationKind
from closerlook.cli.options import loading, parse_file, parse_picture
from closerlook.cli.output import Found, say_next, tell
from closerlook.errors import unknown
from closerlook.inputs import existing_data

__all__ = ["annotate"]


def annotate(
    data: Annotated[Path, typer.Argument(help="A folder that 'closerlook generate' made.")],
    kind: Annotated[
        list[str] | None, typer.Option("--kind", "-k", help="mask, parts, clothes, depth, normals; several times.")
    ] = None,
    out: Annotated[Path | None, typer.Option("--out", "-o", help="Folder for KIND/...png; DATA/annotations.")] = None,
    draw: Annotated[
        Path | None, typer.Option(callback=parse_file, help="Only draw this sheet, such as check.png.")
    ] = None,
    count: Annotated[int, typer.Option(help="Number of images on the sheet.")] = 24,
    workers: Annotated[int | None, typer.Option(help="Processes; one per core by default.")] = None,
) -> Found:
    """Write masks, body parts, clothes, depth or normals of rendered images as PNG files.

    Box, key points and camera are in the data set's table already. With --draw, draw them and the parts of the body
    over some of the images instead, to check them by eye.
    """
    for name in kind or ():
        if name not in get_args(AnnotationKind):
            raise unknown("kind of annotation", name, get_args(AnnotationKind))
    existing_data(data)
    if draw is not None:
        parse_picture("--draw", draw)
    with loading():
        from closerlook.synthesis.generation.annotating import annotate as write, draw_over

    if draw is not None:
        draw_over(data, draw, count=count)
        tell(f"The sheet is in {draw}.")
        say_next("annotate", data)
        return {"out": draw}
    folder = write(data, kind or ("mask", "parts"), out=out, workers=workers)
    tell(f"The annotations are in {folder}.")
    say_next("annotate", data, "--draw", "check.png")
    return {"out": folder}
