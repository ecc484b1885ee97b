"""From a design to a data set: every person in every viewpoint, weather and time of day.

Each image is a pure function of the settings and its own cell, so that worker count, order, subset and resuming leave
its bytes as they are. A person's folder and table appear together or not at all; the data set's table appears last.
"""

from __future__ import annotations

import math
import shutil
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Unpack

import polars as pl
import yaml

from closerlook.attributes import Design
from closerlook.compute.kernels import find_device
from closerlook.compute.processes import run_in_processes, worker_count
from closerlook.compute.progress import console, progress
from closerlook.dataset import Dataset, open_dataset
from closerlook.dataset.dataset import DESIGN_NAME, TABLE_NAME
from closerlook.errors import CloserlookError
from closerlook.storage.documents import read_yaml
from closerlook.storage.files import DRAFT, alone_in, atomic_path, explain_os_errors, sweep
from closerlook.storage.keys import Key, changes, digest, plain
from closerlook.storage.tables import read_parquet
from closerlook.synthesis.generation.card import CARD_NAME, CELL_WARNING, data_card
from closerlook.synthesis.generation.parameters import parameter
from closerlook.synthesis.generation.planning import Options, Request, read_request
from closerlook.synthesis.generation.production import VIEW_PARTS, WORK_NAME, prepare, render_person, table_of, tasks_of
from closerlook.synthesis.generation.settings import SETTINGS_NAME, Settings

__all__ = ["Estimate", "estimate", "generate"]


@dataclass(frozen=True)
class Estimate:
    """What a run would make: images, bytes on disk, seconds on this machine."""

    images: int
    bytes: int
    seconds: float

    def __str__(self) -> str:
        minutes = f"{self.seconds / 60:.1f} minutes" if self.seconds > 90 else f"{self.seconds:.0f} seconds"
        return f"{self.images:,} images, about {self.bytes / 2**20:,.0f} MiB and {minutes}"


def generate(
    design: str | Path | Design = "gpr-plus",
    *,
    out: str | Path,
    workers: int | None = None,
    device: str = "cpu",
    **options: Unpack[Options],
) -> Dataset:
    """Render a design's people into a folder, and open it.

    A stopped run goes on where it was when called again with the same settings; a finished one is only opened.

    Args:
        design: a name, a YAML file or a :class:`Design`, whose factors are viewpoint, weather, illumination and any
            parameters of a scene (``weather.extinction``, ``camera.height``, ``sensor.noise``).
        out: folder for the images and their table; new, empty, or left by the same call.
        workers: processes; one a core if ``None``.
        device: where to render, ``cpu`` or ``cuda:0``; a GPU is fed by all the processes. Its images differ a little
            from the CPU's.
        identities: number of people; the design's own number if ``None``.
        first_identity: number of the first person; people of other numbers, or of another seed, are other people.
        levels: the product subset to render, as ``{"weather": ["sunny", "clouds"]}``.
        size: (height, width) of the images.
        seed: of everything random.
        vary: what has its own pose, camera and place: each person (``cell``: all of a person's images share them, only
            viewpoint and light differ), each viewpoint of a person (``view``), or each image (``image``). With ``cell``
            the place tells who it is, from other viewpoints too; a warning says so.
        backdrops: places to draw from: names, or folders with empty frames of the user's own cameras (see
            scenes.pictures); all the named ones if ``None``.
        sensor: kind of camera: ``clean``, ``cctv`` or ``phone``.
        wardrobe: a MakeHuman data folder whose clothes, shoes, hair and skins are worn beside the procedural ones;
            ``$CLOSERLOOK_MAKEHUMAN`` if ``None``.
        population: the mix of people: a :class:`Population`, or a YAML file with some of its shares.
        plan: render only the rows that it keeps.

    Raises:
        UsageError: a name is unknown or an option makes no sense.
        CloserlookError: the folder holds something else, or the disk is too small.
    """
    root = Path(out)
    workers, device = worker_count(workers), find_device(device)
    request = read_request(design, options)
    key = _key(request, device)
    if _is_finished(root, key):
        sweep(root)
        shutil.rmtree(root / WORK_NAME, ignore_errors=True)  # left where a run was killed when all else was done
        return open_dataset(root)
    if request.settings.vary == "cell":
        console.print(f"[bold yellow]warning:[/] {CELL_WARNING}", highlight=False)
    with alone_in(root, "rendering into"):
        if _is_finished(root, key):  # by a run that has just ended
            return open_dataset(root)
        if not (root / SETTINGS_NAME).exists():
            with atomic_path(root / SETTINGS_NAME) as draft:
                draft.write_text(yaml.safe_dump(key, sort_keys=False), encoding="utf-8")
        people = tasks_of(request.settings, root, request.table, request.extra, device)
        tasks = [task for task in people if not table_of(root, task.identity).exists()]
        left = sum(len(task.rows) for task in tasks)
        _check_space(root, request.settings, left)
        if tasks:
            prepare(device)
        done = request.table.height - left
        with progress(f"Rendering {root.name}", request.table.height, done=done) as count:
            try:
                for task, _ in run_in_processes(render_person, tasks, workers):
                    count(len(task.rows))
                    left -= len(task.rows)
            except CloserlookError:
                _check_space(root, request.settings, left)  # if the disk has become too small, say how much is needed
                raise
        return _finish(root, request)


