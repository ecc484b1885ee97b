"""Networks that turn an image into a feature map, each a page long, with ImageNet weights."""

from __future__ import annotations

from pathlib import Path

from torch import Tensor

from closerlook.choices import BACKBONES
from closerlook.embedding.backbones.base import Backbone, Step
from closerlook.embedding.backbones.custom import CustomBackbone
from closerlook.embedding.backbones.lite0 import Lite0, lite0
from closerlook.embedding.backbones.osnet import OSNet, osnet_x0_25, osnet_x1_0
from closerlook.embedding.backbones.resnet import ResNet, resnet18, resnet34, resnet50, resnet50_ibn_a, resnet101
from closerlook.embedding.backbones.vgg import VGG, vgg19_features
from closerlook.embedding.weights import find_weights_file, read_metadata, read_weights
from closerlook.errors import CloserlookError, UsageError, unknown

__all__ = [
    "BACKBONES",
    "VGG",
    "Backbone",
    "CustomBackbone",
    "Lite0",
    "OSNet",
    "ResNet",
    "Step",
    "build",
    "check_name",
    "lite0",
    "osnet_x0_25",
    "osnet_x1_0",
    "pretrained",
    "resnet18",
    "resnet34",
    "resnet50",
    "resnet50_ibn_a",
    "resnet101",
    "vgg19_features",
]

_STRIDE_KEY = "stride_in_1x1"


def check_name(name: str) -> None:
    """Refuse what is neither a backbone's name nor looks like ``module:function``.

    Raises:
        UsageError: it names the nearest.
    """
    if name not in BACKBONES and ":" not in name:
        raise unknown("backbone", name, [*BACKBONES, "module:function"])


def build(name: str, *, last_stride: int = 2, stride_in_1x1: bool = False) -> Backbone:
    """The backbone ``name`` with random weights, or the user's own (:class:`CustomBackbone`) with what it comes with.

    Args:
        last_stride: 1 or 2; 1 doubles the feature map of a ResNet or Lite0, the others have no such stride.
        stride_in_1x1: the original ResNet's convention instead of torchvision's (bottleneck networks only).
    """
    if last_stride not in (1, 2):
        raise UsageError(f"last_stride must be 1 or 2, not {last_stride}.")
    check_name(name)
    match name:
        case "lite0":
            return lite0(last_stride)
        case "resnet18":
            return resnet18(last_stride)
        case "resnet34":
            return resnet34(last_stride)
        case "resnet50":
            return resnet50(last_stride, stride_in_1x1=stride_in_1x1)
        case "resnet50_ibn_a":
            return resnet50_ibn_a(last_stride)
        case "resnet101":
            return resnet101(last_stride, stride_in_1x1=stride_in_1x1)
        case "osnet_x1_0":
            return osnet_x1_0()
        case "osnet_x0_25":
            return osnet_x0_25()
        case "vgg19":
            return vgg19_features()
    return CustomBackbone(name)


def pretrained(name: str, *, last_stride: int = 2, weights: Path | None = None) -> Backbone:
    """The backbone ``name`` with ImageNet weights, in evaluation mode; :mod:`closerlook.embedding.weights` finds them.

    A user's own ``module:function`` brings its weights itself. The stride convention of a ResNet follows what the
    weights file says about itself (``stride_in_1x1``).

    Raises:
        UsageError: no backbone has that name.
        CloserlookError: no weights are found, or they are another network's.
    """
    if ":" in name:
        return build(name).eval()
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
