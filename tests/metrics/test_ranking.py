"""Ranks and scores against the definitions, on random small cases with many ties."""

import itertools
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings, strategies as st
from sklearn.metrics import average_precision_score

from closerlook.metrics import ranking
from closerlook.metrics.protocol import AP, Labels, Protocol
from closerlook.metrics.ranking import find_matches
from closerlook.metrics.scores import (
    FirstHits,
    average_precision,
    cmc,
    first_hit,
    hit_by,
    inverse_negative_penalty,
)
from metrics import reference


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
    left = Labels(rng.integers(-2, 4, queries), rng.integers(1, 3, queries))
    right = Labels(rng.choice([-2, 0, 1, 2, 3], gallery), rng.integers(1, 4, gallery))
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
    table, left, right = search
    matches = find_matches(table, left, right, Protocol(), block_size)
    queries = len(left)
    forms: list[tuple[AP, Callable]] = [("step", reference.step_ap), ("trapezoid", reference.trapezoid_ap)]
    for form, definition in forms:
        np.testing.assert_allclose(
            average_precision(matches, queries, form), expected(table, left, right, definition), rtol=0, atol=1e-14
        )
    np.testing.assert_array_equal(first_hit(matches, queries).rank, expected(table, left, right, reference.first_hit))
    np.testing.assert_allclose(
        inverse_negative_penalty(matches, queries), expected(table, left, right, reference.inp), rtol=0, atol=1e-14
    )


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
    table, left, right = search
    matches = find_matches(table, left, right, Protocol(), block_size)
    np.testing.assert_allclose(
        average_precision(matches, len(left), "step"),
        expected(table, left, right, reference.step_ap),
        rtol=0,
        atol=1e-14,
    )
    np.testing.assert_array_equal(first_hit(matches, len(left)).rank, expected(table, left, right, reference.first_hit))


@given(searches(levels=2))
@settings(max_examples=100, deadline=None)
def test_pessimistic_ties_put_matches_last(search):
    table, left, right = search
    matches = find_matches(table, left, right, replace(Protocol(), ties="pessimistic"), 2)
    for row in range(len(left)):
        mate = (right.identities == left.identities[row]) & (left.identities[row] >= 0)
        keep = ~(mate & (right.cameras == left.cameras[row]))
        order = np.lexsort((mate[keep], table.values[row][keep]))  # by distance, those that do not match first
        golden = np.flatnonzero(mate[keep][order]) + 1
        np.testing.assert_array_equal(matches.before[matches.query == row] + 1, golden)


def every_order(values, mate):
    """The list of matches in every order of the images that are equally distant, each order once."""
    groups = [mate[values == value].tolist() for value in np.unique(values)]
    for parts in itertools.product(*(itertools.permutations(group) for group in groups)):
        yield [bool(match) for part in parts for match in part]


@given(searches(levels=3), st.sampled_from(["same-camera", "none"]))
@settings(max_examples=60, deadline=None)
def test_mean_ties_give_every_scores_mean_over_all_orders(search, rule):
    table, left, right = search
    few = slice(0, 7)  # 5,040 orders at most
    table, right = Table(table.values[:, few]), right.take(few)
    protocol = replace(Protocol(), ties="mean", filter=rule)
    matches, queries = find_matches(table, left, right, protocol, 2), len(left)
    first = first_hit(matches, queries)
    found = {
        "step": average_precision(matches, queries, "step"),
        "trapezoid": average_precision(matches, queries, "trapezoid"),
        "inp": inverse_negative_penalty(matches, queries),
        "first": first.rank,
    }
    curves = []
    for row in range(queries):
        mate = (right.identities == left.identities[row]) & (left.identities[row] >= 0)
        keep = ~(mate & (right.cameras == left.cameras[row])) if rule == "same-camera" else np.ones(len(mate), bool)
        if not mate[keep].any():
            assert all(np.isnan(values[row]) for values in found.values())
            continue
        orders = list(every_order(table.values[row][keep], mate[keep]))
        definitions = {
            "step": reference.step_ap,
            "trapezoid": reference.trapezoid_ap,
            "inp": reference.inp,
            "first": reference.first_hit,
        }
        for name, definition in definitions.items():
            golden = np.mean([definition(order) for order in orders])
            assert found[name][row] == pytest.approx(golden, abs=1e-12), name
        hits = np.array([reference.first_hit(order) for order in orders])
        curves.append([(hits <= rank).mean() for rank in range(1, 8)])
        for rank in range(1, 8):
            assert hit_by(first, rank)[row] == pytest.approx(curves[-1][rank - 1], abs=1e-12)
    np.testing.assert_allclose(cmc(first, 7), np.mean(curves, axis=0) if curves else np.zeros(7), atol=1e-12)
    np.testing.assert_allclose(cmc(first, 3), cmc(first, 7)[:3], atol=0)