def estimate(
    design: str | Path | Design = "gpr-plus", *, workers: int | None = None, **options: Unpack[Options]
) -> Estimate:
    """What :func:`generate` would do with the same arguments, without doing it."""
    workers = worker_count(workers)
    request = read_request(design, options)
    images = request.table.height
    people = request.design.identities * PERSON_SECONDS
    seconds = (images * _image_seconds(request) + people) / workers
    return Estimate(images, images * _image_bytes(request.settings), START_SECONDS + seconds)


# Measured on one core of a 2-core machine (bench/render.py): seconds to start, a person, a view and its pixels, a lit
# pixel.
START_SECONDS, PERSON_SECONDS = 4.0, 0.15
VIEW_SECONDS, VIEW_PIXEL_SECONDS, PIXEL_SECONDS = 0.0026, 4.0e-7, 4.7e-8


def _image_seconds(request: Request) -> float:
    """Seconds of one core an image, at its share of the pose or view that it has with others."""
    views = ("viewpoint", *(name for name in request.extra if parameter(name).startswith(VIEW_PARTS)))
    lights = math.prod(len(factor) for factor in request.design.factors if factor.name not in views)
    shared = 1 if request.settings.vary == "image" else lights
    pixels = math.prod(request.settings.size)
    return (VIEW_SECONDS + VIEW_PIXEL_SECONDS * pixels) / shared + PIXEL_SECONDS * pixels


def _image_bytes(settings: Settings) -> int:
    """About what an image takes on a disk with blocks of 4 KiB, of which the last is half full."""
    return round(700 + 0.18 * math.prod(settings.size)) + 2048


def _key(request: Request, device: str) -> dict[str, Any]:
    """All that the images depend on, as ``render.yaml`` keeps it."""
    settings, design, table = request.settings, request.design, request.table
    names = digest(table["file_name"].to_list())
    levels = {factor.name: factor.levels for factor in design.factors}
    people = {"identities": design.identities, "first_identity": int(str(table["identity"].min()))}
    kept = {**asdict(settings), "device": device.partition(":")[0], "sources": settings.sources()}
    return dict(plain({"design": design.name, **people, **levels, **kept, "images": table.height, "names": names}))


def _is_finished(root: Path, key: Key) -> bool:
    """Whether the folder holds all of these images; nothing is changed.

    Raises:
        CloserlookError: the folder holds something else.
    """
    path = root / SETTINGS_NAME
    with explain_os_errors(root):
        if not path.exists():
            if root.is_dir() and any(not found.name.endswith(DRAFT) for found in root.iterdir()):
                raise CloserlookError(f"{root} is not empty and holds no {path.name}: choose another output folder.")
            return False
    remedy = "Choose another output folder."
    found = read_yaml(path, remedy)
    if not isinstance(found, dict):
        raise CloserlookError(f"{path} does not hold the settings of a rendering. {remedy}")
    differing = changes(found, key)
    if differing:
        raise CloserlookError(
            f"{root} holds images rendered with other settings: {differing}. Choose another output folder, or delete "
            "this one."
        )
    return (root / TABLE_NAME).exists() and (root / DESIGN_NAME).exists()


def _check_space(root: Path, settings: Settings, images: int) -> None:
    needed = images * _image_bytes(settings)
    free = shutil.disk_usage(root).free
    if needed > free:
        raise CloserlookError(
            f"{images:,} images need about {needed / 2**20:,.0f} MiB and {root} has {free / 2**20:,.0f} MiB free: free "
            "some space or choose another output folder."
        )


def _finish(root: Path, request: Request) -> Dataset:
    design, table = request.design, request.table
    for leftover in (root / "images").glob(".*"):  # of a run that was killed
        shutil.rmtree(leftover, ignore_errors=True)
    people = table["identity"].unique(maintain_order=True)
    remedy = "remove it and run the same command again"
    tables = [read_parquet(table_of(root, person), {"file_name": "text"}, remedy=remedy) for person in people]
    made = pl.concat(tables, how="diagonal")
    made = made.select("file_name", pl.exclude(table.columns))
    complete = table.join(made, on="file_name", how="left", maintain_order="left")
    with atomic_path(root / CARD_NAME) as draft:
        draft.write_text(data_card(design, request.settings, table.height))
    Dataset.from_table(root, complete, design.name, design.factors).save(design)
    shutil.rmtree(root / WORK_NAME, ignore_errors=True)
    return open_dataset(root)
