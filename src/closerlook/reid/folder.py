"""The folder of a training run: which run it holds, and what is in it once the run is complete."""

from __future__ import annotations

import inspect
import platform
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from closerlook.attributes import Level
from closerlook.dataset import Dataset
from closerlook.dataset.dataset import SAMPLING_WEIGHT, Counts
from closerlook.dataset.fingerprint import fingerprint
from closerlook.embedding.functions import load_function
from closerlook.embedding.weights import find_weights_file
from closerlook.errors import CloserlookError
from closerlook.inputs import MODEL_FILE, RUN_FILE
from closerlook.reid.card import model_card
from closerlook.reid.model import Model
from closerlook.reid.recipe import Recipe
from closerlook.reid.state import State
from closerlook.storage.documents import read_json
from closerlook.storage.files import atomic_path, sweep, write_json
from closerlook.storage.keys import Key, changes, digest, plain
from closerlook.version import __version__

if TYPE_CHECKING:
    from closerlook.selection import Plan

__all__ = ["RunFolder", "Summary", "read_summary", "weights_digest"]

FORMAT = 1  # raise it when the same inputs would give another run


class Validated(Counts):
    """On which data the checkpoint was chosen, and the best that it reached."""

    data: str
    best_step: int
    mAP: float  # noqa: N815 - the field's name


class Summary(Counts):
    """What ``run.json`` holds: whose run it is, what went into it, how long it took and where the losses ended."""

    key: dict[str, Any]
    recipe: str
    seed: int
    data: str
    levels: dict[str, list[Level]]
    steps: int
    images_drawn: int
    losses: dict[str, float]
    validation: Validated | None
    device: str
    threads: int
    versions: dict[str, str]


@dataclass(frozen=True)
class RunFolder:
    """A folder and the key of the run that is to be in it: data, validation, recipe, weights to start from, seed.

    ``plan`` chose the run's images, which the key knows; it is only for the card.
    """

    path: Path
    key: Key = field(repr=False)
    seed: int
    plan: Plan | None = None

    @classmethod
    def for_run(
        cls,
        path: Path,
        data: Dataset,
        validation: Dataset | None,
        recipe: Recipe,
        seed: int,
        plan: Plan | None = None,
    ) -> RunFolder:
        """The folder at ``path`` for this run, which need not exist.

        Raises:
            CloserlookError: an image or the weights to start from are missing.
        """
        read = [SAMPLING_WEIGHT] if recipe.balance_by is None else [recipe.balance_by, SAMPLING_WEIGHT]
        key = {
            "format": FORMAT,
            "data": fingerprint(data, read),
            "validation": None if validation is None else fingerprint(validation),
            "recipe": recipe.model_dump(mode="json"),
            "weights": weights_digest(recipe.backbone),
            "seed": seed,
        }
        return cls(path, key, seed, plan)

    @property
    def run(self) -> Path:
        """Key, seed, versions, counts and losses; written last, so its presence means that all is there."""
        return self.path / RUN_FILE

    @property
    def recipe(self) -> Path:
        return self.path / "recipe.yaml"

    @property
    def card(self) -> Path:
        return self.path / "README.md"

    @property
    def checkpoint(self) -> Path:
        return self.path / "checkpoint.safetensors"

    @property
    def failed_batch(self) -> Path:
        return self.path / "failed_batch.json"

    def is_finished(self) -> bool:
        """Whether the folder holds this run, complete.

        Raises:
            CloserlookError: it holds another run, or ``run.json`` is damaged.
        """
        if not self.run.exists():
            return False
        differing = self.differing()
        if differing:
            raise CloserlookError(
                f"{self.path} holds a run that differs in {differing}: choose another folder or remove it."
            )
        self.tidy()
        return True

    def differing(self) -> str:
        """In which inputs the run that the folder holds, finished or not, differs from this one; empty if in none.

        Raises:
            CloserlookError: a file that says so is damaged.
        """
        if self.run.exists():
            return changes(read_summary(self.path)["key"], self.key)
        return changes(State.key_of(self.checkpoint), self.key) if self.checkpoint.exists() else ""

    def tidy(self) -> None:
        """Remove what a run leaves that is killed when all else is done."""
        self.checkpoint.unlink(missing_ok=True)
        sweep(self.path)

    def finish(
        self, data: Dataset, validation: Dataset | None, recipe: Recipe, state: State, losses: Mapping[str, float]
    ) -> None:
        """Write the model and its card, then ``run.json``; then the checkpoint has served."""
        model = Model(
            state.result(), name=recipe.name, size=recipe.size, feature=recipe.feature, normalize=recipe.normalize
        )
        model.save(self.path / MODEL_FILE)
        summary = self._summary(data, validation, recipe, state, losses)
        with atomic_path(self.card) as draft:
            draft.write_text(model_card(summary, recipe, model.dim, self.plan), encoding="utf-8")
        write_json(self.run, summary)
        self.tidy()

    def _summary(
        self, data: Dataset, validation: Dataset | None, recipe: Recipe, state: State, losses: Mapping[str, float]
    ) -> Summary:
        validated: Validated | None = None
        if validation is not None:
            validated = {
                "data": validation.name,
                **validation.counts(),
                "best_step": state.best_step,
                "mAP": state.best_score,
            }
        drawn = state.step * recipe.batch_size * recipe.accumulate
        return {
            "key": plain(self.key),
            "recipe": recipe.name,
            "seed": self.seed,
            "data": data.name,
            **data.counts(),
            "levels": _levels(data),
            "steps": state.step,
            "images_drawn": drawn,
            "losses": dict(losses),
            "validation": validated,
            "device": str(next(state.module.parameters()).device),
            "threads": torch.get_num_threads(),
            "versions": {
                "closerlook": __version__,
                "torch": torch.__version__,
                "python": platform.python_version(),
            },
        }


def read_summary(folder: Path) -> Summary:
    """What ``run.json`` in the folder of a training run says.

    Raises:
        CloserlookError: there is none, or it is damaged.
    """
    return read_json(folder / RUN_FILE, Summary, "Train again, into another folder.")


def weights_digest(backbone: str) -> str:
    """A digest of the weights that training starts from; of the user's own backbone, of the file that defines it."""
    if ":" not in backbone:
        return digest(find_weights_file(backbone).read_bytes())
    source = inspect.getsourcefile(inspect.unwrap(load_function(backbone, "backbone")))
    return digest(Path(source).read_bytes() if source else backbone)


def _levels(data: Dataset) -> dict[str, list[Level]]:
    """What is left of each factor of the design after a plan, or a choice of levels, was applied."""
    present = {factor.name: set(data.table[factor.name].unique().to_list()) for factor in data.factors}
    return {factor.name: [level for level in factor.levels if level in present[factor.name]] for factor in data.factors}
