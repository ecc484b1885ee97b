"""What is asked to be kept is kept: whatever its place in the design, by every method and rule, as provenance says."""

import itertools
from collections.abc import Iterator
from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from closerlook.attributes import DESIGNS, ILLUMINATIONS, WEATHERS, Factor
from closerlook.gap import Gap
from closerlook.selection import METHODS, Plan, select
from closerlook.selection.methods import NEEDS_IMAGES
from closerlook.selection.methods.exhaustive import exhaustive
from closerlook.selection.methods.greedy import greedy, within_budget

from .conftest import Made, repeated

pytestmark = pytest.mark.slow


RULES = ("mean", "not-worse", "top:1", "top:2", "below:0.05", "below:-9", "paper:market", "paper:duke")
FACTORS = (
    Factor("viewpoint", (30, 90, 150, 270)),
    Factor("weather", ("sunny", "foggy", "neutral")),
    Factor("illumination", ("noon", "dusk", "night")),
)


@pytest.fixture(autouse=True, scope="module")
def few_halves() -> Iterator[None]:
    with repeated(1):
        yield


@cache
def gap_of(order: tuple[int, ...]) -> Gap:
    """A gap of ``FACTORS`` in this order, in each of which the last level is significantly farther."""
    made = Made(tuple(len(FACTORS[place]) for place in order), 4, per_cell=6)
    made.factors = tuple(FACTORS[place] for place in order)
    made.source = np.random.default_rng(4).normal(size=made.source.shape)
    for axis, factor in enumerate(made.factors):
        made.source[made.cells[made.cell, axis] == len(factor) - 1, axis] += 4
    return replace(made.gap, measurement=made.remeasure())


def takes_whole(plan: Plan, factor: Factor) -> bool:
    """Whether every level is taken, or drawn, in equal numbers, as the source has them."""
    counts = plan.counts[factor.name]
    if plan.weights:
        shares = [
            sum(cell.weight for cell in plan.weights if cell.levels[factor.name] == level) for level in factor.levels
        ]
        return max(shares) - min(shares) <= 1e-3
    return set(counts) == {str(level) for level in factor.levels} and max(counts.values()) - min(counts.values()) <= 1


@pytest.mark.parametrize("order", list(itertools.permutations(range(3))), ids=str)
@pytest.mark.parametrize("method", [method for method in METHODS if method not in NEEDS_IMAGES])
def test_every_attribute_in_every_place_is_kept(order: tuple[int, ...], method: str) -> None:
    gap = gap_of(order)
    names = [factor.name for factor in gap.factors]
    for all_levels in (None, *([name] for name in names), names[1:], names[:2]):
        budget = 144 if method == "nearest" else None  # of the 216 that were analyzed
        plan = select(gap, method=method, all_levels=all_levels, budget=budget)  # type: ignore[arg-type]
        kept = ["viewpoint"] if all_levels is None else all_levels
        assert plan.provenance is not None
        assert set(plan.provenance.all_levels) == set(kept)
        assert all(takes_whole(plan, factor) for factor in gap.factors if factor.name in kept)
        assert method in ("exhaustive", "diverse") or not all(takes_whole(plan, factor) for factor in gap.factors)


@pytest.mark.parametrize("order", list(itertools.permutations(range(3))), ids=str)
@pytest.mark.parametrize("rule", RULES)
def test_keeping_one_attribute_leaves_the_others_to_the_rule(order: tuple[int, ...], rule: str) -> None:
    gap = gap_of(order)
    narrowed = greedy(gap, rule=rule)
    assert any(narrowed[factor.name] != factor.levels for factor in gap.factors)
    for size in (1, 2, 3):
        for all_levels in itertools.combinations([factor.name for factor in gap.factors], size):
            values = greedy(gap, rule=rule, all_levels=frozenset(all_levels))
            for factor in gap.factors:
                assert values[factor.name] == (factor.levels if factor.name in all_levels else narrowed[factor.name])


