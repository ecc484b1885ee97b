import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings, strategies as st
from scipy import stats

from closerlook.attributes import Factor
from closerlook.errors import CloserlookError, UsageError
from closerlook.gap.statistics.anova import additive_shares, shares_of_factors, variance_shares
from closerlook.gap.statistics.importance import NULLS, importance, importance_of_runs, rank_agreement, tree_scores
from closerlook.randomness import keyed_rng

pytestmark = pytest.mark.slow


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
        assert np.mean([value[term] for value in values]) == pytest.approx(float(term == "rest"), abs=0.1), term
        if term != "rest":  # by chance as often below 0, where it counts as 0, as above
            assert np.mean([value[term] == 0 for value in values]) > 0.25, term


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
    assert table["factor"].to_list() == 2 * ["identity", "a", "b"]
    assert table["encoding"].to_list() == 3 * ["codes"] + 3 * ["one-hot"]
    for row in table.filter(pl.col("factor") == "a").iter_rows(named=True):
        for measure in ("total_gain", "permutation", "shap"):
            null, spread = row[f"null_{measure}"], row[f"null_{measure}_sd"]
            assert row[measure] > 2 * null, (row["encoding"], measure)
            assert row[measure] > null + 5 * spread > null, (row["encoding"], measure)
    for row in table.filter(pl.col("factor") == "b").iter_rows(named=True):
        assert abs(row["permutation"]) < 0.1


def test_the_null_of_an_attribute_leaves_the_others_effects() -> None:
    """Two interacting attributes beside a strong one: shuffled responses have larger gains than both."""
    rng = np.random.default_rng(0)
    codes = {"strong": rng.integers(3, size=1500), "a": rng.integers(6, size=1500), "b": rng.integers(6, size=1500)}
    y = 8.0 * codes["strong"] + rng.normal(size=(6, 6))[codes["a"], codes["b"]] + 0.3 * rng.normal(size=1500)
    factors = tuple(Factor(name, tuple(range(int(code.max()) + 1))) for name, code in codes.items())
    images = pl.DataFrame({**codes, "identity": pl.Series([None] * 1500, dtype=pl.Int64)})
    table = importance(images, y, factors, 0).filter(pl.col("encoding") == "codes")
    standard = (y - y.mean()) / y.std()
    by_response = tree_scores(codes, rng.permutation(standard), "codes", 0)
    for row in table.filter(pl.col("factor") != "strong").iter_rows(named=True):
        assert row["null_gain_sd"] > 0
        assert row["gain"] > row["null_gain"] + 5 * row["null_gain_sd"], row
        assert row["gain"] < by_response[row["factor"]]["gain"], row
    shuffled = []
    for index in range(NULLS):  # the definition
        order = keyed_rng(0, "importance", "rows").permutation(1500)
        own = {name: code[order] for name, code in codes.items()}
        own["a"] = own["a"][keyed_rng(0, "importance", "null", "a", index).permutation(1500)]
        shuffled.append(tree_scores(own, standard[order], "codes", 0)["a"]["gain"])
    assert table["null_gain"][1] == pytest.approx(np.mean(shuffled))
    assert table["null_gain_sd"][1] == pytest.approx(np.std(shuffled, ddof=1))


def test_gain_total_gain_and_splits_agree() -> None:
    rng = np.random.default_rng(0)
    codes = {"a": rng.integers(4, size=300), "b": rng.integers(4, size=300)}
    for encoding in ("codes", "one-hot"):
        found = tree_scores(codes, codes["a"] + rng.normal(size=300), encoding, 0)
        for scores in found.values():
            assert scores["total_gain"] == pytest.approx(scores["gain"] * scores["splits"], rel=1e-3)
    assert tree_scores(codes, np.zeros(300), "codes", 0)["a"]["total_gain"] == 0


def test_identity_interacts_with_attributes() -> None:
    """Variances 1 : 2 : 1 of identity, identity x a and noise, over many draws."""
    found: dict[str, list[float]] = {}
    for seed in range(40):
        rng = np.random.default_rng(seed)
        levels, cell, person = grid((4, 5), 16)
        own = rng.normal(size=16)[person] + np.sqrt(2) * rng.normal(size=(16, 4))[person, levels[cell][:, 0]]
        table = variance_shares(own + rng.normal(size=len(cell)), cell, levels, ["a", "b"], person)
        for term, share in shares(table).items():
            found.setdefault(term, []).append(share)
    expected = {"identity": 0.25, "identity x a": 0.5, "identity x b": 0, "rest": 0.25, "a": 0, "b": 0, "a x b": 0}
    assert set(found) == set(expected)
    for term, share in expected.items():
        assert np.mean(found[term]) == pytest.approx(share, abs=0.05), term


