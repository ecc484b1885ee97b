"""The target's shares of levels: the optimum by its conditions, and planted mixtures of made vectors."""

from dataclasses import replace

import numpy as np
import polars as pl
import pytest
from hypothesis import given, strategies as st

from closerlook.attributes import Factor
from closerlook.embedding import Block
from closerlook.gap import Measurement
from closerlook.gap.statistics.mixture import MixtureWeights, estimate_mixture, mixture_on_simplices

FACTORS = (Factor("heading", tuple(range(6))), Factor("weather", ("sunny", "foggy", "snowy")))
OF = np.repeat([0, 1], [6, 3])
DIM, GROUPS, RUNS, COPIES = 12, 16, 16, 8
PAIR = np.array([0, 0, 0.5, 0.5, 0, 0, 0.2, 0.8, 0.0])  # two neighboring headings, two weathers
SPREAD = np.r_[np.full(3, 6.0), np.ones(DIM - 3)]  # of images of one level: three directions vary most


@given(st.integers(0, 10_000), st.integers(1, 5), st.integers(1, 4), st.integers(1, 6))
def test_no_step_within_the_simplices_improves_a_mixture(seed: int, one: int, other: int, dim: int) -> None:
    rng = np.random.default_rng(seed)
    effects, aim, factor = rng.normal(size=(one + other, dim)), rng.normal(size=dim), np.repeat([0, 1], [one, other])
    share = mixture_on_simplices(effects, aim, factor)
    assert (share >= 0).all()
    np.testing.assert_allclose(np.bincount(factor, share), 1)
    slope = effects @ (effects.T @ share - aim)
    for own in (factor == 0, factor == 1):  # moving from any level in use to any other one does not descend
        assert slope[own][share[own] > 1e-6].max() <= slope[own].min() + 1e-4


