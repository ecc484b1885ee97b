"""What a gap says, as charts of a page: levels, the mixture, importance, combinations and cameras."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

import numpy as np
import polars as pl

from closerlook.attributes import Factor
from closerlook.gap import Gap
from closerlook.reporting.heat_table import Cell, HeatTable
from closerlook.reporting.row_chart import Group, Kind, Mark, Row, RowChart, span
from closerlook.reporting.words import number, percent

__all__ = ["camera_table", "combination_tables", "gain_chart", "level_chart", "mixture_chart", "share_chart", "unit_of"]

MOST_CELLS = 400  # of one table
SURE = 1.96  # standard deviations


def unit_of(gap: Gap) -> float | None:
    """The gap of all source images together, which 100 % is; None where it is not told from 0, and so no unit."""
    whole = gap.score_losses({})["mmd2"]
    if whole is None or not gap.can_resample:
        return whole if whole is not None and whole > 0 else None
    deviations = gap.bootstrap(np.ones((1, len(gap.cell_levels))), gap.settings.seed)
    return whole if whole > SURE * deviations.std() else None


def _in_unit(value: float | None, unit: float | None) -> float | None:
    if value is None or unit is None:
        return value
    return 100 * value / unit


def _said(value: float | None, unit: float | None) -> str:
    return number(value) if unit is None or value is None else f"{number(_in_unit(value, unit), 0)} %"


def level_chart(gap: Gap) -> RowChart:
    """How far every level is from the target, nearest first within its attribute."""
    unit = unit_of(gap)
    groups = [Group(factor.name, tuple(_level_rows(gap, factor, unit))) for factor in gap.factors]
    whole = "100 % is the gap of all images together, 0 % a set that looks like the target." if unit else ""
    return RowChart(
        name="levels",
        title="How far each level is from the target",
        note=f"{whole} Further left is nearer. A hollow point is not told from the mean of its attribute.".strip(),
        axis="gap to the target",
        column="gap",
        groups=tuple(groups),
        table=gap.levels,
        legend=(
            ("dot", "nearer than the attribute's mean"),
            ("far", "farther"),
            ("hollow", "not significantly either"),
            ("span", "95 % interval"),
            ("tick", "the attribute's mean"),
        ),
        zero=True,
        unit=" %" if unit else "",
    )


def _level_rows(gap: Gap, factor: Factor, unit: float | None) -> Iterator[Row]:
    table = gap.levels.filter(pl.col("factor") == factor.name).sort("mmd2", nulls_last=True)
    mean = _in_unit(table["mmd2"].mean(), unit)  # type: ignore[arg-type]
    for row in table.iter_rows(named=True):
        yield Row(
            label=row["level"],
            marks=tuple(_level_marks(row, mean, unit)),
            text=_said(row["mmd2"], unit),
            tip=_level_tip(row, unit),
        )


def _level_marks(row: dict[str, Any], mean: float | None, unit: float | None) -> Iterator[Mark]:
    value, low, high = (_in_unit(row[name], unit) for name in ("mmd2", "mmd2_low", "mmd2_high"))
    if mean is not None:
        yield Mark("tick", mean)
    yield from span(low, high)
    if value is not None and mean is not None:
        kinds: dict[tuple[bool, bool], Kind] = {
            (True, True): "dot",
            (True, False): "hollow",
            (False, True): "far",
            (False, False): "far-hollow",
        }
        yield Mark(kinds[value <= mean, row["relative_to_mean"] != "unclear"], value)


def _level_tip(row: dict[str, Any], unit: float | None) -> str:
    if row["mmd2"] is None:
        return f"{row['level']}: no image was analyzed."
    text = f"{row['level']}: gap {_said(row['mmd2'], unit)}"
    if row["mmd2_low"] is not None:
        text += f" (95 % interval {_said(row['mmd2_low'], unit)} to {_said(row['mmd2_high'], unit)})"
    text += f", squared MMD {number(row['mmd2'], 4)}; total loss {number(row['total_loss'])}"
    if row["diversity"] is not None:
        text += f"; {percent(row['diversity'], 0)} % as diverse as the target"
    return f"{text}; {row['images']:,} images of {row['identities']:,} people."


def mixture_chart(gap: Gap) -> RowChart | None:
    """What the target seems to show; None where no mixture could be estimated."""
    known = gap.levels.drop_nulls("mixture_weight")
    if known.is_empty():
        return None
    groups = []
    for (name,), table in known.group_by("factor", maintain_order=True):
        rows = []
        for row in table.iter_rows(named=True):
            weight, low, high = (row[f"mixture_weight{end}"] for end in ("", "_low", "_high"))
            marks = [Mark("bar", 0.0, 100 * weight)]
            if low is not None and high is not None:
                marks += span(100 * low, 100 * high)
            marks.append(Mark("tick", 100 / table.height))
            tip = f"{row['level']}: {percent(weight, 0)} % of the target's images"
            if low is not None:
                tip += f" (95 % interval {percent(low, 0)} to {percent(high, 0)} %)"
            rows.append(Row(row["level"], tuple(marks), f"{percent(weight, 0)} %", f"{tip}."))
        groups.append(Group(str(name), tuple(rows)))
    names = ("factor", "level", "mixture_weight", "mixture_weight_low", "mixture_weight_high")
    return RowChart(
        name="mixture",
        title="What the target seems to show",
        note="If the target were a mixture of the source's levels, these shares would explain it best.",
        axis="share of the target's images",
        column="share",
        groups=tuple(groups),
        table=known.select(names),
        legend=(("bar", "estimate"), ("span", "95 % interval"), ("tick", "all levels alike")),
        zero=True,
        unit=" %",
    )


def share_chart(gap: Gap) -> RowChart | None:
    """How much of the loss's variance goes with each attribute; None where that cannot be said."""
    table = gap.importance.filter(pl.col("encoding") == "codes").drop_nulls("share")
    if table.is_empty():
        return None
    exact = gap.variance is not None
    rows = []
    for row in table.sort("share", descending=True).iter_rows(named=True):
        marks = [Mark("beyond", 0.0, 100 * row["total_share"])] if exact else []
        marks.append(Mark("bar", 0.0, 100 * max(row["share"], 0.0)))
        text = f"{percent(row['share'], 0)} %"
        tip = f"{row['factor']}: {percent(row['share'])} % alone"
        if exact:
            marks += span(100 * row["share_low"], 100 * row["share_high"])
            tip += f" (95 % interval {percent(row['share_low'])} to {percent(row['share_high'])} %)"
            tip += f", {percent(row['total_share'])} % together with its interactions"
            text += f" ({percent(row['total_share'], 0)} %)"
        rows.append(Row(row["factor"], tuple(marks), text, f"{tip}."))
    note = "How much of the difference between images' losses goes with each attribute."
    if not exact:
        note += " Combinations are missing, so interactions cannot be told apart."
    legend: tuple[tuple[Kind, str], ...] = (("bar", "alone"),)
    if exact:
        legend += (("beyond", "with its interactions"), ("span", "95 % interval"))
    names = ("factor", "share", "share_low", "share_high", "total_share")
    return RowChart(
        name="shares",
        title="What makes one image nearer than another",
        note=note,
        axis="share of variance",
        column="alone (with others)" if exact else "alone",
        groups=(Group("", tuple(rows)),),
        table=table.select(names),
        legend=legend,
        zero=True,
        unit=" %",
    )


