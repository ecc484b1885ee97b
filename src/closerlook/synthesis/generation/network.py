"""A network of fixed cameras: each has its own place, position, lens and sensor; people walk through some of them."""

from __future__ import annotations

import functools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from closerlook.attributes import MOST_CAMERAS, Level, Spec
from closerlook.errors import UsageError, short, unknown
from closerlook.randomness import keyed_rng
from closerlook.synthesis.generation.parameters import check, column, known_parameters, override, parameter
from closerlook.synthesis.scenes.backdrop import BACKDROPS, Place, places
from closerlook.synthesis.scenes.camera import MIDDLE, Camera, Crop
from closerlook.synthesis.scenes.passing import eye_of
from closerlook.synthesis.scenes.places import spheres
from closerlook.synthesis.scenes.sensor import Sensor, sample_sensor
from closerlook.synthesis.scenes.sight import Sight

__all__ = ["FIXED", "HEADINGS", "FixedCamera", "Network", "check_network", "draw_network", "visited"]

MOST_FRAMES = 99
HEADINGS = tuple(range(0, 360, 30))  # that people are seen from where a design does not say
WIDEST = 15.0  # degrees that a heading may be off a level
CLEAR = 2.5  # meters around a camera in which nothing stands
FIXED = (
    *("camera.distance", "camera.pitch", "camera.height", "camera.roll", "camera.focal", "camera.distortion"),
    *("camera.right", "camera.down"),
)  # what a camera of a network has once and for all, or what follows from the way that somebody takes
PLACED = FIXED[:-2]  # of these, what a design may say of each camera


@dataclass(frozen=True)
class Network:
    """What is asked for.

    Attributes:
        cameras: what is said of each camera: ``backdrop``, and parameters of ``camera`` and ``sensor`` by dotted name.
        frames: images of one walk through a camera's place.
        headings: viewpoints that people are seen from, degrees.
    """

    cameras: tuple[Spec, ...]
    frames: int
    headings: tuple[float, ...]

    @functools.cached_property
    def tolerance(self) -> float:
        """Degrees that a heading may be off one of ``headings``: half of the way to the next, at most ``WIDEST``."""
        ordered = np.sort(np.array(self.headings) % 360.0)
        gaps = np.diff(ordered, append=ordered[0] + 360.0)
        return min(float(gaps.min()) / 2, WIDEST)


@dataclass(frozen=True)
class FixedCamera:
    """A camera of a network, as scenes.passing describes it, in the middle of its place and with its sensor."""

    camera: Camera
    place: Place
    sensor: Sensor

    @functools.cached_property
    def sight(self) -> Sight:
        """What the camera can see, in numbers."""
        return Sight.of(self.camera, self.place)


def check_network(design: str, cameras: Sequence[Spec], frames: int, varied: Sequence[str]) -> None:
    """See that there can be such cameras, and that nothing varies what is fixed.

    Args:
        design: its name, for messages.
        cameras, frames: as in :class:`Network`.
        varied: the design's factors and jitter.

    Raises:
        UsageError: they cannot be.
    """
    if not 2 <= len(cameras) <= MOST_CAMERAS:
        raise UsageError(f"A network has 2 to {MOST_CAMERAS} cameras, not {short(len(cameras))}.")
    if not 1 <= frames <= MOST_FRAMES:
        raise UsageError(f"Design '{design}': frames must be 1 to {MOST_FRAMES}, not {short(frames)}.")
    for name in varied:
        if column(name) in map(column, FIXED):
            raise UsageError(
                f"Design '{design}' varies {parameter(name)}, which each camera of a network has for good: write it "
                "under 'cameras', as in 'cameras: [{camera.height: 3}, {camera.height: 5}]', or leave it out."
            )
    for spec in cameras:
        for name, value in spec.items():
            if name == "backdrop":
                if value not in BACKDROPS:
                    raise unknown(f"backdrop of a camera in design '{design}':", value, BACKDROPS)
            elif name in PLACED or (name.startswith("sensor.") and name in known_parameters()):
                check(name, value)
            else:
                known = [*PLACED, *(one for one in known_parameters() if one.startswith("sensor."))]
                raise unknown(f"entry of a camera in design '{design}':", name, ["backdrop", *known])


def draw_network(
    seed: int, network: Network, names: Sequence[str], shares: Sequence[float], sensor: str
) -> tuple[FixedCamera, ...]:
    """The cameras of a network; each is the same in a larger one.

    Args:
        seed: of everything random.
        network: what is asked for.
        names: of the places to draw from; each is used once before any is used again.
        shares: how often each is to come early, to a common factor; all alike if empty.
        sensor: kind of camera.
    """
    waits = keyed_rng(seed, "network", "places").exponential(size=len(names))
    order = [names[i] for i in np.argsort(waits / (np.array(shares) if shares else 1.0), kind="stable")]
    kinds = [str(spec.get("backdrop", order[k % len(order)])) for k, spec in enumerate(network.cameras)]
    rngs = [keyed_rng(seed, "network", "place", number) for number in range(1, len(kinds) + 1)]
    drawn = places([BACKDROPS[kind] for kind in kinds], rngs)
    return tuple(
        _fixed(seed, number, spec, place, sensor)
        for number, (spec, place) in enumerate(zip(network.cameras, drawn, strict=True), start=1)
    )


def _fixed(seed: int, number: int, spec: Spec, place: Place, sensor: str) -> FixedCamera:
    changes: Mapping[str, Level] = {name: value for name, value in spec.items() if name != "backdrop"}  # type: ignore[misc]
    camera = override("camera", _sample_camera(keyed_rng(seed, "network", "camera", number)), changes)
    electronics = override("sensor", sample_sensor(keyed_rng(seed, "network", "sensor", number), sensor), changes)
    return FixedCamera(camera, _cleared(place, camera), electronics)


def _sample_camera(rng: np.random.Generator) -> Camera:
    """A surveillance camera that somebody in the middle of its place fills a sixth to a third of the height of."""
    bearing, focal, far, pitch, distortion = rng.random(5).tolist()
    length = 22.0 * 2.2**focal
    distance = length * (0.26 + 0.22 * far)
    height = MIDDLE + distance * math.tan(math.radians(5.0 + 20.0 * pitch))
    return Camera(
        360.0 * bearing,
        distance,
        min(max(height, 2.2), 6.0),
        roll=1.2 * rng.standard_normal(),
        focal=length,
        distortion=0.16 * distortion,
        crop=Crop(cut=1),
    )


def _cleared(place: Place, camera: Camera) -> Place:
    """The place without what stands right before the camera, or around it."""
    eye, panels = eye_of(camera), place.panels
    near = np.hypot(panels.corner[:, 0] - eye[0], panels.corner[:, 2] - eye[2]) < CLEAR
    kept = panels[np.flatnonzero(~(panels.turns & near))]
    return replace(place, panels=kept, occluder_spheres=spheres(kept[np.flatnonzero(kept.turns)]))


def visited(seed: int, identity: int, cameras: int) -> list[int]:
    """Numbers of the cameras that a person walks through, from 1: 2 to all, as many with the same chance."""
    rng = keyed_rng(seed, "network", "visits", identity)
    return sorted((rng.permutation(cameras)[: int(rng.integers(2, cameras + 1))] + 1).tolist())
