"""The device that images are made on, asked for by name; that of CUDA is played by its path on the CPU."""

import importlib
from typing import Any, ClassVar

import pytest
import simplejpeg
import yaml

from closerlook.errors import CloserlookError
from closerlook.synthesis import generate
from closerlook.synthesis.generation import render_person
from closerlook.synthesis.rendering.renderer import Renderer

ASKED: dict[str, Any] = {
    "identities": 1,
    "levels": {"viewpoint": [0], "weather": ["blizzard"], "illumination": ["noon", "night"]},
    "size": (64, 32),
    "workers": 1,
}


class Pretended(Renderer):
    devices: ClassVar[list[str]] = []
    _on_cpu = property(lambda self: False, lambda self, value: None)

    def __init__(self, size, device):
        self.devices.append(device)
        super().__init__(size)


@pytest.fixture
def pretended(monkeypatch):
    module = importlib.import_module("closerlook.synthesis.generation.generate")
    monkeypatch.setattr(module, "find_device", lambda name: name)
    monkeypatch.setattr(module, "prepare", lambda device: None)
    monkeypatch.setattr(render_person, "Renderer", Pretended)
    monkeypatch.setattr(Pretended, "devices", [])
    render_person._renderer.cache_clear()
    yield Pretended.devices
    render_person._renderer.cache_clear()


def test_a_data_set_is_rendered_on_the_device_asked_for(tmp_path, pretended):
    here = generate(out=tmp_path / "here", device="cpu", **ASKED)
    there = generate(out=tmp_path / "there", device="cuda:1", **ASKED)
    assert pretended == ["cpu", "cuda:1"]
    assert yaml.safe_load((there.root / "render.yaml").read_text())["device"] == "cuda"
    for one, other in zip(here.paths, there.paths, strict=True):
        assert simplejpeg.decode_jpeg(other.read_bytes()).shape == (64, 32, 3)
        assert one.read_bytes() == other.read_bytes()


def test_a_folder_never_mixes_images_of_two_devices(tmp_path, pretended):
    begun = generate(out=tmp_path / "begun", device="cuda:0", **ASKED).root
    (begun / "metadata.parquet").unlink()
    with pytest.raises(CloserlookError, match=r"device \(cuda there, cpu now\)"):
        generate(out=begun, device="cpu", **ASKED)
