"""Charts of the results."""

from __future__ import annotations

from collections.abc import Sequence

import altair as alt
import polars as pl

from closerlook.charts import INK, LINE, NEAR, SERIES, themed
from closerlook.study.arms import Run, Summary

__all__ = ["gains_chart", "loss_chart", "results_chart"]


def results_chart(runs: Sequence[Run]) -> alt.LayerChart:
    """mAP of every run as a dot, the arm's mean as a bar: the spread over seeds is to be seen, not summarized away."""
    table = pl.DataFrame({"arm": [run.arm for run in runs], "mAP": [100 * run.mAP for run in runs]})
    order = table["arm"].unique(maintain_order=True).to_list()
    base = alt.Chart(table).encode(y=alt.Y("arm:N", sort=order, title=None, axis=_names()))
    dots = base.mark_circle(color=NEAR, size=70, opacity=0.75).encode(x=alt.X("mAP:Q", title="mAP (%)"))
    means = base.mark_tick(color=INK, thickness=2, size=22).encode(x=alt.X("mean(mAP):Q", title="mAP (%)"))
    return _plain(alt.layer(dots, means), len(order))


def gains_chart(summaries: Sequence[Summary]) -> alt.LayerChart | None:
    """mAP of every plan minus its random control's with the 95 % interval; None where there is none."""
    rows = [
        {"arm": row.arm, "gain": 100 * row.gain, "low": 100 * (row.gain_low or 0), "high": 100 * (row.gain_high or 0)}
        for row in summaries
        if row.gain is not None and row.gain_low is not None and row.gain_high is not None
    ]
    if not rows:
        return None
    table = pl.DataFrame(rows)
    title = "mAP over as many random images (points, 95 % interval)"
    base = alt.Chart(table).encode(y=alt.Y("arm:N", sort=table["arm"].to_list(), title=None, axis=_names()))
    zero = alt.Chart(pl.DataFrame({"x": [0]})).mark_rule(color=LINE, strokeDash=[4, 3]).encode(x="x:Q")
    bars = base.mark_rule(color=NEAR, strokeWidth=3).encode(x=alt.X("low:Q", title=title), x2="high:Q")
    points = base.mark_circle(color=NEAR, size=110, opacity=1).encode(x=alt.X("gain:Q", title=title))
    return _plain(alt.layer(zero, bars, points), len(rows))


def loss_chart(log: pl.DataFrame) -> alt.Chart:
    """The training loss and its parts over the steps of a run's ``log.csv``."""
    parts = [name for name in log.columns if name not in ("step", "learning_rate")]
    long = log.unpivot(parts, index="step", variable_name="part", value_name="value").drop_nulls("value")
    color = alt.Color("part:N", sort=parts, title=None, scale=alt.Scale(range=list(SERIES)))
    chart = alt.Chart(long).mark_line(strokeWidth=2, point=True)
    chart = chart.encode(x=alt.X("step:Q", title="step"), y=alt.Y("value:Q", title="loss"), color=color)
    plain: alt.Chart = themed(chart).properties(width=560, height=220)
    return plain


def _names() -> alt.Axis:
    return alt.Axis(labelFontSize=13, labelLimit=260)


def _plain(chart: alt.LayerChart | alt.FacetChart, rows: int) -> alt.LayerChart:
    plain: alt.LayerChart = themed(chart).properties(width=560, height=36 * rows)
    return plain
