from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from closerlook.synthesis.scenes.camera import Camera, Crop, sample_camera
from closerlook.synthesis.scenes.frames import Frames, axes, bent, frame, frames

BODY = np.array([[x, y, z] for x in (-0.25, 0.25) for y in (0.0, 0.9, 1.7) for z in (-0.15, 0.15)], np.float32)


@pytest.mark.parametrize(
    ("viewpoint", "towards"), [(90, [0, 0, 1]), (270, [0, 0, -1]), (0, [1, 0, 0]), (180, [-1, 0, 0])]
)
def test_viewpoints_follow_the_papers_convention(viewpoint, towards):
    eye = frame(Camera(viewpoint=viewpoint), BODY, (128, 64)).eye
    flat = eye * [1, 0, 1]
    assert flat / np.linalg.norm(flat) == pytest.approx(np.array(towards, dtype=float), abs=1e-6)


@given(st.integers(0, 10**6), st.sampled_from(range(0, 360, 30)))
def test_a_box_that_is_not_cut_holds_the_whole_person(seed, viewpoint):
    camera = sample_camera(np.random.default_rng(seed), viewpoint)
    crop = Crop(height=1.02, aspect=1.6)
    view = frame(replace(camera, roll=0.0, crop=crop), BODY, (128, 64))
    pixels = view.project(BODY, (128, 64))
    assert pixels[:, 1].min() >= 0.5 and pixels[:, 1].max() <= 127.5
    assert np.ptp(pixels[:, 1]) == pytest.approx(128 / 1.02, rel=0.01)


@given(st.integers(0, 10**6))
def test_cameras_are_surveillance_cameras(seed):
    camera = sample_camera(np.random.default_rng(seed), 90)
    assert 2 <= camera.height <= 6
    assert 4 <= camera.distance <= 16


def test_projection_agrees_with_the_rays_through_pixels():
    view = frame(Camera(30, 6.0, 3.0, 4.0, crop=Crop(1.3, 0.9, 0.1, -0.05)), BODY, (128, 64))
    x, y, half_width, half_height = view.window
    for column, row in ((0.0, 0.0), (64.0, 128.0), (20.0, 90.0)):
        ray = (
            view.right * (x + half_width * (column / 32 - 1))
            + view.up * (y + half_height * (1 - row / 64))
            + view.forward
        )
        pixel = view.project((view.eye + 5.0 * ray)[None], (128, 64))[0]
        assert pixel == pytest.approx([column, row], abs=1e-2)


def test_axes_are_orthonormal_even_straight_down():
    for target in ([0, 0, 0], [3, 1, 2]):
        towards = np.array([target]) - [0.0, 5.0, 0.0]
        found = np.concatenate(axes(towards, np.array([7.0])))
        assert found @ found.T == pytest.approx(np.eye(3), abs=1e-6)
        assert found[2] == pytest.approx(towards[0] / np.linalg.norm(towards), abs=1e-6)


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(0, 10**6), st.integers(0, 2)), min_size=1, max_size=9))
def test_a_view_has_the_same_frame_alone_and_among_others(views):
    cameras = [sample_camera(np.random.default_rng(seed), 30.0 * (seed % 12)) for seed, _ in views]
    poses = np.random.default_rng(0).normal([0.0, 0.9, 0.0], [0.2, 0.4, 0.1], (3, 2500, 3)).astype(np.float32)
    pose_of = np.array([pose for _, pose in views])
    together = frames(cameras, poses, pose_of, (128, 64))
    for k, (camera, pose) in enumerate(zip(cameras, pose_of, strict=True)):
        alone = frame(camera, poses[pose], (128, 64))
        for name in ("eye", "right", "up", "forward", "window", "matrix", "distance", "distortion"):
            assert np.array_equal(getattr(alone, name), getattr(together[k], name)), name
    points = poses[pose_of][:, :40]
    for k, pixels in enumerate(Frames.from_frames(list(together)).project(points, (128, 64))):
        assert np.array_equal(together[k].project(points[k], (128, 64)), pixels)


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 10**6))
def test_bounds_hold_all_that_the_lens_draws_into_a_window_and_no_more(seed):
    camera = replace(sample_camera(np.random.default_rng(seed), 40.0), distortion=0.3)
    views = frames([camera], BODY[None], np.zeros(1, int), (128, 64))
    x, y, half_width, half_height = views.window[0]
    grid = np.mgrid[-1:1:61j, -1:1:61j].reshape(2, -1).T
    window = [x, y] + grid * [half_width, half_height]
    plane = window * (1 + views.distortion * (window**2).sum(1))[:, None]
    assert bent(plane, views.distortion[0]) == pytest.approx(window, abs=1e-5)
    found = np.concatenate([plane.min(0), plane.max(0)])
    assert views.bounds()[0] == pytest.approx(found, abs=1e-3)


def test_cameras_are_spread_as_they_should_be():
    cameras = [sample_camera(np.random.default_rng(seed), 0) for seed in range(2000)]
    numbers = {name: [getattr(one, name) for one in cameras] for name in ("right", "down", "focal", "distortion")}
    for name, (low, high) in {
        "right": (-0.7, 0.7),
        "down": (-0.5, 0.5),
        "focal": (24, 60),
        "distortion": (0, 0.16),
    }.items():
        assert np.quantile(numbers[name], [0, 0.5, 1]) == pytest.approx(
            [low, (low + high) / 2, high], abs=0.05 * (high - low)
        )
    assert np.median([one.distance for one in cameras]) == pytest.approx(8.0, rel=0.05)
    assert np.std([one.roll for one in cameras]) == pytest.approx(1.5, rel=0.1)
    occlusions = np.array([one.occlusion for one in cameras])
    assert (occlusions > 0).mean() == pytest.approx(0.18, abs=0.03)
    assert 0.08 <= occlusions[occlusions > 0].min() < occlusions.max() <= 0.45
    tight = [1.02 <= one.crop.height <= 1.22 for one in cameras]
    assert np.mean(tight) == pytest.approx(0.75 + 0.25 * 0.2 / 0.62, abs=0.03)
