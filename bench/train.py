"""How fast training and extraction are, beside the bare network: images a second, the best of several runs.

    python bench/train.py --backbone lite0 --size 128 64 --threads 2

* loader: the same training step fed from the memory-mapped cache with sampling, against batches that already lie in
  memory; augmentation is in both.
* extraction: :func:`closerlook.embedding.extract`'s model call, against the bare forward pass.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import polars as pl
import simplejpeg
import torch

from closerlook.compute.memory import keep_freed_memory
from closerlook.dataset import Dataset
from closerlook.randomness import keyed_rng
from closerlook.reid import Model, Recipe
from closerlook.reid.augmentation import augment
from closerlook.reid.batches import Batches
from closerlook.reid.state import State

IDENTITIES, PER_IDENTITY = 64, 32


def noise_people(root: Path, size: tuple[int, int]) -> Dataset:
    """A data set of noise, JPEG files on disk."""
    rng = np.random.default_rng(0)
    rows = []
    for identity in range(IDENTITIES):
        for index in range(PER_IDENTITY):
            name = f"{identity}_{index}.jpg"
            (root / name).write_bytes(simplejpeg.encode_jpeg(rng.integers(0, 256, (*size, 3), dtype=np.uint8)))
            rows.append({"file_name": name, "identity": identity})
    return Dataset.from_table(root, pl.DataFrame(rows), "noise", ())


def alternate(routines: dict[str, Callable[[int], object]], images: int, rounds: int) -> dict[str, float]:
    """Images a second of each routine; they take turns, so that a busy machine slows all alike."""
    best = dict.fromkeys(routines, float("inf"))
    for number in range(rounds):
        for name, routine in routines.items():
            start = time.perf_counter()
            routine(number)
            best[name] = min(best[name], time.perf_counter() - start)
    return {name: images / seconds for name, seconds in best.items()}


def bench_loader(data: Dataset, recipe: Recipe, rounds: int) -> dict[str, float]:
    source = Batches.of(data, recipe, seed=0)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    state = State.start(recipe, IDENTITIES, 0, device)
    rows = source.sampler.batch(0)
    resident = (
        torch.from_numpy(source.images[source.place[rows]]).to(device),
        torch.from_numpy(source.labels[rows]).to(device),
    )
    stream = source.stream(range(recipe.steps), device)

    def step(images: torch.Tensor, labels: torch.Tensor) -> None:
        state.module(images, labels)[0].backward()
        state.optimiser.step()
        state.optimiser.zero_grad()
        if device.type == "cuda":
            torch.cuda.synchronize()

    def augmented(number: int) -> torch.Tensor:
        return augment(resident[0], recipe, keyed_rng(0, "augment", number))

    state.module.train()
    routines = {
        "from the cache": lambda _: step(*next(stream)),
        "resident tensor": lambda number: step(augmented(number), resident[1]),
    }
    return alternate(routines, recipe.batch_size, rounds)


def bench_extraction(recipe: Recipe, rounds: int) -> dict[str, float]:
    model = Model.pretrained(recipe.backbone, recipe.size)
    images = torch.randint(0, 256, (recipe.batch_size, *recipe.size, 3), dtype=torch.uint8)
    backbone = model.network.backbone
    ready = backbone.normalize(images)

    def bare(_: int) -> None:
        with torch.inference_mode():
            backbone(ready)

    return alternate({"model": lambda _: model(images), "bare forward": bare}, recipe.batch_size, rounds)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--backbone", default="lite0")
    parser.add_argument("--size", type=int, nargs=2, default=(128, 64), metavar=("HEIGHT", "WIDTH"))
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--rounds", type=int, default=12)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    keep_freed_memory()
    recipe = Recipe.resolve("strong", {"backbone": arguments.backbone, "size": tuple(arguments.size)})
    with tempfile.TemporaryDirectory() as folder:
        rates = {
            "training": bench_loader(noise_people(Path(folder), recipe.size), recipe, arguments.rounds),
            "extraction": bench_extraction(recipe, arguments.rounds),
        }
    for name, measured in rates.items():
        (ours, speed), (theirs, reference) = measured.items()
        share = speed / reference
        print(f"{name}: {ours} {speed:,.1f} images/s, {theirs} {reference:,.1f}: {share:.1%}")


if __name__ == "__main__":
    main()
