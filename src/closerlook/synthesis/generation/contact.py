"""A contact sheet: many people side by side, at one scale and in one light, with what can be seen of each."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from closerlook.arrays import Bytes
from closerlook.compute.progress import progress
from closerlook.errors import UsageError, short
from closerlook.randomness import keyed_rng
from closerlook.storage.files import atomic_path
from closerlook.synthesis.generation.annotations import mask
from closerlook.synthesis.generation.image_table import MAX_PEOPLE
from closerlook.synthesis.generation.render_person import prepare
from closerlook.synthesis.humans import Person, Population, load_person, pose_person, sample_pose
from closerlook.synthesis.rendering.renderer import ImageRequest, Renderer, View
from closerlook.synthesis.scenes.backdrop import BACKDROPS, place
from closerlook.synthesis.scenes.camera import Camera, Crop
from closerlook.synthesis.scenes.sensor import Sensor

__all__ = ["contact_sheet", "describe"]


CELL = (288, 232)  # as wide as a bicycle is long
LINE, LINES = 13, 5  # pixels of a line of the caption, and how many there are at most
CAPTION = 8 + LINE * LINES  # pixels below a person
SCALE = 2.24  # meters that a cell is high
FLOOR = 0.09  # of the cell, below the feet
SHEET = 1.6  # width over height aimed at
MAX_DRAWN = 2000  # people
LENS = Sensor(exposure=1.4, saturation=1.1)
WALL, GROUND, INK, FAINT = (233, 231, 227), (214, 210, 203), (45, 45, 48), (120, 118, 115)


def contact_sheet(
    out: str | Path,
    *,
    count: int = 60,
    first: int = 1,
    views: int = 1,
    seed: int = 0,
    wardrobe: str | Path | None = None,
    population: str | Path | Population | None = None,
    captions: bool = True,
) -> None:
    """Draw ``count`` people of a seed, each from ``views`` sides in as many poses, into one picture.

    Args:
        out: the picture; its suffix says its format.
        count: number of people.
        first: number of the first.
        views: sides of each, evenly around.
        seed, wardrobe, population: as for :func:`closerlook.generate`.
        captions: write below everybody what their labels say.

    Raises:
        UsageError: a number is out of range or the suffix is not that of a picture.
    """
    if not 1 <= count <= MAX_DRAWN or not 1 <= views <= 12:
        raise UsageError(
            f"--count must be 1 to {MAX_DRAWN} and --views 1 to 12, not {short(count)} and {short(views)}."
        )
    if not 1 <= first <= MAX_PEOPLE - count + 1:
        raise UsageError(f"People are numbered from 1 to {MAX_PEOPLE:,}, not from {short(first)}.")
    out = Path(out)
    if out.suffix.lower() not in (".png", ".jpg", ".jpeg", ".webp"):
        raise UsageError(f"--out {out} must end in .png, .jpg or .webp.")
    mix = Population.load(population)
    height, width = CELL[0] + captions * CAPTION, CELL[1] * views
    columns = _columns(count, height / width)
    sheet = Image.new("RGB", (columns * width, -(-count // columns) * height), WALL)
    prepare()
    renderer = Renderer(CELL)
    with progress("Drawing people", count, "people") as advance:
        for k in range(count):
            person = load_person(seed, first + k, wardrobe, mix)
            corner = (k % columns * width, k // columns * height)
            sheet.paste(Image.fromarray(_portraits(renderer, person, seed, views)), corner)
            if captions:
                _write(sheet, (corner[0] + width // 2, corner[1] + CELL[0]), width, person)
            advance(1)
    with atomic_path(out) as draft:
        sheet.save(draft)


def _columns(count: int, shape: float) -> int:
    """How many people of a cell's height over width go into a row: a pleasant sheet with few empty places."""
    aim = math.sqrt(count * shape * SHEET)
    near = range(max(1, round(0.8 * aim)), max(1, min(count, round(1.25 * aim))) + 1)
    return min(near, key=lambda columns: (-count % columns / columns) + abs(math.log(columns / aim)), default=count)


def _portraits(renderer: Renderer, person: Person, seed: int, views: int) -> Bytes:
    """The person from each side, before a plain wall."""
    renderer.set_person(person)
    tall = float(person.skeleton.heads[person.skeleton.names.index("head"), 1]) * 1.12
    crop = Crop(SCALE / tall, down=0.5 - (0.5 - FLOOR) * SCALE / tall)
    yard = place(BACKDROPS["street"], keyed_rng(0, "contact sheet"))
    pictures = []
    for k in range(views):
        posed = pose_person(person, sample_pose(keyed_rng(seed, "contact sheet", person.identity, k)))
        camera = Camera(viewpoint=65 + 360 * k / views, distance=9.0, height=1.9, focal=50.0, crop=crop)
        view = View(camera, yard, LENS)
        image = renderer.render_view(posed, view, [ImageRequest.from_names("neutral", "forenoon", k)])[0]
        cover = mask(renderer.gbuffer())[..., None]
        pictures.append(np.rint(cover * image + (1 - cover) * _backcloth()).astype(np.uint8))
    return np.concatenate(pictures, axis=1)


def _backcloth() -> NDArray[np.float64]:
    """A wall that runs softly into the floor."""
    down = np.linspace(0, 1, CELL[0])[:, None, None]
    share = 1 / (1 + np.exp(-(down - 0.86) * 60))
    return np.broadcast_to(np.array(WALL) * (1 - share) + np.array(GROUND) * share, (*CELL, 3))


def _write(sheet: Image.Image, top: tuple[int, int], width: int, person: Person) -> None:
    draw, font = ImageDraw.Draw(sheet), ImageFont.load_default(11)
    x, y = top

    def fits(text: str) -> bool:
        return draw.textlength(text, font) <= width - 8

    inked = zip(describe(person.identity, person.labels), (INK, FAINT, FAINT), strict=True)
    lines = [(line, ink) for text, ink in inked for line in _wrapped(text, fits)]
    for number, (line, ink) in enumerate(lines[:LINES]):
        draw.text((x, y + 4 + LINE * number), line, ink, font, anchor="ma")


def _wrapped(text: str, fits: Callable[[str], bool]) -> list[str]:
    """A text in lines that fit, broken between words."""
    lines: list[str] = []
    for word in text.split():
        longer = f"{lines[-1]} {word}" if lines else word
        if lines and fits(longer):
            lines[-1] = longer
        else:
            lines.append(word)
    return lines


def describe(identity: int, labels: Mapping[str, str]) -> tuple[str, str, str]:
    """Three short lines about a person: who, their clothes, and what else there is."""
    who = f"{identity}  {labels['gender']}, {labels['age_group']}"
    upper = f"{labels['upper_color']} {labels['upper_type']}"
    lower = "" if labels["lower_type"] == labels["upper_type"] else f", {labels['lower_color']} {labels['lower_type']}"
    kinds = ("hair_color", "hair_style", "hat", "glasses", "mask", "scarf", "bag", "carried")
    rest = [labels[kind] for kind in kinds if labels.get(kind, "none") not in ("none", "no", "hidden")]
    return tuple(line.replace("_", " ") for line in (who, upper + lower, ", ".join(rest)))  # type: ignore[return-value]
