"""Cutting sheets of triangles."""

from __future__ import annotations

import numpy as np
from hypothesis import given, strategies as st

from closerlook.synthesis.humans.mesh.primitives import grid_triangles, ribbon, rounded_box, tube
from closerlook.synthesis.humans.mesh.sheet import Sheet, boundary_edges, loops, vertex_normals


def square(n: int) -> Sheet:
    """The unit square in the plane z = 0."""
    y, x = np.meshgrid(np.linspace(1, 0, n), np.linspace(0, 1, n), indexing="ij")
    position = np.stack([x, y, 0 * x], 2).reshape(-1, 3).astype(np.float32)
    return Sheet(grid_triangles(n, n), {"position": position, "weights": np.ones((n * n, 1), np.float32)})


def area(sheet: Sheet) -> float:
    a, b, c = (sheet.position[sheet.triangles[:, k]] for k in range(3))
    return float(np.linalg.norm(np.cross(b - a, c - a), axis=1).sum() / 2)


@given(st.integers(2, 9), st.floats(0.07, 0.93), st.floats(-0.4, 0.4))
def test_a_straight_cut_is_exact(n: int, height: float, slope: float) -> None:
    """Below the line y = h + s (x - 1/2) the unit square has the area h where the line leaves through its sides."""
    if not 0.01 < height - abs(slope) / 2 < height + abs(slope) / 2 < 0.99:
        return
    sheet = square(n)
    level = height + slope * (sheet.position[:, 0] - 0.5) - sheet.position[:, 1]
    below, above, whole = sheet.clip(level), sheet.clip(-level), sheet.divide(level)
    np.testing.assert_allclose(area(below), height, atol=1e-4)
    np.testing.assert_allclose(area(above), 1 - height, atol=1e-4)
    np.testing.assert_allclose(area(whole), 1, atol=1e-4)
    line = height + slope * (below.position[:, 0] - 0.5)
    assert (below.position[:, 1] <= line + 1e-5).all()


@given(st.integers(2, 8), st.integers(0, 10**6))
def test_cutting_keeps_the_winding_and_interpolates(n: int, seed: int) -> None:
    sheet = square(n)
    sheet = sheet.with_values(double=2 * sheet.position)
    cut = sheet.divide(np.random.default_rng(seed).normal(size=len(sheet)).astype(np.float32))
    a, b, c = (cut.position[cut.triangles[:, k]] for k in range(3))
    flipped = np.sign(
        np.cross(
            sheet.position[sheet.triangles[0, 1]] - sheet.position[sheet.triangles[0, 0]],
            sheet.position[sheet.triangles[0, 2]] - sheet.position[sheet.triangles[0, 0]],
        )[2]
    )
    assert (flipped * np.cross(b - a, c - a)[:, 2] > -1e-7).all()
    np.testing.assert_allclose(cut.values["double"], 2 * cut.position, atol=1e-6)


def test_the_boundary_of_a_square_is_one_loop() -> None:
    sheet = square(5)
    (loop,) = loops(boundary_edges(sheet.triangles))
    assert len(loop) == 16 and len(set(loop.tolist())) == 16


def test_nothing_left_is_an_empty_sheet() -> None:
    sheet = square(3)
    assert len(sheet.clip(np.full(len(sheet), -1.0, np.float32)).triangles) == 0


def test_closed_surfaces_face_outwards() -> None:
    path = np.stack([np.zeros(6), np.linspace(0, 1, 6), np.zeros(6)], 1)
    for points, uv, triangles in (rounded_box((1.0, 2.0, 0.5)), tube(path, np.full(6, 0.1))):
        a, b, c = (points[triangles[:, k]].astype(float) for k in range(3))
        volume = np.einsum("ij,ij->i", a, np.cross(b, c)).sum() / 6
        assert volume > 0
        assert uv.min() >= -1e-6 and uv.max() <= 1 + 1e-6


def test_a_band_is_as_wide_as_asked_for() -> None:
    path = np.stack([np.zeros(4), np.linspace(0, 1, 4), np.zeros(4)], 1)
    points, _, _ = ribbon(path, np.tile([0.1, 0, 0], (4, 1)), 0.02)
    np.testing.assert_allclose(np.ptp(points, axis=0), [0.2, 1, 0.02], atol=1e-6)


def test_normals_of_a_sphere_point_away_from_its_center() -> None:
    points, _, triangles = rounded_box((1.0, 1.0, 1.0), 1.0)
    inner = np.abs(points[:, 1]) < 0.4
    inner &= np.abs(np.arctan2(points[:, 0], points[:, 2])) < 3
    towards = points / np.linalg.norm(points, axis=1, keepdims=True)
    assert (np.einsum("ij,ij->i", vertex_normals(points, triangles), towards)[inner] > 0.95).all()
