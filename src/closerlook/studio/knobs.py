"""The knobs of the studio, and what they are as a design and as a command."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field

import yaml

from closerlook.attributes import Design, Factor, Level
from closerlook.choices import ScenePer, SensorName
from closerlook.synthesis.generation.parameters import check, column, parameter
from closerlook.synthesis.generation.request import Options

__all__ = ["Knobs", "as_command", "as_yaml"]

FILE = "studio.yaml"


@dataclass(frozen=True)
class Knobs:
    """Everything that an image of one person depends on.

    Attributes:
        identity, seed: which person; people of another seed are other people, in other clothes.
        viewpoint: degrees; 90 faces the camera.
        weather, illumination: levels that the renderer knows.
        backdrop: a place, or a folder with empty frames of the user's own cameras.
        sensor: kind of camera.
        parameters: any scene parameters by dotted name, such as ``{"camera.height": 4.0}``; the others are drawn.
        population: shares of the mix that the person comes from, such as ``{"winter": 1.0}``: what they wear.
        size: (height, width) in pixels.
        scene_per: with ``person`` pose, place and camera stay while the viewpoint turns; with ``view`` every viewpoint
            has its own, with ``image`` every light and weather, too.

    Example:
        >>> from closerlook.studio import Knobs, as_command
        >>> print(as_command(Knobs(weather="foggy")).splitlines()[-1])
        closerlook generate studio.yaml --seed 0 --size 256x128 --scene-per person --sensor cctv --out studio
    """

    identity: int = 1
    seed: int = 0
    viewpoint: float = 90.0
    weather: str = "neutral"
    illumination: str = "noon"
    backdrop: str = "street"
    sensor: SensorName = "cctv"
    parameters: Mapping[str, float] = field(default_factory=dict)
    population: Mapping[str, float] = field(default_factory=dict)
    size: tuple[int, int] = (256, 128)
    scene_per: ScenePer = "person"

    def design(self) -> Design:
        """The design whose only image this is.

        Raises:
            UsageError: a parameter is unknown or cannot have its value.
        """
        named = {parameter(name): value for name, value in self.parameters.items()}
        factors: dict[str, Level] = {
            "viewpoint": self.viewpoint,
            "weather": self.weather,
            "illumination": self.illumination,
        }
        factors |= {column(name): check(name, value) for name, value in named.items()}
        return Design(
            "studio",
            1,
            tuple(Factor(name, (level,)) for name, level in factors.items()),
            backdrops={self.backdrop: 1.0},
            population=dict(self.population),
        )

    def options(self) -> Options:
        """What :func:`closerlook.generate` takes besides the design."""
        return {
            "first_identity": self.identity,
            "seed": self.seed,
            "size": self.size,
            "scene_per": self.scene_per,
            "sensor": self.sensor,
        }


def as_yaml(knobs: Knobs) -> str:
    """The design, as :func:`closerlook.generate` reads it; the first line is the command that renders it."""
    return f"# {_generate(knobs)}\n{yaml.safe_dump(knobs.design().to_dict(), sort_keys=False)}"


def as_command(knobs: Knobs) -> str:
    """Shell text that writes the design and renders its image."""
    return f"cat > {FILE} <<'END'\n{as_yaml(knobs)}END\n{_generate(knobs)}"


def _generate(knobs: Knobs) -> str:
    height, width = knobs.size
    first = () if knobs.identity == 1 else ("--first-identity", knobs.identity)
    words = (FILE, *first, "--seed", knobs.seed, "--size", f"{height}x{width}")
    words = (*words, "--scene-per", knobs.scene_per, "--sensor", knobs.sensor, "--out", "studio")
    return f"closerlook generate {shlex.join(map(str, words))}"
