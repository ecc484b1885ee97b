"""Coverage, Frechet and kernel distances against their definitions; cameras against analyses of each alone."""

from dataclasses import replace
from math import comb
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import torch
from scipy.linalg import sqrtm

from closerlook.dataset import Dataset
from closerlook.embedding import Embedder
from closerlook.errors import CloserlookError, UsageError
from closerlook.gap import Gap, analyze
from closerlook.gap.measure.target import TargetMoments
from closerlook.gap.statistics.delta_method import subsampling_errors
from closerlook.gap.statistics.distributions import _principal, compare, measure_distributions
from gap.conftest import SIZE

pytestmark = pytest.mark.slow


def made(seed: int, n: int = 240, m: int = 160, p: int = 6) -> tuple[np.ndarray, ...]:
    rng = np.random.default_rng(seed)
    cell = np.sort(rng.integers(4, size=n))
    x = rng.normal(size=(n, p)) * 1.2 + 0.3 * cell[:, None]
    y = rng.normal(size=(m, p)) + 0.4
    return x, cell, rng.integers(8, size=n), y, np.sort(rng.integers(10, size=m))


@pytest.mark.parametrize("seed", [0, 1])
def test_equal_their_definitions(seed: int) -> None:
    x, cell, group, y, run = made(seed)
    empty = torch.zeros(0)
    target = TargetMoments(empty, (-1,), np.zeros((1, 1), int), empty, np.zeros(0), torch.from_numpy(y).float(), run)
    found = measure_distributions(torch.from_numpy(x).float(), cell, group, 4, target)
    assert found is not None
    cells = np.array([False, True, True, False])
    own, people = x[cells[cell]], group[cells[cell]]
    got = compare(found, cells, len(own))
    among = np.linalg.norm(y[:, None] - y[None], axis=2)
    radius = np.where(run[:, None] == run, np.inf, among).min(axis=1)
    near = (np.linalg.norm(y[:, None] - own[None], axis=2) < radius[:, None]).sum(axis=1)
    assert got["coverage"] == pytest.approx((near > 0).mean())
    fewer = compare(found, cells, 20)["coverage"]
    assert fewer == pytest.approx(np.mean([1 - comb(len(own) - k, 20) / comb(len(own), 20) for k in near]), rel=1e-6)
    ct, cs = np.cov(y.T), np.cov(own.T)
    shift = own.mean(axis=0) - y.mean(axis=0)
    frechet = shift @ shift + np.trace(ct + cs - 2 * sqrtm(ct @ cs).real)
    assert got["frechet_distance"] == pytest.approx(frechet / np.trace(ct), rel=1e-4)
    scale = np.sqrt(y.shape[1] / np.trace(ct))
    a, b = (scale * (value - y.mean(axis=0)) for value in (own, y))
    kernel = [(u @ v.T / y.shape[1] + 1) ** 3 for u, v in ((a, a), (a, b), (b, b))]
    apart, between = people[:, None] != people, run[:, None] != run
    expected = kernel[0][apart].mean() - 2 * kernel[1].mean() + kernel[2][between].mean()
    assert got["kernel_distance"] == pytest.approx(expected, rel=1e-3)


def test_fewer_images_than_features_that_are_mostly_zero() -> None:
    rng = np.random.default_rng(0)
    y = np.zeros((12, 1280), np.float32)
    y[:, rng.choice(1280, 60, replace=False)] = rng.normal(size=(12, 60))
    y -= y.mean(axis=0)
    x = y[[0, 1, 2, 3]]
    sums, products, variances = _principal(torch.from_numpy(x), torch.tensor([0, 0, 1, 1]), 2, torch.from_numpy(y))
    left, lengths, _ = np.linalg.svd(y.astype(float), full_matrices=False)
    np.testing.assert_allclose(variances[::-1], lengths[:3] ** 2 / 11, rtol=1e-6)  # a quarter of 12 images
    along = np.abs(left[:4, :3] * lengths[:3])[:, ::-1]
    np.testing.assert_allclose(np.diagonal(products.sum(axis=0)), (along**2).sum(axis=0), rtol=1e-5)
    assert sums.shape == (2, 3)


