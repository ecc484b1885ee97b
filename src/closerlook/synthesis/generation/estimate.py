"""How many images a run would make, how large, and how long it would take."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Unpack

from closerlook.attributes import Design
from closerlook.compute.processes import worker_count
from closerlook.synthesis.generation.parameters import VIEW_PARTS, parameter
from closerlook.synthesis.generation.request import Options, Request, read_request
from closerlook.synthesis.generation.settings import Settings

__all__ = ["Estimate", "estimate", "image_bytes"]

# Measured on one core of a 2-core machine (bench/render.py): seconds to start, a person, a view and its pixels, a lit
# pixel.
START_SECONDS, PERSON_SECONDS = 4.0, 0.15
VIEW_SECONDS, VIEW_PIXEL_SECONDS, PIXEL_SECONDS = 0.0026, 4.0e-7, 4.7e-8


@dataclass(frozen=True)
class Estimate:
    """What a run would make: images, bytes on disk, seconds on this machine."""

    images: int
    bytes: int
    seconds: float

    def __str__(self) -> str:
        minutes = f"{self.seconds / 60:.1f} minutes" if self.seconds > 90 else f"{self.seconds:.0f} seconds"
        return f"{self.images:,} images, about {self.bytes / 2**20:,.0f} MiB and {minutes}"


def estimate(
    design: str | Path | Design = "gpr-plus", *, workers: int | None = None, **options: Unpack[Options]
) -> Estimate:
    """What :func:`closerlook.generate` would do with the same arguments, without doing it.

    Example:
        >>> from closerlook.synthesis import estimate
        >>> estimate("gpr-plus", identities=10, levels={"viewpoint": [0]}, size=(64, 32), workers=1).images
        490
    """
    workers = worker_count(workers)
    request = read_request(design, options)
    images = request.table.height
    people = request.design.identities * PERSON_SECONDS
    seconds = (images * _image_seconds(request) + people) / workers
    return Estimate(images, images * image_bytes(request.settings), START_SECONDS + seconds)


def _image_seconds(request: Request) -> float:
    """Seconds of one core an image, at its share of the pose or view that it has with others."""
    views = ("viewpoint", *(name for name in request.extra if parameter(name).startswith(VIEW_PARTS)))
    lights = math.prod(len(factor) for factor in request.design.factors if factor.name not in views)
    shared = 1 if request.settings.scene_per == "image" else lights
    pixels = math.prod(request.settings.size)
    return (VIEW_SECONDS + VIEW_PIXEL_SECONDS * pixels) / shared + PIXEL_SECONDS * pixels


def image_bytes(settings: Settings) -> int:
    """About what an image takes on a disk with blocks of 4 KiB, of which the last is half full."""
    return round(700 + 0.18 * math.prod(settings.size)) + 2048
