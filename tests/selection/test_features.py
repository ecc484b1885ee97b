"""Measures on frozen features against their definitions."""

import numpy as np
import pytest
from scipy import stats

from closerlook.selection.features import (
    Sample,
    SubsetFeatures,
    TargetFeatures,
    _linear_head,
    _log_likelihood,
    _within,
)


def test_likelihood_is_that_of_normal_vectors() -> None:
    rng = np.random.default_rng(0)
    under = np.cov(rng.normal(size=(50, 4)).T)
    vectors = rng.normal(size=(2000, 4)) * [1, 2, 1, 0.5]
    covariance = vectors.T @ vectors / len(vectors)
    expected = stats.multivariate_normal(np.zeros(4), under).logpdf(vectors).mean() / 4 + np.log(2 * np.pi) / 2
    assert _log_likelihood(covariance, under) == pytest.approx(expected)


def test_within_people_is_what_is_left_of_their_means() -> None:
    rng = np.random.default_rng(0)
    person = np.repeat(np.arange(400), 5)
    features = 10 * rng.normal(size=(400, 2))[person] + rng.normal(size=(2000, 2)) * [1, 3]
    np.testing.assert_allclose(_within(features, person), np.diag([0.9 + 0.5, 8.1 + 0.5]), atol=0.5)


@pytest.mark.parametrize("width", [3, 60])
def test_the_head_is_ridge_regression_whichever_way_it_is_solved(width: int) -> None:
    rng = np.random.default_rng(0)
    features, person = rng.normal(size=(20, width)), np.repeat(np.arange(5), 4)
    x = features - features.mean(axis=0)
    y = np.eye(5)[person] - 0.2
    ridge = 0.1 * (x**2).sum() / min(x.shape)
    expected = np.linalg.solve(x.T @ x + ridge * np.eye(width), x.T @ y)
    np.testing.assert_allclose(_linear_head(features, person), expected, atol=1e-9)


def test_a_subset_that_varies_as_the_target_does_is_the_likelier_and_trains_the_better_head() -> None:
    """Images of one person vary along axis 1 in one subset, along 2 in the other and in the target."""
    rng = np.random.default_rng(0)
    person, kind = np.repeat(np.arange(40), 16), np.tile(np.repeat([0, 1], 8), 40)
    features = np.zeros((640, 6))
    features[:, 0] = 1.5 * rng.normal(size=40)[person]
    features[:, 3:] = 0.7 * rng.normal(size=(40, 3))[person]
    features += 0.1 * rng.normal(size=features.shape)
    features[np.arange(640), 1 + kind] += 4 * rng.normal(size=640)
    features[:, 0] += features[:, 2]  # what a head must learn to leave out, and sees in one subset only
    sample = Sample(features, person, kind[:, None], person % 4 == 0, np.zeros(640))
    drawn = np.flatnonzero(sample.held & (kind == 1))
    seen = np.diag([1.0, 0.1, 16.0, 0.5, 0.5, 0.5])
    target = TargetFeatures(np.zeros(6), sample.directions.T @ seen @ sample.directions, drawn)
    unlike, like = (SubsetFeatures(sample, np.flatnonzero(kind == own)).measures(target) for own in (0, 1))
    assert like["likelihood"] > unlike["likelihood"]
    assert like["trained head"] > unlike["trained head"] + 0.05
    assert like["pooled"] >= 0
