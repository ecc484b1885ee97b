"""Two analyses or two runs beside each other."""

import json

import polars as pl
import pytest

from closerlook.errors import CloserlookError
from closerlook.evaluation import Protocol, Result
from closerlook.gap import Gap
from closerlook.metrics.matching import Matching
from closerlook.reporting import report
from reporting.test_report import LOG, RUN


def result(name, aps):
    rows = {
        "query": range(len(aps)),
        "identity": [number // 2 for number in range(len(aps))],
        "camera": [1 + number % 2 for number in range(len(aps))],
        "matches": [1] * len(aps),
        "ap": aps,
        "inp": aps,
        "first_hit": [1.0 if ap == 1 else 2.0 for ap in aps],
    }
    table = pl.DataFrame(rows).with_columns(reason=pl.lit(None, pl.String))
    return Result(name, Protocol.load("market1501"), Matching.load("euclidean"), table, 50)


@pytest.fixture
def runs(tmp_path):
    for name, steps in (("first", 20), ("second", 40)):
        folder = tmp_path / name
        folder.mkdir()
        (folder / "run.json").write_text(json.dumps({**RUN, "steps": steps}))
        (folder / "log.csv").write_text(LOG)
    return tmp_path / "first", tmp_path / "second"


@pytest.mark.parametrize(
    ("before", "after", "says"),
    [
        ([0.2, 0.3] * 8, [0.6, 0.7] * 8, "“second” beats “first” on these queries: +40.0 mAP"),
        ([0.6, 0.7] * 8, [0.2, 0.3] * 8, "“first” beats “second” on these queries: +40.0 mAP"),
        ([0.2, 0.2, 0.6, 0.6] * 4, [0.6, 0.6, 0.2, 0.2] * 4, "which is better cannot be told"),
        ([0.2, 0.3] * 8, [0.6, 0.7] * 9, "not on the same queries"),
    ],
)
def test_two_runs_are_compared_on_their_queries(runs, before, after, says):
    for folder, aps in zip(runs, (before, after), strict=True):
        result(folder.name, aps).save(folder / "result.json")
    page = report(*runs)
    assert page == runs[0] / "comparison.html"
    text = page.read_text()
    assert says in text
    assert "mAP by camera of the query" in text
    assert '<th scope="row">steps</th><td class="levels">20</td><td class="levels">40</td>' in text
    assert '<th scope="row">recipe</th>' not in text  # the same in both


def test_runs_that_were_not_evaluated_show_their_losses(runs):
    text = report(*runs).read_text()
    assert "evaluate both" in text
    assert text.count("<polyline") == 4


def test_two_analyses_are_compared_level_by_level(gap, tmp_path):
    gap.save(tmp_path / "one")
    gap.rescaled(alpha=0.1).save(tmp_path / "two")
    text = report(tmp_path / "one", tmp_path / "two").read_text()
    assert "Kendall" in text and "weather" in text
    assert '<th scope="row">alpha</th><td class="levels">0.9</td><td class="levels">0.1</td>' in text
    assert text.count('class="track"') == Gap.load(tmp_path / "one").levels.height


def test_only_like_is_compared_with_like(gap, runs, tmp_path):
    gap.save(tmp_path / "gap")
    with pytest.raises(CloserlookError, match=r"an analysis and .* a run"):
        report(tmp_path / "gap", runs[0])
    with pytest.raises(CloserlookError, match="There is no folder"):
        report(tmp_path / "gap", tmp_path / "x")
