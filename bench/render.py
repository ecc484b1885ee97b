"""How fast people become images: images a second on this machine, by size and mode, and the memory of a process.

    python bench/render.py [--people 4] [--workers 2]

`generate` is the whole way, people included; `images` is one process with the people built: pose, place, surfaces,
light, JPEG, file. Both in one run, so that they can be compared; other work on the machine slows both.
"""

from __future__ import annotations

import argparse
import resource
import tempfile
import time
from pathlib import Path

from closerlook.compute.processes import usable_cores
from closerlook.synthesis import generate
from closerlook.synthesis.person import sample_person
from closerlook.synthesis.planning import VARY, planned_images, read_settings, renderable
from closerlook.synthesis.production import Task, prepare, write_images

LEVELS = {"cell": None, "view": None, "image": {"viewpoint": [0, 90, 180]}}


def images_a_second(size: tuple[int, int], vary: str, people: int, folder: Path) -> tuple[float, float]:
    """Images a second of wall clock and of processor time, one process, people built."""
    settings = read_settings(size, 0, vary, None, "cctv", None)
    table = planned_images(renderable("gpr-plus", people, LEVELS[vary]), settings, 1, None)
    columns = ("viewpoint", "weather", "illumination", "backdrop", "file_name")
    wall = busy = 0.0
    for part in table.partition_by("identity", maintain_order=True):
        identity = int(part["identity"][0])
        person = sample_person(0, identity)
        task = Task(settings, folder, identity, tuple(part.select(columns).iter_rows()))
        start = time.perf_counter(), time.process_time()
        write_images(person, task, folder)
        wall += time.perf_counter() - start[0]
        busy += time.process_time() - start[1]
    return table.height / wall, table.height / busy


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--people", type=int, default=4)
    parser.add_argument("--workers", type=int, default=usable_cores())
    options = parser.parse_args()
    prepare()
    print(f"{'size':>9} {'mode':>6} {'images/s, 1 process':>20} {'per core-second':>16} {'generate, images/s':>19}")
    for size in ((128, 64), (256, 128)):
        for vary in VARY:
            with tempfile.TemporaryDirectory() as scratch:
                images_a_second(size, vary, 1, Path(scratch))
                alone, busy = images_a_second(size, vary, options.people, Path(scratch))
                start = time.perf_counter()
                data = generate(
                    out=Path(scratch) / "data",
                    identities=options.people * options.workers,
                    levels=LEVELS[vary],
                    size=size,
                    vary=vary,
                    workers=options.workers,
                )
                whole = len(data) / (time.perf_counter() - start)
            print(f"{size[0]:>4} x {size[1]:<3}{vary:>6} {alone:>19,.0f} {busy:>16,.0f} {whole:>19,.0f}", flush=True)
    print(
        f"largest resident size of this process: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:,.0f} MiB"
    )


if __name__ == "__main__":
    main()
