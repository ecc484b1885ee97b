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
from closerlook.evaluation import Result
from closerlook.gap import Gap
from closerlook.inputs import RUN_FILE, find_reportable
from closerlook.reid.folder import read_summary
from closerlook.reid.log import read_log, seconds_of
from closerlook.reporting.queries import RESULT, read_queries
from closerlook.reporting.ranked import ShownRanking, show_rankings
from closerlook.reporting.reconstruction import Reconstruction, read_reconstructions
from closerlook.selection import Plan
from closerlook.study.arms import RUNS, Run, Summary, read_runs, summarize
from closerlook.study.config import StudyConfig, versions
from closerlook.study.importance import ImportanceComparison, read_importance
from closerlook.study.planted import hidden_conditions
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
        extremes: by factor, a picture (h, w, 3) of the source's images with the lowest and the highest loss, where the
            source itself is not at hand.
        levels: by arm, the levels that its runs trained on.
        queries: what every run reached on every query, see :func:`closerlook.reporting.queries.read_queries`.
        ranked: whose rankings are shown, and they.
        reconstructions: what each layer keeps of an image.
        recovered: how well the planted levels were found, in a planted study.
        paper: by arm, what the paper's row reached: mAP, rank-1 and rank-5, shares of 1.
        importance: how much each attribute matters to the runs and to the losses, where the runs can say.
        result: of a training run's evaluation.
        log: a training run's losses by step.
        stages: seconds of each stage.
        settings: what ran: name -> value, for the last section.
        command: that writes the page again.
    """

    title: str
    source: Dataset | None = None
    target: Dataset | None = None
    gap: Gap | None = None
    extremes: Mapping[str, NDArray[np.uint8]] = field(default_factory=dict)
    plans: Mapping[str, Plan] = field(default_factory=dict)
    runs: Sequence[Run] = ()
    levels: Mapping[str, Mapping[str, Sequence[object]]] = field(default_factory=dict)
    queries: pl.DataFrame | None = None
    ranked: tuple[str, Sequence[ShownRanking]] = ("", ())
    reconstructions: Sequence[Reconstruction] = ()
    recovered: Sequence[Recovery] = ()
    paper: Mapping[str, tuple[float, float, float]] = field(default_factory=dict)
    importance: ImportanceComparison | None = None
    result: Result | None = None
    log: pl.DataFrame | None = None
    stages: Mapping[str, float] = field(default_factory=dict)
    settings: Mapping[str, str] = field(default_factory=dict)
    command: str = ""

    @property
    def summaries(self) -> list[Summary]:
        return summarize(self.runs)


def read_context(folder: Path, source: Dataset | None = None) -> ReportContext:
    """Read what a study, an analysis or a training run left in ``folder``.

    Args:
        folder: of the study, analysis or run.
        source: what an analysis was of, to show images of it; a study knows its own.

    Raises:
        CloserlookError: the folder is missing, holds none of these, or a file of theirs is damaged.
    """
    kind = find_reportable(folder)
    if kind == "analysis":
        return _analysis(folder, source)
    return _study(folder) if kind == "study" else _run(folder)


def _analysis(folder: Path, source: Dataset | None) -> ReportContext:
    gap = Gap.load(folder)
    pictures = {factor.name: folder / "figures" / f"images_{factor.name}.png" for factor in gap.factors}
    extremes = {name: read_image(path) for name, path in pictures.items() if path.is_file()}
    settings = {"source": gap.settings.source, "target": gap.settings.target, "files": f"{folder}", **versions()}
    return ReportContext(
        title="How far each attribute value is from the target",
        source=source,
        gap=gap,
        extremes={} if source else extremes,
        reconstructions=read_reconstructions(folder),
        settings=settings,
        command=f"closerlook report {folder}",
    )


def _study(folder: Path) -> ReportContext:
    config = StudyConfig.load(folder)
    gap = Gap.load(folder / config.gap) if config.gap and (folder / config.gap).exists() else None
    plans = {name: Plan.load(folder / path) for name, path in config.plans.items() if (folder / path).exists()}
    recovered = recovery(gap, plans, config.planted) if gap and config.planted else []
    settings = {
        "source": config.source,
        "target": config.target,
        "files": f"{folder}",
        "recipe": config.recipe,
        "first seed": str(config.seed),
        "seeds": str(config.seeds),
        **config.versions,
    }
    runs = read_runs(folder)
    target = _open(folder, config.target) if config.planted else None
    labels = hidden_conditions(folder / config.target) if config.planted else None
    return ReportContext(
        title=config.title,
        source=_open(folder, config.source),
        target=target,
        gap=gap,
        plans=plans,
        runs=runs,
        levels=_levels(folder, runs),
        queries=read_queries(folder / RUNS, runs, labels),
        ranked=_ranked(folder, runs, plans, target),
        reconstructions=read_reconstructions(folder),
        recovered=recovered,
        paper=config.paper,
        importance=read_importance(folder),
        stages=read_stages(folder),
        settings=settings,
        command=f"closerlook report {folder}",
    )


def _levels(folder: Path, runs: Sequence[Run]) -> dict[str, Mapping[str, Sequence[object]]]:
    """What is left of each attribute in the training images of each arm."""
    paths = {run.arm: folder / RUNS / f"{run.arm}-{run.seed}" for run in runs}
    return {arm: read_summary(path)["levels"] for arm, path in paths.items() if (path / RUN_FILE).exists()}


def _ranked(
    folder: Path, runs: Sequence[Run], plans: Mapping[str, Plan], target: Dataset | None
) -> tuple[str, Sequence[ShownRanking]]:
    """The rankings of the plan's run with the highest mAP."""
    tried = [run for run in runs if run.arm in plans]
    if target is None or not tried:
        return "", ()
    best = max(tried, key=lambda run: run.mAP)
    name = f"{best.arm}-{best.seed}"
    return name, show_rankings(folder / RUNS / name, target)


def _run(folder: Path) -> ReportContext:
    run = read_summary(folder)
    flat = {key.replace("_", " "): str(value) for key, value in run.items() if isinstance(value, str | int | float)}
    levels = {name: ", ".join(map(str, kept)) for name, kept in run["levels"].items()}
    return ReportContext(
        title=f"Training run {folder.resolve().name}",
        result=Result.load(folder / RESULT) if (folder / RESULT).exists() else None,
        log=read_log(folder),
        settings=flat | {"seconds": f"{seconds_of(folder):.0f}", "files": f"{folder}"} | levels | run["versions"],
        command=f"closerlook report {folder}",
    )


def _open(folder: Path, source: str) -> Dataset | None:
    """The data set, or None where it has been moved: a page without pictures is better than no page."""
    try:
        return open_dataset(folder / source)
    except CloserlookError:
        return None
