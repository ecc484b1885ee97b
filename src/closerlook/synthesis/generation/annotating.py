"""Pictures of annotations for a folder of rendered images: drawn again from its settings, not from its pixels."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl
from PIL import Image, ImageDraw, ImageFont

from closerlook.arrays import Bytes
from closerlook.compute.processes import run_in_processes, worker_count
from closerlook.compute.progress import progress
from closerlook.dataset import Dataset, open_dataset
from closerlook.dataset.decoding import read_image
from closerlook.dataset.shards import SUFFIX
from closerlook.errors import CloserlookError, UsageError, short, unknown
from closerlook.sheets import sheet_of
from closerlook.storage.files import alone_in, atomic_path, explain_os_errors
from closerlook.storage.paths import leads_out, path_within
from closerlook.synthesis.generation import annotations as known
from closerlook.synthesis.generation.annotations import CLOTHES, KEYPOINTS, PARTS, SKELETON
from closerlook.synthesis.generation.design import FACTORS
from closerlook.synthesis.generation.render_person import posed_views, prepare
from closerlook.synthesis.generation.settings import SETTINGS_NAME, Settings
from closerlook.synthesis.generation.tasks import Task, tasks_of
from closerlook.synthesis.humans.cache import load_person
from closerlook.synthesis.rendering.gbuffer import GBuffer

__all__ = ["KINDS", "annotate", "draw_over"]

MOST_MILLIMETERS = 65535
MOST_DRAWN, ACROSS, TALLEST = 96, 12, 512  # images of a sheet, those of its rows, pixels of an enlarged one


def _numbered(names: Sequence[str]) -> list[int]:
    """A palette in which numbers that are neighbors differ, and 0 is black."""
    hues = np.arange(len(names)) * 0.618034 % 1
    rgb = np.clip(np.abs((hues[:, None] * 6 + [0, 4, 2]) % 6 - 3) - 1, 0, 1) * 200 + 55
    rgb[0] = 0
    return [int(value) for value in rgb.ravel()]


def _paletted(picture: Bytes, names: Sequence[str]) -> Image.Image:
    image = Image.fromarray(picture)
    image.putpalette(_numbered(names))
    return image


def _depth_image(gbuffer: GBuffer) -> Image.Image:
    millimeters = np.nan_to_num(known.depth(gbuffer) * 1000, posinf=0.0)
    return Image.fromarray(np.clip(np.round(millimeters), 0, MOST_MILLIMETERS).astype(np.uint16))


def _normals_image(gbuffer: GBuffer) -> Image.Image:
    return Image.fromarray(np.round(known.normals(gbuffer) * 127.5 + 127.5).astype(np.uint8))


KINDS: Mapping[str, Callable[[GBuffer], Image.Image]] = {
    "mask": lambda gbuffer: Image.fromarray(np.round(known.mask(gbuffer) * 255).astype(np.uint8)),
    "parts": lambda gbuffer: _paletted(known.parts(gbuffer), PARTS),
    "clothes": lambda gbuffer: _paletted(known.clothes(gbuffer), CLOTHES),
    "depth": _depth_image,
    "normals": _normals_image,
}


@dataclass(frozen=True)
class _Work:
    task: Task
    kinds: tuple[str, ...]


def annotate(
    data: str | Path | Dataset,
    kinds: Sequence[str] = ("mask", "parts"),
    *,
    out: str | Path | None = None,
    workers: int | None = None,
) -> Path:
    """Write annotations of rendered images as PNG files.

    Every image is a function of the folder's settings, so its surfaces are found again: nothing need be decided, or
    stored, when the images are rendered. Images that share a view share one annotation, which is then written for each.

    Args:
        data: a folder that closerlook rendered, or a part of one.
        kinds: ``mask`` (coverage by the person, 0 to 255), ``parts`` (numbers of annotations.PARTS), ``clothes``
            (numbers of annotations.CLOTHES), ``depth`` (16 bits: millimeters along the camera's axis, 0 the sky),
            ``normals`` (right, up, towards the camera: -1 to 1 as 0 to 255).
        out: folder for ``KIND/0001/....png``, named as the images are; ``annotations`` beside them if ``None``.
        workers: processes; one per core if ``None``.

    Raises:
        UsageError: a kind is unknown, or the number of workers is below 1.
        CloserlookError: the folder was not rendered by this version of closerlook, or an annotation would lie outside
            of ``out`` by its name or by a symbolic link.
    """
    for kind in kinds:
        if kind not in KINDS:
            raise unknown("kind of annotation", kind, KINDS)
    processes = worker_count(workers)
    source = data if isinstance(data, Dataset) else open_dataset(data)
    settings = Settings.read(source.root / SETTINGS_NAME)
    root = Path(out) if out is not None else source.root / "annotations"
    extra = [factor.name for factor in source.factors if factor.name not in FACTORS]
    tasks = tasks_of(settings, root, source.table, extra)
    _refuse_names(root, kinds, source.table["file_name"])
    prepare()
    with explain_os_errors(root), alone_in(root, "annotating into"), progress("Annotating", len(source)) as count:
        work = [_Work(task, tuple(kinds)) for task in tasks]
        for done, _ in run_in_processes(_annotate_person, work, processes):
            count(len(done.task.rows))
    return root


def _annotate_person(work: _Work) -> None:
    task, settings = work.task, work.task.settings
    person = load_person(settings.seed, task.identity, settings.wardrobe, settings.population)
    for renderer, posed, batch in posed_views(person, task):
        renderer.rasterize(posed, [each.request for each in batch])
        for number, each in enumerate(batch):
            gbuffer = renderer.gbuffer(number)
            for kind in work.kinds:
                picture = KINDS[kind](gbuffer)
                for row in each.rows:
                    _save(picture, path_within(task.out / kind, _annotation_name(row.file_name)))


def _annotation_name(image: str) -> str:
    return Path(image.removeprefix("images/").replace(f"{SUFFIX}/", "/")).with_suffix(".png").as_posix()


def _refuse_names(root: Path, kinds: Sequence[str], images: pl.Series) -> None:
    """See that annotations named after the images lie inside ``root`` and apart, before anything is drawn."""
    for image in images:
        if leads_out(image):
            path_within(root, image)  # which says so
    names = [_annotation_name(image) for image in images]
    if len(set(names)) < len(names):
        raise CloserlookError(f"{len(names) - len(set(names)):,} images differ only by the ends of their names.")
    for kind in kinds:
        for folder in sorted({Path(name).parent for name in names}):
            path_within(root / kind, folder.as_posix())


def _save(picture: Image.Image, path: Path) -> None:
    with atomic_path(path) as draft:
        picture.save(draft, format="PNG")


def draw_over(
    data: str | Path | Dataset, out: str | Path, *, count: int = 24, scale: int | None = None, seed: int = 0
) -> None:
    """Draw box, key points and parts of the body over some images of a rendered folder, to check them by eye.

    Args:
        data: a folder that closerlook rendered.
        out: image file for the sheet, such as ``check.png``.
        count: number of images, drawn at random; all if there are fewer.
        scale: how much each is enlarged; 4 times, or up to TALLEST pixels, if ``None``.
        seed: of the draw.

    Raises:
        UsageError: the number of images is out of range.
        CloserlookError: the folder was not rendered by this version of closerlook.
    """
    if not 1 <= count <= MOST_DRAWN:
        raise UsageError(f"--count must be 1 to {MOST_DRAWN}, not {short(count)}.")
    source = data if isinstance(data, Dataset) else open_dataset(data)
    settings = Settings.read(source.root / SETTINGS_NAME)
    scale = scale or max(1, min(4, TALLEST // settings.size[0]))
    chosen = source.table.sample(min(count, len(source)), seed=seed, shuffle=True)
    extra = [factor.name for factor in source.factors if factor.name not in FACTORS]
    drawn: dict[str, Image.Image] = {}
    with progress("Drawing over images", chosen.height) as advance:
        for task in tasks_of(settings, source.root, chosen, extra):
            person = load_person(settings.seed, task.identity, settings.wardrobe, settings.population)
            for renderer, posed, batch in posed_views(person, task):
                renderer.rasterize(posed, [each.request for each in batch])
                for number, each in enumerate(batch):
                    for row in each.rows:
                        image = Image.fromarray(read_image(source.root / row.file_name))
                        drawn[row.file_name] = _marked(image, renderer.gbuffer(number), scale)
                        advance(1)
    tiles = [drawn[name] for name in chosen["file_name"]]
    sheet = _with_legend(sheet_of(tiles, ACROSS, paper="black"))
    with explain_os_errors(Path(out)), atomic_path(Path(out)) as draft:
        sheet.save(draft, format=Image.registered_extensions().get(Path(out).suffix.lower(), "PNG"))


SEEN, HIDDEN, BOX = (80, 255, 80), (255, 90, 60), (255, 220, 0)


def _with_legend(sheet: Image.Image) -> Image.Image:
    """The sheet with what its colors mean below."""
    palette = np.array(_numbered(PARTS), int).reshape(-1, 3).tolist()
    parts = [(name.replace("_", " "), tuple(color)) for name, color in zip(PARTS, palette, strict=True)]
    entries = [("box", BOX), ("key point seen", SEEN), ("key point hidden", HIDDEN), *parts[1:]]
    swatch = min(max(12, sheet.width // 120), 26)
    font, line = ImageFont.load_default(swatch), 2 * swatch
    across = max(sheet.width, 16 * swatch)  # so that every name fits
    x, y, places = line, line // 2, []
    for name, _ in entries:
        width = 3 * swatch + int(font.getlength(name))
        if x + width > across and x > line:
            x, y = line, y + line
        places.append((x, y))
        x += width
    whole = Image.new("RGB", (across, sheet.height + y + line + line // 2), "black")
    whole.paste(sheet)
    pen = ImageDraw.Draw(whole)
    for (name, color), (left, down) in zip(entries, places, strict=True):
        top = sheet.height + down
        pen.rectangle([left, top, left + swatch - 1, top + swatch - 1], fill=color)
        pen.text((left + 1.5 * swatch, top + swatch // 2), name, "white", font, anchor="lm")
    return whole


def _marked(image: Image.Image, gbuffer: GBuffer, scale: int) -> Image.Image:
    large = image.resize((image.width * scale, image.height * scale), Image.Resampling.BICUBIC)
    parts = known.parts(gbuffer)
    colors = np.array(_numbered(PARTS), np.uint8).reshape(-1, 3)
    tint = Image.fromarray(colors[parts]).resize(large.size, Image.Resampling.NEAREST)
    veil = Image.fromarray(((parts > 0) * 90).astype(np.uint8)).resize(large.size, Image.Resampling.NEAREST)
    large.paste(tint, (0, 0), veil)
    pen = ImageDraw.Draw(large)
    left, top, right, bottom = (value * scale for value in known.box(gbuffer))
    pen.rectangle([left, top, right - 1, bottom - 1], outline=BOX)
    points = dict(zip(KEYPOINTS, known.keypoints(gbuffer), strict=True))
    for a, b in SKELETON:
        if points[a][2] and points[b][2]:
            ends = [tuple(float(v) * scale for v in points[name][:2]) for name in (a, b)]
            pen.line(ends, fill=SEEN if points[a][2] == points[b][2] == 2 else HIDDEN)
    for x, y, visibility in points.values():
        if visibility:
            x, y = float(x) * scale, float(y) * scale
            pen.ellipse([x - 2, y - 2, x + 2, y + 2], fill=SEEN if visibility == 2 else HIDDEN)
    return large
