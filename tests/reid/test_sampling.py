from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, strategies as st

from closerlook.errors import CloserlookError
from closerlook.reid.sampling import CameraSampler, PKSampler, RandomSampler

SIZES = st.lists(st.integers(1, 9), min_size=2, max_size=12)


def labels_of(sizes: list[int], seed: int) -> np.ndarray:
    labels = np.repeat(np.arange(len(sizes)), sizes)
    return np.random.default_rng(seed).permutation(labels)


@given(SIZES, st.integers(1, 6), st.integers(0, 3), st.integers(0, 100), st.data())
def test_a_batch_is_p_people_with_k_images(
    sizes: list[int], images: int, seed: int, step: int, data: st.DataObject
) -> None:
    identities = data.draw(st.integers(1, len(sizes)))
    labels = labels_of(sizes, seed)
    rows = PKSampler(labels, identities, images, seed).batch(step).reshape(identities, images)
    people = labels[rows]
    assert (people == people[:, :1]).all()
    assert len(set(people[:, 0])) == identities
    for person, drawn in zip(people[:, 0], rows, strict=True):
        times = np.bincount(drawn, minlength=len(labels))[np.flatnonzero(labels == person)]
        # without replacement; too few images are each repeated as often as the others to within one
        assert times.max() - times.min() <= 1


@given(SIZES, st.integers(0, 3), st.data())
def test_everybody_comes_once_in_a_pass(sizes: list[int], seed: int, data: st.DataObject) -> None:
    identities = data.draw(st.integers(1, len(sizes)))
    labels = labels_of(sizes, seed)
    sampler = PKSampler(labels, identities, 1, seed)
    seen = np.concatenate([labels[sampler.batch(step)] for step in range(len(sizes) // identities)])
    assert len(set(seen)) == len(seen)


@given(SIZES, st.integers(2, 5), st.integers(0, 50))
def test_images_come_from_as_many_cameras_as_there_are(sizes: list[int], images: int, step: int) -> None:
    labels = labels_of(sizes, 1)
    cameras = np.random.default_rng(2).integers(0, 3, len(labels))
    rows = PKSampler(labels, 2, images, 0, cameras).batch(step).reshape(2, images)
    for drawn in rows:
        available = len(set(cameras[labels == labels[drawn[0]]]))
        assert len(set(cameras[drawn])) == min(images, available)


def test_batches_depend_on_seed_and_step_only() -> None:
    labels = labels_of([5] * 10, 0)
    one, two = PKSampler(labels, 4, 4, seed=3), PKSampler(labels, 4, 4, seed=3)
    one.batch(0)
    assert np.array_equal(one.batch(7), two.batch(7))
    assert not np.array_equal(one.batch(7), one.batch(8))
    assert not np.array_equal(one.batch(7), PKSampler(labels, 4, 4, seed=4).batch(7))


def test_too_few_identities() -> None:
    with pytest.raises(CloserlookError, match="have 3 identities; the recipe draws 4"):
        PKSampler(labels_of([2, 2, 2], 0), 4, 2, 0)


@given(st.integers(1, 40), st.integers(1, 17), st.integers(0, 5))
def test_random_batches_use_every_image_before_any_again(count: int, size: int, seed: int) -> None:
    sampler = RandomSampler(count, size, seed)
    passes = 3
    drawn = np.concatenate([sampler.batch(step) for step in range(-(-passes * count // size))])[: passes * count]
    assert all((np.sort(part) == np.arange(count)).all() for part in drawn.reshape(passes, count))


def test_images_come_by_their_weights() -> None:
    """The first of two images is in two thirds of the draws of one, where it weighs twice the other."""
    labels, weights = np.repeat(np.arange(2), 2), np.array([2.0, 1.0, 1.0, 1.0])
    drawn = np.concatenate([PKSampler(labels, 2, 1, 0, weights=weights).batch(step) for step in range(3000)])
    assert np.mean(drawn[labels[drawn] == 0] == 0) == pytest.approx(2 / 3, abs=0.03)
    assert np.mean(drawn[labels[drawn] == 1] == 2) == pytest.approx(1 / 2, abs=0.03)
    random = np.concatenate([RandomSampler(4, 6, 0, weights).batch(step) for step in range(2000)])
    assert np.bincount(random) / len(random) == pytest.approx(weights / 5, abs=0.03)


def test_a_person_whose_images_weigh_little_comes_as_often() -> None:
    labels, weights = np.repeat(np.arange(3), 4), np.repeat([1e-6, 1.0, 1e6], 4)
    sampler = PKSampler(labels, 1, 2, 0, weights=weights)
    people = [labels[sampler.batch(step)[0]] for step in range(30)]
    assert np.bincount(people).tolist() == [10, 10, 10]


def seen_by(people: int, cameras: int, images: int) -> tuple[np.ndarray, np.ndarray]:
    """Labels and cameras of people who were seen by two or more cameras each, so many images a camera."""
    rng = np.random.default_rng(1)
    pairs = [(p, c) for p in range(people) for c in rng.permutation(cameras)[: rng.integers(2, cameras + 1)]]
    labels, of = np.repeat(np.array(pairs), images, axis=0).T
    return labels, of


@given(st.integers(0, 3), st.integers(0, 40))
def test_all_images_of_a_person_in_a_camera_wise_batch_are_by_one_camera(seed: int, step: int) -> None:
    labels, cameras = seen_by(30, 6, 5)
    rows = CameraSampler(labels, cameras, 4, 8, 4, seed).batch(step).reshape(8, 4)
    assert (labels[rows] == labels[rows][:, :1]).all() and (cameras[rows] == cameras[rows][:, :1]).all()
    assert len(set(labels[rows][:, 0])) == 8
    assert sorted(np.unique(cameras[rows][:, 0], return_counts=True)[1]) == [2, 2, 2, 2]
    assert all(len(set(drawn)) == 4 for drawn in rows)


def test_every_camera_comes_once_in_a_pass_and_unknown_ones_never() -> None:
    labels, cameras = seen_by(30, 6, 3)
    sampler = CameraSampler(labels, np.where(cameras == 5, -1, cameras), 1, 4, 2, 0)
    drawn = [set(cameras[sampler.batch(step)].tolist()) for step in range(5)]
    assert sorted(map(min, drawn)) == [0, 1, 2, 3, 4] and all(len(each) == 1 for each in drawn)


def test_a_camera_that_saw_too_few_is_left_out_and_too_few_cameras_are_told() -> None:
    labels, cameras = np.array([0, 0, 1, 1, 2, 2, 0]), np.array([1, 1, 1, 2, 2, 2, 3])
    sampler = CameraSampler(labels, cameras, 1, 2, 2, 0)
    assert 6 not in np.concatenate([sampler.batch(step) for step in range(8)])
    with pytest.raises(CloserlookError, match="2 cameras that saw at least 2 people"):
        CameraSampler(labels, cameras, 3, 6, 2, 0)
    with pytest.raises(CloserlookError, match="3 people in them"):
        CameraSampler(labels, cameras, 2, 4, 2, 0)
