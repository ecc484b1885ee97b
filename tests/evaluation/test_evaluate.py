import itertools
from dataclasses import replace
from typing import Any

import numpy as np
import polars as pl
import pytest
import torch
from hypothesis import given, settings, strategies as st

from closerlook.embedding.features import Features
from closerlook.errors import CloserlookError, UsageError
from closerlook.evaluation import PROTOCOLS, KReciprocal, Matching, Protocol, Result, evaluate, rank
from closerlook.metrics.distance import BYTES_A_DISTANCE, block_size
from metrics import reference
from metrics.crowd import features


def golden(query, gallery, score, metric="euclidean", **options):
    """The mean over the queries that have a match, by the definition; and how many they are."""
    left, right = query.features.astype(np.float64), gallery.features.astype(np.float64)
    if metric == "cosine":
        left, right = (x / np.linalg.norm(x, axis=1, keepdims=True) for x in (left, right))
    values = []
    for row, vector in enumerate(left):
        distances = ((right - vector) ** 2).sum(1)
        shown = reference.ranking(
            distances, query.identities[row], query.cameras[row], gallery.identities, gallery.cameras, **options
        )
        if any(shown):
            values.append(score(shown))
    return np.mean(values), len(values)


@pytest.mark.parametrize(("form", "definition"), [("step", reference.step_ap), ("trapezoid", reference.trapezoid_ap)])
def test_scores_of_features_equal_the_definition(pair, form, definition):
    result = rank(*pair, protocol=replace(Protocol(), ap=form))
    query, gallery = pair
    value, valid = golden(query, gallery, definition)
    assert result.mAP == pytest.approx(value, abs=1e-14)
    assert result.valid == valid
    assert result.mINP == pytest.approx(golden(query, gallery, reference.inp)[0], abs=1e-14)
    for k in (1, 3, 10):
        share = golden(query, gallery, lambda shown: reference.first_hit(shown) <= k)[0]  # noqa: B023
        assert result.cmc[k - 1] == result.score(f"rank-{k}") == pytest.approx(share, abs=1e-14)


def test_junk_is_left_out_and_distractors_stay(pair):
    query, gallery = pair
    assert rank(query, gallery).gallery == (gallery.identities != -1).sum()
    without = Features(
        *(getattr(gallery, name)[gallery.identities > 0] for name in ("features", "identities", "cameras"))
    )
    assert rank(query, without).mAP > rank(query, gallery).mAP


def test_cosine(pair):
    nonzero = [np.linalg.norm(side.features, axis=1) > 0 for side in pair]
    query, gallery = (
        Features(*(getattr(side, name)[keep] for name in ("features", "identities", "cameras")))
        for side, keep in zip(pair, nonzero, strict=True)
    )
    jitter = np.random.default_rng(0).normal(0, 1e-2, gallery.features.shape).astype(np.float32)
    gallery = replace(gallery, features=gallery.features + jitter)  # cosine of whole numbers ties only up to rounding
    result = rank(query, gallery, matching="cosine")
    assert result.matching == Matching("cosine")
    assert result.mAP == pytest.approx(golden(query, gallery, reference.step_ap, "cosine")[0], abs=1e-9)


@pytest.mark.parametrize("memory", [1, 5_000, 2**30])
def test_the_memory_bound_changes_nothing(pair, memory):
    assert rank(*pair, memory=memory).per_query.equals(rank(*pair).per_query)


@pytest.mark.parametrize("kind", ["float16", "float64", "columns", "reversed"])
def test_types_and_strides_change_nothing(pair, kind):
    def changed(array):
        if kind == "columns":
            return np.asfortranarray(array)
        if kind == "reversed":
            return np.repeat(array, 2, axis=1)[:, ::-2][:, ::-1]
        return array.astype(kind)

    result = rank(*(replace(side, features=changed(side.features)) for side in pair))
    assert result.per_query.equals(rank(*pair).per_query)


def test_features_that_are_not_numbers_are_refused_by_row(pair):
    query, gallery = pair
    broken = gallery.features.copy()
    broken[[3, 77], 1] = np.nan, np.inf
    with pytest.raises(CloserlookError, match=r"2 of \d+ gallery features .* rows 3, 77"):
        rank(query, replace(gallery, features=broken), protocol=replace(Protocol(), junk=()))


