import numpy as np
import pytest

from closerlook.randomness import keyed_rng
from closerlook.synthesis.annotations import (
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
    parts,
)
from closerlook.synthesis.person import Pose, pose_person, sample_person
from closerlook.synthesis.person.coarsening import coarsened
from closerlook.synthesis.production import SPACING
from closerlook.synthesis.render.renderer import Renderer, View
from closerlook.synthesis.scene.backdrop import BACKDROPS, hidden_by, place
from closerlook.synthesis.scene.camera import Camera, Crop
from closerlook.synthesis.scene.sensor import Sensor

SIZE = (128, 64)
YARD = place(BACKDROPS["sand"], keyed_rng(1, "place"))


@pytest.fixture(scope="module")
def renderer():
    people = (sample_person(1, identity) for identity in range(1, 30))
    person = next(one for one in people if one.labels["hat"] == "none")  # a brim may hide the eyes
    made = Renderer(SIZE)
    made.wear(person)
    made.pose(pose_person(person, Pose(phase=0.99, stride=1.0)))  # not nodding over a phone
    return made


def seen_from(renderer, viewpoint, sensor=None, **camera):
    view = View(Camera(viewpoint, 6, 2.2, **camera), YARD, sensor or Sensor())
    renderer.look(view)
    return view


def points_of(renderer):
    return dict(zip(KEYPOINTS, keypoints(renderer), strict=True))


def test_key_points_are_cocos():
    assert len(KEYPOINTS) == 17
    assert KEYPOINTS[:7] == (
        *("nose", "left_eye", "right_eye", "left_ear", "right_ear"),
        *("left_shoulder", "right_shoulder"),
    )
    assert KEYPOINTS[-1] == "right_ankle"


def test_the_face_is_seen_from_the_front_and_hidden_from_behind(renderer):
    seen_from(renderer, 90)
    front = points_of(renderer)
    seen_from(renderer, 270)
    back = points_of(renderer)
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
        seen_from(renderer, viewpoint)
        points = points_of(renderer)
        left, _, right, _ = box(renderer)
        xs = np.array([point[0] for point in points.values()])
        assert (xs > left - 1).all() and (xs < right + 1).all()
        assert points[hidden][2] == 1
        assert sum(point[2] == 2 for point in points.values()) >= 6


def test_points_cut_off_by_the_box_are_outside(renderer):
    seen_from(renderer, 90, crop=Crop(0.6, down=-0.3))
    points = points_of(renderer)
    assert points["left_ankle"][2] == points["right_ankle"][2] == 0 and points["nose"][2] == 2


def test_what_stands_before_the_person_hides_points_and_pixels(renderer):
    camera = Camera(90, 6, 2.2, occlusion=0.4)
    for number in range(40):  # until a low thing without gaps is drawn
        where = hidden_by(YARD, camera, keyed_rng(number, "occluder"))
        if where.panels.texture[1][0] in ("box", "bush"):
            break
    renderer.look(View(camera, where, Sensor()))
    points = points_of(renderer)
    assert points["left_ankle"][2] == points["right_ankle"][2] == 1
    assert points["nose"][2] == 2
    hidden = mask(renderer).sum()
    seen_from(renderer, 90)
    assert 0.3 < hidden / mask(renderer).sum() < 0.85


def test_the_box_holds_the_person(renderer):
    seen_from(renderer, 60, crop=Crop(1.4))
    left, top, right, bottom = box(renderer)
    pixels = renderer.frame.project(renderer.posed.positions, SIZE)
    assert [left, top] == pytest.approx(pixels.min(0), abs=1.5)
    assert [right, bottom] == pytest.approx(pixels.max(0), abs=1.5)


@pytest.mark.parametrize("sensor", [Sensor(), Sensor(scale=0.6, focus=0.8, motion=3.0, colour_blur=1.0)])
def test_parts_lie_where_their_joints_are(renderer, sensor):
    seen_from(renderer, 90, sensor)
    picture, points = parts(renderer), points_of(renderer)

    def about(name):
        x, y, _ = points[name]
        return {PARTS[n] for n in picture[int(y) - 1 : int(y) + 2, int(x) - 1 : int(x) + 2].ravel()}

    assert "head" in about("nose")
    assert about("left_ankle") & {"left_foot", "left_lower_leg"}
    assert about("right_ankle") & {"right_foot", "right_lower_leg"}
    assert (picture > 0).sum() == pytest.approx((mask(renderer) > 0.5).sum(), rel=0.03)


def test_clothes_cover_the_body(renderer):
    seen_from(renderer, 90)
    shown = {CLOTHES[n] for n in np.unique(clothes(renderer))}
    assert {"background", "skin", "upper", "lower", "shoes"} <= shown
    assert ((clothes(renderer) > 0) == (parts(renderer) > 0)).all()


def test_depth_is_that_of_the_ground_and_nearer_for_the_person(renderer):
    seen_from(renderer, 90, crop=Crop(2.5))
    metres, on_ground = depth(renderer), renderer.surfaces[1].numpy()[1]
    ground = (mask(renderer) == 0) & (on_ground[..., 1] > 0.99)
    eye, forward = renderer.frame.eye, renderer.frame.forward
    x, y, half_width, half_height = renderer.frame.window
    rows, columns = np.nonzero(ground)
    right, up = renderer.frame.right, renderer.frame.up
    rays = (
        forward
        + np.outer(x + half_width * ((columns + 0.5) / 32 - 1), right)
        + np.outer(y + half_height * (1 - (rows + 0.5) / 64), up)
    )
    assert metres[ground] == pytest.approx(-eye[1] / rays[:, 1], rel=0.02)
    assert metres[mask(renderer) == 1].mean() == pytest.approx(renderer.frame.distance, abs=0.3)


def test_normals_have_unit_length_and_people_face_the_camera(renderer):
    seen_from(renderer, 90)
    normal = normals(renderer)
    person = mask(renderer) == 1
    assert np.linalg.norm(normal[person], axis=1) == pytest.approx(1.0, abs=1e-3)
    assert (normal[person][:, 2] > -0.05).all()


def test_the_camera_matrix_takes_the_world_to_pixels(renderer):
    view = seen_from(renderer, 40, right=0.5, down=-0.3)
    matrix = np.array(describe(renderer, view)["camera_matrix"]).reshape(3, 4)
    points = renderer.posed.joints
    clip = np.concatenate([points, np.ones((len(points), 1))], axis=1) @ matrix.T
    assert clip[:, :2] / clip[:, 2:] == pytest.approx(renderer.frame.project(points, SIZE), abs=1e-2)
