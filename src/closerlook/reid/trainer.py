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
from pathlib import Path
from typing import Any, Literal

import torch
from lightning_fabric import Fabric

from closerlook.compute.memory import keep_freed_memory
from closerlook.compute.progress import console, progress
from closerlook.dataset import Dataset
from closerlook.errors import CloserlookError
from closerlook.files import write_json
from closerlook.reid.batches import Batches
from closerlook.reid.cost import describe
from closerlook.reid.folder import RunFolder
from closerlook.reid.log import Log
from closerlook.reid.model import Model
from closerlook.reid.recipe import Recipe
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
        _fit(Batches.of(data, resolved, seed), resolved, folder)
    return Model.load(folder.path)


def _fit(batches: Batches, recipe: Recipe, folder: RunFolder) -> None:
    """Take the steps that are left and write the run's files."""
    fabric = Fabric(accelerator="auto", devices=1, precision=PRECISIONS[recipe.precision])
    classes = int(batches.labels.max()) + 1
    state = State.start(recipe, classes, batches.seed, fabric.device)
    state.resume(folder.checkpoint, folder.fingerprint)
    recipe.save(folder.recipe)
    console.print(describe(state.module.features.backbone, recipe, len(batches.data), classes), highlight=False)
    log = Log(folder.log)
    log.start(state.step)
    module, optimiser = fabric.setup(state.module, state.optimiser)
    module.train()
    images = recipe.batch_size * recipe.accumulate
    started = saved = time.perf_counter()
    before = state.seconds
    description = f"Training {recipe.backbone} on {batches.data.name}"
    with progress(description, recipe.steps * images, done=state.step * images) as advance:
        while state.step < recipe.steps:
            factor = rate_factor(recipe, state.step)
            for group in state.optimiser.param_groups:
                group["lr"] = group["initial_lr"] * factor
            losses = _backward(fabric, module, batches, recipe, state.step, folder)
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
    folder.finish(batches.data, recipe, state, log)


def _backward(
    fabric: Fabric, module: torch.nn.Module, batches: Batches, recipe: Recipe, step: int, folder: RunFolder
) -> dict[str, float]:
    """Add up the gradients of one step's batches; returns the last one's losses."""
    losses: dict[str, float] = {}
    for number in range(step * recipe.accumulate, (step + 1) * recipe.accumulate):
        total, parts = module(*batches.batch(number, fabric.device))
        losses = {"loss": total.item(), **{name: part.item() for name, part in parts.items()}}
        if not math.isfinite(losses["loss"]):
            names = batches.file_names(number)
            values = {name: str(value) for name, value in losses.items()}
            write_json(folder.failed_batch, {"step": step, "losses": values, "images": names})
            raise CloserlookError(
                f"The loss is {losses['loss']} at step {step}; {folder.failed_batch} lists the batch's images. "
                "Lower 'learning_rate', or remove an image if it is damaged."
            )
        fabric.backward(total / recipe.accumulate)
    return losses
