"""The methods that weigh images, or choose single ones; the others have files of their own."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings, strategies as st

from closerlook.choices import Method
from closerlook.dataset import Dataset
from closerlook.errors import CloserlookError, UsageError
from closerlook.gap import Gap, analyze
from closerlook.selection import Plan, nearest_distribution, select
from closerlook.selection.methods.asked import drawn_shares
from closerlook.selection.methods.density_ratio import LARGEST, density_ratio
from closerlook.selection.methods.mixture import expected_shares
from gap.conftest import SIZE, write_source, write_target

from .conftest import COPIES, Made, repeated

pytestmark = pytest.mark.slow


@pytest.fixture(autouse=True, scope="module")
def few_halves() -> Iterator[None]:
    with repeated(1):
        yield


@pytest.fixture(scope="module")
def planted() -> Made:
    """Four weathers far apart, of which the target shows the first two, and one that is never seen with the rest."""
    made = Made((4, 3), 0, per_cell=60)
    rng = np.random.default_rng(5)
    centers = 3 * np.eye(4, made.source.shape[1])
    made.source = centers[made.cells[made.cell, 0]] + rng.normal(size=made.source.shape)
    made.target = centers[rng.choice(2, 800, p=[0.7, 0.3])] + rng.normal(size=(800, made.source.shape[1]))
    made.gap = replace(made.gap, measurement=made.remeasure())
    return made


def level_weights(plan: Plan, name: str) -> dict[str, float]:
    levels = {str(cell.levels[name]) for cell in plan.weights}
    return {level: sum(c.weight for c in plan.weights if str(c.levels[name]) == level) for level in sorted(levels)}


def test_the_mixture_draws_what_the_target_shows(planted: Made) -> None:
    plan = select(planted.gap, method="mixture")
    weights = level_weights(plan, "f0")
    assert plan.weighted == "batches"
    assert plan.images == len(planted.source) * COPIES
    assert weights["l0"] > weights["l1"] > 0.15
    assert weights["l0"] + weights["l1"] > 0.8
    assert all(0 < weights[level] < 0.15 for level in ("l2", "l3"))
    assert plan.provenance is not None
    assert plan.provenance.evidence["gain_low"] > 0


def test_what_is_uncertain_keeps_a_floor(planted: Made) -> None:
    """A tenth of the images, so that intervals are wide: a level whose estimate is none is drawn all the same."""
    made = Made((4, 3), 0, per_cell=3)
    made.source, made.target = planted.source[::20], planted.target[::20]
    shares = expected_shares(replace(made.gap, measurement=made.remeasure()))
    assert shares[:4].sum() == pytest.approx(1)
    assert shares[4:].sum() == pytest.approx(1)
    assert (shares > 0.005).all()


def test_a_mixture_with_a_budget_is_a_draw(planted: Made) -> None:
    plan = select(planted.gap, method="mixture", budget=3000)
    assert plan.weighted == "images"
    assert plan.images == 3000
    table = pl.concat(
        planted.gap.losses.with_columns(file_name=pl.format("{}-{}", pl.lit(copy), "file_name")) for copy in range(10)
    )
    rows = plan.rows(table)
    assert len(rows) == 3000
    assert not table[rows]["file_name"].is_duplicated().any()
    drawn = dict(table[rows]["f0"].value_counts().iter_rows())
    assert drawn["l0"] > drawn["l1"] > drawn["l2"]


def test_a_distribution_without_a_budget_draws_images_as_often_as_it_likes(planted: Made) -> None:
    """The nearest distribution of all is never farther than those that must not draw an image twice."""
    free, bound = nearest_distribution(planted.gap), nearest_distribution(planted.gap, 2000)
    assert free.distance <= bound.distance + 1e-9
    plan = select(planted.gap, method="quadratic")
    assert plan.weighted == "batches"
    assert plan.provenance is not None
    assert plan.provenance.scores["mmd2"] < (plan.provenance.scores_of_all["mmd2"] or 0)


@settings(max_examples=50, deadline=None)
@given(seed=st.integers(0, 10**6), share=st.floats(0.01, 1.0))
def test_shares_are_in_proportion_until_a_cell_is_empty(seed: int, share: float) -> None:
    rng = np.random.default_rng(seed)
    weights, available = rng.dirichlet(np.full(6, 0.5)), rng.integers(1, 50, 6).astype(float)
    budget = max(1, int(share * available.sum()))
    images = drawn_shares(weights, available, budget) * available
    assert images.sum() == pytest.approx(budget)
    assert (images <= available + 1e-9).all()
    rest = images < available - 1e-6
    if rest.sum() > 1:
        ratio = images[rest] / weights[rest]
        assert ratio == pytest.approx(ratio[0])


def test_the_nearest_images_are_those_of_lowest_loss(planted: Made) -> None:
    plan = select(planted.gap, method="nearest", budget=100)
    losses = planted.gap.losses
    taken = losses[plan.rows(losses)]
    assert plan.images == len(plan.files) == taken.height == 100
    assert taken["loss"].max() <= losses.filter(~pl.col("file_name").is_in(plan.files))["loss"].min()
    assert sum(plan.counts["f0"].values()) == 100
    assert plan.provenance is not None
    assert not plan.provenance.evidence
    assert any("Single images" in note for note in plan.provenance.notes)


def test_more_nearest_images_than_were_analyzed_are_refused(planted: Made) -> None:
    with pytest.raises(UsageError, match="losses of 720 are known"):
        select(planted.gap, method="nearest", budget=721)


def test_the_diverse_subset_is_the_most_diverse(planted: Made) -> None:
    diverse = select(planted.gap, method="diverse", rule="top:2")
    others = [select(planted.gap, method=method, rule="top:2") for method in ("greedy", "exhaustive")]
    assert diverse.provenance is not None
    for other in others:
        assert other.provenance is not None
        assert diverse.provenance.scores["diversity"] >= other.provenance.scores["diversity"]
    assert diverse.provenance.optimum["diversity"] == pytest.approx(diverse.provenance.scores["diversity"])


def test_the_density_ratio_is_that_of_the_densities() -> None:
    """Two normals of one covariance: the logarithm of the ratio is linear, with a known slope."""
    rng = np.random.default_rng(0)
    source, target = rng.normal(size=(6000, 2)), rng.normal(size=(6000, 2)) + np.array([1.0, 0.0])
    found = np.log(density_ratio(source, target, np.arange(6000) // 10, 0))
    slope = np.polyfit(source[:, 0], found, 1)[0]
    assert slope == pytest.approx(1.0, abs=0.08)
    assert abs(np.polyfit(source[:, 1], found, 1)[0]) < 0.08


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> tuple[Gap, Dataset, Dataset]:
    root = tmp_path_factory.mktemp("pictures")
    for name in ("source", "target"):
        (root / name).mkdir()
    source, target = write_source(root / "source", people=12), write_target(root / "target")
    return analyze(source, target, size=SIZE, seed=0), source, target


def test_a_ratio_of_densities_weighs_single_images(pictures: tuple[Gap, Dataset, Dataset], tmp_path: Path) -> None:
    gap, source, target = pictures
    plan = select(gap, method="density-ratio", source=source, target=target, all_levels=[])
    assert plan.images == len(source)
    weights = np.array(plan.file_weights)
    assert weights.mean() == pytest.approx(1)
    assert 0 < weights.min() < weights.max() <= LARGEST * 1.01
    plan.save(tmp_path / "plan.yaml")
    assert Plan.load(tmp_path / "plan.yaml") == plan
    drawn = source.subset(plan)
    assert drawn.table["sampling_weight"].mean() == pytest.approx(1)
    assert "sampling_weight" not in source.subset(plan.random_control(0)).table.columns


def test_a_ratio_of_densities_with_a_budget_draws_images_once(pictures: tuple[Gap, Dataset, Dataset]) -> None:
    gap, source, target = pictures
    plan = select(gap, method="density-ratio", source=source, target=target, budget=20)
    assert len(set(plan.files)) == plan.images == 20
    assert not plan.file_weights
    with pytest.raises(UsageError, match="between 1 and"):
        select(gap, method="density-ratio", source=source, target=target, budget=10**6)


def test_the_head_never_does_worse_than_on_all(pictures: tuple[Gap, Dataset, Dataset]) -> None:
    gap, source, target = pictures
    plan = select(gap, method="trained-head", source=source, target=target, all_levels=[])
    assert plan.provenance is not None
    assert plan.provenance.optimum["head"] >= plan.provenance.optimum["head_of_all"]
    assert plan.images == len(source.subset(plan))
    few = select(gap, method="trained-head", source=source, target=target, all_levels=[], budget=len(source) // 2)
    assert few.images <= len(source) // 2


@pytest.mark.parametrize("method", ["density-ratio", "trained-head"])
def test_images_that_are_needed_are_asked_for(pictures: tuple[Gap, Dataset, Dataset], method: Method) -> None:
    gap, source, _ = pictures
    with pytest.raises(UsageError, match="give it the source"):
        select(gap, method=method)
    with pytest.raises(UsageError, match="give it the target"):
        select(gap, method=method, source=source)


def test_a_gap_that_cannot_tell_the_mixture_says_so(planted: Made) -> None:
    measurement = planted.gap.measurement
    still = np.zeros_like(measurement.unit_sketches)
    gap = replace(planted.gap, measurement=replace(measurement, unit_sketches=still))
    with pytest.raises(CloserlookError, match="cannot be told from this gap"):
        select(gap, method="mixture")
