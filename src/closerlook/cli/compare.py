"""closerlook compare: are these two pictures of the same person?"""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from closerlook.cli.options import loading, parse_file, parse_picture
from closerlook.cli.output import Found, answer, say_next, tell
from closerlook.inputs import find_data, find_file, find_model

__all__ = ["compare"]


def compare(
    first: Annotated[Path, typer.Argument(help="An image of a person.")],
    second: Annotated[Path, typer.Argument(help="Another one.")],
    model: Annotated[str, typer.Option(help="A run's folder, or an untrained backbone's name.")] = "lite0",
    reference: Annotated[str | None, typer.Option(help="Data of known people, to say what the number means.")] = None,
    false_match_rate: Annotated[
        float, typer.Option(help="Share of pairs of different people in --reference that may count as one person.")
    ] = 0.001,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", callback=parse_file, help="Picture to draw: what speaks for it.")
    ] = None,
) -> Found:
    """Say how near two images are to a model, and whether they show the same person.

    The threshold is chosen on --reference, for the rate of false matches; without, it is the one that 'evaluate
    --false-match-rate' left in the run's folder.
    """
    if out is not None:
        parse_picture("--out", out)
    for image in (first, second):
        find_file(image, "image")
    find_model(model)
    if reference is not None:
        find_data(reference)
    with loading():
        from closerlook.dataset import open_dataset
        from closerlook.evaluation import compare

    known = open_dataset(reference) if reference else None
    comparison = compare(first, second, model=model, reference=known, false_match_rate=false_match_rate)
    answer(str(comparison))
    if out is not None:
        comparison.save(out)
        tell(f"What speaks for it is in {out}.")
    if comparison.point is None:
        say_next("evaluate", model, "--target", "TARGET", "--false-match-rate", false_match_rate)
    else:
        say_next("evaluate", model, "--target", "TARGET")
    return {
        "images": [first, second],
        "model": comparison.model,
        "cosine": comparison.cosine,
        "euclidean": comparison.euclidean,
        "same_person": None if comparison.point is None else comparison.point.is_match(comparison.cosine),
        "operating_point": None if comparison.point is None else asdict(comparison.point),
        "out": out,
    }
