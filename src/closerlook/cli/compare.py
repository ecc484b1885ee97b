"""closerlook compare: are these two pictures of the same person?"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

__all__ = ["compare"]


def compare(
    first: Annotated[Path, typer.Argument(help="An image of a person.")],
    second: Annotated[Path, typer.Argument(help="Another one.")],
    model: Annotated[str, typer.Option(help="A run's folder, or an untrained backbone's name.")] = "lite0",
) -> None:
    """Say how near two images are to a model."""
    from closerlook.evaluation import compare

    typer.echo(compare(first, second, model=model))
