"""Reading B, one row per training run, on runs whose mAP is known to follow one attribute."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import polars as pl
import pytest

from closerlook.attributes import Factor
from closerlook.dataset import Dataset
from closerlook.reporting.context import ReportContext
from closerlook.reporting.page import render_page
from closerlook.study.arms import Arm, Run, fixed_arm
from closerlook.study.importance import importance_of_study, read_importance, save_importance

FACTORS = (Factor("weather", ("sunny", "foggy")), Factor("viewpoint", (0, 90, 180)))
SEEDS = 3


@pytest.fixture(scope="module")
def source() -> Dataset:
    rows = [(p, w, v) for p in range(6) for w in FACTORS[0].levels for v in FACTORS[1].levels]
    table = pl.DataFrame(rows, schema=["identity", "weather", "viewpoint"], orient="row")
    return Dataset.from_table(
        Path(), table.with_columns(file_name=pl.format("{}.jpg", pl.int_range(36))), "made", FACTORS
    )


@pytest.fixture(scope="module")
def arms(source: Dataset) -> list[Arm]:
    """Every choice of a weather and of people and of a viewpoint; weather alone decides what a run reaches."""
    parts = {
        f"{weather}-{people}-{viewpoint}": source.filter(pl.col("identity") < people).where(
            **({} if weather == "all" else {"weather": [weather]}),
            **({} if viewpoint == "all" else {"viewpoint": [90]}),
        )
        for weather in ("all", "sunny", "foggy")
        for people in (3, 6)
        for viewpoint in ("all", "side")
    }
    return [fixed_arm(name, part) for name, part in parts.items()]


def _runs(arms: list[Arm]) -> list[Run]:
    reached = {"all": 0.3, "sunny": 0.4, "foggy": 0.1}
    return [
        Run(arm.name, seed, 1, 1, reached[arm.name.split("-")[0]] + 0.001 * (seed + number % 3), 0, 0, 0, 0)
        for number, arm in enumerate(arms)
        for seed in range(SEEDS)
    ]


def test_the_attribute_that_runs_follow_explains_them(arms: list[Arm], tmp_path: Path) -> None:
    pretrained = Run("imagenet-only", 0, 0, 0, 0.02, 0, 0, 0, 0)
    found = importance_of_study(arms, [pretrained, *_runs(arms)], FACTORS, None)
    assert found is not None
    assert (found.runs, found.subsets, found.tau) == (len(arms) * SEEDS, len(arms), None)
    shares = {row["factor"]: row["share"] for row in found.rows}
    assert set(shares) == {"identity", "weather", "viewpoint"}
    assert shares["weather"] > 0.99
    assert abs(shares["identity"]) + abs(shares["viewpoint"]) < 0.01
    save_importance(found, tmp_path)
    assert read_importance(tmp_path) == found
    page = render_page(ReportContext("runs", runs=_runs(arms), importance=found))
    assert f"{len(arms)} different subsets" in page
    assert "Kendall" not in page


def test_few_parts_say_nothing_of_attributes(arms: list[Arm], tmp_path: Path) -> None:
    few = [arms[0], arms[4], arms[8]]
    assert importance_of_study(few, _runs(few), FACTORS, None) is None
    assert read_importance(tmp_path) is None


def test_the_two_readings_agree_where_losses_follow_the_same_attributes(arms: list[Arm]) -> None:
    losses = pl.DataFrame({"factor": ["identity", "weather", "viewpoint"], "share": [0.2, 0.7, 0.1]})
    gap: Any = SimpleNamespace(importance=losses)
    found = importance_of_study(arms, _runs(arms), FACTORS, gap)
    assert found is not None
    assert [row["loss_share"] for row in found.rows] == [0.2, 0.7, 0.1]
    mine = sorted(found.rows, key=lambda row: row["share"])
    assert mine[-1]["factor"] == "weather"
    assert [row["share"] for row in mine[:2]] == [0, 0]
    assert found.tau == pytest.approx(np.sqrt(2 / 3))  # that of three attributes, two of them tied
    assert "Kendall" in render_page(ReportContext("runs", runs=_runs(arms), importance=found))
