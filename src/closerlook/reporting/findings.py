"""What a page says first: the findings in sentences, each with its number and its uncertainty."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import polars as pl

from closerlook.gap import Gap
from closerlook.reporting.context import ReportContext
from closerlook.reporting.words import listed, percent, points, shortened
from closerlook.selection import Plan
from closerlook.study.arms import Summary

__all__ = ["decision", "findings", "method", "predicted", "verdict"]


def findings(context: ReportContext) -> list[str]:
    """The findings that the context supports; empty where nothing was measured."""
    levels = [*_levels(context.gap), *_importance(context.gap)] if context.gap else []
    return [*_gains(context), *_planted(context), *levels]


def decision(context: ReportContext) -> str | None:
    """What is true, and what to do about it; None where no plan was compared with a control.

    A plan is only called better than random where the interval of its gain is above 0.
    """
    tried = [summary for summary in context.summaries if summary.arm in context.plans and summary.gain is not None]
    if not tried:
        return None
    everything = next((summary for summary in context.summaries if summary.arm == "all"), None)
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
    gain: dict[str, Any] | None = getattr(plan, "predicted_gain", None)
    if not gain or gain.get("mean") is None:
        return None
    text = f"{points(gain['mean'])} {gain.get('unit', 'mAP')} over as many random images"
    if gain.get("low") is None or gain.get("high") is None:
        return text
    return f"{text} (95 % interval {points(gain['low'])} to {points(gain['high'])})"


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
    shown, lowest = (
        f"{sum(hits)} ({', '.join(f'{each.factor} {count}' for each, count in zip(recovered, hits, strict=True))})"
        for hits in zip(*((factor.shown_hits, factor.lowest_hits) for factor in recovered), strict=True)
    )
    plans = "".join(
        f" The plan “{name}” keeps {sum(factor.kept(name) for factor in recovered)} of the {planted} and drops "
        f"{sum(factor.dropped(name) for factor in recovered)} of the {others} others."
        for name in context.plans
    )
    yield (
        f"The target was rendered in {planted} hidden levels, and the analysis saw its images without labels: "
        f"it sees {shown} of them most of all in the target, and {lowest} are nearest to it by squared MMD.{plans}"
    )


def _levels(gap: Gap) -> Iterator[str]:
    """One sentence per attribute: the nearest level, what cannot be told from it, and what is surely farther."""
    for factor in gap.factors:
        rows = gap.levels.filter(pl.col("factor") == factor.name).drop_nulls("mmd2").sort("mmd2")
        if rows.height < 2:
            continue
        nearest, *others = rows["level"].to_list()
        pairs = gap.differences.filter(
            (pl.col("factor") == factor.name) & ((pl.col("level") == nearest) | (pl.col("other") == nearest))
        )
        apart = {level for row in pairs.filter("significant").iter_rows(named=True) for level in _both(row)}
        tied = [level for level in others if level not in apart]
        farther = [level for level in others if level in apart]
        if not farther:
            yield f"Of {factor.name}, no level is surely nearer to the target than another; {nearest} is nearest."
            continue
        text = f"Of {factor.name}, {nearest} is nearest to the target"
        if tied:
            text += f"; {shortened(tied)} cannot be told from it"
        yield f"{text}; surely farther {'is' if len(farther) == 1 else 'are'} {_farther(farther, tied)}."


def _both(row: dict[str, Any]) -> tuple[str, str]:
    return row["level"], row["other"]


def _farther(farther: Sequence[str], tied: Sequence[str]) -> str:
    if not tied and len(farther) > 4:
        return f"all {len(farther)} others, {farther[-1]} most"
    return f"{listed(farther)}" if len(farther) <= 4 else f"{len(farther)} others, {farther[-1]} most"


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
    reached = f"{100 * summary.mean['mAP']:.1f} mAP and {100 * summary.mean['rank1']:.1f} rank-1"
    text = (
        f"Trained on the {summary.images:,} images of “{summary.arm}”, the model reaches {reached}; on as many random "
        f"images {100 * control.mean['mAP']:.1f} and {100 * control.mean['rank1']:.1f}"
    )
    if everything is not None:
        text += f"; on all {everything.images:,} images {100 * everything.mean['mAP']:.1f} and "
        text += f"{100 * everything.mean['rank1']:.1f}"
    return f"{text}. {verdict(summary)}"


def verdict(summary: Summary) -> str:
    """Whether the gain over the control is beyond its interval, in a sentence."""
    assert summary.gain is not None
    gain = f"{points(summary.gain)} mAP over the equal-size random control"
    if summary.gain_low is None or summary.gain_high is None:
        return f"That is {gain}, from one pair of runs: no interval can be given."
    interval = f"95 % interval {points(summary.gain_low)} to {points(summary.gain_high)}"
    if summary.gain_low > 0:
        return f"That is {gain} ({interval}, {summary.runs} seeds): a gain beyond the spread over seeds."
    if summary.gain_high < 0:
        return f"That is {gain} ({interval}, {summary.runs} seeds): a loss; the selection should not be used."
    return f"That is {gain} ({interval}, {summary.runs} seeds): not distinguishable from random with this many seeds."
