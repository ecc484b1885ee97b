"""What is drawn at random of a scene: pose, place, camera, sensor, and the jitter of its parameters.

Each is keyed by the seed and the scene alone, so that images are the same in any order and company.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from closerlook.attributes import Level
from closerlook.randomness import keyed_rng, keyed_seed
from closerlook.synthesis.generation.parameters import override, within
from closerlook.synthesis.generation.settings import Settings
from closerlook.synthesis.generation.tasks import Row, Task
from closerlook.synthesis.humans import Person, Pose, sample_pose
from closerlook.synthesis.rendering.renderer import ImageRequest, View
from closerlook.synthesis.scenes.backdrop import Place, backdrops, hidden_by, places
from closerlook.synthesis.scenes.camera import sample_camera
from closerlook.synthesis.scenes.sensor import sample_sensor

__all__ = ["Scene", "height_of", "image_request", "sample_jitter", "sample_places", "sample_view", "scene_pose"]

Scene = tuple[str | int, ...]


def scene_pose(settings: Settings, scene: Scene, row: Row) -> Pose:
    """A scene's pose. Where each image has its own, umbrellas are open when snow or rain falls and folded when not."""
    pose = sample_pose(keyed_rng(settings.seed, "pose", *scene))
    if settings.scene_per != "image":
        return pose
    weather = override("weather", settings.weather[row.weather], row.extra)
    return replace(pose, sheltering=weather.flakes > 0)


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
