import numpy as np
import polars as pl
import pytest

from closerlook.analysis.anova import shares_of_factors, variance_shares
from closerlook.analysis.importance import importance, xgboost_gain
from closerlook.attributes import Factor


def grid(shape: tuple[int, ...], people: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    levels = np.array(list(np.ndindex(*shape)))
    cell = np.tile(np.arange(len(levels)), people)
    return levels, cell, np.repeat(np.arange(people), len(levels))


def shares(table: pl.DataFrame | None) -> dict[str, float]:
    assert table is not None
    return dict(zip(table["term"], table["share"], strict=True))


def test_known_components_are_found() -> None:
    """Variances 4 : 1 : 2 (interaction) : 2 (identity) : 1 (noise), averaged over many draws."""
    found: dict[str, list[float]] = {}
    for seed in range(60):
        rng = np.random.default_rng(seed)
        levels, cell, person = grid((6, 5), 12)
        a, b = (x - x.mean() for x in (rng.normal(size=6), rng.normal(size=5)))
        a, b = 2 * a / a.std(), b / b.std()
        ab = rng.normal(size=(6, 5))
        ab = ab - ab.mean(0) - ab.mean(1, keepdims=True) + ab.mean()
        ab = np.sqrt(2) * ab / np.sqrt((ab**2).mean())
        i, j = levels[cell].T
        y = 5 + a[i] + b[j] + ab[i, j] + np.sqrt(2) * rng.normal(size=12)[person] + rng.normal(size=len(cell))
        for term, share in shares(variance_shares(y, cell, levels, ["a", "b"], person)).items():
            found.setdefault(term, []).append(share)
    means = {term: np.mean(values) for term, values in found.items()}
    for term, expected in {"a": 0.4, "b": 0.1, "a x b": 0.2, "identity": 0.2, "rest": 0.1}.items():
        assert means[term] == pytest.approx(expected, abs=0.03), term


def test_noise_alone_has_no_effects() -> None:
    levels, cell, person = grid((4, 3, 2), 20)
    values = [
        shares(
            variance_shares(np.random.default_rng(seed).normal(size=len(cell)), cell, levels, ["a", "b", "c"], person)
        )
        for seed in range(40)
    ]
    for term in values[0]:
        expected = 1.0 if term == "rest" else 0.0
        assert np.mean([value[term] for value in values]) == pytest.approx(expected, abs=0.01), term


def test_without_noise_the_split_is_exact() -> None:
    levels, cell, person = grid((3, 4), 2)
    i, j = levels[cell].T
    found = shares(variance_shares(i * 1.0 + 10 * (j == 1), cell, levels, ["a", "b"], person))
    a, b = np.var([0, 1, 2]), 100 * 0.25 * 0.75
    assert found["a"] == pytest.approx(a / (a + b))
    assert found["b"] == pytest.approx(b / (a + b))
    assert found["a x b"] == pytest.approx(0, abs=1e-12)
    table = shares_of_factors(variance_shares(1.0 * i * j, cell, levels, ["a", "b"], person), ["a", "b"])  # type: ignore[arg-type]
    assert (table["total_share"] > table["share"]).all()
    assert table["total_share"].sum() == pytest.approx(1 + (1 - table["share"].sum()))


def test_nothing_is_claimed_where_it_cannot_be_known() -> None:
    levels, cell, person = grid((3, 2), 4)
    y = np.random.default_rng(0).normal(size=len(cell))
    keep = cell < 5
    assert variance_shares(y[keep], cell[keep], levels[:5], ["a", "b"], person[keep]) is None
    assert variance_shares(y[:6], cell[:6], levels, ["a", "b"], person[:6]) is None
    assert variance_shares(np.ones(len(cell)), cell, levels, ["a", "b"], person) is None


def test_importance_ranks_what_matters_and_shows_its_null() -> None:
    factors = (Factor("a", (0, 1, 2)), Factor("b", ("x", "y")))
    levels, cell, person = grid((3, 2), 40)
    i, j = levels[cell].T
    y = 3.0 * i + np.random.default_rng(0).normal(size=len(cell))
    images = pl.DataFrame({"identity": person, "a": i, "b": np.array(["x", "y"])[j]})
    table = importance(images, y, factors, 0)
    assert table["factor"].to_list() == ["identity", "a", "b"]
    rows = {row["factor"]: row for row in table.iter_rows(named=True)}
    assert rows["a"]["share"] > 0.8
    assert rows["a"]["total_gain"] > 3 * rows["a"]["null_total_gain"]
    assert abs(rows["b"]["share"]) < 0.05
    assert table["encoding"].n_unique() == 1


def test_gain_total_gain_and_splits_agree() -> None:
    rng = np.random.default_rng(0)
    matrix = rng.integers(4, size=(300, 2))
    found = xgboost_gain(matrix, ["a", "b"], matrix[:, 0] + rng.normal(size=300), 0)
    for scores in found.values():
        assert scores["total_gain"] == pytest.approx(scores["gain"] * scores["splits"], rel=1e-3)
