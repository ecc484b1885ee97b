"""How fast people become images, against what was asked for: rates by size and mode, memory, and other renderers.

    python bench/render.py [--identities 4] [--workers 2] [--folder .] [--device cuda:0] [--peer-python /path/to/python]

Each rate is that of processes of their own, people built: pose, place, surfaces, light, JPEG, file. ``x bound`` divides
the rate of all workers by the bound that was set for 2 cores (1 and more: met). Other work on the machine slows all of
it; ``core-s`` counts processor time and is hardly touched. Files go to ``--folder``: put it where data sets go, since
some temporary folders take 20 times longer to make a file in.

``--device`` adds a row for a GPU: its rate over the CPU's with as many processes (20 and more was asked for) and the
lowest PSNR of an image of its first person from the CPU's (45 dB and more).

``--peer-python`` names an interpreter with some of pygfx, pyrender, mitsuba and trimesh + embreex in it: each draws the
same posed person from the same side at the same size, with one light and its shadow if it has them, and writes a JPEG.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from closerlook.compute.kernels import find_device
from closerlook.compute.processes import usable_cores
from closerlook.synthesis.generation.render_person import posed_views, prepare, write_images
from closerlook.synthesis.generation.request import Options, read_request
from closerlook.synthesis.generation.sampling import image_request
from closerlook.synthesis.generation.settings import SCENE_PER
from closerlook.synthesis.generation.tasks import tasks_of
from closerlook.synthesis.humans import pose_person, sample_person, sample_pose
from closerlook.synthesis.humans.population import Population

SIZES = ((128, 64), (256, 128))
LEVELS = {"person": None, "view": None, "image": {"viewpoint": [0, 90, 180]}}
BOUNDS = {("person", 128): 3000, ("person", 256): 1000, ("image", 128): 250, ("image", 256): 80}
MEMORY_BOUND = 1024  # MiB per process
GPR_PLUS = 808 * 12 * 7 * 7
PEERS = ("pygfx", "pyrender", "mitsuba", "embree")


def work(
    height: int, width: int, scene_per: str, people: int, first: int, folder: Path, device: str
) -> dict[str, float]:
    """One process: build people, warm up on the first, time the others."""
    options: Options = {
        "identities": people + 1,
        "size": (height, width),
        "scene_per": scene_per,
        "levels": LEVELS[scene_per],
    }
    request = read_request("gpr-plus", {**options, "first_identity": first})
    tasks = tasks_of(request.settings, folder, request.table, [], device)
    built = [sample_person(0, tasks[0].identity, None, Population())]  # reads what every further one needs, too
    start = time.process_time()
    built += [sample_person(0, task.identity, None, Population()) for task in tasks[1:]]
    building = (time.process_time() - start) / people
    write_images(built[0], tasks[0], folder)
    start, busy = time.perf_counter(), time.process_time()
    for person, task in zip(built[1:], tasks[1:], strict=True):
        write_images(person, task, folder)
    images = sum(len(task.rows) for task in tasks[1:])
    wall, busy = time.perf_counter() - start, time.process_time() - busy
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {"rate": images / wall, "busy": images / busy, "memory": memory, "building": building}


def measure(
    size: tuple[int, int], scene_per: str, people: int, workers: int, folder: str, device: str = "cpu"
) -> list[dict[str, float]]:
    """``workers`` processes at once."""
    with tempfile.TemporaryDirectory(dir=folder) as scratch:
        running = []
        for i in range(workers):
            command = [
                sys.executable,
                __file__,
                "--work",
                *map(str, size),
                scene_per,
                str(people),
                str(1 + i * 100),
                scratch,
                device,
            ]
            running.append(subprocess.Popen(command, stdout=subprocess.PIPE, text=True))
        return [json.loads(process.communicate()[0].splitlines()[-1]) for process in running]


def agreement(size: tuple[int, int], scene_per: str, device: str) -> float:
    """The lowest PSNR in dB of an image of the first person that a device draws from the CPU's, before JPEG."""
    options: Options = {"identities": 1, "size": size, "scene_per": scene_per, "levels": LEVELS[scene_per]}
    request = read_request("gpr-plus", options)
    person = sample_person(0, 1, None, Population())
    drawn = []
    for each in ("cpu", device):
        (task,) = tasks_of(request.settings, Path(), request.table, [], each)
        images = []
        for renderer, posed, batch in posed_views(person, task):
            images += renderer.render(
                posed,
                [replace(one.request, images=tuple(image_request(task, row, {}) for row in one.rows)) for one in batch],
            )
        drawn.append(np.concatenate(images).astype(np.float64))
    errors = ((drawn[0] - drawn[1]) ** 2).mean((1, 2, 3))
    return float(10 * np.log10(255**2 / max(errors.max(), 1e-9)))


