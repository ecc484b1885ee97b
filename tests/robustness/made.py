"""One small artifact of every kind, as the stages leave them: what the robustness tests damage and call verbs on."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Mapping
from contextlib import contextmanager
from pathlib import Path
from unittest import mock

import numpy as np
import polars as pl
import yaml
from PIL import Image

from closerlook.adaptation.loop import search_scene
from closerlook.adaptation.objective import Distance
from closerlook.adaptation.parameters import Parameter
from closerlook.attributes import Factor
from closerlook.dataset import Dataset, open_dataset
from closerlook.dataset.shards import write_shard
from closerlook.embedding.features import Features
from closerlook.gap import analyze
from closerlook.reid import train, trainer
from closerlook.reid.folder import RunFolder
from closerlook.selection import select
from closerlook.storage.files import write_json
from closerlook.study import run_study
from closerlook.study.importance import ImportanceComparison, save_importance
from closerlook.synthesis import generate

WEATHER = Factor("weather", ("sunny", "foggy"))
VIEWPOINT = Factor("viewpoint", (0, 90))
SIZE = (32, 16)
TRAINING = {"steps": 1, "size": SIZE, "identities_per_batch": 2, "images_per_identity": 2}
READINGS = ImportanceComparison(
    4,
    4,
    ({"factor": "weather", "share": 0.5, "gain": 0.4, "null_gain": 0.2, "null_gain_sd": 0.1, "loss_share": None},),
    None,
)
PARAMETERS = (Parameter("a", 0.0, 1.0, 0.5), Parameter("b", 0.0, 1.0, 0.5))


def make_all(folder: Path) -> Path:
    """``folder`` with data sets, also a rendered one, an analysis, plan, recipe, design, mix of people, runs, study and
    search. About 8 s."""
    rng = np.random.default_rng(0)
    source = make_source(folder / "source", rng)
    target = make_target(folder / "target", rng)
    gap = analyze(source, target.train, embedding="lite0-pooled", size=SIZE, out=folder / "gap")
    plan = select(gap)
    plan.save(folder / "plan.yaml")
    train(source, recipe="cpu-quick", out=folder / "run", overrides=TRAINING)
    start_run(source, folder / "half")
    run_study(
        source,
        target,
        out=folder / "study",
        plans={"chosen": plan},
        gap=folder / "gap",
        recipe="cpu-quick",
        overrides=TRAINING,
        seeds=1,
    )
    save_importance(READINGS, folder / "study")  # of which a study of three parts has none
    write_json(folder / "study" / "stages.json", {"Render the source": 2.5, "Select": 0.5})
    run_search(folder / "search")
    vectors = rng.normal(size=(6, 4)).astype(np.float32)
    Features(vectors, np.array([1, 1, 2, 2, 3, 3]), np.array([1, 2, 1, 2, 1, 2])).save(folder / "features.safetensors")
    _write(folder / "recipe.yaml", {"base": "cpu-quick", **TRAINING, "size": list(SIZE)})
    _write(folder / "design.yaml", {"identities": 2, "factors": {"weather": ["sunny"], "viewpoint": [0, 90]}})
    _write(folder / "mix.yaml", {"female": 0.4})
    _image(folder / "backdrop" / "place.png", rng, (64, 64))
    _write(folder / "backdrop" / "camera.yaml", {"height": 2.5, "pitch": 15, "focal": 28.0})
    generate(folder / "design.yaml", out=folder / "rendered", size=SIZE, workers=1)
    make_boxes(folder, rng)
    make_shards(folder, rng)
    return folder


def make_shards(folder: Path, rng: np.random.Generator) -> None:
    """Images in Parquet files: a folder with its table, as rendered ones are, and one of shards alone."""
    for number, name in enumerate(("shards/images/1.parquet", "shards/images/2.parquet", "hub/train.parquet")):
        names = [f"{number}_{image}.png" for image in range(3)]
        table = pl.DataFrame({"file_name": names, "identity": number, "camera": range(3), "weather": "sunny"})
        images = []
        for image in names:
            _image(folder / image, rng)
            images.append((folder / image).read_bytes())
            (folder / image).unlink()
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        write_shard(folder / name, table, images)
    open_dataset(folder / "shards").save()


def make_boxes(folder: Path, rng: np.random.Generator) -> None:
    """Frames, and boxes in them as COCO and MOTChallenge write them."""
    for number in (1, 2):
        _image(folder / "frames" / f"{number:06d}.png", rng, (64, 64))
    document = {
        "images": [{"id": number, "file_name": f"{number:06d}.png", "height": 64, "width": 64} for number in (1, 2)],
        "annotations": [
            {"image_id": number, "category_id": 1, "bbox": [8, 8, 20, 40], "track_id": 3} for number in (1, 2)
        ],
        "categories": [{"id": 1, "name": "person"}],
    }
    write_json(folder / "boxes.json", document)
    (folder / "boxes.txt").write_text("1,3,9,9,20,40,1\n2,3,9,9,20,40,1\n")


def start_run(source: Dataset, out: Path) -> None:
    """A run that was stopped after its last step, before it wrote its model."""
    with (
        mock.patch.object(trainer, "CHECKPOINT_SECONDS", -1.0),
        mock.patch.object(RunFolder, "finish", side_effect=KeyboardInterrupt),
        contextlib.suppress(KeyboardInterrupt),
    ):
        train(source, recipe="cpu-quick", out=out, overrides=TRAINING)


def run_search(folder: Path) -> None:
    """A search over two numbers whose sets are not rendered but made up; resumes where an earlier one stopped."""
    search_scene(PARAMETERS, _distance, optimizer="descent", renders=6, seed=0, out=folder, made_from={})


def make_source(folder: Path, rng: np.random.Generator, people: int = 4) -> Dataset:
    """Labeled images: every person in every weather and viewpoint."""
    rows = []
    for person in range(1, people + 1):
        for weather in WEATHER.levels:
            for viewpoint in VIEWPOINT.levels:
                name = f"images/{person}_{weather}_{viewpoint}.png"
                _image(folder / name, rng)
                rows.append({"file_name": name, "identity": person, "weather": weather, "viewpoint": viewpoint})
    data = Dataset.from_table(folder, pl.DataFrame(rows), "source", (WEATHER, VIEWPOINT))
    data.save()
    return open_dataset(folder)


def make_target(folder: Path, rng: np.random.Generator) -> Dataset:
    """Training images, and three people with a query and two gallery images each."""
    rows = []
    for number in range(8):
        rows.append({"file_name": f"t{number}.png", "identity": 50 + number, "camera": 1, "split": "train"})
    for person in (1, 2, 3):
        for camera, split in ((1, "query"), (2, "gallery"), (3, "gallery")):
            rows.append({"file_name": f"{person}_{camera}.png", "identity": person, "camera": camera, "split": split})
    for row in rows:
        _image(folder / str(row["file_name"]), rng)
    Dataset.from_table(folder, pl.DataFrame(rows), "target", ()).save()
    return open_dataset(folder)


@contextmanager
def at(folder: Path):
    """The working directory for a while."""
    before = Path.cwd()
    os.chdir(folder)
    try:
        yield
    finally:
        os.chdir(before)


def _distance(values: Mapping[str, float], held_out: bool) -> Distance:
    offset = np.array([values["a"] - 0.2, values["b"] - 0.7])
    groups = offset + 0.01 * np.random.default_rng(held_out).normal(size=(4, 2))
    return Distance(float(offset @ offset), groups @ groups.T, groups @ np.zeros((2, 3)))


def _image(path: Path, rng: np.random.Generator, size: tuple[int, int] = SIZE) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(rng.integers(0, 256, (*size, 3), dtype=np.uint8)).save(path)


def _write(path: Path, value: object) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(yaml.safe_dump(value))
