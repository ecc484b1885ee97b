"""Residual networks (He et al., "Deep Residual Learning", CVPR 2016), with torchvision's parameter names.

IBN-a (Pan et al., "Two at Once", ECCV 2018) normalizes half of the channels after the first convolution of a block by
the image's own statistics, which are its style; its names are those of the authors' weight files.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from closerlook.embedding.backbones.base import Backbone, Step
from closerlook.embedding.backbones.convolution import convolve

__all__ = ["ResNet", "resnet18", "resnet34", "resnet50", "resnet50_ibn_a", "resnet101"]


class ResNet(Backbone):
    """Steps: ``stem`` (7 x 7 convolution and max-pooling), ``layer1`` to ``layer4``.

    Args:
        name: which one, for reports.
        depths: residual blocks in each of the four layers.
        bottleneck: blocks of 1 x 1, 3 x 3, 1 x 1 convolutions (50 layers and more) instead of two 3 x 3.
        last_stride: stride of ``layer4``; 1 doubles the feature map, usual in re-identification.
        stride_in_1x1: put a bottleneck's stride into its first 1 x 1 convolution, as the original paper does, instead
            of the 3 x 3 one, as torchvision does. Weights work well only in the convention that they were trained in.
        ibn: IBN-a in the bottlenecks of ``layer1`` to ``layer3``.
    """

    def __init__(
        self,
        name: str,
        depths: tuple[int, int, int, int],
        *,
        bottleneck: bool,
        last_stride: int = 2,
        stride_in_1x1: bool = False,
        ibn: bool = False,
    ) -> None:
        super().__init__()
        self.name = name
        self.dim = 2048 if bottleneck else 512
        self.options = {"last_stride": last_stride, "stride_in_1x1": stride_in_1x1}
        self.conv1 = nn.Conv2d(3, 64, 7, stride=2, padding=3, bias=False)
        self.bn1 = nn.BatchNorm2d(64)
        channels = 64
        for index, (depth, stride) in enumerate(zip(depths, (1, 2, 2, last_stride), strict=True)):
            width = 64 << index
            blocks = []
            for position in range(depth):
                step = stride if position == 0 else 1
                block: nn.Module
                if bottleneck:
                    block = _Bottleneck(channels, width, step, stride_in_1x1, ibn=ibn and index < 3)
                    channels = 4 * width
                else:
                    block = _Basic(channels, width, step)
                    channels = width
                blocks.append(block)
            self.add_module(f"layer{index + 1}", nn.Sequential(*blocks))

    def steps(self) -> list[Step]:
        layers = [(name, self.get_submodule(name)) for name in _LAYERS]
        return [
            Step("stem", self._stem, (self.conv1, self.bn1)),
            *(Step(name, layer, (layer,)) for name, layer in layers),
        ]

    def _stem(self, x: Tensor) -> Tensor:
        return F.max_pool2d(convolve(self.conv1, self.bn1, x, "relu"), 3, stride=2, padding=1)


_LAYERS = ("layer1", "layer2", "layer3", "layer4")


class _Basic(nn.Module):
    def __init__(self, channels: int, width: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels, width, 3, stride=stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.downsample = _shortcut(channels, width, stride)

    def forward(self, x: Tensor) -> Tensor:
        out = convolve(self.conv1, self.bn1, x, "relu")
        return convolve(self.conv2, self.bn2, out, "relu", self.downsample(x))


class _Bottleneck(nn.Module):
    def __init__(self, channels: int, width: int, stride: int, stride_in_1x1: bool, *, ibn: bool) -> None:
        super().__init__()
        first, second = (stride, 1) if stride_in_1x1 else (1, stride)
        self.conv1 = nn.Conv2d(channels, width, 1, stride=first, bias=False)
        self.bn1 = _InstanceBatchNorm(width) if ibn else nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, stride=second, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.conv3 = nn.Conv2d(width, 4 * width, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(4 * width)
        self.downsample = _shortcut(channels, 4 * width, stride)

    def forward(self, x: Tensor) -> Tensor:
        if isinstance(self.bn1, _InstanceBatchNorm):
            out = self.bn1(self.conv1(x)).relu_()
        else:
            out = convolve(self.conv1, self.bn1, x, "relu")
        out = convolve(self.conv2, self.bn2, out, "relu")
        return convolve(self.conv3, self.bn3, out, "relu", self.downsample(x))


class _InstanceBatchNorm(nn.Module):
    """Instance normalization of the first half of the channels, batch normalization of the second."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.IN = nn.InstanceNorm2d(channels // 2, affine=True)
        self.BN = nn.BatchNorm2d(channels // 2)

    def forward(self, x: Tensor) -> Tensor:
        first, second = x.chunk(2, 1)
        return torch.cat((self.IN(first), self.BN(second)), 1)


class _Projection(nn.Sequential):
    """A shortcut between different numbers of channels or sizes."""

    def forward(self, x: Tensor) -> Tensor:
        convolution, norm = self
        assert isinstance(convolution, nn.Conv2d)
        assert isinstance(norm, nn.BatchNorm2d)
        return convolve(convolution, norm, x)


def _shortcut(channels: int, out: int, stride: int) -> nn.Module:
    if channels == out and stride == 1:
        return nn.Identity()
    return _Projection(nn.Conv2d(channels, out, 1, stride=stride, bias=False), nn.BatchNorm2d(out))


def resnet18(last_stride: int = 2) -> ResNet:
    return ResNet("resnet18", (2, 2, 2, 2), bottleneck=False, last_stride=last_stride)


def resnet34(last_stride: int = 2) -> ResNet:
    return ResNet("resnet34", (3, 4, 6, 3), bottleneck=False, last_stride=last_stride)


def resnet50(last_stride: int = 2, *, stride_in_1x1: bool = False) -> ResNet:
    return ResNet("resnet50", (3, 4, 6, 3), bottleneck=True, last_stride=last_stride, stride_in_1x1=stride_in_1x1)


def resnet50_ibn_a(last_stride: int = 2) -> ResNet:
    return ResNet("resnet50_ibn_a", (3, 4, 6, 3), bottleneck=True, last_stride=last_stride, ibn=True)


def resnet101(last_stride: int = 2, *, stride_in_1x1: bool = False) -> ResNet:
    return ResNet("resnet101", (3, 4, 23, 3), bottleneck=True, last_stride=last_stride, stride_in_1x1=stride_in_1x1)
