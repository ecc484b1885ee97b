"""closerlook extract: a model's features of a data set, for tools of your own."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from closerlook.cli.options import loading, parse_file, parse_size
from closerlook.cli.output import Found, say_next, tell
from closerlook.errors import unknown
from closerlook.inputs import find_data, find_model

__all__ = ["extract"]

FORMATS = (".safetensors", ".parquet", ".npz", ".npy")


def extract(
    model: Annotated[str, typer.Argument(help="A run's folder, or an untrained backbone's name: lite0, resnet50.")],
    source: Annotated[str, typer.Argument(help="Images: a folder, or format:path (see 'dataset import').")],
    out: Annotated[
        Path,
        typer.Option("--out", "-o", callback=parse_file, help="File: .safetensors, .parquet, .npz or .npy."),
    ] = Path("features.safetensors"),
    split: Annotated[str | None, typer.Option(help="Only train, query or gallery.")] = None,
    size: Annotated[str | None, typer.Option(help="Height x width, for an untrained backbone.")] = None,
) -> Found:
    """Write the features of every image of a data set, in the order of its table.

    A safetensors or npz file holds the arrays features (n, d), identities (n,) and cameras (n,); an npy file the
    features alone, with NAME.identities.npy and NAME.cameras.npy beside it; a Parquet file has one row per image, with
    file_name, identity, camera, split and feature. 'evaluate --query' and '--gallery' read all of them.
    """
    if out.suffix not in FORMATS:
        raise unknown("ending of --out", out.suffix, FORMATS)
    find_data(source)
    find_model(model)
    height_width = parse_size(size) if size else None
    with loading():
        from closerlook.dataset import open_dataset
        from closerlook.embedding import extract
        from closerlook.evaluation import load_model

    data = open_dataset(source)
    if split is not None:
        data = data.split(split)
    features = extract(load_model(model, height_width), data)
    features.save(out, data)
    tell(f"{len(features):,} features of {features.features.shape[1]} numbers in {out}")
    say_next("evaluate", "--query", out, "--gallery", "GALLERY")
    return {"out": out, "images": len(features), "dim": int(features.features.shape[1])}
