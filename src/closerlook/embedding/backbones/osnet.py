"""Omni-scale networks (Zhou et al., ICCV 2019), with the parameter names of the authors' weight files (torchreid)."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional as F

from closerlook.embedding.backbones.base import Backbone, Step
from closerlook.embedding.backbones.convolution import convolve

__all__ = ["OSNet", "osnet_x0_25", "osnet_x1_0"]

FEATURE_DIM = 512
GATE_REDUCTION = 16
STREAMS = "abcd"  # receptive fields of 3, 5, 7 and 9 pixels


class OSNet(Backbone):
    """Steps: ``conv1`` (with max-pooling) to ``conv5``; :meth:`project` is the layer of 512 that its authors rank with.

    The last stride is 16 already, as re-identification wants it.

    Args:
        name: which one, for reports.
        widths: channels after the stem and after each of the three stages.
    """

    dim = FEATURE_DIM

    def __init__(self, name: str, widths: tuple[int, int, int, int]) -> None:
        super().__init__()
        self.name = name
        self.options = {}
        stem, *stages = widths
        self.conv1 = _Convolution(3, stem, 7, stride=2)
        channels = stem
        for index, width in enumerate(stages):
            modules: list[nn.Module] = [_Block(channels, width), _Block(width, width)]
            if index < len(stages) - 1:
                modules.append(nn.Sequential(_Convolution(width, width, 1), nn.AvgPool2d(2)))
            self.add_module(f"conv{index + 2}", nn.Sequential(*modules))
            channels = width
        self.conv5 = _Convolution(channels, channels, 1)
        self.fc = nn.Sequential(nn.Linear(channels, self.dim), nn.BatchNorm1d(self.dim), nn.ReLU())

    def steps(self) -> list[Step]:
        layers = [(name, self.get_submodule(name)) for name in ("conv2", "conv3", "conv4", "conv5")]
        return [Step("conv1", self._stem, (self.conv1,)), *(Step(name, layer, (layer,)) for name, layer in layers)]

    def project(self, pooled: Tensor) -> Tensor:
        feature: Tensor = self.fc(pooled)
        return feature

    def _stem(self, x: Tensor) -> Tensor:
        return F.max_pool2d(self.conv1(x), 3, stride=2, padding=1)


class _Convolution(nn.Module):
    """Convolution, batch normalization and, unless it is linear, ReLU."""

    def __init__(self, channels: int, out: int, kernel: int, *, stride: int = 1, linear: bool = False) -> None:
        super().__init__()
        self.conv = nn.Conv2d(channels, out, kernel, stride=stride, padding=kernel // 2, bias=False)
        self.bn = nn.BatchNorm2d(out)
        self.activation = "none" if linear else "relu"

    def forward(self, x: Tensor) -> Tensor:
        return convolve(self.conv, self.bn, x, self.activation)


class _Light(nn.Module):
    """A 3 x 3 convolution in two: across channels (1 x 1), then within each (depthwise)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels, channels, 1, bias=False)
        self.conv2 = nn.Conv2d(channels, channels, 3, padding=1, groups=channels, bias=False)
        self.bn = nn.BatchNorm2d(channels)

    def forward(self, x: Tensor) -> Tensor:
        return convolve(self.conv2, self.bn, self.conv1(x), "relu")


class _Gate(nn.Module):
    """Weights each channel by what the whole map holds; one gate serves all scales."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.fc1 = nn.Conv2d(channels, channels // GATE_REDUCTION, 1)
        self.fc2 = nn.Conv2d(channels // GATE_REDUCTION, channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        weights: Tensor = self.fc2(self.fc1(x.mean((2, 3), keepdim=True)).relu_())
        return x * weights.sigmoid()


class _Block(nn.Module):
    """Residual block whose branch sees several scales and weighs them by the image."""

    def __init__(self, channels: int, out: int) -> None:
        super().__init__()
        width = out // 4
        self.conv1 = _Convolution(channels, width, 1)
        for depth, letter in enumerate(STREAMS, start=1):
            stream = _Light(width) if depth == 1 else nn.Sequential(*(_Light(width) for _ in range(depth)))
            self.add_module(f"conv2{letter}", stream)
        self.gate = _Gate(width)
        self.conv3 = _Convolution(width, out, 1, linear=True)
        self.downsample = _Convolution(channels, out, 1, linear=True) if channels != out else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        narrow = self.conv1(x)
        fused = sum(self.gate(self.get_submodule(f"conv2{letter}")(narrow)) for letter in STREAMS)
        return convolve(self.conv3.conv, self.conv3.bn, fused, "relu", self.downsample(x))


def osnet_x1_0() -> OSNet:
    return OSNet("osnet_x1_0", (64, 256, 384, 512))


def osnet_x0_25() -> OSNet:
    return OSNet("osnet_x0_25", (16, 64, 96, 128))
