"""Figures 3 and 4 of the paper, with their uncertainty, as Altair charts (HTML, SVG or PNG through vl-convert)."""

from __future__ import annotations

import itertools
from typing import Any

import altair as alt
import polars as pl

from closerlook.charts import FAR, INK, LINE, NEAR, themed
from closerlook.gap.scores import Scores
from closerlook.gap.tables import combinations

__all__ = ["figure_names", "importance_figure", "interaction_figure", "level_figure"]

MAX_HEAT = 400  # cells of one heat map

# What the levels are shown by: title, axis, where its interval is
ON = {
    "fit": ("How far each level is from the target", "fit", "fit"),
    "pair_loss": ("Mean pair loss of each level (Eq. 3)", "mean pair loss", "pair"),
    "diversity": ("How diverse each level is beside the target", "diversity (target = 1)", "diversity"),
    "target_share": ("What the target seems to show", "share of the target's images", "target_share"),
}


FIGURES = (*ON, "importance", "interactions")


def figure_names(scores: Scores, levels: pl.DataFrame) -> list[str]:
    """``fit`` and ``pair_loss`` (Fig. 3 by either measure), ``diversity``, ``target_share``, ``importance`` (Fig. 4),
    and ``interactions`` where there are two attributes to cross; none of what could not be measured."""
    known = [name for name in ON if levels[name].count()]
    return [*known, "importance", *(["interactions"] if _heat_maps(scores) else [])]


def level_figure(scores: Scores, levels: pl.DataFrame, on: str) -> alt.HConcatChart:
    """Fig. 3: every level's ``fit``, ``pair_loss``, ``diversity`` or ``target_share`` with its 95 % interval, and a
    dashed line: each factor's mean, or for diversity the target's own.

    Levels at or below their mean line, which rule ``mean`` keeps, are drawn dark, and shares at or above it;
    hollow where a fit or a share cannot be told from the line.
    """
    title, _, stem = ON[on]
    table = levels.select(
        "factor",
        "level",
        "images",
        value=pl.col(on),
        low=pl.col(f"{stem}_low"),
        high=pl.col(f"{stem}_high"),
        look=_look(on),
        line=pl.lit(1.0) if on == "diversity" else pl.col(on).mean().over("factor"),
    ).drop_nulls("value")
    panels = [
        _level_panel(
            factor.name, table.filter(pl.col("factor") == factor.name), _axis_title(scores, on) if first else None
        )
        for first, factor in zip([True, *[False] * len(scores.factors)], scores.factors, strict=False)
    ]
    chart = alt.hconcat(*panels, spacing=18).resolve_scale(y="shared")
    return _styled(chart, title, [f"{_what(scores)}.", _legend(on)])


def _look(on: str) -> pl.Expr:
    """``near`` or ``far``, and whether that is sure."""
    if on == "diversity":
        return pl.lit("near, sure")
    line, value = pl.col(on).mean().over("factor"), pl.col(on)
    near = value >= line if on == "target_share" else value <= line
    unsure = (pl.col("side") == "unclear") & (on == "fit")
    if on == "target_share":
        unsure = line.is_between(pl.col("target_share_low"), pl.col("target_share_high"))
    return pl.when(near).then(pl.lit("near")).otherwise(pl.lit("far")) + pl.when(unsure).then(
        pl.lit(", unsure")
    ).otherwise(pl.lit(", sure"))


def _axis_title(scores: Scores, on: str) -> str:
    _, label, _ = ON[on]
    own_unit = scores.settings.scaling == "balanced" and on in ("fit", "pair_loss")
    return f"{label} (1 = target to itself)" if own_unit else label


def _legend(on: str) -> str:
    if on == "diversity":
        return "Variance of a level's images over the target's. Bars: 95 % intervals; dashed: as diverse as the target."
    if on == "target_share":
        return "The mixture that explains the target best. Bars: 95 % intervals; dashed: even; hollow: perhaps even."
    text = "Bars: 95 % intervals; dashed: the attribute's mean; dark: at or below it"
    if on == "fit":
        return f"{text}; hollow: not to be told from it (5 %, Holm)."
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
    looks = ["near, sure", "near, unsure", "far, sure", "far, unsure"]
    return channel("look:N", scale=alt.Scale(domain=looks, range=colors), legend=None)


def importance_figure(scores: Scores) -> alt.HConcatChart:
    """Fig. 4: XGBoost's gain as the paper shows it, other scores of the same trees, and the exact share of variance.

    Bars are for one encoding of the levels and diamonds for the other. Red marks what a bar is when that attribute
    alone is shuffled: the mean and two standard deviations over shuffles.
    """
    total = pl.col("total_gain").sum().over("encoding")
    shown = scores.importance.with_columns(
        (pl.col(kind.format("total_gain")) / total).alias(kind.format("share_of_total"))
        for kind in ("{}", "null_{}", "null_{}_sd")
    ).fill_nan(None)
    panels = [
        _importance_panel(shown, "gain", "gain, mean a split"),
        _importance_panel(shown, "share_of_total", "share of summed gain"),
        _importance_panel(shown, "permutation", "permutation, of variance"),
        _importance_panel(shown, "shap", "mean |SHAP|, in sd"),
        _share_panel(shown.filter(pl.col("encoding") == "codes")),
    ]
    exact = scores.variance is not None
    subtitle = [
        f"{_what(scores)}.",
        "XGBoost on the per-image loss. Bars: one integer code a level; diamonds: one column a level (one-hot); "
        "red: bars when that attribute alone is shuffled, mean and 2 sd.",
        "Share of variance: dark is the attribute alone with its 95 % interval, light adds its interactions."
        if exact
        else "Combinations are missing, so the share of variance is that of an additive model, without interactions.",
    ]
    return _styled(alt.hconcat(*panels, spacing=16), "Which attributes the per-image loss depends on", subtitle)


