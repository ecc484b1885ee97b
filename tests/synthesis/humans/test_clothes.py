"""Garments, fabrics and outfits."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from closerlook.randomness import keyed_rng
from closerlook.synthesis.humans.body.body import sample_shape
from closerlook.synthesis.humans.clothing.fabric import RELIEF_SIDE, Fabric, fabric_texture, relief_texture
from closerlook.synthesis.humans.clothing.garment_mesh import GAP, build_garment, hem_height
from closerlook.synthesis.humans.clothing.mannequin import Mannequin
from closerlook.synthesis.humans.clothing.palette import cloth_color, color_name
from closerlook.synthesis.humans.clothing.patterns import PATTERNS, SIZE
from closerlook.synthesis.humans.clothing.tables import TABLES
from closerlook.synthesis.humans.clothing.unwrap import unwrap
from closerlook.synthesis.humans.clothing.wardrobe import ADULT_CUTS, sample_outfit


@pytest.mark.parametrize("kind", [kind for kind, cut in TABLES.cuts.items() if cut.top == "waist"])
def test_hems_are_level(form: Mannequin, kind: str) -> None:
    garment = build_garment(form, TABLES.cuts[kind])
    heights = garment.sheet.position[:, 1]
    wanted = hem_height(form, TABLES.cuts[kind])
    assert heights.min() > wanted - 0.012  # the turned-in edge
    at_hem = heights[heights < wanted + 1e-4]
    assert len(at_hem) >= 20 and np.abs(at_hem - wanted).min() < 1e-5


@pytest.mark.parametrize("kind", list(TABLES.cuts))
def test_every_pattern_makes_a_sound_mesh(form: Mannequin, kind: str) -> None:
    garment = build_garment(form, TABLES.cuts[kind])
    sheet, uv = unwrap(garment, form)
    assert np.isfinite(sheet.position).all() and np.isfinite(uv).all()
    assert sheet.triangles.min() == 0 and sheet.triangles.max() == len(sheet) - 1
    assert uv.min() >= 0 and uv.max() <= 1
    assert 300 < len(sheet.triangles) < 9000
    np.testing.assert_allclose(sheet.values["weights"].sum(1), 1, atol=1e-2)
    edges = np.ptp(uv[sheet.triangles], axis=1)
    assert (edges[:, 0] > 0.3).mean() < 0.004  # triangles do not run across seams; the top of a shoulder may


def test_layers_keep_their_distance(form: Mannequin) -> None:
    inner = build_garment(form, TABLES.cuts["sweater"])
    outer = build_garment(form, TABLES.cuts["jacket"], inner.offset)
    assert (outer.offset[:, 0] >= inner.offset[:, 0] + GAP - 1e-6).all()
    assert (outer.offset[:, 1] >= inner.offset[:, 1] - 1e-6).all()


def test_sleeves_end_where_asked(form: Mannequin) -> None:
    for sleeve in (0.2, 0.5, 0.9):
        values = build_garment(form, replace(TABLES.cuts["t_shirt"], sleeve=sleeve)).sheet.values
        on_arm = values["arm"] > 0.9
        assert values["along"][on_arm].max() == pytest.approx(sleeve, abs=0.01)


def test_a_sleeveless_top_has_no_arms(form: Mannequin) -> None:
    assert build_garment(form, TABLES.cuts["tank_top"]).sheet.values["armhole"].min() > -1e-4


def test_skirts_clear_the_legs(form: Mannequin) -> None:
    garment = build_garment(form, TABLES.cuts["long_skirt"])
    legs = form.sheet.position[(form.sheet.values["leg"] > 0.9) & (form.sheet.position[:, 1] > garment.bottom)]
    skirt = garment.sheet.position
    for height in np.linspace(garment.bottom + 0.03, form.landmarks.crotch - 0.02, 5):
        ring, leg = (points[np.abs(points[:, 1] - height) < 0.03] for points in (skirt, legs))
        assert np.abs(ring[:, 0]).max() > np.abs(leg[:, 0]).max()
        assert ring[:, 2].max() > leg[:, 2].max() and ring[:, 2].min() < leg[:, 2].min()


def test_an_open_front_is_open(form: Mannequin) -> None:
    cut = replace(TABLES.cuts["coat"], opening=0.05, collar="")
    position = build_garment(form, cut).sheet.position
    front = (position[:, 2] > form.center_z + 0.05) & (position[:, 1] < form.landmarks.armpit)
    assert np.abs(position[front, 0]).min() > 0.03


@pytest.mark.parametrize("pattern", PATTERNS)
@pytest.mark.parametrize("layout", ["top", "trousers", "skirt"])
def test_fabric_textures(pattern: str, layout: str) -> None:
    fabric = Fabric(pattern, (0.5, 0.4, 0.3), (0.9, 0.9, 0.9), details=("buttons", "zip", "pockets", "hem_band"))
    (first, relief), (again, _) = (fabric_texture(keyed_rng(1, pattern), fabric, layout) for _ in range(2))
    assert relief.startswith(f"{layout}/")
    assert first.shape == (SIZE, SIZE, 4) and first.dtype == np.uint8
    assert (first[..., 3] == 255).all()
    np.testing.assert_array_equal(first, again)


def test_a_plain_fabric_has_its_color() -> None:
    texture, _ = fabric_texture(keyed_rng(2), Fabric("plain", (0.5, 0.4, 0.3), (1, 1, 1)), "top")
    np.testing.assert_allclose(texture[..., :3].mean((0, 1)) / 255, (0.5, 0.4, 0.3), atol=0.04)


def test_colors_are_called_what_they_look_like() -> None:
    drawn = [cloth_color(keyed_rng(3, k)) for k in range(600)]
    assert np.mean([color_name(color) == name for name, color in drawn]) > 0.75
    names = [name for name, _ in drawn]
    sober = sum(names.count(name) for name in ("black", "gray", "white", "navy", "blue", "beige")) / len(names)
    assert 0.65 < sober < 0.9
    assert len(set(names)) == 13


def test_outfits_suit_sex_and_season() -> None:
    outfits = []
    for k in range(400):
        shape = sample_shape(keyed_rng(4, "shape", k))
        season = ("summer", "between", "winter")[k % 3]
        outfits.append((shape, sample_outfit(keyed_rng(4, "outfit", k), shape, season)))
    men = [outfit for shape, outfit in outfits if shape.gender == "male"]
    assert not any(o.upper.kind in ("dress", "blouse") or (o.lower and "skirt" in o.lower.kind) for o in men)
    assert all(o.outer is None and o.scarf is None for _, o in outfits if o.season == "summer")
    assert all((o.lower is None) == (o.upper.kind in ("dress", "long_dress")) for _, o in outfits)
    assert any(o.outer and o.outer.cut.opening for _, o in outfits)


def test_no_hand_holds_two_things_and_children_push_nothing() -> None:
    held = set()
    for k in range(900):
        shape = sample_shape(keyed_rng(6, "shape", k))
        outfit = sample_outfit(keyed_rng(6, "outfit", k), shape, "between")
        sides = "".join(extra.side for extra in (outfit.bag, outfit.load) if extra)
        assert len(set(sides)) == len(sides) and set(sides) <= set("LR")
        held |= {extra.kind for extra in (outfit.bag, outfit.load) if extra}
        assert shape.years >= 13 or outfit.load is None or outfit.load.kind == "umbrella"
    assert held == {
        *("backpack", "shoulder_bag", "handbag", "tote", "shopping_bag"),
        *("umbrella", "suitcase", "stroller", "bicycle"),
    }


def test_crop_tops_and_hot_pants_are_not_for_children() -> None:
    worn: dict[bool, set[str]] = {True: set(), False: set()}
    for k in range(400):
        shape = replace(sample_shape(keyed_rng(0, "cuts", k)), female=1.0, years=10.0 if k % 2 else 25.0)
        outfit = sample_outfit(keyed_rng(0, "cuts", k, "outfit"), shape, "summer")
        worn[shape.years < ADULT_CUTS] |= {item.kind for item in (outfit.upper, outfit.lower) if item}
    assert {"crop_top", "hot_pants"} <= worn[False]
    assert not {"crop_top", "hot_pants"} & worn[True]


@pytest.mark.parametrize("layout", ["top", "trousers", "skirt"])
def test_reliefs_are_level_on_average_and_mirror(layout: str) -> None:
    relief, mirrored = (relief_texture(f"{layout}/2{turn}")[..., :2].astype(float) - 128 for turn in ("", "-"))
    assert relief.shape == (RELIEF_SIDE, RELIEF_SIDE, 2)
    assert np.abs(relief.mean((0, 1))).max() < 6 and relief.std() > 15
    np.testing.assert_allclose(mirrored[..., 0], -relief[:, ::-1, 0], atol=1.01)
    np.testing.assert_allclose(mirrored[..., 1], relief[:, ::-1, 1], atol=1.01)
