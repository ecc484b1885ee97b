"""Altair charts as files and as SVG elements."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import vl_convert

from closerlook.escaping import ScriptEncoder, in_xml
from closerlook.storage.files import atomic_path

__all__ = ["save_chart", "svg"]

DOTS_PER_INCH = 144


def svg(chart: Any) -> str:
    """The chart as an SVG element."""
    return str(vl_convert.vegalite_to_svg(in_xml(chart.to_dict())))


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