def test_one_image_each():
    one = Features(np.ones((1, 4), np.float32), np.array([5]), np.array([1]))
    other = replace(one, cameras=np.array([2]))
    result = rank(one, other)
    assert (result.mAP, result.mINP, result.cmc.tolist()) == (1.0, 1.0, [1.0])
    assert result.interval() == (1.0, 1.0)


def test_duplicate_features_tie_by_gallery_order():
    query = Features(np.ones((1, 4), np.float32), np.array([1]), np.array([1]))
    gallery = Features(np.ones((6, 4), np.float32), np.array([9, 1, 9, 9, 1, 9]), np.full(6, 2))
    assert rank(query, gallery).per_query["ap"][0] == pytest.approx((1 / 2 + 2 / 5) / 2)
    assert rank(query, gallery, protocol=replace(Protocol(), ties="pessimistic")).cmc.tolist() == [0, 0, 0, 0, 1, 1]


def test_without_cameras_the_message_says_what_to_do(pair):
    query, gallery = (replace(side, cameras=np.full(len(side), -1)) for side in pair)
    with pytest.raises(CloserlookError, match=r"missing camera ids .*0 cameras, 40 images without one.*'no-cameras'"):
        rank(query, gallery)
    result = rank(query, gallery, protocol="no-cameras")
    assert result.mAP == pytest.approx(golden(query, gallery, reference.step_ap, same_camera=False)[0], abs=1e-14)


def test_invalid_queries_are_counted_with_their_reasons():
    query = Features(np.eye(5, dtype=np.float32), np.array([1, 2, 3, -2, -1]), np.ones(5, int))
    gallery = Features(np.eye(5, dtype=np.float32)[:3], np.array([1, 2, -2]), np.array([2, 1, 1]))
    result = rank(query, gallery)
    assert (result.valid, result.invalid) == (1, 4)
    assert sorted(result.reasons.values()) == [1, 1, 1, 1]
    reasons = result.per_query["reason"].to_list()
    assert reasons[0] is None
    assert "same camera" in reasons[1]
    assert "not in the gallery" in reasons[2]
    assert "distractor" in reasons[3]
    assert "junk" in reasons[4]
    assert "4 invalid" not in str(result)
    assert "1 invalid: its identity means junk" in str(result)


def test_pooled_queries_search_all_others(pair):
    result = rank(*pair, protocol="open-reid")
    pooled = Features(
        *(np.concatenate([getattr(side, name) for side in pair]) for name in ("features", "identities", "cameras"))
    )
    people = Features(*(getattr(pooled, name)[pooled.identities > 0] for name in ("features", "identities", "cameras")))
    value, valid = golden(people, pooled, reference.step_ap)
    assert result.mAP == pytest.approx(value, abs=1e-14)
    assert result.valid == valid
    assert result.gallery == (pooled.identities != -1).sum()


@pytest.mark.parametrize("levels", [3, 100])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_pooled_scores_are_brute_forces_own_numbers(levels, dtype):
    """To the last digit, in features of whole numbers, whose distances are exact; of three levels many are equal."""
    rng = np.random.default_rng(levels)
    people, cameras = rng.integers(0, 9, 60), rng.integers(1, 4, 60)
    features = (levels * rng.normal(size=(9, 6))[people]).round() + rng.integers(0, levels, (60, 6))
    halves = (
        Features(features[rows].astype(dtype), people[rows], cameras[rows]) for rows in (slice(20), slice(20, 60))
    )
    result = rank(*halves, protocol="open-reid")
    assert result.invalid == 0
    for row, found in enumerate(result.per_query.iter_rows(named=True)):
        apart, rest = ((features - features[row]) ** 2).sum(1), np.arange(60) != row
        shown = reference.ranking(apart[rest], people[row], cameras[row], people[rest], cameras[rest])
        assert found["ap"] == reference.step_ap(shown)
        assert found["first_hit"] == reference.first_hit(shown)
        assert found["inp"] == pytest.approx(reference.inp(shown), abs=1e-15)