def measured(source: np.ndarray, level: np.ndarray, group: np.ndarray, target: np.ndarray) -> Measurement:
    """A measurement of vectors whose projection is the vectors themselves; what composition does not read is empty."""
    center = target.mean(axis=0)
    cells, cell = np.unique(level, axis=0, return_inverse=True)
    units, unit, counts = np.unique(np.stack([cell, group], 1), axis=0, return_inverse=True, return_counts=True)
    means = np.stack([source[unit == one].mean(axis=0) for one in range(len(units))]) - center
    runs = target.reshape(RUNS, -1, DIM).mean(axis=1) - center
    nothing = np.zeros(0)
    return Measurement(
        blocks=(Block("feature", "feature", DIM),),
        factors=FACTORS,
        cell_levels=cells,
        cell_images=np.bincount(cell),
        images=pl.DataFrame({"cell": cell, "group": group}),
        distances=nothing,
        cell_products=nothing,
        unbiased_cell_products=nothing,
        level_gaps=nothing,
        level_target_dots=nothing,
        target_counts=np.full(RUNS, len(target) // RUNS),
        target_distances=nothing,
        target_bias=nothing,
        units=units,
        unit_counts=counts,
        unit_sketches=means.astype(np.float32),
        target_sketches=runs.astype(np.float32),
        sketch_parts=(slice(0, DIM),),
        exact=True,
    )


def planted(seed: int, shift: float, *, missing: int | None = None) -> tuple[Measurement, np.ndarray]:
    """Vectors in all cells but those of a ``missing`` heading; a target that shows :data:`PAIR`; its squared distances
    to the headings' true means.

    The shift of the target lies where images of one level vary most, along the effect of heading 0.
    """
    rng = np.random.default_rng(11)
    effects = rng.normal(size=(9, DIM))
    effects[:, :3] *= 3
    rng = np.random.default_rng(seed)
    level = np.array([(h, w) for h in range(6) for w in range(3) if h != missing]).repeat(GROUPS * COPIES, axis=0)
    group = np.tile(np.arange(GROUPS), len(level) // GROUPS)
    own = rng.normal(size=(GROUPS, DIM)) * SPREAD / 4  # what a group of people has in common
    centers = effects[level[:, 0]] + effects[6 + level[:, 1]]
    source = centers + own[group] + rng.normal(size=centers.shape) * SPREAD
    shown = np.stack([rng.choice(6, RUNS * 40, p=PAIR[:6]), rng.choice(3, RUNS * 40, p=PAIR[6:])], axis=1)
    moved = shift * np.r_[effects[0, :3], np.zeros(DIM - 3)]
    target = effects[shown[:, 0]] + effects[6 + shown[:, 1]] + moved + rng.normal(size=(RUNS * 40, DIM)) * SPREAD
    aim = PAIR @ effects + moved
    alone = effects[:6] + effects[6:].mean(axis=0) - aim
    return measured(source, level, group, target), (alone**2).sum(axis=1)


def estimate(measurement: Measurement, replicates: int = 200) -> MixtureWeights:
    return estimate_mixture(measurement, np.ones(1), 0, replicates)


def test_two_planted_neighbors_are_found_where_distance_names_others() -> None:
    measurement, distance = planted(0, 1.0)
    assert set(np.argsort(distance)[:2]) != {2, 3}
    found = estimate(measurement)
    assert set(np.argsort(found.weight[:6])[-2:]) == {2, 3}
    assert np.abs(found.weight - PAIR).max() < 0.15
    assert (found.low <= found.weight + 1e-9).all()
    assert (found.weight <= found.high + 1e-9).all()


def test_shares_are_those_of_ledoit_and_wolfs_formula() -> None:
    """Goldens: with their shrinkage (2004, lemma 3.2 and what follows it) written out in NumPy."""
    found = estimate(planted(0, 1.0)[0])
    share = [0.11356481798550302, 0, 0.4081267805254688, 0.4783084014890282, 0, 0]
    low = [0, 0, 0.24716822455497706, 0.2364434139746549, 0, 0]
    np.testing.assert_allclose(found.weight[:6], share, rtol=0, atol=1e-10)
    np.testing.assert_allclose(found.low[:6], low, rtol=0, atol=1e-10)


def test_intervals_hold_the_planted_shares() -> None:
    held = []
    for seed in range(40):
        found = estimate(planted(seed, 0.0)[0])
        held.append((found.low <= PAIR + 1e-6) & (found.high >= PAIR - 1e-6))
    assert np.mean(held) > 0.88


def test_a_level_without_images_has_no_share() -> None:
    found = estimate(planted(0, 0.0, missing=5)[0])
    assert np.isnan(found.weight[5])
    np.testing.assert_allclose(np.nansum(found.weight[:6]), 1)
    assert set(np.argsort(found.weight[:5])[-2:]) == {2, 3}


def test_nothing_is_said_of_one_group_of_people_or_of_fewer_features_than_levels() -> None:
    measurement = planted(0, 0.0)[0]
    one = replace(measurement, units=measurement.units * np.array([1, 0]))
    assert np.isnan(estimate(one).weight).all()
    few = {name: getattr(measurement, name)[:, :6] for name in ("unit_sketches", "target_sketches")}
    assert np.isnan(estimate(replace(measurement, sketch_parts=(slice(0, 6),), **few)).weight).all()


def test_images_without_any_spread_tell_nothing() -> None:
    measurement = planted(0, 0.0)[0]
    level = measurement.cell_levels[measurement.units[:, 0]]
    plain = np.stack([*(level.T == 1), *(level.T == 2)] + [0 * level[:, 0]] * (DIM - 4), axis=1)
    found = estimate(measured(plain, level, measurement.units[:, 1], np.ones((RUNS, DIM))))
    assert np.isnan(found.weight).all()


@pytest.mark.parametrize("weight", [1e-9, 1e9])
def test_the_unit_of_the_loss_does_not_matter(weight: float) -> None:
    measurement = planted(0, 0.5)[0]
    plain = estimate_mixture(measurement, np.ones(1), 0, 20)
    scaled = estimate_mixture(measurement, np.full(1, weight), 0, 20)
    np.testing.assert_allclose(scaled.weight, plain.weight, atol=1e-4)
