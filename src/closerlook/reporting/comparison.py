"""Two analyses or two training runs side by side, as one page."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import polars as pl
from scipy import stats

from closerlook.errors import UsageError
from closerlook.evaluation import Difference, Result
from closerlook.gap import Gap
from closerlook.inputs import find_reportable
from closerlook.reid.folder import read_summary
from closerlook.reid.log import read_log
from closerlook.reporting.gap_charts import unit_of
from closerlook.reporting.line_chart import loss_chart
from closerlook.reporting.queries import RESULT, conditions
from closerlook.reporting.row_chart import Group, Mark, Row, RowChart
from closerlook.reporting.run_charts import accuracy_table
from closerlook.reporting.template import fill_in
from closerlook.reporting.words import listed, number, percent, points

__all__ = ["render_comparison"]

FEW = 3  # levels; with fewer there is no order to agree on
HIDDEN = ("key", "notes", "losses", "validation")  # what follows from the rest, or cannot be read
ALIKE = 0.6  # of Kendall's tau, from which two orders are called alike


def render_comparison(first: Path, second: Path) -> str:
    """The text of a page about two analyses or two training runs."""
    names = _names(first, second)
    values = _of_gaps(first, second, names) if find_reportable(first) == "analysis" else _of_runs(first, second, names)
    differing = [(key, a, b) for key, a, b in values.pop("settings") if a != b]
    sections = {name: heading for name, heading in SECTIONS.items() if values.get(name)} | {"ran": "What was asked for"}
    return fill_in(
        "comparison.html.jinja",
        title=f"{names[0]} and {names[1]}",
        names=names,
        folders=(first, second),
        sections=sections,
        differing=differing,
        **values,
    )


SECTIONS = {"levels": "How far each level is", "scores": "What they reach", "accuracy": "By camera", "losses": "Losses"}


def _names(first: Path, second: Path) -> tuple[str, str]:
    """Names of two folders that tell them apart."""
    one, two = first.resolve(), second.resolve()
    if one.name != two.name:
        return one.name, two.name
    return f"{one.parent.name}/{one.name}", f"{two.parent.name}/{two.name}"


def _of_gaps(first: Path, second: Path, names: tuple[str, str]) -> dict[str, Any]:
    gaps = Gap.load(first), Gap.load(second)
    joined = _joined(*gaps)
    sentences = list(_agreement(joined))
    settings = [asdict(gap.settings) for gap in gaps]
    return {
        "answer": sentences[0] if sentences else "The two analyses have no level in common.",
        "findings": sentences[1:],
        "levels": _level_chart(joined, names) if joined.height else None,
        "scores": (),
        "accuracy": None,
        "losses": (),
        "settings": [(name, settings[0][name], settings[1][name]) for name in settings[0] if name not in HIDDEN],
    }


def _joined(first: Gap, second: Gap) -> pl.DataFrame:
    """Levels that both have, each gap in percent of that of all of its images where that is told from 0."""
    units = unit_of(first), unit_of(second)
    relative = None not in units
    tables = []
    for gap, unit, suffix in zip((first, second), units, ("a", "b"), strict=True):
        scale = 100 / unit if relative and unit is not None else 1.0
        columns = {"gap": "mmd2", "low": "mmd2_low", "high": "mmd2_high"}
        shown = [(pl.col(column) * scale).alias(f"{name}_{suffix}") for name, column in columns.items()]
        tables.append(gap.levels.select("factor", "level", *shown))
    return tables[0].join(tables[1], on=["factor", "level"], maintain_order="left").with_columns(relative=relative)


def _agreement(joined: pl.DataFrame) -> Iterator[str]:
    """Per attribute whether both order its levels alike."""
    found = []
    for (name,), table in joined.drop_nulls(["gap_a", "gap_b"]).group_by("factor", maintain_order=True):
        if table.height >= FEW:
            tau = float(stats.kendalltau(table["gap_a"], table["gap_b"]).statistic)
            apart = table.filter((pl.col("low_a") > pl.col("high_b")) | (pl.col("low_b") > pl.col("high_a")))
            found.append((str(name), tau, apart["level"].to_list()))
    if not found:
        return
    alike = [name for name, tau, _ in found if tau >= ALIKE]
    if len(alike) == len(found):
        yield "Both put the levels of every attribute in much the same order."
    else:
        others = ", ".join(name for name, tau, _ in found if tau < ALIKE)
        yield f"They order the levels differently: {others}." + (f" Much alike: {', '.join(alike)}." if alike else "")
    for name, tau, differing in found:
        text = f"{name}: Kendall's tau between the two orders is {number(tau, 2)} (1: the same, 0: unrelated)"
        yield f"{text}; intervals do not touch for {listed(differing)}." if differing else f"{text}."


def _level_chart(joined: pl.DataFrame, names: tuple[str, str]) -> RowChart:
    relative = bool(joined["relative"][0])
    unit, digits = (" %", 0) if relative else ("", 3)
    groups = []
    for (factor,), table in joined.group_by("factor", maintain_order=True):
        rows = []
        for row in table.sort("gap_a", nulls_last=True).iter_rows(named=True):
            pair = f"{number(row['gap_a'], digits)} | {number(row['gap_b'], digits)}"
            tip = "; ".join(_tip(row, name, side, digits) for name, side in zip(names, "ab", strict=True))
            rows.append(Row(row["level"], tuple(_pair(row)), pair, f"{row['level']}: {tip}."))
        groups.append(Group(str(factor), tuple(rows)))
    note = "Each in percent of the gap of all of its images. " if relative else ""
    return RowChart(
        name="levels",
        title="How far each level is from the target",
        note=f"{note}Nearest in the first one above.",
        axis="gap to the target",
        column="gaps",
        groups=tuple(groups),
        table=joined.drop("relative"),
        legend=(("dot", names[0]), ("other", names[1]), ("span", "95 % intervals")),
        zero=True,
        unit=unit,
    )


def _tip(row: Mapping[str, Any], name: str, side: str, digits: int) -> str:
    value, low, high = (number(row[f"{end}_{side}"], digits) for end in ("gap", "low", "high"))
    return f"{name} {value} (95 % interval {low} to {high})"


def _pair(row: Mapping[str, Any]) -> Iterator[Mark]:
    for side in "ab":
        if row[f"low_{side}"] is not None and row[f"high_{side}"] is not None:
            yield Mark("span", row[f"low_{side}"], row[f"high_{side}"])
    for side, kind in (("a", "dot"), ("b", "other")):
        if row[f"gap_{side}"] is not None:
            yield Mark(kind, row[f"gap_{side}"])  # type: ignore[arg-type]


def _of_runs(first: Path, second: Path, names: tuple[str, str]) -> dict[str, Any]:
    results = [Result.load(path / RESULT) if (path / RESULT).exists() else None for path in (first, second)]
    both = (results[0], results[1])
    logs = [(name, read_log(path)) for name, path in zip(names, (first, second), strict=True)]
    answer, scores, accuracy = "Nothing to compare: evaluate both with 'closerlook evaluate'.", [], []
    if both[0] is not None and both[1] is not None:
        difference = _difference(both[0], both[1])
        answer = _answer(difference, names, both[0], both[1])
        scores = [_score_row(name, both[0], both[1]) for name in ("mAP", "rank-1", "rank-5", "rank-10", "mINP")]
        queries = _queries(both[0], both[1], names)
        accuracy = [accuracy_table(queries, name) for name in conditions(queries)]
    summaries = read_summary(first), read_summary(second)
    settings = [
        (key, _plain(value), _plain(summaries[1].get(key))) for key, value in summaries[0].items() if key not in HIDDEN
    ]
    return {
        "answer": answer,
        "findings": (),
        "levels": None,
        "scores": scores,
        "accuracy": accuracy,
        "losses": [(name, loss_chart(log)) for name, log in logs if log is not None],
        "settings": settings,
    }


def _difference(first: Result, second: Result) -> Difference | None:
    """The second minus the first; None where they did not rank the same queries."""
    try:
        return second.difference(first)
    except UsageError:
        return None


def _answer(difference: Difference | None, names: tuple[str, str], first: Result, second: Result) -> str:
    if difference is None:
        return (
            f"“{names[0]}” reaches {percent(first.mAP)} mAP and “{names[1]}” {percent(second.mAP)}, but not on the "
            "same queries: that says nothing about which is better."
        )
    better, worse = (names[1], names[0]) if difference.value >= 0 else (names[0], names[1])
    gain, ends = abs(difference.value), sorted(abs(end) for end in (difference.low, difference.high))
    if difference.low <= 0 <= difference.high:
        return (
            f"“{names[1]}” reaches {points(difference.value)} mAP over “{names[0]}” (95 % interval "
            f"{points(difference.low)} to {points(difference.high)}): which is better cannot be told."
        )
    interval = f"95 % interval {points(ends[0])} to {points(ends[1])}, over people"
    return f"“{better}” beats “{worse}” on these queries: {points(gain)} mAP ({interval}). Other seeds may differ."


def _score_row(name: str, first: Result, second: Result) -> tuple[str, str, str, str]:
    values = first.score(name), second.score(name)
    return name, percent(values[0]), percent(values[1]), points(values[1] - values[0])


def _queries(first: Result, second: Result, names: tuple[str, str]) -> pl.DataFrame:
    tables = [
        result.per_query.filter(pl.col("reason").is_null()).with_columns(pl.lit(name).alias("arm"))
        for name, result in zip(names, (first, second), strict=True)
    ]
    return pl.concat(tables, how="diagonal_relaxed")


def _plain(value: object) -> str:
    if isinstance(value, Mapping):
        return "; ".join(f"{name}: {_plain(item)}" for name, item in value.items())
    return ", ".join(map(str, value)) if isinstance(value, list | tuple) else f"{value}"
