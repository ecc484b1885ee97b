"""Everything that a page tells, gathered from a folder; what the folder lacks is None or empty."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from closerlook.dataset import Dataset, open_dataset
from closerlook.dataset.decoding import read_image
from closerlook.errors import CloserlookError
from closerlook.gap import Gap
from closerlook.gap.plots.pictures import level_strip
from closerlook.inputs import find_reportable
from closerlook.reid.folder import read_summary
from closerlook.reid.log import read_log, seconds_of
from closerlook.selection import Plan
from closerlook.study.arms import Run, Summary, read_runs, summarize
from closerlook.study.config import StudyConfig, versions
from closerlook.study.importance import ImportanceComparison, read_importance
from closerlook.study.recovery import Recovery, recovery
from closerlook.study.stages import read_stages

__all__ = ["ReportContext", "read_context"]


@dataclass(frozen=True)
class ReportContext:
    """What a report shows.

    Attributes:
        title: heading.
        source, target: data sets, where they can still be opened; the target only if it is rendered, for real people's
            pictures do not belong in a page that gets passed on.
        gap, plans, runs: analysis, what was chosen (by name), and training runs.
        extremes: by factor, a picture (h, w, 3) of the source's images with the lowest and the highest loss.
        recovered: how well the planted levels were found, in a planted study.
        importance: how much each attribute matters to the runs and to the losses, where the runs can say.
        log: a training run's losses by step.
        stages: seconds of each stage.
        settings: what ran: name -> value, for the last section.
    """

    title: str
    source: Dataset | None = None
    target: Dataset | None = None
    gap: Gap | None = None
    extremes: Mapping[str, NDArray[np.uint8]] = field(default_factory=dict)
    plans: Mapping[str, Plan] = field(default_factory=dict)
    runs: Sequence[Run] = ()
    recovered: Sequence[Recovery] = ()
    paper: Mapping[str, tuple[float, float, float]] = field(default_factory=dict)
    importance: ImportanceComparison | None = None
    log: pl.DataFrame | None = None
    stages: Mapping[str, float] = field(default_factory=dict)
    settings: Mapping[str, str] = field(default_factory=dict)

    @property
    def summaries(self) -> list[Summary]:
        return summarize(self.runs)


def read_context(folder: Path) -> ReportContext:
    """Read what a study, an analysis or a training run left in ``folder``.

    Raises:
        CloserlookError: the folder is missing, holds none of these, or a file of theirs is damaged.
    """
    return {"study": _study, "analysis": _analysis, "run": _run}[find_reportable(folder)](folder)


def _analysis(folder: Path) -> ReportContext:
    gap = Gap.load(folder)
    pictures = {factor.name: folder / "figures" / f"images_{factor.name}.png" for factor in gap.factors}
    extremes = {name: read_image(path) for name, path in pictures.items() if path.is_file()}
    title = "How far each attribute value is from the target"
    return ReportContext(title=title, gap=gap, extremes=extremes, settings=versions())


def _study(folder: Path) -> ReportContext:
    config = StudyConfig.load(folder)
    gap = Gap.load(folder / config.gap) if config.gap and (folder / config.gap).exists() else None
    plans = {name: Plan.load(folder / path) for name, path in config.plans.items() if (folder / path).exists()}
    recovered = recovery(gap, plans, config.planted) if gap and config.planted else []
    settings = {"recipe": config.recipe, "first seed": str(config.seed), "seeds": str(config.seeds), **config.versions}
    source, target = _open(folder, config.source), _open(folder, config.target)
    return ReportContext(
        title=config.title,
        source=source,
        target=target if config.planted else None,
        gap=gap,
        extremes=_extremes(gap, source) if gap and source else {},
        plans=plans,
        runs=read_runs(folder),
        recovered=recovered,
        paper=config.paper,
        importance=read_importance(folder),
        stages=read_stages(folder),
        settings=settings,
    )


def _extremes(gap: Gap, source: Dataset) -> dict[str, NDArray[np.uint8]]:
    """Nothing where the images are not those that were analyzed, or have gone."""
    try:
        return {factor.name: level_strip(gap, source, factor.name) for factor in gap.factors}
    except CloserlookError:
        return {}


def _run(folder: Path) -> ReportContext:
    run = read_summary(folder)
    flat = {key.replace("_", " "): str(value) for key, value in run.items() if isinstance(value, str | int | float)}
    levels = {name: ", ".join(map(str, kept)) for name, kept in run["levels"].items()}
    log = read_log(folder)
    settings = flat | {"seconds": f"{seconds_of(folder):.0f}"} | levels | run["versions"]
    return ReportContext(title=f"Training run {folder.resolve().name}", log=log, settings=settings)


def _open(folder: Path, source: str) -> Dataset | None:
    """The data set, or None where it has been moved: a page without pictures is better than no page."""
    try:
        return open_dataset(folder / source)
    except CloserlookError:
        return None
