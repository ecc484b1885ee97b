"""Training: a data set and a recipe in, a run folder and a model out.

The loop is explicit; lightning's Fabric places it on a device and sets its precision. A run folder holds
``model.safetensors``, its card, ``recipe.yaml``, ``run.json`` and ``log.csv``; while training goes on, there is
``checkpoint.safetensors``, from which the same call goes on after any interruption, with the weights that it would have
had without.
"""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from lightning_fabric import Fabric
from numpy.typing import NDArray

from closerlook.compute.memory import keep_freed_memory
from closerlook.compute.progress import console, progress
from closerlook.dataset import Dataset
from closerlook.dataset.images import image_array
from closerlook.errors import CloserlookError, unknown
from closerlook.files import write_json
from closerlook.randomness import keyed_rng
from closerlook.reid.augmentation import augment
from closerlook.reid.cost import describe
from closerlook.reid.folder import RunFolder
from closerlook.reid.log import Log
from closerlook.reid.model import Model
from closerlook.reid.recipe import Recipe
from closerlook.reid.sampling import PKSampler, RandomSampler, Sampler
from closerlook.reid.schedule import rate_factor
from closerlook.reid.state import State

__all__ = ["train"]

CHECKPOINT_SECONDS = 60.0
PRECISIONS: Mapping[str, Literal["32-true", "bf16-mixed", "16-mixed"]] = {
    "32": "32-true",
    "bf16": "bf16-mixed",
    "fp16": "16-mixed",
}


def train(
    data: Dataset,
    *,
    recipe: str | Path | Recipe = "baseline",
    out: str | Path,
    seed: int = 0,
    overrides: Mapping[str, Any] | None = None,
) -> Model:
    """Train a re-identification model on every image of ``data``.

    A folder that holds this very run (data, recipe, seed) is gone on with if it is unfinished, and read if it is
    finished. On a CPU with the same number of threads the same arguments give the same weights.

    Args:
        data: images with identities.
        recipe: a recipe's name, YAML file or value.
        out: the run's folder.
        seed: decides the classifier's start, the batches and the augmentation.
        overrides: recipe fields to change.

    Raises:
        UsageError: a recipe or a field that does not exist, or a value that it cannot take.
        CloserlookError: images without identity, too few identities, a folder with another run, or a loss that is
            not a number.
    """
    resolved = Recipe.resolve(recipe, overrides)
    folder = RunFolder.of(Path(out), data, resolved, seed)
    if not folder.is_finished():
        keep_freed_memory()
        _fit(_Source.of(data, resolved, seed), resolved, folder)
    return Model.load(folder.path)


@dataclass(frozen=True)
class _Source:
    """Where batches come from: a pure function of the seed and the batch's number.

    Attributes:
        images: (m, h, w, 3), decoded.
        place: (n,) where each image of ``data`` is among ``images``.
        labels: (n,) class of each image of ``data``.
    """

    data: Dataset
    images: NDArray[np.uint8]
    place: NDArray[np.int64]
    labels: NDArray[np.int64]
    sampler: Sampler
    recipe: Recipe
    seed: int

    @classmethod
    def of(cls, data: Dataset, recipe: Recipe, seed: int) -> _Source:
        _, labels = np.unique(data.identities, return_inverse=True)
        sampler = _sampler(data, labels, recipe, seed)
        place = np.arange(len(data))
        batches = recipe.steps * recipe.accumulate
        if batches * recipe.batch_size < len(data):  # a short run on many images decodes only those that it will draw
            drawn = np.unique([sampler.batch(number) for number in range(batches)])
            place[drawn] = np.arange(len(drawn))
            images = image_array(data.take(drawn), recipe.size)
        else:
            images = image_array(data, recipe.size)
        return cls(data, images, place, labels, sampler, recipe, seed)

    def batch(self, number: int, device: torch.device) -> tuple[torch.Tensor, torch.Tensor]:
        """Augmented images (b, h, w, 3) in 0..255 and labels (b,)."""
        rows = self.sampler.batch(number)
        images = torch.from_numpy(self.images[self.place[rows]]).to(device)
        augmented = augment(images, self.recipe, keyed_rng(self.seed, "augment", number))
        return augmented, torch.from_numpy(self.labels[rows]).to(device)

    def file_names(self, number: int) -> list[str]:
        """The images of a batch."""
        names: list[str] = self.data.table["file_name"].gather(self.sampler.batch(number)).to_list()
        return names


