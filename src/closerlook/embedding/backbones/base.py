"""What every backbone is: a chain of named steps from a normalized image to a feature map."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import NamedTuple

import torch
from torch import Tensor, nn

from closerlook.errors import unknown

__all__ = ["IMAGENET_MEAN", "IMAGENET_STD", "Backbone", "Step"]


class Step(NamedTuple):
    """A part of a network: its name, what it computes and the modules that hold its weights."""

    name: str
    run: Callable[[Tensor], Tensor]
    modules: tuple[nn.Module, ...]


# torchvision's mean and standard deviation of ImageNet, in units of a 0..255 pixel
IMAGENET_MEAN = (123.675, 116.28, 103.53)
IMAGENET_STD = (58.395, 57.12, 57.375)


class Backbone(nn.Module):
    """A convolutional network without its classifier.

    Attributes:
        name: as in :func:`closerlook.embedding.backbones.pretrained`.
        dim: length of the feature that :meth:`project` makes: channels of the map where nothing follows its pooling.
        options: arguments of :func:`closerlook.embedding.backbones.build` that this network was built with.
        mean, std: the input is (pixel - mean) / std with pixels in 0..255, RGB.
    """

    name: str
    dim: int
    options: dict[str, int]
    mean: tuple[float, float, float] = IMAGENET_MEAN
    std: tuple[float, float, float] = IMAGENET_STD

    def steps(self) -> list[Step]:
        """The network in order; the output of each step is the input of the next."""
        raise NotImplementedError

    def forward(self, x: Tensor) -> Tensor:
        """(b, 3, h, w) normalized -> feature map (b, dim, h', w')."""
        value = x
        for step in self.steps():
            value = step.run(value)
        return value

    def project(self, pooled: Tensor) -> Tensor:
        """What the network does after pooling, (b, channels of the map) -> (b, dim); most do nothing."""
        return pooled

    def activations(self, x: Tensor, names: Collection[str]) -> dict[str, Tensor]:
        """The outputs of the named steps, (b, channels, h', w') each; nothing beyond the deepest one is computed."""
        found: dict[str, Tensor] = {}
        value = x
        for step in self.steps_through(*names):
            value = step.run(value)
            if step.name in names:
                found[step.name] = value
        return found

    def steps_through(self, *names: str) -> list[Step]:
        """The steps from the first to the deepest named one.

        Raises:
            UsageError: there is no such step.
        """
        known = [step.name for step in self.steps()]
        for name in names:
            if name not in known:
                raise unknown(f"layer of {self.name}", name, known)
        depth = max((known.index(name) + 1 for name in names), default=0)
        return self.steps()[:depth]

    def normalize(self, images: Tensor) -> Tensor:
        """Images (b, h, w, 3) in 0..255, uint8 or float -> the input (b, 3, h, w), channels last in memory."""
        mean = torch.tensor(self.mean, device=images.device)
        scale = 1 / torch.tensor(self.std, device=images.device)
        return ((images.float() - mean) * scale).permute(0, 3, 1, 2)
