import numpy as np
from hypothesis import given, settings, strategies as st

from closerlook.synthesis.rendering.surfaces.panels import ground_albedos, panel_rows
from closerlook.synthesis.rendering.surfaces.textures import library
from closerlook.synthesis.scenes.backdrop import BACKDROPS, place, visible_panels
from closerlook.synthesis.scenes.camera import sample_camera
from closerlook.synthesis.scenes.frames import frames

BODY = np.array([[x, y, z] for x in (-0.25, 0.25) for y in (0.0, 1.7) for z in (-0.15, 0.15)], np.float32)
KINDS = list(BACKDROPS.values())


def views_of(seeds):
    cameras = [sample_camera(np.random.default_rng(seed), 30.0 * (seed % 12)) for seed in seeds]
    places = [place(KINDS[seed % len(KINDS)], np.random.default_rng(seed)) for seed in seeds]
    return places, frames(cameras, BODY[None], np.zeros(len(seeds), np.int64), (128, 64))


@settings(max_examples=20, deadline=None)
@given(st.lists(st.integers(0, 1000), min_size=1, max_size=7))
def test_a_panel_has_the_same_row_alone_and_among_others(seeds):
    places, views = views_of(seeds)
    visible = visible_panels(places, views)
    rows = panel_rows(visible, views)
    for k, seed in enumerate(seeds):
        alone, view = views_of([seed])
        assert (
            panel_rows(visible_panels(alone, view), view).tobytes()
            == rows[visible.ends[k] : visible.ends[k + 1]].tobytes()
        )


def test_rows_say_where_a_point_lies_on_its_panel():
    places, views = views_of(range(16))
    visible = visible_panels(places, views)
    panels, rows = visible.panels, panel_rows(visible, views)
    point = panels.corner + 0.3 * panels.along + 0.8 * panels.upward - rows["corner"]
    assert np.allclose((point * rows["along"]).sum(1), 0.3, atol=1e-4)
    assert np.allclose((point * rows["upward"]).sum(1), 0.8, atol=1e-4)
    assert np.allclose((point * rows["normal"]).sum(1), 0.0, atol=1e-4)
    start = library().start
    assert rows["start"].tolist() == [start[texture] for texture in panels.texture]


def test_the_ground_is_as_bright_as_its_texture():
    places, _ = views_of(range(4))
    shared = library()
    for where, albedo in zip(places, ground_albedos(places), strict=True):
        start = shared.start[where.panels.texture[0]]
        texels = shared.texels[start : start + 256 * 256, :3]
        mean = (texels.mean(0) / 255.0) ** 2.2 * where.panels.tint[0]
        assert np.allclose(albedo, mean, rtol=0.05)
