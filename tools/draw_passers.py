"""Draws the people who pass by in the background: src/closerlook/synthesis/scene/passers.png.

    python tools/draw_passers.py

Twelve rendered people side by side, each 256 x 120, shaded as under an even sky, on a transparent ground. They are
drawn once and kept with the sources, because building people takes seconds that a first rendering should not wait for.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

from closerlook.randomness import keyed_rng
from closerlook.synthesis import scenes
from closerlook.synthesis.humans import pose_batch, sample_person, sample_pose
from closerlook.synthesis.rendering.renderer import Renderer, View, ViewRequest
from closerlook.synthesis.scenes.backdrop import BACKDROPS, place
from closerlook.synthesis.scenes.camera import Camera, Crop
from closerlook.synthesis.scenes.sensor import Sensor

COUNT, SIZE = 12, (256, 120)
SEED = 20211


def main() -> None:
    renderer, yard = Renderer(SIZE), place(BACKDROPS["yard"], keyed_rng(0, "passers"))
    sheet = np.zeros((SIZE[0], COUNT * SIZE[1], 4), np.uint8)
    for number in range(COUNT):
        person = sample_person(SEED, number + 1)
        renderer.set_person(person)
        posed = pose_batch(person, [sample_pose(keyed_rng(SEED, "pose", number))])
        camera = Camera(viewpoint=[90, 60, 180, 270, 240, 0][number % 6], distance=14.0, height=2.2, crop=Crop(1.01))
        renderer.rasterize(posed, [ViewRequest(View(camera, yard, Sensor()))])
        gbuffer = renderer.gbuffer()
        color = gbuffer.color[0]
        light = (0.55 + 0.45 * gbuffer.facing[0, ..., 1:2]) * gbuffer.open_sky[0][..., None]
        code = np.clip(color[..., :3] * light, 0, 1) ** (1 / 2.2)
        cell = np.concatenate([code, color[..., 3:]], axis=-1) * 255
        sheet[:, number * SIZE[1] : (number + 1) * SIZE[1]] = np.where(color[..., 3:] > 0, cell, 0)
    path = Path(scenes.__file__).parent / "passers.png"
    Image.fromarray(sheet).quantize(256, method=Image.Quantize.FASTOCTREE).save(path, optimize=True)
    print(path, f"{path.stat().st_size / 1024:.0f} KiB")


if __name__ == "__main__":
    main()