@pytest.mark.parametrize("order", list(itertools.permutations(range(3))), ids=str)
def test_a_budget_leaves_what_is_kept(order: tuple[int, ...]) -> None:
    gap = gap_of(order)
    everything = {factor.name: factor.levels for factor in gap.factors}
    for factor in gap.factors:
        least = len(factor) * gap.count_images({f.name: f.levels[:1] for f in gap.factors})
        values = within_budget(gap, everything, least, all_levels=frozenset({factor.name}))
        assert values[factor.name] == factor.levels
        assert gap.count_images(values) == least


@pytest.fixture(scope="module")
def demo() -> Gap:
    """A gap of the demo's shape, 96 images per cell: half of the viewpoints a little far, two skies and hours very."""
    factors = DESIGNS["gpr-plus"].factors
    made = Made(tuple(len(factor) for factor in factors), 0, per_cell=2)
    made.factors = factors
    made.source = np.random.default_rng(2).normal(size=made.source.shape)
    levels = made.cells[made.cell]
    made.source[levels[:, 0] >= 6, 0] += 0.9
    made.source[np.isin(levels[:, 1], [3, 5]), 1] += 4
    made.source[np.isin(levels[:, 2], [0, 6]), 2] += 4
    measurement = made.remeasure()
    images = np.full(len(measurement.cell_levels), 96)
    settings = replace(made.gap.settings, source_images=int(images.sum()))
    return replace(made.gap, measurement=replace(measurement, cell_images=images), settings=settings)


@pytest.mark.parametrize(("rule", "narrowed", "kept"), [("mean", 14_400, 20_160), ("not-worse", 28_800, 40_320)])
def test_the_demos_numbers_of_images(demo: Gap, rule: str, narrowed: int, kept: int) -> None:
    assert select(demo, rule=rule, all_levels=[]).images == narrowed
    plan = select(demo, rule=rule, all_levels=["illumination"])
    assert plan.images == kept
    assert plan.values["illumination"] == ILLUMINATIONS
    assert set(WEATHERS) - set(plan.values["weather"]) == {"foggy", "blizzard"}


@pytest.mark.parametrize("rule", ["mean", "not-worse"])
@pytest.mark.parametrize("criterion", ["mmd2", "total_loss"])
def test_greedy_is_never_better_than_the_best_on_a_gap_like_the_demos(demo: Gap, rule: str, criterion: str) -> None:
    if (rule, criterion) == ("not-worse", "total_loss"):
        pytest.skip("not-worse rests on intervals of mmd2")
    all_levels = frozenset({"illumination"})
    values = greedy(demo, rule=rule, criterion=criterion, all_levels=all_levels)  # type: ignore[arg-type]
    best = exhaustive(demo, criterion=criterion, least=demo.count_images(values), all_levels=all_levels)[0]  # type: ignore[arg-type]
    plan = select(demo, method="exhaustive", criterion=criterion, rule=rule, all_levels=all_levels)  # type: ignore[arg-type]
    assert plan.values == best.values
    assert plan.images >= demo.count_images(values)
    assert plan.provenance is not None
    optimum = plan.provenance.optimum
    assert optimum["best"] == pytest.approx(best.score, abs=1e-9)
    assert optimum["greedy"] == pytest.approx(demo.score(values)[criterion], abs=1e-12)
    assert optimum["greedy_gap"] == optimum["greedy"] - optimum["best"] >= -1e-12


def test_a_greedy_choice_below_the_floor_is_not_compared() -> None:
    """It was not among those searched, and can be nearer than the best of them."""
    gap = gap_of((0, 1, 2))
    floor = (gap.score(greedy(gap, rule="mean"))["diversity"] or 0) + 0.05
    plan = select(gap, method="exhaustive", rule="mean", all_levels=[], diversity=floor)
    assert plan.provenance is not None
    assert plan.provenance.scores["diversity"] >= floor
    assert set(plan.provenance.optimum) == {"best"}
