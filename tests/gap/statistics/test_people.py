"""Covariances of images of one person: the expected values hold exactly, and simulations find the truth."""

import numpy as np
import pytest
from numpy.typing import NDArray

from closerlook.gap.statistics.anova import variance_shares
from closerlook.gap.statistics.people import Covariances, covariances

LEVELS = np.array(list(np.ndindex(2, 2)))


def products(cell: NDArray[np.int64], covariance: NDArray[np.float64]) -> list[NDArray[np.float64]]:
    """Residual vectors whose outer products sum to the covariance that residuals have where images have this one."""
    counts = np.bincount(cell)
    centering = np.eye(len(cell)) - (cell[:, None] == cell) / counts[cell]
    values, vectors = np.linalg.eigh(covariance)
    return [centering @ (vector * np.sqrt(max(value, 0))) for value, vector in zip(values, vectors.T, strict=True)]


def expected(cell: NDArray[np.int64], person: NDArray[np.int64], covariance: NDArray[np.float64]) -> Covariances:
    """The estimators' expectation: they are quadratic in the residuals, so a sum over the covariance's factors."""
    found = [covariances(one, cell, LEVELS, person) for one in products(cell, covariance)]
    assert all(one is not None for one in found)
    known = [one for one in found if one is not None]
    return Covariances(
        sum(one.single for one in known),
        {own: sum(one.agreeing[own] for one in known) for own in known[0].agreeing},
        {own: sum(one.between[own] for one in known) for own in known[0].between},
        np.sum([one.means for one in known], axis=0),
    )


@pytest.mark.parametrize("most", [1, 3])
@pytest.mark.parametrize("seed", range(5))
def test_estimates_are_free_of_bias_however_people_are_spread_over_cells(most: int, seed: int) -> None:
    """Against the definition: the covariance of all images is written out, centerd and pushed through."""
    rng = np.random.default_rng(seed)
    where = [(c, p) for c in range(4) for p in rng.choice(7, rng.integers(3, 7), replace=False)]
    cell, person = np.array([one for one in where for _ in range(rng.integers(1, most + 1))]).T
    agree = (LEVELS[cell][:, None] == LEVELS[cell]).all(axis=2) * 0.0
    same, at = person[:, None] == person, LEVELS[cell]
    first, second = (at[:, None, axis] == at[None, :, axis] for axis in (0, 1))
    agree = same * (1.0 + 0.5 * first + 0.25 * second + 0.3 * (first & second)) + 0.7 * np.eye(len(cell))
    found = expected(cell, person, agree)
    assert found.single == pytest.approx(1 + 0.5 + 0.25 + 0.3 + 0.7)
    truth = {frozenset(): 1.0, frozenset({0}): 1.5, frozenset({1}): 1.25, frozenset({0, 1}): 2.05}
    for own, value in found.agreeing.items():
        assert value == pytest.approx(truth[own]), own
    assert (frozenset({0, 1}) in found.agreeing) == (most > 1)
    averaging = np.stack([(cell == one) / (cell == one).sum() for one in range(4)])
    of_means = averaging @ agree @ averaging.T
    np.testing.assert_allclose(found.means, of_means.diagonal())
    assert sum(found.between.values()) == pytest.approx(of_means.sum())


@pytest.mark.parametrize(("people", "each"), [(96, 2), (96, 7), (96, 96), (20, 3), (20, 10), (8, 2)])
def test_identity_is_found_where_cells_hold_different_people(people: int, each: int) -> None:
    """Variances 1 : 1 : 1 of identity, identity x a and noise; each cell holds ``each`` of the people, drawn alone."""
    found: dict[str, list[float]] = {"identity": [], "identity x a": [], "single": []}
    levels = np.array(list(np.ndindex(8, 12)))
    for seed in range(240 if each == 2 else 60):
        rng = np.random.default_rng(seed)
        person = np.concatenate([rng.choice(people, each, replace=False) for _ in levels])
        cell = np.repeat(np.arange(len(levels)), each)
        y = rng.normal(size=people)[person] + rng.normal(size=(people, 8))[person, levels[cell][:, 0]]
        y += rng.normal(size=len(cell))
        got = covariances(y - (np.bincount(cell, y) / each)[cell], cell, levels, person)
        assert got is not None
        found["identity"].append(got.agreeing[frozenset()])
        found["identity x a"].append(got.agreeing[frozenset({0})] - got.agreeing[frozenset()])
        found["single"].append(got.single)
    for term, truth in {"identity": 1, "identity x a": 1, "single": 3}.items():
        error = np.std(found[term]) / np.sqrt(len(found[term]))
        assert error < 0.12, term  # so that the test could tell a factor of 0.5
        assert np.mean(found[term]) == pytest.approx(truth, abs=4 * error), term


@pytest.mark.parametrize("each", [2, 7])
def test_shares_of_few_images_a_cell_are_those_of_all(each: int) -> None:
    """A third each; with products that are not divided by their factors identity is 0.168 at two of 96 people a cell,
    and 0.289 at seven."""
    levels, shares = np.array(list(np.ndindex(12, 12))), []
    for seed in range(20):
        rng = np.random.default_rng(seed)
        person = np.concatenate([rng.choice(96, each, replace=False) for _ in levels])
        cell = np.repeat(np.arange(len(levels)), each)
        effect = np.resize([-1.0, 1.0], 12)
        y = effect[levels[cell][:, 0]] + rng.normal(size=96)[person] + rng.normal(size=len(cell))
        table = variance_shares(y, cell, levels, ["a", "b"], person)
        assert table is not None
        shares.append(dict(table.select("term", "share").rows()))
    for term in ("a", "identity"):
        assert np.mean([one[term] for one in shares]) == pytest.approx(1 / 3, abs=0.05 if each == 2 else 0.025), term
