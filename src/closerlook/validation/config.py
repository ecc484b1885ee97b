"""What an experiment was asked for: enough to resume it and to read it again (``validation.json``)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

from closerlook.attributes import Factor, Level
from closerlook.errors import CloserlookError
from closerlook.inputs import VALIDATION_FILE
from closerlook.storage.documents import read_json
from closerlook.storage.files import write_json
from closerlook.study.config import versions

__all__ = ["EMBEDDING", "SCALING", "ExperimentConfig"]

EMBEDDING, SCALING = "lite0", "balanced"  # by which an experiment measures the gap


@dataclass(frozen=True)
class ExperimentConfig:
    """The settings of an experiment.

    Attributes:
        source, targets: names of the data sets.
        factors: those that the subsets differ in, with all their levels.
        subsets, controls: how many of each.
        images, identities: of every subset and control.
        recipe, steps: what each run trained by, and how long.
        seeds: runs of each subset; ``again`` is the share that has one more.
        seed: the first seed.
        cameras: whether each camera of a target is a target of its own, too.
        quick: whether it was a quick look.
        versions: of the packages that the numbers depend on.
    """

    source: str
    targets: tuple[str, ...]
    factors: Mapping[str, tuple[Level, ...]]
    subsets: int
    controls: int
    images: int
    identities: int
    recipe: str
    steps: int
    seeds: int
    again: float
    seed: int
    cameras: bool
    quick: bool
    versions: Mapping[str, str] = field(default_factory=versions)

    @property
    def chosen(self) -> tuple[Factor, ...]:
        """The factors, in order."""
        return tuple(Factor(name, levels) for name, levels in self.factors.items())

    def save(self, folder: Path) -> None:
        """Write ``validation.json``.

        Raises:
            CloserlookError: the folder holds an experiment with other settings.
        """
        if (folder / VALIDATION_FILE).exists():
            before, now = (_settings(config) for config in (self.load(folder), self))
            differing = [f"{name} is {before[name]!r}" for name in now if before[name] != now[name]]
            if differing:
                raise CloserlookError(
                    f"{folder} holds another experiment (its {', '.join(differing)}). Choose another output folder or "
                    "remove that one."
                )
        write_json(folder / VALIDATION_FILE, asdict(self))

    @classmethod
    def load(cls, folder: Path) -> ExperimentConfig:
        """Read ``validation.json``.

        Raises:
            CloserlookError: there is none, or it is damaged.
        """
        return read_json(folder / VALIDATION_FILE, cls, "Delete it and run validate-gap again: finished runs are kept.")


def _settings(config: ExperimentConfig) -> dict[str, object]:
    """What must agree for an experiment to resume in the same folder; versions may have changed in between."""
    return {key: value for key, value in asdict(config).items() if key != "versions"}
