"""Where data sets come from: one importer a file, each ``(path) -> Dataset``, found by the name before the colon."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from closerlook.dataset.dataset import Dataset
from closerlook.dataset.formats.folder import read_folder
from closerlook.dataset.formats.manifest import read_manifest
from closerlook.dataset.formats.market1501 import read_dukemtmc, read_market1501, read_personx
from closerlook.dataset.formats.msmt17 import read_msmt17
from closerlook.dataset.formats.names import READERS

__all__ = ["FORMATS"]

FORMATS: dict[str, Callable[[Path], Dataset]] = {
    "folder": read_folder,
    "manifest": read_manifest,
    "market1501": read_market1501,
    "dukemtmc": read_dukemtmc,
    "msmt17": read_msmt17,
    "personx": read_personx,
    **READERS,
}
