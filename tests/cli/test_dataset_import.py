"""closerlook dataset import, train and select-identities on data of several kinds at once."""

import json

import numpy as np
import polars as pl
import pytest
import yaml
from PIL import Image
from typer.testing import CliRunner

from closerlook.cli import app
from closerlook.dataset import open_dataset
from closerlook.randomness import keyed_rng

pytestmark = pytest.mark.slow
TINY = ["--recipe", "cpu-quick"] + [
    part
    for value in ("steps=1", "size=[32,16]", "identities_per_batch=2", "images_per_identity=2")
    for part in ("--set", value)
]


def call(*arguments, code=0):
    result = CliRunner().invoke(app, list(map(str, arguments)), env={"COLUMNS": "300"})
    assert result.exit_code == code, (result.output, result.exception)
    return result.output if code == 0 else f"{result.output}{result.exception}"


def people(folder, identities):
    """Four images of each person, in two weathers, named after them."""
    rows = []
    folder.mkdir()
    for identity in identities:
        for number in range(4):
            pixels = keyed_rng(0, folder.name, identity, number).integers(0, 256, (32, 16, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(folder / f"{identity}_c{number}.png")
            rows.append((f"{identity}_c{number}.png", identity, number, ("sunny", "foggy")[number % 2]))
    table = pl.DataFrame(rows, schema=["file_name", "identity", "camera", "weather"], orient="row")
    table.write_parquet(folder / "metadata.parquet")
    return folder


def test_a_pattern_becomes_a_table(tmp_path):
    data = people(tmp_path / "a", [1, 2])
    name = r"(?P<identity>\d+)_c(?P<camera>\d+)"
    said = call("dataset", "import", f"pattern:{data}", "--name", name, "--out", tmp_path / "t")
    assert f"8 images in {tmp_path / 't'}\nNext: closerlook dataset audit {tmp_path / 't'}" in said
    assert open_dataset(tmp_path / "t").counts()["cameras"] == 4
    assert "needs a name" in call("dataset", "audit", f"pattern:{data}", code=1)


def test_boxes_become_crops(tmp_path):
    Image.fromarray(np.full((90, 60, 3), 128, np.uint8)).save(tmp_path / "1.png")
    boxes = [{"image_id": 1, "bbox": [10, 10, 30, 60], "track_id": 5}, {"image_id": 1, "bbox": [10, 10, 5, 5]}]
    document = {"images": [{"id": 1, "file_name": "1.png"}], "annotations": boxes}
    (tmp_path / "boxes.json").write_text(json.dumps(document))
    options = ["--frames", tmp_path, "--margin", 0.1, "--smallest", "20x10", "--overlap", 0.5, "--tracks"]
    said = call("dataset", "import", f"coco:{tmp_path / 'boxes.json'}", *options, "--out", tmp_path / "crops")
    assert "left out: 1 without a track" in said and f"1 images in {tmp_path / 'crops'}" in said
    assert open_dataset(tmp_path / "crops").identities.tolist() == [5]
    assert "--margin" in call(
        "dataset", "import", f"coco:{tmp_path / 'boxes.json'}", "--margin", 2, "--out", tmp_path / "x", code=1
    )


def test_several_sources_are_trained_on_together_and_a_change_of_one_is_another_run(tmp_path):
    a, b = people(tmp_path / "a", [1, 2]), people(tmp_path / "b", [1, 2])
    call("train", a, b, "--out", tmp_path / "run", *TINY)
    summary = json.loads((tmp_path / "run" / "run.json").read_text())
    assert (summary["identities"], summary["images"], summary["data"]) == (4, 16, "a+b")
    call("train", a, b, "--out", tmp_path / "run", *TINY)  # finished: only read
    Image.fromarray(np.zeros((32, 16, 3), np.uint8)).save(b / "1_c0.png")
    assert "data" in call("train", a, b, "--out", tmp_path / "run", *TINY, code=1)


def test_people_are_chosen_from_all_sources(tmp_path):
    a, b = people(tmp_path / "a", [1, 2, 3]), people(tmp_path / "b", [1, 2, 3])
    both = f"manifest:{tmp_path / 'both' / 'metadata.parquet'}"
    call("dataset", "import", a, b, "--out", tmp_path / "both")
    call("analyze", both, b, "--out", tmp_path / "gap", "--embedding", "lite0-pooled", "--size", "32x16")
    plan = tmp_path / "people.yaml"
    said = call("select-identities", tmp_path / "gap", a, b, "--identities", 4, "--out", plan)
    assert f"closerlook train {a} {b} --plan {plan}" in said
    chosen = yaml.safe_load(plan.read_text())["identities"]
    assert len(chosen) == 4 and set(chosen) <= {1, 2, 3, 5, 6, 7}
    call("train", a, b, "--plan", plan, "--out", tmp_path / "run", *TINY)
    assert json.loads((tmp_path / "run" / "run.json").read_text())["identities"] == 4
