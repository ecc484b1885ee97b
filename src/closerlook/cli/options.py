"""Options that several verbs share, and how their text is read."""

from __future__ import annotations

import re
from collections.abc import Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperCommand

from closerlook.compute.progress import step
from closerlook.errors import CloserlookError, UsageError, short
from closerlook.sizes import MAX_SIDE, MIN_SIDE
from closerlook.storage.documents import parse_yaml
from closerlook.storage.files import replaceable

if TYPE_CHECKING:
    from closerlook.gap import Gap

__all__ = [
    "Camera",
    "GapFolder",
    "Levels",
    "OneSource",
    "Out",
    "Seed",
    "Size",
    "Source",
    "Sources",
    "Target",
    "check_file",
    "load_gap",
    "loading",
    "parse_assignments",
    "parse_file",
    "parse_levels",
    "parse_picture",
    "parse_size",
]

PICTURES = (".png", ".jpg", ".jpeg", ".webp")
Out = Annotated[Path, typer.Option("--out", "-o", help="Folder to write to.")]
Seed = Annotated[int, typer.Option(help="Everything random is a function of this number.")]
Size = Annotated[str, typer.Option(help="Height x width in pixels, such as 256x128.")]
Source = Annotated[str, typer.Argument(help="Synthetic data: a folder, or FORMAT:PATH (see 'dataset import --help').")]
Sources = Annotated[
    list[str],
    typer.Argument(help="Synthetic data, one or several: folders, or FORMAT:PATH (see 'dataset import --help')."),
]
Target = Annotated[
    str, typer.Argument(help="Real data: market1501:/data/Market-1501-v15.09.15, or a folder of pictures.")
]
GapFolder = Annotated[Path, typer.Argument(help="Folder that 'closerlook analyze' wrote.")]
Camera = Annotated[int | None, typer.Option(help="For this camera of the target alone.")]
Levels = Annotated[
    list[str] | None,
    typer.Option("--level", "-l", help="Keep only these levels: weather=sunny,clouds. May be given several times."),
]


class OneSource(TyperCommand):
    """A command of one source and one target, which says what to do with more of them."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        ctx.allow_extra_args = True
        more: list[str] = super().parse_args(ctx, args)
        if more and not ctx.resilient_parsing:
            raise UsageError(
                f"'{ctx.command_path}' takes one source and one target, and found also {more[0]}: write one table of "
                "several sources first, by 'closerlook dataset import A B --out all'."
            )
        return more


def loading() -> AbstractContextManager[None]:
    """Around a verb's imports, which may take seconds: after its arguments have been checked."""
    return step("Loading libraries")


def load_gap(folder: Path, camera: int | None) -> Gap:
    """The gap in a folder, to one of its target's cameras where one is asked for."""
    from closerlook.gap import Gap

    gap = Gap.load(folder)
    return gap if camera is None else gap.to_camera(camera)


def parse_size(text: str, option: str = "--size", smallest: int = MIN_SIDE) -> tuple[int, int]:
    """``"128x64"`` -> (128, 64); the message names the option."""
    match = re.fullmatch(r"(\d+)[x,](\d+)", text.strip())
    if not match:
        raise UsageError(f"{option} '{text}' is not a size; write height x width, such as 128x64.")
    height, width = (int(side) if len(side) < 9 else MAX_SIDE + 1 for side in match.groups())
    if not (min(height, width) >= smallest and max(height, width) <= MAX_SIDE):
        raise UsageError(
            f"{option} {short(text)} is out of range: both sides must be between {smallest} and {MAX_SIDE} pixels."
        )
    return height, width


def parse_file(parameter: typer.CallbackParam, path: Path | None) -> Path | None:
    """A file to write, as :func:`check_file`; the message names the option."""
    return None if path is None else check_file(parameter.opts[0], path)


def check_file(option: str, path: Path) -> Path:
    """A file to write, refused before any work where a folder, a device or a pipe is in its place."""
    if replaceable(path).is_dir():
        raise UsageError(f"{option} {path} is a folder; name the file to write.")
    return path


def parse_picture(option: str, path: Path) -> Path:
    """A picture's path, refused before any work where its ending names no format."""
    if path.suffix.lower() not in PICTURES:
        raise UsageError(f"{option} {path} must end in {', '.join(PICTURES[:-1])} or {PICTURES[-1]}.")
    return path


def parse_levels(
    items: Sequence[str] | None, option: str = "--level", example: str = "weather=sunny,clouds"
) -> dict[str, list[str]]:
    """``["weather=sunny,clouds"]`` -> ``{"weather": ["sunny", "clouds"]}``; the message names the option."""
    levels: dict[str, list[str]] = {}
    for item in items or ():
        name, equals, values = item.partition("=")
        kept = [value.strip() for value in values.split(",") if value.strip()]
        if not equals or not kept:
            raise UsageError(f"{option} '{item}' must look like {example}.")
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
            values[name.strip()] = parse_yaml(text, f"--set '{item}'")
        except CloserlookError as error:
            raise UsageError(str(error)) from None
    return values
