"""What a gap says of any set of images, against the same from all pairs of vectors."""

import numpy as np
import pytest
import torch

from closerlook.dataset import Dataset
from closerlook.embedding import open_embedding
from closerlook.errors import UsageError
from closerlook.gap import Gap, analyze
from closerlook.gap.statistics.bootstrap import REPLICATES
from closerlook.randomness import keyed_rng

from .conftest import SIZE

ROUNDING = 1e-5  # the pass handles single images in float32


def quarters(images: torch.Tensor) -> torch.Tensor:
    """Mean colors of an image's quarters: so few features that nothing is projected."""
    height, width = SIZE
    pixels = images.float().reshape(len(images), 2, height // 2, 2, width // 2, 3)
    return pixels.mean((2, 4)).flatten(1) / 255


@pytest.fixture(scope="module")
def gap(source: Dataset, target: Dataset) -> Gap:
    return analyze(source, target, embedding=quarters, size=SIZE)


@pytest.fixture(scope="module")
def vectors(gap: Gap, source: Dataset, target: Dataset) -> tuple[np.ndarray, np.ndarray]:
    """Of the source's images in the measurement's order and of the target's, in the unit of the losses."""
    from closerlook.dataset.images import iter_images

    embedder = open_embedding(quarters, SIZE)
    x, y = (
        np.concatenate([embedder(torch.from_numpy(batch)).double().numpy() for batch in iter_images(data, SIZE)])
        for data in (source, target)
    )
    unit = float(gap.weights.total[0]) ** 0.5
    return unit * x[gap.measurement.images["row"].to_numpy()], unit * y


def shares(gap: Gap, seed: int, sets: int = 3) -> np.ndarray:
    """Random sets that take all, some or none of a cell's images."""
    rng = np.random.default_rng(seed)
    return rng.random((sets, len(gap.cell_levels))) * (rng.random((sets, len(gap.cell_levels))) < 0.7)


def image_weights(gap: Gap, share: np.ndarray) -> np.ndarray:
    weight = share[gap.measurement.cell_of_image]
    return np.asarray(weight / weight.sum())


@pytest.mark.parametrize("seed", range(5))
def test_losses_of_sets_are_those_of_all_pairs(gap: Gap, vectors: tuple[np.ndarray, np.ndarray], seed: int) -> None:
    x, y = vectors
    person = gap.measurement.images["identity"].to_numpy()
    run = np.arange(len(y)) * 16 // len(y)
    cell = gap.measurement.cell_of_image
    taken = shares(gap, seed)
    losses = gap.set_losses(taken)
    between = ((x[:, None] - y) ** 2).sum(axis=2)
    apart = ((y[:, None] - y) ** 2).sum(axis=2)[run[:, None] != run].mean()
    products = (x - y.mean(axis=0)) @ (x - y.mean(axis=0)).T
    inside = (cell[:, None] == np.arange(len(gap.cell_levels))).astype(float)
    strangers = person[:, None] != person
    unbiased = (inside.T @ (products * strangers) @ inside) / (inside.T @ strangers @ inside)
    for number, share in enumerate(taken):
        weight = image_weights(gap, share)
        mixture = np.bincount(cell, weight)
        total = weight @ between.mean(axis=1)
        spread = apart / 2
        mmd2 = mixture @ unbiased @ mixture - gap.target_bias
        assert losses.total[number] == pytest.approx(total, rel=ROUNDING)
        assert losses.mmd2[number] == pytest.approx(mmd2, rel=ROUNDING, abs=ROUNDING)
        assert losses.diversity[number] == pytest.approx((total - mmd2 - spread) / spread, rel=1e-4)
        assert gap.target_spread == pytest.approx(spread, rel=ROUNDING)
        np.testing.assert_allclose(gap.cell_products(unbiased=True), unbiased, atol=ROUNDING)
        assert mixture @ gap.cell_products(unbiased=False) @ mixture == pytest.approx(
            ((weight @ x - y.mean(axis=0)) ** 2).sum(), abs=ROUNDING
        )
        assert taken[number] @ gap.cell_losses() == pytest.approx(
            float((between.mean(axis=1) * share[cell]).sum()), rel=ROUNDING
        )


def test_a_set_without_images_has_no_losses(gap: Gap) -> None:
    losses = gap.set_losses(np.zeros((1, len(gap.cell_levels))))
    assert np.isnan([losses.total[0], losses.mmd2[0], losses.diversity[0]]).all()


def test_images_are_counted_by_cell_and_by_level(gap: Gap, source: Dataset) -> None:
    assert gap.images_per_cell.tolist() == gap.analyzed_per_cell.tolist() == [6] * 6
    counts = iter(gap.images_per_level(np.ones(6)).tolist())
    for factor in gap.factors:
        for level in factor.levels:
            assert next(counts) == (source.table[factor.name] == level).sum()
    half = gap.images_per_level(np.full(6, 0.5))
    np.testing.assert_allclose(half, gap.images_per_level(np.ones(6)) / 2)


def test_deviations_of_sets_are_those_of_levels_and_share_their_draws(gap: Gap) -> None:
    members = gap.measurement.members
    deviations = gap.bootstrap(members, gap.settings.seed)
    assert deviations.shape == (REPLICATES, len(members))
    np.testing.assert_array_equal(deviations, gap.mmd2_deviations)
    twice = gap.bootstrap(np.stack([members[0], 0.5 * members[0]]), 7)
    np.testing.assert_allclose(twice[:, 0], twice[:, 1], atol=1e-12)  # the same images in the same proportions


def test_a_bootstrap_is_that_of_the_definition(gap: Gap, vectors: tuple[np.ndarray, np.ndarray]) -> None:
    """Each replicate's squared distance of the drawn means, less the mean over replicates, widened for few groups."""
    from closerlook.gap.statistics.bootstrap import draw, small_sample_factor

    x, y = vectors
    group = gap.measurement.images["group"].to_numpy()
    run = np.arange(len(y)) * 16 // len(y)
    share = shares(gap, 3, 1)
    people = draw(gap.measurement.groups, REPLICATES, 5, "groups")
    target = draw(16, REPLICATES, 5, "target")
    weight = image_weights(gap, share[0])
    distances = []
    for replicate in range(50):
        own, other = weight * people[replicate][group], target[replicate][run]
        distances.append(((own @ x / own.sum() - other @ y / other.sum()) ** 2).sum())
    found = gap.bootstrap(share, 5)[:50, 0]
    factor = small_sample_factor(gap.measurement.groups)
    np.testing.assert_allclose(np.diff(found), factor * np.diff(distances), atol=1e-4)


def test_halves_are_gaps_that_share_nothing(gap: Gap) -> None:
    first, second = gap.split_halves(keyed_rng(0, "test"))
    assert not set(first.losses["identity"]) & set(second.losses["identity"])
    assert first.losses.height + second.losses.height == gap.losses.height
    assert first.settings == gap.settings
    assert first.can_resample
    assert not first.split_halves(keyed_rng(0, "test"))[0].split_halves(keyed_rng(1, "test"))[0].can_resample


def test_the_variance_of_a_level_is_that_of_its_slopes(gap: Gap, vectors: tuple[np.ndarray, np.ndarray]) -> None:
    x, y = vectors
    cell = gap.measurement.cell_of_image
    found = gap.mmd2_variance_per_image()
    for level, members in enumerate(gap.measurement.members.astype(bool)):
        inside = members[cell]
        slope = 2 * x @ (x[inside].mean(axis=0) - y.mean(axis=0))
        residual = slope - np.array([slope[cell == number].mean() for number in range(len(members))])[cell]
        variance = (residual**2).sum() / (len(x) - len(members))  # each image is a group of its own
        expected = np.where(members, variance / members.sum() ** 2, 0)
        np.testing.assert_allclose(found[level], expected, rtol=1e-3)


def test_a_camera_that_is_not_known_is_explained(gap: Gap) -> None:
    assert gap.camera_names == []
    with pytest.raises(UsageError, match="attribute of the gap"):
        gap.cells_of({"season": ["summer"]})
