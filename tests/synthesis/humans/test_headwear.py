"""Hats, masks, shoes, and thin things painted onto the skin."""

from __future__ import annotations

import numpy as np
import pytest

from closerlook.randomness import keyed_rng
from closerlook.synthesis.humans.accessories.headwear import HATS, hat_parts, mask_part
from closerlook.synthesis.humans.body.assets import body_data
from closerlook.synthesis.humans.body.body import Body
from closerlook.synthesis.humans.body.skin import wear_on_skin
from closerlook.synthesis.humans.clothing.mannequin import Mannequin
from closerlook.synthesis.humans.clothing.shoes import SHOES, shoe_part
from closerlook.synthesis.humans.hair.scalp import head_center
from closerlook.synthesis.humans.pose.rig import BONES

RED = (0.6, 0.1, 0.1)


@pytest.mark.parametrize("kind", list(HATS))
def test_hats_cover_the_crown_and_leave_the_face(body: Body, kind: str) -> None:
    parts = hat_parts(keyed_rng(1, kind), body, kind, RED)
    points = np.concatenate([part.positions for part in parts])
    center, eyes = head_center(body), body.positions[np.unique(body_data().quads["helper-l-eye"])]
    assert points[:, 1].max() > body.positions[np.unique(body_data().quads["body"]), 1].max()
    before_face = (points[:, 2] > center[2] + 0.07) & (np.abs(points[:, 0]) < 0.05)
    at_eyes = np.abs(points[before_face, 1] - eyes[:, 1].mean()) < 0.012
    assert not at_eyes.any()
    assert all(np.isfinite(part.positions).all() and len(part.triangles) < 2500 for part in parts)
    for part in parts:
        assert part.weights[:, [BONES.index("head"), BONES.index("neck01")]].sum(1).min() > 0.99


def test_a_mask_lies_before_nose_and_mouth(body: Body) -> None:
    mask = mask_part(keyed_rng(1), body, RED)
    face = body.positions[np.unique(body_data().quads["body"])]
    eyes = body.positions[np.unique(body_data().quads["helper-l-eye"])][:, 1].mean()
    middle = np.abs(face[:, 0]) < 0.02
    covered = middle & (face[:, 1] < eyes - 0.03) & (face[:, 1] > mask.positions[:, 1].min() + 0.02)
    front = mask.positions[np.abs(mask.positions[:, 0]) < 0.02, 2].max()
    assert front > face[covered, 2].max() - 0.004
    assert mask.positions[:, 1].max() < eyes


@pytest.mark.parametrize("kind", list(SHOES))
def test_shoes_hold_the_foot_and_stand_level(form: Mannequin, kind: str) -> None:
    under = np.zeros(len(form.sheet), np.float32)
    parts, covers = shoe_part(form, kind, RED, (0.05, 0.05, 0.05), under, (0.8, 0.6, 0.5))
    shoes = parts[0].positions
    foot = form.sheet.position[(form.sheet.values["foot"] > 0.9)]
    assert shoes[:, 2].max() > foot[:, 2].max() - 0.004 and shoes[:, 2].min() < foot[:, 2].min() + 0.005
    left, right = (shoes[sign * shoes[:, 0] > 0, 1].min() for sign in (1, -1))
    assert left == pytest.approx(right, abs=0.003) and left < -0.005
    assert covers.max() > 0.04
    opening = parts[0].material.texture[..., 3] == 0
    assert opening.any() == (len(parts) == 2) == parts[0].material.cutout


def test_heels_stand_on_heel_and_toe(form: Mannequin) -> None:
    under = np.zeros(len(form.sheet), np.float32)
    (shoes, _), _ = shoe_part(form, "heels", RED, RED, under, RED)
    left = shoes.positions[shoes.positions[:, 0] > 0]
    ahead = (left[:, 2] - left[:, 2].min()) / np.ptp(left[:, 2])
    places = ((0.0, 0.2), (0.35, 0.5), (0.8, 1.0))
    heel, arch, toe = (left[(ahead >= low) & (ahead < high), 1].min() for low, high in places)
    assert abs(heel - toe) < 0.02 and arch > max(heel, toe) + 0.008


@pytest.mark.parametrize("kind", ["gloves", "socks", "tights"])
def test_thin_things_color_their_part_of_the_skin(kind: str) -> None:
    texture = np.full((512, 512, 4), 200, np.uint8)
    wear_on_skin(texture, kind, RED)
    worn = texture[..., 1] < 100
    points = body_data().texels.astype(np.float32)
    assert 0.005 < worn.mean() < 0.5
    height = points[worn][:, 1]
    if kind == "gloves":
        assert np.abs(points[worn][:, 0]).min() > 0.25
    else:
        assert height.max() < body_data().heads[body_data().bone_names.index("upperleg01.L")][1] + 0.01
    assert not worn[np.isnan(points[..., 0])].any()
