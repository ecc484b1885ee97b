"""Arms of an experiment: the same recipe, steps and seeds on different subsets of one data set.

Every claim about a selection is a comparison with its control: a random subset of equal size, drawn anew for each seed.
"""

from __future__ import annotations

import math
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from rich.markup import escape
from scipy import stats
from typing_extensions import TypedDict

from closerlook.compute.progress import announce, console
from closerlook.dataset import Dataset
from closerlook.dataset.fingerprint import fingerprint
from closerlook.evaluation import Protocol, evaluate
from closerlook.evaluation.ranked_lists import RANKED_LISTS, ranked_lists, save_ranked_lists
from closerlook.metrics.crossed import mean_of_runs
from closerlook.reid import Model, Recipe, train
from closerlook.reid.folder import RunFolder, weights_digest
from closerlook.reid.log import seconds_of
from closerlook.storage.documents import read_json
from closerlook.storage.files import write_json
from closerlook.storage.keys import Key, plain
from closerlook.storage.paths import path_within
from closerlook.study.scores import SCORE, Score, read_score

__all__ = ["Arm", "Run", "Summary", "fixed_arm", "read_runs", "run_arms", "run_imagenet_only", "summarize"]

RUNS = "runs"
FILE = "results.json"
IMAGENET_ONLY = "imagenet-only"
FORMAT = 2  # raise it when the same inputs would give other scores


@dataclass(frozen=True)
class Arm:
    """A subset of the data to train on.

    Attributes:
        name: what tables and folders call it.
        subset: from a run's seed to its images; constant but for random controls.
        control: name of the arm that this one is compared with, if any.
    """

    name: str
    subset: Callable[[int], Dataset]
    control: str | None = None


def fixed_arm(name: str, subset: Dataset, control: str | None = None) -> Arm:
    """An arm that trains on the same images whatever the seed."""
    return Arm(name, lambda seed: subset, control)


@dataclass(frozen=True)
class Run:
    """One training run and what it reached on the target's query and gallery (shares between 0 and 1).

    ``seconds`` is how long its training took; files of results do not hold it, so that they are the same each time.
    ``people`` is what every test person's queries reached: number and mean AP, which ``score.json`` holds.
    """

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
    people: Mapping[int, tuple[int, float]] | None = field(default=None, repr=False)


class _Reached(TypedDict):
    """A :class:`Run` as files hold it: without its seconds, which lie in the run's ``timing.csv``, and its people."""

    arm: str
    seed: int
    images: int
    identities: int
    mAP: float
    rank1: float
    rank5: float
    rank10: float
    control: str | None


class _People(TypedDict):
    """Every test person's queries, and their mean AP."""

    identity: list[int]
    queries: list[int]
    ap: list[float]


class _Score(Score):
    """What ``score.json`` holds: what a run reached, and everything that it depends on."""

    run: _Reached
    people: _People


