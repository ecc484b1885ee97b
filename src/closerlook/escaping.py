"""Names from data in pages and cards: shown as they are, never read as code or markup."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Mapping
from typing import Any

__all__ = ["ScriptEncoder", "code_block", "html_table", "in_markdown", "in_xml"]

# In JavaScript's strings these escapes mean the characters themselves; in HTML they end no element and begin none.
_IN_SCRIPT = str.maketrans({character: f"\\u{ord(character):04x}" for character in "<>&\u2028\u2029"})
_NOT_IN_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


class ScriptEncoder(json.JSONEncoder):
    """JSON that can stand in a ``<script>`` element: no string of it can end the element."""

    def encode(self, o: Any) -> str:
        return super().encode(o).translate(_IN_SCRIPT)


def in_xml(value: Any) -> Any:
    """Plain values with a replacement character for each that XML cannot hold, such as a null: SVG is XML."""
    if isinstance(value, dict):
        return {in_xml(name): in_xml(item) for name, item in value.items()}
    if isinstance(value, list):
        return [in_xml(item) for item in value]
    return _NOT_IN_XML.sub("\ufffd", value) if isinstance(value, str) else value


def in_markdown(text: object) -> str:
    """A text for a line of Markdown that shows it letter by letter: no markup, no HTML, no new line."""
    line = " ".join("".join(c if c.isprintable() else " " for c in str(text)).split())
    line = line.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return re.sub(r"([\\`*_\[\]!|~#$])", r"\\\1", line)


def code_block(text: str, language: str) -> str:
    """A text as a fenced block of Markdown; the fence is longer than any run of backticks in it."""
    fence = "`" * max(3, 1 + max((len(run) for run in re.findall("`+", text)), default=0))
    return f"{fence}{language}\n{text.rstrip()}\n{fence}"


def html_table(title: str, rows: Mapping[str, object]) -> str:
    """A title and a table of names and values, as notebooks show an object; texts are shown as they are."""
    cells = (f"<tr><th>{html.escape(name)}</th><td>{html.escape(str(value))}</td></tr>" for name, value in rows.items())
    return f"<table><caption>{html.escape(title)}</caption>{''.join(cells)}</table>"
