"""closerlook evaluate: mAP and CMC of a model, or of features made elsewhere."""

from __future__ import annotations

from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from closerlook.choices import Metric, ProtocolName
from closerlook.cli.options import check_file, loading, parse_file, parse_picture, parse_size
from closerlook.cli.output import Found, answer, say_next, tell
from closerlook.errors import UsageError
from closerlook.inputs import OPERATING_POINT_FILE, find_data, find_file, find_model

if TYPE_CHECKING:
    from closerlook.evaluation import Result

__all__ = ["evaluate"]


def evaluate(
    model: Annotated[
        str | None, typer.Argument(help="A run's folder, or an untrained backbone's name: lite0, resnet50.")
    ] = None,
    target: Annotated[str | None, typer.Option(help="Data with query and gallery, as market1501:/path.")] = None,
    query: Annotated[Path | None, typer.Option(help="Query features made elsewhere, as 'extract' writes them.")] = None,
    gallery: Annotated[Path | None, typer.Option(help="Gallery features made elsewhere.")] = None,
    protocol: Annotated[
        ProtocolName, typer.Option(help="Which gallery images count for a query, and how AP is computed.")
    ] = "market1501",
    metric: Annotated[Metric, typer.Option(help="Distance to rank by.")] = "euclidean",
    query_expansion: Annotated[int, typer.Option(help="Average each query with so many nearest gallery images.")] = 0,
    rerank: Annotated[bool, typer.Option("--rerank", help="k-reciprocal re-ranking (20, 6, 0.3).")] = False,
    device: Annotated[str, typer.Option(help="Where to rank: cpu or cuda. Models run on a GPU anyway.")] = "cpu",
    size: Annotated[str | None, typer.Option(help="Height x width, for an untrained backbone.")] = None,
    pictures: Annotated[
        Path | None,
        typer.Option(callback=parse_file, help="Picture to draw: the hardest errors and their nearest images."),
    ] = None,
    attention: Annotated[bool, typer.Option("--attention", help="With --pictures: what the model looked at.")] = False,
    false_match_rate: Annotated[
        float | None,
        typer.Option(help="Also choose a threshold for this share of false matches, as 0.001, and score open sets."),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out", "-o", callback=parse_file, help="Result to write; result.json in the run's folder, or here."
        ),
    ] = None,
) -> Found:
    """Rank a gallery for every query and score it.

    Either a MODEL with --target, or --query and --gallery: .safetensors, .parquet, .npz or .npy files of features of
    any float type, as 'extract' writes them. Identity -1 is junk, -2 a distractor, from 0 on people.
    """
    if pictures is not None:
        parse_picture("--pictures", pictures)
    if attention and pictures is None:
        raise UsageError("--attention is drawn into --pictures: name a picture too.")
    if out is None:
        out = Path(model or "") / "result.json" if model and Path(model).is_dir() else Path("result.json")
    check_file("--out", out)
    height_width = parse_size(size) if size else None
    if query_expansion < 0:
        raise UsageError(f"--query-expansion must be 0 or more gallery images, not {query_expansion}.")
    if false_match_rate is not None and rerank:
        raise UsageError("Re-ranked distances depend on the whole gallery: leave out --rerank or --false-match-rate.")
    if false_match_rate is not None and not 0 < false_match_rate < 1:
        raise UsageError(f"--false-match-rate must be between 0 and 1, such as 0.001, not {false_match_rate}.")
    if query is not None and gallery is not None and model is None and target is None and pictures is None:
        find_file(query, "features file")
        find_file(gallery, "features file")
    elif model is not None and target is not None and query is None and gallery is None:
        find_data(target)
        find_model(model)
    else:
        raise UsageError("Give either MODEL and --target (and --pictures), or --query and --gallery.")
    with loading():
        from closerlook.dataset import open_dataset
        from closerlook.embedding.features import Features
        from closerlook.evaluation import KReciprocal, Matching, evaluate, load_model, rank, save_rankings

    matching = replace(
        Matching.load(metric), query_expansion=query_expansion, reranking=KReciprocal() if rerank else None
    )
    if query is not None and gallery is not None:
        result = rank(Features.load(query), Features.load(gallery), protocol=protocol, matching=matching, device=device)
    else:
        assert model is not None and target is not None
        data = open_dataset(target)
        embedder = load_model(model, height_width)
        result = evaluate(embedder, data, protocol=protocol, matching=matching, device=device)
        if pictures is not None:
            save_rankings(result, pictures, embedder=embedder if attention else None)
    found = {"out": out, **{name: value for name, value in result.to_dict().items() if name != "per_query"}}
    if false_match_rate is not None:
        pairs = result.pairs()
        point, open_set = pairs.operating_point(false_match_rate), result.open_set()
        more = {"open_set": asdict(open_set), "roc": pairs.roc().to_dict(as_series=False)}
        point.save(out.parent / OPERATING_POINT_FILE, more)
        found |= {"operating_point": asdict(point), "open_set": asdict(open_set)}
        answer(f"{point}\n{open_set}")
    result.save(out)
    answer(_table(result), str(result))
    tell(f"The result is in {out}" + (f", pictures in {pictures}" if pictures else ""))
    if model is None:
        say_next("evaluate", "--query", query, "--gallery", gallery, "--false-match-rate", 0.001)
    elif Path(model).is_dir():
        say_next("report", model)
    else:
        say_next("train", "DATA", "--out", "runs/trained")
    return found


def _table(result: Result) -> Table:
    scores = ("mAP", "rank-1", "rank-5", "rank-10", "mINP")
    table = Table(*scores, "queries", box=None)
    table.add_row(*(f"{100 * result.score(name):.1f}" for name in scores), f"{result.valid:,}")
    return table
