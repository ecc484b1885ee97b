from __future__ import annotations

import builtins
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import openvino
import pytest
import torch
from numpy.typing import NDArray
from onnxruntime import InferenceSession

from closerlook.choices import PixelType, TensorLayout
from closerlook.dataset import Dataset
from closerlook.embedding.backbones import BACKBONES, Backbone, build
from closerlook.errors import CloserlookError, UsageError
from closerlook.reid import Model, onnx, train
from closerlook.reid.network import FeatureNetwork
from closerlook.reid.onnx import save_onnx

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def model() -> Model:
    network = FeatureNetwork(build("resnet18"), pooling="gem", bnneck=True)
    return Model(network, name="tiny", size=(64, 32), feature="bnneck")


@pytest.fixture(scope="module")
def file(model: Model, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("onnx") / "model.onnx"
    assert save_onnx(model, path) < 1e-4
    return path


SIZES = ((64, 32), (75, 38))
FAMILIES = ("lite0", "resnet18", "osnet_x0_25", "vgg19")  # all others are made of the operations of these
CASES = [(name, SIZES[0]) for name in BACKBONES if name != "lite0"] + [(name, SIZES[1]) for name in FAMILIES]
COUNTS = (1, 2, 37)


def largest_difference(model: Model, path: Path, count: int) -> float:
    """Between onnxruntime's and torch's features of random images, over the largest feature."""
    images = torch.randint(0, 256, (count, *model.size, 3), dtype=torch.uint8)
    (features,) = InferenceSession(str(path), providers=["CPUExecutionProvider"]).run(None, {"images": images.numpy()})
    expected = model(images)
    assert features.shape == (count, model.dim)
    return float((torch.from_numpy(features) - expected).abs().max() / expected.abs().max())


QUICK = {("lite0", SIZES[1]), ("resnet18", SIZES[0])}


@pytest.fixture(
    scope="module",
    params=[case if case in QUICK else pytest.param(case, marks=pytest.mark.extended) for case in CASES],
    ids=lambda case: f"{case[0]}-{case[1][0]}x{case[1][1]}",
)
def exported(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[Model, Path]:
    """A shipped backbone with statistics that are not those of a new network, and its file."""
    name, size = request.param
    torch.manual_seed(1)
    backbone = build(name)
    for module in backbone.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            assert module.running_mean is not None
            assert module.running_var is not None
            module.running_mean.uniform_(-0.2, 0.2)
            module.running_var.uniform_(0.5, 1.5)
    model = Model(FeatureNetwork(backbone), name=name, size=size)
    path = tmp_path_factory.mktemp("onnx") / "model.onnx"
    save_onnx(model, path)
    return model, path


@pytest.mark.parametrize("count", COUNTS)
def test_every_backbone_gives_torchs_features_in_batches_of_any_size(exported: tuple[Model, Path], count: int) -> None:
    assert largest_difference(*exported, count) < 1e-4


def test_a_trained_run_gives_torchs_features(people: Dataset, tmp_path: Path) -> None:
    """A run of the recipe for a CPU, read from its folder."""
    small = {"steps": 2, "identities_per_batch": 3, "images_per_identity": 2, "size": SIZES[0]}
    trained = train(people, recipe="cpu-quick", overrides=small, out=tmp_path / "run")
    save_onnx(trained, tmp_path / "model.onnx")
    for count in COUNTS:
        assert largest_difference(trained, tmp_path / "model.onnx", count) < 1e-4


def test_what_onnx_has_not_is_one_message(tmp_path: Path) -> None:
    class Strange(Backbone):
        def __init__(self) -> None:
            super().__init__()
            self.dim = 3
            self.weight = torch.nn.Parameter(torch.ones(1))

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return x * self.weight if x.sum() > 0 else -x * self.weight

    model = Model(FeatureNetwork(Strange()), name="strange", size=(16, 16))
    assert model(torch.zeros(2, 16, 16, 3, dtype=torch.uint8)).shape == (2, 3)
    with pytest.raises(CloserlookError, match="strange cannot be written as ONNX") as caught:
        save_onnx(model, tmp_path / "model.onnx")
    assert "\n" not in str(caught.value)
    assert not list(tmp_path.iterdir())


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
    about_input = {"size": [64, 32], "colors": "RGB", "layout": "nhwc", "pixels": "uint8"}
    assert about == {"name": "tiny", **about_input, "unit_length": True}


CHOICES = [
    (layout, pixels, half) for layout in ("nhwc", "nchw") for pixels in ("uint8", "float") for half in (False, True)
]


def in_onnxruntime(path: Path, images: torch.Tensor) -> NDArray[np.float32]:
    return InferenceSession(str(path), providers=["CPUExecutionProvider"]).run(None, {"images": images.numpy()})[0]


def in_openvino(path: Path, images: torch.Tensor) -> NDArray[np.float32]:
    core = openvino.Core()
    exactly = {"INFERENCE_PRECISION_HINT": "f32"}  # else a CPU may take bfloat16
    return core.compile_model(core.read_model(path), "CPU", exactly)([images.numpy()])[0]


@pytest.mark.parametrize(("layout", "pixels", "half"), CHOICES)
def test_every_input_gives_torchs_features_in_two_runtimes(
    model: Model, tmp_path: Path, layout: TensorLayout, pixels: PixelType, half: bool
) -> None:
    path = tmp_path / "model.onnx"
    assert save_onnx(model, path, layout=layout, pixels=pixels, half=half) < (3e-2 if half else 1e-4)
    for count in (1, 5):
        images = torch.randint(0, 256, (count, 64, 32, 3), dtype=torch.uint8)
        expected = model(images).numpy()
        for runtime in (in_onnxruntime, in_openvino):
            found = runtime(path, onnx.prepared(images, layout, pixels))
            assert (found.shape, found.dtype) == ((count, 512), np.float32)
            np.testing.assert_allclose(found, expected, atol=(3e-2 if half else 1e-4) * np.abs(expected).max())
    if half:
        save_onnx(model, tmp_path / "whole.onnx", layout=layout, pixels=pixels)
        assert path.stat().st_size < 0.6 * (tmp_path / "whole.onnx").stat().st_size


def test_what_a_tracker_feeds_gives_the_models_features(model: Model, tmp_path: Path) -> None:
    """As BoxMOT's ReID backends prepare crops: RGB, / 255, ImageNet's mean and deviation, NCHW, float32."""
    save_onnx(model, tmp_path / "model.onnx", layout="nchw", pixels="float")
    crops = np.random.default_rng(0).integers(0, 256, (4, 64, 32, 3), dtype=np.uint8)
    batch = torch.from_numpy(crops).float().permute(0, 3, 1, 2) / 255
    mean, deviation = (torch.tensor(v).view(1, 3, 1, 1) for v in ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)))
    session = InferenceSession(str(tmp_path / "model.onnx"), providers=["CPUExecutionProvider"])
    fed = {session.get_inputs()[0].name: ((batch - mean) / deviation).numpy()}
    (features,) = session.run([session.get_outputs()[0].name], fed)
    torch.testing.assert_close(torch.from_numpy(features), model(torch.from_numpy(crops)), atol=1e-5, rtol=1e-4)


def test_pixels_that_are_normalised_already_are_refused(file: Path) -> None:
    session = InferenceSession(str(file), providers=["CPUExecutionProvider"])
    with pytest.raises(Exception, match="Unexpected input data type"):
        session.run(None, {"images": np.zeros((1, 64, 32, 3), np.float32)})


def test_a_file_that_disagrees_is_not_kept(model: Model, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(onnx, "_write", lambda model, graph, images, path: path.write_bytes(b"-"))
    monkeypatch.setattr(onnx, "_compare", lambda expected, fed, path: 0.5)
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
