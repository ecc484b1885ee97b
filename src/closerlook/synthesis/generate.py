"""From a design to a data set: every person in every viewpoint, weather and time of day.

Each image is a pure function of the settings and its own cell, so that worker count, order, subset and resuming leave
its bytes as they are. A person's folder and table appear together or not at all; the data set's table appears last.
"""

from __future__ import annotations

import functools
import hashlib
import math
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
import polars as pl
import simplejpeg
import yaml

from closerlook.attributes import Design, Level
from closerlook.compute.processes import run_in_processes, usable_cores
from closerlook.compute.progress import progress
from closerlook.dataset.table import DESIGN_NAME, TABLE_NAME, Dataset, Selectable
from closerlook.errors import CloserlookError, UsageError, unknown
from closerlook.files import atomic_path, explain_os_errors
from closerlook.randomness import keyed_rng, keyed_seed
from closerlook.synthesis.person import pose_person, sample_person, sample_pose
from closerlook.synthesis.person.assets import body_data
from closerlook.synthesis.render.renderer import Renderer, Shot, View
from closerlook.synthesis.scene.backdrop import backdrops as find_backdrops, place
from closerlook.synthesis.scene.camera import sample_camera
from closerlook.synthesis.scene.sensor import SENSORS, sample_sensor
from closerlook.synthesis.scene.sky import ILLUMINATIONS
from closerlook.synthesis.scene.weather import WEATHERS

__all__ = ["Estimate", "estimate", "generate"]

SETTINGS_NAME = "render.yaml"
WORK_NAME = ".render"
VARY = ("cell", "view", "image")
FACTORS = ("viewpoint", "weather", "illumination")
DEFAULTS: dict[str, Level] = {"viewpoint": 90, "weather": "neutral", "illumination": "noon"}


@dataclass(frozen=True)
class Settings:
    """All that the bytes of an image depend on, besides its cell."""

    seed: int
    size: tuple[int, int]
    vary: str
    backdrops: tuple[str, ...]
    sensor: str


@dataclass(frozen=True)
class Task:
    """One person's images: rows of (viewpoint, weather, illumination, backdrop, file name)."""

    settings: Settings
    out: Path
    identity: int
    rows: tuple[tuple[int, str, str, str, str], ...]


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
    identities: int | None = None,
    first_identity: int = 1,
    levels: Mapping[str, Sequence[object]] | None = None,
    size: tuple[int, int] = (128, 64),
    seed: int = 0,
    vary: str = "view",
    backdrops: Sequence[str] | None = None,
    sensor: str = "cctv",
    workers: int | None = None,
    plan: Selectable | None = None,
) -> Dataset:
    """Render a design's people into a folder, and open it.

    A stopped run goes on where it was when called again with the same settings; a finished one is only opened.

    Args:
        design: a name, a YAML file or a :class:`Design` with factors among viewpoint, weather and illumination.
        out: folder for the images and their table; new, empty, or left by the same call.
        identities: number of people; the design's own number if ``None``.
        first_identity: number of the first person; people of other numbers, or of another seed, are other people.
        levels: the product subset to render, as ``{"weather": ["sunny", "clouds"]}``.
        size: (height, width) of the images.
        seed: of everything random.
        vary: what has its own pose, camera and place: each person (``cell``: all of a person's images share them, only
            viewpoint and light differ), each viewpoint of a person (``view``), or each image (``image``).
        backdrops: names of places to draw from; all of them if ``None``.
        sensor: kind of camera: ``clean``, ``cctv`` or ``phone``.
        workers: processes; one a core if ``None``.
        plan: render only the rows that it keeps.

    Raises:
        UsageError: a name is unknown or an option makes no sense.
        CloserlookError: the folder holds something else, or the disk is too small.
    """
    root = Path(out)
    chosen = _design(design, identities, levels)
    settings = _settings(size, seed, vary, backdrops, sensor)
    table = _planned(chosen, settings, first_identity, plan)
    with explain_os_errors(root):
        if _prepare(root, settings, chosen, table):
            return Dataset.open(root)
    tasks = [task for task in _tasks(root, settings, table) if not _table_of(root, task.identity).exists()]
    workers = _workers(workers)
    _check_space(root, settings, sum(len(task.rows) for task in tasks))
    if tasks:
        prepare()
    with progress(f"Rendering {root.name}", table.height) as count:
        count(table.height - sum(len(task.rows) for task in tasks))
        for task, _ in run_in_processes(render_person, tasks, workers):
            count(len(task.rows))
    return _finish(root, chosen, table)


