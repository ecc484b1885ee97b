"""How charts look, and Altair charts as files and as SVG elements."""

from __future__ import annotations

import html
from pathlib import Path
from typing import Any

import vl_convert

from closerlook.escaping import ScriptEncoder, in_xml
from closerlook.storage.files import atomic_path

__all__ = ["FAR", "INK", "LINE", "MUTED", "NEAR", "labeled_svg", "save_chart", "svg", "themed"]

INK, MUTED = "#222222", "#777777"
NEAR, FAR = "#2a6f97", "#b8c4cc"  # what stands out, and what does not
LINE = "#c1440e"  # what the others are compared with
FONT = "Helvetica Neue, Helvetica, Arial, sans-serif"

DOTS_PER_INCH = 144


def themed(chart: Any) -> Any:
    """The chart in this package's fonts and colors; of a chart of several, the whole."""
    return (
        chart.configure(font=FONT, background="white", padding=12)
        .configure_view(stroke=None)
        .configure_axis(
            gridColor="#eeeeee",
            domainColor="#cccccc",
            tickColor="#cccccc",
            labelColor=INK,
            titleColor=INK,
            titleFontWeight="normal",
            labelFontSize=11,
            titleFontSize=12,
        )
        .configure_legend(labelFontSize=11, titleFontSize=11, titleFontWeight="normal")
        .configure_title(
            color=INK,
            fontWeight="bold",
            anchor="start",
            fontSize=15,
            subtitleColor=MUTED,
            subtitleFontSize=12,
            offset=14,
        )
    )


def svg(chart: Any) -> str:
    """The chart as an SVG element."""
    return str(vl_convert.vegalite_to_svg(in_xml(chart.to_dict())))


def labeled_svg(chart: Any, label: str) -> str:
    """The chart as an SVG element that is read aloud as one picture, ``label``."""
    return svg(chart).replace("<svg ", f'<svg role="img" aria-label="{html.escape(label)}" ', 1)


def save_chart(chart: Any, path: str | Path) -> None:
    """Write a chart as ``.html`` (which needs no network), ``.svg`` or ``.png``, by the path's ending."""
    path = Path(path)
    with atomic_path(path) as draft:
        if path.suffix == ".html":
            draft.write_text(chart.to_html(inline=True, json_kwds={"cls": ScriptEncoder}), encoding="utf-8")
        elif path.suffix == ".svg":
            draft.write_text(svg(chart), encoding="utf-8")
        else:
            draft.write_bytes(vl_convert.vegalite_to_png(in_xml(chart.to_dict()), ppi=DOTS_PER_INCH))
