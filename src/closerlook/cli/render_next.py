"""closerlook render-next: which images to render next, for a more certain choice."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from closerlook.cli.options import Camera, GapFolder, load_gap, loading, parse_file
from closerlook.cli.output import Found, answer, say_next, tell
from closerlook.inputs import find_gap

__all__ = ["render_next"]

SHOWN = 10  # combinations of levels


def render_next(
    gap: GapFolder,
    images: Annotated[int, typer.Option(help="How many images to render.", min=1)],
    out: Annotated[Path, typer.Option("--out", "-o", callback=parse_file, help="Plan to write (YAML).")] = Path(
        "next.yaml"
    ),
    camera: Camera = None,
) -> Found:
    """Hand out new images to the combinations of levels where they are worth most, as a plan for 'closerlook generate'.

    A choice loses what its levels on the wrong side of the line cost. More images of the right combinations make the
    estimates more certain, and so that loss smaller.
    """
    find_gap(gap)
    with loading():
        from closerlook.selection import render_next

    measured = load_gap(gap, camera)
    value = render_next(measured, images)
    value.plan.save(out)
    cells = sorted(value.plan.weights, key=lambda cell: -cell.weight)
    for cell in cells[:SHOWN]:
        answer(f"{round(cell.weight * images):6,}  {', '.join(map(str, cell.levels.values()))}")
    if len(cells) > SHOWN:
        tell(f"       and {len(cells) - SHOWN} more combinations")
    answer(
        f"Expected to save {value.expected_improvement:.5f} of {value.expected_loss:.5f} of squared MMD lost by levels "
        "on the wrong side of the line."
    )
    if value.stop:
        answer("That is below 1 % of the distance of all data: there is no reason to render more for this choice.")
    tell(f"The order is in {out}")
    say_next("generate", "DESIGN", "--plan", out, "--first-identity", "N", "--out", "DATA")
    return {
        "out": out,
        "cells": [{"levels": cell.levels, "images": round(cell.weight * images)} for cell in cells],
        "expected_loss": value.expected_loss,
        "expected_improvement": value.expected_improvement,
        "stop": value.stop,
    }
