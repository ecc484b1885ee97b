"""closerlook people: a contact sheet of the people that a seed gives."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from closerlook.cli.options import Seed, loading, parse_file, parse_picture
from closerlook.cli.output import Found, say_next, tell
from closerlook.inputs import find_file

__all__ = ["people"]


def people(
    out: Annotated[
        Path, typer.Option("--out", "-o", callback=parse_file, help="Picture to write: .png, .jpg or .webp.")
    ],
    count: Annotated[int, typer.Option(help="Number of people.")] = 60,
    first: Annotated[int, typer.Option(help="Number of the first person.")] = 1,
    views: Annotated[int, typer.Option(help="Sides to see each person from, in as many poses.")] = 1,
    seed: Seed = 0,
    wardrobe: Annotated[Path | None, typer.Option(help="MakeHuman folder to dress people from as well.")] = None,
    population: Annotated[Path | None, typer.Option(help="YAML file with the mix of people: 'female: 0.4'.")] = None,
    captions: Annotated[bool, typer.Option(help="Write what their labels say below people.")] = True,
) -> Found:
    """Draw the people that 'generate' renders, side by side at one scale: who they are, before any scene."""
    parse_picture("--out", out)
    for path, what in ((population, "file"), (wardrobe, "folder")):
        if path is not None:
            find_file(path, what)
    with loading():
        from closerlook.synthesis.generation.contact import contact_sheet

    contact_sheet(
        out,
        count=count,
        first=first,
        views=views,
        seed=seed,
        wardrobe=wardrobe,
        population=population,
        captions=captions,
    )
    tell(f"{count} people in {out}")
    mix = () if population is None else ("--population", population)
    who = ("--identities", count, "--first-identity", first, "--seed", seed, *mix)
    say_next("generate", "gpr-plus", *who, "--out", "DATA")
    return {"out": out, "people": count}
