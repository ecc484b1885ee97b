"""How long people take: preparation, loading, building a person, reading one kept, posing; and how heavy they are.

    python bench/people.py [--identities 200] [--wardrobe FOLDER]

One core, times of the wall clock: run it on an otherwise idle machine.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from closerlook.randomness import keyed_rng
from closerlook.synthesis.humans import Person, load_person, pose_person, sample_person, sample_pose
from closerlook.synthesis.humans.body.assets import body_data, prepare
from closerlook.synthesis.humans.mesh.packing import pack

POSES = 5  # of each person


def seconds(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def spread(values: list[float], scale: float, unit: str) -> str:
    low, middle, high = np.percentile(np.array(values) * scale, (5, 50, 95))
    return f"{middle:.1f} {unit} (5 to 95 %: {low:.1f} to {high:.1f})"


def against(values: Sequence[float], most: float, unit: str) -> str:
    """How many keep what is asked of them."""
    return f"; under {most:g} {unit}: {100 * np.mean(np.array(values) < most):.1f} %"


def pose(person: Person, number: int) -> None:
    pose_person(person, sample_pose(keyed_rng(0, "bench", person.identity, number)))


def main(count: int, wardrobe: str | None) -> None:
    with tempfile.TemporaryDirectory() as folder:
        print(f"preparation      {seconds(lambda: prepare(Path(folder) / 'body.safetensors')):.1f} s, once")
        os.environ["CLOSERLOOK_CACHE"] = folder
        body_data()
        body_data.cache_clear()
        print(f"loading          {seconds(body_data):.2f} s a process")
        print(f"first person     {seconds(lambda: sample_person(0, 0, wardrobe)):.2f} s a process")
        measure(count, wardrobe)


def measure(count: int, wardrobe: str | None) -> None:
    building, reading, posing, triangles, memory, files = [], [], [], [], [], []
    pose(sample_person(0, 0, wardrobe), 0)
    for identity in range(1, count + 1):
        building.append(seconds(lambda identity=identity: load_person(0, identity, wardrobe)))
        reading.append(seconds(lambda identity=identity: load_person(0, identity, wardrobe)))
        person = load_person(0, identity, wardrobe)
        pose(person, 0)
        posing += [seconds(lambda person=person, number=number: pose(person, number)) for number in range(1, POSES)]
        triangles.append(len(person.triangles))
        memory.append(sum(material.texture.nbytes for material in person.materials))
        files.append(len(pack(person)))
    print(f"building         {spread(building, 1000, 'ms')} a person, kept on disk{against(building, 0.25, 's')}")
    print(f"reading          {spread(reading, 1000, 'ms')} a person kept")
    weight = [n / 1000 for n in files]
    print(f"file             {spread(weight, 1, 'kB')}{against(weight, 1000, 'kB')}; largest {max(weight):.0f} kB")
    print(f"posing           {spread(posing, 1000, 'ms')} a pose{against(posing, 0.01, 's')}")
    print(f"triangles        {spread([float(n) for n in triangles], 0.001, 'thousand')}")
    print(f"textures         {spread([float(n) for n in memory], 1e-6, 'MB')}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--identities", type=int, default=200)
    parser.add_argument("--wardrobe", help="a MakeHuman folder")
    arguments = parser.parse_args()
    main(arguments.identities, arguments.wardrobe)
