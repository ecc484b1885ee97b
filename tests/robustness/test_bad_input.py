"""Input that cannot do is refused before there is an output: no verb leaves a folder, a part or a draft behind."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from PIL import Image

from robustness.damage import TRAINED
from robustness.made import SIZE
from robustness.running import run

pytestmark = pytest.mark.slow


SIZED = ["--size", f"{SIZE[0]}x{SIZE[1]}"]
EMBEDDED = ["--embedding", "lite0-pooled", *SIZED]
KEPT = "alike: analyze"  # what it has measured serves the same call with another --scaling, as the message says
INPUTS = ("one image", "alike", "unreadable", "unlabeled", "one person", "nothing")
CALLS = {  # with BAD for the input
    "adapt": ["adapt", "BAD", "--out", "new", "-p", "sensor.noise", "--renders", "2", "--identities", "2", *EMBEDDED],
    "analyze": ["analyze", "source", "BAD", "--out", "new", *EMBEDDED],
    "analyze, as source": ["analyze", "BAD", "target", "--out", "new", *EMBEDDED],
    "train": ["train", "BAD", "--out", "new", *TRAINED],
    "train, as validation": ["train", "source", "--validation", "BAD", "--out", "new", *TRAINED],
    "study": ["study", "source", "BAD", "--out", "new", "--plan", "plan.yaml", "--seeds", "1", *TRAINED],
    "study, as source": ["study", "BAD", "target", "--out", "new", "--plan", "plan.yaml", "--seeds", "1", *TRAINED],
    "evaluate": ["evaluate", "run", "--target", "BAD", "--out", "new/result.json"],
    "extract": ["extract", "run", "BAD", "--out", "new/features.safetensors"],
    "dataset export": ["dataset", "export", "BAD", "--out", "new"],
    **{
        f"dataset export, {layout}": ["dataset", "export", "BAD", "--format", layout, "--out", "new"]
        for layout in ("finegpr", "imagefolder", "parquet", "coco", "webdataset")
    },
    "annotate": ["annotate", "BAD", "--kind", "mask", "--out", "new", "--workers", "1"],
    "select": ["select", "BAD", "--out", "new/plan.yaml"],
    "report": ["report", "BAD", "--out", "new/page.html"],
}


@pytest.fixture(scope="module")
def folder(made: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The artifacts, and beside them each of the inputs."""
    root = shutil.copytree(made, tmp_path_factory.mktemp("bad") / "made")
    rng = np.random.default_rng(0)
    for name in INPUTS:
        count, alike = (1 if name == "one image" else 6), rng.integers(0, 256, (*SIZE, 3), np.uint8)
        rows = []
        (root / name).mkdir()
        for number in range(count):
            pixels = alike if name == "alike" else rng.integers(0, 256, (*SIZE, 3), np.uint8)
            path = root / name / f"{number}.png"
            Image.fromarray(pixels).save(path)
            if name == "unreadable":
                path.write_bytes(path.read_bytes()[:40])
            person = {"unlabeled": None, "one person": 1}.get(name, number // 2)
            rows.append((path.name, person, number % 2, "sunny", ("train", "query", "gallery")[number % 3]))
        columns = {"file_name": pl.String, "identity": pl.Int64, "camera": pl.Int64, "weather": pl.String}
        table = pl.DataFrame(rows, schema={**columns, "split": pl.String}, orient="row")
        table.head(0 if name == "nothing" else count).write_parquet(root / name / "metadata.parquet")
    return root


@pytest.mark.parametrize("verb", CALLS)
def test_nothing_is_left_of_a_call_whose_input_cannot_do(folder: Path, verb: str) -> None:
    before = set(folder.rglob("*"))
    faults, codes = [], set()
    for name in INPUTS:
        outcome = run([name if part == "BAD" else part for part in CALLS[verb]], folder)
        left = sorted(str(path.relative_to(folder)) for path in set(folder.rglob("*")) - before)
        if outcome.fault or (outcome.code and left and f"{name}: {verb}" != KEPT):
            faults.append(f"{name}: {outcome.fault}, leaves {left}\n{outcome}")
        codes.add(outcome.code)
        shutil.rmtree(folder / "new", ignore_errors=True)
    assert not faults, "\n".join(faults)
    assert 1 in codes
