import itertools
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings, strategies as st

from closerlook.attributes import Factor
from closerlook.choices import Criterion, Method
from closerlook.errors import CloserlookError, UsageError
from closerlook.randomness import keyed_rng
from closerlook.selection import Plan, everything, nearest_distribution, select, worst

from .conftest import COPIES, Made, repeated

pytestmark = pytest.mark.slow


@pytest.fixture(autouse=True, scope="module")
def few_halves() -> Iterator[None]:
    with repeated(2):
        yield


@pytest.fixture(scope="module")
def made() -> Made:
    return Made((4, 3, 2), 3, per_cell=12)


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 10**6), criterion=st.sampled_from(["mmd2", "total_loss"]))
def test_greedy_is_the_papers(seed: int, criterion: Criterion) -> None:
    """A literal transcription: average each level's images, keep the levels at or below the mean of the levels."""
    made = Made((4, 3), seed)
    values = select(made.gap, criterion=criterion, rule="mean", all_levels=[]).values
    for axis, factor in enumerate(made.factors):
        losses = []
        for number in range(len(factor)):
            vectors = made.source[made.cells[made.cell, axis] == number]
            inside = np.flatnonzero(made.cells[made.cell, axis] == number)
            products = made.gap.measurement.unbiased_cell_products[0][np.ix_(made.cell[inside], made.cell[inside])]
            pair = ((vectors[:, None] - made.target[None]) ** 2).sum(axis=2).mean()
            losses.append(products.mean() if criterion == "mmd2" else pair)
        expected = tuple(level for level, loss in zip(factor.levels, losses, strict=True) if loss <= np.mean(losses))
        assert values[factor.name] == expected


def test_a_plan_counts_the_sources_images(made: Made) -> None:
    plan = select(made.gap)
    inside = np.all(
        [
            np.isin(made.cells[:, axis], [f.index(v) for v in plan.values[f.name]])
            for axis, f in enumerate(made.factors)
        ],
        0,
    )
    assert plan.images == inside.sum() * 12 * COPIES
    assert plan.share == pytest.approx(plan.images / (len(made.source) * COPIES))
    assert len(plan.rows(made.gap.losses)) == inside.sum() * 12


