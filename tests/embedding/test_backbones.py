from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from sklearn.datasets import load_sample_image

from closerlook.embedding.backbones import BACKBONES, build, pretrained, resnet50
from closerlook.embedding.weights import find_weights
from closerlook.errors import CloserlookError, UsageError

SHARED = Path(__file__).resolve().parents[2].parent / "shared" / "weights"
HERE = ["lite0", *(name for name in ("resnet50", "vgg19") if list(SHARED.glob(f"{name}-imagenet*")))]
CLASSIFIERS = {"lite0": "_fc", "resnet50": "fc"}

# Convolution and normalisation parameters of the published networks: their totals less the classifier's
PARAMETERS = {
    "lite0": 4_652_008 - 1281 * 1000,
    "resnet18": 11_689_512 - 513 * 1000,
    "resnet34": 21_797_672 - 513 * 1000,
    "resnet50": 25_557_032 - 2049 * 1000,
    "resnet101": 44_549_160 - 2049 * 1000,
    "vgg19": 20_024_384,
}


def pattern() -> torch.Tensor:
    """A fixed colourful 128 x 64 image, (1, 128, 64, 3)."""
    rows, columns, channels = torch.arange(128).view(1, 128, 1, 1), torch.arange(64).view(1, 1, 64, 1), torch.arange(3)
    return (rows * 7 + columns * (11 + channels * 5) + rows * columns // (3 + channels)) % 256


@pytest.mark.parametrize("name", BACKBONES)
def test_parameter_counts_are_the_published_ones(name: str) -> None:
    assert sum(parameter.numel() for parameter in build(name).parameters()) == PARAMETERS[name]


@pytest.mark.parametrize("name", BACKBONES)
@pytest.mark.parametrize(("last_stride", "shape"), [(2, (3, 2)), (1, (6, 4))])
def test_feature_map_shape(name: str, last_stride: int, shape: tuple[int, int]) -> None:
    backbone = build(name, last_stride=last_stride).eval()
    with torch.no_grad():
        out = backbone(torch.randn(2, 3, 96, 64))
    assert out.shape == (2, backbone.dim, *(shape if name != "vgg19" else (3, 2)))


def test_lite0_agrees_with_an_independent_implementation() -> None:
    """Golden values: efficientnet_lite_pytorch 0.1.0 with the same weights and input, spatial mean of its features."""
    backbone = pretrained("lite0")
    with torch.no_grad():
        features = backbone(backbone.normalize(pattern())).mean((2, 3))[0]
    torch.testing.assert_close(
        features[::256], torch.tensor([2.3720, 3.1575, 0.0725, 1.4793, 0.0000]), atol=2e-4, rtol=0
    )
    assert features.mean().item() == pytest.approx(0.731242, abs=1e-4)


@pytest.mark.parametrize("name", [name for name in HERE if name in CLASSIFIERS])
def test_imagenet_class_of_a_photograph(name: str) -> None:
    """scikit-learn's photograph of the Summer Palace in Beijing is class 698, "palace"."""
    photograph = torch.from_numpy(np.array(load_sample_image("china.jpg")[:, 106:533][::2, ::2]))[None]
    backbone, state, head = pretrained(name), find_weights(name), CLASSIFIERS[name]
    with torch.no_grad():
        pooled = backbone(backbone.normalize(photograph)).mean((2, 3))
    logits = pooled @ state[f"{head}.weight"].T + state[f"{head}.bias"]
    assert logits.argmax().item() == 698


@pytest.mark.parametrize("name", BACKBONES)
def test_activations_are_the_chain(name: str) -> None:
    backbone = build(name).eval()
    names = [step.name for step in backbone.steps()]
    with torch.no_grad():
        x = torch.randn(1, 3, 64, 32)
        found = backbone.activations(x, names)
        assert list(found) == names
        torch.testing.assert_close(found[names[-1]], backbone(x))
        middle = backbone.activations(x, [names[1]])
        torch.testing.assert_close(middle[names[1]], found[names[1]])


def test_vgg_layers_are_named_as_the_paper_names_them() -> None:
    backbone = build("vgg19").eval()
    with torch.no_grad():
        x = torch.randn(1, 3, 32, 32)
        found = backbone.activations(x, ["conv1_1", "conv4_2", "pool5"])
        relu = torch.relu(torch.nn.functional.conv2d(x, *backbone.features[0].parameters(), padding=1))
    torch.testing.assert_close(found["conv1_1"], relu)
    assert found["conv4_2"].shape == (1, 512, 4, 4)
    assert found["pool5"].shape == (1, 512, 1, 1)


def test_unknown_names_are_usage_errors() -> None:
    with pytest.raises(UsageError, match="Did you mean 'lite0'"):
        build("lite")
    with pytest.raises(UsageError, match="last_stride"):
        build("lite0", last_stride=3)
    with pytest.raises(UsageError, match="Did you mean 'layer4'"):
        build("resnet18").activations(torch.zeros(1, 3, 32, 32), ["layer5"])


def test_stride_convention_follows_the_file(tmp_path: Path) -> None:
    state = resnet50().state_dict()
    for flag, first, second in (("true", (2, 2), (1, 1)), ("false", (1, 1), (2, 2))):
        save_file(state, tmp_path / "resnet50-imagenet.safetensors", {"stride_in_1x1": flag})
        block = pretrained("resnet50", weights=tmp_path).get_submodule("layer2.0")
        assert (block.conv1.stride, block.conv2.stride) == (first, second)


def test_the_two_stride_conventions_differ() -> None:
    ours, theirs = build("resnet50").eval(), build("resnet50", stride_in_1x1=True).eval()
    theirs.load_state_dict(ours.state_dict())
    with torch.no_grad():
        x = torch.randn(1, 3, 64, 32)
        assert not torch.allclose(ours(x), theirs(x))


def test_another_networks_weights_are_refused(tmp_path: Path) -> None:
    save_file(build("resnet18").state_dict(), tmp_path / "a.safetensors")
    with pytest.raises(CloserlookError, match=r"not a resnet50: 'layer1\.0\.conv1\.weight'"):
        pretrained("resnet50", weights=tmp_path / "a.safetensors")
    with pytest.raises(CloserlookError, match="not a vgg19: it has no"):
        pretrained("vgg19", weights=tmp_path / "a.safetensors")


def test_normalize_is_channels_last_in_memory() -> None:
    backbone = build("lite0")
    x = backbone.normalize(torch.full((2, 8, 4, 3), 255, dtype=torch.uint8))
    assert x.shape == (2, 3, 8, 4)
    assert x.is_contiguous(memory_format=torch.channels_last)
    torch.testing.assert_close(x, torch.ones_like(x))
