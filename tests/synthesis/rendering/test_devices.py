"""One source of kernels for CPU and CUDA: what can be known about CUDA without a device, and the device itself."""

import platform
import struct
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import warp as wp

from closerlook.attributes import ILLUMINATIONS, WEATHERS
from closerlook.synthesis import rendering
from closerlook.synthesis.rendering import renderer as renderer_module
from closerlook.synthesis.rendering.renderer import ImageRequest, Renderer, View
from closerlook.synthesis.scenes.camera import Camera, Crop
from closerlook.synthesis.scenes.sensor import Sensor

from .conftest import place_of

pytestmark = pytest.mark.slow


SIZE = (45, 21)  # no multiple of a tile's side
SKIES = (*WEATHERS, "rain")
BLURRED = Sensor(noise=1.0, scale=0.8, focus=1.5, color_blur=1.0, motion=3.0, video=30)
STILL = replace(BLURRED, video=0)
OLDEST = 75  # compute capability that CUDA 13 still compiles for


class AsOnCuda(Renderer):
    """Takes the path of CUDA, on the CPU: arrays are copied to the device, tiles are one pixel."""

    _on_cpu = property(lambda self: False, lambda self, value: None)


def images(renderer, block, sensor=BLURRED):
    person, posed = block
    renderer.set_person(person)
    view = View(Camera(70, 6, 3, crop=Crop(1.4)), place_of([(4, -10, 10, "brick_wall")], north=33.0), sensor)
    return renderer.render_view(
        posed, view, [ImageRequest.from_names(sky, time, key=7) for sky in SKIES for time in ILLUMINATIONS]
    )


def psnr(a, b):
    return 10 * np.log10(255**2 / max(((a.astype(float) - b.astype(float)) ** 2).mean(), 1e-12))


def test_images_do_not_depend_on_the_size_of_a_tile(block, monkeypatch):
    wanted = images(Renderer(SIZE), block)
    monkeypatch.setattr(renderer_module, "TILE_SIDE", 4)
    found = images(Renderer(SIZE), block)
    assert np.abs(found.astype(int) - wanted).max() <= 1 and psnr(found, wanted) >= 60


def test_the_path_of_cuda_draws_the_same_images(block):
    wanted, found = images(Renderer(SIZE), block), images(AsOnCuda(SIZE), block)
    assert np.abs(found.astype(int) - wanted).max() <= 1 and psnr(found, wanted) >= 60


@pytest.mark.extended
@pytest.mark.skipif(platform.system() == "Darwin", reason="Warp for macOS comes without a compiler for CUDA")
def test_kernels_compile_for_cuda_without_a_device(block, tmp_path):
    """By the NVRTC in Warp's wheel to machine code; none keeps its numbers in memory, as wide lanes would."""
    renderer = AsOnCuda(SIZE)
    wanted = images(renderer, block)
    modules = {kernel.module for kernel in renderer._launch._commands}
    root = Path(rendering.__file__).parent
    for path in root.rglob("*.py"):  # what this view did not need
        module = wp.get_module(".".join([rendering.__name__, *path.relative_to(root).with_suffix("").parts]))
        if any(not kernel.is_generic for kernel in module.kernels.values()):
            modules.add(module)
    for module in modules:
        code = wp.compile_aot_module(module, arch=OLDEST, use_ptx=False, module_dir=tmp_path / module.name)
        frames = stack_frames(code[0].read_bytes())
        kernels = {name: size for name, size in frames.items() if name.endswith("_cuda_kernel_forward")}
        assert kernels and not any(kernels.values()), kernels
    assert (images(renderer, block) == wanted).all()  # compiling has not disturbed what is loaded


def stack_frames(cubin):
    """Bytes of stack of each function in a CUDA binary (ELF): EIATTR_FRAME_SIZE of its ``.nv.info``."""
    at, (entry, count, names_at) = struct.unpack_from("<Q", cubin, 40)[0], struct.unpack_from("<HHH", cubin, 58)
    headers = [struct.unpack_from("<IIQQQQ", cubin, at + i * entry) for i in range(count)]

    def text(table, offset):
        start = headers[table][4] + offset
        return cubin[start : cubin.index(b"\0", start)].decode()

    number = {text(names_at, header[0]): i for i, header in enumerate(headers)}
    symbols, strings, info = (number[name] for name in (".symtab", ".strtab", ".nv.info"))
    found, place = {}, headers[info][4]
    while place < headers[info][4] + headers[info][5]:
        form, attribute, size = struct.unpack_from("<BBH", cubin, place)
        if (form, attribute) == (4, 0x11):
            symbol, bytes_of_stack = struct.unpack_from("<II", cubin, place + 4)
            found[text(strings, struct.unpack_from("<I", cubin, headers[symbols][4] + 24 * symbol)[0])] = bytes_of_stack
        place += 4 + (size if form == 4 else 0)
    return found


OTHER_ROUNDING = """
import sys, warp as wp, numpy as np
wp.config.kernel_cache_dir, wp.config.cpu_compiler_flags = sys.argv[2], "-march=native -ffast-math -ffp-contract=fast"
sys.path.insert(0, sys.argv[3])
from synthesis.rendering.conftest import block
from synthesis.rendering.test_devices import SIZE, STILL, AsOnCuda, images
made = AsOnCuda(SIZE)
np.savez(sys.argv[1], images=images(made, block.__wrapped__(), STILL), where=made.gbuffer().where)
"""


@pytest.mark.extended
def test_images_hold_when_arithmetic_is_rounded_as_on_cuda(block, tmp_path):
    """Fused multiply-adds and another order of sums, as CUDA has them, change less than what is allowed to CUDA."""
    out = tmp_path / "made.npz"
    command = [sys.executable, "-c", OTHER_ROUNDING, str(out), str(tmp_path), str(Path(__file__).parents[2])]
    subprocess.run(command, check=True, capture_output=True)
    found, made = np.load(out), AsOnCuda(SIZE)
    wanted = images(made, block, STILL)
    assert (found["where"] != made.gbuffer().where).any()  # it was another arithmetic
    assert min(psnr(*pair) for pair in zip(found["images"], wanted, strict=True)) >= 60


@pytest.mark.skipif(not wp.is_cuda_available(), reason="needs a CUDA device")
def test_cuda_draws_what_the_cpu_draws(block):
    pairs = zip(images(Renderer(SIZE, "cuda:0"), block), images(Renderer(SIZE), block), strict=True)
    assert min(psnr(*pair) for pair in pairs) >= 45
