"""A model as ONNX: raw pixels in, features out, so that no caller can normalize a second time."""

from __future__ import annotations

import copy
import json
import logging
import warnings
from pathlib import Path

import torch
from torch import Tensor, nn

from closerlook.errors import CloserlookError, UsageError
from closerlook.reid.model import Model
from closerlook.storage.files import atomic_path

__all__ = ["save_onnx"]

OPSET = 18
TOLERANCE = 1e-3
PROBE = 3


class _Graph(nn.Module):
    """What a model computes, without what only Python needs."""

    def __init__(self, model: Model) -> None:
        super().__init__()
        self.network = model.network
        self.feature = model.feature
        self.normalize = model.normalize

    def forward(self, images: Tensor) -> Tensor:
        pooled, after_neck = self.network(images)
        features = after_neck if self.feature == "bnneck" else pooled
        return nn.functional.normalize(features) if self.normalize else features


def save_onnx(model: Model, path: str | Path) -> float:
    """Write a model as ONNX and compare it with torch in onnxruntime.

    The input ``images`` is (b, h, w, 3) uint8 RGB of the model's size, the output ``features`` (b, dim) float32, for
    any b.

    Returns:
        The largest difference of a feature between the two, on random images, over the largest feature.

    Raises:
        UsageError: the packages that this needs are not installed.
        CloserlookError: the model has an operation that ONNX or onnxruntime has not, or the two do not agree.
    """
    try:
        import onnxruntime  # noqa: F401 - only asked for
        import onnxscript  # noqa: F401
    except ImportError as error:
        raise UsageError(f"ONNX needs the package {error.name}: pip install 'closerlook[onnx]'.") from None
    generator = torch.Generator().manual_seed(0)
    images = torch.randint(0, 256, (PROBE, *model.size, 3), generator=generator, dtype=torch.uint8)
    with atomic_path(path) as draft:
        try:
            _write(model, images, draft)
            difference = _compare(model, images, draft)
        except OSError:
            raise
        except Exception as error:  # neither package says which errors its graphs and operations raise
            reason = str(error).strip().partition("\n")[0]
            raise CloserlookError(
                f"{model.name} cannot be written as ONNX ({type(error).__name__}: {reason}). Its backbone may hold an "
                "operation that ONNX has not; the backbones of closerlook can all be exported."
            ) from error
        if difference > TOLERANCE:
            raise CloserlookError(
                f"The ONNX file of {model.name} gives other features than torch (by {difference:.1%} of the largest): "
                "it was not kept. Its backbone may hold an operation that ONNX has not."
            )
    return difference


def _write(model: Model, images: Tensor, path: Path) -> None:
    graph = copy.deepcopy(_Graph(model)).cpu().eval()
    for talker in ("onnxscript", "torch.onnx"):
        logging.getLogger(talker).setLevel(logging.ERROR)
    with warnings.catch_warnings(), torch.inference_mode():
        warnings.simplefilter("ignore")
        program = torch.onnx.export(
            graph,
            (images,),
            dynamo=True,
            input_names=["images"],
            output_names=["features"],
            dynamic_shapes={"images": {0: torch.export.Dim("b")}},
            opset_version=OPSET,
            verbose=False,
        )
    assert program is not None
    about = {"name": model.name, "size": model.size, "colors": "RGB", "unit_length": model.normalize}
    program.model.metadata_props["closerlook"] = json.dumps(about)
    program.save(str(path), external_data=False)


def _compare(model: Model, images: Tensor, path: Path) -> float:
    from onnxruntime import InferenceSession

    session = InferenceSession(str(path), providers=["CPUExecutionProvider"])
    found = torch.from_numpy(session.run(["features"], {"images": images.numpy()})[0])
    expected = model(images).cpu()
    return float((found - expected).abs().max() / expected.abs().max())
