"""The bare networks that benches hold ours against: PyTorch's modules one after the other, as one would write them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from unittest.mock import patch

import torch
from torch import Tensor, nn
from torch.nn import functional as F

__all__ = ["eager"]


@contextmanager
def eager() -> Iterator[None]:
    """Inside, networks run convolution, batch normalization, shortcut and activation as modules of their own: nothing
    is folded, fused, prepared or cut to the cache. Channels last, in place where that is safe."""
    with ExitStack() as stack:
        for name in ("lite0", "osnet", "resnet", "vgg"):
            stack.enter_context(patch(f"closerlook.embedding.backbones.{name}.convolve", _one_after_the_other))
        stack.enter_context(patch("closerlook.embedding.backbones.lite0.is_fixed", lambda x: False))
        yield


def _one_after_the_other(
    convolution: nn.Conv2d,
    norm: nn.BatchNorm2d | None,
    x: Tensor,
    activation: str = "none",
    shortcut: Tensor | None = None,
) -> Tensor:
    x = convolution(x) if norm is None else norm(convolution(x))
    if shortcut is not None:
        x = x.add_(shortcut)
    match activation:
        case "relu":
            return torch.relu_(x)
        case "relu6":
            return F.relu6(x, inplace=True)
    return x