def _sampler(data: Dataset, labels: NDArray[np.int64], recipe: Recipe, seed: int) -> Sampler:
    if recipe.sampling == "random":
        return RandomSampler(len(labels), recipe.batch_size, seed)
    groups = None
    if recipe.spread is not None:
        if recipe.spread not in data.table.columns:
            raise unknown(f"column of {data.name}", recipe.spread, data.table.columns)
        groups = data.table[recipe.spread].rank("dense").fill_null(0).to_numpy().astype(np.int64)
    return PKSampler(labels, recipe.identities_per_batch, recipe.images_per_identity, seed, groups)


def _fit(source: _Source, recipe: Recipe, folder: RunFolder) -> None:
    """Take the steps that are left and write the run's files."""
    fabric = Fabric(accelerator="auto", devices=1, precision=PRECISIONS[recipe.precision])
    classes = int(source.labels.max()) + 1
    state = State.start(recipe, classes, source.seed, fabric.device)
    state.resume(folder.checkpoint, folder.fingerprint)
    recipe.save(folder.recipe)
    console.print(describe(state.module.features.backbone, recipe, len(source.data), classes), highlight=False)
    log = Log(folder.log)
    log.start(state.step)
    module, optimiser = fabric.setup(state.module, state.optimiser)
    module.train()
    images = recipe.batch_size * recipe.accumulate
    started = saved = time.perf_counter()
    before = state.seconds
    description = f"Training {recipe.backbone} on {source.data.name}"
    with progress(description, recipe.steps * images, done=state.step * images) as advance:
        while state.step < recipe.steps:
            factor = rate_factor(recipe, state.step)
            for group in state.optimiser.param_groups:
                group["lr"] = group["initial_lr"] * factor
            losses = _backward(fabric, module, source, recipe, state.step, folder)
            optimiser.step()
            optimiser.zero_grad()
            if state.average is not None:
                state.average.update_parameters(state.module.features)
            state.step += 1
            now = time.perf_counter()
            state.seconds = before + now - started
            log.add(state.step, recipe.learning_rate * factor, images, losses, last=state.step == recipe.steps)
            advance(images, log.summary())
            if now - saved > CHECKPOINT_SECONDS:
                state.save(folder.checkpoint, folder.fingerprint)
                saved = now
    folder.finish(source.data, recipe, state, log)


def _backward(
    fabric: Fabric, module: torch.nn.Module, source: _Source, recipe: Recipe, step: int, folder: RunFolder
) -> dict[str, float]:
    """Add up the gradients of one step's batches; returns the last one's losses."""
    losses: dict[str, float] = {}
    for number in range(step * recipe.accumulate, (step + 1) * recipe.accumulate):
        total, parts = module(*source.batch(number, fabric.device))
        losses = {"loss": total.item(), **{name: part.item() for name, part in parts.items()}}
        if not math.isfinite(losses["loss"]):
            names = source.file_names(number)
            values = {name: str(value) for name, value in losses.items()}
            write_json(folder.failed_batch, {"step": step, "losses": values, "images": names})
            raise CloserlookError(
                f"The loss is {losses['loss']} at step {step}; {folder.failed_batch} lists the batch's images. "
                "Lower 'learning_rate', or remove an image if it is damaged."
            )
        fabric.backward(total / recipe.accumulate)
    return losses
