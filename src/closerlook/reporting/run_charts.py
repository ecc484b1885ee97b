"""What training runs reached, as charts of a page."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import polars as pl

from closerlook.reporting.heat_table import Cell, HeatTable
from closerlook.reporting.row_chart import Group, Kind, Mark, Row, RowChart
from closerlook.reporting.words import percent, points
from closerlook.study.arms import Run, Summary

__all__ = ["accuracy_table", "gains_chart", "results_chart"]


def results_chart(runs: Sequence[Run], summaries: Sequence[Summary]) -> RowChart:
    """mAP of every run as a dot, the arm's mean as a bar: the spread over seeds is seen, not summarized away."""
    rows = []
    for summary in summaries:
        reached = [100 * run.mAP for run in runs if run.arm == summary.arm]
        mean = 100 * summary.mean["mAP"]
        marks = (Mark("bar", 0.0, mean), *(Mark("hollow", value) for value in reached))
        seeds = ", ".join(f"{value:.1f}" for value in reached)
        tip = f"{summary.arm}: mAP {mean:.1f}; runs {seeds}; rank-1 {percent(summary.mean['rank1'])}."
        rows.append(Row(summary.arm, marks, f"{mean:.1f}", tip))
    table = pl.DataFrame([{name: value for name, value in vars(run).items() if name != "people"} for run in runs])
    return RowChart(
        name="runs",
        title="What every run reached",
        note="The same recipe, steps and seeds for all.",
        axis="mAP (%)",
        column="mean mAP",
        groups=(Group("", tuple(rows)),),
        table=table,
        legend=(("bar", "mean over seeds"), ("hollow", "one run")),
        zero=True,
    )


def gains_chart(summaries: Sequence[Summary]) -> RowChart | None:
    """mAP of every plan minus its random control's with the 95 % interval; None where there is none."""
    shown = [row for row in summaries if row.gain is not None and row.gain_low is not None]
    if not shown:
        return None
    table = pl.DataFrame(
        [
            {"arm": row.arm, "control": row.control, "gain": row.gain, "low": row.gain_low, "high": row.gain_high}
            for row in shown
        ]
    )
    return RowChart(
        name="gains",
        title="What each selection gained over as many random images",
        note="An interval that crosses 0 shows nothing: the selection cannot be told from random.",
        axis="mAP over random, points",
        column="gain",
        groups=(Group("", tuple(_gain_rows(shown))),),
        table=table,
        legend=(("dot", "surely above 0"), ("far", "surely below 0"), ("hollow", "neither"), ("span", "95 % interval")),
        zero=True,
    )


def _gain_rows(summaries: Sequence[Summary]) -> Iterator[Row]:
    for row in summaries:
        assert row.gain is not None and row.gain_low is not None and row.gain_high is not None
        low, value, high = 100 * row.gain_low, 100 * row.gain, 100 * row.gain_high
        kind: Kind = "dot" if low > 0 else "far" if high < 0 else "hollow"
        tip = f"{row.arm}: {points(row.gain)} mAP over {row.control}, 95 % interval {points(row.gain_low)} to "
        tip += f"{points(row.gain_high)}, {row.runs} seeds."
        yield Row(row.arm, (Mark("tick", 0.0), Mark("span", low, high), Mark(kind, value)), points(row.gain), tip)


def accuracy_table(queries: pl.DataFrame, column: str) -> HeatTable:
    """Each arm's mAP on the queries of each value of ``column``, a mean over seeds.

    Args:
        queries: one row per valid query and run: ``arm``, ``ap``, ``first_hit`` and ``column``.
    """
    hit = (pl.col("first_hit") <= 1).mean().alias("rank1")
    means = queries.group_by("arm", column, maintain_order=True).agg(pl.col("ap").mean().alias("mAP"), hit, pl.len())
    means = means.with_columns(pl.col(column).cast(pl.String))
    known = {(row["arm"], row[column]): row for row in means.iter_rows(named=True)}
    values = [str(value) for value in queries[column].unique().sort()]
    rows = []
    for arm in queries["arm"].unique(maintain_order=True):
        cells = []
        for value in values:
            row = known.get((arm, value))
            if row is None:
                cells.append(Cell(None, "–", f"{arm}, {column} {value}: no valid query."))
                continue
            tip = f"{arm}, {column} {value}: mAP {percent(row['mAP'])}, rank-1 {percent(row['rank1'])}; "
            cells.append(Cell(row["mAP"], percent(row["mAP"]), f"{tip}{row['len']:,} queries over all seeds."))
        rows.append((arm, tuple(cells)))
    return HeatTable(
        name=f"accuracy-{column}",
        title=f"mAP by {column} of the query",
        note="In percent; darker is better.",
        corner="trained on",
        columns=tuple(values),
        rows=tuple(rows),
        table=means,
    )