def estimate(
    design: str | Path | Design = "gpr-plus",
    *,
    identities: int | None = None,
    first_identity: int = 1,
    levels: Mapping[str, Sequence[object]] | None = None,
    size: tuple[int, int] = (128, 64),
    seed: int = 0,
    vary: str = "view",
    backdrops: Sequence[str] | None = None,
    sensor: str = "cctv",
    workers: int | None = None,
    plan: Selectable | None = None,
) -> Estimate:
    """What :func:`generate` would do with the same arguments, without doing it."""
    chosen = _design(design, identities, levels)
    settings = _settings(size, seed, vary, backdrops, sensor)
    images = len(chosen) if plan is None else _planned(chosen, settings, first_identity, plan).height
    people = chosen.identities * PERSON_SECONDS
    seconds = (images * _image_seconds(settings, chosen) + people) / _workers(workers)
    return Estimate(images, images * _image_bytes(settings), START_SECONDS + seconds)


# Measured on one core of a 2-core machine (bench/render.py): seconds to start, a person, a pose or view, a pixel.
START_SECONDS, PERSON_SECONDS = 4.0, 0.4
VIEW_SECONDS, PIXEL_SECONDS = 0.012, 6e-8


def _image_seconds(settings: Settings, design: Design) -> float:
    lights = math.prod(len(factor) for factor in design.factors if factor.name != "viewpoint")
    shared = 1 if settings.vary == "image" else lights
    return VIEW_SECONDS / shared + PIXEL_SECONDS * math.prod(settings.size)


def _image_bytes(settings: Settings) -> int:
    """About what an image takes on a disk with blocks of 4 KiB."""
    size = 700 + 0.28 * math.prod(settings.size)
    return math.ceil(size / 4096) * 4096


def _workers(workers: int | None) -> int:
    if workers is not None and workers < 1:
        raise UsageError(f"--workers must be at least 1, not {workers}.")
    return workers or usable_cores()


def _design(
    source: str | Path | Design, identities: int | None, levels: Mapping[str, Sequence[object]] | None
) -> Design:
    design = Design.load(source)
    for factor in design.factors:
        if factor.name not in FACTORS:
            raise unknown(f"factor to render in design '{design.name}':", factor.name, FACTORS)
    if identities is not None:
        if identities < 1:
            raise UsageError(f"--identities must be at least 1, not {identities}.")
        design = replace(design, identities=identities)
    design = design.subset(None, **(levels or {}))
    known: dict[str, Mapping[str, object]] = {"weather": WEATHERS, "illumination": ILLUMINATIONS}
    for factor in design.factors:
        for level in factor.levels:
            if factor.name == "viewpoint":
                camera_number(level)
            elif level not in known[factor.name]:
                raise unknown(factor.name, level, known[factor.name])
    return design


def camera_number(viewpoint: Level) -> int:
    """FineGPR's number of a viewpoint: 1 at 90 degrees, one more every 10."""
    if not isinstance(viewpoint, int) or viewpoint % 10:
        raise UsageError(f"A viewpoint must be a multiple of 10 degrees, not {viewpoint}.")
    return (viewpoint - 90) % 360 // 10 + 1


def _settings(size: tuple[int, int], seed: int, vary: str, backdrops: Sequence[str] | None, sensor: str) -> Settings:
    height, width = size
    if not (16 <= height <= 1024 and 16 <= width <= 1024):
        raise UsageError(f"Image height and width must be 16 to 1024 pixels, not {height} x {width}.")
    if vary not in VARY:
        raise unknown("--vary", vary, VARY)
    if sensor not in SENSORS:
        raise unknown("sensor", sensor, SENSORS)
    return Settings(seed, (height, width), vary, tuple(place.name for place in find_backdrops(backdrops)), sensor)


