from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from closerlook.randomness import keyed_rng
from closerlook.synthesis.generation.annotations import (
    CLOTHES,
    KEYPOINTS,
    PARTS,
    _find_face,
    box,
    clothes,
    depth,
    describe,
    keypoints,
    mask,
    normals,
    occlusion,
    parts,
)
from closerlook.synthesis.generation.render_person import SPACING
from closerlook.synthesis.humans import Pose, PosedBatch, pose_person, sample_person
from closerlook.synthesis.humans.mesh.coarsening import coarsened
from closerlook.synthesis.rendering.renderer import Renderer, View, ViewRequest
from closerlook.synthesis.rendering.surfaces.rasterize import EMPTY
from closerlook.synthesis.rendering.surfaces.surroundings import HIDDEN
from closerlook.synthesis.scenes.backdrop import BACKDROPS, hidden_by, place
from closerlook.synthesis.scenes.camera import Camera, Crop
from closerlook.synthesis.scenes.sensor import Sensor

pytestmark = pytest.mark.slow


SIZE = (128, 64)
YARD = place(BACKDROPS["sand"], keyed_rng(1, "place"))


@pytest.fixture(scope="module")
def renderer():
    people = (sample_person(1, identity) for identity in range(1, 30))
    person = next(one for one in people if one.labels["hat"] == "none")  # a brim may hide the eyes
    made = Renderer(SIZE)
    made.set_person(person)
    return made, PosedBatch.from_posed(pose_person(person, Pose(phase=0.99, stride=1.0)))  # not nodding over a phone


def seen_in(renderer, view):
    """What is seen in a view, in memory of its own."""
    made, posed = renderer
    made.rasterize(posed, [ViewRequest(view)])
    gbuffer = made.gbuffer()
    own = {name: getattr(gbuffer, name).copy() for name in ("color", "facing", "where", "samples")}
    return replace(gbuffer, **own)


def seen_from(renderer, viewpoint, sensor=None, **camera):
    return seen_in(renderer, View(Camera(viewpoint, 6, 2.2, **camera), YARD, sensor or Sensor()))


def points_of(gbuffer):
    return dict(zip(KEYPOINTS, keypoints(gbuffer), strict=True))


def test_key_points_are_cocos():
    assert len(KEYPOINTS) == 17
    assert KEYPOINTS[:7] == (
        *("nose", "left_eye", "right_eye", "left_ear", "right_ear"),
        *("left_shoulder", "right_shoulder"),
    )
    assert KEYPOINTS[-1] == "right_ankle"


def test_the_face_is_seen_from_the_front_and_hidden_from_behind(renderer):
    front = points_of(seen_from(renderer, 90))
    back = points_of(seen_from(renderer, 270))
    for name in ("nose", "left_eye", "right_eye"):
        assert front[name][2] == 2 and back[name][2] == 1
    assert front["left_eye"][0] > front["nose"][0] > front["right_eye"][0]  # the person's left is at our right
    assert back["left_shoulder"][0] < back["right_shoulder"][0]
    assert front["nose"][1] > front["left_eye"][1]
    assert front["nose"][1] < front["left_shoulder"][1] < front["left_hip"][1] < front["left_ankle"][1]


@pytest.mark.parametrize("height", [16, 64])
def test_a_person_of_few_vertices_has_the_same_face(height):
    """A pixel's width off at most; people for the smallest images have no vertex left where noses are."""
    for identity in range(1, 9):
        person = sample_person(3, identity)
        thinned = coarsened(person, SPACING / height)
        fine, few = ([of.positions[at].mean(0) for at in _find_face(of)] for of in (person, thinned))
        assert np.abs(np.array(fine) - few).max() < 2.0 / height + 0.02


def test_joints_are_hidden_behind_the_body_and_seen_before_it(renderer):
    for viewpoint, hidden in ((0, "right_hip"), (180, "left_hip")):  # seen from the person's left, and right
        gbuffer = seen_from(renderer, viewpoint)
        points = points_of(gbuffer)
        left, _, right, _ = box(gbuffer)
        xs = np.array([point[0] for point in points.values()])
        assert (xs > left - 1).all() and (xs < right + 1).all()
        assert points[hidden][2] == 1
        assert sum(point[2] == 2 for point in points.values()) >= 6


