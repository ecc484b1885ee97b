"""Arms of an experiment: the same recipe, steps and seeds on different parts of one data set.

Every claim about a selection is a comparison with its control: a random part of equal size, drawn anew for each seed.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from rich.markup import escape
from scipy import stats

from closerlook.compute.progress import console
from closerlook.dataset import Dataset
from closerlook.evaluation import evaluate
from closerlook.files import write_json
from closerlook.paths import path_within
from closerlook.reid import Model, Recipe, train

__all__ = ["Arm", "Run", "Summary", "fixed_arm", "read_runs", "run_arms", "summarise"]

RUNS = "runs"
FILE = "results.json"
SCORE = "score.json"
UNTRAINED = "untrained"


@dataclass(frozen=True)
class Arm:
    """A part of the data to train on.

    Attributes:
        name: what tables and folders call it.
        part: from a run's seed to its images; constant but for random controls.
        control: name of the arm that this one is compared with, if any.
    """

    name: str
    part: Callable[[int], Dataset]
    control: str | None = None


def fixed_arm(name: str, part: Dataset, control: str | None = None) -> Arm:
    """An arm that trains on the same images whatever the seed."""
    return Arm(name, lambda seed: part, control)


@dataclass(frozen=True)
class Run:
    """One training run and what it reached on the target's query and gallery (shares between 0 and 1)."""

    arm: str
    seed: int
    images: int
    identities: int
    mAP: float  # noqa: N815 - the field's name
    rank1: float
    rank5: float
    rank10: float
    seconds: float
    control: str | None = None


@dataclass(frozen=True)
class Summary:
    """The runs of one arm together.

    Attributes:
        mean, spread: of each measure over the seeds; ``spread`` is the sample standard deviation (NaN for one seed).
        gain: mean mAP difference to the control, paired by seed; None where there is no control.
        gain_low, gain_high: its 95 % interval (Student's t over seeds); None for fewer than two pairs.
    """

    arm: str
    runs: int
    images: int
    identities: int
    mean: Mapping[str, float]
    spread: Mapping[str, float]
    control: str | None = None
    gain: float | None = None
    gain_low: float | None = None
    gain_high: float | None = None


MEASURES = ("mAP", "rank1", "rank5", "rank10", "seconds")


def run_arms(
    arms: Sequence[Arm],
    target: Dataset,
    *,
    recipe: Recipe,
    seeds: Sequence[int],
    out: Path,
    protocol: str = "market1501",
) -> list[Run]:
    """Train and evaluate every arm with every seed, and the untrained backbone once.

    Each run lives in ``out/runs/<arm>-<seed>``; one that has its result is not run again.
    """
    floor = out / RUNS / UNTRAINED
    runs = [_finished(floor) or _floor(recipe, target, floor, protocol)]
    total = len(arms) * len(seeds)
    # Seeds outside, arms inside: a study that is stopped early has compared every arm equally often.
    for number, (seed, arm) in enumerate(((seed, arm) for seed in seeds for arm in arms), start=1):
        folder = path_within(out / RUNS, f"{arm.name}-{seed}")
        run = _finished(folder)
        if run is None:
            console.print(f"[bold]run {number}/{total}[/] {escape(arm.name)}, seed {seed}")
            run = _run(arm, seed, target, recipe, folder, protocol)
        runs.append(run)
    write_json(out / FILE, [asdict(run) for run in runs])
    return runs


def _finished(folder: Path) -> Run | None:
    """The run that has its score in ``folder``, if one has."""
    path = folder / SCORE
    return Run(**json.loads(path.read_text())) if path.is_file() else None


def _run(arm: Arm, seed: int, target: Dataset, recipe: Recipe, folder: Path, protocol: str) -> Run:
    part = arm.part(seed)
    model = train(part, recipe=recipe, out=folder, seed=seed)
    seconds = float(json.loads((folder / "run.json").read_text())["seconds"])
    people = part.counts()["identities"]
    return _score(
        model, target, folder, protocol, Run(arm.name, seed, len(part), people, 0, 0, 0, 0, seconds, arm.control)
    )


def _floor(recipe: Recipe, target: Dataset, folder: Path, protocol: str) -> Run:
    model = Model.pretrained(recipe.backbone, recipe.size)
    return _score(model, target, folder, protocol, Run(UNTRAINED, 0, 0, 0, 0, 0, 0, 0, 0.0))


def _score(model: Model, target: Dataset, folder: Path, protocol: str, run: Run) -> Run:
    result = evaluate(model, target, protocol=protocol)
    result.save(folder / "result.json")
    rank1, rank5, rank10 = (float(result.cmc[min(rank, len(result.cmc)) - 1]) for rank in (1, 5, 10))
    scored = Run(**{**asdict(run), "mAP": float(result.mAP), "rank1": rank1, "rank5": rank5, "rank10": rank10})
    write_json(folder / SCORE, asdict(scored))
    return scored


def read_runs(folder: Path) -> list[Run]:
    """The runs that a study in ``folder`` has finished; empty where there are none."""
    path = folder / FILE
    return [Run(**run) for run in json.loads(path.read_text())] if path.is_file() else []


def summarise(runs: Sequence[Run]) -> list[Summary]:
    """One summary an arm, in order of first appearance."""
    by_arm: dict[str, list[Run]] = {}
    for run in runs:
        by_arm.setdefault(run.arm, []).append(run)
    return [_summary(name, members, by_arm) for name, members in by_arm.items()]


def _summary(name: str, members: Sequence[Run], by_arm: Mapping[str, Sequence[Run]]) -> Summary:
    values = {measure: np.array([getattr(run, measure) for run in members]) for measure in MEASURES}
    control = members[0].control
    gain: dict[str, Any] = {}
    if control is not None and control in by_arm:
        other = {run.seed: run.mAP for run in by_arm[control]}
        gain = _paired_gain([run.mAP - other[run.seed] for run in members if run.seed in other])
    return Summary(
        arm=name,
        runs=len(members),
        images=round(np.mean([run.images for run in members])),
        identities=round(np.mean([run.identities for run in members])),
        mean={measure: float(value.mean()) for measure, value in values.items()},
        spread={m: float(v.std(ddof=1)) if len(v) > 1 else math.nan for m, v in values.items()},
        control=control,
        **gain,
    )


def _paired_gain(differences: Sequence[float]) -> dict[str, float | None]:
    if not differences:
        return {}
    mean = float(np.mean(differences))
    if len(differences) < 2:
        return {"gain": mean}
    half = float(stats.sem(differences) * stats.t.ppf(0.975, len(differences) - 1))
    return {"gain": mean, "gain_low": mean - half, "gain_high": mean + half}
