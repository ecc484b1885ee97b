"""One person's images: the unit of work that a process does, and that a stopped run loses at most."""

from __future__ import annotations

import functools
import gc
import hashlib
import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import polars as pl
import warp as wp

from closerlook.attributes import Level
from closerlook.compute.progress import progress
from closerlook.randomness import keyed_rng, keyed_seed
from closerlook.storage.files import atomic_path, cache_folder
from closerlook.storage.tables import write_parquet
from closerlook.synthesis import rendering
from closerlook.synthesis.generation.annotations import describe
from closerlook.synthesis.generation.parameters import column, override, parameter, value_in, within
from closerlook.synthesis.generation.planning import FACTORS, key_of, scene_key
from closerlook.synthesis.generation.settings import Settings
from closerlook.synthesis.humans import Person, Pose, PosedBatch, pose_batch, sample_pose, visibility
from closerlook.synthesis.humans.body.assets import body_data
from closerlook.synthesis.humans.cache import load_person, trim
from closerlook.synthesis.humans.mesh.coarsening import coarsened
from closerlook.synthesis.humans.pose import skinning, solver, tangents
from closerlook.synthesis.rendering.renderer import ImageRequest, Renderer, View, ViewRequest
from closerlook.synthesis.scenes.backdrop import Place, backdrops, hidden_by, places
from closerlook.synthesis.scenes.camera import sample_camera
from closerlook.synthesis.scenes.sensor import compress, sample_sensor

__all__ = [
    "WORK_NAME",
    "Row",
    "Task",
    "draw_image",
    "draw_places",
    "draw_view",
    "height_of",
    "posed_views",
    "prepare",
    "render_person",
    "table_of",
    "tasks_of",
    "write_images",
]

WORK_NAME = ".render"
SPACING = 2.5  # metres between a person's vertices, times the image's height in pixels: at most two pixels or so
KERNELS = (visibility, skinning, solver, tangents)  # besides the renderer's
Scene = tuple[str | int, ...]
VIEW_PARTS, IMAGE_PARTS = ("camera.", "sensor."), ("weather.", "illumination.")
ROW_COLUMNS = (*FACTORS, "backdrop", "file_name")


@dataclass(frozen=True)
class Row:
    """One image to be made: its cell of the design, its place, and its file.

    Attributes:
        extra: levels of the scene parameters that are factors, by dotted name, in the design's order.
    """

    viewpoint: Level
    weather: str
    illumination: str
    backdrop: str
    file_name: str
    extra: Mapping[str, Level]

    @functools.cached_property
    def cell(self) -> tuple[str | int, ...]:
        """What keys the image's own randomness."""
        return key_of(self.viewpoint, self.weather, self.illumination, *self.extra.values())


@dataclass(frozen=True)
class Task:
    """One person's images to be made, on a Warp device."""

    settings: Settings
    out: Path
    identity: int
    rows: tuple[Row, ...]
    device: str = "cpu"


def tasks_of(
    settings: Settings, out: Path, table: pl.DataFrame, extra: Sequence[str], device: str = "cpu"
) -> list[Task]:
    """One task per person; ``extra`` are the table's columns that are scene parameters."""
    names = [parameter(name) for name in extra]
    tasks = []
    for part in table.partition_by("identity", maintain_order=True):
        rows = tuple(
            Row(**{name: row[name] for name in ROW_COLUMNS}, extra={name: row[column(name)] for name in names})
            for row in part.iter_rows(named=True)
        )
        tasks.append(Task(settings, out, int(part["identity"][0]), rows, device))
    return tasks


def table_of(root: Path, identity: int) -> Path:
    return root / WORK_NAME / f"{identity:06d}.parquet"


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
    """Make one person's images and their table; the folder appears when all images are done, the table after it."""
    folder = task.out / Path(task.rows[0].file_name).parent
    shutil.rmtree(folder, ignore_errors=True)  # left by a run that was stopped before the table was written
    with atomic_path(folder) as draft:
        draft.mkdir()
        settings = task.settings
        person = load_person(settings.seed, task.identity, settings.wardrobe, settings.population)
        notes = write_images(person, task, draft)
    write_parquet(pl.DataFrame(notes), table_of(task.out, task.identity))


def write_images(person: Person, task: Task, folder: Path) -> list[dict[str, object]]:
    """Render a person's images into ``folder``; their annotations, one row per image."""
    settings, notes = task.settings, []
    for renderer, posed, batch in posed_views(person, task):
        drawn_of = [[_drawn(settings, IMAGE_PARTS, task.identity, *row.cell) for row in each.rows] for each in batch]
        requests = [
            replace(each.request, images=tuple(draw_image(task, *pair) for pair in zip(each.rows, drawn, strict=True)))
            for each, drawn in zip(batch, drawn_of, strict=True)
        ]
        images = renderer.render(posed, requests)
        known = describe(
            [renderer.gbuffer(number) for number in range(len(batch))], [each.request.view for each in batch]
        )
        for each, note, of_view, request, shown in zip(batch, known, drawn_of, requests, images, strict=True):
            labels = {**person.labels, **posed.labels[each.request.pose], "sensor": settings.sensor}
            view = each.request.view
            note = {**labels, **_columns(each.drawn, {"camera": view.camera, "sensor": view.sensor}), **note}
            for image, row, drawn, image_request in zip(shown, each.rows, of_view, request.images, strict=True):
                (folder / row.file_name.rpartition("/")[2]).write_bytes(compress(image, view.sensor))
                own_columns = _columns(
                    drawn, {"weather": image_request.weather, "illumination": image_request.illumination}
                )
                notes.append({"file_name": row.file_name, **note, **own_columns})
    return notes