def test_points_cut_off_by_the_box_are_outside(renderer):
    points = points_of(seen_from(renderer, 90, crop=Crop(0.6, down=-0.3)))
    assert points["left_ankle"][2] == points["right_ankle"][2] == 0 and points["nose"][2] == 2


def test_what_stands_before_the_person_hides_points_and_pixels(renderer):
    camera = Camera(90, 6, 2.2, occlusion=0.4)
    whole = mask(seen_from(renderer, 90)).sum()
    found = set()
    for number in range(40):
        where = hidden_by(YARD, camera, keyed_rng(number, "occluder"))
        kind = where.panels.texture[1][0]
        if kind not in ("box", "bench") or kind in found:
            continue
        found.add(kind)
        gbuffer = seen_in(renderer, View(camera, where, Sensor()))
        points = points_of(gbuffer)
        assert points["nose"][2] == 2
        assert 0.3 < mask(gbuffer).sum() / whole < 0.85
        for name in ("left_ankle", "right_ankle"):  # nothing is seen through a box, something between a bench's slats
            x, y, visibility = points[name]
            assert (visibility == 2) == (kind == "bench" and mask(gbuffer)[int(y), int(x)] > 0.25)
    assert found == {"box", "bench"}


def test_the_box_holds_the_person(renderer):
    gbuffer = seen_from(renderer, 60, crop=Crop(1.4))
    left, top, right, bottom = box(gbuffer)
    pixels = gbuffer.frame.project(gbuffer.posed.positions, SIZE)
    assert [left, top] == pytest.approx(pixels.min(0), abs=1.5)
    assert [right, bottom] == pytest.approx(pixels.max(0), abs=1.5)


@pytest.mark.parametrize("sensor", [Sensor(), Sensor(scale=0.6, focus=0.8, motion=3.0, color_blur=1.0)])
def test_parts_lie_where_their_joints_are(renderer, sensor):
    gbuffer = seen_from(renderer, 90, sensor)
    picture, points = parts(gbuffer), points_of(gbuffer)

    def about(name):
        x, y, _ = points[name]
        return {PARTS[n] for n in picture[int(y) - 1 : int(y) + 2, int(x) - 1 : int(x) + 2].ravel()}

    assert "head" in about("nose")
    assert about("left_ankle") & {"left_foot", "left_lower_leg"}
    assert about("right_ankle") & {"right_foot", "right_lower_leg"}
    assert (picture > 0).sum() == pytest.approx((mask(gbuffer) > 0.5).sum(), rel=0.03)


def test_clothes_cover_the_body(renderer):
    gbuffer = seen_from(renderer, 90)
    shown = {CLOTHES[n] for n in np.unique(clothes(gbuffer))}
    assert {"background", "skin", "upper", "lower", "shoes"} <= shown
    assert ((clothes(gbuffer) > 0) == (parts(gbuffer) > 0)).all()


def test_depth_is_that_of_the_ground_and_nearer_for_the_person(renderer):
    gbuffer = seen_from(renderer, 90, crop=Crop(2.5))
    meters, on_ground = depth(gbuffer), gbuffer.facing[1]
    ground = (mask(gbuffer) == 0) & (on_ground[..., 1] > 0.99)
    eye, forward = gbuffer.frame.eye, gbuffer.frame.forward
    x, y, half_width, half_height = gbuffer.frame.window
    rows, columns = np.nonzero(ground)
    right, up = gbuffer.frame.right, gbuffer.frame.up
    rays = (
        forward
        + np.outer(x + half_width * ((columns + 0.5) / 32 - 1), right)
        + np.outer(y + half_height * (1 - (rows + 0.5) / 64), up)
    )
    assert meters[ground] == pytest.approx(-eye[1] / rays[:, 1], rel=0.02)
    assert meters[mask(gbuffer) == 1].mean() == pytest.approx(gbuffer.frame.distance, abs=0.3)


def test_normals_have_unit_length_and_people_face_the_camera(renderer):
    gbuffer = seen_from(renderer, 90)
    normal = normals(gbuffer)
    person = mask(gbuffer) == 1
    assert np.linalg.norm(normal[person], axis=1) == pytest.approx(1.0, abs=1e-3)
    assert (normal[person][:, 2] > -0.05).all()