def hide_nothing(query, gallery):
    return np.zeros((len(query), len(gallery)), bool)


@pytest.mark.parametrize("rule", ["none", "same-camera", hide_nothing])
@pytest.mark.parametrize("cameras", ["known", "unknown"])
@pytest.mark.parametrize("shots", ["multi-shot", "single-shot"])
def test_a_pooled_query_is_never_shown_itself(pair, rule, cameras, shots):
    """Distances of zero to oneself would otherwise make every first hit right."""
    if cameras == "unknown":
        pair = [replace(side, cameras=np.full(len(side), -1)) for side in pair]
    protocol = Protocol("mine", pooled=True, filter=rule, gallery=shots, draws=2)
    if cameras == "unknown" and rule == "same-camera":
        with pytest.raises(CloserlookError, match="missing camera ids"):
            rank(*pair, protocol=protocol)
        return
    result = rank(*pair, protocol=protocol)
    both = Features(
        *(np.concatenate([getattr(side, name) for side in pair]) for name in ("features", "identities", "cameras"))
    )
    kept = np.flatnonzero(both.identities >= 0)
    if shots == "multi-shot":
        scores = []
        for row in kept:
            others = np.arange(len(both)) != row
            shown = reference.ranking(
                ((both.features[others] - both.features[row]) ** 2).sum(1),
                both.identities[row],
                both.cameras[row],
                both.identities[others],
                both.cameras[others],
                same_camera=rule == "same-camera",
            )
            scores.append(reference.step_ap(shown) if any(shown) else np.nan)
        np.testing.assert_allclose(result.per_query["ap"].fill_null(np.nan), scores, atol=1e-12)
    lists = [result.ranked_list(query, 5) for query in range(10)]
    gallery = np.flatnonzero(both.identities != -1)
    assert all(kept[query] not in gallery[shown["gallery"]] for query, shown in enumerate(lists))


def test_an_image_alone_of_its_identity_is_said_to_be_so():
    side = Features(np.eye(3, dtype=np.float32), np.array([1, 2, 1]), np.array([1, 2, 2]))
    others = replace(side, identities=np.array([3, 4, 5]))
    result = rank(side, others, protocol=Protocol("mine", pooled=True, filter="none"))
    assert result.reasons == {"no other image shows its identity": 4}


def test_identity_0_is_a_person():
    query = Features(np.eye(2, dtype=np.float32), np.array([0, 1]), np.ones(2, int))
    gallery = Features(np.eye(2, dtype=np.float32), np.array([0, 1]), np.full(2, 2))
    for protocol in PROTOCOLS:
        assert rank(query, gallery, protocol=protocol).mAP == 1


def test_cameras_are_blamed_only_where_they_are_missing():
    query = Features(np.eye(2, dtype=np.float32), np.array([1, 2]), np.ones(2, int))
    strangers = Features(np.eye(2, dtype=np.float32), np.array([3, 4]), np.full(2, -1))
    with pytest.raises(CloserlookError, match=r"2 because its identity is not in the gallery\. Check the identities"):
        rank(query, strangers)
    with pytest.raises(CloserlookError, match="Nobody is seen by two cameras") as caught:
        rank(query, query)
    assert "missing" not in str(caught.value)
    with pytest.raises(CloserlookError, match=r"missing camera ids \(query: 0 cameras, 2 images without one"):
        rank(*[replace(query, cameras=np.full(2, -1))] * 2)


@given(st.integers(0, 10_000), st.integers(1, 4))
@settings(max_examples=15, deadline=None)
def test_scores_of_mean_ties_are_the_means_of_shuffled_galleries(seed, size):
    """Every order of the gallery gives each tie every order."""
    rng = np.random.default_rng(seed)
    query = Features(rng.integers(0, 2, (3, 1)).astype(np.float32), np.array([0, 1, 0]), np.ones(3, int))
    gallery = Features(rng.integers(0, 2, (size, 1)).astype(np.float32), rng.integers(0, 2, size), np.full(size, 2))
    if not np.isin(query.identities, gallery.identities).any():
        return
    mean = Result.from_dict(rank(query, gallery, protocol=replace(Protocol(), ties="mean")).to_dict())
    stable = [
        rank(query, Features(*(getattr(gallery, name)[order] for name in ("features", "identities", "cameras"))))
        for order in map(list, itertools.permutations(range(size)))
    ]
    for score in ("mAP", "mINP", "rank-1", "rank-2"):
        assert mean.score(score) == pytest.approx(np.mean([one.score(score) for one in stable]), abs=1e-12)
    np.testing.assert_allclose(mean.cmc, np.mean([one.cmc for one in stable], axis=0), atol=1e-12)
    by_camera = mean.by("camera")
    assert by_camera["rank-1"][0] == pytest.approx(mean.score("rank-1"))


