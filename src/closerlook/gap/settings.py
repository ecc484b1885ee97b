"""What an analysis was asked for, and the file that says so."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field

from closerlook.errors import CloserlookError
from closerlook.inputs import GAP_FILE
from closerlook.storage.documents import checked, read_json
from closerlook.storage.files import write_json

__all__ = ["Settings", "load_settings", "remove_settings", "save_settings", "saved_settings"]

VERSION = 3
Count = Annotated[int, Field(ge=1)]
REMEDY = "Analyze again."


@dataclass(frozen=True)
class Settings:
    """What an analysis was asked for, and on what.

    Attributes:
        source, target: names of the data sets.
        source_images, target_images: how many images each has; the analyzed ones may be fewer.
        embedding: its name.
        size: (height, width) of the images as embedded.
        scaling, alpha, beta: see :func:`closerlook.gap.losses.weigh`.
        per_cell: at most so many images of each cell; None for all.
        seed: of the subsample, the projection and the bootstrap.
        notes: what could not be used, in words.
        bootstrap_unit: what the intervals draw anew on the target's side, ``images`` or ``cameras``.
        key: of the images, embedding and options that the measurement depends on.
    """

    source: str
    target: str
    source_images: Count
    target_images: Count
    embedding: str
    size: tuple[Count, Count]
    scaling: str
    alpha: float
    beta: float
    per_cell: Count | None
    seed: int
    notes: tuple[str, ...]
    bootstrap_unit: str = "images"
    key: str = ""


def save_settings(settings: Settings, folder: Path) -> None:
    """Write ``gap.json``."""
    write_json(folder / GAP_FILE, {"version": VERSION, **asdict(settings)})


def remove_settings(folder: Path) -> None:
    """Remove ``gap.json``, so that what is about to change does not look complete."""
    (folder / GAP_FILE).unlink(missing_ok=True)


def load_settings(folder: Path) -> Settings:
    """Read what :func:`save_settings` wrote.

    Raises:
        CloserlookError: there is none, it is damaged, or another version of closerlook wrote it.
    """
    values = read_json(folder / GAP_FILE, dict[str, Any], REMEDY)
    if values.pop("version", None) != VERSION:
        raise CloserlookError(f"{folder / GAP_FILE} was written by another version of closerlook. {REMEDY}")
    return checked(values, Settings, str(folder / GAP_FILE), REMEDY)


def saved_settings(folder: Path) -> Settings | None:
    """Those of the analysis that ``folder`` holds; None where there is none that can be read."""
    try:
        return load_settings(folder)
    except CloserlookError:
        return None
