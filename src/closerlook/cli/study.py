"""closerlook study: train on all, selected and equal-size random images, several seeds each."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from closerlook.choices import TableName
from closerlook.cli.options import Out, Seed, Source, Target, loading, parse_assignments
from closerlook.cli.output import Found, answer, say_next
from closerlook.errors import UsageError
from closerlook.inputs import find_data, find_file, find_gap, find_recipe

__all__ = ["study"]


def study(
    source: Source,
    target: Target,
    out: Out,
    plan: Annotated[list[Path] | None, typer.Option(help="Plan to try; may be given several times.")] = None,
    gap: Annotated[
        Path | None, typer.Option(help="Analysis of the source, to show; each plan then meets its worst opposite too.")
    ] = None,
    table: Annotated[
        TableName | None,
        typer.Option(
            help="Rows like the paper's: market (Table 1), duke (Table 2), own (levels at or below the mean in --gap)."
        ),
    ] = None,
    recipe: Annotated[
        str | None, typer.Option(help="A recipe's name or YAML file; by default baseline on a GPU, else cpu-quick.")
    ] = None,
    set_: Annotated[list[str] | None, typer.Option("--set", help="Change a field of the recipe: steps=400.")] = None,
    seeds: Annotated[int, typer.Option(help="Runs of every row.", min=1)] = 3,
    seed: Seed = 0,
) -> Found:
    """Compare what different parts of a data set are worth: each plan beside all images and an equal-size random part.

    With --table the paper's ablation in one command: an eighth, a half and all of the people; each attribute cut to its
    best levels, and all together, each beside as many random images.

    A stopped study resumes when the same command is given again.
    """
    find_data(source)
    find_data(target)
    for path in plan or ():
        find_file(path, "plan")
    if gap is not None:
        find_gap(gap)
    elif table == "own":
        raise UsageError("--table own needs --gap, the analysis that says which levels are near to the target.")
    if recipe is not None:
        find_recipe(recipe)
    overrides = parse_assignments(set_)
    with loading():
        from closerlook.dataset import open_dataset
        from closerlook.reporting import report
        from closerlook.selection import Plan
        from closerlook.study import run_study, summarize

    runs = run_study(
        open_dataset(source),
        open_dataset(target),
        out=out,
        plans={path.stem: Plan.load(path) for path in plan or ()},
        gap=gap,
        table=table,
        recipe=recipe,
        overrides=overrides,
        seeds=seeds,
        first_seed=seed,
    )
    page = report(out)
    answer(f"The report is at {page}")
    say_next("validate-gap", source, target, "--out", "validation")
    return {"out": out, "report": page, "arms": [asdict(one) for one in summarize(runs)]}
