"""The second wardrobe: MakeHuman's formats."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from closerlook.errors import CloserlookError
from closerlook.randomness import keyed_rng
from closerlook.synthesis.humans import sample_person
from closerlook.synthesis.humans.body.body import Body
from closerlook.synthesis.humans.clothing.dressing import dress_from_library
from closerlook.synthesis.humans.clothing.library import VARIABLE, find_library, fit, halves, proxy_part, read_proxy
from closerlook.synthesis.humans.clothing.mannequin import Mannequin

REAL = Path(__file__).parents[4].parent / "shared" / "assets" / "makehuman-cc0"

# A ring of the trunk at chest height and one at the thighs, by vertices of the base mesh's tights.
CHEST, THIGH = (15328, 15340, 15352, 15364), (15500, 15512, 15524, 15536)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A tiny MakeHuman folder: one suit of two pieces, one pair of shoes."""
    for kind, name in (("clothes", "female_suit01"), ("clothes", "shoes01")):
        home = tmp_path / kind / name
        home.mkdir(parents=True)
        rows = "\n".join(f"{v} {v} {v} 1 0 0 0.0 0.5 0.0" if v % 8 else str(v) for v in (*CHEST, *THIGH))
        (home / f"{name}.mhclo").write_text(
            f"# a comment\nname {name}\ntag Casual\nobj_file {name}.obj\nmaterial {name}.mhmat\n"
            f"y_scale 791 881 2.4098\nverts 0\n{rows}\n\ndelete_verts\n10 - 12 20\n"
        )
        corners = "\n".join(f"v {k} 0 0" for k in range(8)) + "\nvt 0 0\nvt 1 0\nvt 1 1\nvt 0 1\n"
        (home / f"{name}.obj").write_text(corners + "f 1/1 2/2 3/3 4/4\nf 5/1 6/2 7/3 8/4\n")
        (home / f"{name}.mhmat").write_text(f"diffuseTexture {name}.png\n")
        Image.new("RGB", (32, 32), (40, 80, 120)).save(home / f"{name}.png")
    return tmp_path


def test_reads_a_proxy(folder: Path) -> None:
    proxy = read_proxy(folder / "clothes/female_suit01/female_suit01.mhclo")
    assert proxy.tags == {"casual"} and proxy.deleted.tolist() == [10, 11, 12, 20]
    assert proxy.references.shape == (8, 3) and proxy.triangles.shape == (4, 3)
    assert len(set(proxy.piece)) == 2
    np.testing.assert_allclose(proxy.offsets[CHEST.index(15340)], [0, 0.05, 0])


def test_fits_offsets_in_units_of_the_body(folder: Path, body: Body) -> None:
    proxy = read_proxy(folder / "clothes/female_suit01/female_suit01.mhclo")
    positions, weights = fit(proxy, body)
    exact = [k for k, v in enumerate((*CHEST, *THIGH)) if v % 8 == 0]
    np.testing.assert_allclose(positions[exact], body.positions[proxy.references[exact, 0]], atol=1e-4)
    np.testing.assert_allclose(weights.sum(1), 1, atol=1e-2)
    part = proxy_part(proxy, positions, weights, "upper", (1.0, 0.0, 0.0))
    red = part.material.texture[..., :3].reshape(-1, 3).mean(0)
    assert red[0] > 200 and red[1] < 10


def test_splits_at_the_waist() -> None:
    proxy = type("Proxy", (), {"piece": np.repeat([0, 1, 2], [80, 80, 5])})()
    height = np.concatenate([np.full(80, 1.3), np.full(80, 0.6), np.full(5, 1.2)])
    above, below = halves(proxy, np.stack([0 * height, height, 0 * height], 1), 1.0)
    assert above.sum() == 85 and below.sum() == 80
    above, below = halves(proxy, np.stack([0 * height, 0 * height + 1.3, 0 * height], 1), 1.0)
    assert above.all() and not below.any()


def test_a_folder_without_clothes_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CloserlookError, match="is not a MakeHuman data folder"):
        find_library(tmp_path)


def test_a_missing_texture_leaves_an_item_out(folder: Path) -> None:
    (folder / "clothes/shoes01/shoes01.png").unlink()
    library = find_library(folder)
    assert library is not None and len(library.suits) == 1 and library.shoes == ()


@pytest.mark.parametrize(
    ("file", "content"),
    [("female_suit01.obj", "v 0 0 0\n"), ("female_suit01.obj", "f a/b\n"), ("female_suit01.png", "not an image")],
)
def test_broken_files_are_named(folder: Path, body: Body, file: str, content: str) -> None:
    (folder / "clothes/female_suit01" / file).write_text(content)
    with pytest.raises(CloserlookError, match="female_suit01"):
        proxy = read_proxy(folder / "clothes/female_suit01/female_suit01.mhclo")
        proxy_part(proxy, *fit(proxy, body), "upper", None)


def test_the_environment_names_a_wardrobe(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert find_library(None) is None
    monkeypatch.setenv(VARIABLE, str(folder))
    library = find_library(None)
    assert library is not None and len(library.suits) == 1


def test_dresses_from_a_tiny_library(folder: Path, form: Mannequin) -> None:
    library = find_library(folder)
    assert library is not None
    dressed = dress_from_library(keyed_rng(0), form, library)
    assert {part.material.name for part in dressed.parts} >= {"upper", "shoes"}
    assert dressed.hidden[20]
    assert all(len(part.triangles) and np.isfinite(part.positions).all() for part in dressed.parts)


@pytest.fixture
def real() -> Path:
    """The real CC0 pack beside the repository where it is; people must come out well with and without it."""
    return REAL


def test_people_with_and_without_a_wardrobe(real: Path) -> None:
    wardrobe = real if real.is_dir() else None
    people = [sample_person(1, identity, wardrobe) for identity in range(8)]
    for person in people:
        assert np.isfinite(person.positions).all() and len(person.triangles) < 50_000
        assert person.positions[:, 1].max() < 2.3
    if wardrobe:
        assert any(person.labels["upper_pattern"] == "other" for person in people)
    else:
        assert not any(person.labels["upper_pattern"] == "other" for person in people)
