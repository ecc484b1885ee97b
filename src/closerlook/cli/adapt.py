"""closerlook adapt: tune the renderer's continuous parameters to a target."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer
from rich.table import Table

from closerlook.choices import Search, SensorName
from closerlook.cli.options import Out, Seed, Size, Target, loading, parse_size
from closerlook.cli.output import Found, answer, say_next, tell
from closerlook.inputs import check_embedding, find_data

__all__ = ["adapt"]


def adapt(
    target: Target,
    out: Out,
    parameter: Annotated[
        list[str] | None,
        typer.Option("--parameter", "-p", help="What to tune: sensor, clothes, illumination.hour; several; or all."),
    ] = None,
    optimizer: Annotated[
        Search, typer.Option(help="descent: one after another; cma: CMA-ES, all together.")
    ] = "descent",
    renders: Annotated[int, typer.Option(help="Render and measure at most so many sets.", min=2)] = 260,
    identities: Annotated[int, typer.Option(help="People in a set.", min=2)] = 32,
    views: Annotated[int, typer.Option(help="Images of each.", min=1)] = 3,
    embedding: Annotated[str, typer.Option(help="lite0, vgg19, resnet50-pooled, or your module:function.")] = "lite0",
    backdrop: Annotated[list[str] | None, typer.Option(help="Place to render in; may be given several times.")] = None,
    sensor: Annotated[SensorName, typer.Option(help="Camera to start from.")] = "cctv",
    size: Size = "128x64",
    seed: Seed = 0,
) -> Found:
    """Tune hour, weather, camera, sensor, clothes and places until images are as near to the target as they get.

    Only unlabeled training images of the target are used. Stops when a round's gain is inside its interval. The same
    command resumes. Writes scene.yaml, a design for 'closerlook generate', and the search as a picture.
    """
    find_data(target)
    check_embedding(embedding)
    height_width = parse_size(size)
    with loading():
        from closerlook.adaptation import adapt
        from closerlook.dataset import open_dataset

    trace = adapt(
        open_dataset(target).train,
        out=out,
        parameters=parameter or None,
        optimizer=optimizer,
        renders=renders,
        identities=identities,
        views=views,
        embedding=embedding,
        size=height_width,
        backdrops=backdrop,
        sensor=sensor,
        seed=seed,
    )
    table = Table("parameter", "start", "found", box=None)
    for name, start in trace.steps[0].values.items():
        table.add_row(name, f"{start:.4g}", f"{trace.values[name]:.4g}")
    answer(table)
    held = trace.held_out
    sets = len(trace.steps)
    tell(f"{sets} set{'s' * (sets != 1)} rendered; {trace.stopped}.")
    answer(f"On people that the search did not use: {held.gain:.4f} nearer ({held.low:.4f} to {held.high:.4f}).")
    if held.low <= 0:
        tell(f"The search is in {out / 'trace.svg'}, before and after beside the target in before-after.png there.")
    say_next("generate", out / "scene.yaml", "--out", "DATA")
    return {
        "out": out,
        "design": out / "scene.yaml",
        "start": dict(trace.steps[0].values),
        "values": dict(trace.values),
        "held_out": asdict(held),
        "sets": sets,
        "stopped": trace.stopped,
    }
