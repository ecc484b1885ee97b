"""What a page says first: the findings in sentences, each with its number and its uncertainty."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import polars as pl

from closerlook.gap import Gap
from closerlook.reporting.story import Story
from closerlook.study.arms import Summary

__all__ = ["decision", "findings", "method", "verdict"]


def findings(story: Story) -> list[str]:
    """The findings that the story's parts support; empty where nothing was measured."""
    levels = [*_levels(story.gap), *_importance(story.gap)] if story.gap else []
    return [*_gains(story), *_planted(story), *levels]


def decision(story: Story) -> str | None:
    """What the runs say to do, in a sentence; None where no plan was compared with a control.

    A plan is only called better than random where the interval of its gain is above 0.
    """
    tried = [summary for summary in story.summaries if summary.arm in story.plans and summary.gain is not None]
    if not tried:
        return None
    best = max(tried, key=lambda summary: summary.mean["mAP"])
    better = [summary for summary in tried if summary.gain_low is not None and summary.gain_low > 0]
    everything = next((summary for summary in story.summaries if summary.arm == "all"), None)
    if better:
        best = max(better, key=lambda summary: summary.mean["mAP"])
        text = f"Train on “{best.arm}”: {best.images:,} images, surely better than as many random ones."
        if everything is not None and everything.mean["mAP"] > best.mean["mAP"]:
            text += " All images together reached more still; choose it where fewer images or less time matter."
        return text
    seeds = max(summary.runs for summary in tried)
    text = f"With {seeds} seed{'s' * (seeds > 1)}, no selection is surely better than as many random images."
    if everything is not None and everything.mean["mAP"] >= best.mean["mAP"]:
        return f"{text} Train on all images, or run more seeds."
    return f"{text} “{best.arm}” reached most; run more seeds before relying on it."


def method(gap: Gap) -> str:
    """How the gap was measured, in words: which space, which scaling, how many images."""
    settings = gap.settings
    height, width = settings.size
    analysed = gap.losses.height
    if settings.scaling == "balanced":
        scale = "1.0 is the target's own mean distance to itself, for style and for content"
    else:
        scale = f"{settings.scaling} scaling"
    notes = "".join(f" {note}" for note in settings.notes)
    return (
        f"{analysed:,} of {settings.source_images:,} images of {settings.source} against {settings.target} "
        f"({settings.target_images:,} unlabelled images), in the content and style space of {settings.embedding} at "
        f"{height} x {width}; {scale}; style weighs {settings.alpha:g}, content {settings.beta:g}. Fit is the squared "
        "distance of the two sets' means without the bias that few images bring. The paper's pair loss is fit plus the "
        f"spread of both sets, so it favours levels that look all alike.{notes}"
    )


def _planted(story: Story) -> Iterator[str]:
    if not story.recovered:
        return
    planted = sum(len(found.planted) for found in story.recovered)
    others = sum(len(found.levels) for found in story.recovered) - planted
    shown, lowest = (
        f"{sum(hits)} ({', '.join(f'{found.factor} {own}' for found, own in zip(story.recovered, hits, strict=True))})"
        for hits in zip(*((found.shown_hits, found.lowest_hits) for found in story.recovered), strict=True)
    )
    plans = "".join(
        f" The plan “{name}” keeps {sum(found.kept(name) for found in story.recovered)} of the {planted} and drops "
        f"{sum(found.dropped(name) for found in story.recovered)} of the {others} others."
        for name in story.plans
    )
    yield (
        f"The target was rendered in {planted} hidden levels, and the analysis saw its images without labels: "
        f"it sees {shown} of them most of all in the target, and {lowest} are nearest to it by fit.{plans}"
    )


def _levels(gap: Gap) -> Iterator[str]:
    """An attribute each: the levels whose interval is wholly on one side of the attribute's mean."""
    for factor in gap.factors:
        rows = gap.levels.filter(pl.col("factor") == factor.name).sort("fit", descending=True, nulls_last=True)
        sides = {
            side: [f"{row['level']} ({row['fit']:.3f})" for row in rows.iter_rows(named=True) if row["side"] == side]
            for side in ("above", "below")
        }
        if not any(sides.values()):
            yield f"No level of {factor.name} is surely nearer to the target, or farther from it, than its mean."
            continue
        parts = [
            f"{words} {', '.join(sides[side])}"
            for side, words in (("above", "surely farther than its mean:"), ("below", "surely nearer:"))
            if sides[side]
        ]
        yield f"Fit of {factor.name}: {'; '.join(parts)}."


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


def _gains(story: Story) -> Iterator[str]:
    summaries = {summary.arm: summary for summary in story.summaries}
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
