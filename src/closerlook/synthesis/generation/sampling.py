"""What is drawn at random of a scene: pose, place, camera, sensor, and the jitter of its parameters.

Each is keyed by the seed and the scene alone, so that images are the same in any order and company.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from closerlook.attributes import Level
from closerlook.randomness import keyed_rng, keyed_seed
from closerlook.synthesis.generation.keys import scene_key, walk_key
from closerlook.synthesis.generation.parameters import override, within
from closerlook.synthesis.generation.settings import Settings
from closerlook.synthesis.generation.tasks import Row, Taken, Task
from closerlook.synthesis.generation.walks import peopled, walking
from closerlook.synthesis.humans import Person, Pose, sample_pose
from closerlook.synthesis.rendering.renderer import ImageRequest, View
from closerlook.synthesis.scenes.backdrop import Place, backdrops, hidden_by, places
from closerlook.synthesis.scenes.camera import sample_camera, sample_crop
from closerlook.synthesis.scenes.passing import camera_at, place_at
from closerlook.synthesis.scenes.sensor import sample_sensor

__all__ = [
    "Scene",
    "height_of",
    "image_request",
    "sample_jitter",
    "sample_places",
    "sample_view",
    "scene_of",
    "scene_pose",
    "view_taken",
]

Scene = tuple[str | int, ...]
LEAST_SCALE = 0.3  # of the image's pixels that somebody far from a camera of a network has


def scene_of(task: Task, row: Row) -> Scene:
    """What the randomness of a row's pose, place and camera is keyed with."""
    if row.taken is None:
        return scene_key(task.settings.scene_per, task.identity, row.viewpoint, *row.cell[1:])
    return (*_walk_of(task.settings.scene_per, task.identity, row), row.taken.frame)


def _walk_of(scene_per: str, identity: int, row: Row) -> Scene:
    assert row.taken is not None
    return walk_key(scene_per, identity, row.taken.camera, *row.cell[2:])


def scene_pose(settings: Settings, scene: Scene, row: Row) -> Pose:
    """A scene's pose: of the frames of a walk the same gait, further on. Where each image has its own, umbrellas are
    open when snow or rain falls and folded when not."""
    if row.taken is None:
        pose = sample_pose(keyed_rng(settings.seed, "pose", *scene))
    else:
        pose = walking(sample_pose(keyed_rng(settings.seed, "pose", *scene[:-1])), row.taken.step)
    if settings.scene_per != "image":
        return pose
    weather = override("weather", settings.weather[row.weather], row.extra)
    return replace(pose, sheltering=weather.flakes > 0)


def view_taken(settings: Settings, scene: Scene, taken: Taken, height: float, changes: Mapping[str, Level]) -> View:
    """What a camera of a network sees of somebody of this ``height``, with ``changes`` of its box and sensor by dotted
    name; the nearer they are, the more pixels they have."""
    fixed, step = settings.cameras[taken.camera - 1], taken.step
    rng = keyed_rng(settings.seed, "camera", *scene)
    camera = camera_at(fixed.camera, step, height)
    camera = override("camera", replace(camera, crop=replace(sample_crop(rng), cut=1)), changes)
    nearer = fixed.camera.distance / camera.distance
    down, right = rng.integers(8, size=2).tolist()
    scale = min(max(fixed.sensor.scale * nearer, LEAST_SCALE), 1.0)
    sensor = override("sensor", replace(fixed.sensor, scale=scale, grid_down=down, grid_right=right), changes)
    place = place_at(peopled(fixed, step, settings.seed, scene[:-1]), fixed.camera, step)
    if camera.occlusion > 0.0:
        place = hidden_by(place, camera, keyed_rng(settings.seed, "occluder", *scene), height)
    return View(camera, place, sensor)


def sample_jitter(settings: Settings, parts: tuple[str, ...], *key: str | int) -> dict[str, float]:
    """The jitter of some parts of a scene, for this key."""
    return {
        name: within(name, drawn.draw(keyed_rng(settings.seed, "jitter", name, *key)))
        for name, drawn in settings.jitter.items()
        if name.startswith(parts)
    }


def image_request(task: Task, row: Row, drawn: Mapping[str, Level]) -> ImageRequest:
    """The weather and time of day of an image, with the parameters of them that it has ``drawn`` or that are levels."""
    settings, changes = task.settings, {**drawn, **row.extra}
    weather = override("weather", settings.weather[row.weather], changes)
    light = override("illumination", settings.illumination[row.illumination], changes)
    return ImageRequest(weather, light, keyed_seed(settings.seed, "shot", task.identity, *row.cell))


def sample_places(seed: int, backdrop_of: Mapping[Scene, str]) -> dict[Scene, Place]:
    """The place of each scene, of the kind of this name; drawn together, they take a tenth of the time."""
    kinds = [backdrops([name])[0] for name in backdrop_of.values()]
    drawn = places(kinds, [keyed_rng(seed, "place", *scene) for scene in backdrop_of])
    return dict(zip(backdrop_of, drawn, strict=True))


def height_of(person: Person) -> float:
    """Meters, with all that the person wears."""
    return float(person.positions[: person.body_vertices, 1].max())


def sample_view(
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
