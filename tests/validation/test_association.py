"""Slopes and correlations against scipy and one regression after another; their intervals by simulation."""

import numpy as np
import pytest
from scipy import stats

from closerlook.validation.association import correlation, partial_correlations, rank_correlations, slopes
from closerlook.validation.estimates import detectable, draw_subsets, estimate

pytestmark = pytest.mark.slow


def test_rank_correlations_are_scipys() -> None:
    rng = np.random.default_rng(0)
    x, y = rng.integers(0, 6, (2, 5, 12)).astype(float)
    expected = [stats.spearmanr(a, b).statistic for a, b in zip(x, y, strict=True)]
    np.testing.assert_allclose(rank_correlations(x, y), expected)
    assert np.isnan(rank_correlations(np.ones((1, 4)), np.arange(4.0)[None]))[0]


def test_slopes_are_those_of_one_regression_after_another() -> None:
    rng = np.random.default_rng(0)
    x, given = rng.normal(size=20), 100 + rng.normal(size=(20, 2))
    y = 0.3 * x - given[:, 0] + rng.normal(size=20)
    rows = draw_subsets(20, replicates=50)
    expected = []
    for own in rows:
        design = np.column_stack([np.ones(20), x, given])[own]
        expected.append(np.linalg.lstsq(design, y[own], rcond=None)[0][1])
    np.testing.assert_allclose(slopes(y, x, given, rows), expected, rtol=1e-6)


def test_what_never_varies_is_no_explanation() -> None:
    x = np.arange(8.0)
    constant = np.full((8, 1), 3.0)
    assert slopes(2 * x, x, constant, np.arange(8)[None])[0] == pytest.approx(2)


def test_intervals_hold_the_truth_as_often_as_they_say() -> None:
    experiments, n, held = 200, 30, np.zeros(2)
    rng = np.random.default_rng(0)
    for number in range(experiments):
        x = rng.normal(size=n)
        given = np.column_stack([0.5 * x + rng.normal(size=n), rng.normal(size=n)])
        y = -0.4 * x + 0.8 * given[:, 0] + rng.normal(size=n)
        drawn = draw_subsets(n, number, 500)
        slope = estimate(float(slopes(y, x, given, np.arange(n)[None])[0]), slopes(y, x, given, drawn))
        z = rng.normal(size=n)
        rho = correlation(x, z, drawn)
        held += slope.low <= -0.4 <= slope.high, rho.low <= 0 <= rho.high
    assert (held / experiments > 0.88).all()
    assert (held / experiments < 0.99).all()


def test_an_effect_of_the_detectable_size_is_found_four_times_in_five() -> None:
    rng, error = np.random.default_rng(0), 0.7
    size = detectable(error)
    found = np.abs(size + error * rng.normal(size=100_000)) > 1.959964 * error
    assert found.mean() == pytest.approx(0.8, abs=0.01)
    spread = estimate(0.0, error * rng.normal(size=100_000))
    assert spread.detectable == pytest.approx(size, rel=0.02)
    assert estimate(0.0, error * rng.normal(size=100_000), 0.975).high == pytest.approx(2.2414 * error, rel=0.03)


def test_partial_correlations_are_those_of_residues() -> None:
    rng = np.random.default_rng(0)
    given = np.column_stack([rng.normal(size=20), np.full(20, 2.0)])
    y, x = rng.normal(size=20) + given[:, 0], rng.normal(size=(3, 20)) + given[:, 0]
    line = np.column_stack([np.ones(20), given[:, 0]])

    def left(values: np.ndarray) -> np.ndarray:
        return values - line @ np.linalg.lstsq(line, values, rcond=None)[0]

    expected = [np.corrcoef(left(y), left(own))[0, 1] for own in x]
    np.testing.assert_allclose(partial_correlations(y, x, given), expected)
    np.testing.assert_allclose(partial_correlations(y, given.T, given), 0, atol=1e-9)
