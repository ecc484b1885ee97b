"""Convolutions by fewer multiplications are convolutions, and no less exact."""

import torch
from hypothesis import given, settings, strategies as st
from torch import nn
from torch.nn import functional as F

from closerlook.embedding.backbones.convolution import convolve
from closerlook.embedding.backbones.winograd import suits, transform_weight, winograd


@settings(max_examples=30, deadline=None)
@given(
    images=st.integers(1, 3),
    channels=st.integers(1, 5),
    out=st.integers(1, 5),
    down=st.integers(1, 5),
    across=st.integers(1, 5),
    biased=st.booleans(),
    seed=st.integers(0, 999),
)
def test_it_is_a_convolution(
    images: int, channels: int, out: int, down: int, across: int, biased: bool, seed: int
) -> None:
    generator = torch.Generator().manual_seed(seed)
    x = torch.randn(images, channels, 2 * down, 2 * across, generator=generator, dtype=torch.float64)
    weight = torch.randn(out, channels, 3, 3, generator=generator, dtype=torch.float64)
    bias = torch.randn(out, generator=generator, dtype=torch.float64) if biased else None
    torch.testing.assert_close(winograd(x, transform_weight(weight), bias), F.conv2d(x, weight, bias, padding=1))


def test_a_wide_layer_is_as_exact_as_a_direct_sum() -> None:
    torch.manual_seed(0)
    layer = nn.Conv2d(256, 512, 3, padding=1).requires_grad_(False)
    x = torch.randn(2, 256, 16, 8).relu().contiguous(memory_format=torch.channels_last)
    exact = F.conv2d(x.double(), layer.weight.double(), layer.bias.double(), padding=1)
    assert suits(layer, 16, 8)
    with torch.inference_mode():
        found = convolve(layer, None, x)
        direct = layer(x)
        shortcut = torch.randn_like(found)
        together = convolve(layer, None, x, "relu", shortcut.clone())
    errors = [float((one.double() - exact).norm() / exact.norm()) for one in (found, direct)]
    assert errors[0] < 1.5 * errors[1]
    assert found.is_contiguous(memory_format=torch.channels_last)
    torch.testing.assert_close(together, (exact.float() + shortcut).relu(), rtol=1e-4, atol=1e-4)


def test_only_what_gains_is_done_so() -> None:
    wide = nn.Conv2d(512, 512, 3, padding=1)
    assert suits(wide, 32, 16)
    assert not suits(wide, 8, 4)  # too few positions
    assert not suits(wide, 15, 16)
    assert not suits(nn.Conv2d(512, 512, 3, padding=1, stride=2), 32, 16)
    assert not suits(nn.Conv2d(512, 512, 1), 32, 16)
    assert not suits(nn.Conv2d(128, 128, 3, padding=1), 128, 64)
