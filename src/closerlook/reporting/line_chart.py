"""Values over the steps of a training: lines that stretch with the page, and a value under every step."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from closerlook.reporting.row_chart import csv_uri

__all__ = ["Line", "LineChart", "loss_chart"]

MOST_STOPS = 60  # places to hover over


@dataclass(frozen=True)
class Line:
    """A name and where the line goes: percent to the right, percent down."""

    name: str
    points: str


@dataclass(frozen=True)
class LineChart:
    """Lines over steps.

    Attributes:
        lines: what is drawn.
        stops: place in percent and what the values are there, each.
        across, up: place in percent and label of each tick.
        csv: the numbers as a file within the page.
    """

    lines: tuple[Line, ...]
    stops: tuple[tuple[float, str], ...]
    across: tuple[tuple[float, str], ...]
    up: tuple[tuple[float, str], ...]
    csv: str


def loss_chart(log: pl.DataFrame) -> LineChart:
    """The training loss and its parts over the steps of a run's ``log.csv``."""
    log = log.unique("step", keep="last", maintain_order=True)
    names = [name for name in log.columns if name not in ("step", "learning_rate")]
    steps = log["step"].cast(pl.Float64).to_list()
    known = [value for name in names for value in log[name].drop_nulls().to_list()]
    top, first, last = max([*known, 1e-9]), steps[0], steps[-1]
    width = (last - first) or 1.0

    def place(step: float) -> float:
        return float(round(100 * (step - first) / width, 2))

    lines = []
    for name in names:
        pairs = [(place(step), value) for step, value in zip(steps, log[name], strict=True) if value is not None]
        lines.append(Line(name, " ".join(f"{x},{round(100 - 100 * value / top, 2)}" for x, value in pairs)))
    every = -(-log.height // MOST_STOPS)
    stops = [(place(row["step"]), _said(row, names)) for row in log.gather_every(every).iter_rows(named=True)]
    across = tuple((place(step), f"{step:,.0f}") for step in (first, last))
    up = tuple((100 - 100 * share, f"{share * top:.3g}") for share in (0.0, 0.5, 1.0))
    return LineChart(tuple(lines), tuple(stops), across, up, csv_uri(log))


def _said(row: dict[str, float | None], names: list[str]) -> str:
    values = ", ".join(f"{name} {value:.3g}" for name in names if (value := row[name]) is not None)
    return f"Step {row['step']:,}: {values}."
