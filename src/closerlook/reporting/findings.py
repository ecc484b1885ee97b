"""What a page says first: the findings in sentences, each with its number and its uncertainty."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl

from closerlook.gap import Gap
from closerlook.reporting.context import ReportContext
from closerlook.reporting.words import listed, percent, points
from closerlook.selection import Plan
from closerlook.study.arms import Summary

__all__ = ["decision", "findings", "findings_of_gap", "method", "nearest_levels", "predicted", "verdict"]

MOST_NAMED = 4  # levels in one sentence about all attributes


def findings(context: ReportContext) -> list[str]:
    """The findings that the context supports; empty where nothing was measured."""
    levels = [*_nearest(context.gap), *_importance(context.gap)] if context.gap else []
    return [*_gains(context), *_planted(context), *levels]


def findings_of_gap(gap: Gap) -> list[str]:
    """What an analysis found, in three sentences at most: what is nearest, what is to be left out, what matters."""
    return [*_nearest(gap), *_above_mean(gap), *_importance(gap)]


def decision(summaries: Sequence[Summary], plans: Collection[str]) -> str | None:
    """What is true, and what to do about it; None where no plan was compared with a control.

    A plan is only called better than random where the interval of its gain is above 0.

    Args:
        summaries: of all arms of a study.
        plans: names of the arms that are selections.
    """
    tried = [summary for summary in summaries if summary.arm in plans and summary.gain is not None]
    if not tried:
        return None
    everything = next((summary for summary in summaries if summary.arm == "all"), None)
    better = [summary for summary in tried if summary.gain_low is not None and summary.gain_low > 0]
    return _for(better, everything) if better else _for_none(tried, everything)


def _for(better: Sequence[Summary], everything: Summary | None) -> str:
    best = max(better, key=lambda summary: summary.mean["mAP"])
    assert best.gain is not None and best.gain_low is not None and best.gain_high is not None
    text = (
        f"Selecting helped: trained on the {best.images:,} images of “{best.arm}”, the model reaches "
        f"{points(best.gain)} mAP over as many random images (95 % interval {points(best.gain_low)} to "
        f"{points(best.gain_high)})."
    )
    if everything is not None and everything.mean["mAP"] > best.mean["mAP"]:
        return f"{text} All images together reached more still; choose it where fewer images or less time matter."
    return text


def _for_none(tried: Sequence[Summary], everything: Summary | None) -> str:
    seeds = max(summary.runs for summary in tried)
    text = f"With {seeds} seed{'s' * (seeds > 1)}, no selection surely gained anything over as many random images."
    best = max(tried, key=lambda summary: summary.mean["mAP"])
    if everything is not None and everything.mean["mAP"] >= best.mean["mAP"]:
        return f"{text} Train on all images, or run more seeds."
    return f"{text} “{best.arm}” reached most; run more seeds before relying on it."


def predicted(plan: Plan) -> str | None:
    """What a plan was expected to gain, before any training; None where it does not say."""
    gain = plan.predicted_gain
    if gain is None:
        return None
    interval = f"95 % interval {points(gain.low)} to {points(gain.high)}"
    return f"{points(gain.mean)} mAP over as many random images ({interval}; by {gain.basis})"


def method(gap: Gap) -> str:
    """How the gap was measured, in words: which space, which scaling, how many images."""
    settings = gap.settings
    height, width = settings.size
    analyzed = gap.losses.height
    if settings.scaling == "balanced":
        scale = "a loss of 1 is the mean distance of two target images"
    else:
        scale = f"{settings.scaling} scaling"
    notes = "".join(f" {note}" for note in settings.notes)
    return (
        f"{analyzed:,} of {settings.source_images:,} images of {settings.source} against {settings.target} "
        f"({settings.target_images:,} unlabeled images), in the content and style space of {settings.embedding} at "
        f"{height} x {width}; {scale}; style weighs {settings.alpha:g}, content {settings.beta:g}. The gap is the "
        "squared MMD: the squared distance of the two sets' means, without the bias that few images bring. The paper's "
        f"total loss is the gap plus the spread of both sets, so it favors levels that look all alike.{notes}"
    )


def _planted(context: ReportContext) -> Iterator[str]:
    if not context.recovered:
        return
    recovered = context.recovered
    planted = sum(len(factor.planted) for factor in recovered)
    others = sum(len(factor.levels) for factor in recovered) - planted
    shown, lowest = (sum(hits) for hits in zip(*((one.shown_hits, one.lowest_hits) for one in recovered), strict=True))
    plans = "; ".join(
        f"“{name}” keeps {sum(one.kept(name) for one in recovered)} of them and drops "
        f"{sum(one.dropped(name) for one in recovered)} of the {others} others"
        for name in context.plans
    )
    yield (
        f"The target was rendered in {planted} levels that were hidden from the analysis: it sees {shown} of them most "
        f"of all in the target, and {lowest} are the nearest of their attribute{f'; {plans}' if plans else ''}."
    )


@dataclass(frozen=True)
class _Order:
    """An attribute's nearest level, those that cannot be told from it, and those that are surely farther."""

    factor: str
    nearest: str
    tied: list[str]
    farther: list[str]


