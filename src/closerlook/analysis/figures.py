"""Figures 3 and 4 of the paper, with their uncertainty, as Altair charts (HTML, SVG or PNG through vl-convert)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import altair as alt
import polars as pl

if TYPE_CHECKING:
    from closerlook.analysis.gap import Gap

__all__ = ["all_figures", "importance_figure", "level_figure"]

INK, MUTED, NEAR, FAR, LINE = "#222222", "#777777", "#2a6f97", "#b8c4cc", "#c1440e"
FONT = "Helvetica Neue, Helvetica, Arial, sans-serif"


def all_figures(gap: Gap) -> dict[str, alt.HConcatChart]:
    """``fit`` and ``pair_loss`` (Fig. 3 by either measure) and ``importance`` (Fig. 4)."""
    return {
        "fit": level_figure(gap, "fit"),
        "pair_loss": level_figure(gap, "pair_loss"),
        "importance": importance_figure(gap),
    }


def level_figure(gap: Gap, on: str = "fit") -> alt.HConcatChart:
    """Fig. 3: every level's ``fit`` or ``pair_loss`` with its 95 % interval, and each factor's mean line.

    Levels below the line, which the paper's greedy rule keeps, are drawn dark.
    """
    title = {"fit": "How far each level is from the target", "pair_loss": "Mean pair loss of each level"}[on]
    stem = {"fit": "fit", "pair_loss": "pair"}[on]
    table = gap.levels.select(
        "factor", "level", "images", value=pl.col(on), low=pl.col(f"{stem}_low"), high=pl.col(f"{stem}_high")
    )
    table = table.with_columns(line=pl.col("value").mean().over("factor"))
    table = table.with_columns(kept=pl.col("value") <= pl.col("line")).drop_nulls("value")
    panels = [_level_panel(table.filter(pl.col("factor") == factor.name), on) for factor in gap.factors]
    subtitle = f"{_what(gap)}. 95 % intervals; dashed: the factor's mean; dark: below it."
    return _styled(alt.hconcat(*panels, spacing=18).resolve_scale(y="shared"), title, subtitle)


def _level_panel(table: pl.DataFrame, on: str) -> alt.LayerChart:
    levels = table["level"].to_list()
    base = alt.Chart(table)
    label = {"fit": "fit", "pair_loss": "mean pair loss"}[on]
    x = alt.X("level:N", sort=levels, title=None, axis=alt.Axis(labelAngle=-45, domain=False))
    scale = alt.Scale(zero=False, nice=True)
    color = alt.Color("kept:N", scale=alt.Scale(domain=[True, False], range=[NEAR, FAR]), legend=None)
    rule = base.mark_rule(strokeDash=[4, 3], color=LINE, strokeWidth=1.2).encode(y=alt.Y("mean(line):Q", title=label))
    bars = base.mark_rule(strokeWidth=2).encode(
        x=x, y=alt.Y("low:Q", title=label, scale=scale), y2="high:Q", color=color
    )
    tooltip = ["level:N", *(alt.Tooltip(f"{name}:Q", format=".4g") for name in ("value", "low", "high")), "images:Q"]
    points = base.mark_point(filled=True, size=60, opacity=1).encode(
        x=x, y=alt.Y("value:Q", title=label, scale=scale), color=color, tooltip=tooltip
    )
    width = max(24 * len(levels), 70)
    panel = alt.layer(rule, bars, points)
    return panel.properties(width=width, height=220, title=table["factor"][0])  # type: ignore[return-value]


def importance_figure(gap: Gap) -> alt.HConcatChart:
    """Fig. 4: XGBoost's gain, with the summed gain and the exact ANOVA share beside it; ticks mark the null."""
    table = gap.importance
    total = table["total_gain"].sum() or 1.0
    table = table.with_columns(
        share_of_total=pl.col("total_gain") / total, null_share_of_total=pl.col("null_total_gain") / total
    )
    panels = [
        _importance_panel(table, "gain", "XGBoost gain (mean a split)", "null_gain"),
        _importance_panel(table, "share_of_total", "Share of the summed gain", "null_share_of_total"),
        _importance_panel(table, "share", "ANOVA share of variance", None),
    ]
    subtitle = f"{_what(gap)}. Ticks: the same on shuffled losses. Encoding: {table['encoding'][0]}."
    return _styled(alt.hconcat(*panels, spacing=24), "Which attributes the per-image loss depends on", subtitle)


def _importance_panel(table: pl.DataFrame, value: str, title: str, null: str | None) -> alt.LayerChart:
    order = table["factor"].to_list()
    y = alt.Y("factor:N", sort=order, title=None, axis=alt.Axis(domain=False, ticks=False))
    base = alt.Chart(table)
    axis = alt.Axis(title=title, tickCount=4, format="~s" if value == "gain" else "%")
    bars = base.mark_bar(color=NEAR, height=16).encode(
        y=y, x=alt.X(f"{value}:Q", axis=axis), tooltip=["factor:N", alt.Tooltip(f"{value}:Q", format=".4g")]
    )
    layers: list[alt.Chart] = [bars]
    if null is not None:
        tick = base.mark_tick(color=LINE, thickness=2, size=20)
        layers.append(tick.encode(y=y, x=alt.X(f"{null}:Q", axis=axis)))
    return alt.layer(*layers).properties(width=200, height=alt.Step(30))  # type: ignore[return-value]


def _what(gap: Gap) -> str:
    settings = gap.settings
    return f"{settings.source} to {settings.target}, {settings.embedding}, {settings.scaling} scaling"


def _styled(chart: alt.HConcatChart, title: str, subtitle: str) -> alt.HConcatChart:
    heading = alt.TitleParams(title, subtitle=subtitle, anchor="start", fontSize=15, subtitleColor=MUTED, offset=14)
    styled: alt.HConcatChart = (
        chart.properties(title=heading)
        .configure(font=FONT, background="white", padding=12)
        .configure_view(stroke=None)
        .configure_axis(
            gridColor="#eeeeee",
            domainColor="#cccccc",
            tickColor="#cccccc",
            labelColor=INK,
            titleColor=INK,
            titleFontWeight="normal",
        )
        .configure_title(color=INK, fontWeight="bold")
    )
    return styled
