import numpy as np
import pytest
from PIL import Image

from closerlook.errors import CloserlookError, UsageError
from closerlook.randomness import keyed_rng
from closerlook.synthesis.scenes.backdrop import backdrops, place
from closerlook.synthesis.scenes.camera import Camera, Crop, sample_camera
from closerlook.synthesis.scenes.frames import frame
from closerlook.synthesis.scenes.pictures import Picture, read_picture
from closerlook.synthesis.scenes.sensor import Sensor

BODY = np.array([[x, y, z] for x in (-0.25, 0.25) for y in (0.0, 1.7) for z in (-0.15, 0.15)], np.float32)
HEIGHT, PITCH, FOCAL = 3.4, 20.0, 26.0
TALL, WIDE = 360, 640


def rings():
    """An empty frame whose ground is brighter the further it is from the camera: 0 to 200 over 20 m; the sky is 255."""
    unit = FOCAL / 36 * WIDE
    x, y = (np.arange(WIDE) + 0.5 - WIDE / 2) / unit, (TALL / 2 - np.arange(TALL) - 0.5) / unit
    pitch = np.radians(PITCH)
    ahead, up = np.cos(pitch) + y * np.sin(pitch), y * np.cos(pitch) - np.sin(pitch)
    meters = np.hypot(ahead[:, None], x[None]) * (HEIGHT / np.maximum(-up, 1e-6))[:, None]
    codes = np.where((up < 0)[:, None], np.clip(meters * 10, 0, 200), 255)
    return np.repeat(codes[..., None], 3, axis=2).astype(np.uint8)


@pytest.fixture
def folder(tmp_path):
    Image.fromarray(rings()).save(tmp_path / "empty.png")
    (tmp_path / "camera.yaml").write_text(f"height: {HEIGHT}\npitch: {PITCH}\nfocal: {FOCAL}\n")
    return tmp_path


@pytest.mark.parametrize("seed", range(8))
def test_the_ground_of_the_picture_is_the_ground_of_the_scene(folder, seed):
    picture = read_picture(folder / "empty.png")
    rng = keyed_rng(seed, "picture")
    camera, sensor = picture.fit(sample_camera(rng, 30.0 * seed), Sensor(), (128, 64), rng)
    view = frame(camera, BODY, (128, 64))
    seen = (picture.behind(view, (128, 64)) / picture.albedo) ** (1 / 2.2) * 255
    ground = np.array([[x, 0.0, z] for x in np.arange(-0.6, 0.7, 0.3) for z in np.arange(-0.6, 0.7, 0.3)], np.float32)
    x, y = view.project(ground, (128, 64)).T
    inside = (x > 2) & (x < 62) & (y > 2) & (y < 126)
    assert inside.sum() > 5
    meters = np.hypot(ground[:, 0] - view.eye[0], ground[:, 2] - view.eye[2])
    found = seen[y[inside].astype(int), x[inside].astype(int), 0]
    assert found == pytest.approx(np.clip(meters[inside] * 10, 0, 200), abs=5)
    assert 0.2 <= sensor.scale <= 1.0


def test_far_people_have_few_pixels(folder):
    picture = read_picture(folder / "empty.png")
    scales = [
        picture.fit(Camera(90, distance, crop=Crop()), Sensor(), (256, 128), keyed_rng(0, "x"))[1].scale
        for distance in (4.0, 8.0, 16.0)
    ]
    assert scales[0] > scales[1] > scales[2]


def test_a_folder_is_a_name_of_backdrops(folder):
    Image.fromarray(rings()).save(folder / "other.jpg")
    both = backdrops([str(folder)])
    assert [one.number for one in both] == [101, 102]
    one = backdrops([both[1].name])
    assert one == (both[1],)
    assert isinstance(place(one[0], keyed_rng(0, "place")).picture, Picture)


def test_what_cannot_be_read_is_said(folder):
    with pytest.raises(UsageError, match="backdrop"):
        backdrops(["nowhere/at/all"])
    (folder / "camera.yaml").write_text("pitch: steep\n")
    read_picture.cache_clear()
    with pytest.raises(CloserlookError, match="pitch must be a number from -10 to 80"):
        read_picture(folder / "empty.png")
    (folder / "camera.yaml").write_text("tilt: 3\n")
    with pytest.raises(UsageError, match="tilt"):
        read_picture(folder / "empty.png")
    (folder / "broken.png").write_bytes(b"no picture")
    with pytest.raises(CloserlookError, match="cannot be decoded"):
        read_picture(folder / "broken.png")
    empty = folder / "empty"
    empty.mkdir()
    with pytest.raises(UsageError, match="holds no pictures"):
        backdrops([str(empty)])
