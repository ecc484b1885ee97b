"""What an analysis was asked for, and the file that says so."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from closerlook.errors import CloserlookError
from closerlook.files import write_json

__all__ = ["Settings", "load_settings", "remove_settings", "save_settings", "saved_settings"]

NAME = "gap.json"
VERSION = 2


@dataclass(frozen=True)
class Settings:
    """What an analysis was asked for, and on what.

    Attributes:
        source, target: names of the data sets.
        source_images, target_images: how many images each has; the analysed ones may be fewer.
        embedding: its name.
        size: (height, width) of the images as embedded.
        scaling, alpha, beta: see :func:`closerlook.analysis.losses.weigh`.
        per_cell: at most so many images of each cell; None for all.
        seed: of the subsample, the projection and the bootstrap.
        notes: what could not be used, in words.
        over: what the intervals draw anew on the target's side, ``images`` or ``cameras``.
        key: of the images, embedding and options that the measurement depends on.
    """

    source: str
    target: str
    source_images: int
    target_images: int
    embedding: str
    size: tuple[int, int]
    scaling: str
    alpha: float
    beta: float
    per_cell: int | None
    seed: int
    notes: tuple[str, ...]
    over: str = "images"
    key: str = ""


def save_settings(settings: Settings, folder: Path) -> None:
    """Write ``gap.json``."""
    write_json(folder / NAME, {"version": VERSION, **asdict(settings)})


def remove_settings(folder: Path) -> None:
    """Remove ``gap.json``, so that what is about to change does not look complete."""
    (folder / NAME).unlink(missing_ok=True)


def load_settings(folder: Path) -> Settings:
    """Read what :func:`save_settings` wrote.

    Raises:
        CloserlookError: another version of closerlook wrote it.
        OSError, ValueError, KeyError, TypeError: there is none, or it is damaged.
    """
    values = json.loads((folder / NAME).read_text())
    if values.pop("version") != VERSION:
        raise CloserlookError(f"{folder} was written by another version of closerlook: analyze again.")
    values["size"], values["notes"] = tuple(values["size"]), tuple(values["notes"])
    return Settings(**values)


def saved_settings(folder: Path) -> Settings | None:
    """Those of the analysis that ``folder`` holds; None where there is none that can be read."""
    try:
        return load_settings(folder)
    except (CloserlookError, OSError, ValueError, KeyError, TypeError):
        return None
