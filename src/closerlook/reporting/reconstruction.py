"""What each layer of the network keeps of an image (section 2.2 of the paper), source beside target, for a page.

Real people's images do not belong on a page that gets passed on; a target is only shown if it is rendered.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from closerlook.compute.progress import progress
from closerlook.dataset import Dataset
from closerlook.dataset.decoding import read_image
from closerlook.dataset.images import resize
from closerlook.embedding.backbones import pretrained
from closerlook.errors import UsageError
from closerlook.gap import invert
from closerlook.reporting.samples import data_uri, plain_row
from closerlook.storage.files import atomic_path

__all__ = ["LAYERS", "Reconstruction", "read_reconstructions", "reconstruct"]

FOLDER = "reconstruction"
SIDES = ("source", "target")
# From the first layer of each network to the one whose content is compared
LAYERS = {
    "lite0": ("stem", "block2", "block4", "block7", "block10"),
    "vgg19": ("conv1_2", "conv2_2", "conv3_4", "conv4_2", "conv5_2"),
}
STEPS, SIZE = 80, (128, 64)


@dataclass(frozen=True)
class Reconstruction:
    """An image and what each layer keeps of it: layer -> data URI, from the image itself to the deepest."""

    side: str
    layers: Sequence[tuple[str, str]]


def reconstruct(folder: Path, source: Dataset | None, target: Dataset | None, embedding: str) -> None:
    """Write into ``folder/reconstruction`` an image of each data set and what each layer of the network keeps.

    What is there already is kept.

    Args:
        folder: of a study or an analysis.
        source: its images.
        target: those to compare with, where they may be shown.
        embedding: by which the gap was measured.

    Raises:
        UsageError: there is no source, or the embedding is of another network than lite0 and vgg19.
    """
    network = embedding.partition("-")[0]
    if source is None:
        raise UsageError("What layers keep is shown of a source image: name the source of the analysis with --source.")
    if network not in LAYERS:
        raise UsageError(f"What layers keep is shown for {' and '.join(LAYERS)}, not for {embedding}.")
    sides = {side: data for side, data in zip(SIDES, (source, target), strict=True) if data is not None}
    missing = [(side, layer) for side in sides for layer in LAYERS[network] if not _path(folder, side, layer).exists()]
    if not missing:
        return
    images = {side: resize(read_image(data.paths[plain_row(data)]), SIZE) for side, data in sides.items()}
    for side, image in images.items():
        _save(image, _path(folder, side, "image"))
    backbone = pretrained(network)
    with progress("What layers keep", len(missing), "images") as advance:
        for side, layer in missing:
            found, left = invert(images[side], layer, backbone=backbone, steps=STEPS)
            _save(found, _path(folder, side, layer))
            advance(1, f"{layer}: {100 * left:.1f} % of the loss is left")


def read_reconstructions(folder: Path) -> list[Reconstruction]:
    """What :func:`reconstruct` left in the folder of a study; empty where there is nothing."""
    found = []
    for side in SIDES:
        paths = [(layer, _path(folder, side, layer)) for layer in ("image", *_layers_in(folder))]
        shown = [(layer, data_uri(read_image(path))) for layer, path in paths if path.exists()]
        if len(shown) > 1:
            found.append(Reconstruction(side, shown))
    return found


def _layers_in(folder: Path) -> tuple[str, ...]:
    for layers in LAYERS.values():
        if any(_path(folder, side, layer).exists() for side in SIDES for layer in layers):
            return layers
    return ()


def _path(folder: Path, side: str, layer: str) -> Path:
    return folder / FOLDER / f"{side}-{layer}.png"


def _save(image: NDArray[np.uint8], path: Path) -> None:
    with atomic_path(path) as draft:
        Image.fromarray(image).save(draft, format="PNG")
