"""Rendering one person's images into their folder."""

from __future__ import annotations

import functools
import gc
import hashlib
import shutil
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import polars as pl
import warp as wp

from closerlook.compute.progress import progress
from closerlook.dataset.shards import write_shard
from closerlook.storage.files import atomic_path, cache_folder
from closerlook.storage.tables import write_parquet
from closerlook.synthesis import rendering
from closerlook.synthesis.generation.annotations import describe, mask
from closerlook.synthesis.generation.parameters import IMAGE_PARTS, VIEW_PARTS, column, value_in
from closerlook.synthesis.generation.sampling import (
    Scene,
    height_of,
    image_request,
    sample_jitter,
    sample_places,
    sample_view,
    scene_of,
    scene_pose,
    view_taken,
)
from closerlook.synthesis.generation.tasks import Row, Task, partial_table
from closerlook.synthesis.humans import Person, PosedBatch, pose_batch, visibility
from closerlook.synthesis.humans.body.assets import body_data
from closerlook.synthesis.humans.cache import load_person, trim
from closerlook.synthesis.humans.mesh.coarsening import coarsened
from closerlook.synthesis.humans.pose import skinning, solver, tangents
from closerlook.synthesis.rendering.renderer import Renderer, ViewRequest
from closerlook.synthesis.scenes.backdrop import nothing_before
from closerlook.synthesis.scenes.sensor import compress

__all__ = ["SPACING", "PlannedView", "posed_views", "prepare", "render_person", "write_images"]

SPACING = 2.5  # meters between a person's vertices, times the image's height in pixels: at most two pixels or so
KERNELS = (visibility, skinning, solver, tangents)  # besides the renderer's


def prepare(device: str = "cpu") -> None:
    """Make what a first run makes once, before the workers would each do it: body model, textures, kernels."""
    body_data()
    trim()
    files = [
        *sorted(Path(rendering.__file__).parent.rglob("*.py")),
        *(Path(str(module.__file__)) for module in KERNELS),
    ]
    sources = [path.read_bytes() for path in files]
    kind = "" if device == "cpu" else f"-sm{wp.get_device(device).arch}"
    marker = cache_folder("renderer") / (hashlib.sha256(b"".join(sources)).hexdigest()[:16] + kind)
    if not marker.exists():
        with progress("Compiling the renderer's kernels (once)", 2, "steps") as count:
            renderer = Renderer((16, 16), device)
            count(1)
            renderer.compile()
            for module in KERNELS:
                wp.load_module(module, device="cpu")
            count(1)
        marker.touch()


@functools.lru_cache(maxsize=1)
def _renderer(size: tuple[int, int], device: str) -> Renderer:
    renderer = Renderer(size, device)
    gc.freeze()  # what is there now stays: going through it again and again would take a twentieth of the time
    return renderer


def render_person(task: Task) -> None:
    """Make one person's images and their table: a shard; or a folder, which appears when all images are done, and the
    table after it."""
    settings = task.settings
    if task.in_shard:
        person = load_person(settings.seed, task.identity, settings.wardrobe, settings.population)
        images = {row.file_name: (data, annotation) for row, data, annotation in render_images(person, task)}
        made = pl.DataFrame([annotation for _, annotation in images.values()])
        write_shard(task.images, with_annotations(task.labels, made), [images[row.file_name][0] for row in task.rows])
        return
    shutil.rmtree(task.images, ignore_errors=True)  # left by a run that was stopped before the table was written
    with atomic_path(task.images) as draft:
        draft.mkdir()
        person = load_person(settings.seed, task.identity, settings.wardrobe, settings.population)
        table = write_images(person, task, draft)
    write_parquet(pl.DataFrame(table), partial_table(task.out, task.identity))


def with_annotations(labels: pl.DataFrame, made: pl.DataFrame) -> pl.DataFrame:
    """The rows of ``labels`` in order, with what is known of each image since it was rendered."""
    made = made.select("file_name", pl.exclude(labels.columns))
    return labels.join(made, on="file_name", how="left", maintain_order="left")


def write_images(person: Person, task: Task, folder: Path) -> list[dict[str, object]]:
    """Render a person's images into ``folder``; their annotations, one row per image."""
    table = []
    for row, data, annotation in render_images(person, task):
        (folder / row.file_name.rpartition("/")[2]).write_bytes(data)
        table.append(annotation)
    return table


