"""closerlook select-identities: the people worth training on."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from closerlook.choices import IdentityOrder
from closerlook.cli.options import GapFolder, Seed, Sources, loading, parse_file
from closerlook.cli.output import Found, answer, say_next
from closerlook.errors import UsageError
from closerlook.inputs import find_data, find_file, find_gap

__all__ = ["select_identities"]

LONG = {"files", "file_weights", "weights"}  # of a plan, which the file holds


def select_identities(
    gap: GapFolder,
    source: Sources,
    identities: Annotated[int, typer.Option(help="How many people to choose.", min=1)],
    plan: Annotated[
        Path | None, typer.Option(help="Choose them from the images of this plan, and keep only these.")
    ] = (None),
    by: Annotated[
        IdentityOrder, typer.Option(help="far: as unlike as possible; near: nearest to --target together.")
    ] = "far",
    target: Annotated[str | None, typer.Option(help="Real data, for --by near.")] = None,
    out: Annotated[Path, typer.Option("--out", "-o", callback=parse_file, help="Plan to write (YAML).")] = Path(
        "identities.yaml"
    ),
    seed: Seed = 0,
) -> Found:
    """Choose so many people of a data set, or of several together, and save them as a plan; with --plan, that plan of
    only these people.

    With a larger number the same people come first.
    """
    if by == "near" and target is None:
        raise UsageError("--by near needs --target, the data to be near to.")
    find_gap(gap)
    for each in source:
        find_data(each)
    if plan is not None:
        find_file(plan, "plan")
    if target is not None:
        find_data(target)
    with loading():
        from closerlook.dataset import concatenate, open_dataset
        from closerlook.gap import Gap
        from closerlook.selection import Plan, select_identities

    chosen = select_identities(
        Gap.load(gap),
        concatenate(*(open_dataset(each).train for each in source)),
        identities,
        plan=None if plan is None else Plan.load(plan),
        by=by,
        target=None if target is None else open_dataset(target).train,
        seed=seed,
    )
    chosen.save(out)
    answer(f"{len(chosen.identities):,} people, {chosen.images:,} images, {chosen.share:.1%} of all, in {out}")
    say_next("train", *source, "--plan", out, "--out", "runs/selected")
    return {"out": out, **chosen.model_dump(mode="json", exclude=LONG)}
