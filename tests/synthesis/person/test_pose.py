"""Posing."""

from __future__ import annotations

import numpy as np
import pytest

from closerlook.randomness import keyed_rng
from closerlook.synthesis.person import Person, Pose, pose_person, sample_person, sample_pose
from closerlook.synthesis.person.rig import BONES, GRIPS, chain, rotate, skin

REST = Pose(lean=0.0)


def joint(joints: np.ndarray, name: str) -> np.ndarray:
    return np.asarray(joints[BONES.index(name)])


def test_rest_pose_moves_nothing_but_the_origin(people: list[Person]) -> None:
    for person in people[:4]:
        posed = pose_person(person, REST)
        offset = posed.positions - person.positions
        np.testing.assert_allclose(offset, np.broadcast_to(offset[0], offset.shape), atol=1e-4)


@pytest.mark.parametrize("number", range(12))
def test_feet_on_the_ground_pelvis_above_the_origin(people: list[Person], number: int) -> None:
    posed = pose_person(people[number], sample_pose(keyed_rng(number, "pose")))
    assert posed.positions[:, 1].min() == pytest.approx(0, abs=1e-5)
    np.testing.assert_allclose(joint(posed.joints, "root")[[0, 2]], 0, atol=1e-5)
    np.testing.assert_allclose(np.linalg.norm(posed.normals, axis=1), 1, atol=1e-3)
    assert np.isfinite(posed.positions).all()


def test_sparse_skinning_agrees_with_dense(people: list[Person]) -> None:
    person, pose = people[1], sample_pose(keyed_rng(1, "pose"))
    dense = np.zeros((len(person.positions), len(BONES)), np.float32)
    np.put_along_axis(dense, person.bones.astype(np.int64), person.weights, 1)
    posed = pose_person(person, pose)
    from closerlook.synthesis.person.pose import _rotations

    turns = {BONES.index(name): turn for name, turn in _rotations(pose).items()}
    wanted = skin(person.positions, dense, chain(person.skeleton.heads, person.skeleton.parents, turns))
    held = dense[:, [BONES.index(grip) for grip in GRIPS]].any(1)
    moved = (posed.positions - wanted)[~held]
    np.testing.assert_allclose(moved, np.broadcast_to(moved[0], moved.shape), atol=1e-4)


def test_held_bags_hang_down_from_the_hand() -> None:
    person = next(p for k in range(60) if (p := sample_person(3, k)).labels["bag"] in ("handbag", "tote"))
    (grip,) = (g for g in (BONES.index(name) for name in GRIPS) if ((person.bones == g) & (person.weights > 0.5)).any())
    bag = ((person.bones == grip) & (person.weights > 0.5)).any(1)
    for pose in (Pose(phase=0.4, stride=1.2), Pose(lift=(30.0, 30.0), elbow=(90.0, 90.0), heading=30.0)):
        posed = pose_person(person, pose)
        below = posed.positions[bag] - posed.joints[grip]
        rest = (person.positions[bag] - person.skeleton.heads[grip]) @ rotate("y", pose.heading).T
        np.testing.assert_allclose(below, rest, atol=1e-4)


def test_normals_agree_with_brute_force_and_are_smooth_over_seams(people: list[Person]) -> None:
    person = people[2]
    posed = pose_person(person, Pose(phase=0.3, stride=1.0))
    a, b, c = (posed.positions[person.triangles[:, k]] for k in range(3))
    faces = np.cross(b - a, c - a)
    summed = np.zeros((person.smooth.max() + 1, 3))
    for k in range(3):
        np.add.at(summed, person.smooth[person.triangles[:, k]], faces)
    wanted = (summed / np.maximum(np.linalg.norm(summed, axis=1, keepdims=True), 1e-12))[person.smooth]
    solid = np.linalg.norm(summed, axis=1)[person.smooth] > 1e-8
    np.testing.assert_allclose(posed.normals[solid], wanted[solid], atol=1e-3)


def test_legs_alternate_and_arms_swing_against_them(people: list[Person]) -> None:
    person = people[0]
    for phase, front, behind in ((0.0, "L", "R"), (0.5, "R", "L")):
        joints = pose_person(person, Pose(phase=phase, stride=1.0)).joints
        assert joint(joints, f"foot.{front}")[2] > joint(joints, f"foot.{behind}")[2] + 0.3
        assert joint(joints, f"wrist.{front}")[2] < joint(joints, f"wrist.{behind}")[2] - 0.1


def test_heading_turns_the_whole_person(people: list[Person]) -> None:
    straight = pose_person(people[0], REST).joints
    turned = pose_person(people[0], Pose(lean=0.0, heading=90.0)).joints
    np.testing.assert_allclose(turned, straight @ rotate("y", 90.0).T, atol=1e-4)


def test_a_phone_is_lifted_and_looked_at(people: list[Person]) -> None:
    rest = pose_person(people[0], REST).joints
    phone = pose_person(people[0], Pose(lean=0.0, lift=(0.0, 30.0), elbow=(0.0, 90.0), look=(0.0, 28.0))).joints
    assert joint(phone, "wrist.R")[1] > joint(rest, "wrist.R")[1] + 0.2
    assert joint(phone, "wrist.R")[2] > joint(rest, "wrist.R")[2] + 0.15
    assert joint(phone, "head")[2] > joint(rest, "head")[2]


def test_chain_is_the_product_of_its_rotations() -> None:
    heads = np.array([[0, 0, 0], [0, 1, 0], [0, 2, 0]], np.float32)
    transforms = chain(heads, np.array([-1, 0, 1], np.int32), {0: rotate("z", 90), 1: rotate("z", 90)})
    tip = transforms[2] @ np.array([0, 3, 0, 1], np.float32)
    np.testing.assert_allclose(tip, [-1, -2, 0], atol=1e-5)


def test_poses_vary() -> None:
    poses = [sample_pose(keyed_rng(7, k)) for k in range(300)]
    assert 0.7 < np.mean([pose.stride > 0 for pose in poses]) < 0.95
    assert np.std([pose.phase for pose in poses]) > 0.2
    assert any(max(pose.elbow) > 60 for pose in poses)
