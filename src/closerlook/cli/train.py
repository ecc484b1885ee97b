"""closerlook train: a re-ID model from a data set and a recipe."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from closerlook.cli.options import Out, Seed, Source, parse_assignments

__all__ = ["train"]


def train(
    source: Source,
    out: Out,
    recipe: Annotated[str, typer.Option(help="A recipe's name or YAML file.")] = "baseline",
    plan: Annotated[Path | None, typer.Option(help="Train only on what this plan keeps.")] = None,
    set_: Annotated[list[str] | None, typer.Option("--set", help="Change a field of the recipe: steps=400.")] = None,
    seed: Seed = 0,
) -> None:
    """Train a re-ID model on the training images of a data set."""
    from closerlook.dataset import Dataset
    from closerlook.reid import train
    from closerlook.selection import Plan

    data = Dataset.open(source).train
    if plan is not None:
        data = data.subset(Plan.load(plan))
    train(data, recipe=recipe, out=out, seed=seed, overrides=parse_assignments(set_))
    typer.echo(f"The model is in {out}; next: closerlook evaluate {out} --target market1501:/path")