def test_the_camera_matrix_takes_the_world_to_pixels(renderer):
    view = View(Camera(40, 6, 2.2, right=0.5, down=-0.3), YARD, Sensor())
    gbuffer = seen_in(renderer, view)
    matrix = np.array(describe([gbuffer], [view])[0]["camera_matrix"]).reshape(3, 4)
    points = gbuffer.posed.joints
    clip = np.concatenate([points, np.ones((len(points), 1))], axis=1) @ matrix.T
    assert clip[:, :2] / clip[:, 2:] == pytest.approx(gbuffer.frame.project(points, SIZE), abs=1e-2)


def test_a_view_is_described_the_same_in_any_company(renderer):
    sensors = [Sensor(), Sensor(scale=0.6, focus=0.8)]
    cameras = [Camera(40.0 * k, 5 + k, 2.2, distortion=0.1 * (k % 2), crop=Crop(0.8 + 0.1 * k)) for k in range(7)]
    views = [View(camera, YARD, sensors[k % 2]) for k, camera in enumerate(cameras)]
    gbuffer = [seen_in(renderer, view) for view in views]
    together = describe(gbuffer, views)
    assert describe(gbuffer[::-2], views[::-2]) == together[::-2]
    for each, view, row in zip(gbuffer, views, together, strict=True):
        assert describe([each], [view]) == [row]
        assert list(box(each)) == [row[f"box_{side}"] for side in ("left", "top", "right", "bottom")]
        assert keypoints(each).ravel().tolist() == row["keypoints"]
        assert (row["camera_distance"], row["occlusion"]) == (view.camera.distance, 0.0)


@settings(max_examples=40, deadline=None)
@given(
    number=st.integers(0, 10_000),
    asked=st.floats(0.05, 0.6),
    viewpoint=st.integers(0, 359),
    crop=st.builds(Crop, st.floats(0.5, 1.5), st.floats(0.8, 1.2), st.floats(-0.3, 0.3), st.floats(-0.3, 0.3)),
    scale=st.sampled_from([1.0, 0.6, 0.33]),
    distortion=st.sampled_from([0.0, 0.2]),
)
def test_occlusion_is_what_the_mask_loses_by_what_stands_before(
    renderer, number, asked, viewpoint, crop, scale, distortion
):
    """In two renderings, with and without the thing; exactly, unless the sensor's pixels are not the image's."""
    camera = Camera(viewpoint, 6, 2.2, occlusion=asked, crop=crop, distortion=distortion)
    before = View(camera, hidden_by(YARD, camera, keyed_rng(number, "occluder")), Sensor(scale=scale))
    gbuffer = seen_in(renderer, before)
    whole, left = mask(seen_in(renderer, replace(before, place=YARD))).sum(), mask(gbuffer).sum()
    lost = 1 - left / whole if whole else 0.0
    assert occlusion(gbuffer) == pytest.approx(lost, abs=1e-5 if scale == 1.0 else 0.04)
    row = describe([gbuffer], [before])[0]
    assert (row["occlusion"], row["occlusion_requested"]) == (occlusion(gbuffer), asked)


def test_occlusion_is_0_where_the_image_holds_nothing_of_the_person(renderer):
    gbuffer = seen_from(renderer, 90, crop=Crop(0.5, right=20.0))
    assert mask(gbuffer).sum() == 0 and occlusion(gbuffer) == 0.0


def test_parts_are_of_samples_that_are_seen(renderer):
    """A pixel may show the person in one sample and what stands before the person in another."""
    gbuffer = seen_from(renderer, 90)
    hidden = gbuffer.samples | np.where(gbuffer.samples < EMPTY.value, HIDDEN.value, 0)
    assert parts(gbuffer).any() and clothes(gbuffer).any()
    assert not parts(replace(gbuffer, samples=hidden)).any() and not clothes(replace(gbuffer, samples=hidden)).any()


def test_boxes_are_the_ends_of_what_is_covered(renderer):
    gbuffer = seen_from(renderer, 90)
    for seed, share in ((0, 0.0), (1, 0.001), (2, 0.01), (3, 1.0)):
        color = np.zeros_like(gbuffer.color)
        color[0, :, :, 3] = keyed_rng(seed, "covered").random(SIZE) < share
        rows, columns = np.nonzero(color[0, :, :, 3])
        wanted = (columns.min(), rows.min(), columns.max() + 1, rows.max() + 1) if len(rows) else (0, 0, 0, 0)
        assert box(replace(gbuffer, color=color)) == wanted
