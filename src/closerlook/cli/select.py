"""closerlook select: from a measured gap to the images worth training on."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from closerlook.cli.options import Seed

__all__ = ["select"]


def select(
    gap: Annotated[Path, typer.Argument(help="Folder that 'closerlook analyze' wrote.")],
    out: Annotated[Path, typer.Option("--out", "-o", help="Plan to write (YAML).")] = Path("plan.yaml"),
    method: Annotated[str, typer.Option(help="greedy (the paper's), exhaustive, weights.")] = "greedy",
    on: Annotated[str, typer.Option(help="fit: unbiased distance of distributions; pair_loss: the paper's.")] = "fit",
    rule: Annotated[str, typer.Option(help="greedy: mean (the paper's), sure, top:NUMBER, below:VALUE.")] = "mean",
    budget: Annotated[int | None, typer.Option(help="At most this many images.")] = None,
    diversity: Annotated[float, typer.Option(help="exhaustive: at least this share of the target's diversity.")] = 0.0,
    variety: Annotated[float | None, typer.Option(help="weights: at least so many effective combinations.")] = None,
    seed: Seed = 0,
) -> None:
    """Choose the attribute values worth training on and save them as a plan."""
    from closerlook.analysis import Gap
    from closerlook.selection import select

    plan = select(
        Gap.load(gap),
        method=method,
        on=on,
        rule=rule,
        budget=budget,
        diversity=diversity,
        variety=variety,
        seed=seed,
    )
    plan.save(out)
    for name, levels in plan.values.items():
        typer.echo(f"{name}: {', '.join(map(str, levels))}")
    for note in plan.provenance.notes if plan.provenance else ():
        typer.echo(note)
    typer.echo(f"{plan.images:,} images, {plan.share:.1%} of all, in {out}; next: closerlook train DATA --plan {out}")
