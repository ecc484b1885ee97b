"""closerlook train: a re-ID model from a data set and a recipe."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from closerlook.cli.options import Out, Seed, Source, parse_assignments

if TYPE_CHECKING:
    from closerlook.dataset import Dataset, open_dataset

__all__ = ["train"]


def train(
    source: Source,
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
) -> None:
    """Train a re-ID model on the training images of a data set.

    A stopped run goes on where it was when the same command is given again. On several GPUs:
    torchrun --nproc-per-node 4 --no-python closerlook train ...
    """
    from closerlook.reid import train
    from closerlook.reid.distributed import is_first_process
    from closerlook.selection import Plan

    train(
        open_dataset(source).train,
        recipe=recipe,
        out=out,
        seed=seed,
        overrides=parse_assignments(set_),
        validation=None if validation is None else _validation(validation),
        plan=None if plan is None else Plan.load(plan),
    )
    if is_first_process():
        typer.echo(f"The model is in {out}; next: closerlook evaluate {out} --target market1501:/path")


def _validation(text: str) -> Dataset | float:
    """``"0.1"`` -> 0.1, anything else is a data set."""

    try:
        return float(text)
    except ValueError:
        return open_dataset(text)
