"""How fast training and extraction are, beside what they could be at best: images a second, the best of several runs.

    python bench/train.py --backbone resnet50 --size 256 128
    python bench/train.py --backbone lite0 --size 128 64

* training: the same step fed from the memory-mapped cache, from batches that already lie in memory, and as torchreid
  feeds it: a DataLoader of four processes that decode, crop and mirror each image by Pillow and erase by torch (written
  here, because torchreid itself needs torchvision). Ours and the resident tensor are augmented as the recipe says.
* extraction: :func:`closerlook.embedding.extract` from JPEG files, and the model on images in memory, against the
  bare forward pass of the backbone.

The routines take turns, so that a busy machine slows all alike; still, compare on an idle one.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

import numpy as np
import polars as pl
import simplejpeg
import torch
from PIL import Image
from torch.utils.data import DataLoader

from bare import eager
from closerlook.compute.memory import keep_freed_memory
from closerlook.dataset import Dataset
from closerlook.embedding import extract
from closerlook.embedding.backbones.base import IMAGENET_MEAN
from closerlook.randomness import keyed_rng
from closerlook.reid import Model, Recipe
from closerlook.reid.augmentation import augment
from closerlook.reid.batches import Batches
from closerlook.reid.sampling import Sampler
from closerlook.reid.state import State

IDENTITIES, PER_IDENTITY = 64, 32
PEER_PROCESSES = 4  # torchreid's default
DEVICE = torch.device("cuda" if torch.cuda.is_available() else "cpu")

Rates = dict[str, float]


def noise_people(root: Path, size: tuple[int, int]) -> Dataset:
    """A data set of noise, JPEG files on disk."""
    rng = np.random.default_rng(0)
    rows = []
    for identity in range(IDENTITIES):
        for index in range(PER_IDENTITY):
            name = f"{identity}_{index}.jpg"
            coarse = rng.integers(0, 256, (size[0] // 8, size[1] // 8, 3), dtype=np.uint8)
            image = np.asarray(Image.fromarray(coarse).resize((size[1], size[0]), Image.Resampling.BILINEAR))
            (root / name).write_bytes(simplejpeg.encode_jpeg(np.ascontiguousarray(image)))
            rows.append({"file_name": name, "identity": identity})
    return Dataset.from_table(root, pl.DataFrame(rows), "noise", ())


def alternate(routines: dict[str, Callable[[int], int]], rounds: int) -> Rates:
    """Images a second of each routine, which returns how many images it has done; the first round warms up."""
    best = dict.fromkeys(routines, 0.0)
    for number in range(rounds + 1):
        for name, routine in routines.items():
            start = time.perf_counter()
            images = routine(number)
            if DEVICE.type == "cuda":
                torch.cuda.synchronize()
            if number:
                best[name] = max(best[name], images / (time.perf_counter() - start))
    return best


class PerImage(torch.utils.data.Dataset[tuple[torch.Tensor, int]]):
    """An image at a time, as torchreid prepares it: Pillow for the pixels, torch for erasing."""

    def __init__(self, data: Dataset, recipe: Recipe) -> None:
        self.paths = [str(path) for path in data.paths]
        self.labels = data.identities.tolist()
        self.recipe = recipe

    def __len__(self) -> int:
        return len(self.paths)

    def __getitem__(self, index: int) -> tuple[torch.Tensor, int]:
        rng = np.random.default_rng()
        height, width = self.recipe.size
        wider = Image.open(self.paths[index]).convert("RGB")
        wider = wider.resize((round(width * 1.125), round(height * 1.125)), Image.Resampling.BILINEAR)
        left, top = int(rng.integers(wider.width - width + 1)), int(rng.integers(wider.height - height + 1))
        image = wider.crop((left, top, left + width, top + height))
        if rng.random() < self.recipe.flip:
            image = image.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
        pixels = torch.from_numpy(np.array(image)).float()
        if rng.random() < self.recipe.random_erasing:
            tall, wide = rng.integers(1, height // 2), rng.integers(1, width // 2)
            row, column = rng.integers(0, height - tall), rng.integers(0, width - wide)
            pixels[row : row + tall, column : column + wide] = torch.tensor(IMAGENET_MEAN)
        return pixels, self.labels[index]


def per_image_batches(data: Dataset, recipe: Recipe, sampler: Sampler) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
    batches = (sampler.batch(number).tolist() for number in count())
    loader = DataLoader(PerImage(data, recipe), batch_sampler=batches, num_workers=PEER_PROCESSES)
    yield from loader


def bench_training(data: Dataset, recipe: Recipe, rounds: int) -> Rates:
    source = Batches.from_dataset(data, recipe, seed=0)
    state = State.start(recipe, IDENTITIES, 0, DEVICE)
    rows = source.sampler.batch(0)
    resident = torch.from_numpy(source.images[source.place[rows]]).to(DEVICE)
    labels = torch.from_numpy(source.labels[rows]).to(DEVICE)
    stream = source.stream(range(recipe.steps), DEVICE)
    peer = per_image_batches(data, recipe, source.sampler)

    def step(images: torch.Tensor, labels: torch.Tensor) -> int:
        with torch.autocast(DEVICE.type, torch.bfloat16, enabled=recipe.precision == "bf16"):
            loss, _ = state.module(images.to(DEVICE), labels.to(DEVICE), 0.0)
        loss.backward()
        state.optimizer.step()
        state.optimizer.zero_grad()
        return len(images)

    state.module.train()
    return alternate(
        {
            "from the cache": lambda _: step(*next(stream)),
            "resident tensor": lambda number: step(augment(resident, recipe, keyed_rng(0, "augment", number)), labels),
            "image by image": lambda _: step(*next(peer)),
        },
        rounds,
    )


def bench_extraction(data: Dataset, recipe: Recipe, rounds: int) -> Rates:
    model = Model.pretrained(recipe.backbone, recipe.size)
    images = torch.randint(0, 256, (recipe.batch_size, *recipe.size, 3), dtype=torch.uint8)
    backbone = model.network.backbone
    ready = backbone.normalize(images.to(DEVICE))
    some = data.take(range(8 * recipe.batch_size))

    def tuned(_: int) -> int:
        with torch.inference_mode():
            for _ in range(8):
                backbone(ready)
        return 8 * len(ready)

    def bare(number: int) -> int:
        with eager():
            return tuned(number)

    return alternate(
        {
            "from JPEG files": lambda _: len(extract(model, some)),
            "model in memory": lambda _: sum(len(model(images)) for _ in range(8)),
            "tuned forward": tuned,
            "bare forward": bare,
        },
        max(2, rounds // 4),
    )


def show(title: str, rates: Rates, reference: str) -> None:
    for name, rate in rates.items():
        print(f"{title:10s} {name:16s} {rate:10,.1f} images/s  {rate / rates[reference]:7.1%} of {reference}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--backbone", default="lite0")
    parser.add_argument("--size", type=int, nargs=2, default=(128, 64), metavar=("HEIGHT", "WIDTH"))
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--rounds", type=int, default=12)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    warnings.filterwarnings("ignore", "This DataLoader will create")
    keep_freed_memory()
    changes = {
        "backbone": arguments.backbone,
        "size": tuple(arguments.size),
        "precision": "bf16" if DEVICE.type == "cuda" else "32",
    }
    recipe = Recipe.resolve("strong", changes)
    with tempfile.TemporaryDirectory() as folder:
        os.environ["CLOSERLOOK_CACHE"] = str(Path(folder) / "cache")
        root = Path(folder) / "data"
        root.mkdir()
        data = noise_people(root, recipe.size)
        show("training", bench_training(data, recipe, arguments.rounds), "resident tensor")
        show("extraction", bench_extraction(data, recipe, arguments.rounds), "bare forward")


if __name__ == "__main__":
    main()
