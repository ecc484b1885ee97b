"""Figures 3 and 4 of the paper, with their uncertainty, as Altair charts (HTML, SVG or PNG through vl-convert)."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from typing import Any

import altair as alt
import polars as pl

from closerlook.charts import FAR, INK, LINE, NEAR, themed
from closerlook.gap.estimator import GapEstimator
from closerlook.gap.tables import combinations

__all__ = ["figure_names", "importance_figure", "interaction_figure", "level_figure"]

MAX_HEAT = 400  # cells of one heat map

# What the levels are shown by: title, axis
ON = {
    "mmd2": ("How far each level is from the target", "gap (squared MMD)"),
    "total_loss": ("Mean total loss of each level (Eq. 3)", "mean total loss"),
    "diversity": ("How diverse each level is beside the target", "diversity (target = 1)"),
    "mixture_weight": ("What the target seems to show", "weight in the mixture"),
}


IMPORTANCE = "Which attributes the per-image loss depends on"
FIGURES = (*ON, "importance", "interactions")


def figure_names(gap: GapEstimator, levels: pl.DataFrame) -> list[str]:
    """``mmd2`` and ``total_loss`` (Fig. 3 by either measure), ``diversity``, ``mixture_weight``, ``importance`` (Fig.
    4), and ``interactions`` where there are two attributes to cross; none of what could not be measured."""
    known = [name for name in ON if levels[name].count()]
    return [*known, "importance", *(["interactions"] if _heat_maps(gap) else [])]


def level_figure(gap: GapEstimator, levels: pl.DataFrame, on: str) -> alt.HConcatChart:
    """Fig. 3: every level's ``mmd2``, ``total_loss``, ``diversity`` or ``mixture_weight`` with its 95 % interval, and a
    dashed line: each factor's mean, or for diversity the target's.

    Levels at or below their mean line, which rule ``mean`` keeps, are drawn dark, and mixture weights at or above
    it; hollow where the difference from the line is not significant.
    """
    title, _ = ON[on]
    table = levels.select(
        "factor",
        "level",
        "images",
        value=pl.col(on),
        low=pl.col(f"{on}_low"),
        high=pl.col(f"{on}_high"),
        look=_look(on),
        line=pl.lit(1.0) if on == "diversity" else pl.col(on).mean().over("factor"),
    ).drop_nulls("value")
    panels = [
        _level_panel(
            factor.name, table.filter(pl.col("factor") == factor.name), _axis_title(gap, on) if first else None
        )
        for first, factor in zip([True, *[False] * len(gap.factors)], gap.factors, strict=False)
    ]
    chart = alt.hconcat(*panels, spacing=18).resolve_scale(y="shared")
    return _styled(chart, title, [f"{_what(gap)}.", _legend(on)])


def _look(on: str) -> pl.Expr:
    """``near`` or ``far``, and whether that is significant."""
    if on == "diversity":
        return pl.lit("near, significant")
    line, value = pl.col(on).mean().over("factor"), pl.col(on)
    near = value >= line if on == "mixture_weight" else value <= line
    unclear = (pl.col("relative_to_mean") == "unclear") & (on == "mmd2")
    if on == "mixture_weight":
        unclear = line.is_between(pl.col("mixture_weight_low"), pl.col("mixture_weight_high"))
    return pl.when(near).then(pl.lit("near")).otherwise(pl.lit("far")) + pl.when(unclear).then(
        pl.lit(", unclear")
    ).otherwise(pl.lit(", significant"))


def _axis_title(gap: GapEstimator, on: str) -> str:
    _, label = ON[on]
    if on == "mmd2":
        return f"{label}, 0 = like the target"
    return f"{label} (1 = two target images)" if on == "total_loss" and gap.settings.scaling == "balanced" else label


def _legend(on: str) -> str:
    if on == "diversity":
        return "Variance of a level's images over the target's. Bars: 95 % intervals; dashed: as diverse as the target."
    if on == "mixture_weight":
        return "The mixture that explains the target best. Bars: 95 % intervals; dashed: even; hollow: perhaps even."
    text = "Bars: 95 % intervals; dashed: the attribute's mean; dark: at or below it"
    if on == "mmd2":
        return f"{text}; hollow: difference not significant (5 %, Holm)."
    return f"{text}. The paper's loss; it also rewards a level for looking all alike."


def _level_panel(name: str, table: pl.DataFrame, label: str | None) -> alt.LayerChart:
    levels = table["level"].to_list()
    base = alt.Chart(table)
    x = alt.X("level:N", sort=levels, title=None, axis=alt.Axis(labelAngle=-45, domain=False))
    low, value, line = (
        alt.Y(f"{column}:Q", title=label, scale=alt.Scale(zero=False, nice=True))
        for column in ("low", "value", "mean(line)")
    )
    color = _by_look(alt.Color, [NEAR, NEAR, FAR, FAR])
    rule = base.mark_rule(strokeDash=[4, 3], color=LINE, strokeWidth=1.2).encode(y=line)
    bars = base.mark_rule(strokeWidth=2).encode(x=x, y=low, y2="high:Q", color=color)
    numbers = [alt.Tooltip(f"{column}:Q", format=".4g") for column in ("value", "low", "high")]
    tooltip = ["level:N", *numbers, "images:Q"]
    points = base.mark_point(size=60, opacity=1, strokeWidth=2, fillOpacity=1).encode(
        x=x, y=value, color=color, fill=_by_look(alt.Fill, [NEAR, "white", FAR, "white"]), tooltip=tooltip
    )
    panel = alt.layer(rule, bars, points)
    width = max(24 * len(levels), 70)
    return panel.properties(width=width, height=220, title=_small(name))  # type: ignore[return-value]


def _small(title: str) -> alt.Title:
    return alt.Title(title, anchor="middle", fontSize=13, offset=4)


def _by_look(channel: Any, colors: list[str]) -> Any:
    looks = ["near, significant", "near, unclear", "far, significant", "far, unclear"]
    return channel("look:N", scale=alt.Scale(domain=looks, range=colors), legend=None)


def importance_figure(gap: GapEstimator) -> alt.HConcatChart:
    """Fig. 4: XGBoost's gain as the paper shows it, with one integer code for each level, and the exact share of
    variance.

    A gain's null is what that attribute scores when it alone is shuffled: the mean and two standard deviations over
    shuffles. All other scores and the other encoding are in :attr:`closerlook.gap.Gap.importance`.
    """
    table = gap.importance.filter(pl.col("encoding") == "codes")
    exact = gap.variance is not None
    panels = [_gain_panel(table), _share_panel(table, exact=exact)]
    how = "share of variance of an analysis of variance" if exact else "share of an additive model: cells are missing"
    subtitle = [f"{_what(gap)}.", f"Left: XGBoost on the loss of each image, one integer for each level. Right: {how}."]
    return _styled(alt.hconcat(*panels, spacing=28).resolve_scale(color="independent"), IMPORTANCE, subtitle)


def _gain_panel(table: pl.DataFrame) -> alt.LayerChart:
    spread = 2 * pl.col("null_gain_sd")
    shown = table.with_columns(low=pl.col("null_gain") - spread, high=pl.col("null_gain") + spread)
    y, axis = _factor_axis(table, labels=True), alt.Axis(title="gain, mean of a split", tickCount=4)
    tooltip = ["factor:N", *(alt.Tooltip(f"{name}:Q", format=".4g") for name in ("gain", "null_gain", "null_gain_sd"))]
    keys = {"gain": NEAR, "by chance: shuffled, ± 2 sd": LINE}
    gain, chance = (_keyed(shown, name) for name in keys)
    bars = gain.mark_bar(height=16).encode(y=y, x=alt.X("gain:Q", axis=axis), color=_color(keys), tooltip=tooltip)
    null = chance.mark_rule(strokeWidth=7, opacity=1).encode(y=y, x=alt.X("low:Q", axis=axis), x2="high:Q")
    return _sized(alt.layer(bars, null.encode(color=_color(keys))))


def _share_panel(table: pl.DataFrame, *, exact: bool) -> alt.LayerChart:
    y, axis = _factor_axis(table, labels=False), alt.Axis(title="share of variance", tickCount=4, format="%")
    tooltip = ["factor:N", *(alt.Tooltip(f"{name}:Q", format=".1%") for name in ("share", "total_share"))]
    keys = {"alone": NEAR, **({"with its interactions": FAR} if exact else {})}
    bars = [
        _keyed(table, name)
        .mark_bar(height=16)
        .encode(y=y, x=alt.X(f"{column}:Q", axis=axis), color=_color(keys), tooltip=tooltip)
        for name, column in zip(keys, ("share", "total_share"), strict=False)
    ]
    bounds = alt.Chart(table).mark_rule(color=INK).encode(y=y, x=alt.X("share_low:Q", axis=axis), x2="share_high:Q")
    return _sized(alt.layer(*bars[::-1], *([bounds] if exact else [])))


def _keyed(table: pl.DataFrame, name: str) -> alt.Chart:
    """A chart of the table whose marks the legend calls ``name``."""
    return alt.Chart(table.with_columns(key=pl.lit(name)))


def _color(keys: Mapping[str, str]) -> alt.Color:
    scale = alt.Scale(domain=list(keys), range=list(keys.values()))
    return alt.Color("key:N", scale=scale, legend=alt.Legend(orient="bottom", title=None))


def _sized(chart: Any) -> alt.LayerChart:
    sized: alt.LayerChart = chart.properties(width=230, height=alt.Step(30))
    return sized


def _factor_axis(table: pl.DataFrame, *, labels: bool) -> alt.Y:
    axis = alt.Axis(domain=False, ticks=False, labels=labels)
    return alt.Y("factor:N", sort=table["factor"].to_list(), title=None, axis=axis)


def interaction_figure(gap: GapEstimator) -> alt.HConcatChart:
    """A heat map for every two attributes: the squared MMD of each combination of their levels."""
    panels = [_heat_panel(gap, down, across) for down, across in _heat_maps(gap)]
    chart = alt.hconcat(*panels, spacing=24).resolve_scale(color="shared")
    subtitle = f"{_what(gap)}. Gap (squared MMD) of all images with both levels; dark is near the target."
    return _styled(chart, "How far each combination of two levels is from the target", subtitle)


def _heat_maps(gap: GapEstimator) -> list[tuple[int, int]]:
    """Numbers of the pairs of factors that can be shown, the longer one first, so that it stands downwards."""
    levels = [len(factor) for factor in gap.factors]
    pairs = itertools.combinations(range(len(levels)), 2)
    shown = [(a, b) for a, b in pairs if levels[a] * levels[b] <= MAX_HEAT]
    return [(a, b) if levels[a] >= levels[b] else (b, a) for a, b in shown]


def _heat_panel(gap: GapEstimator, down: int, across: int) -> alt.Chart:
    rows, columns = gap.factors[down], gap.factors[across]
    others = [factor.name for factor in gap.factors if factor.name not in (rows.name, columns.name)]
    table = combinations(gap, 2).drop_nulls([rows.name, columns.name]).drop(others)
    x = alt.X(f"{columns.name}:N", sort=[str(level) for level in columns.levels], axis=alt.Axis(labelAngle=-45))
    y = alt.Y(f"{rows.name}:N", sort=[str(level) for level in rows.levels])
    color = alt.Color(
        "mmd2:Q", scale=alt.Scale(scheme="blues", reverse=True), legend=alt.Legend(title="gap (dark: near)")
    )
    tooltip = [f"{rows.name}:N", f"{columns.name}:N", alt.Tooltip("mmd2:Q", format=".3f"), "images:Q"]
    cells = alt.Chart(table).mark_rect().encode(x=x, y=y, color=color, tooltip=tooltip)
    panel: alt.Chart = cells.properties(width=24 * len(columns), height=alt.Step(18))
    return panel


def _what(gap: GapEstimator) -> str:
    settings = gap.settings
    return f"{settings.source} to {settings.target}, {settings.embedding}, {settings.scaling} scaling"


def _styled(chart: alt.HConcatChart, title: str, subtitle: str | list[str]) -> alt.HConcatChart:
    styled: alt.HConcatChart = themed(chart.properties(title=alt.Title(title, subtitle=subtitle)))
    return styled
