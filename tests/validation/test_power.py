"""The runs' noise, the subsets' spread and the reliability, from simulated runs whose truth is known."""

import numpy as np
import pytest

from closerlook.validation.power import corrected, power, reliability, run_deviation, spearman_brown


def runs(rng: np.random.Generator, n: int, subset: float, run: float, pairs: int) -> np.ndarray:
    scores = subset * rng.normal(size=(n, 1)) + run * rng.normal(size=(n, 2))
    scores[pairs:, 1] = np.nan
    return scores


def test_recovers_what_was_simulated() -> None:
    scores = runs(np.random.default_rng(0), 20_000, 3.0, 1.0, 10_000)
    found = power(scores)
    assert found.run_sd == pytest.approx(1, rel=0.02)
    assert found.subset_sd == pytest.approx(3, rel=0.02)
    assert found.observed_sd == pytest.approx(np.sqrt(9 + (1 + 0.5) / 2), rel=0.02)
    assert found.reliability == pytest.approx(9 / (9 + 0.75), rel=0.01)
    assert found.enough
    assert not power(runs(np.random.default_rng(0), 20_000, 1.5, 1.0, 10_000)).enough


def test_two_seeds_by_hand() -> None:
    scores = np.array([[1.0, 3.0], [5.0, 5.0], [4.0, np.nan]])
    assert run_deviation(scores) == pytest.approx(1.0)  # squares of 1, 1, 0, 0 over two degrees of freedom
    assert np.isnan(reliability(scores))  # two pairs
    pairs = np.array([[1.0, 2.0], [2.0, 1.0], [3.0, 3.0], [4.0, 4.0]])
    assert reliability(pairs) == pytest.approx(2 * 0.8 / 1.8)


def test_nothing_is_said_without_second_runs() -> None:
    found = power(np.array([[1.0], [2.0], [3.0]]))
    assert np.isnan(found.run_sd)
    assert np.isnan(found.subset_sd)
    assert not found.enough


def test_noise_hides_a_correlation_and_correcting_gives_it_back() -> None:
    rng = np.random.default_rng(1)
    truth = rng.normal(size=100_000)
    x = -0.6 * truth + 0.8 * rng.normal(size=len(truth))
    scores = truth[:, None] + rng.normal(size=(len(truth), 2))
    raw = np.corrcoef(x, scores.mean(axis=1))[0, 1]
    assert raw == pytest.approx(-0.6 * np.sqrt(2 / 3), abs=0.01)
    assert corrected(raw, reliability(scores)) == pytest.approx(-0.6, abs=0.01)
    assert np.isnan(corrected(0.5, 0.0))
    assert corrected(0.9, 0.5) == 1


def test_spearman_and_browns_formula() -> None:
    assert spearman_brown(0.5, 2) == pytest.approx(2 / 3)
    assert spearman_brown(0.5, 1) == pytest.approx(0.5)
    assert spearman_brown(-0.2, 2) == 0
