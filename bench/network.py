"""A network of fixed cameras beside the complete grid: images a second, and how well its places give people away.

    python bench/network.py [--identities 6] [--leak-identities 100] [--workers 2] [--out build/network]

Rates: of a grid (``--scene-per view`` and ``image``) and a network of the same people (in the same two), in turn and
twice, so that other work on the machine slows all alike; people are built before, processes start within. ``x grid`` is
the network's rate over that of the grid in the same mode. A view of the grid is seen in 49 weathers and lights, as a
frame of the network is.

Leak: the left and right eighth of each image alone, ranked by Market-1501's protocol, as ``bench/leakage.py`` does:
the network's query against its gallery; with ``own camera`` the query's own camera is not hidden.
"""

from __future__ import annotations

import argparse
import shutil
import time
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

import closerlook as cl
from closerlook.compute.processes import usable_cores
from closerlook.embedding import Features, extract
from closerlook.evaluation import rank
from closerlook.randomness import keyed_rng
from leakage import SIZE, Strips

LIGHTS = {"weather": ["sunny", "clouds"], "illumination": ["noon", "dusk"]}
CAMERAS = 6


def rate(out: Path, workers: int, **asked: Any) -> float:
    """Images a second of a run into a new folder."""
    shutil.rmtree(out, ignore_errors=True)
    start = time.perf_counter()
    made = len(cl.generate(out=out, size=SIZE, workers=workers, **asked))
    return made / (time.perf_counter() - start)


def rates(people: int, workers: int, out: Path) -> None:
    grid: dict[str, dict[str, Any]] = {
        "view": {"identities": people},
        "image": {"identities": 4 * people, "levels": {**LIGHTS, "viewpoint": range(0, 360, 30)}},
    }
    network = {mode: {**asked, "cameras": CAMERAS} for mode, asked in grid.items()}
    rate(out / "warm", workers, identities=4 * people, levels={**LIGHTS, "viewpoint": [0]})
    for mode in grid:
        found = [
            [rate(out / "rate", workers, scene_per=mode, **kind[mode]) for kind in (grid, network)] for _ in range(2)
        ]
        ours, theirs = np.mean(found, axis=0)[::-1]
        print(f"{mode:>6} {theirs:>8.0f} images/s grid {ours:>8.0f} network {ours / theirs:>6.2f} x grid", flush=True)
    shutil.rmtree(out / "rate", ignore_errors=True)


def leak(people: int, workers: int, out: Path) -> None:
    data = cl.generate(
        out=out / f"leak-{people}", identities=2 * people, levels=LIGHTS, size=SIZE, workers=workers, cameras=CAMERAS,
        splits=True,
    )  # fmt: skip
    query, gallery = (extract(Strips("lite0-pooled"), data.split(name)) for name in ("query", "gallery"))
    shown = {"network": (query, gallery)}
    noise = [keyed_rng(0, name).standard_normal(of.features.shape) for name, of in (("q", query), ("g", gallery))]
    shown["noise"] = tuple(
        Features(values.astype(np.float32), of.identities, of.cameras)
        for values, of in zip(noise, (query, gallery), strict=True)
    )
    apart = np.arange(len(query.cameras)) + CAMERAS + 1  # no camera of the gallery
    shown["own camera"] = (Features(query.features, query.identities, apart), gallery)
    print(f"{people} people, {len(query):,} queries, {len(gallery):,} images in the gallery; strips at the sides")
    for name, (asked, among) in shown.items():
        result = rank(asked, among, matching="cosine")
        print(f"{name:>11} mAP {result.mAP:.3f} rank-1 {float(result.cmc[0]):.3f}", flush=True)
    table = data.table
    few = table.select((pl.col("coverage") < 0.1).mean()).item()
    print(
        f"occlusion {table['occlusion'].mean():.3f} on average; less than a tenth of the image is person in {few:.1%}"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--identities", type=int, default=6, help="people whose rendering is timed")
    parser.add_argument("--leak-identities", type=int, default=100, help="people to find again; 0 for none")
    parser.add_argument("--workers", type=int, default=usable_cores())
    parser.add_argument("--out", type=Path, default=Path("build/network"))
    given = parser.parse_args()
    rates(given.identities, given.workers, given.out)
    if given.leak_identities:
        leak(given.leak_identities, given.workers, given.out)


if __name__ == "__main__":
    main()
