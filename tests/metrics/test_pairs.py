"""Thresholds, rates and their intervals against definitions written out."""

import itertools

import numpy as np
import pytest
import torch
from sklearn.metrics import roc_curve

from closerlook.errors import CloserlookError, UsageError
from closerlook.evaluation import KReciprocal, Matching, OperatingPoint, Result, evaluate
from closerlook.metrics.open_set import open_set
from closerlook.metrics.pairs import pairs_of
from closerlook.metrics.protocol import Labels

RERANK = Matching(reranking=KReciprocal())


def people(count=40, each=4, spread=0.8, seed=0):
    rng = np.random.default_rng(seed)
    identities = np.repeat(np.arange(count), each)
    vectors = rng.normal(size=(count, 16))[identities] + spread * rng.normal(size=(count * each, 16))
    return vectors.astype(np.float32), identities, np.tile(np.arange(each), count)


def made(**options):
    vectors, identities, cameras = people(**options)
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    labels = Labels(identities, cameras)
    return pairs_of((unit @ unit.T).astype(np.float64), labels, labels, "made", among=True)


def test_pairs_are_counted_once_and_across_cameras():
    vectors, identities, _ = people(count=5)
    labels = Labels(identities, np.array([0, 0, 1, -1] * 5))
    similarity = vectors @ vectors.T
    pairs = pairs_of(similarity.astype(np.float64), labels, labels, "made", among=True)
    assert (len(pairs.same), len(pairs.different)) == (5 * 5, 10 * 16)  # one pair a person is of one camera
    expected = [similarity[a, b] for a, b in itertools.combinations(range(20), 2) if identities[a] != identities[b]]
    np.testing.assert_allclose(pairs.different, np.sort(expected))
    alone = Labels(np.arange(20), np.zeros(20, np.int64))
    with pytest.raises(CloserlookError, match="no two images of one person"):
        pairs_of(similarity, alone, alone, "x", among=True)


@pytest.mark.parametrize("rate", [0.001, 0.01, 0.1, 0.5])
def test_a_threshold_keeps_to_its_rate_and_no_lower_one_does(rate):
    pairs = made()
    threshold = pairs.threshold(rate)
    assert (pairs.different >= threshold).mean() <= rate
    below = pairs.different[pairs.different < threshold][-1]
    assert (pairs.different >= below).mean() > rate
    assert pairs.true_match_rate(rate) == (pairs.same >= threshold).mean()


def test_the_curve_is_sklearns():
    pairs = made()
    truth = np.append(np.ones(len(pairs.same)), np.zeros(len(pairs.different)))
    false, true, _ = roc_curve(truth, np.append(pairs.same, pairs.different), drop_intermediate=False)
    curve = pairs.roc()
    assert curve["false_match_rate"].is_sorted() and curve["true_match_rate"].is_sorted()
    assert curve.height > 500
    for _, rate, found in curve.iter_rows():
        at = np.isclose(false, rate)
        assert true[at].min() - 1e-12 <= found <= true[at].max() + 1e-12


def test_a_rate_that_pairs_cannot_tell_is_refused():
    for rate in (0, 1, -1, float("nan")):
        with pytest.raises(UsageError, match="between 0 and 1"):
            made().operating_point(rate)
    with pytest.raises(UsageError, match="too few for a rate of 1e-06"):
        made().operating_point(1e-6)


def test_intervals_hold_what_other_people_give_about_as_often_as_they_say():
    truth = made(count=600, seed=99)
    wanted = truth.threshold(0.01), truth.true_match_rate(0.01)
    points = [made(seed=seed).operating_point(0.01, draws=100) for seed in range(40)]
    inside = [point.threshold_low <= wanted[0] <= point.threshold_high for point in points]
    found = [point.true_match_rate_low <= wanted[1] <= point.true_match_rate_high for point in points]
    assert sum(inside) >= 34 and sum(found) >= 34  # of 40, where 38 are to be expected
    assert sum(inside) < 40 or max(point.threshold_high - point.threshold_low for point in points) < 0.2


def test_a_point_comes_back_from_its_file(tmp_path):
    point = made().operating_point(0.01)
    point.save(tmp_path / "point.json", {"roc": [1]})
    assert OperatingPoint.load(tmp_path / "point.json") == point
    assert "for 1 % false matches in made" in str(point)
    (tmp_path / "point.json").write_text('{"threshold": 7}')
    with pytest.raises(CloserlookError, match=r"point\.json"):
        OperatingPoint.load(tmp_path / "point.json")


def result(spread, seed=0) -> Result:
    vectors, identities, cameras = people(spread=spread, seed=seed)
    asked = cameras == 0
    sides = [(vectors[rows], identities[rows], cameras[rows]) for rows in (asked, ~asked)]
    return evaluate(*sides)


def test_a_result_has_pairs_and_an_open_set_score():
    clear, hard = result(0.05), result(2.5)
    assert clear.open_set().score == 1
    assert clear.pairs().true_match_rate(0.001) == 1
    assert 0 <= hard.open_set().score < 0.6
    assert hard.open_set().low <= hard.open_set().score <= hard.open_set().high
    assert len(hard.pairs().same) == 40 * 3
    assert "false alarms" in str(hard.open_set())
    vectors, identities, cameras = people()
    reranked = evaluate(
        (vectors[::2], identities[::2], cameras[::2]), (vectors[1::2], identities[1::2], cameras[1::2]), matching=RERANK
    )
    with pytest.raises(UsageError, match="thresholds are of plain ones"):
        reranked.pairs()


def test_an_open_set_score_is_its_definition_written_out():
    """Everybody but one is enrolled in turn: with two of four people enrolled there are few cases to go through."""
    vectors, identities, cameras = people(count=6, each=2, spread=0.6)
    asked, searched = (Labels(identities[i::2], cameras[i::2]) for i in (0, 1))
    query, gallery = (torch.from_numpy(vectors[i::2]) for i in (0, 1))
    found = open_set(query, gallery, asked, searched, false_alarm_rate=0.3)
    left, right = (torch.nn.functional.normalize(side).numpy() for side in (query, gallery))
    similarity = left @ right.T
    from closerlook.randomness import keyed_rng

    rng = keyed_rng(0, "open set", 6)
    hits = np.zeros((2, 6))
    for _ in range(20):
        enrolled = rng.permutation(6) % 2 == 0
        alarms = sorted(max(similarity[q][enrolled]) for q in range(6) if not enrolled[q])
        threshold = np.quantile(alarms, 0.7, method="higher")
        for q in np.flatnonzero(enrolled):
            best = max(np.flatnonzero(enrolled), key=lambda person: similarity[q][person])
            hits[:, q] += (best == q and similarity[q][q] > threshold, 1)
    assert found.score == pytest.approx((hits[0] / hits[1]).mean())
    with pytest.raises(CloserlookError, match="at least four people"):
        open_set(query[:2], gallery, asked.take(slice(0, 2)), searched)