def test_equal_distributions_have_no_distance() -> None:
    kernels = []
    for seed in range(30):
        rng = np.random.default_rng(seed)
        x, y = rng.normal(size=(300, 5)), rng.normal(size=(300, 5))
        empty, run = torch.zeros(0), np.arange(300) % 16
        target = TargetMoments(
            empty, (-1,), np.zeros((1, 1), int), empty, np.zeros(0), torch.from_numpy(y).float(), run
        )
        found = measure_distributions(torch.from_numpy(x).float(), np.zeros(300, int), run, 1, target)
        assert found is not None
        got = compare(found, np.array([True]), 300)
        kernels.append(got["kernel_distance"])
        assert 0.3 < got["coverage"] < 0.7  # half the time the other set has the nearer neighbor
        assert got["frechet_distance"] < 0.15
    assert abs(np.mean(kernels)) < 3 * np.std(kernels) / np.sqrt(30)


@pytest.fixture(scope="module")
def filmed(target: Dataset) -> Dataset:
    return replace(target, table=target.table.with_columns(camera=pl.Series([1, 1, 2, 3] * 8)))


@pytest.fixture(scope="module")
def gap(source: Dataset, filmed: Dataset) -> Gap:
    return analyze(source, filmed, size=SIZE, scaling="literal")


def test_a_camera_is_what_an_analysis_against_it_alone_gives(gap: Gap, source: Dataset, filmed: Dataset) -> None:
    known = gap.measurement.cameras
    assert known is not None
    for number, camera in ((0, 1), (2, 3)):
        alone = analyze(source, filmed.filter(pl.col("camera") == camera), size=SIZE, scaling="literal")
        own = gap.cameras.filter(pl.col("camera") == camera)
        scale = alone.levels["total_loss"].to_numpy()
        np.testing.assert_allclose(own["total_loss"], scale, rtol=1e-5)
        # The variance of the target's mean is judged from other runs; all the rest is the same
        here, there = known.bias[number] @ gap.weights.total, alone.measurement.target_bias @ alone.weights.total
        np.testing.assert_allclose((own["mmd2"] + here) / scale, (alone.levels["mmd2"] + there) / scale, atol=1e-5)
        assert (own["mmd2_low"] < own["mmd2_high"]).all()


def test_mixtures_lie_between_and_the_whole_is_a_mixture(gap: Gap) -> None:
    whole = gap.against({1: 2, 2: 1, 3: 1})
    np.testing.assert_allclose(whole["total_loss"], gap.levels["total_loss"], rtol=1e-6)
    mixed = gap.against({1: 0.5, 3: 0.5})["total_loss"].to_numpy()
    one, other = (gap.against({camera: 1})["total_loss"].to_numpy() for camera in (1, 3))
    np.testing.assert_allclose(mixed, (one + other) / 2, rtol=1e-9)
    with pytest.raises(UsageError, match="camera of the target"):
        gap.against({7: 1})
    with pytest.raises(UsageError, match="zero"):
        gap.against({1: 0})


def test_intervals_over_cameras(gap: Gap, source: Dataset, filmed: Dataset, target: Dataset, tmp_path: Path) -> None:
    by_camera = analyze(source, filmed, size=SIZE, scaling="literal", bootstrap_unit="cameras", out=tmp_path)
    np.testing.assert_allclose(by_camera.levels["mmd2"], gap.levels["mmd2"], rtol=1e-9)
    assert (by_camera.levels["mmd2_low"] != gap.levels["mmd2_low"]).all()
    again = Gap.load(tmp_path)
    assert again.settings == by_camera.settings
    assert again.cameras.equals(by_camera.cameras)
    assert again.levels.equals(by_camera.levels)
    with pytest.raises(CloserlookError, match="camera"):
        analyze(source, target, size=SIZE, bootstrap_unit="cameras")
    with pytest.raises(UsageError, match="images"):
        analyze(source, target, size=SIZE, bootstrap_unit="image")


