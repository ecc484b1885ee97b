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

# Convolution and normalization parameters of the published networks: their totals less the classifier's
PARAMETERS = {
    "lite0": 4_652_008 - 1281 * 1000,
    "resnet18": 11_689_512 - 513 * 1000,
    "resnet34": 21_797_672 - 513 * 1000,
    "resnet50": 25_557_032 - 2049 * 1000,
    "resnet101": 44_549_160 - 2049 * 1000,
    "vgg19": 20_024_384,
    "resnet50_ibn_a": 25_557_032 - 2049 * 1000,
    "osnet_x1_0": 2_682_508 - 513 * 1000,
    "osnet_x0_25": 714_864 - 513 * 1000,
}

# The authors' own code (torchreid, IBN-Net) with fill_with_waves on pattern(): five values of the feature and its mean
GOLDEN = {
    "osnet_x1_0": ([0.0, 0.0, 1.69423, 13.28468, 9.74614], 4.798428),
    "osnet_x0_25": ([0.0, 1.58174, 0.0, 1.41797, 0.0], 0.501422),
    "resnet50_ibn_a": ([4441578.0, 8278114.0, 6121214.0, 0.0, 0.0], 3310174.5),
}


def pattern() -> torch.Tensor:
    """A fixed colorful 128 x 64 image, (1, 128, 64, 3)."""
    rows, columns, channels = torch.arange(128).view(1, 128, 1, 1), torch.arange(64).view(1, 1, 64, 1), torch.arange(3)
    return (rows * 7 + columns * (11 + channels * 5) + rows * columns // (3 + channels)) % 256


def fill_with_waves(network: torch.nn.Module) -> None:
    """Weights that any implementation can be given: they depend on the sorted names of the tensors only."""
    for index, (name, tensor) in enumerate(sorted(network.state_dict().items())):
        if tensor.is_floating_point():
            wave = torch.sin(torch.arange(tensor.numel(), dtype=torch.float64) * 0.7 + index).reshape(tensor.shape)
            if tensor.ndim > 1:
                tensor.copy_(wave * (2 / tensor[0].numel()) ** 0.5)
            else:
                tensor.copy_(1 + 0.3 * wave if name.endswith(("running_var", "weight")) else 0.1 * wave)


@pytest.mark.parametrize("name", BACKBONES)
def test_parameter_counts_are_the_published_ones(name: str) -> None:
    assert sum(parameter.numel() for parameter in build(name).parameters()) == PARAMETERS[name]


@pytest.mark.parametrize("name", BACKBONES)
@pytest.mark.parametrize(("last_stride", "shape"), [(2, (3, 2)), (1, (6, 4))])
def test_feature_map_shape(name: str, last_stride: int, shape: tuple[int, int]) -> None:
    backbone = build(name, last_stride=last_stride).eval()
    with torch.no_grad():
        out = backbone(torch.randn(2, 3, 96, 64))
        feature = backbone.project(out.mean((2, 3)))
    fixed = {"vgg19": (512, 3, 2), "osnet_x1_0": (512, 6, 4), "osnet_x0_25": (128, 6, 4)}
    assert out.shape == (2, *fixed.get(name, (backbone.dim, *shape)))
    assert feature.shape == (2, backbone.dim)


@pytest.mark.parametrize("name", GOLDEN)
def test_networks_agree_with_their_authors_code(name: str) -> None:
    backbone = build(name)
    fill_with_waves(backbone)
    with torch.no_grad():
        feature = backbone.project(backbone.eval()(backbone.normalize(pattern())).mean((2, 3)))[0]
    values, mean = GOLDEN[name]
    torch.testing.assert_close(feature[:: backbone.dim // 5][:5], torch.tensor(values), rtol=2e-3, atol=1e-3)
    assert feature.mean().item() == pytest.approx(mean, rel=1e-3)


def test_published_names_of_parameters() -> None:
    """Names that occur in resnet50_ibn_a-d9d0bb7b.pth and osnet_x1_0_imagenet.pth."""
    assert {"layer1.0.bn1.IN.weight", "layer3.5.bn1.BN.running_var", "layer4.0.bn1.weight"} <= set(
        build("resnet50_ibn_a").state_dict()
    )
    assert {
        "conv1.conv.weight",
        "conv2.0.conv2b.1.conv2.weight",
        "conv2.1.gate.fc1.bias",
        "conv2.2.0.bn.running_mean",
        "conv4.0.downsample.conv.weight",
        "fc.1.running_mean",
    } <= set(build("osnet_x1_0").state_dict())


OWN = """
import torch

def pooled():
    return torch.nn.Sequential(torch.nn.Conv2d(3, 7, 3, stride=4), torch.nn.AdaptiveAvgPool2d(1), torch.nn.Flatten())

def half_gray():
    network = torch.nn.Conv2d(3, 5, 3)
    network.mean, network.std = (127.5,) * 3, (127.5,) * 3
    return network

def number():
    return 3

def broken():
    return torch.nn.Linear(3, 4)
"""


def test_a_backbone_of_the_users(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "own_networks.py").write_text(OWN)
    monkeypatch.chdir(tmp_path)
    backbone = pretrained("own_networks:pooled")
    assert (backbone.dim, backbone.name, backbone.training) == (7, "own_networks:pooled", False)
    x = torch.randn(2, 3, 64, 32)
    torch.testing.assert_close(backbone(x)[:, :, 0, 0], backbone.network(x))
    assert build("own_networks:half_gray").normalize(torch.zeros(1, 4, 4, 3)).max() == -1
    for name, error, message in (
        ("own_networks:absent", UsageError, "There is no backbone 'own_networks:absent'"),
        ("own_networks:number", CloserlookError, "must return a torch.nn.Module; it returned int"),
        ("own_networks:broken", CloserlookError, "Backbone 'own_networks:broken' failed: RuntimeError"),
    ):
        with pytest.raises(error, match=message):
            build(name)


def test_weights_that_training_scripts_saved(tmp_path: Path) -> None:
    """torchreid and others wrap the state dict, and DataParallel puts "module." before every name."""
    state = build("osnet_x0_25").state_dict()
    torch.save(
        {"state_dict": {f"module.{name}": value for name, value in state.items()}, "epoch": 3},
        tmp_path / "osnet_x0_25_imagenet.pth",
    )
    found = pretrained("osnet_x0_25", weights=tmp_path).state_dict()
    assert all(torch.equal(found[name], value) for name, value in state.items())


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
