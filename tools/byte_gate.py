"""One digest for everything that a small fixed run computes, to see that moving and renaming code changes no number.

    python tools/byte_gate.py before.json      # on the version before
    python tools/byte_gate.py after.json       # after each step; then: diff before.json after.json

Rendered images of the three modes, features, every column of an analysis, plans, the weights of a short training and
the scores of an evaluation, each as a hash of its bytes. Columns are hashed without their names and put in the order of
their hashes, so that they may be renamed and moved. Digests hold for one machine and one number of threads.
"""

from __future__ import annotations

import hashlib
import json
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import polars as pl

from closerlook.dataset import Dataset
from closerlook.embedding import extract, open_embedding
from closerlook.evaluation import evaluate
from closerlook.gap import analyze
from closerlook.reid import train
from closerlook.selection import select
from closerlook.synthesis import generate

LEVELS = {"viewpoint": (0, 90, 210), "weather": ("sunny", "foggy", "blizzard"), "illumination": ("noon", "night")}
SIZE = (64, 32)
# Measures that tables name as values, and arrays, by the names they had first
EARLIER = {"mmd2": "fit", "total_loss": "pair_loss", "frechet_distance": "frechet", "kernel_distance": "kernel"}
ARRAYS = {
    "distances": "distances",
    "cell_gaps": "cell_products",
    "cell_fits": "unbiased_cell_products",
    "level_gaps": "level_gaps",
    "unit_sketches": "unit_sketches",
}
PEOPLE = 6


def digest(parts: Iterable[bytes]) -> str:
    return hashlib.sha256(b"".join(hashlib.sha256(part).digest() for part in parts)).hexdigest()[:16]


def of_files(folder: Path, pattern: str) -> str:
    return digest(path.read_bytes() for path in sorted(folder.rglob(pattern)))


def of_array(array: np.ndarray) -> bytes:
    return str(array.dtype).encode() + np.ascontiguousarray(array).tobytes()


def of_table(table: pl.DataFrame | None) -> str:
    if table is None:
        return "none"
    values = ([EARLIER.get(v, v) if isinstance(v, str) else v for v in column.to_list()] for column in table)
    columns = (repr((column.dtype, own)).encode() for column, own in zip(table, values, strict=True))
    return digest(sorted(hashlib.sha256(column).digest() for column in columns))


def render(folder: Path) -> dict[str, Dataset]:
    return {
        name: generate(
            "gpr-plus", identities=PEOPLE, levels=LEVELS, size=SIZE, seed=3, scene_per=scene_per, out=folder / scene_per
        )
        for name, scene_per in (("cell", "person"), ("view", "view"), ("image", "image"))
    }


def as_target(data: Dataset) -> Dataset:
    """Every third image for distances, the others as query and gallery."""
    row = pl.int_range(pl.len())
    split = pl.when(row % 3 == 0).then(pl.lit("train")).when(row % 3 == 1).then(pl.lit("query"))
    table = data.table.select("file_name", "identity", "camera").with_columns(split=split.otherwise(pl.lit("gallery")))
    return Dataset.from_table(data.root, table, "target", factors=())


def measure(folder: Path) -> dict[str, str]:
    found: dict[str, str] = {}
    data = render(folder)
    for name, rendered in data.items():
        found[f"images, {name}"] = of_files(rendered.root, "*.jpg")
        found[f"table, {name}"] = of_table(rendered.table)
    source, target = data["view"], as_target(data["image"])
    for name in ("lite0", "lite0-pooled"):
        found[f"features, {name}"] = digest([of_array(extract(open_embedding(name, SIZE), source).features)])
    gap = analyze(source, target.train, size=SIZE, per_cell=0, out=folder / "gap")
    for label, name in ARRAYS.items():
        found[f"analysis, {label}"] = digest([of_array(getattr(gap.measurement, name))])
    for name in ("levels", "losses", "importance", "variance", "differences", "agreement"):
        found[f"analysis, {name}"] = of_table(getattr(gap, name))
    for method in ("greedy", "exhaustive", "weights"):
        plan = select(gap, method=method)
        shares = [cell.weight for cell in plan.weights]
        found[f"plan, {method}"] = digest([repr((list(plan.values.values()), plan.images, shares)).encode()])
    recipe = {"steps": 4, "size": SIZE, "identities_per_batch": 4}
    model = train(source, recipe="cpu-quick", overrides=recipe, out=folder / "run")
    found["weights"] = digest(of_array(tensor.cpu().numpy()) for tensor in model.network.state_dict().values())
    for protocol in ("market1501", "open-reid", "cuhk03-classic"):
        result = evaluate(model, target, protocol=protocol)
        found[f"scores, {protocol}"] = digest([of_array(np.array(result.per_query["ap"])), of_array(result.cmc)])
    return found


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        found = measure(Path(folder))
    Path(sys.argv[1]).write_text(json.dumps(found, indent=2) + "\n")


if __name__ == "__main__":
    main()