def test_tables_agree_with_scores(gap: Gap) -> None:
    pairs = gap.combinations(2)
    assert pairs.height == 6
    for row in pairs.iter_rows(named=True):
        score = gap.score({"weather": [row["weather"]], "viewpoint": [row["viewpoint"]]})
        for name in ("images", "total_loss", "mmd2", "diversity"):
            assert row[name] == pytest.approx(score[name], rel=1e-9), name
    assert gap.combinations(3).is_empty()
    people = gap.identities
    assert people["images"].to_list() == [6] * 6
    assert people["loss"].mean() == pytest.approx(gap.losses["loss"].mean())
    differences = gap.differences
    assert differences.height == 3 + 1
    assert (differences["low"] < differences["high"]).all()
    tau = gap.agreement
    assert set(tau["factor"]) == {"weather", "viewpoint"}
    assert tau.filter(pl.col("factor") == "viewpoint")["tau"].is_null().all()
    assert any("differ significantly" in note for note in gap.notes)


def test_custom_scaling_divides_each_term(gap: Gap) -> None:
    literal = gap.levels
    custom = gap.rescaled(scaling="style=2,content=1e3", alpha=3.0, beta=1.0).levels
    expected = (3 * literal["style"] / 2 + literal["content"] / 1e3) / 4
    np.testing.assert_allclose(custom["total_loss"], expected, rtol=1e-9)
    for wrong in ("style=2", "style=2,content=x", "style=2,content=0", "style=2,color=1"):
        with pytest.raises(UsageError, match=r"caling"):
            gap.rescaled(scaling=wrong).levels  # noqa: B018


class Colors(Embedder):
    """Mean colors of an image's quarters: a vector that costs nothing."""

    name, size, dim = "colors", SIZE, 12

    def __call__(self, images: torch.Tensor) -> torch.Tensor:
        height, width = SIZE
        quarters = images.float().reshape(len(images), 2, height // 2, 2, width // 2, 3)
        return quarters.mean((2, 4)).flatten(1)


def test_what_a_subsample_costs(source: Dataset, target: Dataset) -> None:
    """The spread over all samples that could have been drawn: closed form, estimate and 200 samples agree."""
    whole, draws, taken = analyze(source, target, embedding=Colors()), 200, 3
    assert (whole.levels["mmd2_subsampling_se"] == 0).all()
    some = [analyze(source, target, embedding=Colors(), per_cell=taken, seed=seed) for seed in range(draws)]
    assert any("18 of 36 source images" in remark for remark in some[0].notes)
    pairs, fits = (np.array([gap.estimates[name] for gap in some]) for name in ("total_loss", "mmd2"))
    errors = np.array([subsampling_errors(gap.measurement, gap.weights.total) for gap in some])
    judged_pair, judged_fit = (errors**2).mean(axis=0)
    for index, (name, level) in enumerate(whole.levels.select("factor", "level").iter_rows()):
        own = whole.losses.filter(pl.col(name).cast(pl.String) == level)
        variances = own.group_by("weather", "viewpoint").agg(pl.col("loss").var())["loss"].to_numpy()
        # of the mean of as many cell means, each of 3 of 6 images drawn without replacement
        exact = (variances * (1 - taken / 6) / taken).sum() / len(variances) ** 2
        four_sigma = 4 * np.sqrt(2 / draws)  # of a variance that is judged from so many draws
        assert pairs[:, index].var(ddof=1) == pytest.approx(exact, rel=four_sigma), (name, level)
        assert judged_pair[index] == pytest.approx(exact, rel=0.15), (name, level)
        assert judged_fit[index] == pytest.approx(fits[:, index].var(ddof=1), rel=four_sigma), (name, level)
