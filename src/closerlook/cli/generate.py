"""closerlook generate: design -> images and their table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Annotated, Any

import typer

from closerlook.attributes import Design
from closerlook.choices import MORE_WEATHERS, ScenePer, SensorName, Storage
from closerlook.cli.options import Levels, Out, Seed, Size, loading, parse_levels, parse_size
from closerlook.cli.output import Found, answer, say_next, tell
from closerlook.inputs import find_file

__all__ = ["generate"]


def generate(
    design: Annotated[str, typer.Argument(help="gpr-plus, fine-gpr, or a YAML file of your own.")],
    out: Out,
    identities: Annotated[int | None, typer.Option(help="Number of people; all of the design by default.")] = None,
    first_identity: Annotated[int, typer.Option(help="Number of the first person.")] = 1,
    level: Levels = None,
    size: Size = "128x64",
    seed: Seed = 0,
    scene_per: Annotated[
        ScenePer, typer.Option(help="What has its own pose, camera and place; a view is a viewpoint of a person.")
    ] = "view",
    backdrop: Annotated[
        list[str] | None,
        typer.Option(help="Place to render in, or a folder of empty frames of your own; several times."),
    ] = None,
    sensor: Annotated[SensorName, typer.Option(help="Kind of camera.")] = "cctv",
    wardrobe: Annotated[Path | None, typer.Option(help="MakeHuman folder to dress people from as well.")] = None,
    population: Annotated[Path | None, typer.Option(help="YAML file with the mix of people: 'female: 0.4'.")] = None,
    workers: Annotated[int | None, typer.Option(help="Processes; one per core by default.")] = None,
    device: Annotated[str, typer.Option(help="Where to render: cpu, or cuda:0 for the first GPU.")] = "cpu",
    plan: Annotated[Path | None, typer.Option(help="Render only what this plan keeps.")] = None,
    cameras: Annotated[
        int | None, typer.Option(help="Fixed cameras that people walk past, 2 to all of them each; 6 as Market-1501.")
    ] = None,
    splits: Annotated[
        bool, typer.Option("--splits", help="Half of the people to train on, the others as query and gallery.")
    ] = False,
    storage: Annotated[
        Storage,
        typer.Option(help="files: a JPEG file an image; shards: a Parquet file a person, with the images in it."),
    ] = "files",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say how many images, bytes and seconds.")] = False,
) -> Found:
    """Render people in every viewpoint, weather and illumination of a design.

    A design of your own is a YAML file with 'identities' and 'factors':
    viewpoint (any degree), weather, illumination and any scene parameter,
    such as weather.extinction, camera.height or sensor.noise. Under 'jitter'
    each image draws a parameter: 'sensor.noise: {uniform: [0, 3]}'. Levels of
    your own: 'weathers: {haze: {like: foggy, extinction: 0.01}}'.

    A stopped run resumes when the same command is given again.
    """
    levels, height_width = parse_levels(level), parse_size(size)
    _check_levels(Design.load(design), levels)
    for path, what in ((plan, "plan"), (population, "file"), (wardrobe, "folder")):
        if path is not None:
            find_file(path, what)
    with loading():
        from closerlook import synthesis
        from closerlook.selection.plan import Plan

    settings: dict[str, Any] = {
        "identities": identities,
        "first_identity": first_identity,
        "levels": levels,
        "size": height_width,
        "seed": seed,
        "scene_per": scene_per,
        "backdrops": backdrop,
        "sensor": sensor,
        "wardrobe": wardrobe,
        "population": population,
        "workers": workers,
        "storage": storage,
        "plan": None if plan is None else Plan.load(plan),
        "cameras": cameras,
        "splits": splits,
    }
    if dry_run:
        estimate = synthesis.estimate(design, **settings)
        answer(str(estimate))
        tell("Next: the same command without --dry-run")
        return asdict(estimate)
    data = synthesis.generate(design, out=out, device=device, **settings)
    people = data.counts()["identities"]
    tell(f"{len(data):,} images of {people:,} people in {out}")
    say_next("analyze", out, "TARGET", "--out", "gap")
    return {"out": out, "images": len(data), "people": people}


def _check_levels(design: Design, levels: Mapping[str, Sequence[str]]) -> None:
    """Refuse attributes and levels that the design does not have; the renderer's own weathers may join any."""
    for name, values in levels.items():
        factor = design.factor(name.replace(".", "_"))
        own = MORE_WEATHERS if factor.name == "weather" else ()
        replace(factor, levels=tuple(dict.fromkeys((*factor.levels, *own)))).keep(values)
