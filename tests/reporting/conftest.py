"""A study small enough to be made by hand: a gap of noise, runs that were never run, and pages of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from PIL import Image

from closerlook.attributes import Factor
from closerlook.dataset import Dataset
from closerlook.evaluation.ranked_lists import Ranked, RankedList, save_ranked_lists
from closerlook.gap import Gap, analyze
from closerlook.reporting.context import ReportContext
from closerlook.reporting.page import render_page
from closerlook.reporting.ranked import show_rankings
from closerlook.reporting.reconstruction import Reconstruction
from closerlook.reporting.samples import data_uri
from closerlook.selection import Plan
from closerlook.study import Run
from closerlook.study.recovery import recovery

WEATHER = Factor("weather", ("sunny", "foggy", "night"))
VIEWPOINT = Factor("viewpoint", (0, 180))
LEVELS: Mapping[str, Sequence[object]] = {"weather": ["sunny", "foggy"], "viewpoint": [0, 180]}


def draw(path: Path, rng: np.random.Generator, brightness: float) -> None:
    pixels = brightness + 12 * rng.normal(size=(64, 32, 3)).cumsum(axis=0) / 4
    Image.fromarray(pixels.clip(0, 255).astype(np.uint8)).save(path)


@pytest.fixture(scope="session")
def source(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    root, rng, rows = tmp_path_factory.mktemp("source"), np.random.default_rng(1), []
    for person in range(6):
        for place, weather in enumerate(WEATHER.levels):
            for viewpoint in VIEWPOINT.levels:
                name = f"{person}_{weather}_{viewpoint}.png"
                draw(root / name, rng, 150 + 30 * place + person)
                rows.append({"file_name": name, "identity": person, "weather": weather, "viewpoint": viewpoint})
    data = Dataset.from_table(root, pl.DataFrame(rows), "source", (WEATHER, VIEWPOINT))
    data.save()
    return data


@pytest.fixture(scope="session")
def target(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    root, rng, rows = tmp_path_factory.mktemp("target"), np.random.default_rng(2), []
    for number in range(32):
        draw(root / f"t{number}.png", rng, 100 + number % 7)
        rows.append({"file_name": f"t{number}.png", "camera": 1 + number % 2})
    return Dataset.from_table(root, pl.DataFrame(rows), "target", ())


@pytest.fixture(scope="session")
def gap(source: Dataset, target: Dataset) -> Gap:
    return analyze(source, target, embedding="lite0-pooled", size=(64, 32))


@pytest.fixture(scope="session")
def study(source: Dataset, target: Dataset, gap: Gap, tmp_path_factory: pytest.TempPathFactory) -> ReportContext:
    """Everything that a page can show."""
    plan = Plan(values={"weather": ("sunny", "foggy")}, images=24, share=2 / 3)
    reached = {"all": 0.30, "near": 0.28, "near-random": 0.20}
    runs = [
        Run(arm, seed, 24, 6, mAP + 0.01 * seed, 0.4, 0.5, 0.6, 9.0, "near-random" if arm == "near" else None)
        for arm, mAP in reached.items()
        for seed in range(3)
    ]
    rows = [
        {"arm": run.arm, "camera": 1 + query % 2, "weather": WEATHER.levels[query % 3], "ap": run.mAP, "first_hit": 1.0}
        for run in runs
        for query in range(6)
    ]
    folder = tmp_path_factory.mktemp("ranked")
    nearest = tuple(Ranked(rank, f"t{rank}.png", 1, 0.1 * rank, rank == 2) for rank in (1, 2, 3))
    save_ranked_lists([RankedList("t0.png", 4, 2, 0.5, 2.0, 1, nearest)], folder / "ranked.json")
    picture = data_uri(np.full((128, 64, 3), 90, np.uint8))
    return ReportContext(
        title="A study made by hand",
        source=source,
        target=target,
        gap=gap,
        plans={"near": plan},
        runs=runs,
        levels={"near": LEVELS},
        queries=pl.DataFrame(rows),
        ranked=("near-0", show_rankings(folder, target)),
        reconstructions=[Reconstruction("source", [("image", picture), ("block2", picture)])],
        recovered=recovery(gap, {"near": plan}, {"weather": ("sunny",)}),
        paper={"all": (0.1, 0.2, 0.3)},
        log=pl.DataFrame(
            {"step": [1, 2, 3], "learning_rate": [0.1] * 3, "loss": [3.0, 2.0, 1.5], "triplet": [1.0, 0.9, 0.5]}
        ),
        stages={"Train": 12.0},
        settings={"recipe": "cpu-quick"},
        command="closerlook report study",
    )


@pytest.fixture(scope="session")
def page(study: ReportContext, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("page") / "study.html"
    path.write_text(render_page(study), encoding="utf-8")
    return path
