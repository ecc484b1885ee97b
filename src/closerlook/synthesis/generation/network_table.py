"""The images that the cameras of a network take, in order: who walks past which, and how often each looks."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import astuple

import polars as pl

from closerlook.attributes import Design, Level
from closerlook.randomness import keyed_rng
from closerlook.synthesis.generation.image_table import (
    DEFAULTS,
    check_count,
    check_names,
    name_parts,
    numbers_of,
    people_of,
)
from closerlook.synthesis.generation.keys import walk_key
from closerlook.synthesis.generation.network import HEADINGS, visited
from closerlook.synthesis.generation.settings import Settings
from closerlook.synthesis.generation.walks import Walk, sample_walk

__all__ = ["in_splits", "network_table"]


def network_table(design: Design, settings: Settings, first_identity: int) -> pl.DataFrame:
    """One row per image to make, in the order of the finished table: by person, camera, frame, weather, ...

    ``camera`` is the camera's number, ``viewpoint`` the design's level (else the multiple of 30 degrees) that the
    person is seen nearest to, ``heading`` exactly, ``frame`` the image's place in the walk, and ``walk_x``, ``walk_z``
    and ``walk_course`` where the person is, as scenes.passing.Step says.

    Raises:
        UsageError: there are too many people or images, or names are too long.
    """
    assert settings.network is not None
    people, frames = people_of(design, first_identity), settings.network.frames
    factors = [factor for factor in design.factors if factor.name != "viewpoint"]
    levels = next((factor.levels for factor in design.factors if factor.name == "viewpoint"), HEADINGS)
    names = [factor.name for factor in factors]
    cells = [
        {**DEFAULTS, **dict(zip(names, cell, strict=True))}
        for cell in itertools.product(*(factor.levels for factor in factors))
    ]
    visits = {identity: visited(settings.seed, identity, len(settings.cameras)) for identity in people}
    check_count(design, sum(map(len, visits.values())) * frames * len(cells))
    numbers = numbers_of(settings)
    parts = [[name_parts(camera, cell, numbers) for cell in cells] for camera in range(1, len(settings.cameras) + 1)]
    check_names(design, [(front, f"{rest}_f99") for front, rest in parts[-1]])
    others = [[value for name, value in cell.items() if name != "viewpoint"] for cell in cells]
    kinds = [fixed.place.backdrop.name for fixed in settings.cameras]
    rows = []
    for identity in people:
        for camera in visits[identity]:
            kind, walks = kinds[camera - 1], _walks(settings, identity, camera, others)
            start, end = f"images/{identity:04d}/{identity:04d}", f"_p{numbers['backdrop'][kind]:02d}"
            for frame in range(frames):
                for (front, rest), cell, walk in zip(parts[camera - 1], others, walks, strict=True):
                    name = f"{start}{front}{end}{rest.removesuffix('.jpg')}_f{frame + 1:02d}.jpg"
                    seen = (camera, levels[walk.nearest[frame]], walk.viewpoints[frame], frame)
                    rows.append((name, identity, *seen, *astuple(walk.steps[frame]), *cell, kind, "train"))
    known = [name for name in cells[0] if name != "viewpoint"]
    seen_as = ("camera", "viewpoint", "heading", "frame", "walk_x", "walk_z", "walk_course")
    schema = ["file_name", "identity", *seen_as, *known, "backdrop", "split"]
    return pl.DataFrame(rows, schema=schema, orient="row", infer_schema_length=None)


def _walks(settings: Settings, identity: int, camera: int, cells: Sequence[Sequence[Level]]) -> list[Walk]:
    """The walk past a camera that is seen in each of these cells."""
    assert settings.network is not None
    keys = [walk_key(settings.scene_per, identity, camera, *cell) for cell in cells]
    fixed, seed = settings.cameras[camera - 1], settings.seed
    walks = {key: sample_walk(fixed, settings.network, seed, key) for key in dict.fromkeys(keys)}
    return [walks[key] for key in keys]


def in_splits(table: pl.DataFrame, seed: int) -> pl.DataFrame:
    """A network's images as a benchmark: people of odd numbers to train on; of the others one image a camera as query,
    all else as gallery, as Market-1501 has them."""
    by = ["identity", "camera"]
    pairs = table.select(by).unique(maintain_order=True)
    shares = [float(keyed_rng(seed, "query", *pair).random()) for pair in pairs.iter_rows()]
    drawn = table.join(pairs.with_columns(share=pl.Series(shares)), on=by, how="left", maintain_order="left")
    number, chosen = pl.int_range(pl.len()).over(by), (pl.col("share") * pl.len().over(by)).cast(pl.Int64)
    test = pl.when(number == chosen).then(pl.lit("query")).otherwise(pl.lit("gallery"))
    split = pl.when(pl.col("identity") % 2 == 1).then(pl.lit("train")).otherwise(test)
    return drawn.with_columns(split.alias("split")).drop("share")