def scene(size: tuple[int, int], path: Path) -> None:
    """One posed person for the peers: triangles, a color a vertex, camera."""
    from closerlook.randomness import keyed_rng
    from closerlook.synthesis.scenes.camera import Camera
    from closerlook.synthesis.scenes.frames import frame

    person = sample_person(0, 1, None, Population())
    posed = pose_person(person, sample_pose(keyed_rng(0, "pose", 1)))
    color = np.zeros((len(person.positions), 3), np.float32)
    for i, material in enumerate(person.materials):
        used = np.unique(person.triangles[person.materials_of == i])
        side = len(material.texture)
        u, v = (person.uv[used] % 1.0 * side).astype(int).clip(0, side - 1).T
        color[used] = material.texture[v, u, :3] / 255.0
    camera = frame(Camera(60.0), posed.positions, size)
    np.savez(
        path,
        positions=posed.positions,
        normals=posed.normals,
        triangles=person.triangles,
        color=color,
        eye=camera.eye,
        forward=camera.forward,
        up=camera.up,
        half=camera.window[3],
        size=size,
    )


def peers(python: str, size: tuple[int, int], folder: str) -> None:
    """Rates of other renderers on the same person, or why there is none."""
    with tempfile.TemporaryDirectory(dir=folder) as scratch:
        path = Path(scratch) / "scene.npz"
        scene(size, path)
        for name in PEERS:
            program = [python, str(Path(__file__).with_name("render_peers.py")), name, str(path)]
            done = subprocess.run(program, capture_output=True, text=True, timeout=600)
            said = (done.stdout if done.returncode == 0 else done.stderr).strip().splitlines() or ["no output"]
            if done.returncode == 0:
                print(
                    f"{size[0]:>4} x {size[1]:<4} {name:>9} {float(said[-1]):>10,.1f} images/s, 1 process", flush=True
                )
            else:
                print(f"{size[0]:>4} x {size[1]:<4} {name:>9}  cannot run here: {said[-1][:90]}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--identities", type=int, default=4, help="people per process, after one to warm up")
    parser.add_argument("--workers", type=int, default=usable_cores())
    parser.add_argument("--folder", default=".", help="where the images are written")
    parser.add_argument("--device", help="a GPU to compare with the CPU, such as cuda:0")
    parser.add_argument("--peer-python", help="an interpreter that has other renderers")
    parser.add_argument("--work", nargs=7, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.work:
        height, width, scene_per, people, first, folder, device = options.work
        print(json.dumps(work(int(height), int(width), scene_per, int(people), int(first), Path(folder), device)))
        return
    prepare()
    if options.device:
        prepare(find_device(options.device))
    print(
        f"{'size':>10} {'mode':>6} {'1 process':>10} {'core-s':>8} {f'{options.workers} processes':>12} {'bound':>7}"
        f" {'x bound':>8} {'MiB each':>9} {'x bound':>8}  GPR+"
    )
    for size in SIZES:
        for scene_per in SCENE_PER:
            (alone,) = measure(size, scene_per, options.identities, 1, options.folder)
            together = measure(size, scene_per, options.identities, options.workers, options.folder)
            row(size, scene_per, alone, together)
            if options.device:
                there = measure(size, scene_per, options.identities, options.workers, options.folder, options.device)
                rate, ours = (sum(one["rate"] for one in each) for each in (there, together))
                decibels = agreement(size, scene_per, options.device)
                print(
                    f"{size[0]:>4} x {size[1]:<4}{scene_per:>6} {options.device:>10} {rate:>21,.0f} images/s, "
                    f"{rate / ours:.1f} x CPU (asked for: 20), PSNR at least {decibels:.1f} dB (45)",
                    flush=True,
                )
        if options.peer_python:
            peers(options.peer_python, size, options.folder)


def row(size: tuple[int, int], scene_per: str, alone: dict[str, float], together: list[dict[str, Any]]) -> None:
    rate, memory = sum(one["rate"] for one in together), max(one["memory"] for one in together)
    bound = BOUNDS.get((scene_per, size[0]))
    minutes = (GPR_PLUS / rate + 808 * alone["building"] / len(together)) / 60
    print(
        f"{size[0]:>4} x {size[1]:<4}{scene_per:>6} {alone['rate']:>10,.0f} {alone['busy']:>8,.0f} {rate:>12,.0f}"
        f" {f'{bound:,}' if bound else '-':>7} {f'{rate / bound:.2f}' if bound else '-':>8}"
        f" {memory:>9,.0f} {MEMORY_BOUND / memory:>8.2f}  {minutes:.1f} min with people built",
        flush=True,
    )


if __name__ == "__main__":
    main()
