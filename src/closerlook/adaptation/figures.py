"""A search as a picture: how far every rendered set was, where the parameters went, the images before and after."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import altair as alt
import numpy as np
import polars as pl
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from closerlook.adaptation.loop import Trace
from closerlook.adaptation.parameters import to_unit
from closerlook.charts import FAR, INK, NEAR, save_chart, themed
from closerlook.sheets import sheet_of
from closerlook.storage.files import atomic_path

__all__ = ["captioned_rows", "save_trace", "trace_chart"]

COLUMNS, HEAD = 12, 20  # images of a row, pixels of its caption


def trace_chart(trace: Trace) -> alt.VConcatChart:
    """The distance of each set and of the best so far; below, where each parameter of the best so far stood."""
    distances = [step.distance.mmd2 for step in trace.steps]
    number = list(range(1, len(distances) + 1))
    best = np.minimum.accumulate(distances)
    table = pl.DataFrame({"render": number, "mmd2": distances, "best": best})
    x = alt.X("render:Q", title="rendered sets", axis=alt.Axis(tickMinStep=1))
    dots = alt.Chart(table).mark_circle(color=FAR, size=36).encode(x=x, y=alt.Y("mmd2:Q", title="gap (squared MMD)"))
    line = alt.Chart(table).mark_line(color=NEAR, interpolate="step-after", strokeWidth=2.5).encode(x=x, y="best:Q")
    held = trace.held_out
    title = alt.Title(
        f"Adapting {len(trace.parameters)} parameters ({trace.optimizer})",
        subtitle=f"On people not used: {held.gain:+.4f} nearer (95 % interval {held.low:+.4f} to {held.high:+.4f}); "
        f"{trace.stopped}.",
    )
    top = (dots + line).properties(width=560, height=220, title=title)
    chart: alt.VConcatChart = themed(alt.vconcat(top, _paths(trace, best)))
    return chart


def _paths(trace: Trace, best: NDArray[np.float64]) -> alt.Chart:
    rows = []
    for number, value in enumerate(best):
        holder = next(i for i, step in enumerate(trace.steps) if step.distance.mmd2 == value)
        values = trace.steps[holder].values
        for parameter, unit in zip(trace.parameters, to_unit(trace.parameters, values), strict=True):
            label = f"{parameter.name}  {values[parameter.name]:.3g}"
            rows.append({"render": number + 1, "parameter": parameter.name, "place": float(unit), "label": label})
    table = pl.DataFrame(rows)
    last = table.group_by("parameter", maintain_order=True).agg(pl.col("label").last())
    table = table.drop("label").join(last, on="parameter", maintain_order="left")
    chart: alt.Chart = (
        alt.Chart(table)
        .mark_line(color=INK, interpolate="step-after")
        .encode(
            x=alt.X("render:Q", title="rendered sets"),
            y=alt.Y("place:Q", title=None, scale=alt.Scale(domain=[0, 1]), axis=None),
            row=alt.Row(
                "label:N",
                title=None,
                sort=last["label"].to_list(),
                header=alt.Header(labelAngle=0, labelAlign="left", labelOrient="left"),
            ),
        )
        .properties(width=400, height=18, spacing=4)
    )
    return chart


def save_trace(trace: Trace, images: Sequence[NDArray[np.uint8]], out: Path) -> None:
    """Write ``trace.svg`` and ``before-after.png``: the same people at the start and at the best, and images of the
    target, a row each with what it is above.

    Args:
        trace: the search.
        images: (n, h, w, 3) at the start, at the best and of the target.
        out: the search's folder.
    """
    save_chart(trace_chart(trace), out / "trace.svg")
    first, best = (trace.steps[number].distance.mmd2 for number in (0, trace.best))
    captions = (f"start: gap {first:.4f}", f"found: gap {best:.4f}", "target: other people")
    with atomic_path(out / "before-after.png") as draft:
        captioned_rows(images, captions).save(draft)


def captioned_rows(images: Sequence[NDArray[np.uint8]], captions: Sequence[str]) -> Image.Image:
    """Up to twelve images of each set (n, h, w, 3) in a row, spread evenly, under the set's caption."""
    rows = []
    for shown, caption in zip(images, captions, strict=True):
        row = np.concatenate(list(shown[:: max(1, len(shown) // COLUMNS)][:COLUMNS]), axis=1)
        head = Image.new("RGB", (row.shape[1], HEAD), "white")
        ImageDraw.Draw(head).text((2, 3), caption, INK, ImageFont.load_default(12))
        rows.append(np.concatenate([np.asarray(head), row]))
    return sheet_of(rows, 1, gap=6)
