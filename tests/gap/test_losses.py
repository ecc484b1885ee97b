"""Streamed losses against Eqs. 1-3 as printed, pair by pair, on the real network's activations."""

import itertools
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import torch

from closerlook.dataset import Dataset
from closerlook.dataset.images import iter_images
from closerlook.embedding.backbones import pretrained
from closerlook.embedding.content_style import LAYERS
from closerlook.errors import CloserlookError, UsageError
from closerlook.gap import Gap, analyze

pytestmark = pytest.mark.slow


ALPHA, BETA = 0.7, 1.2
SHARED = Path(__file__).resolve().parents[3] / "shared" / "weights"
BACKBONE = "vgg19" if SHARED.is_dir() else "lite0"
SIZE = (32, 32)
RUN = np.arange(32) // 2  # 32 target images in 16 groups
APART = RUN[:, None] != RUN[None]


def activations(data: Dataset, backbone: str) -> dict[str, np.ndarray]:
    """Layer -> (n, N, M) float64."""
    network = pretrained(backbone)
    layers = LAYERS[backbone]
    images = torch.from_numpy(np.concatenate(list(iter_images(data, SIZE))))
    with torch.inference_mode():
        found = network.activations(network.normalize(images), {*layers.style, *layers.content})
    return {name: value.flatten(2).double().numpy() for name, value in found.items()}


def eq1(f: np.ndarray, p: np.ndarray) -> float:
    return 0.5 * ((f - p) ** 2).sum()


def eq2(g: np.ndarray, a: np.ndarray, shape: tuple[int, int], share: float) -> float:
    n, m = shape
    return share / (4 * n**2 * m**2) * ((g - a) ** 2).sum()


def pair_table(a: dict[str, np.ndarray], b: dict[str, np.ndarray], backbone: str) -> dict[str, np.ndarray]:
    """Style and content loss of every pair, (images of a, images of b)."""
    layers = LAYERS[backbone]
    rows, columns = len(a[layers.content[0]]), len(b[layers.content[0]])
    grams_a, grams_b = ({name: x[name] @ x[name].mT for name in layers.style} for x in (a, b))
    style, content = np.zeros((rows, columns)), np.zeros((rows, columns))
    for i, j in itertools.product(range(rows), range(columns)):
        style[i, j] = sum(
            eq2(grams_a[name][i], grams_b[name][j], a[name].shape[1:], share) for name, share in layers.style.items()
        )
        content[i, j] = sum(eq1(a[name][i], b[name][j]) for name in layers.content)
    return {"style": style, "content": content}


@pytest.fixture(scope="module")
def brute(source: Dataset, target: Dataset) -> dict[str, dict[str, np.ndarray]]:
    s, t = activations(source, BACKBONE), activations(target, BACKBONE)
    return {
        "st": pair_table(s, t, BACKBONE),
        "tt": pair_table(t, t, BACKBONE),
        "ss": pair_table(s, s, BACKBONE),
    }


@pytest.fixture(scope="module")
def gap(source: Dataset, target: Dataset) -> Gap:
    return analyze(source, target, embedding=BACKBONE, size=SIZE, alpha=ALPHA, beta=BETA)


def totals(tables: dict[str, dict[str, np.ndarray]], scaling: str) -> dict[str, np.ndarray]:
    """Eq. 3 of every pair; balanced divides each term by its mean over pairs of target images of different groups."""
    unit = {term: tables["tt"][term][APART].mean() if scaling == "balanced" else 1.0 for term in ("style", "content")}
    divisor = ALPHA + BETA if scaling == "balanced" else 1.0
    return {
        sides: (ALPHA * table["style"] / unit["style"] + BETA * table["content"] / unit["content"]) / divisor
        for sides, table in tables.items()
    }


