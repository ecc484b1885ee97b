"""Which parts a study trains on, before any is trained on."""

from pathlib import Path
from types import SimpleNamespace

import polars as pl
import pytest

from closerlook.attributes import Factor
from closerlook.dataset import Dataset
from closerlook.errors import CloserlookError, UsageError
from closerlook.selection import Plan
from closerlook.storage.files import alone_in
from closerlook.study import run_study
from closerlook.study.ablation import study_arms
from closerlook.study.tables import Row

FACTORS = (Factor("weather", ("sunny", "clouds", "foggy")), Factor("illumination", ("noon", "night")))
PEOPLE = 8


@pytest.fixture
def source(tmp_path: Path) -> Dataset:
    rows = [(p, w, i) for p in range(PEOPLE) for w in FACTORS[0].levels for i in FACTORS[1].levels]
    table = pl.DataFrame(rows, schema=["identity", "weather", "illumination"], orient="row")
    names = pl.format("{}.jpg", pl.int_range(table.height))
    return Dataset.from_table(tmp_path, table.with_columns(file_name=names, split=pl.lit("train")), "made", FACTORS)


@pytest.fixture
def gap() -> SimpleNamespace:
    rows = [("weather", "sunny", 0.1), ("weather", "clouds", 0.4), ("weather", "foggy", 0.9)]
    rows += [("illumination", "noon", 0.2), ("illumination", "night", 0.7)]
    estimates = pl.DataFrame(rows, schema=["factor", "level", "mmd2"], orient="row")
    settings = SimpleNamespace(source_images=48)
    return SimpleNamespace(factors=FACTORS, estimates=estimates, settings=settings, count_images=lambda values: 16)


def test_a_plan_meets_its_random_and_its_worst_part(source: Dataset, gap: SimpleNamespace) -> None:
    plan = Plan(values={"weather": ("sunny",)}, images=16, share=1 / 3, identities=(0, 1, 2))
    arms = {arm.name: arm for arm in study_arms(source, {"plan": plan}, [], gap)}  # type: ignore[arg-type]
    assert list(arms) == ["all", "plan", "plan-random", "plan-worst"]
    assert {arm.name: arm.control for arm in arms.values() if arm.control} == dict.fromkeys(
        ("plan", "plan-worst"), "plan-random"
    )
    parts = {name: arm.subset(0) for name, arm in arms.items()}
    assert [len(part) for part in parts.values()] == [48, 6, 6, 6]
    assert set(parts["plan-worst"].table["weather"]) == {"foggy"}
    assert set(parts["plan-worst"].table["identity"]) == {0, 1, 2}
    everything = Plan(values={}, images=48, share=1.0)
    assert len(study_arms(source, {"plan": everything}, [], gap)) == 3  # type: ignore[arg-type]


def test_a_plan_of_weights_is_compared_with_all_images_drawn_evenly(source: Dataset, gap: SimpleNamespace) -> None:
    levels = [{"weather": level} for level in source.factor("weather").levels]
    weights = [{"levels": each, "weight": 1 / len(levels)} for each in levels]
    plan = Plan.model_validate(
        {"values": {}, "images": len(source), "share": 1, "weights": weights, "weighted": "batches"}
    )
    arms = {arm.name: arm for arm in study_arms(source, {"mixture": plan}, [], gap)}  # type: ignore[arg-type]
    assert list(arms) == ["all", "mixture"]
    assert arms["mixture"].control == "all"
    assert "sampling_weight" in arms["mixture"].subset(0).table.columns


def test_rows_that_cut_attributes_have_their_random_part(source: Dataset) -> None:
    rows = [Row("half-of-people", 1 / 2), Row("all"), Row("weather", levels={"weather": ("clouds", "sunny")})]
    arms = {arm.name: arm for arm in study_arms(source, {}, rows, None)}
    assert list(arms) == ["all", "half-of-people", "weather", "weather-random"]
    assert [len(arm.subset(1)) for arm in arms.values()] == [48, 24, 32, 32]
    assert arms["weather"].control == "weather-random"
    assert set(arms["half-of-people"].subset(0).table["identity"]) == set(range(4))


def test_two_studies_in_one_folder_are_refused(source: Dataset, tmp_path: Path) -> None:
    says = "Another run is studying in"
    with alone_in(tmp_path / "out", "studying in"), pytest.raises(CloserlookError, match=says):
        run_study(source, source, out=tmp_path / "out", overrides={"identities_per_batch": 4})
    assert list((tmp_path / "out").iterdir()) == []


def test_what_cannot_be_trained_is_refused_before_anything_is(source: Dataset, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="'all' has 8 people; recipe 'baseline' draws 16"):
        run_study(source, source, out=tmp_path / "out", recipe="baseline")
    plans = {"all": Plan(values={}, images=48, share=1.0)}
    with pytest.raises(UsageError, match="called 'all'"):
        run_study(source, source, out=tmp_path / "out", plans=plans, overrides={"identities_per_batch": 4})
    assert not (tmp_path / "out").exists()
