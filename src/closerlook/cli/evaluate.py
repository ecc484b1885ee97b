"""closerlook evaluate: mAP and CMC of a model, or of features made elsewhere."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from closerlook.compute.progress import console
from closerlook.errors import UsageError

if TYPE_CHECKING:
    from closerlook.evaluation import Result

__all__ = ["evaluate"]


def evaluate(
    model: Annotated[
        str | None, typer.Argument(help="A run's folder, or an untrained backbone's name: lite0, resnet50.")
    ] = None,
    target: Annotated[str | None, typer.Option(help="Data with query and gallery, as market1501:/path.")] = None,
    query: Annotated[Path | None, typer.Option(help="Query features made elsewhere (safetensors).")] = None,
    gallery: Annotated[Path | None, typer.Option(help="Gallery features made elsewhere (safetensors).")] = None,
    protocol: Annotated[str, typer.Option(help="Whose rules to rank by.")] = "market1501",
    out: Annotated[Path, typer.Option("--out", "-o", help="Result to write (JSON).")] = Path("result.json"),
) -> None:
    """Rank a gallery for every query and score it.

    Either a MODEL with --target, or --query and --gallery: files with the tensors features (n, d), identities (n,) and
    cameras (n,).
    """
    if query is not None and gallery is not None and model is None and target is None:
        result = _rank_files(query, gallery, protocol)
    elif model is not None and target is not None and query is None and gallery is None:
        result = _evaluate_model(model, target, protocol)
    else:
        raise UsageError("Give either MODEL and --target, or --query and --gallery.")
    result.save(out)
    table = Table("mAP", "rank-1", "rank-5", "rank-10", "queries", "protocol", box=None)
    ranks = [f"{100 * result.cmc[rank - 1]:.1f}" if rank <= len(result.cmc) else "-" for rank in (1, 5, 10)]
    table.add_row(f"{100 * result.mAP:.1f}", *ranks, f"{result.valid:,}", protocol)
    console.print(table)
    typer.echo(f"The result is in {out}")


def _rank_files(query: Path, gallery: Path, protocol: str) -> Result:
    from closerlook.embedding.features import Features
    from closerlook.evaluation import rank

    return rank(Features.load(query), Features.load(gallery), protocol=protocol)


def _evaluate_model(model: str, target: str, protocol: str) -> Result:
    from closerlook.dataset import Dataset
    from closerlook.evaluation import evaluate

    return evaluate(model, Dataset.open(target), protocol=protocol)
