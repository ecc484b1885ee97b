"""The folder of a rendered data set: its settings, whether it is finished, and how it becomes so."""

from __future__ import annotations

import shutil
from dataclasses import asdict
from pathlib import Path
from typing import Any

import polars as pl
import yaml

from closerlook.dataset import Dataset, open_dataset
from closerlook.dataset.dataset import DESIGN_NAME, TABLE_NAME
from closerlook.dataset.shards import labels
from closerlook.errors import CloserlookError
from closerlook.storage.documents import read_yaml
from closerlook.storage.files import DRAFT, atomic_path, explain_os_errors
from closerlook.storage.keys import Key, changes, digest, plain
from closerlook.storage.tables import read_parquet
from closerlook.synthesis.generation.card import CARD_NAME, data_card
from closerlook.synthesis.generation.estimate import image_bytes
from closerlook.synthesis.generation.render_person import with_annotations
from closerlook.synthesis.generation.request import Request
from closerlook.synthesis.generation.settings import SETTINGS_NAME, Settings
from closerlook.synthesis.generation.tasks import WORK_NAME, partial_table

__all__ = ["check_space", "finish", "is_finished", "settings_key", "write_settings"]


def settings_key(request: Request, device: str) -> dict[str, Any]:
    """All that the images depend on, as ``render.yaml`` keeps it."""
    settings, design, table = request.settings, request.design, request.table
    names = digest(table["file_name"].to_list())
    levels = {factor.name: factor.levels for factor in design.factors}
    people = {"identities": design.identities, "first_identity": int(str(table["identity"].min()))}
    kept = {**asdict(settings), "device": device.partition(":")[0], "sources": settings.sources()}
    if settings.network is None:
        del kept["network"]
    else:
        kept["splits"] = request.splits
    storage = {"storage": "shards"} if request.in_shards else {}
    images = {"images": table.height, "names": names}
    return dict(plain({"design": design.name, **people, **levels, **kept, **images, **storage}))


def write_settings(root: Path, key: Key) -> None:
    """Keep what the images depend on, before the first of them."""
    if not (root / SETTINGS_NAME).exists():
        with atomic_path(root / SETTINGS_NAME) as draft:
            draft.write_text(yaml.safe_dump(key, sort_keys=False), encoding="utf-8")


def is_finished(root: Path, key: Key) -> bool:
    """Whether the folder holds all of these images; nothing is changed.

    Raises:
        CloserlookError: the folder holds something else.
    """
    path = root / SETTINGS_NAME
    with explain_os_errors(root):
        if not path.exists():
            if root.is_dir() and any(not entry.name.endswith(DRAFT) for entry in root.iterdir()):
                raise CloserlookError(f"{root} is not empty and holds no {path.name}: choose another output folder.")
            return False
    remedy = "Choose another output folder."
    written = read_yaml(path, remedy)
    if not isinstance(written, dict):
        raise CloserlookError(f"{path} does not hold the settings of a rendering. {remedy}")
    differing = changes(written, key)
    if differing:
        raise CloserlookError(
            f"{root} holds images rendered with other settings (its {path.name}): {differing}. Choose another output "
            "folder, or delete this one."
        )
    return (root / TABLE_NAME).exists() and (root / DESIGN_NAME).exists()


def check_space(root: Path, settings: Settings, images: int) -> None:
    """See that so many images have room on the disk.

    Raises:
        CloserlookError: they have not.
    """
    needed = images * image_bytes(settings)
    free = shutil.disk_usage(root).free
    if needed > free:
        raise CloserlookError(
            f"{images:,} images need about {needed / 2**20:,.0f} MiB and {root} has {free / 2**20:,.0f} MiB free: free "
            "some space or choose another output folder."
        )


def finish(root: Path, request: Request) -> Dataset:
    """Write the data set's table, design and card once every person is done, and open it."""
    design, table = request.design, request.table
    for leftover in (root / "images").glob(".*"):  # of a run that was killed
        shutil.rmtree(leftover, ignore_errors=True)
    people = table["identity"].unique(maintain_order=True)
    if request.in_shards:
        shards = table["file_name"].str.extract("(.*)/").unique(maintain_order=True)
        parts = [labels(root / shard).with_columns(pl.lit(f"{shard}/").alias("shard")) for shard in shards]
        made = pl.concat(parts, how="diagonal")
        made = made.with_columns(pl.concat_str("shard", "file_name").alias("file_name")).drop("shard")
    else:
        remedy = "remove it and run the same command again"
        tables = [read_parquet(partial_table(root, person), {"file_name": "text"}, remedy=remedy) for person in people]
        made = pl.concat(tables, how="diagonal")
    complete = with_annotations(table, made)
    with atomic_path(root / CARD_NAME) as draft:
        card = data_card(design, request.settings, table.height, splits=request.splits, in_shards=request.in_shards)
        draft.write_text(card)
    Dataset.from_table(root, complete, design.name, design.factors).save(design)
    shutil.rmtree(root / WORK_NAME, ignore_errors=True)
    return open_dataset(root)
