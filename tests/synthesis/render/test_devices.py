"""One source of kernels for CPU and CUDA: tiles of many pixels or of one, and the device itself."""

import numpy as np
import pytest
import warp as wp

from closerlook.attributes import ILLUMINATIONS, WEATHERS
from closerlook.synthesis.render import renderer as renderer_module
from closerlook.synthesis.render.renderer import Renderer, Shot, View
from closerlook.synthesis.scene.camera import Camera, Crop
from closerlook.synthesis.scene.sensor import Sensor

from .conftest import place_of

SIZE = (45, 21)  # no multiple of a tile's side
SKIES = (*WEATHERS, "rain")


def images(block, device="cpu"):
    person, posed = block
    renderer = Renderer(SIZE, device)
    renderer.wear(person)
    renderer.pose(posed)
    view = View(Camera(70, 6, 3, crop=Crop(1.4)), place_of([(4, -10, 10, "brick_wall")], north=33.0), Sensor(noise=1.0))
    return renderer.render(view, [Shot.named(sky, time, key=7) for sky in SKIES for time in ILLUMINATIONS])


def psnr(a, b):
    return 10 * np.log10(255**2 / max(((a.astype(float) - b.astype(float)) ** 2).mean(), 1e-12))


@pytest.mark.parametrize("side", [1, 4])
def test_images_do_not_depend_on_the_size_of_a_tile(side, block, monkeypatch):
    """Tiles of one pixel are what CUDA has."""
    wanted = images(block)
    monkeypatch.setattr(renderer_module, "TILE_SIDE", side)
    monkeypatch.setattr(renderer_module, "BAND", 256)
    found = images(block)
    assert np.abs(found.astype(int) - wanted).max() <= 1 and psnr(found, wanted) >= 60


@pytest.mark.skipif(not wp.is_cuda_available(), reason="needs a CUDA device")
def test_cuda_draws_what_the_cpu_draws(block):
    assert psnr(images(block, "cuda:0"), images(block)) >= 45
