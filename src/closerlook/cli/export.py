"""closerlook export: a trained model as ONNX."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from closerlook.choices import PixelType, TensorLayout
from closerlook.cli.options import loading, parse_file, parse_size
from closerlook.cli.output import Found, answer, say_next
from closerlook.compute.progress import step
from closerlook.inputs import find_model

__all__ = ["export"]


def export(
    model: Annotated[str, typer.Argument(help="A run's folder, or an untrained backbone's name: lite0, resnet50.")],
    out: Annotated[Path, typer.Option("--out", "-o", callback=parse_file, help="File to write.")] = Path("model.onnx"),
    size: Annotated[str | None, typer.Option(help="Height x width, for an untrained backbone.")] = None,
    layout: Annotated[TensorLayout, typer.Option(help="Of the input: channels last or first.")] = "nhwc",
    pixels: Annotated[
        PixelType, typer.Option("--input", help="Raw uint8, or float32 that ImageNet's mean and deviation normalized.")
    ] = "uint8",
    half: Annotated[bool, typer.Option("--half", help="Weights and arithmetic of 16 bits.")] = False,
) -> Found:
    """Write a model as ONNX, for any number of images at a time, and check it against torch in onnxruntime.

    The input is raw RGB pixels, (b, height, width, 3) uint8, with normalization inside; trackers such as BoxMOT want
    --layout nchw --input float. (Data sets: 'dataset export'.)
    """
    find_model(model)
    height_width = parse_size(size) if size else None
    with loading():
        from closerlook.evaluation import load_model
        from closerlook.reid import Model
        from closerlook.reid.onnx import save_onnx

    embedder = load_model(model, height_width)
    assert isinstance(embedder, Model)
    height, width = embedder.size
    with step("Writing the model and checking it in onnxruntime"):
        difference = save_onnx(embedder, out, layout=layout, pixels=pixels, half=half)
    shape = f"(b, {height}, {width}, 3)" if layout == "nhwc" else f"(b, 3, {height}, {width})"
    answer(
        f"{out}: images {shape} {pixels} RGB -> features (b, {embedder.dim}); "
        f"onnxruntime and torch differ by {difference:.1e} of the largest feature"
    )
    say_next("evaluate", model, "--target", "TARGET")
    return {"out": out, "size": [height, width], "dim": embedder.dim, "difference": float(difference)}