def _importance_panel(table: pl.DataFrame, value: str, title: str) -> alt.LayerChart:
    codes, other = (table.filter(pl.col("encoding") == encoding) for encoding in ("codes", "one-hot"))
    base, y = alt.Chart(codes), _factor_axis(codes, labels=value == "gain")
    axis = alt.Axis(title=title, tickCount=3, format="%" if value == "share_of_total" else "~g")
    x = alt.X(f"{value}:Q", axis=axis)
    tooltip = ["factor:N", "encoding:N", alt.Tooltip(f"{value}:Q", format=".4g")]
    bars = base.mark_bar(color=NEAR, height=16).encode(y=y, x=x, tooltip=tooltip)
    null = base.transform_calculate(
        low=f"datum.null_{value} - 2 * datum.null_{value}_sd", high=f"datum.null_{value} + 2 * datum.null_{value}_sd"
    )
    ticks = null.mark_tick(color=LINE, thickness=2, size=20, opacity=1).encode(
        y=y, x=alt.X(f"null_{value}:Q", axis=axis)
    )
    spread = null.mark_rule(color=LINE, strokeWidth=2).encode(y=y, x=alt.X("low:Q", axis=axis), x2="high:Q")
    points = alt.Chart(other).mark_point(
        shape="diamond", size=50, filled=True, color="white", stroke=INK, strokeWidth=1.2, opacity=1
    )
    layers = alt.layer(bars, spread, ticks, points.encode(y=y, x=x, tooltip=tooltip))
    return layers.properties(width=130, height=alt.Step(30))  # type: ignore[return-value]


def _share_panel(table: pl.DataFrame) -> alt.LayerChart:
    base, y = alt.Chart(table), _factor_axis(table, labels=False)
    axis = alt.Axis(title="share of variance", tickCount=4, format="%")
    tooltip = ["factor:N", *(alt.Tooltip(f"{name}:Q", format=".1%") for name in ("share", "total_share"))]
    total = base.mark_bar(color=FAR, height=16).encode(y=y, x=alt.X("total_share:Q", axis=axis), tooltip=tooltip)
    own = base.mark_bar(color=NEAR, height=16).encode(y=y, x=alt.X("share:Q", axis=axis), tooltip=tooltip)
    bounds = base.mark_rule(color=INK).encode(y=y, x=alt.X("share_low:Q", axis=axis), x2="share_high:Q")
    return alt.layer(total, own, bounds).properties(width=190, height=alt.Step(30))  # type: ignore[return-value]


def _factor_axis(table: pl.DataFrame, *, labels: bool) -> alt.Y:
    axis = alt.Axis(domain=False, ticks=False, labels=labels)
    return alt.Y("factor:N", sort=table["factor"].to_list(), title=None, axis=axis)


def interaction_figure(scores: Scores) -> alt.HConcatChart:
    """A heat map for every two attributes: the fit of each combination of their levels."""
    panels = [_heat_panel(scores, one, other) for one, other in _heat_maps(scores)]
    chart = alt.hconcat(*panels, spacing=24).resolve_scale(color="shared")
    subtitle = f"{_what(scores)}. Fit of all images with both levels; dark is near the target."
    return _styled(chart, "How far each combination of two levels is from the target", subtitle)


def _heat_maps(scores: Scores) -> list[tuple[int, int]]:
    """Numbers of the pairs of factors that can be shown, the longer one first, so that it stands downwards."""
    levels = [len(factor) for factor in scores.factors]
    pairs = itertools.combinations(range(len(levels)), 2)
    found = [(one, other) for one, other in pairs if levels[one] * levels[other] <= MAX_HEAT]
    return [(one, other) if levels[one] >= levels[other] else (other, one) for one, other in found]


def _heat_panel(scores: Scores, down: int, across: int) -> alt.Chart:
    rows, columns = scores.factors[down], scores.factors[across]
    others = [factor.name for factor in scores.factors if factor.name not in (rows.name, columns.name)]
    table = combinations(scores, 2).drop_nulls([rows.name, columns.name]).drop(others)
    x = alt.X(f"{columns.name}:N", sort=[str(level) for level in columns.levels], axis=alt.Axis(labelAngle=-45))
    y = alt.Y(f"{rows.name}:N", sort=[str(level) for level in rows.levels])
    color = alt.Color(
        "fit:Q", scale=alt.Scale(scheme="blues", reverse=True), legend=alt.Legend(title="fit (dark: near)")
    )
    tooltip = [f"{rows.name}:N", f"{columns.name}:N", alt.Tooltip("fit:Q", format=".3f"), "images:Q"]
    cells = alt.Chart(table).mark_rect().encode(x=x, y=y, color=color, tooltip=tooltip)
    panel: alt.Chart = cells.properties(width=24 * len(columns), height=alt.Step(18))
    return panel


def _what(scores: Scores) -> str:
    settings = scores.settings
    return f"{settings.source} to {settings.target}, {settings.embedding}, {settings.scaling} scaling"


def _styled(chart: alt.HConcatChart, title: str, subtitle: str | list[str]) -> alt.HConcatChart:
    styled: alt.HConcatChart = themed(chart.properties(title=alt.Title(title, subtitle=subtitle)))
    return styled
