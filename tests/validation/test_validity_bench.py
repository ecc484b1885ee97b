"""The analysis of the experiment behind docs/validity.md, on simulated runs whose truth is known."""

import importlib.util
import itertools
import json
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import polars as pl
import pytest

pytestmark = pytest.mark.slow


BENCH = Path(__file__).parents[2] / "bench" / "validity.py"


@pytest.fixture(scope="module")
def bench() -> ModuleType:
    spec = importlib.util.spec_from_file_location("validity", BENCH)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["validity"] = module
    spec.loader.exec_module(module)
    return module


def write_tables(bench: ModuleType, folder: Path, slope: float, seed: int = 0) -> pl.DataFrame:
    """The chosen subsets with made gaps; mAP falls by ``slope`` a unit of each target's own gap."""
    rng = np.random.default_rng(seed)
    subsets = pl.read_csv(bench.RESULTS / "subsets.csv")
    effects = {name: rng.normal(size=(2, 7)) for name in bench.TARGETS}
    effects["market-b"] = effects["market-a"] + 0.01 * rng.normal(size=(2, 7))
    pairs = list(itertools.combinations(range(7), 2))
    gaps = {
        name: 0.2 + 0.05 * np.add.outer(*(own[np.array(pairs)].mean(axis=1) for own in both)).ravel()
        for name, both in effects.items()
    }
    pl.DataFrame({"candidate": np.arange(441), **gaps}).write_csv(folder / "candidates.csv")
    at = bench._candidates_of(subsets)
    made = {f"gap_{name}": values[at] for name, values in gaps.items()}
    made |= {f"total_{name}": rng.normal(size=30) for name in gaps}
    made |= {"diversity": rng.normal(size=30), "brightness": rng.normal(size=30)}
    subsets.with_columns(**{name: pl.Series(values) for name, values in made.items()}).write_csv(folder / "subsets.csv")
    rows = []
    for run in bench.plan_runs():
        for name in bench.TARGETS:
            gap = made[f"gap_{name}"][run.subset] if run.subset >= 0 else 0.2
            common = np.random.default_rng(run.subset + 100).normal()  # what makes a subset good for all
            value = 0.2 + slope * gap + 0.002 * common + 0.0015 * rng.normal()
            about = {"subset": run.subset, "seed": run.seed, "target": name, "camera": 0, "mAP": value}
            rows += [about, {**about, "camera": 1, "mAP": 0.9}]
    runs = pl.DataFrame(rows)
    runs.write_csv(folder / "runs.csv")
    return runs


def test_what_was_simulated_is_found(bench: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_tables(bench, tmp_path, -0.15)
    found = bench.analysis(tmp_path)
    assert found["subsets"] == 30
    assert found["runs"] == 36 + 12
    assert found["primary 1"]["verdict"] == "predicts"
    assert found["primary 1"]["slope"]["value"] == pytest.approx(-0.15, abs=0.05)
    assert found["primary 2"]["significant"]
    assert found["primary 2"]["correlation"] < -0.5
    assert found["choice"]["measure"] == "gap"
    kept = json.loads((tmp_path / "outcomes.json").read_text())
    assert kept["primary 2"]["p"] == found["primary 2"]["p"]
    assert {own["target"] for own in kept["targets"]} == set(bench.OUTCOMES)
    assert "1. Market-1501: predicts" in capsys.readouterr().out


def test_seldom_is_anything_found_where_there_is_nothing(
    bench: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("closerlook.validation.renaming.MOST", 399)
    claims = []
    for seed in range(1, 9):
        write_tables(bench, tmp_path, 0.0, seed)
        found = bench.analysis(tmp_path)
        claims += [found["primary 1"]["verdict"] in ("predicts", "misleads"), found["primary 2"]["significant"]]
        assert found["primary 1"]["gain"]["detectable"] < 0.01
    assert sum(claims) <= 2  # of 16, each wrong in one of forty


def test_runs_and_measures_may_be_missing_or_come_later(bench: ModuleType, tmp_path: Path) -> None:
    runs = write_tables(bench, tmp_path, -0.15)
    kept = [(run.subset, run.seed) for run in bench.plan_runs()[:24]]
    some = runs.filter(pl.struct("subset", "seed").is_in([{"subset": a, "seed": b} for a, b in kept]))
    last = kept[-1]
    half = (pl.col("subset") == last[0]) & (pl.col("seed") == last[1]) & (pl.col("target") != "market-a")
    some.filter(~half).write_csv(tmp_path / "runs.csv")
    rng = np.random.default_rng(0)
    measures = [
        {"subset": subset, "target": target, "measure": name, "value": rng.normal()}
        for subset in range(30)
        for target in bench.TARGETS
        for name in ("coverage", "gap", "trained head")
    ]
    pl.DataFrame(measures).write_csv(tmp_path / "measures.csv")
    found = bench.analysis(tmp_path)
    assert 6 < found["subsets"] <= len({subset for subset, _ in kept if subset >= 0})
    assert {row["measure"] for row in found["associations"]} == {
        "gap",
        "total balanced",
        "diversity",
        "coverage",
        "trained head",
    }
    assert found["choice"]["by_measure"]["gap"] > 0.5  # of subsets.csv, as chosen by


def test_the_real_tables_name_candidates(bench: ModuleType) -> None:
    subsets = pl.read_csv(bench.RESULTS / "subsets.csv")
    numbers = bench._candidates_of(subsets)
    for number, (weather, hours) in zip(numbers, subsets.select("weather", "illumination").iter_rows(), strict=True):
        levels = bench.SPACE.levels(number)
        assert sorted(levels["weather"]) == sorted(weather.split("+"))
        assert sorted(levels["illumination"]) == sorted(hours.split("+"))