@pytest.mark.parametrize("rule", ["mean", "not-worse", "top:1", "top:2", "below:0.4", "below:-9"])
def test_every_rule_keeps_at_least_the_lowest(made: Made, rule: str) -> None:
    plan = select(made.gap, rule=rule)
    for factor in made.factors:
        table = made.gap.estimates.filter(made.gap.estimates["factor"] == factor.name).sort("mmd2")
        assert table["level"][0] in plan.values[factor.name]
        if rule.startswith("top"):
            assert len(plan.values[factor.name]) == min(int(rule[-1]), len(factor))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"method": "greed"}, "Did you mean 'greedy'"),
        ({"criterion": "loss"}, "total_loss"),
        ({"rule": "best"}, "top:NUMBER"),
        ({"rule": "top:0"}, "top:NUMBER"),
        ({"rule": "below:1.1.1"}, "top:NUMBER"),
        ({"rule": "not-worse", "criterion": "total_loss"}, "criterion='mmd2'"),
        ({"all_levels": ["f9"]}, "attribute to take all levels of"),
        ({"min_effective_cells": 3.0}, "belongs to method 'quadratic'"),
        ({"diversity": 0.5}, "belongs to method 'exhaustive'"),
        ({"method": "quadratic", "caps": {"f0": {"l0": 1.5}}}, "between 0 and 1"),
        ({"rule": "paper:cuhk"}, "target of the paper"),
        ({"method": "quadratic", "criterion": "total_loss"}, "goes by means"),
        ({"method": "quadratic", "budget": 10**9}, "between 1 and"),
        ({"method": "quadratic", "budget": 100, "min_effective_cells": 1000.0}, "min_effective_cells must be"),
    ],
)
def test_wrong_requests_are_explained(made: Made, arguments: dict[str, object], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        select(made.gap, **arguments)  # type: ignore[arg-type]


@pytest.mark.parametrize("method", ["greedy", "exhaustive", "quadratic"])
@pytest.mark.parametrize("budget", [120, 500, 1500])
def test_a_budget_is_kept(made: Made, method: Method, budget: int) -> None:
    plan = select(made.gap, method=method, budget=budget)
    assert 0 < plan.images <= budget
    if method == "quadratic":
        assert plan.images == budget


def test_an_impossible_budget_is_explained(made: Made) -> None:
    with pytest.raises(CloserlookError, match="more than the budget"):
        select(made.gap, budget=1)


def test_exhaustive_is_never_worse_than_greedy(made: Made) -> None:
    greedy, best = (select(made.gap, method=method) for method in ("greedy", "exhaustive"))
    assert best.images >= greedy.images
    assert best.provenance is not None
    assert greedy.provenance is not None
    assert best.provenance.scores["mmd2"] <= greedy.provenance.scores["mmd2"]


def test_a_target_like_the_source_keeps_everything() -> None:
    """Where no level is significantly farther than the rest there is nothing to drop, and no gain to claim."""
    made = Made((4, 3), 8, per_cell=20)
    rng = np.random.default_rng(0)
    made.source = rng.normal(size=made.source.shape)
    made.target = rng.normal(size=made.target.shape)
    gap = replace(made.gap, measurement=made.remeasure())
    plan = select(gap, rule="not-worse")
    assert plan.values == {factor.name: factor.levels for factor in made.factors}
    assert plan.provenance is not None
    assert plan.provenance.evidence["gain"] == pytest.approx(0, abs=1e-12)
    assert any("not closer" in note for note in plan.provenance.notes)


def test_planted_levels_are_found_with_evidence() -> None:
    made = Made((4, 3), 8, per_cell=60)
    rng = np.random.default_rng(0)
    near = np.isin(made.cells[:, 0], [1, 2])[made.cell]
    made.source = rng.normal(size=made.source.shape) + np.where(near, 0.0, 1.0)[:, None]
    made.target = rng.normal(size=made.target.shape)
    plan = select(replace(made.gap, measurement=made.remeasure()), rule="not-worse")
    assert plan.values == {"f0": ("l1", "l2"), "f1": ("l0", "l1", "l2")}
    assert plan.provenance is not None
    evidence = plan.provenance.evidence
    assert evidence["gain_low"] > 0
    assert evidence["held_out_gain"] > 0
    assert evidence["agreement"] > 0.8
    assert not plan.provenance.notes


@pytest.mark.parametrize("method", ["greedy", "quadratic"])
def test_plans_come_back_from_their_file(made: Made, method: Method, tmp_path: Path) -> None:
    plan = select(made.gap, method=method)
    plan.save(tmp_path / "plan.yaml")
    assert Plan.load(tmp_path / "plan.yaml") == plan


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("values: {weather: [sunny]}", "images"),
        ("values: 3\nimages: 1\nshare: 0.5", "values"),
        ("values: {}\nimages: 1\nshare: 1.5", "share"),
        ("values: {}\nimages: 1\nshare: 1\nweigths: []", "weigths"),
        ("[1, 2", "not valid YAML"),
        ("", "not a plan"),
    ],
)
def test_a_wrong_plan_is_explained(text: str, message: str, tmp_path: Path) -> None:
    path = tmp_path / "plan.yaml"
    path.write_text(text)
    with pytest.raises(CloserlookError, match=message) as error:
        Plan.load(path)
    assert str(path) in str(error.value)


def test_missing_plans_and_columns_are_named(made: Made, tmp_path: Path) -> None:
    with pytest.raises(CloserlookError, match="There is no file"):
        Plan.load(tmp_path / "none.yaml")
    with pytest.raises(CloserlookError, match="is a folder"):
        Plan.load(tmp_path)
    plan = Plan(values={"color": ("red",)}, images=1, share=0.5)
    with pytest.raises(CloserlookError, match="'color'"):
        plan.rows(made.gap.losses)
    with pytest.raises(CloserlookError, match="No image has the levels"):
        Plan(values={"f0": ("l9",)}, images=1, share=0.5).rows(made.gap.losses)


