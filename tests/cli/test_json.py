"""What the verbs print with --json: one object, with the numbers of the files."""

import json

import numpy as np
import polars as pl
import pytest
import yaml
from PIL import Image
from typer.testing import CliRunner

from closerlook.cli import app

pytestmark = pytest.mark.slow
TINY = ["--recipe", "cpu-quick"] + [
    part
    for value in ("steps=1", "size=[32,16]", "identities_per_batch=2", "images_per_identity=2")
    for part in ("--set", value)
]


def call(*arguments):
    """The object that a verb prints, which is all that it prints."""
    result = CliRunner().invoke(app, [*map(str, arguments), "--json"], catch_exceptions=False)
    assert result.exit_code == 0
    return json.loads(result.stdout)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Six people of noise in two weathers, two of whom are to test on, and their gap to themselves."""
    root, rng, rows = tmp_path_factory.mktemp("json"), np.random.default_rng(0), []
    (root / "data").mkdir()
    for identity in range(6):
        for number in range(4):
            name = f"{identity}_{number}.png"
            pixels = (rng.normal(90 + 60 * (number % 2), 30, (32, 16, 3))).clip(0, 255).astype(np.uint8)
            Image.fromarray(pixels).save(root / "data" / name)
            split = "train" if identity < 4 else ("query", "gallery")[number % 2]
            rows.append((name, identity, number, ("sunny", "foggy")[number % 2], split))
    table = pl.DataFrame(rows, schema=["file_name", "identity", "camera", "weather", "split"], orient="row")
    table.write_parquet(root / "data" / "metadata.parquet")
    return root


@pytest.fixture(scope="module")
def gap(folder):
    data = folder / "data"
    return call("analyze", data, data, "--out", folder / "gap", "--embedding", "lite0-pooled", "--size", "32x16")


def test_analyze(folder, gap):
    written = pl.read_parquet(folder / "gap" / "levels.parquet")
    assert [row["mmd2"] for row in gap["levels"]] == written["mmd2"].to_list()
    assert gap["out"] == str(folder / "gap") and 2 <= len(gap["findings"]) <= 3


def test_plans(folder, gap):
    plan = folder / "plan.yaml"
    found = call("select", folder / "gap", "--out", plan, "--controls", 1)
    saved = yaml.safe_load(plan.read_text())
    assert found["values"] == saved["values"] and found["share"] == saved["share"] <= 1
    assert set(found["controls"]) >= {"random-0"} or found["controls"]
    people = call("select-identities", folder / "gap", folder / "data", "--identities", 2, "--out", folder / "p.yaml")
    assert len(people["identities"]) == 2
    more = call("render-next", folder / "gap", "--images", 4, "--out", folder / "next.yaml")
    assert sum(cell["images"] for cell in more["cells"]) == 4 and more["expected_loss"] >= more["expected_improvement"]


def test_a_model(folder):
    data, run = folder / "data", folder / "run"
    trained = call("train", data, "--out", run, *TINY)
    assert trained["images"] == 16 and trained["out"] == str(run)
    result = call("evaluate", run, "--target", data)
    assert 0 <= result["mAP"] <= 1 and result["mAP"] == json.loads((run / "result.json").read_text())["mAP"]
    assert "per_query" not in result
    near = call("compare", data / "0_0.png", data / "0_0.png", "--model", run)
    assert near["cosine"] == pytest.approx(1) and near["same_person"] is None
    assert call("extract", run, data, "--out", folder / "f.npz")["images"] == 24
    assert call("report", run)["report"] == str(run / "report.html")


def test_a_study_without_spreads_has_null_for_what_is_not_known(folder, gap):
    data, plan = folder / "data", folder / "sunny.yaml"
    plan.write_text("values: {weather: [sunny]}\nimages: 8\nshare: 0.5\n")
    found = call("study", data, data, "--plan", plan, "--seeds", 1, "--out", folder / "study", *TINY)
    arms = {arm["arm"]: arm for arm in found["arms"]}
    assert arms["sunny"]["images"] == 8 and 0 <= arms["all"]["mean"]["mAP"] <= 1
    assert arms["all"]["spread"]["mAP"] is None


def test_what_would_be_rendered(folder):
    found = call("generate", "gpr-plus", "--identities", 2, "--dry-run", "--out", folder / "none")
    assert found["images"] == 2 * 588 and found["seconds"] > 0