def test_intervals_of_rest_are_the_jackknifes() -> None:
    rng = np.random.default_rng(4)
    levels, cell, person = grid((4, 3), 20)
    group = person % 5
    i, j = levels[cell].T
    # every component is far above 0, so that none is cut off
    y = i + j + i * j + 2 * rng.normal(size=20)[person] + rng.normal(size=(20, 4))[person, i]
    y = y + rng.normal(size=(20, 3))[person, j] + rng.normal(size=len(cell))
    table = variance_shares(y, cell, levels, ["a", "b"], person, group)
    assert table is not None
    left = []
    for one in range(5):
        keep = group != one
        left.append(list(shares(variance_shares(y[keep], cell[keep], levels, ["a", "b"], person[keep])).values()))
    half = stats.t.ppf(0.975, 4) * np.sqrt(4 / 5 * ((np.array(left) - np.mean(left, axis=0)) ** 2).sum(axis=0))
    np.testing.assert_allclose(table["low"][3:], (table["share"] - half)[3:].clip(0, 1), rtol=1e-9)
    np.testing.assert_allclose(table["high"][3:], (table["share"] + half)[3:].clip(0, 1), rtol=1e-9)


def test_intervals_of_shares_cover() -> None:
    """Each holds the truth in 95 % of draws: as often as a binomial does, but for one of 1,000 such tests."""
    draws, effect = 300, np.array([-1.0, 0, 0, 1])
    truth = {"a": 0.2, "b": 0.0, "a x b": 0.0, "identity": 0.4, "rest": 0.4, "identity x a": 0.0, "identity x b": 0.0}
    inside = dict.fromkeys(truth, 0)
    for seed in range(draws):
        rng = np.random.default_rng(seed)
        levels, cell, person = grid((4, 3), 32)
        y = effect[levels[cell][:, 0]] + rng.normal(size=32)[person] + rng.normal(size=len(cell))
        table = variance_shares(y, cell, levels, ["a", "b"], person, person % 16)
        assert table is not None
        for row in table.iter_rows(named=True):
            inside[row["term"]] += row["low"] <= truth[row["term"]] <= row["high"]
    low, high = stats.binom.ppf([0.0005, 0.9995], draws, 0.95)
    for term, count in inside.items():
        assert low <= count <= high, (term, count / draws)


def test_additive_shares_are_the_first_order_ones_where_factors_are_orthogonal() -> None:
    levels, cell, person = grid((3, 4), 30)
    rng = np.random.default_rng(0)
    i, j = levels[cell].T
    y = i + 0.5 * rng.normal(size=4)[j] + rng.normal(size=30)[person] + rng.normal(size=len(cell))
    exact = shares(variance_shares(y, cell, levels, ["a", "b"], person))
    found = additive_shares({"identity": person, "a": i, "b": j}, y)
    for name, share in found.items():
        assert share == pytest.approx(exact[name], abs=0.04), name


def test_additive_shares_do_not_favor_the_first_of_two_that_agree() -> None:
    rng = np.random.default_rng(0)
    a = rng.integers(3, size=400)
    y = a + 0.1 * rng.normal(size=400)
    found = additive_shares({"a": a, "twin": a, "other": rng.integers(3, size=400)}, y)
    assert found["a"] == pytest.approx(found["twin"])
    assert sum(found.values()) == pytest.approx(1, abs=0.02)
    assert 0 <= found["other"] < 0.01
    noise = [additive_shares({"a": rng.integers(5, size=50)}, rng.normal(size=50))["a"] for _ in range(300)]
    assert np.mean(noise) == pytest.approx(0, abs=0.04)
    assert np.median(noise) == 0  # what is below 0 counts as 0


def test_additive_shares_are_unknown_where_nothing_tells_noise() -> None:
    found = additive_shares({"identity": np.arange(6), "a": np.arange(6) % 2}, np.arange(6.0) ** 2)
    assert np.isnan(list(found.values())).all()


