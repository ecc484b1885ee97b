from collections.abc import Iterator

import numpy as np
import pytest
import torch
from hypothesis import given, settings, strategies as st

from closerlook.gap.measure.products import cell_products


@pytest.fixture(autouse=True, scope="module")
def few_columns_at_a_time() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("closerlook.gap.measure.products.CHUNK_BYTES", 128)
        yield


def by_definition(x: np.ndarray, cell: np.ndarray, group: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Means of <x_i, x_j> over all pairs of images, and over those of different groups (nan where there are none)."""
    cells = cell.max() + 1
    measured, unbiased = np.full((2, cells, cells), np.nan)
    for a, c in np.ndindex(cells, cells):
        products = x[cell == a] @ x[cell == c].T
        apart = group[cell == a][:, None] != group[cell == c][None]
        measured[a, c] = products.mean()
        if apart.any():
            unbiased[a, c] = products[apart].mean()
    return measured, unbiased


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10**6), cells=st.integers(1, 5), groups=st.integers(1, 4), images=st.integers(5, 30))
def test_equal_their_definition(seed: int, cells: int, groups: int, images: int) -> None:
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(images, 6))
    cell = np.concatenate([np.arange(cells), rng.integers(cells, size=images - cells)])
    group = rng.integers(groups, size=images)
    units, unit, counts = np.unique(np.stack([cell, group], 1), axis=0, return_inverse=True, return_counts=True)
    means = torch.from_numpy(np.stack([x[unit == number].mean(axis=0) for number in range(len(units))]))
    biased, without_bias = cell_products(units, counts, means, (slice(0, 2), slice(2, 6)), cells)
    for block, part in ((0, slice(0, 2)), (1, slice(2, 6))):
        measured, unbiased = by_definition(x[:, part], cell, group)
        np.testing.assert_allclose(biased[block], measured, atol=1e-12)
        known = ~np.isnan(unbiased)
        np.testing.assert_allclose(without_bias[block][known], unbiased[known], atol=1e-12)
        off = ~known & ~np.eye(cells, dtype=bool)
        np.testing.assert_allclose(without_bias[block][off], measured[off], atol=1e-12)


def test_people_in_common_do_not_bias_it() -> None:
    """Few people, strong looks: products as measured are too large, those over different people are not."""
    rng = np.random.default_rng(0)
    measured, unbiased = [], []
    cell, group = np.tile(np.arange(2), 6), np.repeat(np.arange(6), 2)
    units = np.stack([cell, group], axis=1)
    order = np.lexsort(units.T[::-1])
    for _ in range(400):
        x = 1 + rng.normal(size=(6, 3))[group] + 0.1 * rng.normal(size=(12, 3))
        found = cell_products(units[order], np.ones(12, int), torch.from_numpy(x[order]), (slice(0, 3),), 2)
        measured.append(found[0].mean())
        unbiased.append(found[1].mean())
    error = np.std(unbiased) / 20
    assert abs(np.mean(unbiased) - 3) < 3 * error
    assert np.mean(measured) > 3 + 3 * error


def test_cells_of_one_group_lose_the_spread_of_single_images() -> None:
    x = np.array([[1.0, 0], [3, 0], [5, 1]])
    units, counts = np.array([[0, 0], [0, 1], [1, 0]]), np.ones(3, int)
    _, unbiased = cell_products(units, counts, torch.from_numpy(x), (slice(0, 2),), 2)
    assert unbiased[0, 0, 0] == 3  # <x0, x1>
    spread = (4 - 3) * 2  # of single images, from the first cell: its mean is (2, 0)
    assert unbiased[0, 1, 1] == 26 - spread