def test_levels_match_as_text() -> None:
    table = pl.DataFrame({"viewpoint": [0, 30, 60, 30], "weather": ["sunny", "foggy", "sunny", None]})
    assert Plan(values={"viewpoint": ("30", 60)}, images=1, share=0.5).rows(table).tolist() == [1, 2, 3]
    assert Plan(values={"weather": ("sunny",)}, images=1, share=0.5).rows(table).tolist() == [0, 2]


def test_the_worst_part_is_as_large_and_further(made: Made) -> None:
    plan = select(made.gap)
    other = worst(made.gap, plan)
    assert {name: len(levels) for name, levels in other.values.items()} == {n: len(v) for n, v in plan.values.items()}
    assert made.gap.score(other.values)["mmd2"] > made.gap.score(plan.values)["mmd2"]
    assert everything(made.gap).share == 1


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 10**6), share=st.floats(0.05, 1.0), missing=st.sampled_from([0.0, 0.3]))
def test_the_mixture_is_the_best(seed: int, share: float, missing: float) -> None:
    """Against its certificate, and against 300 other distributions that keep the caps."""
    made = Made((3, 3), seed, missing=missing)
    available = made.gap.measurement.cell_images
    budget = max(1, int(share * available.sum()))
    found = nearest_distribution(made.gap, budget)
    distances = np.einsum("b,bcd->cd", made.gap.weights.total, made.gap.measurement.cell_products)
    assert found.distance == pytest.approx(found.bound, abs=1e-6 * np.abs(distances).max())
    assert found.weights.sum() == pytest.approx(1)
    assert (found.weights >= 0).all()
    assert (found.weights <= available / budget + 1e-6).all()
    rng = np.random.default_rng(seed)
    for _ in range(300):
        other = np.minimum(rng.dirichlet(np.full(len(available), 0.5)), available / budget)
        other /= other.sum()
        if (other <= available / budget + 1e-9).all():
            assert other @ distances @ other >= found.distance - 1e-6 * np.abs(distances).max()


@pytest.mark.parametrize("method", ["greedy", "exhaustive", "quadratic"])
def test_every_level_of_a_kept_attribute_is_taken(made: Made, method: Method) -> None:
    """In the shares that it has in the source."""
    plan = select(made.gap, method=method, rule="mean", all_levels=["f0"], budget=1440)
    counts = plan.counts["f0"]
    assert list(counts) == ["l0", "l1", "l2", "l3"]
    assert max(counts.values()) - min(counts.values()) <= 1
    assert sum(counts.values()) == pytest.approx(plan.images, abs=2)


def test_viewpoints_are_kept_unless_asked(made: Made) -> None:
    factors = (Factor("viewpoint", (0, 90, 180, 270)), *made.factors[1:])
    names = {"f0": "viewpoint"}
    levels = {f"l{number}": level for number, level in enumerate(factors[0].levels)}
    images = made.gap.measurement.images.rename(names).with_columns(pl.col("viewpoint").replace_strict(levels))
    gap = replace(made.gap, measurement=replace(made.gap.measurement, factors=factors, images=images))
    assert select(gap, rule="top:1").values["viewpoint"] == (0, 90, 180, 270)
    assert len(select(gap, rule="top:1", all_levels=[]).values["viewpoint"]) == 1


def test_a_cap_is_kept_and_costs_distance(made: Made) -> None:
    free = nearest_distribution(made.gap, 300)
    members = made.gap.cells_of({"f0": ["l1"]})
    cap = float(free.weights[members].sum()) / 2
    capped = nearest_distribution(made.gap, 300, caps={"f0": {"l1": cap}})
    assert capped.weights[members].sum() <= cap + 1e-6
    assert capped.distance >= free.distance
    with pytest.raises(CloserlookError, match="loosen"):
        nearest_distribution(made.gap, 300, caps={"f0": {f"l{i}": 0.1 for i in range(4)}})


