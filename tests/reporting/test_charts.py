"""Charts as tables: where marks stand, and what they say."""

import base64
from dataclasses import replace

import polars as pl
import pytest

from closerlook.reporting.gap_charts import (
    camera_table,
    combination_tables,
    gain_chart,
    level_chart,
    mixture_chart,
    share_chart,
    unit_of,
)
from closerlook.reporting.heat_table import Cell, HeatTable
from closerlook.reporting.line_chart import loss_chart
from closerlook.reporting.row_chart import Group, Mark, Row, RowChart, csv_uri
from closerlook.reporting.run_charts import accuracy_table, gains_chart, results_chart


def chart(*marks, zero=False, unit=""):
    rows = (Row("one", marks, "", ""),)
    return RowChart("c", "", "", "", "", (Group("", rows),), pl.DataFrame(), zero=zero, unit=unit)


@pytest.mark.parametrize(
    ("marks", "zero", "labels"),
    [
        ((Mark("dot", 3.0), Mark("span", 2.0, 9.0)), True, ["0", "2", "4", "6", "8", "10"]),
        ((Mark("span", -0.31, 0.2),), True, ["−0.4", "−0.2", "0.0", "0.2"]),
        ((Mark("dot", 7.0),), False, ["6.4", "6.6", "6.8", "7.0", "7.2", "7.4", "7.6"]),
        ((), False, ["0.0", "0.2", "0.4", "0.6", "0.8", "1.0"]),
    ],
)
def test_an_axis_begins_and_ends_on_round_numbers(marks, zero, labels):
    drawn = chart(*marks, zero=zero)
    assert [label for _, label in drawn.ticks] == labels
    assert [place for place, _ in drawn.ticks][:: len(labels) - 1] == [0, 100]
    assert drawn.spacing == pytest.approx(drawn.ticks[1][0], abs=0.01)


def test_marks_stand_where_their_values_are():
    drawn = chart(Mark("bar", 0.0, 5.0), Mark("dot", 10.0), zero=True, unit=" %")
    assert drawn.style(Mark("bar", 0.0, 5.0)) == "left:0.0%;width:50.0%"
    assert drawn.style(Mark("dot", 10.0)) == "left:100.0%"
    assert drawn.ticks[-1][1] == "10 %"


def test_numbers_are_a_file_within_the_page():
    head, _, body = csv_uri(pl.DataFrame({"level": ["ä,b"], "gap": [0.5]})).partition(",")
    assert head == "data:text/csv;charset=utf-8;base64"
    assert base64.b64decode(body).decode() == 'level,gap\n"ä,b",0.5\n'


def test_levels_are_in_percent_of_the_gap_of_all_images(gap):
    drawn, unit = level_chart(gap), unit_of(gap)
    assert unit == gap.score_losses({})["mmd2"]
    assert [group.name for group in drawn.groups] == ["weather", "viewpoint"]
    for group in drawn.groups:
        table = gap.levels.filter(pl.col("factor") == group.name).sort("mmd2")
        assert [row.label for row in group.rows] == table["level"].to_list()
        shown = [next(mark.at for mark in row.marks if mark.kind not in ("tick", "span")) for row in group.rows]
        assert shown == pytest.approx((100 * table["mmd2"] / unit).to_list())


def test_a_gap_that_is_not_told_from_zero_is_no_unit(gap, monkeypatch):
    monkeypatch.setattr(type(gap), "score_losses", lambda self, levels: {"mmd2": -0.001})
    assert unit_of(gap) is None
    assert level_chart(gap).unit == ""
    assert level_chart(gap).groups[0].rows[0].text == f"{gap.levels['mmd2'].head(3).min():.3f}"


