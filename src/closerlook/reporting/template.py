"""Filling in a page's template: names from data are escaped, and whatever a page lacks is an error."""

from __future__ import annotations

from collections.abc import Callable
from importlib.resources import files

from jinja2 import Environment, StrictUndefined
from markupsafe import Markup

__all__ = ["fill_in"]


def fill_in(name: str, filters: dict[str, Callable[..., str]], **values: object) -> str:
    """The template ``name`` of this package with these values and the style of all pages."""
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    environment.filters.update(filters)
    folder = files("closerlook.reporting")
    template = environment.from_string((folder / name).read_text(encoding="utf-8"))
    return template.render(style=Markup((folder / "page.css").read_text(encoding="utf-8")), **values)
