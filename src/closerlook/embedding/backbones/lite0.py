"""EfficientNet-Lite0 (Tan and Le, ICML 2019; Lite: ReLU6, no squeeze-excitation), with its weight file's names."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from closerlook.embedding.backbones.base import Backbone, Step
from closerlook.embedding.backbones.convolution import SameConv2d, convolve, is_fixed

__all__ = ["Lite0", "lite0"]

# Of a block's widened images, six times what goes in and comes out: so many at a time stay in a core's cache
CACHE_BYTES = 3 << 19


@dataclass(frozen=True)
class _Stage:
    repeats: int
    kernel: int
    stride: int
    expansion: int
    width: int


_STAGES = (
    _Stage(1, 3, 1, 1, 16),
    _Stage(2, 3, 2, 6, 24),
    _Stage(2, 5, 2, 6, 40),
    _Stage(3, 3, 2, 6, 80),
    _Stage(3, 5, 1, 6, 112),
    _Stage(4, 5, 2, 6, 192),
    _Stage(1, 3, 1, 6, 320),
)


class Lite0(Backbone):
    """Steps: ``stem``, ``block0`` to ``block15`` (strides 2, 4, 8, 16, 32 begin at stem, 1, 3, 5, 11) and ``head``.

    Args:
        last_stride: stride of the last stage that has one (``block11``); 1 doubles the feature map.
    """

    name = "lite0"
    dim = 1280
    mean = (127.0, 127.0, 127.0)
    std = (128.0, 128.0, 128.0)

    def __init__(self, last_stride: int = 2) -> None:
        super().__init__()
        self.options = {"last_stride": last_stride}
        self._conv_stem = SameConv2d(3, 32, 3, stride=2)
        self._bn0 = _batch_norm(32)
        blocks, channels = [], 32
        for index, stage in enumerate(_STAGES):
            stride = last_stride if index == 5 else stage.stride
            for repeat in range(stage.repeats):
                blocks.append(_Block(channels, stage, stride if repeat == 0 else 1))
                channels = stage.width
        self._blocks = nn.ModuleList(blocks)
        self._conv_head = SameConv2d(channels, self.dim, 1)
        self._bn1 = _batch_norm(self.dim)

    def steps(self) -> list[Step]:
        return [
            Step("stem", self._stem, (self._conv_stem, self._bn0)),
            *(Step(f"block{index}", block, (block,)) for index, block in enumerate(self._blocks)),
            Step("head", self._head, (self._conv_head, self._bn1)),
        ]

    def _stem(self, x: Tensor) -> Tensor:
        return convolve(self._conv_stem, self._bn0, x, "relu6")

    def _head(self, x: Tensor) -> Tensor:
        return convolve(self._conv_head, self._bn1, x, "relu6")


class _Block(nn.Module):
    """Inverted residual: expand (1 x 1), filter each channel (depthwise), project (1 x 1, linear)."""

    def __init__(self, channels: int, stage: _Stage, stride: int) -> None:
        super().__init__()
        self.expands = stage.expansion > 1
        self.residual = stride == 1 and channels == stage.width
        width = channels * stage.expansion
        if self.expands:
            self._expand_conv = SameConv2d(channels, width, 1)
            self._bn0 = _batch_norm(width)
        self._depthwise_conv = SameConv2d(width, width, stage.kernel, stride=stride, groups=width)
        self._bn1 = _batch_norm(width)
        self._project_conv = SameConv2d(width, stage.width, 1)
        self._bn2 = _batch_norm(stage.width)

    def forward(self, x: Tensor) -> Tensor:
        if not is_fixed(x):
            return self._run(x)
        image_bytes = 4 * self._depthwise_conv.in_channels * x.shape[2] * x.shape[3]
        images = max(1, CACHE_BYTES // image_bytes)
        return self._run(x) if len(x) <= images else torch.cat([self._run(part) for part in torch.split(x, images)])

    def _run(self, x: Tensor) -> Tensor:
        out = convolve(self._expand_conv, self._bn0, x, "relu6") if self.expands else x
        out = convolve(self._depthwise_conv, self._bn1, out, "relu6")
        return convolve(self._project_conv, self._bn2, out, shortcut=x if self.residual else None)


def _batch_norm(channels: int) -> nn.BatchNorm2d:
    return nn.BatchNorm2d(channels, eps=1e-3, momentum=0.01)


def lite0(last_stride: int = 2) -> Lite0:
    return Lite0(last_stride)
