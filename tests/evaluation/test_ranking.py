"""Ranks and scores against the definitions, on random small cases with many ties."""

import itertools
from dataclasses import dataclass, replace

import numpy as np
import pytest
import reference
import torch
from hypothesis import HealthCheck, given, settings, strategies as st
from sklearn.metrics import average_precision_score

from closerlook.evaluation import ranking
from closerlook.evaluation.protocol import Labels, Protocol
from closerlook.evaluation.ranking import find_matches
from closerlook.evaluation.scores import average_precision, cmc, first_hit, inverse_negative_penalty


@dataclass
class Table:
    """Given distances."""

    values: np.ndarray

    def block(self, rows):
        return torch.from_numpy(self.values[rows].copy())

    def exact(self, row, columns):
        return self.values[row, columns]


@st.composite
def searches(draw, levels=6):
    """Queries and gallery of few people and cameras, with distances of few values, so that ties abound."""
    queries, gallery = draw(st.integers(1, 5)), draw(st.integers(1, 14))
    seed = draw(st.integers(0, 2**32 - 1))
    rng = np.random.default_rng(seed)
    left = Labels(rng.integers(-1, 4, queries), rng.integers(1, 3, queries))
    right = Labels(rng.integers(0, 4, gallery), rng.integers(1, 4, gallery))
    return Table(rng.integers(0, levels, (queries, gallery)).astype(np.float32)), left, right


def expected(table, left, right, score):
    values = []
    for row in range(len(left)):
        shown = reference.ranking(
            table.values[row], left.identities[row], left.cameras[row], right.identities, right.cameras
        )
        values.append(score(shown) if any(shown) else np.nan)
    return np.array(values)


@given(searches(), st.integers(1, 5))
@settings(max_examples=200, deadline=None)
def test_all_scores_equal_their_definitions(search, block_size):
    matches = find_matches(*search, Protocol(), block_size)
    queries = len(search[1])
    for form, definition in (("step", reference.step_ap), ("trapezoid", reference.trapezoid_ap)):
        np.testing.assert_allclose(
            average_precision(matches, queries, form), expected(*search, definition), rtol=0, atol=1e-14
        )
    np.testing.assert_array_equal(first_hit(matches, queries), expected(*search, reference.first_hit))
    np.testing.assert_array_equal(inverse_negative_penalty(matches, queries), expected(*search, reference.inp))


@given(searches(levels=10_000))
@settings(max_examples=60, deadline=None)
def test_step_ap_is_scikit_learns_average_precision_where_nothing_ties(search):
    table, left, right = search
    matches = find_matches(table, left, right, Protocol(), 3)
    values = average_precision(matches, len(left), "step")
    for row in range(len(left)):
        if np.isnan(values[row]) or len(np.unique(table.values[row])) < len(right):
            continue
        mate = right.identities == left.identities[row]
        keep = ~(mate & (right.cameras == left.cameras[row]))
        golden = average_precision_score(mate[keep], -table.values[row][keep])
        assert values[row] == pytest.approx(golden, abs=1e-12)


@pytest.fixture
def counting(monkeypatch):
    monkeypatch.setattr(ranking, "COLUMNS_A_MATCH", 0)


@given(searches(), st.integers(1, 5))
@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_counting_gives_the_same_as_the_definition(counting, search, block_size):
    matches = find_matches(*search, Protocol(), block_size)
    np.testing.assert_allclose(
        average_precision(matches, len(search[1]), "step"), expected(*search, reference.step_ap), rtol=0, atol=1e-14
    )
    np.testing.assert_array_equal(first_hit(matches, len(search[1])), expected(*search, reference.first_hit))


@given(searches(levels=2))
@settings(max_examples=100, deadline=None)
def test_pessimistic_ties_put_matches_last(search):
    table, left, right = search
    matches = find_matches(table, left, right, replace(Protocol(), ties="pessimistic"), 2)
    for row in range(len(left)):
        mate = (right.identities == left.identities[row]) & (left.identities[row] > 0)
        keep = ~(mate & (right.cameras == left.cameras[row]))
        order = np.lexsort((mate[keep], table.values[row][keep]))  # by distance, those that do not match first
        golden = np.flatnonzero(mate[keep][order]) + 1
        np.testing.assert_array_equal(matches.rank[matches.query == row], golden)


