"""The detector's box: what each part of a crop does to the window."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, strategies as st

from closerlook.synthesis.scenes.camera import Camera, Crop
from closerlook.synthesis.scenes.frames import frame
from closerlook.synthesis.scenes.windows import SENSOR, windows

SIZE = (128, 64)
TIGHT = Crop(height=1.0, fit=1.0)
BODY = np.array([[x, y, z] for x in (-0.25, 0.25) for y in (0.0, 0.9, 1.7) for z in (-0.15, 0.15)], np.float32)
ACROSS = np.linspace(-0.02, 0.04, 30, dtype=np.float32)[None]  # as wide as 0.06, as high as 0.3
ABOVE = np.linspace(-0.2, 0.1, 30, dtype=np.float32)[None]
FOCAL = np.array([36.0])


def box(crop: Crop) -> np.ndarray:
    """Left, bottom, right and top."""
    x, y, half_width, half_height = windows([crop], ACROSS, ABOVE, FOCAL, SIZE)[0]
    return np.array([x - half_width, y - half_height, x + half_width, y + half_height])


def test_a_box_that_fits_is_the_outline() -> None:
    assert box(TIGHT) == pytest.approx([-0.02, -0.2, 0.04, 0.1], abs=1e-6)


def test_a_box_of_the_images_shape_has_it_whatever_the_outline() -> None:
    left, bottom, right, top = box(Crop(height=1.0))
    assert (right - left) / (top - bottom) == pytest.approx(SIZE[1] / SIZE[0])


def test_half_a_fit_is_half_way() -> None:
    loose, half, tight = (box(Crop(height=1.0, fit=fit)) for fit in (0.0, 0.5, 1.0))
    assert half == pytest.approx((loose + tight) / 2, abs=1e-6)


@pytest.mark.parametrize(("side", "change"), [("left", 0), ("bottom", 1), ("right", 2), ("top", 3)])
def test_a_margin_moves_its_own_side_by_its_share(side: str, change: int) -> None:
    wider: Any = {f"margin_{side}": 0.1}
    moved = box(replace(TIGHT, **wider)) - box(TIGHT)
    expected = np.zeros(4)
    expected[change] = 0.1 * (-1 if change < 2 else 1) * (0.06, 0.3)[change % 2]
    assert moved == pytest.approx(expected, abs=1e-6)


@given(st.floats(-1, 1), st.floats(-1, 1), st.floats(20, 60))
def test_a_cut_box_ends_where_the_frame_does(right: float, down: float, focal: float) -> None:
    camera = Camera(distance=6.0, height=2.6, right=right, down=down, focal=focal)
    whole, cut = (frame(replace(camera, crop=Crop(cut=value)), BODY, SIZE).window for value in (0, 1))
    for middle, half, free, beyond, edge in zip(cut[:2], cut[2:], whole[:2], whole[2:], SENSOR, strict=True):
        limit = edge / 2 / focal
        assert middle - half == pytest.approx(max(free - beyond, -limit), abs=1e-6)
        assert middle + half == pytest.approx(min(free + beyond, limit), abs=1e-6)


def test_a_box_that_is_not_in_the_frame_is_not_cut() -> None:
    far = Crop(right=8.0)
    assert np.array_equal(box(replace(far, cut=1)), box(far))
