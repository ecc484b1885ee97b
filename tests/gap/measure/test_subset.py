"""A subset of a measurement is what measuring only that part would have given."""

from dataclasses import replace

import numpy as np
import polars as pl
import pytest
import torch

from closerlook.dataset import Dataset
from closerlook.embedding import open_embedding
from closerlook.gap import Gap, analyze
from closerlook.gap.measure.subset import split_halves, subset
from closerlook.randomness import keyed_rng
from gap.conftest import SIZE


def by_color(images: torch.Tensor) -> torch.Tensor:
    return images.float().mean(dim=(1, 2)) / 255


@pytest.fixture(scope="module")
def gap(source: Dataset, target: Dataset) -> Gap:
    return analyze(source, target, size=SIZE)


def test_all_of_it_is_itself(gap: Gap) -> None:
    whole = gap.measurement
    same = subset(whole, np.ones(whole.groups, bool), np.ones(len(whole.target_counts), bool))
    np.testing.assert_allclose(same.distances, whole.distances, rtol=1e-4)
    np.testing.assert_allclose(same.target_distances, whole.target_distances, rtol=1e-4)
    scale = np.abs(whole.cell_products).max(axis=(1, 2), keepdims=True)
    assert (np.abs(same.cell_products - whole.cell_products) / scale).max() < 0.2  # projected


def test_a_subset_equals_measuring_it(gap: Gap, source: Dataset, target: Dataset) -> None:
    whole = gap.measurement
    people = np.arange(whole.groups) < whole.groups // 2
    chosen = np.arange(len(whole.target_counts)) % 2 == 1
    names = whole.images.filter(people[whole.images["group"].to_numpy()])["file_name"]
    own_source = source.filter(pl.col("file_name").is_in(names.implode()))
    owner = np.arange(len(target)) * len(chosen) // len(target)
    direct = analyze(own_source, target.take(np.flatnonzero(chosen[owner])), size=SIZE)
    indirect = Gap(subset(whole, people, chosen), gap.settings)
    for name in ("total_loss", "mmd2", "diversity"):
        np.testing.assert_allclose(indirect.estimates[name], direct.estimates[name], atol=0.06, err_msg=name)
    assert (indirect.estimates["images"] == direct.estimates["images"]).all()
    np.testing.assert_allclose(indirect.losses["loss"], direct.losses["loss"], atol=0.08)


def test_cameras_of_a_subset_are_what_measuring_it_gives(source: Dataset, target: Dataset) -> None:
    filmed = replace(target, table=target.table.with_columns(camera=pl.Series([1, 1, 2, 3] * 8)))
    embedding = open_embedding(by_color, SIZE)  # so few features that projections are exact
    whole = analyze(source, filmed, embedding=embedding, bootstrap_unit="cameras").measurement
    chosen = np.arange(len(whole.target_counts)) % 3 > 0
    owner = np.arange(len(filmed)) * len(chosen) // len(filmed)
    direct = analyze(source, filmed.take(np.flatnonzero(chosen[owner])), embedding=embedding).measurement.cameras
    indirect = subset(whole, np.ones(whole.groups, bool), chosen).cameras
    assert direct is not None
    assert indirect is not None
    np.testing.assert_array_equal(indirect.names, direct.names)
    for name in ("products", "level_dots"):
        own, other = getattr(indirect, name), getattr(direct, name)
        np.testing.assert_allclose(own, other, atol=1e-3 * np.abs(other).max(), err_msg=name)
    np.testing.assert_allclose(indirect.distances.sum(axis=0), direct.distances.sum(axis=0), rtol=1e-3)
    alone = np.arange(len(whole.target_counts)) % 2 == 0  # runs of two images: of cameras 1 and 1, 2 and 3
    assert subset(whole, np.ones(whole.groups, bool), alone).cameras is None


def test_halves_share_nothing(gap: Gap) -> None:
    first, second = split_halves(gap.measurement, keyed_rng(0, "test"))
    assert not set(first.images["identity"]) & set(second.images["identity"])
    assert len(first.images) + len(second.images) == len(gap.measurement.images)
    assert first.target_counts.sum() + second.target_counts.sum() == gap.measurement.target_counts.sum()
    assert first.groups == first.images["group"].max() + 1


def test_an_empty_subset_is_refused(gap: Gap) -> None:
    nobody = np.zeros(gap.measurement.groups, bool)
    with pytest.raises(ValueError, match="at least one group"):
        subset(gap.measurement, nobody, np.ones(len(gap.measurement.target_counts), bool))
