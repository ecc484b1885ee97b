from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from closerlook.embedding.backbones import build
from closerlook.errors import CloserlookError
from closerlook.reid import Model
from closerlook.reid.network import FeatureNetwork, GeM

pytestmark = pytest.mark.slow


def images(count: int = 3) -> torch.Tensor:
    generator = torch.Generator().manual_seed(0)
    return torch.randint(0, 256, (count, 64, 32, 3), generator=generator, dtype=torch.uint8)


def test_the_untrained_floor_is_the_pooled_imagenet_feature() -> None:
    model = Model.pretrained("lite0", (64, 32))
    backbone = model.network.backbone
    with torch.no_grad():
        pooled = backbone((images().permute(0, 3, 1, 2).float() - 127) / 128).mean((2, 3))
    features = model(images())
    torch.testing.assert_close(features, pooled / pooled.norm(dim=1, keepdim=True), atol=1e-5, rtol=0)
    assert (model.dim, model.size, features.dtype) == (1280, (64, 32), torch.float32)
    assert not features.requires_grad


@pytest.mark.parametrize("bnneck", [False, True])
@pytest.mark.parametrize("pooling", ["average", "gem"])
def test_a_saved_model_is_the_same_model(tmp_path: Path, bnneck: bool, pooling: str) -> None:
    network = FeatureNetwork(build("resnet50", last_stride=1, stride_in_1x1=True), pooling=pooling, bnneck=bnneck)
    feature = "bnneck" if bnneck else "pool"
    model = Model(network, name="some", size=(64, 32), feature=feature, normalize=not bnneck)
    model.save(tmp_path / "model.safetensors")
    for place in (tmp_path, tmp_path / "model.safetensors"):
        loaded = Model.load(place)
        assert (loaded.name, loaded.size, loaded.feature, loaded.normalize) == ("some", (64, 32), feature, not bnneck)
        assert torch.equal(loaded(images()), model(images()))


def test_features_have_unit_length_where_asked() -> None:
    network = FeatureNetwork(build("resnet18"))
    lengths = Model(network, name="n", size=(64, 32))(images()).norm(dim=1)
    torch.testing.assert_close(lengths, torch.ones(3))
    raw = Model(network, name="n", size=(64, 32), normalize=False)(images()).norm(dim=1)
    assert (raw - 1).abs().min() > 1e-3


def test_what_is_no_model(tmp_path: Path) -> None:
    with pytest.raises(CloserlookError, match=r"no model .*model\.safetensors"):
        Model.load(tmp_path)
    save_file({"a": torch.zeros(1)}, tmp_path / "model.safetensors")
    with pytest.raises(CloserlookError, match="not a model that closerlook saved"):
        Model.load(tmp_path)
    (tmp_path / "model.safetensors").write_bytes(b"junk")
    with pytest.raises(CloserlookError, match="damaged"):
        Model.load(tmp_path)


def test_gem_lies_between_mean_and_maximum() -> None:
    x = 1 + torch.rand(2, 5, 4, 3, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(GeM(1.0)(x), x.mean((2, 3)))
    torch.testing.assert_close(GeM(100.0)(x), x.amax((2, 3)), atol=0, rtol=1 - 12**-0.01)
