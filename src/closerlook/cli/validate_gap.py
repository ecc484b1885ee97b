"""closerlook validate-gap: does the measured gap predict training value on one's own targets."""

from __future__ import annotations

from fractions import Fraction
from typing import Annotated, Any

import typer

from closerlook.cli.options import Out, Seed, Source, loading, parse_assignments
from closerlook.cli.output import Found, answer, say_next, tell
from closerlook.errors import UsageError
from closerlook.inputs import find_data, find_recipe

__all__ = ["validate_gap"]


def validate_gap(
    source: Source,
    target: Annotated[
        list[str], typer.Argument(help="Labeled real data, one or several: market1501:/data/Market-1501-v15.09.15.")
    ],
    out: Out,
    subsets: Annotated[
        int | None, typer.Option(help="Parts of the source to train on; 30, or 12 with --quick.", min=1)
    ] = None,
    controls: Annotated[
        int | None, typer.Option(help="Random parts of equal size; 6, or 3 with --quick.", min=0)
    ] = None,
    factor: Annotated[
        list[str] | None,
        typer.Option("--factor", "-f", help="What the parts differ in; two by default, but the viewpoint; repeat."),
    ] = None,
    recipe: Annotated[
        str | None, typer.Option(help="A recipe's name or YAML file; by default baseline on a GPU, else cpu-quick.")
    ] = None,
    set_: Annotated[list[str] | None, typer.Option("--set", help="Change a field of the recipe: steps=400.")] = None,
    seeds: Annotated[int, typer.Option(help="Runs of every part.", min=1)] = 1,
    second_seeds: Annotated[str, typer.Option(help="Share of the parts that have one run more: 1/3.")] = "1/3",
    cameras: Annotated[bool, typer.Option("--cameras", help="Each camera of a target is a target, too.")] = False,
    quick: Annotated[
        bool, typer.Option("--quick", help="A quarter of an hour on two cores (two targets); sees large effects only.")
    ] = False,
    seed: Seed = 0,
) -> Found:
    """Ask, by training, whether the measured gap predicts what a part of the source is worth on your targets.

    Parts of equal images and people, two levels of each of two attributes, are chosen before training so that their gap
    spreads evenly. One model is trained on each and scored on every target's query and gallery. The page says first
    whether nearer parts train better models, and how small a gain the experiment could have seen.

    A stopped experiment resumes when the same command is given again.
    """
    for name in (source, *target):
        find_data(name)
    if recipe is not None:
        find_recipe(recipe)
    overrides, share = parse_assignments(set_), _share(second_seeds)
    with loading():
        from closerlook.dataset import open_dataset
        from closerlook.reporting import report
        from closerlook.reporting.validation import answer as answer_of
        from closerlook.storage.documents import read_json
        from closerlook.validation import validate_gap

    found = validate_gap(
        open_dataset(source),
        [open_dataset(name) for name in target],
        out=out,
        subsets=subsets,
        controls=controls,
        factors=factor or None,
        recipe=recipe,
        overrides=overrides,
        seeds=seeds,
        second_seeds=share,
        seed=seed,
        cameras=cameras,
        quick=quick,
    )
    said, page = answer_of(found.outcome), report(out)
    answer(said)
    tell(f"The report is at {page}")
    say_next("analyze", source, target[0], "--out", "gap")
    summary = read_json(out / "summary.json", dict[str, Any], "Run validate-gap again: finished runs are kept.")
    return {"out": out, "report": page, "answer": said, **summary}


def _share(text: str) -> float:
    """``"1/3"`` or ``"0.3"``."""
    try:
        return float(Fraction(text))
    except (ValueError, ZeroDivisionError):
        raise UsageError(f"--second-seeds '{text}' must be a share such as 1/3 or 0.3.") from None