def gain_chart(gap: Gap) -> RowChart:
    """The paper's Figure 4: XGBoost's gain with one integer for each level, beside what chance gives."""
    table = gap.importance.filter(pl.col("encoding") == "codes")
    rows = []
    for row in table.sort("gain", descending=True).iter_rows(named=True):
        low, high = (row["null_gain"] + sign * 2 * row["null_gain_sd"] for sign in (-1, 1))
        tip = f"{row['factor']}: gain {row['gain']:.4g}; by chance {row['null_gain']:.4g} ± {row['null_gain_sd']:.2g}."
        marks = (Mark("bar", 0.0, row["gain"]), Mark("null", max(low, 0.0), high))
        rows.append(Row(row["factor"], marks, f"{row['gain']:.3g}", tip))
    return RowChart(
        name="gain",
        title="Importance as in the paper's Figure 4",
        note="XGBoost's gain on the loss of each image, with one integer for each level.",
        axis="gain, mean of a split",
        column="gain",
        groups=(Group("", tuple(rows)),),
        table=table.select("factor", "gain", "null_gain", "null_gain_sd"),
        legend=(("bar", "gain"), ("null", "by chance: that attribute shuffled, ± 2 sd")),
        zero=True,
    )


def combination_tables(gap: Gap) -> list[HeatTable]:
    """For every two attributes the gap of each combination of their levels, the longer one downwards."""
    unit, tables = unit_of(gap), []
    for pair in itertools.combinations(gap.factors, 2):
        across, down = sorted(pair, key=len)
        if len(across) * len(down) > MOST_CELLS or min(len(across), len(down)) < 2:
            continue
        tables.append(_combinations(gap, down, across, unit))
    return tables


def _combinations(gap: Gap, down: Factor, across: Factor, unit: float | None) -> HeatTable:
    others = [factor.name for factor in gap.factors if factor.name not in (down.name, across.name)]
    table = gap.combinations(2).drop_nulls([down.name, across.name]).drop(others)
    known = {(row[down.name], row[across.name]): row for row in table.iter_rows(named=True)}
    rows = []
    for level in down.levels:
        cells = []
        for other in across.levels:
            row = known.get((str(level), str(other)))
            value = None if row is None else row["mmd2"]
            images = 0 if row is None else row["images"]
            tip = f"{level}, {other}: gap {_said(value, unit)}; {images:,} images."
            text = number(value, 2) if unit is None else number(_in_unit(value, unit), 0)
            cells.append(Cell(value, text, tip))
        rows.append((str(level), tuple(cells)))
    return HeatTable(
        name=f"{down.name}-{across.name}",
        title=f"{down.name} and {across.name}",
        note=f"Gap of the images with both levels{', in percent of that of all images' if unit else ''}; "
        "darker is nearer.",
        corner=down.name,
        columns=tuple(map(str, across.levels)),
        rows=tuple(rows),
        table=table,
        low_is_strong=True,
    )


def camera_table(gap: Gap) -> HeatTable | None:
    """How far each level is from each of the target's cameras; None where these are not known."""
    table = gap.cameras
    if table.is_empty():
        return None
    cameras = gap.camera_names
    known = {(row["factor"], row["level"], row["camera"]): row for row in table.iter_rows(named=True)}
    rows = []
    for factor, level in gap.levels.select("factor", "level").iter_rows():
        cells = []
        for camera in cameras:
            row = known[factor, level, camera]
            tip = f"{factor} {level} to camera {camera}: gap {number(row['mmd2'])}"
            if row["mmd2_low"] is not None:
                tip += f" (95 % interval {number(row['mmd2_low'])} to {number(row['mmd2_high'])})"
            cells.append(Cell(row["mmd2"], number(row["mmd2"]), f"{tip}."))
        rows.append((f"{factor} {level}", tuple(cells)))
    return HeatTable(
        name="cameras",
        title="How far each level is from each camera of the target",
        note="Squared MMD to the images of that camera alone; darker is nearer.",
        corner="level",
        columns=tuple(f"camera {camera}" for camera in cameras),
        rows=tuple(rows),
        table=table,
        low_is_strong=True,
    )