def test_single_shot_has_a_row_a_draw_and_one_match_each(pair):
    result = rank(*pair, protocol="cuhk03-classic")
    assert result.per_query.height == 10 * 40
    assert result.valid + result.invalid == 40
    counted = result.per_query.drop_nulls("ap")
    assert (counted["matches"] == 1).all()
    np.testing.assert_allclose(counted["ap"].to_numpy(), 1 / counted["first_hit"].to_numpy())


def test_re_ranking_and_expansion_are_used_and_recorded(pair):
    plain = rank(*pair)
    for matching in (Matching(query_expansion=2), Matching(reranking=KReciprocal(5, 2))):
        result = rank(*pair, matching=matching)
        assert result.matching == matching
        assert not result.per_query["ap"].equals(plain.per_query["ap"])


@pytest.mark.parametrize(
    "change",
    [
        lambda q, g: (replace(q, features=q.features[:, :3]), g),
        lambda q, g: (replace(q, features=q.features[:3]), g),
        lambda q, g: (replace(q, identities=q.identities[:3]), g),
        lambda q, g: (replace(q, features=q.features.ravel()), g),
        lambda q, g: (features(0, 1), g),
    ],
)
def test_sides_that_do_not_fit_are_refused(pair, change):
    with pytest.raises(CloserlookError):
        rank(*change(*pair))


def test_a_gallery_of_junk_alone(pair):
    query, gallery = pair
    with pytest.raises(CloserlookError, match="0 gallery images"):
        rank(query, replace(gallery, identities=np.full(len(gallery), -1)))


@pytest.mark.parametrize(
    "make",
    [
        lambda: Protocol.load("market"),
        lambda: Protocol(ap="interpolated"),  # type: ignore[arg-type]
        lambda: Protocol(ties="random"),  # type: ignore[arg-type]
        lambda: Protocol(gallery="all"),  # type: ignore[arg-type]
        lambda: Protocol(filter="same-clip"),  # type: ignore[arg-type]
        lambda: Protocol(draws=0),
        lambda: Matching("manhattan"),  # type: ignore[arg-type]
        lambda: Matching(query_expansion=-1),
        lambda: Matching.load("l1"),
    ],
)
def test_unknown_rules_are_usage_errors(make):
    with pytest.raises(UsageError):
        make()


def test_protocols_round_trip_as_plain_values():
    for protocol in PROTOCOLS.values():
        assert Protocol.from_dict(protocol.to_dict()) == protocol
    lost = Protocol.from_dict(replace(Protocol(), filter=lambda q, g: np.zeros((1, 1), bool)).to_dict())
    with pytest.raises(UsageError, match="not kept"):
        lost.filter(None, None)  # type: ignore[arg-type]


def test_an_embedder_is_evaluated_on_a_data_set(wardrobe, color):
    result = evaluate(color, wardrobe)
    assert result.name == "color"
    assert result.mAP == 1.0  # six differently dressed people
    assert result.per_query["weather"].to_list() == wardrobe.query.table["weather"].to_list()
    assert result.per_query["file_name"].to_list() == wardrobe.query.table["file_name"].to_list()
    pooled = evaluate(color, wardrobe, protocol="open-reid")
    assert pooled.valid == 18
    assert pooled.per_query["file_name"].n_unique() == 18


@pytest.mark.parametrize("split", ["query", "gallery"])
def test_unlabeled_images_are_refused_before_any_work(wardrobe, split):
    identity = pl.when(pl.col("split") == split).then(None).otherwise("identity").alias("identity")
    data = replace(wardrobe, table=wardrobe.table.with_columns(identity))
    with pytest.raises(CloserlookError, match=r"have no identity"):
        evaluate(None, data)  # type: ignore[arg-type]