def _planned(design: Design, settings: Settings, first_identity: int, plan: Selectable | None) -> pl.DataFrame:
    """The images to make, in the order of the finished table."""
    if first_identity < 1 or first_identity + design.identities > 10**6:
        raise UsageError(f"--first-identity must be 1 to 999,999, not {first_identity}.")
    columns: dict[str, list[Level]] = {name: [] for name in ("file_name", "identity", "camera", *FACTORS, "backdrop")}
    names = [factor.name for factor in design.factors]
    for identity in range(first_identity, first_identity + design.identities):
        for cell in design.cells():
            values = {**DEFAULTS, **dict(zip(names, cell, strict=True))}
            key = scene_key(settings.vary, identity, values["viewpoint"], values["weather"], values["illumination"])
            chosen = settings.backdrops[keyed_seed(settings.seed, "backdrop", *key) % len(settings.backdrops)]
            camera = camera_number(values["viewpoint"])
            columns["file_name"].append(_file_name(identity, camera, values, chosen))
            for name, value in (("identity", identity), ("camera", camera), *values.items(), ("backdrop", chosen)):
                columns[name].append(value)
    table = pl.DataFrame(columns).with_columns(split=pl.lit("train"))
    if plan is not None:
        table = table[np.asarray(plan.rows(table), dtype=np.int64)]
        if table.height == 0:
            raise CloserlookError("The plan keeps none of the design's images.")
    return table


def _file_name(identity: int, camera: int, values: Mapping[str, Level], backdrop: str) -> str:
    weather = list(WEATHERS).index(str(values["weather"])) + 1
    light = list(ILLUMINATIONS).index(str(values["illumination"])) + 1
    number = find_backdrops([backdrop])[0].number
    person = f"{identity:04d}"
    return f"images/{person}/{person}_c{camera:02d}_w{weather:02d}_l{light:02d}_p{number:02d}.jpg"


def scene_key(vary: str, identity: int, viewpoint: Level, weather: Level, illumination: Level) -> tuple[Level, ...]:
    """What an image shares its pose, camera and place with."""
    return {
        "cell": ("cell", identity),
        "view": ("view", identity, viewpoint),
        "image": ("image", identity, viewpoint, weather, illumination),
    }[vary]


def _prepare(root: Path, settings: Settings, design: Design, table: pl.DataFrame) -> bool:
    """Make the folder ready and say whether it is finished already.

    Raises:
        CloserlookError: the folder holds something else.
    """
    names = hashlib.sha256("\n".join(table["file_name"]).encode()).hexdigest()[:16]
    wanted = {"design": design.to_dict(), **asdict(settings), "images": table.height, "file_names": names}
    wanted = yaml.safe_load(yaml.safe_dump(_plain(wanted)))
    path = root / SETTINGS_NAME
    if not path.exists():
        if root.is_dir() and any(root.iterdir()):
            raise CloserlookError(f"{root} is not empty and holds no {SETTINGS_NAME}: choose another output folder.")
        with atomic_path(path) as draft:
            draft.write_text(yaml.safe_dump(wanted, sort_keys=False))
        return False
    try:
        found = yaml.safe_load(path.read_text())
    except (yaml.YAMLError, UnicodeDecodeError):
        found = None
    if not isinstance(found, dict):
        raise CloserlookError(f"{path} cannot be read: choose another output folder.")
    for name, value in wanted.items():
        if found.get(name) != value:
            raise CloserlookError(
                f"{root} holds images rendered with other settings ({name}: {found.get(name)}, now {value}). Choose "
                "another output folder, or delete this one."
            )
    return (root / TABLE_NAME).exists() and (root / DESIGN_NAME).exists()


def _plain(value: object) -> object:
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    return [_plain(item) for item in value] if isinstance(value, list | tuple) else value


def _table_of(root: Path, identity: int) -> Path:
    return root / WORK_NAME / f"{identity:06d}.parquet"