def render_images(person: Person, task: Task) -> Iterator[tuple[Row, bytes, dict[str, object]]]:
    """A person's images as they are rendered: row, JPEG file, and its name with the annotations."""
    settings = task.settings
    for renderer, posed, views in posed_views(person, task):
        jitters = [
            [sample_jitter(settings, IMAGE_PARTS, task.identity, *row.cell) for row in view.rows] for view in views
        ]
        requests = [
            replace(view.request, images=tuple(map(functools.partial(image_request, task), view.rows, jitter)))
            for view, jitter in zip(views, jitters, strict=True)
        ]
        images = renderer.render(posed, requests)
        gbuffers = [renderer.gbuffer(number) for number in range(len(views))]
        annotations = describe(gbuffers, [request.view for request in requests])
        if settings.network is not None:
            for annotation, gbuffer in zip(annotations, gbuffers, strict=True):
                annotation["coverage"] = float(mask(gbuffer).mean())
        for view, request, annotation, jitter, shown in zip(views, requests, annotations, jitters, images, strict=True):
            camera, sensor = request.view.camera, request.view.sensor
            labels = {**person.labels, **posed.labels[request.pose], "sensor": settings.sensor}
            of_view = {**labels, **_columns(view.jitter, {"camera": camera, "sensor": sensor}), **annotation}
            for image, row, drawn, asked in zip(shown, view.rows, jitter, request.images, strict=True):
                of_image = _columns(drawn, {"weather": asked.weather, "illumination": asked.illumination})
                yield row, compress(image, sensor), {"file_name": row.file_name, **of_view, **of_image}


@dataclass(frozen=True)
class PlannedView:
    """One view of a person: what to request, the rows whose images it gives, and the jitter of its parameters."""

    request: ViewRequest
    rows: tuple[Row, ...]
    jitter: Mapping[str, float]


def posed_views(person: Person, task: Task) -> Iterator[tuple[Renderer, PosedBatch, list[PlannedView]]]:
    """The person's renderer; batches of poses and of views of them, whose requests are still without images."""
    settings = task.settings
    renderer = _renderer(settings.size, task.device)
    person = coarsened(person, SPACING / settings.size[0])
    renderer.set_person(person)
    views, height = list(_views(task).items()), height_of(person)
    for start in range(0, len(views), renderer.batch_size):
        part = views[start : start + renderer.batch_size]
        scenes = {scene: rows[0] for (scene, _), rows in part}
        posed = pose_batch(person, [scene_pose(settings, scene, row) for scene, row in scenes.items()])
        number = {scene: i for i, scene in enumerate(scenes)}
        where = {}
        if settings.network is None:
            where = sample_places(settings.seed, {scene: row.backdrop for scene, row in scenes.items()})
        batch = []
        for (scene, _), rows in part:
            jitter = sample_jitter(settings, VIEW_PARTS, *scene)
            changes = {**jitter, **rows[0].extra}
            if rows[0].taken is None:
                view = sample_view(settings, scene, rows[0].viewpoint, where[scene], height, changes)
            else:
                view = view_taken(settings, scene, rows[0].taken, height, changes)
            batch.append(PlannedView(ViewRequest(view, pose=number[scene]), tuple(rows), jitter))
        yield renderer, posed, _with_enough_person(renderer, posed, batch)


def _with_enough_person(renderer: Renderer, posed: PosedBatch, batch: list[PlannedView]) -> list[PlannedView]:
    """The views without what hides the person where their boxes ask for more of them."""
    asked = [view.request.view.camera.crop.least for view in batch]
    if not any(asked):
        return batch
    renderer.rasterize(posed, [view.request for view in batch])
    little = [mask(renderer.gbuffer(number)).mean() < least for number, least in enumerate(asked)]
    return [_unhidden(view) if hidden else view for view, hidden in zip(batch, little, strict=True)]


def _unhidden(planned: PlannedView) -> PlannedView:
    view = planned.request.view
    return replace(planned, request=replace(planned.request, view=replace(view, place=nothing_before(view.place))))


def _views(task: Task) -> dict[tuple[Scene, Scene], list[Row]]:
    """The rows that share a pose, place and camera, in an order that brings those of one pose together."""
    views: dict[tuple[Scene, Scene], list[Row]] = {}
    for row in task.rows:
        scene = scene_of(task, row)
        camera = (f"{name}={level}" for name, level in row.extra.items() if name.startswith(VIEW_PARTS))
        views.setdefault((scene, (row.cell[0], *camera)), []).append(row)
    first = {scene: i for i, (scene, _) in reversed(list(enumerate(views)))}
    return dict(sorted(views.items(), key=lambda view: first[view[0][0]]))


def _columns(drawn: Iterable[str], scene: Mapping[str, object]) -> dict[str, float]:
    """The parameters that were drawn, as the scene has them: rounded where they are whole, or not as drawn at all where
    a picture of the user's own camera says what they are."""
    return {column(name): value_in(scene, name) for name in drawn}