@pytest.mark.parametrize("scaling", ["literal", "balanced"])
def test_levels_equal_brute_force(gap: Gap, brute: dict[str, dict[str, np.ndarray]], scaling: str) -> None:
    gap = gap.rescaled(scaling=scaling)
    total = totals(brute, scaling)
    target_pairs = total["tt"][APART].mean()
    for row in gap.levels.iter_rows(named=True):
        own = (gap.losses[row["factor"]].cast(pl.String) == row["level"]).to_numpy()
        between = total["st"][own].mean()
        within = total["ss"][np.ix_(own, own)]
        person = gap.losses["identity"].to_numpy()[own]
        source_pairs = within[person[:, None] != person[None]].mean()
        assert row["total_loss"] == pytest.approx(between, rel=1e-5)
        # the mean distance of different people is 2 tr Cov, so the unbiased ||mu_s - mu_t||^2 is:
        assert row["mmd2"] == pytest.approx(between - source_pairs / 2 - target_pairs / 2, rel=1e-5, abs=3e-6 * between)
        assert row["diversity"] == pytest.approx(source_pairs / target_pairs, rel=1e-5)


@pytest.mark.parametrize("scaling", ["literal", "balanced"])
def test_images_equal_brute_force(gap: Gap, brute: dict[str, dict[str, np.ndarray]], scaling: str) -> None:
    losses = gap.rescaled(scaling=scaling).losses["loss"].to_numpy()
    np.testing.assert_allclose(losses, totals(brute, scaling)["st"].mean(axis=1), rtol=1e-5)


def test_literal_terms_are_the_printed_ones(gap: Gap, brute: dict[str, dict[str, np.ndarray]]) -> None:
    images = gap.rescaled(scaling="literal").losses
    for term in ("style", "content"):
        np.testing.assert_allclose(images[term].to_numpy(), brute["st"][term].mean(axis=1), rtol=1e-5)
    np.testing.assert_allclose(images["loss"], ALPHA * images["style"] + BETA * images["content"], rtol=1e-12)


def test_any_product_subset_scores_as_its_images(gap: Gap, brute: dict[str, dict[str, np.ndarray]]) -> None:
    total = totals(brute, "balanced")
    own = (gap.losses["weather"].is_in(["sunny", "night"]) & (gap.losses["viewpoint"] == 180)).to_numpy()
    score = gap.score({"weather": ["sunny", "night"], "viewpoint": [180]})
    person = gap.losses["identity"].to_numpy()[own]
    spread = total["ss"][np.ix_(own, own)][person[:, None] != person[None]].mean() / 2
    target_spread = total["tt"][APART].mean() / 2
    assert score["images"] == own.sum()
    assert score["total_loss"] == pytest.approx(total["st"][own].mean(), rel=1e-5)
    assert score["mmd2"] == pytest.approx(total["st"][own].mean() - spread - target_spread, rel=1e-5, abs=1e-6)
    assert score["diversity"] == pytest.approx(spread / target_spread, rel=1e-5)


def test_single_levels_score_as_the_table_says(gap: Gap) -> None:
    for row in gap.levels.iter_rows(named=True):
        score = gap.score({row["factor"]: [row["level"]]})
        for name in ("images", "total_loss", "mmd2", "diversity"):
            assert score[name] == pytest.approx(row[name], rel=1e-9)


def test_weights_refuse_nonsense(gap: Gap) -> None:
    with pytest.raises(UsageError, match="balanced"):
        gap.rescaled(scaling="balance").levels  # noqa: B018
    for alpha, beta in ((-1.0, 1.0), (0.0, 0.0), (float("nan"), 1.0), (1.0, float("inf"))):
        with pytest.raises(UsageError, match="at least 0"):
            gap.rescaled(alpha=alpha, beta=beta).levels  # noqa: B018


def test_a_constant_target_has_no_unit(source: Dataset, target: Dataset) -> None:
    same = target.take([0, 0, 0])
    with pytest.raises(CloserlookError, match="literal"):
        analyze(source, same, size=SIZE)
    assert analyze(source, same, size=SIZE, scaling="literal").levels["mmd2"].is_finite().all()
