"""Whole people."""

from __future__ import annotations

import hashlib

import numpy as np
import pytest

from closerlook.randomness import keyed_rng
from closerlook.synthesis.humans import WARDROBE_VERSION, Person, Population, sample_person
from closerlook.synthesis.humans.accessories.headwear import COVERING
from closerlook.synthesis.humans.body.body import sample_shape
from closerlook.synthesis.humans.clothing.wardrobe import sample_outfit
from closerlook.synthesis.humans.pose.rig import BONES

pytestmark = pytest.mark.slow


LABELS = {
    "gender", "age_group", "upper_type", "upper_color", "upper_pattern", "sleeve_length", "lower_type", "lower_color",
    "lower_length", "shoe_type", "shoe_color", "hair_style", "hair_color", "beard", "glasses", "hat", "scarf", "bag",
    "mask", "gloves", "carried",
    "hat_color", "bag_color", "hair_length",
}  # fmt: skip


def digest(person: Person) -> str:
    arrays = (person.positions, person.uv, person.weights, person.triangles)
    parts = [array.tobytes() for array in arrays] + [material.texture.tobytes() for material in person.materials]
    return hashlib.blake2b(b"".join(parts) + repr(dict(person.labels)).encode()).hexdigest()


def test_the_same_person_whatever_else_is_made(people: list[Person]) -> None:
    for identity in (17, 2, 9):
        assert digest(sample_person(3, identity)) == digest(people[identity])


def test_everybody_differs(people: list[Person]) -> None:
    assert len({digest(person) for person in people}) == len(people)
    assert digest(sample_person(4, 0)) != digest(people[0])


def test_meshes_are_sound_and_light(people: list[Person]) -> None:
    for person in people:
        n = len(person.positions)
        assert 10_000 < len(person.triangles) < 35_000
        assert person.triangles.min() >= 0 and person.triangles.max() < n
        assert np.isfinite(person.positions).all() and np.isfinite(person.uv).all()
        np.testing.assert_allclose(person.weights.sum(1), 1, atol=1e-3)
        assert person.weights.min() >= 0 and person.bones.max() < len(BONES)
        assert person.materials_of.max() < len(person.materials)
        assert person.smooth.shape == (n,) and person.smooth.min() == 0
        same = np.argsort(person.smooth, kind="stable")
        repeated = np.diff(person.smooth[same]) == 0
        apart = np.linalg.norm(np.diff(person.positions[same], axis=0), axis=1)[repeated]
        assert apart.max() < 1e-4  # one smooth group is one place


def test_textures_are_square_powers_of_two(people: list[Person]) -> None:
    for person in people:
        for material in person.materials:
            height, width, channels = material.texture.shape
            assert height == width and channels == 4 and height & (height - 1) == 0 and height <= 512


def test_labels_say_what_was_built(people: list[Person]) -> None:
    for person in people:
        assert set(person.labels) == LABELS
        names = {material.name for material in person.materials}
        assert {"skin", "eyes", "shoes", "upper"} <= names
        assert ("hair" in names) == (person.labels["hat"] not in COVERING)
        assert ("hat" in names) == (person.labels["hat"] != "none")
        assert ("scarf" in names) == (person.labels["scarf"] != "none")
        assert ("mask" in names) == (person.labels["mask"] != "none")
        for label in ("bag", "carried"):
            assert (person.labels[label] == "none") or person.labels[label] in names
        assert ("lower" in names) == (person.labels["lower_type"] not in ("dress", "long_dress"))


def test_hidden_skin_is_left_out(people: list[Person]) -> None:
    for person in people:
        if person.labels["sleeve_length"] == "long" and person.labels["lower_length"] == "long":
            skin = np.unique(person.triangles[person.materials_of == 0])
            height = person.positions[skin, 1] / person.positions[:, 1].max()
            middle = np.abs(person.positions[skin, 0]) < 0.08
            assert not (middle & (height > 0.55) & (height < 0.75)).any()


def test_other_people_are_another_version() -> None:
    """Whoever changes who is drawn, on purpose, raises the wardrobe's version and this digest with it."""
    drawn = []
    for identity in range(300):
        shape = sample_shape(keyed_rng(0, "person", identity, "shape"))
        season = Population().season(keyed_rng(0, "person", identity, "season"))
        outfit = sample_outfit(keyed_rng(0, "person", identity, "outfit"), shape, season)
        worn = [item and (item.kind, item.color, item.fabric.pattern) for item in (outfit.upper, outfit.lower)]
        extras = [extra and (extra.kind, extra.name) for extra in (outfit.shoes, outfit.hat, outfit.bag, outfit.load)]
        drawn.append((round(shape.years, 3), round(shape.weight, 3), round(shape.stature, 3), season, worn, extras))
    found = hashlib.blake2b(repr(drawn).encode(), digest_size=8).hexdigest()
    assert (WARDROBE_VERSION, found) == (5, "9d97fadf8f2c2c90")