@dataclass(frozen=True)
class Summary:
    """The runs of one arm together.

    Attributes:
        mean, spread: of each measure over the seeds; ``spread`` is the sample standard deviation (NaN for one seed).
        gain: mean mAP difference to the control, paired by seed; None where there is no control.
        gain_low, gain_high: its 95 % interval over test people and seeds
            (:func:`closerlook.metrics.crossed.mean_of_runs`), or where the people are not known Student's over seeds;
            None for fewer than two pairs.
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
    """Train and evaluate every arm with every seed, and the backbone as pretrained on ImageNet once.

    Each run lives in ``out/runs/<arm>-<seed>``. One that has its result is not run again, unless anything that the
    result depends on has changed: images, recipe, weights, seed, target or protocol.
    """
    rules = Protocol.load(protocol)
    judge = _judge(target, rules)
    runs = [run_imagenet_only(recipe, target, out, rules)]
    total = len(arms) * len(seeds)
    # Seeds outside, arms inside: a study that is stopped early has compared every arm equally often.
    for number, (seed, arm) in enumerate(((seed, arm) for seed in seeds for arm in arms), start=1):
        folder = path_within(out / RUNS, f"{arm.name}-{seed}")
        runs.append(_run(arm, seed, target, recipe, folder, rules, judge, f"run {number}/{total}"))
    write_json(out / FILE, [_reached(run) for run in runs])
    return runs


def run_imagenet_only(recipe: Recipe, target: Dataset, out: Path, protocol: str | Protocol = "market1501") -> Run:
    """Evaluate the recipe's backbone as it is before training, once, in ``out/runs/imagenet-only``.

    Raises:
        CloserlookError: the target cannot be evaluated on: it lacks a split or identities, or an image is damaged.
    """
    rules = Protocol.load(protocol)
    network = {"backbone": recipe.backbone, "size": recipe.size, "weights": weights_digest(recipe.backbone)}
    key = {"format": FORMAT, "network": network, "target": _judge(target, rules)}
    folder = out / RUNS / IMAGENET_ONLY
    run = _finished(folder, key, IMAGENET_ONLY)
    if run is not None:
        return run
    model = Model.pretrained(recipe.backbone, recipe.size)
    return _score(model, target, folder, rules, Run(IMAGENET_ONLY, 0, 0, 0, 0, 0, 0, 0, 0.0), key)


def _judge(target: Dataset, rules: Protocol) -> Key:
    return {"query": fingerprint(target.query), "gallery": fingerprint(target.gallery), "protocol": rules.to_dict()}


def _finished(folder: Path, key: Key, title: str) -> Run | None:
    """The run that has its score in ``folder``, if it was made from what ``key`` says.

    Raises:
        CloserlookError: the file of the score is damaged.
    """
    kept = read_score(folder, _Score, key, title, "Delete it: the arm is then evaluated again.")
    if kept is None:
        return None
    return Run(**kept["run"], seconds=seconds_of(folder), people=_by_identity(kept["people"]))


def _run(
    arm: Arm, seed: int, target: Dataset, recipe: Recipe, folder: Path, rules: Protocol, judge: Key, number: str
) -> Run:
    subset, title = arm.subset(seed), f"{arm.name}, seed {seed}"
    inside = RunFolder.for_run(folder, subset, None, recipe, seed)
    key = {"format": FORMAT, "arm": arm.name, "control": arm.control, "training": inside.key, "target": judge}
    run = _finished(folder, key, title)
    if run is not None:
        return run
    announce(f"[bold]{number}[/] {escape(title)}")
    differing = inside.differing()
    if differing:
        console.print(f"{title}: its training differs in {differing}, so it is repeated", highlight=False, markup=False)
        shutil.rmtree(folder)
    model = train(subset, recipe=recipe, out=folder, seed=seed)
    identities, seconds = subset.counts()["identities"], seconds_of(folder)
    unscored = Run(arm.name, seed, len(subset), identities, 0, 0, 0, 0, seconds, arm.control)
    return _score(model, target, folder, rules, unscored, key)


def _score(model: Model, target: Dataset, folder: Path, rules: Protocol, run: Run, key: Key) -> Run:
    result = evaluate(model, target, protocol=rules)
    result.save(folder / "result.json")
    save_ranked_lists(ranked_lists(result), folder / RANKED_LISTS)
    rank1, rank5, rank10 = (float(result.cmc[min(rank, len(result.cmc)) - 1]) for rank in (1, 5, 10))
    counted = result.per_query.filter(pl.col("reason").is_null()).group_by("identity")
    people = counted.agg(queries=pl.len(), ap=pl.col("ap").mean()).sort("identity").to_dict(as_series=False)
    scored = replace(run, mAP=float(result.mAP), rank1=rank1, rank5=rank5, rank10=rank10, people=_by_identity(people))
    write_json(folder / SCORE, {"key": plain(key), "run": _reached(scored), "people": people})
    return scored


def _by_identity(people: Mapping[str, Any]) -> dict[int, tuple[int, float]]:
    rows = zip(people["identity"], people["queries"], people["ap"], strict=True)
    return {identity: (queries, ap) for identity, queries, ap in rows}


def _reached(run: Run) -> dict[str, Any]:
    return {name: value for name, value in asdict(run).items() if name not in ("seconds", "people")}


def read_runs(folder: Path) -> list[Run]:
    """The runs that a study in ``folder`` has finished; empty where there are none.

    Example:
        >>> from closerlook.study import read_runs
        >>> read_runs(Path("nothing yet"))
        []
    """
    path = folder / FILE
    remedy = "Run the study again: it is written anew, finished runs are kept."
    found = []
    for run in read_json(path, list[_Reached], remedy) if path.exists() else []:
        name = run["arm"] if run["arm"] == IMAGENET_ONLY else f"{run['arm']}-{run['seed']}"
        own = folder / RUNS / name
        score = own / SCORE
        people = _by_identity(read_json(score, _Score, remedy)["people"]) if score.exists() else None
        found.append(Run(**run, seconds=seconds_of(own), people=people))
    return found


def summarize(runs: Sequence[Run]) -> list[Summary]:
    """One summary per arm, in order of first appearance.

    Example:
        >>> from closerlook.study import Run, summarize
        >>> runs = [Run("all", seed, 100, 10, mAP, 0.5, 0.6, 0.7, 60.0) for seed, mAP in enumerate([0.1, 0.3])]
        >>> round(summarize(runs)[0].mean["mAP"], 6)
        0.2
    """
    by_arm: dict[str, list[Run]] = {}
    for run in runs:
        by_arm.setdefault(run.arm, []).append(run)
    return [_summary(name, members, by_arm) for name, members in by_arm.items()]


def _summary(name: str, members: Sequence[Run], by_arm: Mapping[str, Sequence[Run]]) -> Summary:
    values = {measure: np.array([getattr(run, measure) for run in members]) for measure in MEASURES}
    control = members[0].control
    gain: dict[str, Any] = {}
    if control is not None and control in by_arm:
        other = {run.seed: run for run in by_arm[control]}
        gain = _paired_gain([(run, other[run.seed]) for run in members if run.seed in other])
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


def _paired_gain(pairs: Sequence[tuple[Run, Run]]) -> dict[str, float | None]:
    """Of runs over the control's with the same seed."""
    if not pairs:
        return {}
    differences = np.array([run.mAP - control.mAP for run, control in pairs])
    mean = float(differences.mean())
    if len(pairs) < 2:
        return {"gain": mean}
    people = [one.people for pair in pairs for one in pair]
    first = people[0]
    if first is None or len(first) < 2 or any(other is None or other.keys() != first.keys() for other in people):
        half = float(stats.sem(differences) * stats.t.ppf(0.975, len(pairs) - 1))
        return {"gain": mean, "gain_low": mean - half, "gain_high": mean + half}
    each = np.array([[own[identity][1] for identity in first] for own in people if own is not None])
    weights = np.array([queries for queries, _ in first.values()], float)
    low, high = mean_of_runs(each[::2] - each[1::2], weights).interval()
    return {"gain": mean, "gain_low": low, "gain_high": high}
