import json
from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from closerlook.errors import CloserlookError, UsageError
from closerlook.evaluation import Matching, Protocol, Result, evaluate, rank
from closerlook.metrics.uncertainty import bootstrap_interval, paired_difference
from metrics.crowd import features


@pytest.mark.parametrize("protocol", ["market1501", "cuhk03-classic", replace(Protocol(), ties="mean")])
def test_a_result_comes_back_as_saved(pair, tmp_path, protocol):
    result = rank(*pair, protocol=protocol, matching=Matching("cosine", query_expansion=1), name="mine")
    result.save(tmp_path / "result.json")
    again = Result.load(tmp_path / "result.json")
    assert again.per_query.equals(result.per_query)
    assert again.per_query.schema == result.per_query.schema
    assert (again.name, again.protocol, again.matching) == ("mine", result.protocol, result.matching)
    assert (again.mAP, again.mINP, again.gallery) == (result.mAP, result.mINP, result.gallery)
    np.testing.assert_array_equal(again.cmc, result.cmc)
    saved = json.loads((tmp_path / "result.json").read_text())
    assert saved["mAP"] == result.mAP
    assert saved["cmc"][0] == result.score("rank-1")
    assert saved["queries"]["valid"] == result.valid


def test_columns_that_json_cannot_hold_are_left_behind(wardrobe, color, tmp_path):
    table = wardrobe.table.with_columns(
        pl.Series("height", [float("nan"), float("inf")] * 9), pl.lit([1, 2]).alias("box"), pl.lit(3).alias("ap")
    )
    result = evaluate(color, replace(wardrobe, table=table))
    result.save(tmp_path / "r.json")
    again = Result.load(tmp_path / "r.json").per_query
    assert again["height"].null_count() == 6
    assert "box" not in again.columns
    assert again["ap"].to_list() == [1.0] * 6


def test_a_loaded_result_has_no_rankings(pair, tmp_path):
    rank(*pair).save(tmp_path / "r.json")
    with pytest.raises(UsageError, match="evaluate again"):
        Result.load(tmp_path / "r.json").ranked_list(0)


@pytest.mark.parametrize("text", ["", "{}", "[1]", '{"name": 3}', "\x00"])
def test_a_file_that_is_no_result(tmp_path, text):
    (tmp_path / "r.json").write_text(text)
    with pytest.raises(CloserlookError, match=r"r\.json"):
        Result.load(tmp_path / "r.json")
    with pytest.raises(CloserlookError, match="There is no file"):
        Result.load(tmp_path / "absent.json")


def test_cmc_reaches_any_rank_and_ends_at_one(pair):
    result = rank(*pair)
    assert len(result.cmc) == result.gallery
    assert (np.diff(result.cmc) >= 0).all()
    assert result.cmc[-1] == 1
    with pytest.raises(UsageError, match="rank-1"):
        result.score("rank1")


def test_the_ranked_list_shows_what_the_scores_were_made_of(pair):
    query, gallery = pair
    result = rank(query, gallery)
    for row in range(5):
        ranked = result.ranked_list(row, count=10_000)
        scored = result.per_query.row(row, named=True)
        places = ranked.filter("match")["rank"].to_numpy()
        assert len(places) == scored["matches"]
        if len(places):
            assert places[0] == scored["first_hit"]
            assert np.mean(np.arange(1, len(places) + 1) / places) == pytest.approx(scored["ap"])
        hidden = (gallery.identities == query.identities[row]) & (gallery.cameras == query.cameras[row])
        assert ranked.height == (gallery.identities != -1).sum() - hidden.sum()
        distances = ranked["distance"].to_numpy()
        assert (np.diff(distances) >= -1e-9).all()
        kept = gallery.features[gallery.identities != -1]
        golden = np.linalg.norm(kept[ranked["gallery"][0]] - query.features[row])
        assert distances[0] == pytest.approx(golden)
    assert result.ranked_list(0, 3).height == 3
    with pytest.raises(UsageError, match="no query 40"):
        result.ranked_list(40)


