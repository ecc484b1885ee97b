"""Charts of the results, and any chart as SVG that stands in a page by itself."""

from __future__ import annotations

from collections.abc import Sequence

import altair as alt
import polars as pl
import vl_convert

from closerlook.study.arms import Run

__all__ = ["results_chart", "svg"]

INK, ACCENT = "#1f2933", "#0b6e99"


def svg(chart: alt.Chart | alt.LayerChart | alt.HConcatChart | alt.VConcatChart | alt.FacetChart) -> str:
    """The chart as an SVG element."""
    return str(vl_convert.vegalite_to_svg(chart.to_json()))


def results_chart(runs: Sequence[Run]) -> alt.LayerChart:
    """mAP of every run as a dot, the arm's mean as a bar: the spread over seeds is to be seen, not summarised away."""
    table = pl.DataFrame({"arm": [run.arm for run in runs], "mAP": [100 * run.mAP for run in runs]})
    order = table["arm"].unique(maintain_order=True).to_list()
    base = alt.Chart(table).encode(y=alt.Y("arm:N", sort=order, title=None, axis=alt.Axis(labelFontSize=13)))
    dots = base.mark_circle(color=ACCENT, size=70, opacity=0.75).encode(x=alt.X("mAP:Q", title="mAP (%)"))
    means = base.mark_tick(color=INK, thickness=2, size=22).encode(x=alt.X("mean(mAP):Q", title="mAP (%)"))
    chart: alt.LayerChart = (
        alt.layer(dots, means).configure_view(stroke=None).properties(width=560, height=36 * len(order))
    )
    return chart
