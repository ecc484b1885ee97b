"""closerlook invert: what the layers of a network see of an image."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from closerlook.cli.options import Seed, Size, loading, parse_file, parse_size
from closerlook.cli.output import Found, say_next, tell
from closerlook.errors import UsageError
from closerlook.inputs import find_file
from closerlook.storage.files import atomic_path

__all__ = ["invert"]


def invert(
    images: Annotated[list[Path], typer.Argument(help="Image files, a row each: a source image beside a target one.")],
    out: Annotated[
        Path, typer.Option("--out", "-o", callback=parse_file, help="The picture to write, PNG or JPEG.")
    ] = Path("inverted.png"),
    layer: Annotated[list[str] | None, typer.Option(help="A layer; several make a strip. [default: conv4_2]")] = None,
    style: Annotated[bool, typer.Option("--style", help="Match style (Gram matrices) instead of content.")] = False,
    backbone: Annotated[str, typer.Option(help="vgg19, lite0 or another network.")] = "vgg19",
    steps: Annotated[int, typer.Option(help="At most so many iterations of L-BFGS.", min=1)] = 150,
    size: Size = "128x64",
    seed: Seed = 0,
) -> Found:
    """Make images from noise whose features match a layer's, to see what content or style keeps (section 2.2)."""
    if out.suffix.lower() not in (".png", ".jpg", ".jpeg"):
        raise UsageError(f"--out {out} must end in .png or .jpg.")
    height_width = parse_size(size)
    for path in images:
        find_file(path, "image")
    with loading():
        from PIL import Image

        from closerlook.dataset.decoding import read_image
        from closerlook.embedding.content_style import LAYERS
        from closerlook.gap import inversion_strip

    layers = layer or (list(LAYERS[backbone].content) if backbone in LAYERS else [])
    if not layers:
        raise UsageError(f"Name a --layer of {backbone}.")
    term = "style" if style else "content"
    found = inversion_strip(
        [read_image(path) for path in images],
        layers,
        term=term,
        backbone=backbone,
        size=height_width,
        steps=steps,
        seed=seed,
    )
    with atomic_path(out) as draft:
        Image.fromarray(found).save(draft)
    tell(f"What {', '.join(layers)} of {backbone} keep of {term} is in {out}.")
    say_next("analyze", "SOURCE", "TARGET", "--embedding", backbone, "--out", "gap")
    return {"out": out, "backbone": backbone, "layers": layers, "term": term}
