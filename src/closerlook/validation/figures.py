"""Charts of an experiment: mAP over the gap, and how well each measure knows mAP."""

from __future__ import annotations

from typing import Any

import altair as alt
import polars as pl

from closerlook.charts import FAR, INK, LINE, MUTED, NEAR, themed
from closerlook.validation.measures import MEASURES
from closerlook.validation.outcome import Outcome

__all__ = ["measures_figure", "scatter_figure"]

ACROSS = 3  # panels in a row


def scatter_figure(runs: pl.DataFrame, gap: pl.DataFrame, outcome: Outcome) -> alt.TopLevelMixin:
    """mAP of every subset over its gap, one panel per target: a bar is the runs' standard deviation (of their mean),
    the line least squares, the gray band the random controls' range and its dashed line their mean.

    Args:
        runs: ``subset``, ``seed``, ``target``, ``mAP``; controls have negative numbers.
        gap: ``subset``, ``target``, ``value``.
    """
    keys = ["subset", "target"]
    means = runs.group_by(keys).agg(pl.col("mAP").mean() * 100, pl.len().alias("runs"))
    points = means.join(gap.select(*keys, gap="value"), on=keys).sort(keys)
    panels = []
    for own in outcome.targets:
        table = points.filter(pl.col("target") == own.target)
        error = 100 * (own.power.run_sd if own.power.run_sd == own.power.run_sd else 0.0) / pl.col("runs").sqrt()
        bars = table.with_columns(low=pl.col("mAP") - error, high=pl.col("mAP") + error)
        controls = means.filter((pl.col("target") == own.target) & (pl.col("subset") < 0))
        panels.append(_scatter(own.target, bars, controls))
    rows = [alt.hconcat(*panels[start : start + ACROSS], spacing=24) for start in range(0, len(panels), ACROSS)]
    subtitle = ["A point is a part, the bar its runs' standard deviation; the line is least squares."]
    subtitle += ["Gray: random parts of equal size (range, mean dashed), which have no place on the gap's axis."]
    return _styled(alt.vconcat(*rows, spacing=24), "Does the nearer part train the better model?", subtitle)


def _scatter(title: str, table: pl.DataFrame, controls: pl.DataFrame) -> alt.LayerChart:
    x = alt.X("gap:Q", title="gap to the target", scale=alt.Scale(zero=False), axis=alt.Axis(tickCount=5))
    y = alt.Y("mAP:Q", title="mAP (%)", scale=alt.Scale(zero=False))
    base = alt.Chart(table)
    bars = base.mark_rule(color=FAR, strokeWidth=1.5).encode(x=x, y=alt.Y("low:Q", title="mAP (%)"), y2="high:Q")
    tooltip = ["subset:Q", alt.Tooltip("gap:Q", format=".4f"), alt.Tooltip("mAP:Q", format=".2f"), "runs:Q"]
    points = base.mark_circle(color=NEAR, size=46, opacity=0.9).encode(x=x, y=y, tooltip=tooltip)
    line = base.transform_regression("gap", "mAP").mark_line(color=LINE, strokeWidth=1.5).encode(x=x, y=y)
    layers: list[Any] = [bars, line, points]
    if controls.height:
        span = controls.select(low=pl.min("mAP"), high=pl.max("mAP"), mean=pl.mean("mAP"))
        band = alt.Chart(span).mark_rect(color=FAR, opacity=0.3).encode(y=alt.Y("low:Q"), y2="high:Q")
        mean = alt.Chart(span).mark_rule(color=MUTED, strokeDash=[4, 3]).encode(y="mean:Q")
        layers = [band, mean, *layers]
    return alt.layer(*layers).properties(title=title, width=250, height=190)  # type: ignore[return-value]


def measures_figure(outcome: Outcome) -> alt.TopLevelMixin:
    """Spearman's correlation of every measure with mAP, signs turned so that right of 0 it knows what trains well, with
    its 95 % interval; one panel per target, measures in one order: the best on average first."""
    rows = []
    for one in outcome.associations:
        sign = 1 if MEASURES[one.measure][1] else -1
        ends = sorted((sign * one.rho.low, sign * one.rho.high))
        value = sign * one.rho.value
        rows.append({"target": one.target, "measure": one.measure, "rho": value, "low": ends[0], "high": ends[1]})
    table = pl.DataFrame(rows)
    order = table.group_by("measure").agg(pl.mean("rho")).sort("rho", descending=True)["measure"].to_list()
    panels = [
        _correlations(table.filter(pl.col("target") == own.target), own.target, order, labels=not number % ACROSS)
        for number, own in enumerate(outcome.targets)
    ]
    rows_of = [alt.hconcat(*panels[start : start + ACROSS], spacing=18) for start in range(0, len(panels), ACROSS)]
    subtitle = "Spearman's correlation with mAP, 95 % interval over parts; right of 0: it knows what trains well."
    return _styled(alt.vconcat(*rows_of, spacing=24), "Which measure knows what trains well?", [subtitle])


def _correlations(table: pl.DataFrame, title: str, order: list[str], *, labels: bool) -> alt.LayerChart:
    y = alt.Y("measure:N", sort=order, title=None, axis=alt.Axis(labels=labels, ticks=False, domain=False))
    scale = alt.Scale(domain=[-1, 1])
    x = alt.X("rho:Q", title="correlation", scale=scale, axis=alt.Axis(tickCount=5))
    base = alt.Chart(table)
    zero = alt.Chart(pl.DataFrame({"x": [0]})).mark_rule(color=LINE, strokeDash=[4, 3]).encode(x=alt.X("x:Q"))
    bars = base.mark_rule(color=FAR, strokeWidth=3).encode(y=y, x=alt.X("low:Q", scale=scale), x2="high:Q")
    tooltip = ["measure:N", *(alt.Tooltip(f"{name}:Q", format=".2f") for name in ("rho", "low", "high"))]
    points = base.mark_circle(color=NEAR, size=60, opacity=1).encode(y=y, x=x, tooltip=tooltip)
    layers = alt.layer(zero, bars, points)
    return layers.properties(title=title, width=220, height=alt.Step(19))  # type: ignore[return-value]


def _styled(chart: alt.VConcatChart, title: str, subtitle: list[str]) -> alt.TopLevelMixin:
    heading = alt.TitleParams(
        title, subtitle=subtitle, anchor="start", fontSize=15, subtitleColor=MUTED, subtitleFontSize=12, offset=14
    )
    styled: alt.TopLevelMixin = themed(chart.properties(title=heading)).configure_title(
        color=INK, fontWeight="bold", fontSize=12
    )
    return styled
