"""What every backbone is: a chain of named steps from a normalised image to a feature map."""

from __future__ import annotations

from collections.abc import Callable, Collection

import torch
from torch import Tensor, nn

from closerlook.errors import unknown

__all__ = ["IMAGENET_MEAN", "IMAGENET_STD", "Backbone", "Step"]

Step = tuple[str, Callable[[Tensor], Tensor]]

# torchvision's mean and standard deviation of ImageNet, in units of a 0..255 pixel
IMAGENET_MEAN = (123.675, 116.28, 103.53)
IMAGENET_STD = (58.395, 57.12, 57.375)


class Backbone(nn.Module):
    """A convolutional network without its classifier.

    Attributes:
        name: as in :func:`closerlook.embedding.backbones.pretrained`.
        dim: channels of the feature map.
        mean, std: the input is (pixel - mean) / std with pixels in 0..255, RGB.
    """

    name: str
    dim: int
    mean: tuple[float, float, float] = IMAGENET_MEAN
    std: tuple[float, float, float] = IMAGENET_STD

    def steps(self) -> list[Step]:
        """The network as (name, function) in order; the output of each step is the input of the next."""
        raise NotImplementedError

    def forward(self, x: Tensor) -> Tensor:
        """(b, 3, h, w) normalised -> feature map (b, dim, h', w')."""
        for _, step in self.steps():
            x = step(x)
        return x

    def activations(self, x: Tensor, names: Collection[str]) -> dict[str, Tensor]:
        """The outputs of the named steps, (b, channels, h', w') each; nothing beyond the deepest one is computed."""
        known = [name for name, _ in self.steps()]
        for name in names:
            if name not in known:
                raise unknown(f"layer of {self.name}", name, known)
        found: dict[str, Tensor] = {}
        for name, step in self.steps():
            if len(found) == len(set(names)):
                break
            x = step(x)
            if name in names:
                found[name] = x
        return found

    def normalize(self, images: Tensor) -> Tensor:
        """Images (b, h, w, 3) in 0..255, uint8 or float -> the input (b, 3, h, w), channels last in memory."""
        mean = torch.tensor(self.mean, device=images.device)
        scale = 1 / torch.tensor(self.std, device=images.device)
        return ((images.float() - mean) * scale).permute(0, 3, 1, 2)
