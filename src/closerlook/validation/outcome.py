"""What an experiment found: from its runs and from what was known before them to the answer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import polars as pl

from closerlook.arrays import Float, Int
from closerlook.validation.association import correlation, partial_correlations, slopes
from closerlook.validation.choice import Choice, choose_measure
from closerlook.validation.estimates import Estimate, draw_subsets, estimate
from closerlook.validation.gains import gain
from closerlook.validation.interaction import Interaction, interaction
from closerlook.validation.measures import MEASURES
from closerlook.validation.power import Power, corrected, power
from closerlook.validation.renaming import rename

__all__ = [
    "SMALL",
    "Association",
    "Before",
    "Nearest",
    "OfTarget",
    "Outcome",
    "find_outcome",
    "implied_gain",
    "scores_of",
    "verdict",
]

SMALL = 0.01  # mAP: what would have been missed must not be larger, before an effect is denied
FEWEST_HALF = 3  # subsets of a half on which measures are compared

Verdict = Literal["predicts", "misleads", "does not", "unknown"]


@dataclass(frozen=True)
class Before:
    """What was known of n subsets before training, for t targets.

    Attributes:
        targets: their names.
        number: (n,) the subsets' numbers.
        measures: (n, t) each, by their names in :data:`closerlook.validation.measures.MEASURES`.
        brightness: (n,)
        gaps: (c_1, ..., c_f, t) of all candidates.
        place: (n, f) the subsets among them.
        sets: for each factor the sets of level numbers that candidates take.
    """

    targets: tuple[str, ...]
    number: Int = field(repr=False)
    measures: Mapping[str, Float] = field(repr=False)
    brightness: Float = field(repr=False)
    gaps: Float = field(repr=False)
    place: Int = field(repr=False)
    sets: Sequence[Sequence[tuple[int, ...]]] = field(repr=False)

    def take(self, rows: Int) -> Before:
        """Only these subsets."""
        measures = {name: values[rows] for name, values in self.measures.items()}
        number, brightness, place = self.number[rows], self.brightness[rows], self.place[rows]
        return Before(self.targets, number, measures, brightness, self.gaps, place, self.sets)


@dataclass(frozen=True)
class OfTarget:
    """Attributes:
    target: its name.
    power: whether its scores tell subsets apart.
    slope: of mAP on the gap, diversity and brightness being equal; negative where nearer is better.
    gain: what that slope makes of the nearest subset over the mean one, in mAP.
    p: how often levels named at random give the gap as close a relation to mAP.
    """

    target: str
    power: Power
    slope: Estimate
    gain: Estimate
    p: float


@dataclass(frozen=True)
class Association:
    """Spearman's correlation of a measure with mAP, and that without the runs' noise (nan without reliability)."""

    target: str
    measure: str
    rho: Estimate
    corrected: float


@dataclass(frozen=True)
class Nearest:
    """mAP of the nearest subsets' runs over that of the random controls', over test people and runs."""

    target: str
    runs: int
    controls: int
    gain: Estimate


@dataclass(frozen=True)
class Outcome:
    """Attributes:
    verdict: ``predicts``, ``misleads`` (farther is better), ``does not`` or ``unknown``.
    gain: the targets' mean of :attr:`OfTarget.gain`.
    p: how often levels named at random, the same for all targets, give the gap as close a mean relation to mAP.
    targets: one row per target.
    associations: one row per measure and target.
    interaction: of subset and target; None for one target.
    choice: which measure knew best; None for fewer than three subsets of odd or of even number.
    nearest: one row per target, where there are two runs or more of random controls.
    """

    verdict: Verdict
    gain: Estimate
    p: float
    targets: tuple[OfTarget, ...]
    associations: tuple[Association, ...]
    interaction: Interaction | None
    choice: Choice | None
    nearest: tuple[Nearest, ...]


def find_outcome(
    before: Before, scores: Float, identities: pl.DataFrame, seed: int = 0, level: float = 0.95
) -> Outcome:
    """The outcome of runs with these scores (n subsets, k seeds, t targets); nan where a run was not made.

    Args:
        identities: one row per run, target and person (``subset``, ``seed``, ``target``, ``identity``, ``queries``,
            ``ap``), with random controls, whose ``subset`` is negative; may be empty.
    """
    drawn = draw_subsets(len(before.number), seed)
    means = np.nanmean(scores, axis=1)
    renamings = rename(before.place, before.sets, seed)
    targets, replicates, related = [], [], []
    for column, name in enumerate(before.targets):
        own = power(scores[:, :, column])
        x = before.measures["gap"][:, column]
        given = np.column_stack([before.measures["diversity"][:, column], before.brightness])
        slope, found = _slope(means[:, column], x, given, drawn, level)
        reach = implied_gain(x)
        replicates.append(found * reach)
        renamed = np.concatenate([x[None], before.gaps[renamings.places][:, :, column]])
        related.append(partial_correlations(means[:, column], renamed, given))
        p = renamings.p(related[-1][0], related[-1][1:])
        targets.append(OfTarget(name, own, slope, estimate(slope.value * reach, found * reach, level), p))
    over_targets = np.mean(related, axis=0)
    chance = renamings.p(over_targets[0], over_targets[1:])
    overall = estimate(float(np.mean([t.gain.value for t in targets])), np.mean(replicates, axis=0), level)
    known = {name: values for name, values in before.measures.items() if np.isfinite(values).all()}
    better = {name: values * (1 if MEASURES[name][1] else -1) for name, values in known.items()}
    halves = np.bincount(before.number % 2, minlength=2)
    return Outcome(
        verdict(overall, [t.power for t in targets], chance, level),
        overall,
        chance,
        tuple(targets),
        tuple(_associations(before.targets, known, means, [t.power.reliability for t in targets], drawn, level)),
        interaction(means, before.gaps, before.place, renamings) if len(before.targets) > 1 else None,
        choose_measure(better, means, before.number, seed, level) if halves.min() >= FEWEST_HALF else None,
        tuple(_nearest(before, identities, level)),
    )


def _slope(y: Float, x: Float, given: Float, drawn: Int, level: float) -> tuple[Estimate, Float]:
    found = slopes(y, x, given, drawn)
    return estimate(float(slopes(y, x, given, np.arange(len(y))[None])[0]), found, level), found


def implied_gain(gaps: Float) -> float:
    """What a slope of mAP on the gap (n,) is multiplied by to give the gain of the nearest subset over the mean one."""
    return float(gaps.min() - gaps.mean())


def verdict(gain: Estimate, powers: Sequence[Power], p: float = 0.0, level: float = 0.95) -> Verdict:
    """What may be claimed of a gain that the gap implies.

    An effect is claimed only where neither drawing subsets anew nor naming levels at random (p) would make it vanish,
    and denied only where one of :data:`SMALL` would have been seen and subsets differ enough on every target.
    """
    if gain.low > 0 or gain.high < 0:
        if p > 1 - level:
            return "unknown"
        return "predicts" if gain.low > 0 else "misleads"
    return "does not" if gain.detectable <= SMALL and all(own.enough for own in powers) else "unknown"


def _associations(
    targets: Sequence[str],
    measures: Mapping[str, Float],
    means: Float,
    reliabilities: Sequence[float],
    drawn: Int,
    level: float,
) -> list[Association]:
    found = []
    for name, values in measures.items():
        for column, target in enumerate(targets):
            rho = correlation(values[:, column], means[:, column], drawn, level)
            found.append(Association(target, name, rho, corrected(rho.value, reliabilities[column])))
    return found


def _nearest(before: Before, identities: pl.DataFrame, level: float) -> list[Nearest]:
    """The nearest subsets, as many as there are controls but at most a fifth of all."""
    controls = identities.filter(pl.col("subset") < 0)["subset"].n_unique() if identities.height else 0
    count = max(2, min(controls, len(before.number) // 5))
    found = []
    for column, target in enumerate(before.targets):
        order = np.argsort(before.measures["gap"][:, column])[:count]
        own = identities.filter(pl.col("target") == target) if identities.height else identities
        if controls < 2:
            continue
        runs, weights = _matrix(own, pl.col("subset").is_in(before.number[order].tolist()))
        others, _ = _matrix(own, pl.col("subset") < 0)
        found.append(Nearest(target, len(runs), len(others), gain(runs, others, weights, level)))
    return found


def _matrix(identities: pl.DataFrame, which: pl.Expr) -> tuple[Float, Float]:
    """Mean AP of each subset's runs (rows, seeds averaged) and person, and the mean queries of each person."""
    weighted = (pl.col("ap") * pl.col("queries")).sum() / pl.col("queries").sum()
    each = identities.filter(which).group_by("identity", "subset").agg(weighted, pl.col("queries").mean())
    wide = each.sort("subset").pivot("subset", index="identity", values=["ap", "queries"]).sort("identity")
    scores, queries = (
        wide.select(pl.selectors.starts_with(f"{name}_")).to_numpy().astype(float) for name in ("ap", "queries")
    )
    return scores.T, queries.mean(axis=1)


def scores_of(runs: pl.DataFrame, number: Int, targets: Sequence[str]) -> Float:
    """mAP as (n subsets, k seeds, t targets), nan where there is no run, from one row per run and target.

    Seeds of a subset stand in order at its beginning, whatever they are called.
    """
    order = runs.with_columns(pl.col("seed").rank("ordinal").over("subset", "target").alias("turn"))
    found = np.full((len(number), int(order["turn"].max() or 1), len(targets)), np.nan)  # type: ignore[arg-type]
    row, column = ({name: at for at, name in enumerate(names)} for names in (number.tolist(), targets))
    for subset, target, turn, value in order.select("subset", "target", "turn", "mAP").iter_rows():
        if subset in row and target in column:
            found[row[subset], turn - 1, column[target]] = value
    return found