def _orders(gap: Gap) -> Iterator[_Order]:
    for factor in gap.factors:
        rows = gap.levels.filter(pl.col("factor") == factor.name).drop_nulls("mmd2").sort("mmd2")
        if rows.height < 2:
            continue
        nearest, *others = rows["level"].to_list()
        is_one = (pl.col("level") == nearest) | (pl.col("other") == nearest)
        pairs = gap.differences.filter((pl.col("factor") == factor.name) & is_one & pl.col("significant"))
        apart = {*pairs["level"], *pairs["other"]}
        tied = [level for level in others if level not in apart]
        yield _Order(factor.name, nearest, tied, [level for level in others if level in apart])


def nearest_levels(gap: Gap) -> list[str]:
    """One sentence per attribute: its nearest level, what cannot be told from that, and what is surely farther."""
    sentences = []
    for one in _orders(gap):
        if not one.farther:
            text = f"Of {one.factor}, no level is surely nearer to the target than another; {one.nearest} is nearest"
        else:
            text = f"Of {one.factor}, {one.nearest} is nearest to the target"
            text += f"; {listed(one.tied)} cannot be told from it" if one.tied else ""
            text += f"; surely farther: {listed(one.farther)}"
        sentences.append(f"{text}.")
    return sentences


def _nearest(gap: Gap) -> Iterator[str]:
    """The nearest levels of all attributes in one sentence."""
    parts = []
    for one in _orders(gap):
        if not one.farther:
            parts.append(f"{one.factor} cannot be told")
        else:
            parts.append(f"{one.factor} {' or '.join([one.nearest, *one.tied][:MOST_NAMED])}")
            parts[-1] += " or others" if len(one.tied) >= MOST_NAMED else ""
    if parts:
        yield f"Nearest to the target is: {'; '.join(parts)}."


def _above_mean(gap: Gap) -> Iterator[str]:
    """What the rule ``not-worse`` leaves out."""
    parts = []
    for (name,), rows in gap.levels.group_by("factor", maintain_order=True):
        above = rows.filter(pl.col("relative_to_mean") == "above")["level"].to_list()
        if above:
            parts.append(f"{name} {listed(above)}")
    if parts:
        yield f"Significantly farther than the mean of their attribute (5 %, Holm): {'; '.join(parts)}."
    else:
        yield "No level is significantly farther than the mean of its attribute (5 %, Holm)."


def _importance(gap: Gap) -> Iterator[str]:
    rows = gap.importance.unique("factor", keep="first").drop_nulls("share").sort("share", descending=True)
    shares = "; ".join(map(_share, rows.iter_rows(named=True)))
    if shares:
        also = " (in brackets with what it does together with others)" if gap.variance is not None else ""
        yield f"Of what makes one image nearer than another, each attribute alone{also} explains: {shares}."


def _share(row: dict[str, Any]) -> str:
    text = f"{row['factor']} {percent(row['share'], 0)}\u00a0%"
    return text if row["total_share"] is None else f"{text} ({percent(row['total_share'], 0)}\u00a0%)"


def _gains(context: ReportContext) -> Iterator[str]:
    summaries = {summary.arm: summary for summary in context.summaries}
    for summary in summaries.values():
        if summary.gain is not None and summary.control in summaries:
            yield _gain(summary, summaries[summary.control], summaries.get("all"))


def _gain(summary: Summary, control: Summary, everything: Summary | None) -> str:
    text = (
        f"“{summary.arm}” ({summary.images:,} images): {percent(summary.mean['mAP'])} mAP; as many random images "
        f"{percent(control.mean['mAP'])}"
    )
    if everything is not None:
        text += f"; all {everything.images:,} images {percent(everything.mean['mAP'])}"
    return f"{text}. {verdict(summary)}"


def verdict(summary: Summary) -> str:
    """Whether the gain over the control is beyond its interval, in a sentence."""
    assert summary.gain is not None
    gain = f"{points(summary.gain)} over random"
    if summary.gain_low is None or summary.gain_high is None:
        return f"{gain}, from one pair of runs: no interval can be given."
    gain += f" (95 % interval {points(summary.gain_low)} to {points(summary.gain_high)}, {summary.runs} seeds)"
    if summary.gain_low > 0:
        return f"{gain}: a gain beyond what test people and seeds vary by."
    if summary.gain_high < 0:
        return f"{gain}: a loss; the selection should not be used."
    return f"{gain}: not distinguishable from random with this many seeds."
