"""A model as ONNX, for raw pixels, so that no caller can normalize a second time, or for what trackers feed.

Trackers such as BoxMOT feed float32 NCHW batches that they have normalized by ImageNet's mean and standard deviation.
"""

from __future__ import annotations

import copy
import json
import logging
import warnings
from pathlib import Path

import torch
from torch import Tensor, nn

from closerlook.choices import PixelType, TensorLayout
from closerlook.embedding.backbones.base import IMAGENET_MEAN, IMAGENET_STD
from closerlook.errors import CloserlookError, UsageError
from closerlook.reid.model import Model
from closerlook.storage.files import atomic_path

__all__ = ["save_onnx"]

OPSET = 18
TOLERANCE = {False: 1e-3, True: 3e-2}  # of the largest feature, by whether numbers have 16 bits
PROBE = 3


class _Graph(nn.Module):
    """What a model computes, without what only Python needs."""

    def __init__(self, model: Model, layout: TensorLayout, pixels: PixelType) -> None:
        super().__init__()
        self.network = model.network
        self.feature = model.feature
        self.normalize = model.normalize
        self.layout = layout
        self.pixels = pixels

    def forward(self, images: Tensor) -> Tensor:
        last = images.permute(0, 2, 3, 1) if self.layout == "nchw" else images
        raw = last * torch.tensor(IMAGENET_STD) + torch.tensor(IMAGENET_MEAN) if self.pixels == "float" else last
        pooled, after_neck = self.network(raw)
        features = after_neck if self.feature == "bnneck" else pooled
        return nn.functional.normalize(features) if self.normalize else features


def save_onnx(
    model: Model,
    path: str | Path,
    *,
    layout: TensorLayout = "nhwc",
    pixels: PixelType = "uint8",
    half: bool = False,
) -> float:
    """Write a model as ONNX and compare it with torch in onnxruntime.

    The input ``images`` is a batch of any number of images of the model's size, RGB, the output ``features`` (b, dim)
    float32.

    Args:
        layout: of the input, ``nhwc`` (b, h, w, 3) or ``nchw`` (b, 3, h, w).
        pixels: ``uint8``, raw, or ``float``: float32, divided by 255 and normalized by ImageNet's mean (0.485, 0.456,
            0.406) and standard deviation (0.229, 0.224, 0.225).
        half: whether weights and what is computed have 16 bits; input and output stay as they are.

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
    fed = prepared(images, layout, pixels)
    with atomic_path(path) as draft:
        try:
            _write(model, _Graph(model, layout, pixels), fed, draft)
            if half:
                _halve(draft)
            difference = _compare(model(images).cpu(), fed, draft)
        except OSError:
            raise
        except Exception as error:  # neither package says which errors its graphs and operations raise
            reason = str(error).strip().partition("\n")[0]
            raise CloserlookError(
                f"{model.name} cannot be written as ONNX ({type(error).__name__}: {reason}). Its backbone may hold an "
                "operation that ONNX has not; the backbones of closerlook can all be exported."
            ) from error
        if not difference <= TOLERANCE[half]:
            raise CloserlookError(
                f"The ONNX file of {model.name} gives other features than torch (by {difference:.1%} of the largest): "
                "it was not kept. Its backbone may hold an operation that ONNX has not"
                + (", or numbers too large for 16 bits." if half else ".")
            )
    return difference


def prepared(images: Tensor, layout: TensorLayout, pixels: PixelType) -> Tensor:
    """Images (b, h, w, 3) uint8 as a graph of this layout and kind of pixels takes them."""
    fed = images if pixels == "uint8" else (images.float() - torch.tensor(IMAGENET_MEAN)) / torch.tensor(IMAGENET_STD)
    return fed.permute(0, 3, 1, 2).contiguous() if layout == "nchw" else fed


def _write(model: Model, graph: _Graph, images: Tensor, path: Path) -> None:
    copied = copy.deepcopy(graph).cpu().eval()
    for talker in ("onnxscript", "torch.onnx"):
        logging.getLogger(talker).setLevel(logging.ERROR)
    with warnings.catch_warnings(), torch.inference_mode():
        warnings.simplefilter("ignore")
        program = torch.onnx.export(
            copied,
            (images,),
            dynamo=True,
            input_names=["images"],
            output_names=["features"],
            dynamic_shapes={"images": {0: torch.export.Dim("b")}},
            opset_version=OPSET,
            verbose=False,
        )
    assert program is not None
    about = {
        "name": model.name,
        "size": model.size,
        "colors": "RGB",
        "layout": graph.layout,
        "pixels": graph.pixels,
        "unit_length": model.normalize,
    }
    program.model.metadata_props["closerlook"] = json.dumps(about)
    program.save(str(path), external_data=False)


def _halve(path: Path) -> None:
    """Weights and operations with 16 bits, by onnxruntime's own converter."""
    import onnx
    from onnxruntime.transformers.float16 import convert_float_to_float16

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # weights too small for 16 bits become 0
        onnx.save(convert_float_to_float16(onnx.load(path), keep_io_types=True), path)


def _compare(expected: Tensor, fed: Tensor, path: Path) -> float:
    from onnxruntime import InferenceSession

    session = InferenceSession(str(path), providers=["CPUExecutionProvider"])
    found = torch.from_numpy(session.run(["features"], {"images": fed.numpy()})[0])
    return float((found - expected).abs().max() / expected.abs().max())
