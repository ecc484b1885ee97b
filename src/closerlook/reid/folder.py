"""The folder of a training run: which run it holds, and what is in it once the run is complete."""

from __future__ import annotations

import hashlib
import json
import platform
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from typing_extensions import TypedDict

import closerlook
from closerlook.attributes import Level
from closerlook.dataset import Dataset
from closerlook.documents import read_json
from closerlook.errors import CloserlookError
from closerlook.files import atomic_path, write_json
from closerlook.reid.card import model_card
from closerlook.reid.model import MODEL_FILE, Model
from closerlook.reid.recipe import Recipe
from closerlook.reid.state import State

if TYPE_CHECKING:
    from closerlook.selection import Plan

__all__ = ["RUN_FILE", "RunFolder", "Summary", "read_summary"]

RUN_FILE = "run.json"


class Counts(TypedDict):
    """How much data there is."""

    images: int
    identities: int
    cameras: int


class Validated(Counts):
    """On which data the checkpoint was chosen, and the best that it reached."""

    data: str
    best_step: int
    mAP: float


class Summary(Counts):
    """What ``run.json`` holds: whose run it is, what went into it, how long it took and where the losses ended."""

    fingerprint: str
    recipe: str
    seed: int
    data: str
    levels: dict[str, list[Level]]
    steps: int
    images_drawn: int
    seconds: float
    images_per_second: float
    losses: dict[str, float]
    validation: Validated | None
    device: str
    threads: int
    versions: dict[str, str]


@dataclass(frozen=True)
class RunFolder:
    """A folder and the fingerprint of the run (data, validation, recipe, seed) that is to be in it.

    ``plan`` chose the run's images, which the fingerprint knows; it is only for the card.
    """

    path: Path
    fingerprint: str
    seed: int
    plan: Plan | None = None

    @classmethod
    def of(
        cls,
        path: Path,
        data: Dataset,
        validation: Dataset | None,
        recipe: Recipe,
        seed: int,
        plan: Plan | None = None,
    ) -> RunFolder:
        """The folder at ``path`` for this run, which need not exist."""
        digest = hashlib.blake2b(digest_size=16)
        digest.update(json.dumps([recipe.model_dump(mode="json"), seed]).encode())
        for part in (data, validation):
            if part is not None:
                digest.update(str(part.root.resolve()).encode())
                for name, identity in part.table.select("file_name", "identity").iter_rows():
                    digest.update(f"\n{name}\t{identity}".encode())
        return cls(path, digest.hexdigest(), seed, plan)

    @property
    def run(self) -> Path:
        """Seed, versions, seconds, counts and losses; written last, so its presence means that all is there."""
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
            CloserlookError: it holds another run.
        """
        if not self.run.exists():
            return False
        if read_summary(self.path)["fingerprint"] != self.fingerprint:
            raise CloserlookError(
                f"{self.path} holds a run with other data, another recipe or seed: choose another folder or remove it."
            )
        return True

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
        self.checkpoint.unlink(missing_ok=True)

    def _summary(
        self, data: Dataset, validation: Dataset | None, recipe: Recipe, state: State, losses: Mapping[str, float]
    ) -> Summary:
        validated: Validated | None = None
        if validation is not None:
            validated = {
                "data": validation.name,
                **_counts(validation),
                "best_step": state.best_step,
                "mAP": state.best_score,
            }
        drawn = state.step * recipe.batch_size * recipe.accumulate
        return {
            "fingerprint": self.fingerprint,
            "recipe": recipe.name,
            "seed": self.seed,
            "data": data.name,
            **_counts(data),
            "levels": _levels(data),
            "steps": state.step,
            "images_drawn": drawn,
            "seconds": round(state.seconds, 3),
            "images_per_second": round(drawn / state.seconds, 2),
            "losses": dict(losses),
            "validation": validated,
            "device": str(next(state.module.parameters()).device),
            "threads": torch.get_num_threads(),
            "versions": {
                "closerlook": closerlook.__version__,
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


def _counts(data: Dataset) -> Counts:
    found = data.counts()
    return {"images": found["images"], "identities": found["identities"], "cameras": found["cameras"]}


def _levels(data: Dataset) -> dict[str, list[Level]]:
    """What is left of each factor of the design after a plan, or a choice of levels, was applied."""
    present = {factor.name: set(data.table[factor.name].unique().to_list()) for factor in data.factors}
    return {factor.name: [level for level in factor.levels if level in present[factor.name]] for factor in data.factors}
