"""Pages of the site that are not files of docs/: every command, from the command line itself, and files of the root.

MkDocs calls :func:`on_files` (``hooks`` in mkdocs.yml).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import get_args

import typer
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from typer.core import TyperArgument, TyperCommand, TyperGroup, TyperOption

from closerlook.cli import app

ROOT = Path(__file__).parent.parent
FROM_ROOT = {"CONTRIBUTING.md": "contributing.md", "CHANGELOG.md": "changelog.md"}


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages that are written here."""
    pages = {page: _from_root(name) for name, page in FROM_ROOT.items()} | {"commands.md": commands_page()}
    for name, text in pages.items():
        files.append(File.generated(config, name, content=text))
    return files


def _from_root(name: str) -> str:
    """A page of the repository's root, with its links as they are from docs/."""
    return re.sub(r"\]\(docs/", "](", (ROOT / name).read_text(encoding="utf-8"))


def commands_page() -> str:
    """Every verb with its arguments and options, as Markdown."""
    root = typer.main.get_command(app)
    assert isinstance(root, TyperGroup)
    parts = ["# Commands", _help(root), "`closerlook VERB --help` says the same."]
    for name, verb in root.commands.items():
        if isinstance(verb, TyperGroup):
            for inner, command in verb.commands.items():
                parts += _section(f"{name} {inner}", command)
        else:
            parts += _section(name, verb)
    return "\n\n".join(parts) + "\n"


def _section(name: str, command: TyperCommand) -> Iterator[str]:
    yield f"## {name}"
    yield _help(command)
    rows = [row for parameter in command.params if (row := _row(parameter))]
    yield "\n".join(["| argument or option | default | what |", "|---|---|---|", *rows])


def _help(command: TyperCommand | TyperGroup) -> str:
    return _escape(command.help or "")


def _row(parameter: TyperArgument | TyperOption) -> str | None:
    if isinstance(parameter, TyperArgument):
        name = (parameter.name or "").upper() + (" ..." if parameter.nargs == -1 else "")
    else:
        name = ", ".join([*parameter.opts, *parameter.secondary_opts])
    if "--help" in name:
        return None
    kind = parameter.type_descriptor.annotation
    choices = ", ".join(f"`{choice}`" for choice in get_args(kind) if isinstance(choice, str))
    value = parameter.default
    default = "needed" if parameter.required else "" if value in (None, (), False) else f"`{value}`"
    said = " ".join(filter(None, [_escape(parameter.help or ""), choices and f"One of {choices}."]))
    return f"| `{name}` | {default} | {said} |"


def _escape(text: str) -> str:
    return re.sub(r"([|<>*\[\]])", r"\\\1", text)
