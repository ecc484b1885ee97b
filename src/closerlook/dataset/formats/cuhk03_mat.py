"""CUHK03 as released: one ``cuhk-03.mat`` (MATLAB 7.3, which is HDF5) that holds all images."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from closerlook.compute.progress import progress
from closerlook.dataset.dataset import Dataset
from closerlook.dataset.decoding import MAX_PIXELS
from closerlook.dataset.formats.cuhk03 import VARIANTS, VIEWS, labeled_table, new_config, new_splits
from closerlook.errors import CloserlookError, first_line
from closerlook.storage.files import atomic_path

__all__ = ["write_cuhk03"]

PER_VIEW = 5  # images that a person has at most from each camera of the pair


def write_cuhk03(variant: str, path: Path, out: Path) -> Dataset:
    """Write the images of ``cuhk-03.mat`` into a folder of their own, as PNG files with their table.

    The new protocol's split comes from ``cuhk03_new_protocol_config_detected.mat`` (or ``_labeled``) beside the file or
    in the folder above; the classic one is the first of the twenty in the file itself.

    Raises:
        CloserlookError: h5py is not installed, the file is damaged, or the protocol's file is missing.
    """
    try:
        import h5py
    except ImportError:
        raise CloserlookError(
            f"{path} is an HDF5 file, which h5py reads: pip install 'closerlook[cuhk03]', then run the same command "
            "again."
        ) from None

    protocol, kind = VARIANTS[variant]
    splits = new_splits(_config(path, kind)) if protocol == "new" else None
    try:
        with h5py.File(path, "r") as file, atomic_path(out) as draft:
            (draft / "images").mkdir(parents=True)
            names = list(_write_images(file, kind, draft / "images"))
            found = _classic_splits(file, names) if splits is None else splits
            table = labeled_table(variant, path, [f"images/{name}" for name in names], found)
            Dataset.from_table(draft, table, variant, ()).save()
    except (OSError, KeyError, ValueError, TypeError, IndexError, RuntimeError) as error:
        raise CloserlookError(f"{path} is not the cuhk-03.mat that was released ({first_line(error)}).") from None
    return Dataset.from_table(out, table, variant, ())


def _config(path: Path, kind: str) -> Path:
    beside = new_config(path.parent, kind)
    above = new_config(path.parent.parent, kind)
    return above if above.exists() and not beside.exists() else beside


def _write_images(file: Any, kind: str, folder: Path) -> Iterator[str]:
    """Writes the images and yields their names; a cell without an image is one that was never taken."""
    pairs = [file[reference] for reference in file[kind][0]]
    with progress(f"Writing {kind} images", sum(pair.shape[1] for pair in pairs)) as advance:
        for number, pair in enumerate(pairs, start=1):
            for person in range(pair.shape[1]):
                for image, reference in enumerate(pair[:, person]):
                    cell = file[reference]
                    if cell.ndim != 3:
                        continue
                    name = f"{number}_{person + 1:03d}_{1 + image // PER_VIEW}_{image + 1:02d}.png"
                    _refuse_odd(name, cell)
                    Image.fromarray(np.ascontiguousarray(np.asarray(cell).T)).save(folder / name)
                    yield name
                advance(1)


def _refuse_odd(name: str, cell: Any) -> None:
    """Before it is read: a file of a few kilobytes can say that it holds gigabytes."""
    channels, width, height = cell.shape
    if cell.dtype != np.uint8 or channels != 3 or not 0 < height * width <= MAX_PIXELS:
        raise ValueError(f"image {name} is {height} x {width} x {channels} of {cell.dtype}")


def _classic_splits(file: Any, names: list[str]) -> dict[str, str]:
    tested = {(int(pair), int(person)) for pair, person in np.asarray(file[file["testsets"][0][0]]).T}
    splits = {}
    for name in names:
        pair, person, view, _ = name.split("_")
        splits[name] = VIEWS[int(view)] if (int(pair), int(person)) in tested else "train"
    return splits
