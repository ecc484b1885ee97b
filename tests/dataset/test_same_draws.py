"""Files and shards of the same images: what is drawn by names is the same of both, all the way to the batches."""

import numpy as np
import polars as pl
import pytest

import closerlook as cl
from closerlook.dataset import Dataset, open_dataset
from closerlook.dataset.shards import as_files, write_shard
from closerlook.reid.batches import Batches
from closerlook.reid.recipe import Recipe

from .drawing import write

SIZE = (32, 16)
RECIPE = {"steps": 3, "size": list(SIZE), "identities_per_batch": 3, "images_per_identity": 2}


@pytest.fixture
def both(tmp_path):
    """A folder a person with files, and a shard a person with their bytes, as ``generate`` writes them."""
    rows: list[tuple[str, int, str]] = []
    for person in range(1, 5):
        for weather in ("foggy", "sunny"):
            for number in range(4):
                name = f"images/{person:04d}/{person:04d}_{weather}_{number}.png"
                write(tmp_path / "files" / name, seed=len(rows))
                rows.append((name, person, weather))
    table = pl.DataFrame(rows, schema=["file_name", "identity", "weather"], orient="row")
    files = Dataset.from_table(tmp_path / "files", table, "data")
    files.save()
    for (person,), part in table.group_by("identity"):
        path = tmp_path / "shards" / "images" / f"{person:04d}.parquet"
        path.parent.mkdir(parents=True, exist_ok=True)
        write_shard(path, part, [(files.root / name).read_bytes() for name in part["file_name"]])
    shards = open_dataset(tmp_path / "shards")
    assert as_files(shards.table["file_name"]).to_list() == table["file_name"].to_list()
    return files, shards


def test_analysis_plan_and_batches_are_equal(both, people, tmp_path):
    gaps, plans, batches = [], [], []
    for data in both:
        gaps.append(cl.analyze(data, people, embedding="lite0-pooled", size=SIZE, per_cell=2))
        plans.append(cl.select(gaps[-1], method="mixture", budget=12))
        rows = plans[-1].rows(data.table)
        assert 0 < len(rows) < len(data)
        made = Batches.from_dataset(data.subset(plans[-1]), Recipe.resolve("cpu-quick", RECIPE), seed=0)
        batches.append([as_files(pl.Series(made.file_names(number))).to_list() for number in range(3)])
    assert gaps[0].levels.equals(gaps[1].levels)
    assert gaps[0].losses["file_name"].to_list() == as_files(gaps[1].losses["file_name"]).to_list()
    assert set(gaps[1].losses["file_name"]) <= set(both[1].table["file_name"])
    assert np.array_equal(plans[0].rows(both[0].table), plans[1].rows(both[1].table))
    assert batches[0] == batches[1]


def test_a_plan_of_single_images_is_of_either(both):
    files, shards = both
    gap = cl.analyze(files, shards, embedding="lite0-pooled", size=SIZE)
    plan = cl.select(gap, method="nearest", budget=6)
    assert np.array_equal(plan.rows(files.table), plan.rows(shards.table))
    weighed = plan.model_copy(update={"file_weights": tuple(np.linspace(0.5, 1.5, 6).tolist())})
    one, other = weighed.apply(files.table), weighed.apply(shards.table)
    assert one["sampling_weight"].to_list() == other["sampling_weight"].to_list()
    assert one.columns == other.columns and one["sampling_weight"].null_count() == 0


def test_a_plan_over_several_sources_keeps_images_of_each(both, people):
    several = cl.concatenate(*both)
    gap = cl.analyze(several, people, embedding="lite0-pooled", size=SIZE)
    assert [factor.name for factor in gap.factors] == ["source", "weather"]
    plan = cl.select(gap, method="mixture", all_levels=["source"])
    kept = several.subset(plan)
    assert set(kept.table["source"]) == {"data", "shards"}
    assert len(Batches.from_dataset(kept, Recipe.resolve("cpu-quick", RECIPE), seed=0).file_names(0)) == 6
