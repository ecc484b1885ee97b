import itertools

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from closerlook.attributes import DESIGNS
from closerlook.errors import CloserlookError, UsageError
from closerlook.selection.methods.exhaustive import Candidate, exhaustive

from .conftest import COPIES, Made

pytestmark = pytest.mark.slow


SHAPES = st.lists(st.integers(1, 4), min_size=1, max_size=3).filter(lambda shape: np.prod(shape) >= 3)


def literal(made: Made, criterion: str) -> list[tuple[float, int, float, dict[str, tuple[object, ...]]]]:
    """(score, images, diversity, levels) of every product subset with at least two images, by definition."""
    found: list[tuple[float, int, float, dict[str, tuple[object, ...]]]] = []
    measurement = made.gap.measurement
    center = made.target.mean(axis=0)
    bias = float(measurement.target_bias[0])
    target_spread = ((made.target - center) ** 2).sum(axis=1).mean() + bias
    products = measurement.unbiased_cell_products[0][np.ix_(made.cell, made.cell)]
    sets = [[c for r in range(1, len(f) + 1) for c in itertools.combinations(range(len(f)), r)] for f in made.factors]
    for chosen in itertools.product(*sets):
        inside = np.all([np.isin(made.cells[:, axis], kept) for axis, kept in enumerate(chosen)], axis=0)[made.cell]
        vectors = made.source[inside]
        if len(vectors) < 2:
            continue
        mmd2 = products[np.ix_(inside, inside)].mean() - bias
        pair = ((vectors[:, None] - made.target[None]) ** 2).sum(axis=2).mean()
        score = (mmd2 if criterion == "mmd2" else pair) / (2 * target_spread)
        diversity = (pair - mmd2 - target_spread) / target_spread
        names: dict[str, tuple[object, ...]] = {
            f.name: tuple(f.levels[i] for i in kept) for f, kept in zip(made.factors, chosen, strict=True)
        }
        found.append((score, len(vectors) * COPIES, diversity, names))
    return found


@settings(max_examples=25, deadline=None)
@given(shape=SHAPES, seed=st.integers(0, 10**6), missing=st.sampled_from([0.0, 0.3]), budget=st.integers(2, 400))
def test_equals_brute_force(shape: list[int], seed: int, missing: float, budget: int) -> None:
    made = Made(tuple(shape), seed, missing=missing)
    expected = [item for item in literal(made, "mmd2") if item[1] <= budget]
    if not expected:
        with pytest.raises(CloserlookError, match="No product subset"):
            exhaustive(made.gap, budget=budget)
        return
    best = exhaustive(made.gap, budget=budget)[0]
    assert best.score == pytest.approx(min(item[0] for item in expected), abs=1e-9)
    assert best.images <= budget
    score = made.gap.score(best.values)
    assert score["mmd2"] == pytest.approx(best.score, abs=1e-9)
    assert made.gap.count_images(best.values) == best.images


@pytest.mark.parametrize("all_levels", ["f0", "f1"])
@pytest.mark.parametrize("missing", [0.0, 0.3])
def test_a_kept_factor_keeps_all_levels(all_levels: str, missing: float) -> None:
    made = Made((4, 3, 2), 5, missing=missing)
    levels = {factor.name: factor.levels for factor in made.factors}[all_levels]
    expected = [item for item in literal(made, "mmd2") if item[3][all_levels] == levels]
    best = exhaustive(made.gap, all_levels=frozenset({all_levels}))[0]
    assert best.values[all_levels] == levels
    assert best.score == pytest.approx(min(item[0] for item in expected), abs=1e-9)


@pytest.mark.parametrize("floor", [0.9, 1.2, 1.35])
@pytest.mark.parametrize("missing", [0.0, 0.3])
def test_a_floor_on_diversity_is_kept(floor: float, missing: float) -> None:
    made = Made((4, 3, 2), 5, missing=missing)
    expected = [item for item in literal(made, "mmd2") if item[2] >= floor]
    best = exhaustive(made.gap, diversity=floor)[0]
    assert best.score == pytest.approx(min(item[0] for item in expected), abs=1e-9)
    assert made.gap.score(best.values)["diversity"] >= floor


def test_total_loss_can_be_searched_too() -> None:
    made = Made((4, 3, 2), 7)
    best = exhaustive(made.gap, criterion="total_loss", least=100)[0]
    expected = min(item[0] for item in literal(made, "total_loss") if item[1] >= 100)
    assert best.score == pytest.approx(expected, abs=1e-9)


def test_the_front_is_the_pareto_front_of_a_balanced_design() -> None:
    made = Made((4, 3, 2), 11)
    everything = [(item[0], item[1]) for item in literal(made, "mmd2")]
    expected = {
        (round(score, 9), images)
        for score, images in everything
        if not any(s <= score and i >= images and (s, i) != (score, images) for s, i in everything)
    }
    front = exhaustive(made.gap)
    assert {(round(item.score, 9), item.images) for item in front} == expected
    assert front == sorted(front, key=lambda item: item.images)


@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 10**6))
def test_more_budget_is_never_worse(seed: int) -> None:
    made = Made((3, 3, 2), seed)
    scores = [exhaustive(made.gap, budget=budget)[0].score for budget in (30, 90, 180, 540)]
    assert scores == sorted(scores, reverse=True)


def test_all_of_the_papers_design_is_searched(make: type[Made]) -> None:
    made = make(tuple(len(factor) for factor in DESIGNS["gpr-plus"].factors), 0, per_cell=2)
    best: Candidate = exhaustive(made.gap, least=1000)[0]
    assert made.gap.score(best.values)["mmd2"] == pytest.approx(best.score, abs=1e-9)
    assert best.images >= 1000


def test_too_many_subsets_are_refused() -> None:
    made = Made((32,), 0, per_cell=2)
    with pytest.raises(UsageError, match="too many"):
        exhaustive(made.gap)
