"""What a study was: enough to read its folder again and to run it again (``study.json``)."""

from __future__ import annotations

import platform
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from closerlook.attributes import Level
from closerlook.errors import CloserlookError
from closerlook.inputs import STUDY_FILE
from closerlook.storage.documents import read_json
from closerlook.storage.files import write_json

__all__ = ["StudyConfig", "versions"]

PACKAGES = ("closerlook", "torch", "warp-lang", "anny", "numpy", "polars", "xgboost-cpu", "lightning-fabric")


def versions() -> dict[str, str]:
    """Versions of Python and of the packages that the numbers depend on."""
    installed = {"python": platform.python_version()}
    for package in PACKAGES:
        try:
            installed[package] = version(package)
        except PackageNotFoundError:
            continue
    return installed


@dataclass(frozen=True)
class StudyConfig:
    """A study's plans and settings.

    Attributes:
        title: heading of the report.
        source, target: data sets as :meth:`open_dataset` takes them; relative paths are relative to the study's folder.
        seed: first seed.
        recipe: the recipe's name.
        seeds: runs of each arm.
        gap: folder of the analysis, relative to the study's folder or absolute, if there is one.
        plans: arm -> plan file inside the study's folder.
        planted: hidden levels of the target, where they are known: factor -> levels.
        paper: arm -> the paper's mAP, rank-1 and rank-5, shares of 1, where an arm is a row of its tables.
        versions: of the packages that the numbers depend on.
    """

    title: str
    source: str
    target: str
    seed: int
    recipe: str
    seeds: int
    gap: str | None = None
    plans: Mapping[str, str] = field(default_factory=dict)
    planted: Mapping[str, tuple[Level, ...]] = field(default_factory=dict)
    paper: Mapping[str, tuple[float, float, float]] = field(default_factory=dict)
    versions: Mapping[str, str] = field(default_factory=versions)

    def save(self, folder: Path) -> None:
        """Write ``study.json``.

        Raises:
            CloserlookError: the folder holds another study.
        """
        if self.exists(folder) and (before := self.load(folder)).settings != self.settings:
            theirs = {k: v for k, v in before.settings.items() if v != self.settings[k]}
            raise CloserlookError(
                f"{folder} holds another study (its {', '.join(f'{k} is {v!r}' for k, v in theirs.items())}). "
                "Choose another output folder or remove that one."
            )
        write_json(folder / STUDY_FILE, asdict(self))

    @property
    def settings(self) -> dict[str, object]:
        """What must agree for a study to resume in the same folder; versions may have changed in between."""
        return {key: value for key, value in asdict(self).items() if key not in ("versions", "gap", "plans")}

    @classmethod
    def load(cls, folder: Path) -> StudyConfig:
        """Read ``study.json``.

        Raises:
            CloserlookError: there is none, or it is damaged.
        """
        return read_json(folder / STUDY_FILE, cls, "Delete it and run the study again: finished runs are kept.")

    @staticmethod
    def exists(folder: Path) -> bool:
        """Whether ``folder`` holds a study."""
        return (folder / STUDY_FILE).exists()
