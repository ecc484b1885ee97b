"""From knobs to the picture, by the same steps as :func:`closerlook.generate`: the bytes are the same."""

from __future__ import annotations

import functools
from pathlib import Path

from closerlook.studio.knobs import Knobs
from closerlook.synthesis.generation.render_person import prepare, render_images
from closerlook.synthesis.generation.request import read_request
from closerlook.synthesis.generation.tasks import tasks_of
from closerlook.synthesis.humans import Person, Population, load_person

__all__ = ["picture"]


def picture(knobs: Knobs) -> bytes:
    """The JPEG file that the knobs ask for.

    Raises:
        UsageError: a knob has a value that there is not.

    Example:
        >>> from closerlook.studio import Knobs, picture
        >>> picture(Knobs(size=(64, 32)))[:2].hex()  # as JPEG files begin
        'ffd8'
    """
    request = read_request(knobs.design(), knobs.options())
    (task,) = tasks_of(request.settings, Path(), request.table, request.extra)
    _prepare()
    settings = task.settings
    person = _person(settings.seed, task.identity, settings.wardrobe, settings.population)
    ((_, jpeg, _),) = render_images(person, task)
    return jpeg


@functools.cache
def _prepare() -> None:
    prepare()


@functools.lru_cache(maxsize=8)
def _person(seed: int, identity: int, wardrobe: str | None, population: Population) -> Person:
    return load_person(seed, identity, wardrobe, population)
