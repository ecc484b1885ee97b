"""closerlook analyze: how far every attribute value is from the target."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.table import Table

from closerlook.cli.options import Out, Seed, Size, Source, Target, parse_size
from closerlook.compute.progress import console

__all__ = ["analyze"]


def analyze(
    source: Source,
    target: Target,
    out: Out,
    embedding: Annotated[str, typer.Option(help="lite0, vgg19, resnet50-pooled, or your module:function.")] = "lite0",
    scaling: Annotated[str, typer.Option(help="balanced: 1.0 is the target's distance to itself; literal: Eq. 3.")] = (
        "balanced"
    ),
    alpha: Annotated[float, typer.Option(help="Weight of style (Eq. 3).")] = 0.9,
    beta: Annotated[float, typer.Option(help="Weight of content (Eq. 3).")] = 1.0,
    per_cell: Annotated[int | None, typer.Option(help="Images a cell of the design; 0 takes all of them.")] = None,
    size: Size = "128x64",
    seed: Seed = 0,
) -> None:
    """Measure each attribute value's content and style distance to the target's unlabelled training images."""
    from closerlook.analysis import analyze
    from closerlook.dataset import Dataset

    gap = analyze(
        Dataset.open(source),
        Dataset.open(target).train,
        embedding=embedding,
        size=parse_size(size),
        scaling=scaling,
        alpha=alpha,
        beta=beta,
        per_cell=per_cell,
        seed=seed,
        out=out,
    )
    table = Table("attribute", "level", "fit (95 % interval)", "from the mean", "pair loss (Eq. 3)", box=None)
    for row in gap.levels.iter_rows(named=True):
        fit, low, high, loss = (_number(row[name]) for name in ("fit", "fit_low", "fit_high", "pair_loss"))
        table.add_row(row["factor"], str(row["level"]), f"{fit} ({low} to {high})", row["side"], loss)
    console.print(table)
    for note in gap.settings.notes:
        typer.echo(note)
    typer.echo(f"The gap is in {out}; next: closerlook select {out} --out plan.yaml")


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"
