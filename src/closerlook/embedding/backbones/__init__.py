"""Networks that turn an image into a feature map, each a page long, with ImageNet weights."""

from __future__ import annotations

from pathlib import Path

from torch import Tensor

from closerlook.embedding.backbones.base import Backbone, Step
from closerlook.embedding.backbones.lite0 import Lite0, lite0
from closerlook.embedding.backbones.resnet import ResNet, resnet18, resnet34, resnet50, resnet101
from closerlook.embedding.backbones.vgg import VGG, vgg19_features
from closerlook.embedding.weights import find_weights_file, read_metadata, read_weights
from closerlook.errors import CloserlookError, UsageError, unknown

__all__ = [
    "BACKBONES",
    "VGG",
    "Backbone",
    "Lite0",
    "ResNet",
    "Step",
    "build",
    "lite0",
    "pretrained",
    "resnet18",
    "resnet34",
    "resnet50",
    "resnet101",
    "vgg19_features",
]

BACKBONES = ("lite0", "resnet18", "resnet34", "resnet50", "resnet101", "vgg19")
_STRIDE_KEY = "stride_in_1x1"


def build(name: str, *, last_stride: int = 2, stride_in_1x1: bool = False) -> Backbone:
    """The backbone ``name`` with random weights.

    Args:
        last_stride: 1 or 2; 1 doubles the feature map of a ResNet or Lite0.
        stride_in_1x1: the original ResNet's convention instead of torchvision's (bottleneck networks only).
    """
    if last_stride not in (1, 2):
        raise UsageError(f"last_stride must be 1 or 2, not {last_stride}.")
    match name:
        case "lite0":
            return lite0(last_stride)
        case "resnet18":
            return resnet18(last_stride)
        case "resnet34":
            return resnet34(last_stride)
        case "resnet50":
            return resnet50(last_stride, stride_in_1x1=stride_in_1x1)
        case "resnet101":
            return resnet101(last_stride, stride_in_1x1=stride_in_1x1)
        case "vgg19":
            return vgg19_features()
    raise unknown("backbone", name, BACKBONES)


def pretrained(name: str, *, last_stride: int = 2, weights: Path | None = None) -> Backbone:
    """The backbone ``name`` with ImageNet weights, in evaluation mode; :mod:`closerlook.embedding.weights` finds them.

    The stride convention of a ResNet follows what the weights file says about itself (``stride_in_1x1``).

    Raises:
        UsageError: no backbone has that name.
        CloserlookError: no weights are found, or they are another network's.
    """
    path = find_weights_file(name, weights)
    in_1x1 = read_metadata(path).get(_STRIDE_KEY) == "true"
    backbone = build(name, last_stride=last_stride, stride_in_1x1=in_1x1)
    fitting = read_weights(path)
    own = backbone.state_dict()
    _check_fit(name, path, own, fitting)
    backbone.load_state_dict({key: fitting.get(key, value) for key, value in own.items()})
    return backbone.eval()


def _check_fit(name: str, path: Path, own: dict[str, Tensor], found: dict[str, Tensor]) -> None:
    """Every weight must be there in its shape; counters of batches, which nothing uses, may be absent."""
    for key, value in own.items():
        if key.endswith("num_batches_tracked"):
            continue
        if key not in found:
            raise CloserlookError(f"{path} is not a {name}: it has no '{key}'.")
        if found[key].shape != value.shape:
            raise CloserlookError(
                f"{path} is not a {name}: '{key}' is {tuple(found[key].shape)}, not {tuple(value.shape)}."
            )
