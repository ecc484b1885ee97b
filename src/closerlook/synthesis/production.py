"""One person's images: the unit of work that a process does, and that a stopped run loses at most."""

from __future__ import annotations

import functools
import shutil
from dataclasses import dataclass
from pathlib import Path

import polars as pl
import simplejpeg

from closerlook.attributes import Level
from closerlook.compute.progress import progress
from closerlook.files import atomic_path
from closerlook.randomness import keyed_rng, keyed_seed
from closerlook.synthesis.person import pose_person, sample_person, sample_pose
from closerlook.synthesis.person.assets import body_data
from closerlook.synthesis.planning import Settings, scene_key
from closerlook.synthesis.render.renderer import Renderer, Shot, View
from closerlook.synthesis.scene.backdrop import BACKDROPS, place
from closerlook.synthesis.scene.camera import sample_camera
from closerlook.synthesis.scene.sensor import sample_sensor

__all__ = ["WORK_NAME", "Task", "prepare", "render_person", "table_of"]

WORK_NAME = ".render"


@dataclass(frozen=True)
class Task:
    """One person's images: rows of (viewpoint, weather, illumination, backdrop, file name)."""

    settings: Settings
    out: Path
    identity: int
    rows: tuple[tuple[int, str, str, str, str], ...]


def table_of(root: Path, identity: int) -> Path:
    return root / WORK_NAME / f"{identity:06d}.parquet"


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
    with atomic_path(table_of(task.out, task.identity)) as draft:
        pl.DataFrame(notes).write_parquet(draft)


def draw_view(settings: Settings, scene: tuple[Level, ...], viewpoint: int, backdrop: str) -> View:
    """The camera, place and sensor of a scene; the same for all that share its key."""
    camera = sample_camera(keyed_rng(settings.seed, "camera", *scene), viewpoint)
    where = place(BACKDROPS[backdrop], keyed_rng(settings.seed, "place", *scene))
    return View(camera, where, sample_sensor(keyed_rng(settings.seed, "sensor", *scene), settings.sensor))
