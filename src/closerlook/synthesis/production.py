"""One person's images: the unit of work that a process does, and that a stopped run loses at most."""

from __future__ import annotations

import functools
import hashlib
import shutil
from dataclasses import dataclass
from pathlib import Path

import polars as pl
import simplejpeg

from closerlook.attributes import Level
from closerlook.compute.progress import progress
from closerlook.files import atomic_path, cache_folder
from closerlook.randomness import keyed_rng, keyed_seed
from closerlook.synthesis import render
from closerlook.synthesis.person import Person, pose_person, sample_pose
from closerlook.synthesis.person.assets import body_data
from closerlook.synthesis.person.cache import load_person, trim
from closerlook.synthesis.planning import Settings, scene_key
from closerlook.synthesis.render.renderer import Renderer, Shot, View
from closerlook.synthesis.scene.backdrop import BACKDROPS, Place, hidden_by, place
from closerlook.synthesis.scene.camera import sample_camera
from closerlook.synthesis.scene.sensor import sample_sensor

__all__ = ["WORK_NAME", "Task", "prepare", "render_person", "table_of", "write_images"]

WORK_NAME = ".render"
Scene = tuple[Level, ...]
Row = tuple[int, str, str, str, str]  # viewpoint, weather, illumination, backdrop, file name


@dataclass(frozen=True)
class Task:
    """One person's images to be made."""

    settings: Settings
    out: Path
    identity: int
    rows: tuple[Row, ...]


def table_of(root: Path, identity: int) -> Path:
    return root / WORK_NAME / f"{identity:06d}.parquet"


def prepare() -> None:
    """Make what a first run makes once, before the workers would each do it: body model, textures, kernels."""
    body_data()
    trim()
    sources = [path.read_bytes() for path in sorted(Path(render.__file__).parent.glob("*.py"))]
    marker = cache_folder("renderer") / hashlib.sha256(b"".join(sources)).hexdigest()[:16]
    if not marker.exists():
        with progress("Preparing the renderer (once)", 2, "steps") as count:
            renderer = Renderer((16, 16))
            count(1)
            renderer.compile()
            count(1)
        marker.touch()


@functools.lru_cache(maxsize=1)
def _renderer(size: tuple[int, int]) -> Renderer:
    return Renderer(size)


def render_person(task: Task) -> None:
    """Make one person's images and their table; the folder appears when all images are done, the table after it."""
    folder = task.out / Path(task.rows[0][-1]).parent
    shutil.rmtree(folder, ignore_errors=True)  # left by a run that was stopped before the table was written
    with atomic_path(folder) as draft:
        draft.mkdir()
        settings = task.settings
        person = load_person(settings.seed, task.identity, settings.wardrobe, settings.population)
        notes = write_images(person, task, draft)
    with atomic_path(table_of(task.out, task.identity)) as draft:
        pl.DataFrame(notes).write_parquet(draft)


def write_images(person: Person, task: Task, folder: Path) -> list[dict[str, object]]:
    """Render a person's images into ``folder``; their annotations, a row an image."""
    settings, notes = task.settings, []
    renderer = _renderer(settings.size)
    renderer.wear(person)
    posed: Scene | None = None
    for (scene, viewpoint), rows in _views(task).items():
        if posed != scene:
            renderer.pose(pose_person(person, sample_pose(keyed_rng(settings.seed, "pose", *scene))))
            posed = scene
        view = draw_view(settings, scene, viewpoint, rows[0][3])
        shots = [Shot.named(row[1], row[2], keyed_seed(settings.seed, "shot", task.identity, *row[:3])) for row in rows]
        images = renderer.render(view, shots)
        note = {**person.labels, "sensor": settings.sensor, **_annotations(renderer)}
        for image, row in zip(images, rows, strict=True):
            jpeg = simplejpeg.encode_jpeg(image, quality=view.sensor.quality, colorsubsampling="420")
            (folder / row[-1].rpartition("/")[2]).write_bytes(jpeg)
            notes.append({"file_name": row[-1], **note})
    return notes


def _views(task: Task) -> dict[tuple[Scene, int], list[Row]]:
    """The rows that share a pose, place and camera."""
    views: dict[tuple[Scene, int], list[Row]] = {}
    for row in task.rows:
        scene = scene_key(task.settings.vary, task.identity, *row[:3])
        views.setdefault((scene, row[0]), []).append(row)
    return views


def _annotations(renderer: Renderer) -> dict[str, object]:
    left, top, right, bottom = renderer.box()
    box = {"box_left": left, "box_top": top, "box_right": right, "box_bottom": bottom}
    return {**box, "keypoints": renderer.keypoints().ravel().tolist()}


def draw_view(settings: Settings, scene: Scene, viewpoint: int, backdrop: str) -> View:
    """The camera, place and sensor of a scene."""
    camera = sample_camera(keyed_rng(settings.seed, "camera", *scene), viewpoint)
    sensor = sample_sensor(keyed_rng(settings.seed, "sensor", *scene), settings.sensor)
    surroundings = _place(settings.seed, scene, backdrop)
    return View(camera, hidden_by(surroundings, camera, keyed_rng(settings.seed, "occluder", *scene)), sensor)


@functools.lru_cache(maxsize=1)
def _place(seed: int, scene: Scene, backdrop: str) -> Place:
    return place(BACKDROPS[backdrop], keyed_rng(seed, "place", *scene))