def test_what_matters_is_one_encoding_with_its_null(gap):
    codes = gap.importance.filter(pl.col("encoding") == "codes").sort("gain", descending=True)
    drawn = gain_chart(gap)
    assert [row.label for row in drawn.groups[0].rows] == codes["factor"].to_list()
    for row, (null, sd) in zip(drawn.groups[0].rows, codes.select("null_gain", "null_gain_sd").rows(), strict=True):
        assert (row.marks[1].kind, row.marks[1].to) == ("null", null + 2 * sd)
    assert [kind for kind, _ in drawn.legend] == ["bar", "null"]
    shares = share_chart(gap)
    assert shares is not None
    for row in shares.groups[0].rows:
        alone, both = (next(mark.to for mark in row.marks if mark.kind == kind) for kind in ("bar", "beyond"))
        assert both >= alone
        assert f"{both:.0f}" in row.text and f"{alone:.0f}" in row.text


def test_a_mixture_and_combinations_and_cameras(gap):
    mixture = mixture_chart(gap)
    assert mixture is not None
    for group in mixture.groups:
        assert sum(mark.to or 0 for row in group.rows for mark in row.marks if mark.kind == "bar") == pytest.approx(100)
    (pair,) = combination_tables(gap)
    assert (pair.corner, len(pair.rows), len(pair.columns)) == ("weather", 3, 2)
    cameras = camera_table(gap)
    assert cameras is not None and cameras.columns == ("camera 1", "camera 2")
    assert len(cameras.rows) == gap.levels.height


def test_the_nearest_cell_is_the_darkest():
    cells = tuple(Cell(value, "", "") for value in (0.1, 0.3, None, float("nan"), 0.2))
    heat = HeatTable("h", "", "", "", ("a",), (("r", cells),), pl.DataFrame(), low_is_strong=True)
    assert [heat.strength(cell) for cell in cells] == [100, 0, 0, 0, 50]


def test_a_gain_is_marked_as_sure_only_beyond_its_interval(study):
    summaries = {summary.arm: summary for summary in study.summaries}
    drawn = gains_chart(study.summaries)
    assert drawn is not None
    (row,) = drawn.groups[0].rows
    assert (row.label, row.text) == ("near", "+8.0")
    sure = {mark.kind for mark in row.marks} & {"dot", "far", "hollow"}
    assert sure == ({"dot"} if summaries["near"].gain_low > 0 else {"hollow"})
    assert gains_chart([summaries["all"]]) is None


def test_runs_are_a_table_without_their_people(study):
    runs = [replace(run, people={1: (2, 0.5), 2: (1, 0.25)}) for run in study.runs]
    table = results_chart(runs, study.summaries).table
    assert table.equals(results_chart(study.runs, study.summaries).table)
    assert "people" not in table.columns and table.height == len(runs)


def test_every_run_is_seen(study):
    drawn = results_chart(study.runs, study.summaries)
    for row in drawn.groups[0].rows:
        assert [mark.at for mark in row.marks if mark.kind == "hollow"] == [
            100 * run.mAP for run in study.runs if run.arm == row.label
        ]


def test_accuracy_is_a_mean_over_queries_of_a_condition():
    queries = pl.DataFrame({"arm": ["a", "a", "b"], "camera": [1, 1, 2], "ap": [0.2, 0.4, 1.0], "first_hit": [1, 3, 1]})
    heat = accuracy_table(queries, "camera")
    assert [[cell.text for cell in cells] for _, cells in heat.rows] == [["30.0", "–"], ["–", "100.0"]]
    assert "rank-1 50.0; 2 queries" in heat.rows[0][1][0].tip


def test_losses_fall_from_left_to_right():
    log = pl.DataFrame(
        {"step": [0, 10, 10], "learning_rate": [1.0] * 3, "loss": [4.0, 1.0, 1.0], "other": [None, 2.0, 2.0]}
    )
    drawn = loss_chart(log)
    assert [(line.name, line.points) for line in drawn.lines] == [
        ("loss", "0.0,0.0 100.0,75.0"),
        ("other", "100.0,50.0"),
    ]
    assert drawn.stops == ((0.0, "Step 0: loss 4."), (100.0, "Step 10: loss 1, other 2."))
