"""closerlook evaluate: mAP and CMC of a model, or of features made elsewhere."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from closerlook.cli.options import parse_size
from closerlook.compute.progress import console
from closerlook.errors import UsageError

__all__ = ["evaluate"]


def evaluate(
    model: Annotated[
        str | None, typer.Argument(help="A run's folder, or an untrained backbone's name: lite0, resnet50.")
    ] = None,
    target: Annotated[str | None, typer.Option(help="Data with query and gallery, as market1501:/path.")] = None,
    query: Annotated[Path | None, typer.Option(help="Query features made elsewhere (safetensors).")] = None,
    gallery: Annotated[Path | None, typer.Option(help="Gallery features made elsewhere (safetensors).")] = None,
    protocol: Annotated[str, typer.Option(help="Whose rules to rank by.")] = "market1501",
    metric: Annotated[str, typer.Option(help="euclidean or cosine.")] = "euclidean",
    size: Annotated[str | None, typer.Option(help="Height x width, for an untrained backbone.")] = None,
    out: Annotated[Path, typer.Option("--out", "-o", help="Result to write (JSON).")] = Path("result.json"),
) -> None:
    """Rank a gallery for every query and score it.

    Either a MODEL with --target, or --query and --gallery: files with the tensors features (n, d), identities (n,) and
    cameras (n,).
    """
    from closerlook.dataset import Dataset
    from closerlook.embedding.features import Features
    from closerlook.evaluation import evaluate, rank

    if query is not None and gallery is not None and model is None and target is None:
        result = rank(Features.load(query), Features.load(gallery), protocol=protocol, matching=metric)
    elif model is not None and target is not None and query is None and gallery is None:
        pixels = parse_size(size) if size else None
        result = evaluate(model, Dataset.open(target), protocol=protocol, matching=metric, size=pixels)
    else:
        raise UsageError("Give either MODEL and --target, or --query and --gallery.")
    result.save(out)
    table = Table("mAP", "rank-1", "rank-5", "rank-10", "mINP", "queries", "protocol", box=None)
    ranks = [f"{100 * result.cmc[rank - 1]:.1f}" if rank <= len(result.cmc) else "-" for rank in (1, 5, 10)]
    table.add_row(f"{100 * result.mAP:.1f}", *ranks, f"{100 * result.mINP:.1f}", f"{result.valid:,}", protocol)
    console.print(table)
    typer.echo(f"The result is in {out}")
