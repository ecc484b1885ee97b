from __future__ import annotations

import builtins
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from onnxruntime import InferenceSession

from closerlook.embedding.backbones import build
from closerlook.errors import CloserlookError, UsageError
from closerlook.reid import Model, onnx
from closerlook.reid.network import FeatureNetwork
from closerlook.reid.onnx import save_onnx


@pytest.fixture(scope="module")
def model() -> Model:
    network = FeatureNetwork(build("resnet18"), pooling="gem", neck=True)
    return Model(network, name="tiny", size=(64, 32), feature="neck")


@pytest.fixture(scope="module")
def file(model: Model, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("onnx") / "model.onnx"
    assert save_onnx(model, path) < 1e-4
    return path


@pytest.mark.parametrize("count", [1, 5])
def test_raw_pixels_give_torchs_features(model: Model, file: Path, count: int) -> None:
    images = torch.randint(0, 256, (count, 64, 32, 3), dtype=torch.uint8)
    session = InferenceSession(str(file), providers=["CPUExecutionProvider"])
    (features,) = session.run(None, {"images": images.numpy()})
    torch.testing.assert_close(torch.from_numpy(features), model(images), atol=1e-5, rtol=1e-4)


def test_the_file_says_what_goes_in_and_comes_out(file: Path) -> None:
    session = InferenceSession(str(file), providers=["CPUExecutionProvider"])
    (image,), (feature,) = session.get_inputs(), session.get_outputs()
    assert (image.name, image.type, image.shape[1:]) == ("images", "tensor(uint8)", [64, 32, 3])
    assert (feature.name, feature.type, feature.shape[1:]) == ("features", "tensor(float)", [512])
    about = json.loads(session.get_modelmeta().custom_metadata_map["closerlook"])
    assert about == {"name": "tiny", "size": [64, 32], "colours": "RGB", "unit_length": True}


def test_pixels_that_are_normalised_already_are_refused(file: Path) -> None:
    session = InferenceSession(str(file), providers=["CPUExecutionProvider"])
    with pytest.raises(Exception, match="Unexpected input data type"):
        session.run(None, {"images": np.zeros((1, 64, 32, 3), np.float32)})


def test_a_file_that_disagrees_is_not_kept(model: Model, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(onnx, "_write", lambda model, images, path: path.write_bytes(b"-"))
    monkeypatch.setattr(onnx, "_compare", lambda model, images, path: 0.5)
    with pytest.raises(CloserlookError, match=r"other features than torch \(by 50\.0%"):
        save_onnx(model, tmp_path / "model.onnx")
    assert not list(tmp_path.iterdir())


def test_what_is_missing_is_named(model: Model, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    find: Callable[..., object] = builtins.__import__

    def without(name: str, *arguments: object) -> object:
        if name == "onnxruntime":
            raise ImportError(name=name)
        return find(name, *arguments)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(UsageError, match=r"onnxruntime: pip install 'closerlook\[onnx\]'"):
        save_onnx(model, tmp_path / "model.onnx")
