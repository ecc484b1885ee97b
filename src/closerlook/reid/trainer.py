"""Training: a data set and a recipe in, a run folder and a model out.

The loop is explicit; lightning's Fabric places it on devices and sets its precision. A run folder holds
``model.safetensors``, its card, ``recipe.yaml``, ``run.json``, ``log.csv``, ``validation.csv`` if there was any,
``timing.csv`` and, where TensorBoard is installed, ``tensorboard/``; while training goes on, there is
``checkpoint.safetensors``, from which the same call resumes after any interruption. All but the timing and the board
have then the bytes that they would have had without.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, NoReturn

import numpy as np
import torch
from lightning_fabric import Fabric
from torch import nn

from closerlook.compute.memory import keep_freed_memory
from closerlook.compute.progress import Advance, announce, console, progress
from closerlook.dataset import Dataset
from closerlook.errors import CloserlookError
from closerlook.reid.batches import Batch, Batches
from closerlook.reid.cost import describe
from closerlook.reid.distributed import is_first_process, start_fabric
from closerlook.reid.folder import RunFolder
from closerlook.reid.log import Log
from closerlook.reid.model import Model, embedder
from closerlook.reid.recipe import Recipe, default_recipe
from closerlook.reid.schedule import rate_factor
from closerlook.reid.state import State
from closerlook.reid.validation import Validation, hold_out
from closerlook.storage.files import alone_in, write_json

if TYPE_CHECKING:
    from closerlook.selection import Plan

__all__ = ["train"]

CHECKPOINT_SECONDS = 60.0


def train(
    data: Dataset,
    *,
    recipe: str | Path | Recipe | None = None,
    out: str | Path,
    seed: int = 0,
    overrides: Mapping[str, Any] | None = None,
    validation: Dataset | float | None = None,
    plan: Plan | None = None,
) -> Model:
    """Train a re-identification model on every image of a person in ``data``, or on those that ``plan`` keeps.

    A folder that holds this very run (data, recipe, seed) is resumed if it is unfinished, and read if it is
    finished. On a CPU with the same number of threads the same arguments give the same weights.

    Args:
        data: images with identities.
        recipe: a recipe's name, YAML file or value; by default ``baseline`` on a GPU and ``cpu-quick`` without one.
        out: the run's folder.
        seed: decides the classifier's start, the batches and the augmentation.
        overrides: recipe fields to change.
        validation: people to choose the checkpoint on, and to stop early on if the recipe has ``patience``: other
            images, or the share of the identities of ``data`` to hold out. Never a test split, which is refused.
            Without, the last step's weights are kept.
        plan: the same as ``data.subset(plan)``, and the model's card says how its images were chosen.

    Raises:
        UsageError: a recipe or a field that does not exist, or a value that it cannot take.
        CloserlookError: images without identity, too few identities, a folder with another run, a validation on test
            images or on people trained on, or a loss that is not a number.

    Example:
        >>> short = {"steps": 1, "size": [64, 32], "identities_per_batch": 2, "images_per_identity": 2}
        >>> trained = cl.train(data, recipe="cpu-quick", overrides=short, out="run")
        >>> trained(torch.zeros(1, 64, 32, 3, dtype=torch.uint8)).shape
        torch.Size([1, 1280])
    """
    resolved = Recipe.resolve(default_recipe() if recipe is None else recipe, overrides)
    chosen = data if plan is None else data.subset(plan)
    people = chosen.people
    if len(people) < len(chosen) and is_first_process():
        left_out = len(chosen) - len(people)
        console.print(f"{left_out:,} of {len(chosen):,} images are junk or distractors: they are not trained on.")
    part, held_out = (people, None) if validation is None else hold_out(people, validation, seed)
    folder = RunFolder.for_run(Path(out), part, held_out, resolved, seed, plan)
    if not folder.is_finished():
        keep_freed_memory()
        with alone_in(folder.path, "training in") if is_first_process() else nullcontext():
            if not folder.is_finished():
                _fit(part, held_out, resolved, folder)
    return Model.load(folder.path)


def _fit(data: Dataset, held_out: Dataset | None, recipe: Recipe, folder: RunFolder) -> None:
    """Take the steps that are left and write the run's files."""
    fabric = start_fabric(recipe)
    classes = len(np.unique(data.identities))
    scaler = getattr(fabric.strategy.precision, "scaler", None)
    # before any image is decoded, because weights may be missing
    state = State.start(recipe, classes, folder.seed, fabric.device, scaler)
    with fabric.rank_zero_first():  # the others find the decoded images in the cache
        batches = Batches.from_dataset(data, recipe, folder.seed)
        validation = Validation.from_dataset(held_out, recipe.size, folder.seed) if held_out is not None else None
    logged = state.resume(folder.checkpoint, folder.key, recipe.steps)
    log = Log(folder.path)
    if fabric.is_global_zero:
        recipe.save(folder.recipe)
        announce(describe(state.module.features.backbone, recipe, len(data), classes))
        log.start(state.step, logged)
    _Loop(fabric, batches, validation, recipe, folder, state, log).run()
    if fabric.is_global_zero:
        log.close()
        folder.finish(data, held_out, recipe, state, log.latest)
    fabric.barrier()


class _Losses(NamedTuple):
    """The losses of a step, which may still be being computed: values (batches, names), the sum first."""

    step: int
    names: list[str]
    values: torch.Tensor