def test_no_features_are_computed_for_junk(wardrobe, color):
    identity = pl.when(pl.col("camera") == 3).then(-1).otherwise("identity").alias("identity")
    result = evaluate(color, replace(wardrobe, table=wardrobe.table.with_columns(identity)))
    assert result.gallery == 6
    assert result.search.gallery_images.table["camera"].to_list() == [2] * 6


@pytest.mark.parametrize(("model", "message"), [("lite9", "lite0"), ("runs/best", "no model runs/best")])
def test_models_that_do_not_exist(wardrobe, model, message):
    with pytest.raises(CloserlookError, match=message):
        evaluate(model, wardrobe)


@given(st.integers(1, 10**6), st.integers(1, 2**32))
def test_blocks_keep_within_the_memory_bound(gallery, memory):
    queries = block_size(gallery, memory)
    assert queries == 1 or queries * gallery * BYTES_A_DISTANCE <= memory


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_a_gpu_gives_the_same(pair):
    for matching in (Matching(), Matching(query_expansion=2), Matching(reranking=KReciprocal(5, 2))):
        here, there = (rank(*pair, matching=matching, device=device) for device in ("cpu", "cuda"))
        assert there.mAP == pytest.approx(here.mAP, abs=1e-6)


def test_a_target_without_gallery_says_so(wardrobe, color):
    with pytest.raises(CloserlookError, match="no 'gallery' split"):
        evaluate(color, wardrobe.query)


@pytest.mark.parametrize("device", ["gpu", "cuda:99"] if torch.cuda.is_available() else ["gpu", "cuda", "cuda:0"])
def test_a_device_that_is_not_there_is_refused(device):
    few = Features(np.eye(4, dtype=np.float32), np.array([1, 1, 2, 2]), np.array([1, 2, 1, 2]))
    with pytest.raises(UsageError, match="--device"):
        rank(few, few, device=device)


def test_what_is_no_data_set_or_no_features_is_refused_in_one_message() -> None:
    given = {"features": np.eye(2), "identities": [0, 1]}
    with pytest.raises(UsageError, match=r"evaluate\(query, gallery\)"):
        evaluate(given, given)  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="query is a dict"):
        rank(given, given)  # type: ignore[arg-type]


def test_arrays_are_evaluated_as_features_are(pair):
    query, gallery = pair
    arrays = [(side.features, side.identities, side.cameras) for side in pair]
    expected = rank(query, gallery).per_query
    assert evaluate(*arrays).per_query.equals(expected)
    assert evaluate(query, arrays[1]).per_query.equals(expected)
    tensors: list[Any] = [tuple(map(torch.from_numpy, side)) for side in arrays]
    assert evaluate(*tensors).per_query.equals(expected)
    unknown = evaluate(*(side[:2] for side in arrays), protocol="no-cameras")
    assert unknown.valid >= expected["ap"].drop_nulls().len()


@pytest.mark.parametrize(
    ("query", "gallery", "says"),
    [
        ((np.eye(2), [0, 1]), "market1501:/data", "gallery is a str; give"),
        ((np.eye(2),), (np.eye(2), [0, 1]), "query is a tuple of 1; give"),
        ((np.eye(2), [0]), (np.eye(2), [0, 1]), "The query: Features must be"),
        ((np.eye(2), [0, 1]), (np.eye(2), ["a", "b"]), "The gallery: Identities must be whole numbers"),
    ],
)
def test_arrays_that_do_not_fit_are_explained(query, gallery, says):
    with pytest.raises(UsageError, match=says):
        evaluate(query, gallery)


def test_arrays_are_not_ranked_against_a_data_set(wardrobe):
    with pytest.raises(UsageError, match="the gallery must be arrays too"):
        evaluate((np.eye(2), [0, 1]), wardrobe)


def test_any_function_is_a_model(wardrobe, color):
    expected = evaluate(color, wardrobe)
    assert evaluate(lambda images: color(images), wardrobe, size=color.size).mAP == expected.mAP
