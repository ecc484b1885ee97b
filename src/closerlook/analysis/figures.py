"""Figures 3 and 4 of the paper, with their uncertainty, as Altair charts (HTML, SVG or PNG through vl-convert)."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import TYPE_CHECKING

import altair as alt
import polars as pl
from PIL import Image

from closerlook.analysis.strips import level_strip
from closerlook.dataset import Dataset
from closerlook.files import atomic_path

if TYPE_CHECKING:
    from closerlook.analysis.gap import Gap

__all__ = ["all_figures", "importance_figure", "interaction_figure", "level_figure", "save_figures"]

INK, MUTED, NEAR, FAR, LINE = "#222222", "#777777", "#2a6f97", "#b8c4cc", "#c1440e"
FONT = "Helvetica Neue, Helvetica, Arial, sans-serif"
MAX_HEAT = 400  # cells of one heat map


def all_figures(gap: Gap) -> dict[str, alt.HConcatChart]:
    """``fit`` and ``pair_loss`` (Fig. 3 by either measure), ``importance`` (Fig. 4), and ``interactions``, if any."""
    found = {
        "fit": level_figure(gap, "fit"),
        "pair_loss": level_figure(gap, "pair_loss"),
        "importance": importance_figure(gap),
    }
    if _heat_maps(gap):
        found["interactions"] = interaction_figure(gap)
    return found


def save_figures(gap: Gap, source: Dataset, folder: str | Path) -> None:
    """Write every figure as HTML (which needs no network), SVG and PNG, and a strip of the source's images a factor.

    Raises:
        CloserlookError: ``source`` is not what was analysed.
    """
    folder = Path(folder)
    for name, chart in all_figures(gap).items():
        for kind, options in (("html", {"inline": True}), ("svg", {}), ("png", {"ppi": 144})):
            with atomic_path(folder / f"{name}.{kind}") as draft:
                chart.save(str(draft), **options)
    for factor in gap.factors:
        with atomic_path(folder / f"images_{factor.name}.png") as draft:
            Image.fromarray(level_strip(gap, source, factor.name)).save(draft)


def level_figure(gap: Gap, on: str = "fit") -> alt.HConcatChart:
    """Fig. 3: every level's ``fit`` or ``pair_loss`` with its 95 % interval, and each factor's mean line.

    Levels below the line, which the paper's greedy rule keeps, are drawn dark.
    """
    title = {"fit": "How far each level is from the target", "pair_loss": "Mean pair loss of each level (Eq. 3)"}[on]
    stem = {"fit": "fit", "pair_loss": "pair"}[on]
    table = gap.levels.select(
        "factor", "level", "images", value=pl.col(on), low=pl.col(f"{stem}_low"), high=pl.col(f"{stem}_high")
    )
    table = table.with_columns(line=pl.col("value").mean().over("factor"))
    table = table.with_columns(kept=pl.col("value") <= pl.col("line")).drop_nulls("value")
    panels = [_level_panel(table.filter(pl.col("factor") == factor.name), on) for factor in gap.factors]
    subtitle = f"{_what(gap)}. 95 % intervals; dashed: the factor's mean; dark: below it."
    if on == "pair_loss":
        subtitle += " The paper's loss; it also rewards a level for looking all alike."
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
    """Fig. 4: XGBoost's gain as the paper shows it, other scores of the same trees, and the exact ANOVA share.

    Ticks mark what each is on shuffled losses.
    """
    table = gap.importance.filter(pl.col("encoding") == "codes")
    total = table["total_gain"].sum() or 1.0
    table = table.with_columns(
        share_of_total=pl.col("total_gain") / total, null_share_of_total=pl.col("null_total_gain") / total
    )
    panels = [
        _importance_panel(table, "gain", "gain (mean a split)", "null_gain"),
        _importance_panel(table, "share_of_total", "share of summed gain", "null_share_of_total"),
        _importance_panel(table, "permutation", "permutation", "null_permutation"),
        _importance_panel(table, "shap", "mean |SHAP|", "null_shap"),
        _share_panel(table),
    ]
    subtitle = [
        f"{_what(gap)}. Trees see one integer code a level; ticks: the same on shuffled losses.",
        "Share of variance: dark is the attribute alone with its 95 % interval, light adds its interactions.",
    ]
    return _styled(alt.hconcat(*panels, spacing=16), "Which attributes the per-image loss depends on", subtitle)


def _importance_panel(table: pl.DataFrame, value: str, title: str, null: str) -> alt.LayerChart:
    base, y = alt.Chart(table), _factor_axis(table, labels=value == "gain")
    axis = alt.Axis(title=title, tickCount=3, format="%" if value == "share_of_total" else "~g")
    bars = base.mark_bar(color=NEAR, height=16).encode(
        y=y, x=alt.X(f"{value}:Q", axis=axis), tooltip=["factor:N", alt.Tooltip(f"{value}:Q", format=".4g")]
    )
    ticks = base.mark_tick(color=LINE, thickness=2, size=20).encode(y=y, x=alt.X(f"{null}:Q", axis=axis))
    return alt.layer(bars, ticks).properties(width=130, height=alt.Step(30))  # type: ignore[return-value]


def _share_panel(table: pl.DataFrame) -> alt.LayerChart:
    base, y = alt.Chart(table), _factor_axis(table, labels=False)
    axis = alt.Axis(title="exact share of variance", tickCount=4, format="%")
    tooltip = ["factor:N", *(alt.Tooltip(f"{name}:Q", format=".1%") for name in ("share", "total_share"))]
    total = base.mark_bar(color=FAR, height=16).encode(y=y, x=alt.X("total_share:Q", axis=axis), tooltip=tooltip)
    own = base.mark_bar(color=NEAR, height=16).encode(y=y, x=alt.X("share:Q", axis=axis), tooltip=tooltip)
    bounds = base.mark_rule(color=INK).encode(y=y, x=alt.X("share_low:Q", axis=axis), x2="share_high:Q")
    return alt.layer(total, own, bounds).properties(width=190, height=alt.Step(30))  # type: ignore[return-value]


def _factor_axis(table: pl.DataFrame, *, labels: bool) -> alt.Y:
    axis = alt.Axis(domain=False, ticks=False, labels=labels)
    return alt.Y("factor:N", sort=table["factor"].to_list(), title=None, axis=axis)


def interaction_figure(gap: Gap) -> alt.HConcatChart:
    """A heat map for every two attributes: the fit of each combination of their levels."""
    panels = [_heat_panel(gap, one, other) for one, other in _heat_maps(gap)]
    chart = alt.hconcat(*panels, spacing=24).resolve_scale(color="shared")
    subtitle = f"{_what(gap)}. Fit of all images with both levels; dark is near the target."
    return _styled(chart, "How far each combination of two levels is from the target", subtitle)


def _heat_maps(gap: Gap) -> list[tuple[int, int]]:
    """Numbers of the pairs of factors that can be shown, the longer one first, so that it stands downwards."""
    pairs = itertools.combinations(range(len(gap.factors)), 2)
    found = [(one, other) for one, other in pairs if len(gap.factors[one]) * len(gap.factors[other]) <= MAX_HEAT]
    return [(one, other) if len(gap.factors[one]) >= len(gap.factors[other]) else (other, one) for one, other in found]


def _heat_panel(gap: Gap, down: int, across: int) -> alt.Chart:
    rows, columns = gap.factors[down], gap.factors[across]
    others = [factor.name for factor in gap.factors if factor.name not in (rows.name, columns.name)]
    table = gap.combinations(2).drop_nulls([rows.name, columns.name]).drop(others)
    x = alt.X(f"{columns.name}:N", sort=[str(level) for level in columns.levels], axis=alt.Axis(labelAngle=-45))
    y = alt.Y(f"{rows.name}:N", sort=[str(level) for level in rows.levels])
    color = alt.Color("fit:Q", scale=alt.Scale(scheme="blues", reverse=True), legend=alt.Legend(title="fit"))
    tooltip = [f"{rows.name}:N", f"{columns.name}:N", alt.Tooltip("fit:Q", format=".3f"), "images:Q"]
    cells = alt.Chart(table).mark_rect().encode(x=x, y=y, color=color, tooltip=tooltip)
    panel: alt.Chart = cells.properties(width=24 * len(columns), height=alt.Step(18))
    return panel


def _what(gap: Gap) -> str:
    settings = gap.settings
    return f"{settings.source} to {settings.target}, {settings.embedding}, {settings.scaling} scaling"


def _styled(chart: alt.HConcatChart, title: str, subtitle: str | list[str]) -> alt.HConcatChart:
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