def test_mean_ties_are_the_mean_over_all_orders():
    match = [True, False, True, False, False]
    table = Table(np.array([[0, 1, 1, 1, 1]], np.float32))
    right = Labels(np.array([1 if m else 9 for m in match]), np.full(5, 2))
    matches = find_matches(table, Labels(np.array([1]), np.array([1])), right, replace(Protocol(), ties="mean"), 1)
    places = [order.index(2) + 2 for order in itertools.permutations((1, 2, 3, 4))]
    assert matches.rank.tolist() == [1, np.mean(places)]


@given(st.integers(1, 4), st.integers(0, 4))
def test_mean_rank_of_the_ith_of_several_tied_matches(hits, others):
    labels = np.array([1] * hits + [9] * others)
    table = Table(np.zeros((1, len(labels)), np.float32))
    protocol = replace(Protocol(), ties="mean", filter="none")
    matches = find_matches(
        table, Labels(np.array([1]), np.array([1])), Labels(labels, np.zeros(len(labels), int)), protocol, 1
    )
    orders = set(itertools.permutations(labels.tolist()))
    golden = np.mean([[place + 1 for place, who in enumerate(order) if who == 1] for order in orders], axis=0)
    np.testing.assert_allclose(matches.rank, golden)


def test_a_custom_filter_hides_what_it_says():
    def odd_columns(query, gallery):
        return np.tile(np.arange(len(gallery)) % 2 == 1, (len(query), 1))

    table = Table(np.array([[3, 0, 2, 1, 1]], np.float32))
    right = Labels(np.array([1, 9, 9, 1, 9]), np.ones(5, int))
    matches = find_matches(
        table, Labels(np.array([1]), np.array([1])), right, replace(Protocol(), filter=odd_columns), 1
    )
    assert matches.rank.tolist() == [3]  # columns 0, 2 and 4 remain, in the order 4, 2, 0


@given(searches(), st.integers(0, 3))
@settings(max_examples=60, deadline=None)
def test_single_shot_ranks_are_those_in_a_gallery_with_one_image_a_person(search, seed):
    table, left, right = search
    protocol = replace(Protocol(), gallery="single-shot", draws=3, seed=seed)
    matches = find_matches(table, left, right, protocol, 2)
    everything = find_matches(table, left, right, Protocol(), 2)
    assert set(matches.query % len(left)) == set(everything.query)
    assert len(matches.query) == 3 * len(set(everything.query))  # one match a query and draw
    people = len(set(right.identities) - {0}) + (right.identities == 0).sum()
    assert (matches.rank <= people).all()


def test_single_shot_is_random_over_draws_but_repeatable():
    rng = np.random.default_rng(1)
    right = Labels(np.repeat(np.arange(1, 9), 6), np.full(48, 2))
    left = Labels(np.arange(1, 9), np.ones(8, int))
    table = Table(rng.random((8, 48), dtype=np.float32))
    protocol = replace(Protocol(), gallery="single-shot", draws=400)
    first, again = (find_matches(table, left, right, protocol, block) for block in (8, 3))
    np.testing.assert_array_equal(first.rank, again.rank)
    ranks = first.rank.reshape(400, 8)
    # By the definition: every image of the person is drawn equally often, and every other person's nearer with p.
    golden = np.empty(8)
    for query in range(8):
        own = table.values[query, right.identities == query + 1]
        nearer = [[(table.values[query, right.identities == who] < d).mean() for who in range(1, 9) if who != query + 1]
                  for d in own]  # fmt: skip
        golden[query] = 1 + np.mean(np.sum(nearer, axis=1))
    np.testing.assert_allclose(ranks.mean(axis=0), golden, atol=0.35)


def test_cmc_counts_first_hits_of_valid_queries():
    assert cmc(np.array([1, 3, np.nan, 1, 2.5]), 4).tolist() == [0.5, 0.5, 1.0, 1.0]
