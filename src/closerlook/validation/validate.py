"""``validate_gap``: does the measured gap predict what a part of a source is worth training on?"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from closerlook.arrays import Float, Int
from closerlook.charts import save_chart
from closerlook.compute.progress import announce
from closerlook.dataset import Dataset
from closerlook.dataset.dataset import SPLITS
from closerlook.embedding import Embedder, open_embedding
from closerlook.errors import UsageError
from closerlook.gap import analyze
from closerlook.randomness import keyed_rng
from closerlook.reid import Recipe, default_recipe
from closerlook.selection.features import IMAGES, Sample, SubsetFeatures, sample_source, sample_target
from closerlook.storage.files import alone_in
from closerlook.validation.config import EMBEDDING, SCALING, ExperimentConfig
from closerlook.validation.measures import GapMeasures
from closerlook.validation.runs import make_runs, plan_runs
from closerlook.validation.subsets import (
    FEWEST,
    LEVELS_EACH,
    Candidates,
    check_equal_cells,
    choose_factors,
    random_rows,
    spread_evenly,
    subset_rows,
)
from closerlook.validation.validation import Validation

__all__ = ["validate_gap"]

SUBSETS, CONTROLS, MEASURED = 30, 6, 16_384
# Of a quick look, which takes a quarter of an hour on two cores
QUICK_SUBSETS, QUICK_CONTROLS, QUICK_STEPS, QUICK_IMAGES, QUICK_MEASURED = 12, 3, 60, 2048, 4096
QUICK_SCORED = 3000  # images of queries and gallery of a target
POOLED = "lite0-pooled"


@dataclass(frozen=True)
class View:
    """A target, or one of its cameras, as distances are measured to it.

    Attributes:
        target: the data set's name.
        camera: None for all.
        data: its unlabeled images.
        folder: where its gap is kept.
    """

    target: str
    camera: int | None
    data: Dataset
    folder: str

    @property
    def keys(self) -> dict[str, pl.Expr]:
        return {"target": pl.lit(self.target), "camera": pl.lit(self.camera, pl.Int64)}


def validate_gap(
    source: Dataset,
    targets: Sequence[Dataset],
    *,
    out: str | Path,
    subsets: int | None = None,
    controls: int | None = None,
    factors: Sequence[str] | None = None,
    recipe: str | Recipe | None = None,
    overrides: Mapping[str, Any] | None = None,
    seeds: int = 1,
    second_seeds: float = 1 / 3,
    seed: int = 0,
    cameras: bool = False,
    quick: bool = False,
) -> Validation:
    """Train on parts of ``source`` that differ in their gap to the targets and in nothing else, and see which pay.

    Subsets are products of two levels of each of two factors, with equal images of the same people. They are chosen
    before anything is trained: gaps to the first target spread evenly, least tied to diversity, brightness and the gaps
    to the other targets. One model is trained on each and scored on all targets.

    Args:
        source: labeled synthetic images: every person in every combination of the factors, equally often.
        targets: each with ``train`` (distances are measured on it, without labels) and labeled ``query`` and
            ``gallery`` splits (accuracy is measured on them).
        out: folder of the runs and results; a stopped experiment resumes.
        subsets: how many; 30, or 12 in a quick look.
        controls: random parts of equal size; 6, or 3 in a quick look.
        factors: what the subsets differ in; by default the first two with three levels or more but the viewpoint.
        recipe, overrides: as :func:`closerlook.train` takes them; the same for every run.
        seeds: runs of every subset.
        second_seeds: share of the subsets that have one run more: these tell how much a run varies.
        seed: everything random is a function of it; the first seed of the runs.
        cameras: whether each camera of a target is a target of its own as well, with its own distance.
        quick: fewer subsets, 60 steps and, of a large target, some people only: about a quarter of an hour on two cores
            for two targets; it sees large effects only.

    Returns:
        The experiment's tables and, as ``outcome``, what they say; ``out`` holds both, and figures.

    Raises:
        UsageError: a target is not labeled, a factor has too few levels, people do not have equal images in all
            combinations, or too few subsets are asked for or possible.

    Example:
        >>> targets = [cl.open_dataset("market1501:/data/Market-1501-v15.09.15")]  # doctest: +SKIP
        >>> cl.validate_gap(data, targets, out="validation").outcome.verdict  # doctest: +SKIP
    """
    source, out = source.train.people, Path(out)
    chosen = choose_factors(source, factors)
    check_equal_cells(source, chosen)
    _check_targets(targets)
    space = Candidates(chosen)
    count = min(subsets or (QUICK_SUBSETS if quick else SUBSETS), len(space))
    if count < FEWEST:
        possible = f"of {' and '.join(f.name for f in chosen)} there are {len(space)}"
        raise UsageError(f"{count} subsets say nothing: at least {FEWEST} are needed, and {possible}.")
    if not 0 <= second_seeds <= 1 or seeds < 1:
        raise UsageError(
            f"Seeds must be at least 1 and second seeds a share from 0 to 1: {seeds} and {second_seeds:g}."
        )
    steps = {"steps": QUICK_STEPS} if quick else {}
    resolved = Recipe.resolve(default_recipe() if recipe is None else recipe, {**steps, **(overrides or {})})
    share = math.prod(LEVELS_EACH / len(factor) for factor in chosen)
    identities = source.counts()["identities"]
    if resolved.sampling == "pk" and identities < resolved.identities_per_batch:
        raise UsageError(
            f"{source.name} has {identities} people; recipe '{resolved.name}' draws {resolved.identities_per_batch} "
            f"for each batch. Use more people, or --set identities_per_batch={identities}."
        )
    config = ExperimentConfig(
        source=source.name,
        targets=tuple(target.name for target in targets),
        factors={factor.name: factor.levels for factor in chosen},
        subsets=count,
        controls=(QUICK_CONTROLS if quick else CONTROLS) if controls is None else controls,
        images=round(share * len(source)),
        identities=identities,
        recipe=resolved.name,
        steps=resolved.steps,
        seeds=seeds,
        again=second_seeds,
        seed=seed,
        cameras=cameras,
        quick=quick,
    )
    targets = [_some_people(target, seed) for target in targets] if quick else targets
    with alone_in(out, "validating in"):
        config.save(out)
        found = _run(config, source, targets, space, resolved, out)
        found.save(out)
        for name, figure in found.figures().items():
            save_chart(figure, out / "figures" / f"{name}.svg")
    return found


def _run(
    config: ExperimentConfig, source: Dataset, targets: Sequence[Dataset], space: Candidates, recipe: Recipe, out: Path
) -> Validation:
    views = _views(targets, config.cameras)
    pooled = open_embedding(POOLED, recipe.size)
    sample = sample_source(source, space.factors, pooled, config.seed, QUICK_IMAGES if config.quick else IMAGES)
    measured = []
    for view in views:
        per_cell = max(1, (QUICK_MEASURED if config.quick else MEASURED) // math.prod(len(f) for f in space.factors))
        names = [factor.name for factor in space.factors]
        gap = analyze(
            source,
            view.data,
            embedding=EMBEDDING,
            size=recipe.size,
            scaling=SCALING,
            factors=names,
            per_cell=per_cell,
            seed=config.seed,
            out=out / "gaps" / view.folder,
        )
        measured.append(GapMeasures(gap))
    every = [[own.gap.score_losses(space.levels(number)) for number in range(len(space))] for own in measured]
    gaps = np.array([[score["mmd2"] for score in scores] for scores in every], float).T
    diversity = np.array([score["diversity"] for score in every[0]], float)
    brightness = np.array([_brightness(sample, space, number) for number in range(len(space))])
    others = np.column_stack([diversity, brightness, gaps[:, 1:]])
    chosen = spread_evenly(gaps[:, 0], others, config.subsets, config.seed)
    chosen = chosen[np.argsort(gaps[chosen, 0], kind="stable")]
    subsets = _subset_table(space, chosen, brightness)
    candidates = pl.concat(
        pl.DataFrame({"candidate": np.arange(len(space)), "gap": gaps[:, column]}).with_columns(**view.keys)
        for column, view in enumerate(views)
    )
    measures = _measure(space, chosen, views, measured, sample, pooled, config.seed)
    rows = {number: subset_rows(source, space.levels(int(own))) for number, own in enumerate(chosen)}
    rows |= {-1 - one: random_rows(source, space.factors, config.seed + one) for one in range(config.controls)}
    planned = plan_runs(config.subsets, config.controls, config.seeds, config.again, config.seed)
    announce(f"{len(planned)} runs of {config.steps} steps on {config.images:,} images each")
    identities = make_runs(planned, lambda number: source.take(rows[number]), targets, recipe, out / "runs")
    return Validation(config, subsets, measures, candidates, identities)


def _check_targets(targets: Sequence[Dataset]) -> None:
    if not targets:
        raise UsageError("Name at least one target.")
    names = [target.name for target in targets]
    for target in targets:
        if names.count(target.name) > 1:
            raise UsageError(f"Two targets are called '{target.name}'; rename the folder of one.")
        missing = [split for split in SPLITS if split not in set(target.table["split"])]
        asked = target.table.filter(pl.col("split").is_in(["query", "gallery"]))
        if missing or asked["identity"].null_count():
            lacks = f"no '{missing[0]}' images" if missing else "queries or gallery images without an identity"
            raise UsageError(
                f"Target {target.name} has {lacks}. Each target needs 'train' images, on which distances are measured "
                "without labels, and a labeled 'query' and 'gallery', on which models are scored."
            )
        if asked["camera"].null_count():
            raise UsageError(
                f"Target {target.name} has queries or gallery images without a camera: matches are looked for in "
                "other cameras than the query's. Add a 'camera' column to its table."
            )


def _some_people(target: Dataset, seed: int) -> Dataset:
    """The target with fewer people to find, where it has more images of them than a quick look scores."""
    scored = pl.col("split").is_in(["query", "gallery"])
    counts = target.table.filter(scored & (pl.col("identity") >= 0)).group_by("identity").len().sort("identity")
    order = counts.with_columns(order=pl.Series(keyed_rng(seed, "validation", "people").random(len(counts))))
    kept = order.sort("order").filter(pl.col("len").cum_sum() <= QUICK_SCORED)["identity"]
    if target.table.select(scored.sum()).item() <= QUICK_SCORED or len(kept) < 2:
        return target
    return target.filter(~scored | pl.col("identity").is_in(kept.to_list()))


def _views(targets: Sequence[Dataset], cameras: bool) -> list[View]:
    """All targets, then each camera of each that asks a query."""
    whole = [View(target.name, None, target.train, str(number)) for number, target in enumerate(targets, start=1)]
    if not cameras:
        return whole
    found = []
    for number, target in enumerate(targets, start=1):
        asking = set(target.query.table["camera"].drop_nulls())
        for camera in sorted(asking & set(target.train.table["camera"].drop_nulls())):
            data = target.train.filter(pl.col("camera") == camera)
            found.append(View(target.name, camera, data, f"{number}-camera-{camera}"))
    if not found:
        raise UsageError("No target has a camera that is known both of its 'train' images and of its queries.")
    return [*whole, *found]


def _brightness(sample: Sample, space: Candidates, number: int) -> float:
    return float(sample.brightness[sample.rows(space.factors, space.levels(number))].mean())


def _subset_table(space: Candidates, chosen: Int, brightness: Float) -> pl.DataFrame:
    rows = [
        {
            "subset": number,
            "candidate": int(own),
            **{name: "+".join(map(str, kept)) for name, kept in space.levels(int(own)).items()},
            "brightness": float(brightness[own]),
        }
        for number, own in enumerate(chosen)
    ]
    return pl.DataFrame(rows)


def _measure(
    space: Candidates,
    chosen: Int,
    views: Sequence[View],
    measured: Sequence[GapMeasures],
    sample: Sample,
    pooled: Embedder,
    seed: int,
) -> pl.DataFrame:
    """Every measure of every chosen subset to every view."""
    seen = []
    for view, own in zip(views, measured, strict=True):
        shares = [own.shares[factor.name] for factor in space.factors]
        seen.append(sample_target(view.data, sample, shares, pooled, seed))
    tables = []
    for number, candidate in enumerate(chosen):
        levels = space.levels(int(candidate))
        features = SubsetFeatures(sample, sample.rows(space.factors, levels))
        for view, own, target in zip(views, measured, seen, strict=True):
            values = {**own.values(levels), **features.measures(target)}
            table = pl.DataFrame({"measure": list(values), "value": list(values.values())})
            tables.append(table.with_columns(pl.lit(number).alias("subset"), **view.keys))
    return pl.concat(tables)
