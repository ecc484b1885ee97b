"""Docstrings as the site's Markdown wants them; mkdocstrings calls it (``extensions`` in mkdocs.yml)."""

from __future__ import annotations

import re
from typing import Any

from griffe import Extension, Object

ROLE = re.compile(r":(?:mod|func|class|attr|meth|data|exc):`~?([^`]+)`")


class Docstrings(Extension):  # type: ignore[misc]
    """References become plain code, and the section of an example what Google's style calls it."""

    def on_object(self, *, obj: Object, **_: Any) -> None:
        if obj.docstring is not None:
            text = ROLE.sub(r"`\1`", obj.docstring.value)
            obj.docstring.value = re.sub(r"^Example:$", "Examples:", text, flags=re.MULTILINE)