def test_shown_cosine_distances(pair):
    result = rank(*pair, matching=Matching("cosine"))
    top = result.ranked_list(2, 1).row(0, named=True)
    kept = pair[1].features[pair[1].identities != -1]
    a, b = pair[0].features[2], kept[top["gallery"]]
    assert top["distance"] == pytest.approx(1 - a @ b / np.linalg.norm(a) / np.linalg.norm(b), abs=1e-6)


def test_breakdowns_partition_the_queries(wardrobe, color):
    result = evaluate(color, wardrobe)
    table = result.by("weather")
    assert table["queries"].sum() == result.valid
    assert np.average(table["mAP"], weights=table["queries"]) == pytest.approx(result.mAP)
    assert result.by("camera", "weather").height == 2
    with pytest.raises(UsageError, match="weather"):
        result.by("wether")


def test_camera_pairs_are_rankings_of_one_cameras_images(pair):
    query, gallery = pair
    result = rank(query, gallery)
    table = result.by_camera_pair()
    assert set(table["camera"]) == set(table["gallery_camera"]) == {1, 2, 3}
    one = gallery.cameras == 2
    part = replace(
        gallery, features=gallery.features[one], identities=gallery.identities[one], cameras=gallery.cameras[one]
    )
    golden = rank(query, part).by("camera")
    mine = table.filter(pl.col("gallery_camera") == 2)
    np.testing.assert_allclose(mine["mAP"], golden["mAP"])
    np.testing.assert_allclose(mine["rank-1"], golden["rank-1"])
    assert (table["camera"] != table["gallery_camera"]).all()


def test_the_worst_queries_come_first(pair):
    result = rank(*pair)
    worst = result.worst(5)
    assert worst["ap"].is_sorted()
    assert worst["ap"][0] == result.per_query["ap"].min()


def test_the_interval_holds_the_truth_as_often_as_it_says():
    rng = np.random.default_rng(0)
    held = 0
    for seed in range(200):
        people = np.repeat(np.arange(40), rng.integers(1, 6, 40))
        values = rng.normal(0.5, 0.2, 40)[people] + rng.normal(0, 0.05, len(people))
        low, high = bootstrap_interval(values, people, seed=seed)
        held += low <= 0.5 <= high
    assert 0.88 <= held / 200 <= 0.99


def test_queries_of_one_person_do_not_count_as_independent():
    values = np.tile(np.random.default_rng(1).random(20), 50)
    clustered = bootstrap_interval(values, np.tile(np.arange(20), 50))
    naive = bootstrap_interval(values, np.arange(1000))
    assert clustered[1] - clustered[0] > 4 * (naive[1] - naive[0])


def test_a_result_does_not_differ_from_itself(pair):
    result = rank(*pair)
    difference = result.difference(result)
    assert (difference.value, difference.low, difference.high, difference.p) == (0, 0, 0, 1)


def test_a_real_difference_is_found_and_signed():
    query, gallery = features(200, 1, people=40, noise=0.4), features(400, 2, people=40, noise=0.4)
    blurred = [replace(side, features=side.features[:, :3]) for side in (query, gallery)]
    good, poor = rank(query, gallery), rank(*blurred)
    difference = good.difference(poor)
    assert difference.value == pytest.approx(good.mAP - poor.mAP)
    assert 0 < difference.low < difference.value < difference.high
    assert difference.p < 0.01
    assert poor.difference(good, "rank-1").value == pytest.approx(poor.score("rank-1") - good.score("rank-1"))


def test_p_values_are_uniform_where_there_is_no_difference():
    rng = np.random.default_rng(3)
    people = np.repeat(np.arange(30), 3)
    ps = []
    for seed in range(200):
        first, second = rng.random((2, 90))
        ps.append(paired_difference("mAP", first, second, people, draws=500, seed=seed).p)
    assert 0.01 <= np.mean(np.array(ps) < 0.05) <= 0.1
    assert 0.4 < np.mean(ps) < 0.6


def test_results_on_other_queries_cannot_be_paired(pair):
    with pytest.raises(UsageError, match="did not rank the same"):
        rank(*pair).difference(rank(features(39, 3), pair[1]))
    with pytest.raises(UsageError, match="one protocol"):
        rank(*pair).difference(rank(*pair, protocol=replace(Protocol(), ap="trapezoid")))