def test_a_cell_that_was_not_analyzed_gets_no_weight(made: Made) -> None:
    measurement = made.gap.measurement
    best = int(np.argmax(nearest_distribution(made.gap, 200).weights))
    images = measurement.images.filter(pl.col("cell") != best)
    distances = measurement.distances[measurement.images["cell"].to_numpy() != best]
    gaps = measurement.cell_products.copy()
    gaps[:, best] = gaps[:, :, best] = 0  # as a subset of the data leaves it
    without = replace(measurement, images=images, distances=distances, cell_products=gaps)
    assert nearest_distribution(replace(made.gap, measurement=without), 200).weights[best] == pytest.approx(0, abs=1e-6)


def test_variety_is_kept(made: Made) -> None:
    few, many = nearest_distribution(made.gap, 200), nearest_distribution(made.gap, 200, min_effective_cells=20.0)
    assert 1 / (many.weights**2).sum() >= 20 - 1e-4
    assert 1 / (few.weights**2).sum() < 20
    assert few.distance <= many.distance


def test_the_mixture_finds_planted_weights() -> None:
    """A target that is a known mixture of well separated cells, in expectation."""
    made = Made((4,), 0, per_cell=400)
    rng = np.random.default_rng(5)
    centers = 3 * np.eye(4, made.source.shape[1])
    planted = np.array([0.5, 0.3, 0.2, 0.0])
    made.source = centers[made.cell] + rng.normal(size=made.source.shape) / 2
    made.target = centers[rng.choice(4, 4000, p=planted)] + rng.normal(size=(4000, made.source.shape[1])) / 2
    gap = replace(made.gap, measurement=made.remeasure())
    np.testing.assert_allclose(nearest_distribution(gap, 1000).weights, planted, atol=0.03)


def test_planted_weights_lie_inside_the_halves_interval() -> None:
    """Halves of people and target differ from the whole as the whole does from the truth."""
    made = Made((4,), 0, per_cell=120)
    rng = np.random.default_rng(5)
    centers = 3 * np.eye(4, made.source.shape[1])
    planted = np.array([0.4, 0.3, 0.2, 0.1])
    made.source = centers[made.cell] + rng.normal(size=made.source.shape)
    made.target = centers[rng.choice(4, 800, p=planted)] + rng.normal(size=(800, made.source.shape[1]))
    gap = replace(made.gap, measurement=made.remeasure())
    whole = nearest_distribution(gap, 480).weights
    pairs = [gap.split_halves(keyed_rng(0, number)) for number in range(8)]
    found = np.array([nearest_distribution(half, 480).weights for pair in pairs for half in pair])
    error = 2.4 * found.std(axis=0)
    assert (np.abs(whole - planted) <= error).all()
    assert (error < 0.12).all()


@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 10**6))
def test_more_to_draw_is_never_nearer(seed: int) -> None:
    """What can be drawn without taking an image twice shrinks with the budget, until all that is left is everything."""
    made = Made((3, 3), seed)
    total = int(made.gap.measurement.cell_images.sum())
    distances = [nearest_distribution(made.gap, round(share * total)).distance for share in (0.1, 0.3, 0.6, 1.0)]
    assert all(a <= b + 1e-6 * abs(b) for a, b in itertools.pairwise(distances))


def test_a_weighted_plan_draws_its_shares(made: Made) -> None:
    """Of any table: here of the analyzed tenth of the source, so that a tenth of the budget is drawn."""
    plan = select(made.gap, method="quadratic", budget=1000)
    table = made.gap.losses
    rows = plan.rows(table)
    assert len(rows) == 1000 / COPIES
    assert (np.diff(rows) > 0).all()
    assert (plan.rows(table) == rows).all()
    taken = table[rows].group_by("f0", "f1", "f2").len()
    wanted = {tuple(cell.levels.values()): cell.weight * 1000 / COPIES for cell in plan.weights}
    for *levels, count in taken.iter_rows():
        assert abs(count - wanted[tuple(levels)]) <= 1
