"""Finished partials of a measurement on disk: stopping loses little, and partials made apart merge to the same numbers.

The images of either side are cut into partials at places that depend on the data alone. Whoever has measured a piece
writes it to ``<out>/partials/<key>/``; the measurement is put together from the files, in their order, so that it does
not matter which process or machine made which. The key is a digest of everything that the numbers depend on: a changed
image, option or weight never meets an old piece.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from closerlook.dataset import Dataset
from closerlook.dataset.fingerprint import fingerprint
from closerlook.embedding import Embedder
from closerlook.embedding.key import embedding_key
from closerlook.errors import UsageError
from closerlook.storage.keys import DIGEST, digest
from closerlook.storage.tensors import read_arrays, write_arrays

__all__ = ["FOLDER", "Arrays", "Partials", "collect", "content_key", "count_partials"]

FOLDER = "partials"
VERSION = 4  # raise it when a piece would hold other numbers or names
MAX_PIECES = 64
MIN_IMAGES = 256

Arrays = Mapping[str, NDArray[np.generic]]


@dataclass(frozen=True)
class Partials:
    """Where partials are kept, and where else they may have been made.

    Attributes:
        folder: to write to; None keeps partials in memory only.
        others: output folders of the same analysis made elsewhere, to be read.
        key: of the analysis.
    """

    folder: Path | None
    others: tuple[Path, ...]
    key: str

    def _places(self) -> Iterable[Path]:
        return (root / FOLDER / self.key for root in (self.folder, *self.others) if root is not None)

    def check_others(self) -> None:
        """Refuse a folder named to be read that can be of no use.

        Raises:
            UsageError: it holds no piece of this analysis.
        """
        for other in self.others:
            if not (other / FOLDER / self.key).is_dir():
                raise UsageError(
                    f"{other} holds no shard of this analysis: nothing was measured there, or other images, options or "
                    "weights, or by another version."
                )

    def find(self, name: str) -> Path | None:
        """The file of a piece, if it is finished."""
        return next((path for place in self._places() if (path := place / f"{name}.safetensors").is_file()), None)

    def read(self, name: str) -> Arrays:
        """A finished piece.

        Raises:
            CloserlookError: its file is damaged.
        """
        path = self.find(name)
        assert path is not None
        return read_arrays(path, "remove it and run the same command again")[0]

    def write(self, name: str, arrays: Arrays) -> None:
        """Keep a finished piece; does nothing where there is no folder."""
        if self.folder is not None:
            write_arrays(self.folder / FOLDER / self.key / f"{name}.safetensors", arrays)

    def clear(self) -> None:
        """Remove all partials of the output folder, those of other keys too: what they led to is saved or outdated."""
        if self.folder is not None:
            shutil.rmtree(self.folder / FOLDER, ignore_errors=True)


def content_key(sides: Mapping[str, Dataset], embedder: Embedder, settings: object) -> str:
    """A digest of the images (names, lengths, times of change), the embedding and ``settings``.

    Raises:
        CloserlookError: an image is missing.
    """
    images = {side: {**fingerprint(data), "name": None} for side, data in sides.items()}  # numbers do not depend on it
    key = digest({"version": VERSION, "embedding": embedding_key(embedder), "settings": settings, **images})
    return key.removeprefix(DIGEST)[:20]


def count_partials(images: int) -> int:
    """Into how many partials so many images are cut: enough to lose little, not more than 64."""
    return min(MAX_PIECES, max(1, images // MIN_IMAGES))


def collect(partials: Partials, names: list[str], make: Callable[[list[int]], Iterator[Arrays]]) -> Iterator[Arrays]:
    """All partials in order, one at a time: finished ones are read; ``make`` yields the others, which are kept."""
    missing = [number for number, name in enumerate(names) if partials.find(name) is None]
    made = make(missing)
    for number, name in enumerate(names):
        if number in missing:
            arrays = next(made)
            partials.write(name, arrays)
            yield arrays
        else:
            yield partials.read(name)
