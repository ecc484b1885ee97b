"""What is known of a data set without decoding its images: the part of a kept result's key that says what it is of."""

from __future__ import annotations

import os
from collections.abc import Sequence

from closerlook.dataset.dataset import Dataset
from closerlook.dataset.shards import shard_of
from closerlook.errors import CloserlookError
from closerlook.storage.keys import Key, digest

__all__ = ["files_digest", "fingerprint"]


def fingerprint(data: Dataset, columns: Sequence[str] = ()) -> Key:
    """The data set's name, a digest of its images and one of what its table says of them.

    An image is known by its name, its length and its time of change, as ``make`` knows files: a folder that was moved,
    or copied with its times (``cp -p``, ``rsync -a``), is the same one. Of an image in a shard these are the shard's.

    Args:
        columns: of the table, that matter besides identity, camera, split and the factors.

    Raises:
        CloserlookError: an image is missing.
    """
    names = ["identity", "camera", "split", *(factor.name for factor in data.factors), *columns]
    labels = data.table.select(name for name in dict.fromkeys(names) if name in data.table.columns)
    levels = [[factor.name, factor.levels] for factor in data.factors]
    return {
        "name": data.name,
        "images": files_digest(data.table["file_name"].to_list(), data.files),
        "labels": digest([levels, labels.write_csv()]),
    }


def files_digest(names: Sequence[str], files: Sequence[str]) -> str:
    """A digest of files' names, lengths and times of change; ``files`` says where each lies.

    Raises:
        CloserlookError: one is missing.
    """
    found = []
    for name, file in zip(names, files, strict=True):
        try:
            status = os.stat(file)  # noqa: PTH116 - as text: there may be millions
        except NotADirectoryError:  # of an image in a shard, what is known of the shard
            shard = shard_of(file)
            if shard is None:
                raise CloserlookError(f"There is no image {file}.") from None
            status = shard.stat()
        except FileNotFoundError:
            raise CloserlookError(f"There is no image {file}.") from None
        found.append(f"{name}\t{status.st_size}\t{status.st_mtime_ns}")
    return digest("\n".join(found).encode(errors="surrogateescape"))