def test_training_runs_are_read_as_the_paper_may_have() -> None:
    rng = np.random.default_rng(0)
    table = [
        {"identities": n, "weather": weather, "mAP": 5 * np.log(n) + (weather != "all") + rng.normal() / 10}
        for n in (100, 400, 800)
        for weather in ("all", "sunny,clouds")
        for _ in range(3)
    ]
    runs = importance_of_runs(pl.DataFrame(table), ["identities", "weather"])
    first = {row["factor"]: row["share"] for row in runs.filter(pl.col("encoding") == "codes").iter_rows(named=True)}
    assert first["identities"] > 0.9 > 0.1 > first["weather"] > 0
    images = pl.DataFrame({"factor": ["weather", "identities", "viewpoint"], "share": [0.1, 0.5, 0.2]})
    assert np.isnan(rank_agreement(images, runs)[0])
    assert rank_agreement(images, images) == (1.0, 3)
    with pytest.raises(UsageError, match="illumination"):
        importance_of_runs(pl.DataFrame(table), ["illumination"])
    with pytest.raises(CloserlookError, match="at least 4"):
        importance_of_runs(pl.DataFrame(table[:3]), ["weather"])


def test_a_column_with_one_level_takes_nothing() -> None:
    rng = np.random.default_rng(0)
    levels, cell, person = grid((1, 2, 3), 3)
    y = rng.normal(size=(3, 3))[person, levels[cell][:, 2]] + levels[cell][:, 1] + rng.normal(size=len(cell)) / 2
    group, names = person, ["weather", "illumination", "viewpoint"]
    table = variance_shares(y, cell, levels, names, person, group)
    without = variance_shares(y, cell, levels[:, 1:], names[1:], person, group)
    assert table is not None
    assert without is not None
    own = table.filter(pl.col("term").str.contains("weather"))
    assert own.rows() == [("weather", 1, 0.0, 0.0, 0.0)]
    assert shares_of_factors(table, names)["total_share"][0] == 0
    rest = table.filter(pl.col("term") != "weather")
    assert rest["term"].equals(without["term"])
    for column in ("share", "low", "high"):
        np.testing.assert_allclose(rest[column].to_numpy(), without[column].to_numpy(), rtol=1e-9, atol=1e-12)
    assert without.filter(pl.col("term") == "identity x viewpoint")["share"][0] > 0.1


def test_an_attribute_of_people_is_in_no_interaction_with_identity() -> None:
    """Every person has one sex: identity is what people of one sex differ in."""
    found: dict[str, list[float]] = {}
    for seed in range(40):
        rng = np.random.default_rng(seed)
        levels = np.array(list(np.ndindex(2, 3)))
        person, view = np.repeat(np.arange(40), 3), np.tile(np.arange(3), 40)
        cell = 3 * (person % 2) + view
        y = rng.normal(size=40)[person] + rng.normal(size=len(cell))
        for term, share in shares(variance_shares(y, cell, levels, ["sex", "view"], person)).items():
            found.setdefault(term, []).append(share)
    assert {"identity", "identity x view"} >= {term for term in found if term.startswith("identity")}
    assert np.mean(found["identity"]) == pytest.approx(0.5, abs=0.03)
    assert np.mean(found["rest"]) == pytest.approx(0.5, abs=0.04)


shapes = st.lists(st.integers(1, 3), min_size=1, max_size=3).map(tuple)


@given(
    shapes, st.integers(1, 6), st.integers(1, 3), st.floats(0.2, 1), st.integers(0, 99), st.sampled_from([0, 1e-9, 1])
)
@settings(max_examples=150, deadline=None, derandomize=True)
@pytest.mark.filterwarnings("error")
def test_shares_lie_in_0_to_1_whatever_the_design(
    shape: tuple[int, ...], people: int, each: int, share: float, seed: int, noise: float
) -> None:
    rng = np.random.default_rng(seed)
    levels, cell, person = grid(shape, people * each)
    person //= each
    keep = rng.random(len(cell)) < share
    cell, person = cell[keep], person[keep]
    y = 1 + noise * rng.normal(size=len(cell)) + rng.normal(size=people)[person]
    names = ["a", "b", "c"][: len(shape)]
    table = variance_shares(y, cell, levels, names, person, person % 4)
    if table is None:
        return
    assert table["share"].sum() > 1 - 1e-9
    assert table["share"].is_between(0, 1).all()
    known = table.drop_nulls()
    assert (known["low"] <= known["share"]).all()
    assert (known["share"] <= known["high"]).all()
    assert known.select(pl.col("low", "high").is_between(0, 1).all()).row(0) == (True, True)
    for name, size in zip(names, shape, strict=True):
        if size == 1:
            assert table.filter(pl.col("term").str.split(" x ").list.contains(name))["share"].to_list() == [0.0]
    factors = shares_of_factors(table, ["identity", *names])
    assert factors["total_share"].drop_nulls().is_between(-1e-12, 1 + 1e-12).all()
