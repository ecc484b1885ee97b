"""Into WebDataset's form: tar files in which an image and a JSON file of one name are an example."""

from __future__ import annotations

import io
import json
import tarfile
from collections.abc import Mapping
from pathlib import Path

from closerlook.compute.progress import progress
from closerlook.dataset.dataset import SPLITS, Dataset
from closerlook.dataset.decoding import read_whole
from closerlook.dataset.exports.coco import plain_value
from closerlook.dataset.exports.copying import suffixed
from closerlook.storage.files import atomic_path

__all__ = ["export_webdataset"]

SHARD_BYTES = 2**28


def export_webdataset(dataset: Dataset, out: Path) -> None:
    """Write ``train-000000.tar`` and so on, a run of files a split.

    An example is ``00000012.jpg`` (the file's bytes as they are, ending in what it is) and ``00000012.json`` with its
    row of the table. The number is the row's. Tar files of the same images are equal byte for byte.

    Raises:
        CloserlookError: an image is missing or empty.
    """
    rows, files = dataset.table.to_dicts(), dataset.files
    with atomic_path(out) as draft, progress(f"Packing {dataset.name}", len(dataset)) as advance:
        draft.mkdir(parents=True)
        for split in SPLITS:
            numbers = iter([number for number, row in enumerate(rows) if row["split"] == split])
            shard, number = 0, next(numbers, None)
            while number is not None:
                with tarfile.open(draft / f"{split}-{shard:06d}.tar", "w", format=tarfile.USTAR_FORMAT) as tar:
                    while number is not None and tar.offset < SHARD_BYTES:
                        _add(tar, number, files[number], rows[number])
                        advance(1)
                        number = next(numbers, None)
                shard += 1


def _add(tar: tarfile.TarFile, number: int, file: str, row: Mapping[str, object]) -> None:
    image = read_whole(file)
    said = json.dumps({name: plain_value(value) for name, value in row.items()}, allow_nan=False).encode()
    suffix = Path(suffixed(str(row["file_name"]), file)).suffix.lower()
    for name, data in ((f"{number:08d}{suffix}", image), (f"{number:08d}.json", said)):
        member = tarfile.TarInfo(name)
        member.size = len(data)
        tar.addfile(member, io.BytesIO(data))
