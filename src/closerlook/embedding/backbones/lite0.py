"""EfficientNet-Lite0 (Tan and Le, ICML 2019; Lite: ReLU6, no squeeze-excitation), with its weight file's names."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor, nn
from torch.nn import functional as F

from closerlook.embedding.backbones.base import Backbone, Step, convolve

__all__ = ["Lite0", "lite0"]


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
        self._conv_stem = _SameConv2d(3, 32, 3, stride=2)
        self._bn0 = _batch_norm(32)
        blocks, channels = [], 32
        for index, stage in enumerate(_STAGES):
            stride = last_stride if index == 5 else stage.stride
            for repeat in range(stage.repeats):
                blocks.append(_Block(channels, stage, stride if repeat == 0 else 1))
                channels = stage.width
        self._blocks = nn.ModuleList(blocks)
        self._conv_head = _SameConv2d(channels, self.dim, 1)
        self._bn1 = _batch_norm(self.dim)

    def steps(self) -> list[Step]:
        return [
            Step("stem", self._stem, (self._conv_stem, self._bn0)),
            *(Step(f"block{index}", block, (block,)) for index, block in enumerate(self._blocks)),
            Step("head", self._head, (self._conv_head, self._bn1)),
        ]

    def _stem(self, x: Tensor) -> Tensor:
        return F.relu6(convolve(self._conv_stem, self._bn0, x), inplace=True)

    def _head(self, x: Tensor) -> Tensor:
        return F.relu6(convolve(self._conv_head, self._bn1, x), inplace=True)


class _Block(nn.Module):
    """Inverted residual: expand (1 x 1), filter each channel (depthwise), project (1 x 1, linear)."""

    def __init__(self, channels: int, stage: _Stage, stride: int) -> None:
        super().__init__()
        self.expands = stage.expansion > 1
        self.residual = stride == 1 and channels == stage.width
        width = channels * stage.expansion
        if self.expands:
            self._expand_conv = _SameConv2d(channels, width, 1)
            self._bn0 = _batch_norm(width)
        self._depthwise_conv = _SameConv2d(width, width, stage.kernel, stride=stride, groups=width)
        self._bn1 = _batch_norm(width)
        self._project_conv = _SameConv2d(width, stage.width, 1)
        self._bn2 = _batch_norm(stage.width)

    def forward(self, x: Tensor) -> Tensor:
        out = F.relu6(convolve(self._expand_conv, self._bn0, x), inplace=True) if self.expands else x
        out = F.relu6(convolve(self._depthwise_conv, self._bn1, out), inplace=True)
        out = convolve(self._project_conv, self._bn2, out)
        return out + x if self.residual else out


class _SameConv2d(nn.Conv2d):
    """Convolution with TensorFlow's "SAME" padding: ceil(size / stride) outputs, the odd pixel of padding last."""

    def __init__(self, channels: int, out: int, kernel: int, stride: int = 1, groups: int = 1) -> None:
        super().__init__(channels, out, kernel, stride=stride, groups=groups, bias=False)

    def _conv_forward(self, x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        vertical, horizontal = (self._padding(size) for size in x.shape[-2:])
        if vertical % 2 == 0 and horizontal % 2 == 0:
            padding = (vertical // 2, horizontal // 2)
            return F.conv2d(x, weight, bias, self.stride, padding, 1, self.groups)
        left, top = horizontal // 2, vertical // 2
        x = F.pad(x, (left, horizontal - left, top, vertical - top))
        return F.conv2d(x, weight, bias, self.stride, 0, 1, self.groups)

    def _padding(self, size: int) -> int:
        kernel, stride = self.kernel_size[0], self.stride[0]
        outputs = -(-size // stride)
        return max(0, (outputs - 1) * stride + kernel - size)


def _batch_norm(channels: int) -> nn.BatchNorm2d:
    return nn.BatchNorm2d(channels, eps=1e-3, momentum=0.01)


def lite0(last_stride: int = 2) -> Lite0:
    return Lite0(last_stride)
