"""Body shapes and the standing body."""

from __future__ import annotations

import numpy as np
import pytest

from closerlook.randomness import keyed_rng
from closerlook.synthesis.humans.body.assets import body_data
from closerlook.synthesis.humans.body.body import ANCESTRIES, Body, Shape, build_body, sample_shape, target_weights
from closerlook.synthesis.humans.pose.rig import BONES


def shape(**changes: float) -> Shape:
    values = {"female": 0.0, "years": 20.0, "stature": 1.75, "muscle": 0.5, "weight": 0.5, "proportions": 0.5}
    values |= {"cup": 0.5} | changes
    return Shape(**values, ancestry={"asian": 1.0}, details={})


@pytest.fixture(scope="module")
def shapes() -> list[Shape]:
    return [sample_shape(keyed_rng(0, "shape", k)) for k in range(2000)]


def test_an_average_young_man_is_two_targets() -> None:
    data = body_data()
    found = {data.target_names[row]: value for row, value in target_weights(shape(), data).items()}
    assert found == {
        "macrodetails/asian-male-young": 1.0,
        "macrodetails/universal-male-young-averagemuscle-averageweight": 1.0,
    }


def test_macro_targets_interpolate_between_ages() -> None:
    data = body_data()
    found = {data.target_names[row]: value for row, value in target_weights(shape(years=55), data).items()}
    assert found["macrodetails/asian-male-young"] == pytest.approx(0.5)
    assert found["macrodetails/asian-male-old"] == pytest.approx(0.5)


def test_population(shapes: list[Shape]) -> None:
    groups = [s.age_group for s in shapes]
    assert 0.10 < (groups.count("child") + groups.count("elderly")) / len(shapes) < 0.15
    assert 0.45 < np.mean([s.gender == "female" for s in shapes]) < 0.55
    adults = [s for s in shapes if s.age_group == "adult"]
    men, women = ([s.stature for s in adults if s.gender == g] for g in ("male", "female"))
    assert 1.73 < np.mean(men) < 1.79 and 1.60 < np.mean(women) < 1.66
    assert 0.05 < np.std(men) < 0.08
    assert max(s.stature for s in shapes if s.age_group == "child") < 1.75
    ages, weights = np.array([(s.years, s.weight) for s in adults]).T
    assert np.corrcoef(ages, weights)[0, 1] > 0.1
    assert all(sum(s.ancestry.values()) == pytest.approx(1) for s in shapes)
    for name in ANCESTRIES:
        assert np.mean([s.ancestry[name] > 0.5 for s in shapes]) > 0.15


@pytest.mark.parametrize("number", range(8))
def test_a_body_stands_with_arms_beside_it(number: int) -> None:
    body = build_body(sample_shape(keyed_rng(9, "shape", number)))
    skin = body.positions[np.unique(body_data().quads["body"])]
    assert skin[:, 1].min() == pytest.approx(0, abs=1e-4)
    assert skin[:, 1].max() == pytest.approx(body.shape.stature, abs=1e-4)
    for side, sign in (("L", 1), ("R", -1)):
        shoulder, wrist, hip = (body.head(f"{bone}.{side}") for bone in ("upperarm01", "wrist", "upperleg01"))
        assert wrist[1] < shoulder[1] - 0.2 * body.shape.stature
        assert sign * wrist[0] > sign * hip[0]
        assert sign * wrist[0] < sign * shoulder[0] + 0.16
        assert abs(wrist[2] - shoulder[2]) < 0.15


def test_a_body_is_nearly_symmetric(body: Body) -> None:
    left = np.array([body.head(name) for name in BONES if name.endswith(".L")])
    right = np.array([body.head(name) for name in BONES if name.endswith(".R")])
    np.testing.assert_allclose(left * (-1, 1, 1), right, atol=5e-3)


def test_room_for_clothes_moves_the_arms_out(body: Body) -> None:
    wide = build_body(body.shape, arm_room=0.08)
    assert wide.head("wrist.L")[0] > body.head("wrist.L")[0] + 0.03


def test_weight_widens_and_sex_changes_the_body() -> None:
    def width(s: Shape) -> float:
        body = build_body(s)
        waist = body.positions[np.unique(body_data().quads["helper-skirt"])]
        return float(np.ptp(waist[waist[:, 1] > waist[:, 1].max() - 0.05, 0]))

    assert width(shape(weight=0.9)) > width(shape(weight=0.1)) * 1.1
    assert not np.allclose(build_body(shape(female=1.0)).positions, build_body(shape()).positions, atol=0.01)
