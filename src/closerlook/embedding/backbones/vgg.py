"""VGG-19's convolutions (Simonyan and Zisserman, ICLR 2015), with torchvision's parameter names."""

from __future__ import annotations

from torch import nn

from closerlook.embedding.backbones.base import Backbone, Step
from closerlook.embedding.backbones.convolution import convolve

__all__ = ["VGG", "vgg19_features"]

_WIDTHS_AND_DEPTHS = ((64, 2), (128, 2), (256, 4), (512, 4), (512, 4))


class VGG(Backbone):
    """Steps: ``conv1_1`` to ``conv5_4``, each with its ReLU, and ``pool1`` to ``pool5`` (2 x 2 maxima)."""

    name = "vgg19"
    dim = 512

    def __init__(self) -> None:
        super().__init__()
        self.options = {}
        modules: list[nn.Module] = []
        self._position: dict[str, int] = {}
        channels = 3
        for group, (width, depth) in enumerate(_WIDTHS_AND_DEPTHS, start=1):
            for index in range(1, depth + 1):
                self._position[f"conv{group}_{index}"] = len(modules)
                modules += [nn.Conv2d(channels, width, 3, padding=1), nn.ReLU()]
                channels = width
            self._position[f"pool{group}"] = len(modules)
            modules.append(nn.MaxPool2d(2))
        self.features = nn.Sequential(*modules)

    def steps(self) -> list[Step]:
        return [self._step(name, self.features[position]) for name, position in self._position.items()]

    def _step(self, name: str, layer: nn.Module) -> Step:
        if not isinstance(layer, nn.Conv2d):
            return Step(name, layer, (layer,))
        return Step(name, lambda x: convolve(layer, None, x, "relu"), (layer,))


def vgg19_features() -> VGG:
    return VGG()
