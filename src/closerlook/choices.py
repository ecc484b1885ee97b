"""The names that options take, apart from what they name, so that a wrong one is told before that is imported.

A test sees that there is something behind every name, and nothing without one.
"""

from __future__ import annotations

from typing import Literal

__all__ = [
    "BACKBONES",
    "CROPPED",
    "EMBEDDINGS",
    "FORMATS",
    "MORE_WEATHERS",
    "PATTERN",
    "AnnotationKind",
    "BootstrapUnit",
    "Criterion",
    "IdentityOrder",
    "Layout",
    "Method",
    "Metric",
    "PixelType",
    "ProtocolName",
    "ScenePer",
    "Search",
    "SensorName",
    "Storage",
    "TableName",
    "TensorLayout",
]

ScenePer = Literal["person", "view", "image"]
SensorName = Literal["clean", "cctv", "phone"]
AnnotationKind = Literal["mask", "parts", "clothes", "depth", "normals"]
BootstrapUnit = Literal["images", "cameras"]
Method = Literal["greedy", "exhaustive", "quadratic", "mixture", "nearest", "diverse", "density-ratio", "trained-head"]
Criterion = Literal["mmd2", "total_loss"]
IdentityOrder = Literal["far", "near"]
Search = Literal["descent", "cma"]
ProtocolName = Literal["market1501", "dukemtmc", "msmt17", "cuhk03-classic", "cuhk03-new", "open-reid", "no-cameras"]
Metric = Literal["euclidean", "cosine"]
TableName = Literal["market", "duke", "own"]
Storage = Literal["files", "shards"]
Layout = Literal["market1501", "finegpr", "table", "imagefolder", "parquet", "coco", "webdataset"]
TensorLayout = Literal["nhwc", "nchw"]
PixelType = Literal["uint8", "float"]

MORE_WEATHERS = ("rain",)  # that the renderer has beside the paper's
BACKBONES = (
    "lite0",
    "resnet18",
    "resnet34",
    "resnet50",
    "resnet50_ibn_a",
    "resnet101",
    "osnet_x1_0",
    "osnet_x0_25",
    "vgg19",
)
EMBEDDINGS = ("vgg19", "lite0", "lite0-pooled", "resnet50-pooled", "vgg19-pooled")
FORMATS = (
    "folder",
    "manifest",
    "market1501",
    "dukemtmc",
    "occluded-duke",
    "personx",
    "cuhk03-np",
    "msmt17",
    "cuhk03-detected",
    "cuhk03-labeled",
    "cuhk03-classic-detected",
    "cuhk03-classic-labeled",
    "finegpr",
    "gpr",
    "randperson",
    "clonedperson",
    "unrealperson",
    "weperson",
    "cuhk01",
)
CROPPED = ("coco", "mot")  # formats of boxes in frames, out of which images are cut
PATTERN = "pattern"  # the format that an expression of the user's own describes
