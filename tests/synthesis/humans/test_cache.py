"""Packing people, keeping them, and that neither shows in what is rendered."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path

import numpy as np
import pytest

from closerlook.errors import CloserlookError
from closerlook.randomness import keyed_rng
from closerlook.synthesis.generation.sampling import sample_places, sample_view
from closerlook.synthesis.generation.settings import read_settings
from closerlook.synthesis.humans import Person, Population, cache, load_person, pose_person, sample_person, sample_pose
from closerlook.synthesis.humans.mesh.mesh import Hold, Material
from closerlook.synthesis.humans.mesh.packing import pack, unpack
from closerlook.synthesis.humans.people import build_person
from closerlook.synthesis.rendering.renderer import ImageRequest, Renderer


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setenv("CLOSERLOOK_CACHE", str(tmp_path))
    cache._folder.cache_clear()
    yield tmp_path / "people"
    cache._folder.cache_clear()


def same(one: Person, other: Person) -> bool:
    arrays = ("positions", "smooth", "uv", "bones", "weights", "triangles", "materials_of")
    textures = zip(one.materials, other.materials, strict=True)
    return (
        all(np.array_equal(getattr(one, name), getattr(other, name)) for name in arrays)
        and all(np.array_equal(a.texture, b.texture) and a.name == b.name for a, b in textures)
        and one.labels == other.labels
        and one.hands == other.hands
    )


def test_packing_loses_nothing_that_shows() -> None:
    built = build_person(3, 5)
    built = Person(**{f.name: getattr(built, f.name) for f in fields(Person)} | {"hands": (Hold("tote"), None)})
    data = pack(built)
    assert len(data) < 1_000_000
    person = unpack(data)
    assert (person.identity, person.labels, person.hands) == (built.identity, built.labels, built.hands)
    assert person.skeleton.names == built.skeleton.names
    np.testing.assert_array_equal(person.skeleton.heads, built.skeleton.heads)
    for name, most in (("positions", 4e-5), ("uv", 2e-5), ("weights", 4e-5)):
        np.testing.assert_allclose(getattr(person, name), getattr(built, name), atol=most)
    np.testing.assert_allclose(person.weights.sum(1), 1, atol=1e-5)
    for name in ("smooth", "bones", "triangles", "materials_of"):
        np.testing.assert_array_equal(getattr(person, name), getattr(built, name))
        assert getattr(person, name).dtype == getattr(built, name).dtype
    for one, other in zip(person.materials, built.materials, strict=True):
        for f in fields(Material):
            if f.name != "texture":
                assert getattr(one, f.name) == getattr(other, f.name)
        np.testing.assert_array_equal(one.texture[..., 3], other.texture[..., 3])
        assert np.abs(one.texture[..., :3].astype(int) - other.texture[..., :3]).mean() < 3


def test_a_kept_person_renders_as_one_just_built(folder: Path) -> None:
    settings = read_settings((64, 32), 3, "view", None, "cctv", None)
    images = []
    for person in (sample_person(3, 5), load_person(3, 5), load_person(3, 5)):
        renderer = Renderer((64, 32))
        renderer.set_person(person)
        posed = pose_person(person, sample_pose(keyed_rng(1, "pose")))
        scene = ("view", 5, 30)
        where = sample_places(settings.seed, {scene: settings.backdrops[0]})[scene]
        view = sample_view(settings, scene, 30, where, 1.7)
        images.append(renderer.render_view(posed, view, [ImageRequest.from_names("sunny", "noon", 5)]))
    np.testing.assert_array_equal(images[0], images[1])
    np.testing.assert_array_equal(images[1], images[2])
    assert len(list(folder.glob("*/*"))) == 1


def test_damaged_files_are_made_again(folder: Path) -> None:
    first = load_person(3, 6)
    (kept,) = folder.glob("*/*")
    whole = kept.read_bytes()
    for damaged in (b"", whole[:5000], whole[:-1], b"x" * len(whole)):
        kept.write_bytes(damaged)
        assert same(load_person(3, 6), first)
        assert kept.read_bytes() == whole


def test_a_wardrobe_without_clothes_is_refused_though_the_person_is_kept(folder: Path, tmp_path: Path) -> None:
    load_person(1, 2)
    with pytest.raises(CloserlookError, match="not a MakeHuman data folder"):
        load_person(1, 2, tmp_path / "none")


def test_a_cache_that_cannot_be_written_is_done_without(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cache, "atomic_path", lambda path: (_ for _ in ()).throw(OSError("no space")))
    monkeypatch.setattr(cache, "_folder", lambda *key: tmp_path)
    assert load_person(3, 6).identity == 6


def test_seed_wardrobe_and_population_have_folders_of_their_own(folder: Path, tmp_path: Path) -> None:
    cloth = tmp_path / "wardrobe"
    cloth.mkdir()
    (cloth / "a.mhclo").write_text("a")
    keys = [(0, None, Population()), (1, None, Population()), (0, str(cloth), Population())]
    keys.append((0, None, Population(female=0.4)))
    assert len({cache._folder(*key) for key in keys}) == 4
    before = cache._folder(0, str(cloth), Population())
    (cloth / "b.mhclo").write_text("b")
    cache._folder.cache_clear()
    assert cache._folder(0, str(cloth), Population()) != before


def test_the_longest_unused_go_first(folder: Path) -> None:
    (folder / "key").mkdir(parents=True)
    files = [folder / "key" / f"{k}.safetensors" for k in range(5)]
    for k, path in enumerate(files):
        path.write_bytes(bytes(100))
        os.utime(path, (1000 - k, 1000 - k))
    cache.trim(250)
    assert [path.exists() for path in files] == [True, True, False, False, False]
