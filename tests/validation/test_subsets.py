"""Which subsets an experiment trains on: equal images and people, evenly spread, tied to nothing else."""

from itertools import pairwise
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from scipy import stats

from closerlook.attributes import Factor
from closerlook.dataset import Dataset
from closerlook.errors import UsageError
from closerlook.validation.runs import plan_runs
from closerlook.validation.subsets import (
    Candidates,
    check_equal_cells,
    choose_factors,
    random_rows,
    spread_evenly,
    subset_rows,
)

FACTORS = (
    Factor("viewpoint", (0, 120, 240)),
    Factor("weather", ("sunny", "foggy", "snow", "rain")),
    Factor("hour", (6, 12, 20)),
    Factor("sex", ("f", "m")),
)


@pytest.fixture
def source(tmp_path: Path) -> Dataset:
    rows = [
        (person, v, w, h, "fm"[person % 2])
        for person in range(6)
        for v in FACTORS[0].levels
        for w in FACTORS[1].levels
        for h in FACTORS[2].levels
    ]
    table = pl.DataFrame(rows, schema=["identity", "viewpoint", "weather", "hour", "sex"], orient="row")
    return Dataset.from_table(
        tmp_path, table.with_columns(file_name=pl.format("{}.jpg", pl.int_range(216))), "s", FACTORS
    )


def test_the_default_is_two_factors_with_three_levels_but_not_the_viewpoint(source: Dataset) -> None:
    assert [factor.name for factor in choose_factors(source, None)] == ["weather", "hour"]
    assert [factor.name for factor in choose_factors(source, ["viewpoint"])] == ["viewpoint"]
    with pytest.raises(UsageError, match="'sex' of s has 2 levels"):
        choose_factors(source, ["weather", "sex"])
    with pytest.raises(UsageError, match="Unknown attribute of s 'wether'"):
        choose_factors(source, ["wether"])
    with pytest.raises(UsageError, match="named twice"):
        choose_factors(source, ["hour", "hour"])
    few = Dataset(source.root, source.table, "s", FACTORS[:2])
    with pytest.raises(UsageError, match=r"no two attributes .*levels: viewpoint \(3\), weather \(4\)"):
        choose_factors(few, None)


def test_unequal_cells_are_refused(source: Dataset) -> None:
    chosen = choose_factors(source, None)
    check_equal_cells(source, chosen)
    with pytest.raises(UsageError, match="person 3 has 2 to 3 images in a combination of weather and hour"):
        check_equal_cells(source.take(np.delete(np.arange(216), 108)), chosen)
    gone = source.filter(~((pl.col("identity") == 2) & (pl.col("weather") == "snow")))
    with pytest.raises(UsageError, match="person 2 has 0 to 3 images"):
        check_equal_cells(gone, chosen)
    with pytest.raises(UsageError, match="person 0 has 0 to 3 images"):  # nobody has it
        check_equal_cells(source.filter(pl.col("weather") != "snow"), chosen)


def test_subsets_and_controls_hold_equal_images_of_the_same_people(source: Dataset) -> None:
    chosen = choose_factors(source, None)
    space = Candidates(chosen)
    assert len(space) == 6 * 3
    parts = [source.take(subset_rows(source, space.levels(number))) for number in range(len(space))]
    parts += [source.take(random_rows(source, chosen, seed)) for seed in range(3)]
    for part in parts:
        assert part.table.group_by("identity").len()["len"].to_list() == [12] * 6
        assert part.table.group_by("identity", "viewpoint").len()["len"].to_list() == [4] * 18
    controls = [set(part.table["file_name"]) for part in parts[-3:]]
    assert controls[0] != controls[1]
    levels = space.levels(7)
    assert space.number([levels["weather"], levels["hour"]]) == 7
    assert set(parts[7].table["weather"]) == set(levels["weather"])


def test_the_spread_is_even_and_tells_nothing_else() -> None:
    rng = np.random.default_rng(0)
    distance = rng.exponential(size=400)
    others = np.column_stack([distance + rng.normal(size=400), rng.normal(size=400), np.ones(400)])
    chosen = spread_evenly(distance, others, 20, 0, tries=3000)
    assert len(set(chosen)) == 20
    rho = [stats.spearmanr(distance[chosen], column[chosen]).statistic for column in others.T[:2]]
    assert abs(stats.spearmanr(distance, others[:, 0]).statistic) > 0.5
    assert np.abs(rho[1]) < 0.2
    blind = spread_evenly(distance, others, 20, 0, tries=0)
    assert abs(rho[0]) < abs(stats.spearmanr(distance[blind], others[blind, 0]).statistic) - 0.1
    quarters = np.histogram(distance[chosen], 4)[0]
    assert quarters.min() >= 2
    assert (spread_evenly(distance[:5], others[:5], 9, 0) == np.arange(5)).all()


def test_the_plan_of_runs() -> None:
    plan = plan_runs(30, 6, 1, 1 / 3, 5)
    assert len(plan) == len(set(plan)) == 30 + 10 + 6 + 2
    firsts = [run.subset for run in plan if run.seed == 5]
    assert sorted(firsts) == list(range(-6, 30))
    assert firsts != sorted(firsts)
    for one, other in pairwise(plan):
        assert other.seed == 5 or one.subset == other.subset  # a second seed follows at once
    assert plan_runs(4, 0, 2, 0, 0) != plan_runs(4, 0, 2, 0, 1)
    assert {run.name for run in plan_runs(1, 1, 1, 0, 0)} == {"subset-0-seed-0", "random-1-seed-0"}
