"""What is seen of people, and their labels."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from closerlook.synthesis.humans import Material, Person, Skeleton
from closerlook.synthesis.humans.clothing.palette import cloth_name, hair_name, lab
from closerlook.synthesis.humans.mesh.primitives import rounded_box
from closerlook.synthesis.humans.pose.rig import BONES, parents
from closerlook.synthesis.humans.visibility import visible_labels, visible_pixels


def plain(name: str, color: tuple[int, int, int]) -> Material:
    return Material(name, np.tile(np.array([*color, 255], np.uint8), (4, 4, 1)))


def figure(*boxes: tuple[str, tuple[int, int, int], float, float], labels: dict[str, str] | None = None) -> Person:
    """Ellipsoids around one axis: name, color, radius and height of the middle of each."""
    parts = [rounded_box((2 * radius, 2 * radius, 2 * radius), 1.0) for _, _, radius, _ in boxes]
    count = len(parts[0][0])
    positions = np.concatenate([part[0] + (0, box[3], 0) for part, box in zip(parts, boxes, strict=True)])
    heads = np.zeros((len(BONES), 3), np.float32)
    for name, height in (("upperarm01.L", 1.4), ("upperarm01.R", 1.4), ("neck01", 1.5), ("head", 1.6)):
        heads[BONES.index(name), 1] = height
    weights = np.zeros((len(positions), 4), np.float32)
    weights[:, 0] = 1
    return Person(
        identity=1,
        labels={"hat": "none", "bag": "none", "beard": "none", "shoe_type": "shoes", **(labels or {})},
        positions=positions.astype(np.float32),
        smooth=np.arange(len(positions), dtype=np.int32),
        uv=np.concatenate([part[1] for part in parts]).astype(np.float32),
        bones=np.zeros((len(positions), 4), np.int32),
        weights=weights,
        triangles=np.concatenate([part[2] + k * count for k, part in enumerate(parts)]).astype(np.int32),
        materials_of=np.repeat(np.arange(len(parts), dtype=np.int32), len(parts[0][2])),
        materials=tuple(plain(box[0], box[1]) for box in boxes),
        skeleton=Skeleton(BONES, parents(), heads),
        body_vertices=len(positions),
    )


RED, BLUE, BLACK = (190, 30, 30), (60, 100, 170), (18, 16, 16)


def test_one_ball_is_seen_as_a_disc_from_every_side() -> None:
    visible = visible_pixels(figure(("upper", RED, 0.3, 1.0)))
    disc = np.pi * 0.3**2 / 0.014**2
    assert len(visible.material) == pytest.approx(6 * disc, rel=0.04)
    np.testing.assert_allclose(visible.color, np.tile(np.array(RED) / 255, (len(visible.color), 1)))
    assert np.ptp(visible.height) == pytest.approx(0.6, abs=0.03)


def test_what_is_covered_is_hidden() -> None:
    inner = ("shoes", BLACK, 0.1, 0.3)
    labels = visible_labels(*_with_labels(figure(("lower", BLUE, 0.3, 0.3), inner, ("upper", RED, 0.3, 1.2))))
    assert labels["upper_color"] == "red" and labels["lower_color"] == "blue"
    assert labels["shoe_color"] == labels["shoe_type"] == "hidden"
    assert labels["hair_length"] == "bald"


def test_hair_under_a_hat_is_hidden_and_long_hair_is_long() -> None:
    body = (("upper", RED, 0.25, 1.2), ("lower", BLUE, 0.25, 0.6), ("shoes", BLACK, 0.15, 0.1))
    under = figure(*body, ("hair", BLACK, 0.1, 1.75), ("hat", RED, 0.15, 1.75), labels={"hat": "beanie"})
    labels = visible_labels(*_with_labels(under))
    assert labels["hair_length"] == labels["hair_color"] == "hidden" and labels["hat_color"] == "red"
    for middle, radius, length in ((1.72, 0.13, "short"), (1.6, 0.13, "medium"), (1.4, 0.3, "long")):
        labels = visible_labels(*_with_labels(figure(*body, ("hair", BLACK, radius, middle))))
        assert labels["hair_length"] == length and labels["hair_color"] == "black"


def _with_labels(person: Person) -> tuple[Person, dict[str, str]]:
    return person, dict(person.labels)


def test_holes_show_what_lies_behind_nothing() -> None:
    ball = figure(("hair", BLACK, 0.2, 1.0))
    texture = ball.materials[0].texture.copy()
    texture[..., 3] = 0
    holey = replace(ball, materials=(replace(ball.materials[0], texture=texture, cutout=True),))
    assert len(visible_pixels(holey).material) == 0


def test_lab_of_known_colors() -> None:
    known = {(1, 1, 1): (100, 0, 0), (1, 0, 0): (53.24, 80.09, 67.2), (0, 0, 1): (32.3, 79.19, -107.86)}
    for color, wanted in known.items():
        np.testing.assert_allclose(lab(np.array(color)), wanted, atol=0.15)


def test_names_of_many_pixels_are_of_most() -> None:
    stripes = np.array([[0.9, 0.9, 0.9]] * 30 + [[0.1, 0.15, 0.6]] * 70)
    assert cloth_name(stripes) in ("blue", "navy")
    assert hair_name(np.array([[0.6, 0.5, 0.3]] * 9 + [[0.1, 0.1, 0.1]])) == "blond"


def test_real_people_are_labeled_by_what_is_seen(people: list[Person]) -> None:
    for person in people:
        labels = person.labels
        assert labels["hat_color"] == "none" or labels["hat"] != "none"
        assert (labels["bag"] == "none") == (labels["bag_color"] == "none")
        if labels["upper_pattern"] == "plain":
            names = [material.name for material in person.materials]
            cloth = person.materials[names.index("outer" if "outer" in names else "upper")].texture
            assert cloth_name(cloth[..., :3].reshape(-1, 3) / 255) == labels["upper_color"]
