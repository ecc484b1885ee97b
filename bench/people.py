"""How long people take: first preparation, loading, building a person, posing one; and how heavy they are.

Run with ``python bench/people.py [people]`` on an otherwise idle machine.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from closerlook.randomness import keyed_rng
from closerlook.synthesis.person import pose_person, sample_person, sample_pose
from closerlook.synthesis.person.assets import body_data, prepare


def seconds(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def spread(values: list[float], scale: float, unit: str) -> str:
    low, middle, high = np.percentile(np.array(values) * scale, (5, 50, 95))
    return f"{middle:.1f} {unit} (5 to 95 %: {low:.1f} to {high:.1f})"


def main(count: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        print(f"preparation      {seconds(lambda: prepare(Path(folder) / 'body.safetensors')):.1f} s, once")
    body_data()
    body_data.cache_clear()
    print(f"loading          {seconds(body_data):.2f} s a process")
    print(f"first person     {seconds(lambda: sample_person(0, 0)):.2f} s a process")
    building, posing, triangles, memory = [], [], [], []
    for identity in range(1, count + 1):
        start = time.perf_counter()
        person = sample_person(0, identity)
        building.append(time.perf_counter() - start)
        pose = sample_pose(keyed_rng(0, "bench", identity))
        posing.append(seconds(lambda person=person, pose=pose: pose_person(person, pose)))
        triangles.append(len(person.triangles))
        memory.append(sum(material.texture.nbytes for material in person.materials))
    print(f"building         {spread(building, 1000, 'ms')} a person")
    print(f"posing           {spread(posing, 1000, 'ms')} a pose")
    print(f"triangles        {spread([float(n) for n in triangles], 0.001, 'thousand')}")
    print(f"textures         {spread([float(n) for n in memory], 1e-6, 'MB')}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 200)