@dataclass(frozen=True)
class _Loop:
    """The steps of a run. Every process takes them; the first one writes and speaks."""

    fabric: Fabric
    batches: Batches
    validation: Validation | None
    recipe: Recipe
    folder: RunFolder
    state: State
    log: Log

    def run(self) -> None:
        """Take steps until the last one, or until validation has not become better for long enough."""
        recipe, state = self.recipe, self.state
        module, optimizer = self._setup()
        images = recipe.batch_size * recipe.accumulate
        started = saved = time.perf_counter()
        before, stream = state.seconds, self._stream()
        unread: _Losses | None = None
        with self._progress(recipe.steps * images, state.step * images) as advance:
            while state.step < recipe.steps and not self._has_waited_enough():
                for group in state.optimizer.param_groups:
                    group["lr"] = group["initial_lr"] * rate_factor(recipe, state.step)
                losses = self._backward(module, stream)
                optimizer.step()
                optimizer.zero_grad()
                if state.average is not None:
                    state.average.update_parameters(state.module.features)
                state.step += 1
                self._read(unread, advance)  # one step late, so that a GPU has its next work before it is waited for
                unread, now = losses, time.perf_counter()
                state.seconds = before + now - started
                due = now - saved > CHECKPOINT_SECONDS
                if due or self._validation_is_due():
                    self._read(unread, advance)
                    unread = None
                if self._validation_is_due():
                    self._validate(module)
                if due:
                    self._save()
                    saved = now
            self._read(unread, advance)

    def _save(self) -> None:
        if self.fabric.is_global_zero:
            self.state.save(self.folder.checkpoint, self.folder.key, self.log.state)

    def _setup(self) -> tuple[nn.Module, torch.optim.Optimizer]:
        """Module and optimizer as the fabric wraps them."""
        module, optimizer = self.fabric.setup(self.state.module, self.state.optimizer)
        module.train()
        return module, optimizer

    def _stream(self) -> Iterator[Batch]:
        """This process's part of the batches that are left."""
        accumulate = self.recipe.accumulate
        numbers = range(self.state.step * accumulate, self.recipe.steps * accumulate)
        return self.batches.stream(
            numbers, self.fabric.device, process=self.fabric.global_rank, processes=self.fabric.world_size
        )

    def _progress(self, total: int, done: int) -> AbstractContextManager[Advance]:
        if not self.fabric.is_global_zero:
            return nullcontext(lambda n, note="": None)
        return progress(f"Training {self.recipe.backbone} on {self.batches.data.name}", total, done=done)

    def _backward(self, module: nn.Module, stream: Iterator[Batch]) -> _Losses:
        """Add up the gradients of one step's batches."""
        count = self.recipe.accumulate
        names: list[str] = []
        rows = []
        for position in range(count):
            images, labels = next(stream)
            with self.fabric.no_backward_sync(module, enabled=position < count - 1):  # type: ignore[arg-type]
                total, parts = module(images, labels, self.state.step / self.recipe.steps)
                self.fabric.backward(total / count)
            names = ["loss", *parts]
            rows.append(torch.stack([total.detach(), *(part.detach() for part in parts.values())]))
        return _Losses(self.state.step, names, torch.stack(rows))

    def _read(self, losses: _Losses | None, advance: Advance) -> None:
        """Wait for the losses of a step, log them, and stop if one is no number."""
        if losses is None:
            return
        values = losses.values.tolist()
        for position, row in enumerate(values):
            if not math.isfinite(row[0]):
                self._give_up(losses, position, row)
        means = {name: sum(column) / len(values) for name, *column in zip(losses.names, *values, strict=True)}
        recipe, step = self.recipe, losses.step + 1
        images = recipe.batch_size * recipe.accumulate
        if self.fabric.is_global_zero:
            rate = recipe.learning_rate * rate_factor(recipe, losses.step)
            self.log.add(step, rate, images, means, self.state.seconds)
            advance(images, self.log.summary())

    def _give_up(self, losses: _Losses, position: int, row: Sequence[float]) -> NoReturn:
        """Save the names of the images of a batch whose loss is no number, and stop."""
        step, number = losses.step, losses.step * self.recipe.accumulate + position
        values = {name: str(value) for name, value in zip(losses.names, row, strict=True)}
        record = {"step": step, "losses": values, "images": self.batches.file_names(number)}
        if self.fabric.is_global_zero:
            write_json(self.folder.failed_batch, record)
        raise CloserlookError(
            f"The loss is {row[0]} at step {step}; {self.folder.failed_batch} lists the batch's images. "
            "Lower 'learning_rate', or remove an image if it is damaged."
        )

    def _validation_is_due(self) -> bool:
        if self.validation is None:
            return False
        every = max(1, round(self.recipe.validate_every * self.recipe.steps))
        return self.state.step % every == 0 or self.state.step == self.recipe.steps

    def _validate(self, module: nn.Module) -> None:
        """Score the network as it is; the first process's word holds for all."""
        score = 0.0
        if self.fabric.is_global_zero and self.validation is not None:
            network = self.state.network.eval()
            with self.fabric.autocast():
                score = self.validation.score(embedder(network, self.recipe.feature))
            self.log.validated(self.state.step, score)
            module.train()
        self.state.validated(self.fabric.broadcast(score))

    def _has_waited_enough(self) -> bool:
        return 0 < self.recipe.patience <= self.state.waited