@dataclass(frozen=True)
class Planned:
    """One view of a person: what to request, the rows whose images it gives, and its jittered parameters."""

    request: ViewRequest
    rows: tuple[Row, ...]
    drawn: Mapping[str, float]


def posed_views(person: Person, task: Task) -> Iterator[tuple[Renderer, PosedBatch, list[Planned]]]:
    """The person's renderer; batches of poses and of views of them, whose requests are still without images."""
    settings = task.settings
    renderer = _renderer(settings.size, task.device)
    person = coarsened(person, SPACING / settings.size[0])
    renderer.set_person(person)
    views, height = list(_views(task).items()), height_of(person)
    for start in range(0, len(views), renderer.batch_size):
        part = views[start : start + renderer.batch_size]
        scenes = {scene: rows[0] for (scene, _), rows in part}
        posed = pose_batch(person, [_pose(settings, scene, row) for scene, row in scenes.items()])
        number = {scene: i for i, scene in enumerate(scenes)}
        where = draw_places(settings.seed, {scene: row.backdrop for scene, row in scenes.items()})
        batch = []
        for (scene, _), rows in part:
            drawn = _drawn(settings, VIEW_PARTS, *scene)
            view = draw_view(settings, scene, rows[0].viewpoint, where[scene], height, {**drawn, **rows[0].extra})
            batch.append(Planned(ViewRequest(view, pose=number[scene]), tuple(rows), drawn))
        yield renderer, posed, batch


def _pose(settings: Settings, scene: Scene, row: Row) -> Pose:
    """A scene's pose. Where each image has its own, umbrellas are open when snow or rain falls and folded when not."""
    pose = sample_pose(keyed_rng(settings.seed, "pose", *scene))
    if settings.vary != "image":
        return pose
    weather = override("weather", settings.weather[row.weather], row.extra)
    return replace(pose, sheltering=weather.flakes > 0)


def _views(task: Task) -> dict[tuple[Scene, Scene], list[Row]]:
    """The rows that share a pose, place and camera, in an order that brings those of one pose together."""
    views: dict[tuple[Scene, Scene], list[Row]] = {}
    for row in task.rows:
        scene = scene_key(task.settings.vary, task.identity, row.viewpoint, *row.cell[1:])
        looks = (f"{name}={level}" for name, level in row.extra.items() if name.startswith(VIEW_PARTS))
        views.setdefault((scene, (row.cell[0], *looks)), []).append(row)
    first = {scene: i for i, (scene, _) in reversed(list(enumerate(views)))}
    return dict(sorted(views.items(), key=lambda view: first[view[0][0]]))


def _drawn(settings: Settings, parts: tuple[str, ...], *key: str | int) -> dict[str, float]:
    """The jitter of some parts of a scene, for this key."""
    return {
        name: within(name, drawn.draw(keyed_rng(settings.seed, "jitter", name, *key)))
        for name, drawn in settings.jitter.items()
        if name.startswith(parts)
    }


def _columns(drawn: Iterable[str], scene: Mapping[str, object]) -> dict[str, float]:
    """The parameters that were drawn, as the scene has them: rounded where they are whole, or not as drawn at all where
    a picture of the user's own camera says what they are."""
    return {column(name): value_in(scene, name) for name in drawn}


def draw_image(task: Task, row: Row, drawn: Mapping[str, Level]) -> ImageRequest:
    """The weather and time of day of an image, with the parameters of them that it has ``drawn`` or that are levels."""
    settings, changes = task.settings, {**drawn, **row.extra}
    weather = override("weather", settings.weather[row.weather], changes)
    light = override("illumination", settings.illumination[row.illumination], changes)
    return ImageRequest(weather, light, keyed_seed(settings.seed, "shot", task.identity, *row.cell))


def draw_places(seed: int, backdrop_of: Mapping[Scene, str]) -> dict[Scene, Place]:
    """The place of each scene, of the kind of this name; drawn together, they take a tenth of the time."""
    kinds = [backdrops([name])[0] for name in backdrop_of.values()]
    drawn = places(kinds, [keyed_rng(seed, "place", *scene) for scene in backdrop_of])
    return dict(zip(backdrop_of, drawn, strict=True))


def height_of(person: Person) -> float:
    """Metres, with all that the person wears."""
    return float(person.positions[: person.body_vertices, 1].max())


def draw_view(
    settings: Settings,
    scene: Scene,
    viewpoint: Level,
    place: Place,
    height: float,
    changes: Mapping[str, Level] | None = None,
) -> View:
    """The camera and sensor of a scene, with ``changes`` of their parameters by dotted name, in its place, where they
    see somebody of this ``height``."""
    changes = changes or {}
    camera = sample_camera(keyed_rng(settings.seed, "camera", *scene), float(viewpoint))
    camera = override("camera", camera, changes)
    sensor = override("sensor", sample_sensor(keyed_rng(settings.seed, "sensor", *scene), settings.sensor), changes)
    if place.picture is not None:
        rng = keyed_rng(settings.seed, "picture", *scene)
        camera, sensor = place.picture.fit(camera, sensor, settings.size, rng)
    if camera.occlusion > 0.0:
        place = hidden_by(place, camera, keyed_rng(settings.seed, "occluder", *scene), height)
    return View(camera, place, sensor)
