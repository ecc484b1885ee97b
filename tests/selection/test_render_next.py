from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from closerlook.errors import UsageError
from closerlook.gap import Gap
from closerlook.selection import render_next
from closerlook.selection.value import _loss

from .conftest import Made


@settings(max_examples=20, deadline=None)
@given(distance=st.floats(-2, 2), deviation=st.floats(0.1, 2))
def test_the_expected_saving_is_that_of_a_simulation(distance: float, deviation: float) -> None:
    """Deciding after the estimate has moved instead of before saves |moved| wherever its sign has changed."""
    moved = distance + deviation * np.random.default_rng(0).normal(size=200_000)
    saved = np.where((moved > 0) != (distance > 0), np.abs(moved), 0).mean()
    assert _loss(np.array([distance]), np.array([deviation]))[0] == pytest.approx(saved, abs=0.01)


def undecided(near: float) -> Gap:
    """Two factors; of the first, two levels lie at the line and two far from it."""
    made = Made((4, 2), 3, per_cell=24)
    rng = np.random.default_rng(0)
    offset = np.array([1.0 - near, 1.0 + near, 0.2, 1.6])[made.cells[made.cell, 0]]
    made.source = rng.normal(size=made.source.shape) + offset[:, None]
    made.target = rng.normal(size=made.target.shape)
    return replace(made.gap, measurement=made.remeasure())


def test_images_go_where_a_decision_is_open() -> None:
    gap = undecided(0.03)
    value = render_next(gap, 256)
    first = gap.measurement.cell_levels[:, 0]
    assert value.cells.sum() == 256
    mmd2 = gap.estimates["mmd2"].to_numpy()[:4]
    open_level = int(np.argmin(np.abs(mmd2 - mmd2.mean())))
    assert value.cells[first == open_level].sum() > value.cells[first == 2].sum()
    assert 0 < value.expected_improvement < value.expected_loss
    assert sum(cell.weight for cell in value.plan.weights) == pytest.approx(1)


def test_more_images_save_more() -> None:
    gap = undecided(0.03)
    saved = [render_next(gap, images).expected_improvement for images in (8, 64, 512)]
    assert saved == sorted(saved)


def test_says_stop_where_every_decision_is_clear() -> None:
    made = Made((2, 2), 3, per_cell=60)
    rng = np.random.default_rng(0)
    made.source = rng.normal(size=made.source.shape) + made.cells[made.cell].sum(axis=1)[:, None] * 2.0
    made.target = rng.normal(size=made.target.shape)
    assert render_next(replace(made.gap, measurement=made.remeasure()), 50).stop


def test_an_order_beyond_the_source_is_explained() -> None:
    with pytest.raises(UsageError, match="between 1 and"):
        render_next(undecided(0.03), 10**9)
