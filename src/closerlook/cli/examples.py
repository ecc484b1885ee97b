"""What the help of each verb begins with: commands that one can copy. A test parses them all."""

from __future__ import annotations

from collections.abc import Mapping

__all__ = ["EXAMPLES"]

EXAMPLES: Mapping[str, tuple[str, ...]] = {
    "generate": (
        "closerlook generate gpr-plus --identities 200 --out data/gpr-plus",
        "closerlook generate gpr-plus --level weather=sunny,foggy --level viewpoint=0,90 --out data/small",
        "closerlook generate design.yaml --size 256x128 --dry-run --out data/mine",
    ),
    "people": (
        "closerlook people --count 60 --out people.png",
        "closerlook people --count 12 --views 4 --population mix.yaml --out people.png",
    ),
    "studio": (
        "closerlook studio",
        "closerlook studio --target folder:/data/my-cameras --port 8000",
    ),
    "annotate": (
        "closerlook annotate data/gpr-plus --draw check.png",
        "closerlook annotate data/gpr-plus --kind mask --kind parts",
    ),
    "analyze": (
        "closerlook analyze data/gpr-plus market1501:/data/Market-1501-v15.09.15 --out gap",
        "closerlook analyze data/gpr-plus folder:/data/my-cameras --embedding vgg19 --size 256x128 --out gap",
    ),
    "invert": (
        "closerlook invert source.jpg target.jpg --layer conv4_2 --out strip.png",
        "closerlook invert source.jpg --style --layer conv1_1 --layer conv2_1",
    ),
    "select": (
        "closerlook select gap --out plan.yaml",
        "closerlook select gap --method exhaustive --budget 20000 --controls 3",
        "closerlook select gap --rule paper:market --out market.yaml",
    ),
    "select-identities": (
        "closerlook select-identities gap data/gpr-plus --identities 100 --plan plan.yaml",
        "closerlook select-identities gap data/gpr-plus --identities 100 --by near --target folder:/data/my-cameras",
    ),
    "render-next": ("closerlook render-next gap --images 2000 --out next.yaml",),
    "adapt": (
        "closerlook adapt folder:/data/my-cameras --out scene",
        "closerlook adapt folder:/data/my-cameras -p sensor -p illumination.hour --optimizer cma --out scene",
    ),
    "train": (
        "closerlook train data/gpr-plus --plan plan.yaml --out runs/selected",
        "closerlook train data/gpr-plus data/other --recipe cpu-quick --set steps=2000 --out runs/mixed",
    ),
    "evaluate": (
        "closerlook evaluate runs/selected --target market1501:/data/Market-1501-v15.09.15",
        "closerlook evaluate runs/selected --target data/network --pictures errors.png --attention",
        "closerlook evaluate --query query.npy --gallery gallery.npy --protocol no-cameras --json",
    ),
    "study": (
        "closerlook study data/gpr-plus market1501:/data/Market-1501-v15.09.15 --plan plan.yaml --out study",
        "closerlook study data/gpr-plus data/target --gap gap --table own --seeds 3 --out study",
    ),
    "validate-gap": (
        "closerlook validate-gap data/gpr-plus market1501:/data/Market-1501-v15.09.15 --quick --out validation",
    ),
    "report": (
        "closerlook report study",
        "closerlook report gap --source data/gpr-plus --reconstruct",
        "closerlook report runs/first runs/second --out comparison.html",
    ),
    "compare": (
        "closerlook compare a.jpg b.jpg --model runs/selected",
        "closerlook compare a.jpg b.jpg --reference market1501:/data/Market-1501-v15.09.15 --out why.png",
    ),
    "extract": ("closerlook extract runs/selected folder:/data/my-cameras --out features.parquet",),
    "export": (
        "closerlook export runs/selected --out model.onnx",
        "closerlook export runs/selected --layout nchw --input float --out tracker.onnx",
    ),
    "demo": ("closerlook demo --out demo",),
    "dataset import": (
        "closerlook dataset import msmt17:/data/MSMT17 --out data/msmt17",
        r"closerlook dataset import pattern:/data/x --name '(?P<identity>\d+)_c(?P<camera>\d+)' --out data/x",
        "closerlook dataset import coco:boxes.json --frames frames --out data/crops",
    ),
    "dataset export": ("closerlook dataset export data/gpr-plus --format market1501 --out exported",),
    "dataset audit": (
        "closerlook dataset audit data/gpr-plus",
        "closerlook dataset audit market1501:/data/Market-1501-v15.09.15 --json",
    ),
}
