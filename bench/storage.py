"""Files against shards: how fast each is rendered into and read from, one after the other, several times.

    python bench/storage.py [--identities 40] [--rounds 3] [--workers 2] [--folder FOLDER]

Prints the ratio of each round, files' seconds over shards', so that above 1 means that shards are faster. People are
built and kept before, in a folder of their own, so that neither has to.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from closerlook.dataset import Dataset
from closerlook.dataset.images import iter_images
from closerlook.synthesis import generate

SIZE = (128, 64)


def seconds(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def read(data: Dataset) -> None:
    for _ in iter_images(data, SIZE):
        pass


def main(identities: int, rounds: int, workers: int, home: str | None) -> None:
    with tempfile.TemporaryDirectory(dir=home) as name:
        os.environ["CLOSERLOOK_CACHE"] = str(Path(name) / "cache")
        make = {
            storage: lambda out, storage=storage: generate(
                identities=identities, out=out, size=SIZE, workers=workers, storage=storage
            )
            for storage in ("files", "shards")
        }
        make["files"](Path(name) / "before")  # builds the people
        ratios: dict[str, list[float]] = {"rendering": [], "reading": []}
        for number in range(rounds):
            spent: dict[str, dict[str, float]] = {"rendering": {}, "reading": {}}
            for storage in ("files", "shards") if number % 2 else ("shards", "files"):
                out, made = Path(name) / f"{storage}-{number}", list[Dataset]()
                spent["rendering"][storage] = seconds(lambda: made.append(make[storage](out)))  # noqa: B023
                spent["reading"][storage] = seconds(lambda: read(made[0]))  # noqa: B023
            for what, times in spent.items():
                ratios[what].append(times["files"] / times["shards"])
                rate = {storage: identities * 588 / second for storage, second in times.items()}
                print(f"{what}: files {rate['files']:,.0f} images/s, shards {rate['shards']:,.0f}", flush=True)
        for what, values in ratios.items():
            print(f"{what}: shards over files {np.median(values):.2f} ({', '.join(f'{v:.2f}' for v in values)})")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--identities", type=int, default=40)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--folder")
    given = parser.parse_args()
    main(given.identities, given.rounds, given.workers, given.folder)