def test_mean_ties_of_a_whole_large_gallery():
    """A network that gives every image the same feature: AP near the share of matches, whatever the order."""
    size, hits = 20_000, 7
    labels = np.full(size, 9)
    labels[:hits] = 1  # in gallery order the best that can be
    right, left = Labels(labels, np.full(size, 2)), Labels(np.array([1]), np.array([1]))
    table = Table(np.zeros((1, size), np.float32))
    matches = find_matches(table, left, right, replace(Protocol(), ties="mean"), 1)
    rng = np.random.default_rng(0)
    drawn = [np.sort(rng.choice(size, hits, replace=False)) + 1 for _ in range(20_000)]
    ap = np.array([np.mean(np.arange(1, hits + 1) / ranks) for ranks in drawn])
    inp = np.array([hits / ranks[-1] for ranks in drawn])
    assert average_precision(matches, 1, "step")[0] == pytest.approx(ap.mean(), abs=4 * ap.std() / 20_000**0.5)
    assert inverse_negative_penalty(matches, 1)[0] == pytest.approx(inp.mean(), abs=4 * inp.std() / 20_000**0.5)
    assert hit_by(first_hit(matches, 1), 1)[0] == pytest.approx(hits / size, rel=1e-6)
    assert cmc(first_hit(matches, 1), size)[size - hits] == 1
    stable = find_matches(table, left, right, Protocol(), 1)
    assert average_precision(stable, 1, "step")[0] == 1


@given(searches(levels=2))
@settings(max_examples=100, deadline=None)
def test_the_mean_lies_between_the_best_and_the_pessimistic_order(search):
    table, left, right = search
    scores = {
        ties: average_precision(find_matches(table, left, right, replace(Protocol(), ties=ties), 2), len(left), "step")
        for ties in ("stable", "pessimistic", "mean")
    }
    valid = ~np.isnan(scores["mean"])
    assert (scores["mean"][valid] >= scores["pessimistic"][valid] - 1e-12).all()
    assert (scores["stable"][valid] >= scores["pessimistic"][valid] - 1e-12).all()


def test_a_custom_filter_hides_what_it_says():
    def odd_columns(query, gallery):
        return np.tile(np.arange(len(gallery)) % 2 == 1, (len(query), 1))

    table = Table(np.array([[3, 0, 2, 1, 1]], np.float32))
    right = Labels(np.array([1, 9, 9, 1, 9]), np.ones(5, int))
    matches = find_matches(
        table, Labels(np.array([1]), np.array([1])), right, replace(Protocol(), filter=odd_columns), 1
    )
    assert matches.before.tolist() == [2]  # columns 0, 2 and 4 remain, in the order 4, 2, 0


@given(searches(), st.integers(0, 3))
@settings(max_examples=60, deadline=None)
def test_single_shot_ranks_are_those_in_a_gallery_with_one_image_a_person(search, seed):
    table, left, right = search
    protocol = replace(Protocol(), gallery="single-shot", draws=3, seed=seed)
    matches = find_matches(table, left, right, protocol, 2)
    everything = find_matches(table, left, right, Protocol(), 2)
    assert set(matches.query % len(left)) == set(everything.query)
    assert len(matches.query) == 3 * len(set(everything.query))  # one match a query and draw
    people = len(set(right.identities) - {-2}) + (right.identities == -2).sum()
    assert (matches.before < people).all()


def test_single_shot_is_random_over_draws_but_repeatable():
    rng = np.random.default_rng(1)
    right = Labels(np.repeat(np.arange(1, 9), 6), np.full(48, 2))
    left = Labels(np.arange(1, 9), np.ones(8, int))
    table = Table(rng.random((8, 48), dtype=np.float32))
    protocol = replace(Protocol(), gallery="single-shot", draws=400)
    first, again = (find_matches(table, left, right, protocol, block) for block in (8, 3))
    np.testing.assert_array_equal(first.before, again.before)
    ranks = 1 + first.before.reshape(400, 8)
    # By the definition: every image of the person is drawn equally often, and every other person's nearer with p.
    golden = np.empty(8)
    for query in range(8):
        own = table.values[query, right.identities == query + 1]
        nearer = [[(table.values[query, right.identities == who] < d).mean() for who in range(1, 9) if who != query + 1]
                  for d in own]  # fmt: skip
        golden[query] = 1 + np.mean(np.sum(nearer, axis=1))
    np.testing.assert_allclose(ranks.mean(axis=0), golden, atol=0.35)


def test_cmc_counts_first_hits_of_valid_queries():
    alone = np.ones(4, int)
    assert cmc(FirstHits(np.array([1, 3, np.nan, 1]), alone, alone), 3).tolist() == [2 / 3, 2 / 3, 1.0]
