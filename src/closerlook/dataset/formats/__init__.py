"""Where data sets come from: one importer a file, each ``(path) -> Dataset``, found by the name before the colon.

Two more names need more than a path: ``pattern`` (see :mod:`closerlook.dataset.formats.pattern`), and ``coco`` and
``mot``, whose crops must be cut first (see :mod:`closerlook.dataset.crops`).
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from closerlook.dataset.dataset import Dataset
from closerlook.dataset.formats import cuhk03, market1501, names
from closerlook.dataset.formats.folder import read_folder
from closerlook.dataset.formats.manifest import read_manifest
from closerlook.dataset.formats.msmt17 import read_msmt17

__all__ = ["FORMATS"]

FORMATS: dict[str, Callable[[Path], Dataset]] = {
    "folder": read_folder,
    "manifest": read_manifest,
    **market1501.READERS,
    "msmt17": read_msmt17,
    **cuhk03.READERS,
    **names.READERS,
}
