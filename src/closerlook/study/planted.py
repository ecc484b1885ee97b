"""Planted targets: weather, illumination and viewpoint are hidden, to see whether the pipeline finds them.

The target is a network of fixed cameras. It shows other people in other places through another sensor, in a few levels
drawn from the seed. The analysis sees its training images without any label. What it recovers, and what training on
the selection gains over equal-size random images, is then a matter of config.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import polars as pl

from closerlook.attributes import Design, Factor, Level
from closerlook.dataset import Dataset, open_dataset
from closerlook.errors import CloserlookError
from closerlook.gap import Gap, analyze
from closerlook.randomness import keyed_rng, keyed_seed
from closerlook.reid import Recipe
from closerlook.selection import Plan, select
from closerlook.storage.files import alone_in
from closerlook.study.ablation import EVERYTHING, plan_arms
from closerlook.study.arms import fixed_arm, run_arms
from closerlook.study.config import StudyConfig
from closerlook.study.stages import Stages
from closerlook.synthesis import generate
from closerlook.synthesis.scenes.backdrop import BACKDROPS

__all__ = ["Scale", "hidden_conditions", "hidden_levels", "run_planted"]

TARGET_PLACES = 4
TARGET_CAMERAS = 6
NETWORK = "network"  # folder of the target's images and of what is known of them
SOURCE_SENSOR, TARGET_SENSOR = "cctv", "phone"
PLANS = ("every-attribute", "viewpoints-kept")
SEASONS = (("sunny", "clouds"), ("overcast", "foggy"), ("blizzard", "snowlight"))
ARC = {"viewpoint": 3, "illumination": 2}  # neighbors on a circle


@dataclass(frozen=True)
class Scale:
    """How large a planted study is. The defaults are the demo's: under ten minutes on two cores."""

    design: Design = field(default_factory=lambda: Design.load("gpr-plus"))
    source_identities: int = 96
    target_identities: int = 64  # to train on, and as many to test on
    size: tuple[int, int] = (128, 64)
    per_cell: int | None = None
    seeds: int = 3
    recipe: str = "cpu-quick"
    overrides: Mapping[str, Any] = field(default_factory=dict)


def hidden_levels(design: Design, seed: int) -> dict[str, tuple[Level, ...]]:
    """The levels that the target of this seed shows: a season, a time of day, an arc of headings.

    Levels that belong together, because that is what a camera sees in a week, and because the mean of an arbitrary pair
    (noon and midnight) is near to neither of its levels.
    """
    return {factor.name: _hidden(factor, seed) for factor in design.factors}


def _hidden(factor: Factor, seed: int) -> tuple[Level, ...]:
    rng = keyed_rng(seed, "planted", factor.name)
    seasons = [season for season in SEASONS if set(season) <= set(factor.levels)]
    if factor.name == "weather" and seasons:
        return seasons[rng.integers(len(seasons))]
    count = min(ARC.get(factor.name, 2), len(factor) - 1)
    start = int(rng.integers(len(factor)))
    kept = {(start + step) % len(factor) for step in range(count)}
    return tuple(level for position, level in enumerate(factor.levels) if position in kept)


def hidden_conditions(target: Path) -> pl.DataFrame | None:
    """``file_name`` of every query and gallery image of a planted target and the levels that it was rendered in, which
    the study itself never sees; None where the folder has gone."""
    try:
        shown = open_dataset(target / NETWORK)
    except CloserlookError:
        return None
    names = [factor.name for factor in shown.factors]
    return shown.table.select(pl.concat_str(pl.lit(f"{NETWORK}/"), "file_name").alias("file_name"), *names)


