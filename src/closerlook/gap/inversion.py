"""What a layer sees of an image: an image made from noise whose features match (section 2.2 of the paper).

Gatys et al. (CVPR 2016); Mahendran and Vedaldi (CVPR 2015), whose total variation term keeps out patterns that the
layer cannot see.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import ImageDraw, ImageFont
from torch import Tensor

from closerlook.charts import INK
from closerlook.compute.memory import keep_freed_memory
from closerlook.compute.progress import progress
from closerlook.dataset.images import resize
from closerlook.embedding.backbones import Backbone, pretrained
from closerlook.embedding.content_style import LAYERS
from closerlook.errors import UsageError
from closerlook.randomness import keyed_rng
from closerlook.sheets import sheet_of

__all__ = ["TERMS", "inversion_strip", "invert"]

TERMS = ("content", "style")
SMOOTHNESS = 2e-3
HISTORY = 20  # pairs of gradients that L-BFGS remembers
GAP, MARGIN = 4, 16

Pixels = NDArray[np.uint8]


def invert(
    image: Pixels,
    layer: str,
    *,
    term: str = "content",
    backbone: str | Backbone = "vgg19",
    steps: int = 150,
    seed: int = 0,
) -> tuple[Pixels, float]:
    """An image whose features at ``layer`` match those of ``image`` (h, w, 3) uint8, by L-BFGS from noise.

    It runs on the GPU where there is one.

    Args:
        term: ``content`` matches the activations (Eq. 1), ``style`` the Gram matrices (Eq. 2) of the layer and of the
            network's layers before it that are compared by default.
        backbone: ``vgg19``, ``lite0`` or any other network of closerlook's.
        steps: at most so many iterations.
        seed: of the noise.

    Returns:
        The image, and what is left of the loss: the squared error over the features' own squared length.

    Raises:
        UsageError: an unknown term, backbone or layer.

    Example:
        >>> from closerlook.gap import invert
        >>> image = np.full((48, 32, 3), 90, np.uint8)
        >>> found, left = invert(image, "stem", backbone="lite0", steps=2)
        >>> found.shape
        (48, 32, 3)
    """
    if term not in TERMS:
        raise UsageError(f"'{term}' cannot be inverted; choose content or style.")
    network = pretrained(backbone) if isinstance(backbone, str) else backbone
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    network.to(device).requires_grad_(False)
    layers = _style_layers(network, layer) if term == "style" else (layer,)
    network.steps_through(*layers)
    keep_freed_memory()
    with torch.no_grad():
        pixels = torch.from_numpy(np.ascontiguousarray(image[None])).to(device)
        wanted = _features(network, network.normalize(pixels), layers, term)
    noise = keyed_rng(seed, "inversion").normal(128, 20, size=(1, *image.shape)).astype(np.float32)
    x = network.normalize(torch.from_numpy(noise).to(device)).contiguous().requires_grad_()
    optimizer = torch.optim.LBFGS([x], max_iter=steps, history_size=HISTORY, line_search_fn="strong_wolfe")

    def closure() -> Tensor:
        optimizer.zero_grad()
        loss = _mismatch(_features(network, x, layers, term), wanted) + SMOOTHNESS * _variation(x)
        loss.backward()  # type: ignore[no-untyped-call]
        return loss

    optimizer.step(closure)  # type: ignore[no-untyped-call]
    with torch.no_grad():
        left = float(_mismatch(_features(network, x, layers, term), wanted))
    mean, std = (torch.tensor(values) for values in (network.mean, network.std))
    pixels = x.detach().cpu()[0].permute(1, 2, 0) * std + mean
    return pixels.round().clamp(0, 255).byte().numpy(), left


def inversion_strip(
    images: Sequence[Pixels],
    layers: Sequence[str],
    *,
    term: str = "content",
    backbone: str = "vgg19",
    size: tuple[int, int] = (128, 64),
    steps: int = 150,
    seed: int = 0,
) -> Pixels:
    """One row per image: the image, then what each of ``layers`` sees of it; with the layers' names above.

    Example:
        >>> from closerlook.gap import inversion_strip
        >>> image = np.full((48, 32, 3), 90, np.uint8)
        >>> inversion_strip([image], ["stem", "block0"], backbone="lite0", size=(48, 32), steps=2).ndim
        3
    """
    network = pretrained(backbone)
    network.steps_through(*layers)
    width = size[1]
    shown = []
    with progress(f"Inverting {backbone}", len(images) * len(layers), "layers") as advance:
        for image in images:
            resized = resize(image, size)
            shown.append(resized)
            for layer in layers:
                inverted, left = invert(resized, layer, term=term, backbone=network, steps=steps, seed=seed)
                shown.append(inverted)
                advance(1, f"{layer}: {100 * left:.2f} % of the loss is left")
    sheet = sheet_of(shown, len(layers) + 1, gap=GAP, margin=(0, MARGIN, 0, GAP))
    draw = ImageDraw.Draw(sheet)
    names = ["image", *layers]
    draw.font = ImageFont.load_default(10)
    widest = max(draw.textlength(name) for name in names)
    draw.font = ImageFont.load_default(10 * min((width + GAP) / (widest + GAP), 1))  # so that they do not overlap
    for column, name in enumerate(names):
        draw.text(((width + GAP) * column + width // 2, 2), name, fill=INK, anchor="ma")
    return np.asarray(sheet)


def _style_layers(network: Backbone, layer: str) -> tuple[str, ...]:
    """The default style layers up to ``layer``, and itself."""
    before = [step.name for step in network.steps_through(layer)]
    default = LAYERS[network.name].style if network.name in LAYERS else ()
    return tuple(dict.fromkeys([*(name for name in default if name in before), layer]))


def _features(network: Backbone, x: Tensor, layers: Sequence[str], term: str) -> list[Tensor]:
    activations = network.activations(x, layers)
    if term == "content":
        return [activations[name] for name in layers]
    flat = [activations[name].flatten(2) for name in layers]
    return [layer @ layer.mT for layer in flat]


def _mismatch(found: Sequence[Tensor], wanted: Sequence[Tensor]) -> Tensor:
    """Each layer's squared error over the squared length of what is wanted; the mean over layers."""
    errors = [((a - b) ** 2).sum() / (b**2).sum().clamp_min(1e-12) for a, b in zip(found, wanted, strict=True)]
    return torch.stack(errors).mean()


def _variation(x: Tensor) -> Tensor:
    """Mean squared difference of neighboring pixels."""
    return ((x[..., 1:, :] - x[..., :-1, :]) ** 2).mean() + ((x[..., 1:] - x[..., :-1]) ** 2).mean()
