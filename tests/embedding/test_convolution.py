"""The convolutions that run in inference mode against torch's own modules, one after the other."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest
import torch
from hypothesis import given, settings, strategies as st
from torch import Tensor, nn
from torch.nn import functional as F

from closerlook.embedding.backbones import BACKBONES, build
from closerlook.embedding.backbones.convolution import SameConv2d, convolve

ACTIVATIONS: dict[str, Callable[[Tensor], Tensor]] = {"none": lambda x: x, "relu": torch.relu, "relu6": F.relu6}


def normalization(channels: int) -> nn.BatchNorm2d:
    norm = nn.BatchNorm2d(channels).eval().requires_grad_(False)
    for tensor, low in ((norm.weight, 0.5), (norm.bias, -1.0), (norm.running_mean, -1.0), (norm.running_var, 0.5)):
        assert tensor is not None
        tensor.uniform_(low, 1.5)
    return norm


def images(*shape: int) -> Tensor:
    return torch.randn(shape).contiguous(memory_format=torch.channels_last)


@settings(max_examples=25, deadline=None)
@given(
    kernel=st.sampled_from([1, 3, 5]),
    stride=st.sampled_from([1, 2]),
    size=st.tuples(st.integers(5, 12), st.integers(5, 12)),
    activation=st.sampled_from(list(ACTIVATIONS)),
    depthwise=st.booleans(),
    normalized=st.booleans(),
    added=st.booleans(),
    batch=st.integers(1, 9),
)
def test_all_in_one_is_one_after_the_other(
    kernel: int,
    stride: int,
    size: tuple[int, int],
    activation: str,
    depthwise: bool,
    normalized: bool,
    added: bool,
    batch: int,
) -> None:
    torch.manual_seed(0)
    convolution = nn.Conv2d(8, 8, kernel, stride, kernel // 2, groups=8 if depthwise else 1).requires_grad_(False)
    norm, x = normalization(8) if normalized else None, images(batch, 8, *size)
    plain = convolution(x) if norm is None else norm(convolution(x))
    shortcut = torch.randn_like(plain) if added and activation != "relu6" else None
    expected = ACTIVATIONS[activation](plain if shortcut is None else plain + shortcut)
    if norm is not None and convolution.bias is not None:
        convolution.bias.zero_()  # a normalized convolution has none
        expected = ACTIVATIONS[activation](norm(convolution(x)) + (0 if shortcut is None else shortcut))
    before = x.clone(), None if shortcut is None else shortcut.clone()
    slow = convolve(convolution, norm, x, activation, shortcut)
    with torch.inference_mode():
        fast = convolve(convolution, norm, x, activation, shortcut)
        again = convolve(convolution, norm, x, activation, shortcut)
    torch.testing.assert_close(slow, expected, rtol=1e-5, atol=1e-5)
    torch.testing.assert_close(fast, expected, rtol=1e-5, atol=1e-5)
    assert torch.equal(fast, again)
    assert torch.equal(x, before[0])
    if shortcut is not None:
        assert before[1] is not None and torch.equal(shortcut, before[1])


@settings(max_examples=25, deadline=None)
@given(
    kernel=st.sampled_from([1, 3, 5]),
    stride=st.sampled_from([1, 2, 3]),
    height=st.integers(3, 14),
    width=st.integers(3, 14),
)
def test_same_padding_is_tensorflows(kernel: int, stride: int, height: int, width: int) -> None:
    """pad_along = max((ceil(size / stride) - 1) * stride + kernel - size, 0), the smaller half first."""
    torch.manual_seed(1)
    convolution, norm = SameConv2d(3, 4, kernel, stride).requires_grad_(False), normalization(4)
    x = images(2, 3, height, width)
    pads = [max((-(-size // stride) - 1) * stride + kernel - size, 0) for size in (width, height)]
    padded = F.pad(x, [side for pad in pads for side in (pad // 2, pad - pad // 2)])
    expected = F.conv2d(padded, convolution.weight, stride=stride)
    torch.testing.assert_close(convolution(x), expected, rtol=1e-5, atol=1e-5)
    with torch.inference_mode():
        found = convolve(convolution, norm, x)
    torch.testing.assert_close(found, norm(expected), rtol=1e-5, atol=1e-5)


def check_inference(network: nn.Module, x: Tensor) -> None:
    network.eval()
    with torch.no_grad():
        expected = network(x)
    with torch.inference_mode():
        found = network(x)
    assert float((found - expected).abs().max()) < 1e-5 * float(expected.abs().max())


@pytest.mark.parametrize("name", BACKBONES)
def test_networks_are_the_same_in_inference(name: str) -> None:
    network = build(name).to(memory_format=torch.channels_last)
    check_inference(network, images(3, 3, 75, 37))


@pytest.mark.parametrize("options", [{"foreach": True}, {"foreach": False}, {"fused": True}])
def test_inference_sees_what_training_has_changed(options: dict[str, Any]) -> None:
    """Weights by every kind of optimizer step, statistics, loaded and averaged weights: none may be an old one."""
    torch.manual_seed(2)
    network, x = build("osnet_x0_25"), images(4, 3, 64, 32)
    check_inference(network, x)
    optimizer = torch.optim.Adam(network.parameters(), 1e-2, **options)
    network.train()(x).square().mean().backward()
    optimizer.step()
    check_inference(network, x)
    with torch.no_grad():
        network.train()(x)  # only the statistics change
    check_inference(network, x)
    network.load_state_dict(build("osnet_x0_25").state_dict())
    check_inference(network, x)
    averaged = torch.optim.swa_utils.AveragedModel(
        network, multi_avg_fn=torch.optim.swa_utils.get_ema_multi_avg_fn(0.5)
    )
    for _ in range(2):
        with torch.no_grad():
            for parameter in network.parameters():
                parameter.mul_(0.9)
        averaged.update_parameters(network)
        check_inference(averaged, x)


@pytest.mark.parametrize("kind", [torch.optim.Adam, torch.optim.AdamW, torch.optim.SGD])
def test_fused_steps_are_seen_though_they_leave_the_version_of_weights_as_it_is(
    kind: type[torch.optim.Optimizer],
) -> None:
    """With frozen normalization nothing else tells of them."""
    torch.manual_seed(3)
    network, x = build("lite0").eval(), images(4, 3, 64, 32)
    check_inference(network, x)
    optimizer = kind(network.parameters(), lr=1e-2, fused=True)  # type: ignore[call-arg]
    for _ in range(2):
        network(x).square().mean().backward()
        optimizer.step()
        optimizer.zero_grad()
        check_inference(network, x)


def test_a_copy_has_its_own_weights() -> None:
    convolution, x = nn.Conv2d(3, 4, 3), images(1, 3, 8, 8)
    with torch.inference_mode():
        convolve(convolution, None, x)
    twin = copy.deepcopy(convolution)
    with torch.no_grad():
        twin.weight.zero_()
    with torch.inference_mode():
        torch.testing.assert_close(convolve(convolution, None, x), convolution(x))
        torch.testing.assert_close(convolve(twin, None, x), twin(x))


def test_weights_made_in_inference_mode() -> None:
    """They do not count their changes, so nothing of theirs may be kept."""
    with torch.inference_mode():
        convolution, x = nn.Conv2d(3, 4, 3), images(1, 3, 8, 8)
        for _ in range(2):
            convolution.weight.mul_(2)
            torch.testing.assert_close(convolve(convolution, None, x), convolution(x))


def test_statistics_that_are_being_learnt_are_those_of_the_batch() -> None:
    torch.manual_seed(0)
    convolution, norm = nn.Conv2d(8, 8, 3, bias=False), normalization(8).train()
    x, twin = images(4, 8, 9, 7), copy.deepcopy(norm)
    with torch.inference_mode():
        torch.testing.assert_close(convolve(convolution, norm, x, "relu"), torch.relu(twin(convolution(x))))
    torch.testing.assert_close(norm.running_mean, twin.running_mean)
