"""Filling in a page's template: names from data are escaped, and whatever a page lacks is an error."""

from __future__ import annotations

import base64
import hashlib
from importlib.resources import files

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from closerlook.reporting.glossary import GLOSSARY
from closerlook.reporting.words import FILTERS

__all__ = ["fill_in"]


def fill_in(name: str, **values: object) -> str:
    """The template ``name`` of this package with these values, and the style and the script of all pages.

    The page lets no other script run than this one, whose hash it names, and loads nothing from anywhere.
    """
    environment = Environment(
        loader=PackageLoader("closerlook.reporting"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(FILTERS)
    environment.globals["glossary"] = GLOSSARY
    folder = files("closerlook.reporting") / "templates"
    style, script = ((folder / file).read_text(encoding="utf-8") for file in ("page.css", "page.js"))
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    template = environment.get_template(name)
    return template.render(style=Markup(style), script=Markup(script), script_hash=f"sha256-{digest}", **values)
