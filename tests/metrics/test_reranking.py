import numpy as np
import pytest
import torch
from hypothesis import given, settings, strategies as st

from closerlook.errors import UsageError
from closerlook.metrics import neighbors
from closerlook.metrics.distance import FeatureDistances
from closerlook.metrics.neighbors import expand_queries, nearest_among
from closerlook.metrics.reranking import KReciprocal, rerank
from metrics import reference


def clustered(queries, gallery, seed, dim=8, people=6):
    rng = np.random.default_rng(seed)
    centers = rng.standard_normal((people, dim)) * 2
    vectors = centers[rng.integers(0, people, queries + gallery)] + rng.standard_normal((queries + gallery, dim))
    return torch.from_numpy(vectors)


def squared(vectors):
    return ((vectors[:, None] - vectors[None]) ** 2).sum(-1).numpy()


@given(st.integers(0, 10_000), st.integers(1, 9), st.integers(1, 4), st.sampled_from([0.0, 0.3, 1.0]))
@settings(max_examples=40, deadline=None)
def test_sparse_re_ranking_equals_the_dense_definition(seed, k1, k2, weight):
    vectors = clustered(5, 30, seed)
    found = rerank(FeatureDistances(vectors[:5], vectors[5:]), KReciprocal(k1, k2, weight))
    golden = reference.k_reciprocal(squared(vectors), 5, k1, k2, weight)
    np.testing.assert_allclose(found.block(slice(0, 5)).numpy(), golden, atol=1e-6)
    np.testing.assert_allclose(found.exact(2, np.array([3, 0])), golden[2, [3, 0]], atol=1e-6)


def test_re_ranking_at_its_default_size_in_single_precision():
    vectors = clustered(40, 360, 7, people=25)
    found = rerank(FeatureDistances(vectors[:40].float(), vectors[40:].float()), KReciprocal())
    golden = reference.k_reciprocal(squared(vectors), 40, 20, 6, 0.3)
    blocks = torch.cat([found.block(slice(start, start + 16)) for start in range(0, 40, 16)])
    np.testing.assert_allclose(blocks.numpy(), golden, atol=1e-6)


def test_fewer_images_than_neighbors():
    vectors = clustered(2, 3, 0)
    found = rerank(FeatureDistances(vectors[:2], vectors[2:]), KReciprocal())
    np.testing.assert_allclose(
        found.block(slice(0, 2)).numpy(), reference.k_reciprocal(squared(vectors), 2, 20, 6, 0.3), atol=1e-6
    )


@pytest.mark.parametrize("tile", [3, 7, 100])
def test_nearest_neighbors_do_not_depend_on_the_tiles(monkeypatch, tile):
    monkeypatch.setattr(neighbors, "TILE", tile)
    vectors = clustered(0, 23, 3)
    indices, farthest = nearest_among(vectors, 6)
    distances = squared(vectors)
    np.testing.assert_array_equal(indices.numpy(), np.argsort(distances, axis=1)[:, :6])
    np.testing.assert_allclose(farthest.numpy(), distances.max(axis=1))


def test_each_of_several_duplicates_is_its_own_nearest():
    indices, _ = nearest_among(torch.ones(9, 4), 3)
    assert indices[:, 0].tolist() == list(range(9))


def test_query_expansion_is_the_mean_with_the_nearest():
    vectors = clustered(4, 20, 5)
    query, gallery = vectors[:4], vectors[4:]
    nearest = np.argsort(squared(vectors)[:4, 4:], axis=1)[:, :3]
    golden = (query + gallery[torch.from_numpy(nearest)].sum(1)) / 4
    torch.testing.assert_close(expand_queries(query, gallery, 3, block=3), golden)
    torch.testing.assert_close(
        expand_queries(query, gallery, 99, block=9), torch.stack([torch.cat([q[None], gallery]).mean(0) for q in query])
    )


@pytest.mark.parametrize("values", [{"k1": 0}, {"k2": 0}, {"original": 1.5}])
def test_senseless_parameters(values):
    with pytest.raises(UsageError):
        KReciprocal(**values)