def _tasks(root: Path, settings: Settings, table: pl.DataFrame) -> list[Task]:
    columns = ("viewpoint", "weather", "illumination", "backdrop", "file_name")
    return [
        Task(settings, root, int(part["identity"][0]), tuple(part.select(columns).iter_rows()))
        for part in table.partition_by("identity", maintain_order=True)
    ]


def _check_space(root: Path, settings: Settings, images: int) -> None:
    needed = images * _image_bytes(settings)
    free = shutil.disk_usage(root).free
    if needed > free:
        raise CloserlookError(
            f"{images:,} images need about {needed / 2**20:,.0f} MiB and {root} has {free / 2**20:,.0f} MiB free: free "
            "some space or choose another output folder."
        )


def _finish(root: Path, design: Design, table: pl.DataFrame) -> Dataset:
    people = table["identity"].unique(maintain_order=True)
    made = pl.concat([pl.read_parquet(_table_of(root, identity)) for identity in people], how="diagonal")
    complete = table.join(made, on="file_name", how="left", maintain_order="left")
    Dataset.from_table(root, complete, design.name, design.factors).save(design)
    shutil.rmtree(root / WORK_NAME, ignore_errors=True)
    return Dataset.open(root)


def prepare() -> None:
    """What a first run makes once, before the workers would each do it: kernels, textures and the body model."""
    body_data()
    with progress("Preparing the renderer (the first run compiles it)", 1, "steps") as count:
        Renderer((16, 16)).compile()
        count(1)


@functools.lru_cache(maxsize=1)
def _renderer(size: tuple[int, int]) -> Renderer:
    return Renderer(size)


def render_person(task: Task) -> None:
    """Make one person's images and their table; both appear when all are done."""
    settings = task.settings
    renderer = _renderer(settings.size)
    person = sample_person(settings.seed, task.identity)
    renderer.wear(person)
    folder = task.out / Path(task.rows[0][-1]).parent
    shutil.rmtree(folder, ignore_errors=True)  # left by a run that was stopped before the table was written
    groups: dict[tuple[Level, ...], list[tuple[int, str, str, str, str]]] = {}
    for row in task.rows:
        scene = scene_key(settings.vary, task.identity, *row[:3])
        groups.setdefault((*scene, "at", row[0]), []).append(row)
    notes = []
    posed: tuple[Level, ...] | None = None
    with atomic_path(folder) as draft:
        draft.mkdir()
        for key, rows in groups.items():
            scene, viewpoint = key[:-2], key[-1]
            if posed != scene:
                renderer.pose(pose_person(person, sample_pose(keyed_rng(settings.seed, "pose", *scene))))
                posed = scene
            view = draw_view(settings, scene, int(viewpoint), rows[0][3])
            shots = [
                Shot.named(row[1], row[2], keyed_seed(settings.seed, "shot", task.identity, *row[:3])) for row in rows
            ]
            for image, row in zip(renderer.render(view, shots), rows, strict=True):
                path = draft / Path(row[-1]).name
                path.write_bytes(simplejpeg.encode_jpeg(image, quality=view.sensor.quality, colorsubsampling="420"))
            left, top, right, bottom = renderer.box()
            note = {"box_left": left, "box_top": top, "box_right": right, "box_bottom": bottom}
            notes += [{"file_name": row[-1], **person.labels, "sensor": settings.sensor, **note} for row in rows]
    with atomic_path(_table_of(task.out, task.identity)) as draft:
        pl.DataFrame(notes).write_parquet(draft)


def draw_view(settings: Settings, scene: tuple[Level, ...], viewpoint: int, backdrop: str) -> View:
    """The camera, place and sensor of a scene; the same for all that share its key."""
    camera = sample_camera(keyed_rng(settings.seed, "camera", *scene), viewpoint)
    where = place(find_backdrops([backdrop])[0], keyed_rng(settings.seed, "place", *scene))
    return View(camera, where, sample_sensor(keyed_rng(settings.seed, "sensor", *scene), settings.sensor))
