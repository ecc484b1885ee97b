"""What a page says first: the findings in sentences, each with its number and its uncertainty."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import polars as pl

from closerlook.gap import Gap
from closerlook.reporting.context import ReportContext
from closerlook.study.arms import Summary

__all__ = ["decision", "findings", "method", "verdict"]


def findings(context: ReportContext) -> list[str]:
    """The findings that the context supports; empty where nothing was measured."""
    levels = [*_levels(context.gap), *_importance(context.gap)] if context.gap else []
    return [*_gains(context), *_planted(context), *levels]


def decision(context: ReportContext) -> str | None:
    """What the runs say to do, in a sentence; None where no plan was compared with a control.

    A plan is only called better than random where the interval of its gain is above 0.
    """
    tried = [summary for summary in context.summaries if summary.arm in context.plans and summary.gain is not None]
    if not tried:
        return None
    best = max(tried, key=lambda summary: summary.mean["mAP"])
    better = [summary for summary in tried if summary.gain_low is not None and summary.gain_low > 0]
    everything = next((summary for summary in context.summaries if summary.arm == "all"), None)
    if better:
        best = max(better, key=lambda summary: summary.mean["mAP"])
        text = f"Train on “{best.arm}”: {best.images:,} images, significantly better than as many random ones."
        if everything is not None and everything.mean["mAP"] > best.mean["mAP"]:
            text += " All images together reached more still; choose it where fewer images or less time matter."
        return text
    seeds = max(summary.runs for summary in tried)
    text = f"With {seeds} seed{'s' * (seeds > 1)}, no selection is significantly better than as many random images."
    if everything is not None and everything.mean["mAP"] >= best.mean["mAP"]:
        return f"{text} Train on all images, or run more seeds."
    return f"{text} “{best.arm}” reached most; run more seeds before relying on it."


def method(gap: Gap) -> str:
    """How the gap was measured, in words: which space, which scaling, how many images."""
    settings = gap.settings
    height, width = settings.size
    analyzed = gap.losses.height
    if settings.scaling == "balanced":
        scale = "1.0 is the target's own mean distance to itself, for style and for content"
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
    """One sentence per attribute: the levels significantly below or above the attribute's mean."""
    for factor in gap.factors:
        rows = gap.levels.filter(pl.col("factor") == factor.name).sort("mmd2", descending=True, nulls_last=True)
        table = rows.select("level", "mmd2", "relative_to_mean")
        relations = {
            side: [f"{level} ({mmd2:.3f})" for level, mmd2, relation in table.iter_rows() if relation == side]
            for side in ("above", "below")
        }
        if not any(relations.values()):
            yield f"No level of {factor.name} is significantly nearer to the target, or farther, than their mean."
            continue
        parts = [
            f"{words} {', '.join(relations[side])}"
            for side, words in (("above", "significantly farther than their mean:"), ("below", "significantly nearer:"))
            if relations[side]
        ]
        yield f"Gap of {factor.name}: {'; '.join(parts)}."


def _importance(gap: Gap) -> Iterator[str]:
    rows = gap.importance.unique("factor", keep="first").drop_nulls("share").sort("share", descending=True)
    shares = ", ".join(map(_share, rows.iter_rows(named=True)))
    if shares:
        yield f"Of the variance of the loss from image to image, each attribute by itself explains: {shares}."


def _share(row: dict[str, Any]) -> str:
    text = f"{row['factor']} {100 * row['share']:.0f}\u00a0%"
    if row["share_low"] is None:
        return text
    return f"{text} ({100 * row['share_low']:.0f} to {100 * row['share_high']:.0f})"


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
    gain = f"{100 * summary.gain:+.1f} mAP over the equal-size random control"
    if summary.gain_low is None or summary.gain_high is None:
        return f"That is {gain}, from one pair of runs: no interval can be given."
    interval = f"95 % interval {100 * summary.gain_low:+.1f} to {100 * summary.gain_high:+.1f}"
    if summary.gain_low > 0:
        return f"That is {gain} ({interval}, {summary.runs} seeds): a gain beyond the spread over seeds."
    if summary.gain_high < 0:
        return f"That is {gain} ({interval}, {summary.runs} seeds): a loss; the selection should not be used."
    return f"That is {gain} ({interval}, {summary.runs} seeds): not distinguishable from random with this many seeds."
