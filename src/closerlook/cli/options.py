"""Options that several verbs share, and how their text is read."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer
import yaml

from closerlook.errors import UsageError

__all__ = ["Levels", "Out", "Seed", "Size", "Source", "Target", "parse_assignments", "parse_levels", "parse_size"]

Out = Annotated[Path, typer.Option("--out", "-o", help="Folder to write to.")]
Seed = Annotated[int, typer.Option(help="Everything random is a function of this number.")]
Size = Annotated[str, typer.Option(help="Height x width in pixels, such as 256x128.")]
Source = Annotated[str, typer.Argument(help="Synthetic data: a folder, or format:path (see 'dataset import').")]
Target = Annotated[str, typer.Argument(help="Real data, such as market1501:/data/Market-1501-v15.09.15 or a folder.")]
Levels = Annotated[
    list[str] | None,
    typer.Option("--level", "-l", help="Keep only these levels: weather=sunny,clouds. May be given several times."),
]


def parse_size(text: str) -> tuple[int, int]:
    """``"128x64"`` -> (128, 64)."""
    match = re.fullmatch(r"(\d+)[x,](\d+)", text.strip())
    if not match:
        raise UsageError(f"--size '{text}' is not a size; write height x width, such as 128x64.")
    height, width = int(match[1]), int(match[2])
    if not (16 <= height <= 4096 and 16 <= width <= 4096):
        raise UsageError(f"--size {text} is out of range: both sides must be between 16 and 4096 pixels.")
    return height, width


def parse_levels(items: Sequence[str] | None) -> dict[str, list[str]]:
    """``["weather=sunny,clouds"]`` -> ``{"weather": ["sunny", "clouds"]}``."""
    levels: dict[str, list[str]] = {}
    for item in items or ():
        name, equals, values = item.partition("=")
        kept = [value.strip() for value in values.split(",") if value.strip()]
        if not equals or not kept:
            raise UsageError(f"--level '{item}' must look like weather=sunny,clouds.")
        levels.setdefault(name.strip(), []).extend(kept)
    return levels


def parse_assignments(items: Sequence[str] | None) -> dict[str, Any]:
    """``["steps=400", "size=[128, 64]"]`` -> ``{"steps": 400, "size": [128, 64]}``; values are YAML."""
    values: dict[str, Any] = {}
    for item in items or ():
        name, equals, text = item.partition("=")
        if not equals:
            raise UsageError(f"--set '{item}' must look like steps=400.")
        try:
            values[name.strip()] = yaml.safe_load(text)
        except yaml.YAMLError:
            raise UsageError(f"--set '{item}': '{text}' is not a value.") from None
    return values