def run_planted(out: Path, *, seed: int = 0, scale: Scale | None = None) -> None:
    """Render source and target, analyze, select, train, evaluate; everything a report needs is left in ``out``.

    A stopped study resumes when it is called again with the same arguments.
    """
    scale = scale or Scale()
    recipe = Recipe.resolve(scale.recipe, scale.overrides)
    hidden = hidden_levels(scale.design, seed)
    config = StudyConfig(
        title="A planted target",
        source="source",
        target="target",
        seed=seed,
        recipe=recipe.name,
        seeds=scale.seeds,
        gap="gap",
        plans={name: f"{name}.yaml" for name in PLANS},
        planted=hidden,
    )
    with alone_in(out, "studying in"):
        config.save(out)
        _run_stages(out, seed, scale, recipe, hidden)


def _run_stages(out: Path, seed: int, scale: Scale, recipe: Recipe, hidden: Mapping[str, tuple[Level, ...]]) -> None:
    stages = Stages(out, EXPECTED)
    with stages.run("Render the source"):
        source = render_source(out / "source", scale, seed)
    with stages.run("Render the target"):
        target = render_target(out / "target", scale, seed, hidden)
    with stages.run("Measure the gap"):
        gap = measure_gap(source, target, out / "gap", scale, seed)
    with stages.run("Select"):
        plans = choose(gap, seed)
        for name, plan in plans.items():
            plan.save(out / f"{name}.yaml")
    with stages.run("Train and evaluate"):
        arms = [fixed_arm(EVERYTHING, source)]
        for name, plan in plans.items():
            arms += plan_arms(name, plan, source)
        run_arms(arms, target, recipe=recipe, seeds=range(seed, seed + scale.seeds), out=out)


# Seconds on two cores of a 2023 server.
EXPECTED = {
    "Render the source": 40.0,
    "Render the target": 15.0,
    "Measure the gap": 15.0,
    "Select": 4.0,
    "Train and evaluate": 425.0,
}


def measure_gap(source: Dataset, target: Dataset, out: Path, scale: Scale, seed: int) -> Gap:
    """The gap: what was measured of it before is not measured again."""
    return analyze(source, target.train, per_cell=scale.per_cell, seed=seed, out=out)


def choose(gap: Gap, seed: int) -> dict[str, Plan]:
    """The plan of rule ``mean``, which narrows every attribute, and the default one, which keeps all viewpoints.

    With ``scene_per="view"`` a person has one pose and place for each viewpoint, so that fewer viewpoints are fewer of
    those.
    """
    plans = select(gap, rule="mean", all_levels=[], seed=seed), select(gap, seed=seed)
    return dict(zip(PLANS, plans, strict=True))


def places() -> tuple[list[str], list[str]]:
    """The backdrops of the source and, apart from them, of the target."""
    names = list(BACKDROPS)
    return names[TARGET_PLACES:], names[:TARGET_PLACES]


def render_source(out: Path, scale: Scale, seed: int) -> Dataset:
    """The full grid of the design."""
    backdrops, _ = places()
    return generate(
        scale.design,
        identities=scale.source_identities,
        out=out,
        size=scale.size,
        seed=seed,
        backdrops=backdrops,
        sensor=SOURCE_SENSOR,
    )


def render_target(out: Path, scale: Scale, seed: int, hidden: Mapping[str, tuple[Level, ...]]) -> Dataset:
    """Other people before a network's cameras in the hidden levels: one half unlabeled training images, one half query
    and gallery. Each weather and hour has a walk of its own past each camera, and each walk one frame."""
    _, backdrops = places()
    network = generate(
        replace(scale.design, frames=1),
        identities=2 * scale.target_identities,
        out=out / NETWORK,
        size=scale.size,
        seed=keyed_seed(seed, "planted", "target") % 2**31,  # other people than the source's
        scene_per="image",
        levels=hidden,
        backdrops=backdrops,
        sensor=TARGET_SENSOR,
        cameras=TARGET_CAMERAS,
        splits=True,
    )
    table = network.table.select(
        pl.concat_str(pl.lit(f"{NETWORK}/"), "file_name").alias("file_name"),
        pl.when(pl.col("split") != "train").then("identity").alias("identity"),
        "camera",
        "split",
    )
    target = Dataset.from_table(out, table, "planted-target", factors=())
    target.save()
    return target
