"""closerlook train: a re-ID model from a data set and a recipe."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from closerlook.cli.options import Out, Seed, Sources, loading, parse_assignments
from closerlook.cli.output import Found, say_next, tell
from closerlook.inputs import find_data, find_file, find_recipe

__all__ = ["train"]


def train(
    source: Sources,
    out: Out,
    recipe: Annotated[
        str | None, typer.Option(help="A recipe's name or YAML file; by default baseline on a GPU, else cpu-quick.")
    ] = None,
    plan: Annotated[Path | None, typer.Option(help="Train only on what this plan keeps.")] = None,
    set_: Annotated[list[str] | None, typer.Option("--set", help="Change a field of the recipe: steps=400.")] = None,
    validation: Annotated[
        str | None,
        typer.Option(help="Keep the best checkpoint: share of the people to hold out (0.1), or other rendered people."),
    ] = None,
    seed: Seed = 0,
) -> Found | None:
    """Train a re-ID model on the training images of a data set, or of several together: people of each are others.

    A stopped run resumes when the same command is given again. On several GPUs:
    torchrun --nproc-per-node 4 --no-python closerlook train ...
    """
    for each in source:
        find_data(each)
    if recipe is not None:
        find_recipe(recipe)
    if plan is not None:
        find_file(plan, "plan")
    overrides = parse_assignments(set_)
    share = _share(validation)
    if validation is not None and share is None:
        find_data(validation)
    with loading():
        from closerlook.dataset import concatenate, open_dataset
        from closerlook.reid import train
        from closerlook.reid.distributed import is_first_process
        from closerlook.reid.folder import read_summary
        from closerlook.selection import Plan

    train(
        concatenate(*(open_dataset(each).train for each in source)),
        recipe=recipe,
        out=out,
        seed=seed,
        overrides=overrides,
        validation=share if share is not None or validation is None else open_dataset(validation),
        plan=None if plan is None else Plan.load(plan),
    )
    if not is_first_process():
        return None
    tell(f"The model is in {out}")
    say_next("evaluate", out, "--target", "TARGET")
    return {"out": out, **read_summary(out)}


def _share(text: str | None) -> float | None:
    """``"0.1"`` -> 0.1; None for a data set's name."""
    try:
        return None if text is None else float(text)
    except ValueError:
        return None
