"""A convolution with what follows it: normalization, a shortcut and an activation, in one pass over the image.

Where nothing is learnt the normalization is an affine map, which goes into the convolution's weights. On a CPU oneDNN
adds the shortcut and applies the activation while its results are still in registers, and takes weights that lie in
memory as it wants them: prepared once, and again only when a parameter has changed. Wide 3 x 3 convolutions are
matrix products instead, which are fewer multiplications (:mod:`closerlook.embedding.backbones.winograd`).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple
from weakref import WeakKeyDictionary

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.optim.optimizer import register_optimizer_step_post_hook

from closerlook.embedding.backbones.winograd import suits, transform_weight, winograd

__all__ = ["SameConv2d", "convolve", "is_fixed"]


class _Activation(NamedTuple):
    """In place, and by what oneDNN calls it."""

    apply: Callable[[Tensor], Tensor]
    name: str
    scalars: list[float]


_ACTIVATIONS = {
    "none": _Activation(lambda x: x, "none", []),
    "relu": _Activation(torch.relu_, "relu", []),
    "relu6": _Activation(lambda x: F.relu6(x, inplace=True), "hardtanh", [0.0, 6.0]),
}


class SameConv2d(nn.Conv2d):
    """Convolution with TensorFlow's "SAME" padding: ceil(size / stride) outputs, the odd pixel of padding last."""

    def __init__(self, channels: int, out: int, kernel: int, stride: int = 1, groups: int = 1) -> None:
        super().__init__(channels, out, kernel, stride=stride, groups=groups, bias=False)

    def _conv_forward(self, x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        if torch.compiler.is_compiling():  # onnxruntime takes the padding of a kernel in a graph for that of the image
            vertical, horizontal = _same_padding(self, x.shape)
            around = (horizontal // 2, -(-horizontal // 2), vertical // 2, -(-vertical // 2))
            return F.conv2d(F.pad(x, around), weight, bias, self.stride, 0, 1, self.groups)
        weight, padding = _fit(self, weight, x.shape)
        return F.conv2d(x, weight, bias, self.stride, padding, 1, self.groups)


def _same_padding(convolution: SameConv2d, shape: torch.Size) -> tuple[int, int]:
    """Rows and columns that "SAME" adds to images of ``shape`` (b, c, h, w), both sides together."""
    kernel, stride = convolution.kernel_size[0], convolution.stride[0]
    vertical, horizontal = (max(0, (-(-size // stride) - 1) * stride + kernel - size) for size in shape[-2:])
    return vertical, horizontal


def _fit(convolution: nn.Conv2d, weight: Tensor, shape: torch.Size) -> tuple[Tensor, tuple[int, ...]]:
    """The kernel and the padding for images of ``shape`` (b, c, h, w).

    Odd padding is made even by a row or column of zeros before the kernel, which costs less than a padded image.
    """
    if not isinstance(convolution, SameConv2d):
        assert not isinstance(convolution.padding, str)
        return weight, convolution.padding
    vertical, horizontal = _same_padding(convolution, shape)
    if vertical % 2 or horizontal % 2:
        weight = F.pad(weight, (horizontal % 2, 0, vertical % 2, 0))
    return weight, (-(-vertical // 2), -(-horizontal // 2))


def is_fixed(x: Tensor) -> bool:
    """Whether a network looks at ``x`` (b, c, h, w) on a CPU with weights that are not being learnt or exported."""
    return (
        torch.is_inference_mode_enabled()
        and x.device.type == "cpu"
        and x.dtype == torch.float32
        and torch._C._has_mkldnn
        and not torch.compiler.is_compiling()
        and not torch.is_autocast_enabled("cpu")
    )


def convolve(
    convolution: nn.Conv2d,
    norm: nn.BatchNorm2d | None,
    x: Tensor,
    activation: str = "none",
    shortcut: Tensor | None = None,
) -> Tensor:
    """activation(norm(convolution(x)) + shortcut). Gradients reach the parameters of both.

    Args:
        activation: ``none``, ``relu`` or ``relu6`` (without a shortcut, which oneDNN lacks and no network has).
    """
    learning = norm is not None and norm.training
    if is_fixed(x) and not learning and not convolution.weight.is_inference():
        return _convolve_ready(convolution, norm, x, activation, shortcut)
    if norm is None or learning or torch.compiler.is_compiling():  # a graph's reader fuses the two by itself
        out: Tensor = convolution(x) if norm is None else norm(convolution(x))
    else:
        out = convolution._conv_forward(x, *_fold(convolution, norm))
    if shortcut is not None:
        out = out + shortcut
    return _ACTIVATIONS[activation].apply(out)


def _fold(convolution: nn.Conv2d, norm: nn.BatchNorm2d | None) -> tuple[Tensor, Tensor | None]:
    """Weights and bias of both."""
    if norm is None:
        return convolution.weight, convolution.bias
    assert norm.running_mean is not None
    assert norm.running_var is not None
    scale = norm.weight * torch.rsqrt(norm.running_var + norm.eps)
    return convolution.weight * scale[:, None, None, None], norm.bias - norm.running_mean * scale


class _Ready(NamedTuple):
    """Folded weights as oneDNN or Winograd's products want them, and what they were made from."""

    made_from: tuple[object, ...]
    weight: Tensor
    bias: Tensor | None
    padding: tuple[int, ...]
    by_products: bool


_ready: WeakKeyDictionary[nn.Conv2d, _Ready] = WeakKeyDictionary()
_steps = 0  # of all optimizers: fused ones change parameters without changing their version


def _count_step(optimizer: torch.optim.Optimizer, args: tuple[object, ...], kwargs: dict[str, object]) -> None:
    global _steps
    _steps += 1


register_optimizer_step_post_hook(_count_step)


def _prepare(convolution: nn.Conv2d, norm: nn.BatchNorm2d | None, shape: torch.Size) -> _Ready:
    tensors = [convolution.weight, convolution.bias]
    if norm is not None:  # the counter too: batches that pass change the statistics without changing their version
        tensors += [norm.weight, norm.bias, norm.running_mean, norm.running_var, norm.num_batches_tracked]
    made_from = (
        shape[-2:],
        _steps,
        *((tensor.data_ptr(), tensor._version) for tensor in tensors if tensor is not None),
    )
    found = _ready.get(convolution)
    if found is None or found.made_from != made_from:
        weight, bias = _fold(convolution, norm)
        weight, padding = _fit(convolution, weight, shape)
        by_products = suits(convolution, *shape[-2:])
        if by_products:
            weight = transform_weight(weight)
        else:
            geometry = (padding, convolution.stride, convolution.dilation, convolution.groups)
            reorder = torch.ops.aten.mkldnn_reorder_conv2d_weight
            weight = reorder(weight.contiguous().to_mkldnn(), *geometry, list(shape))
        found = _ready[convolution] = _Ready(made_from, weight, bias, padding, by_products)
    return found


def _convolve_ready(
    convolution: nn.Conv2d, norm: nn.BatchNorm2d | None, x: Tensor, activation: str, shortcut: Tensor | None
) -> Tensor:
    ready, (_, name, scalars) = _prepare(convolution, norm, x.shape), _ACTIVATIONS[activation]
    assert shortcut is None or name != "hardtanh"
    if ready.by_products:
        products = winograd(x, ready.weight, ready.bias)
        return _ACTIVATIONS[activation].apply(products if shortcut is None else products.add_(shortcut))
    geometry = (ready.padding, convolution.stride, convolution.dilation, convolution.groups)
    run = torch.ops.mkldnn._convolution_pointwise
    out: Tensor
    if shortcut is None:
        out = run.default(x, ready.weight, ready.bias, *geometry, name, scalars, "")
    else:
        last = None if name == "none" else name
        out = run.binary(x, shortcut, ready.weight, ready.bias, *geometry, "add", 1.0, last, scalars, "")
    return out
