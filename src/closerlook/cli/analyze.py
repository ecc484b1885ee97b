"""closerlook analyze: how far every attribute value is from the target."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape
from rich.table import Table

from closerlook.choices import BootstrapUnit
from closerlook.cli.options import Out, Seed, Size, Source, Target, loading, parse_size
from closerlook.cli.output import Found, answer, detail, say_next, tell
from closerlook.errors import UsageError
from closerlook.inputs import check_embedding, find_data

if TYPE_CHECKING:
    from closerlook.embedding import Embedder
    from closerlook.gap import Gap

__all__ = ["analyze"]


def analyze(
    source: Source,
    target: Target,
    out: Out,
    embedding: Annotated[str, typer.Option(help="lite0, vgg19, resnet50-pooled, or your module:function.")] = "lite0",
    style: Annotated[str | None, typer.Option(help="Style layers and their w_l: conv1_1=0.5,conv2_1=0.5.")] = None,
    content: Annotated[str | None, typer.Option(help="Content layers: conv4_2.")] = None,
    pool_content: Annotated[bool, typer.Option("--pool-content", help="Compare content averaged over the image.")] = (
        False
    ),
    scaling: Annotated[
        str,
        typer.Option(
            help="balanced: 1.0 is the target's distance to itself; literal: Eq. 3; style=A,content=B: over A, B."
        ),
    ] = "balanced",
    alpha: Annotated[float, typer.Option(help="Weight of style (Eq. 3); 0 for content only.")] = 0.9,
    beta: Annotated[float, typer.Option(help="Weight of content (Eq. 3); 0 for style only.")] = 1.0,
    bins: Annotated[
        list[str] | None, typer.Option("--bin", help="A column of numbers as an attribute, in N bins: hour:4; repeat.")
    ] = None,
    per_cell: Annotated[int | None, typer.Option(help="Images a cell of the design; 0 takes all of them.")] = None,
    bootstrap_unit: Annotated[
        BootstrapUnit, typer.Option(help="What of the target the intervals draw anew.")
    ] = "images",
    shard: Annotated[str | None, typer.Option(help="Make only the shard 2/8 of the work, into --out.")] = None,
    merge: Annotated[list[Path] | None, typer.Option(help="A folder where a shard was made; repeat.")] = None,
    size: Size = "128x64",
    seed: Seed = 0,
) -> Found:
    """Measure each attribute value's content and style distance to the target's unlabeled training images.

    What is finished is kept in --out: the same command resumes. To use several machines, give each a --shard, then run
    the command without it, with --merge for folders that are not --out.

    Where combinations of values are missing, --out still holds every number but the exact shares of variance; what each
    attribute explains is then divided by an additive model.
    """
    part = None if shard is None else _parse_shard(shard)
    columns, height_width = _parse_bins(bins), parse_size(size)
    weights = None if style is None else _parse_weights(style)
    for data in (source, target):
        find_data(data)
    check_embedding(embedding)
    with loading():
        from closerlook.dataset import open_dataset
        from closerlook.dataset.binning import binned
        from closerlook.gap import analyze, analyze_shard, save_figures
        from closerlook.reporting.findings import findings_of_gap

    images, real = binned(open_dataset(source), columns), open_dataset(target).train
    chosen = _embedding(embedding, weights, content, pool_content, height_width)
    same = {"embedding": chosen, "size": height_width, "per_cell": per_cell, "seed": seed, "out": out}
    if part is not None:
        analyze_shard(images, real, part, **same)  # type: ignore[arg-type]
        tell(f"Shard {shard} is in {out}. When all are made, the same command without --shard puts them together.")
        say_next("analyze", source, target, "--merge", out, "--out", "gap")
        return {"out": out, "shard": shard}
    options = {"scaling": scaling, "alpha": alpha, "beta": beta, "bootstrap_unit": bootstrap_unit, "merge": merge or ()}
    gap = analyze(images, real, **options, **same)  # type: ignore[arg-type]
    save_figures(gap, images, out / "figures")
    said = findings_of_gap(gap)
    detail(_table(gap))
    detail(
        "mean: whether the gap (squared MMD) is below or above the attribute's mean, or unclear (5 %, Holm). chosen: "
        "how often a level is at or below that mean, when people and target are drawn anew."
    )
    notes = gap.notes
    detail(*notes)
    answer(*said)
    tell(f"The gap is in {out}, its figures in {out / 'figures'}; all numbers and {len(notes)} notes with --verbose.")
    say_next("select", out, "--out", "plan.yaml")
    return {"out": out, "findings": said, "notes": notes, "levels": gap.levels.to_dicts()}


def _table(gap: Gap) -> Table:
    """Narrow enough for 80 columns."""
    table = Table("level", box=None, padding=(0, 1))
    for name in ("gap", "95 % interval", "mean", "chosen", "total loss", "diversity"):
        table.add_column(name, justify="right", no_wrap=True)
    for levels in gap.levels.partition_by("factor", maintain_order=True):
        table.add_row(escape(levels["factor"][0]), style="bold")
        for row in levels.iter_rows(named=True):
            mmd2, low, high, loss, diversity = (
                _number(row[name]) for name in ("mmd2", "mmd2_low", "mmd2_high", "total_loss", "diversity")
            )
            chosen = "–" if row["mmd2"] is None else f"{row['selection_frequency']:.0%}"
            table.add_row(
                f"  {escape(row['level'])}", mmd2, f"{low} to {high}", row["relative_to_mean"], chosen, loss, diversity
            )
    return table


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"


def _embedding(
    name: str, style: dict[str, float] | None, content: str | None, pooled: bool, size: tuple[int, int]
) -> str | Embedder:
    """The embedding by its name, or with other layers where some are given."""
    if style is None and content is None and not pooled:
        return name
    from closerlook.embedding.content_style import LAYERS, ContentStyle, Layers

    if name not in LAYERS:
        raise UsageError(f"--style, --content and --pool-content are for {' and '.join(LAYERS)}, not for '{name}'.")
    weights = LAYERS[name].style if style is None else style
    layers = LAYERS[name].content if content is None else tuple(filter(None, content.split(",")))
    return ContentStyle(name, size, layers=Layers(weights, layers, pooled))


def _parse_weights(text: str) -> dict[str, float]:
    """``conv1_1=0.5,conv2_1`` -> weights; a layer without one counts as much as all would equally."""
    items = [item.partition("=") for item in text.split(",") if item]
    try:
        return {name.strip(): float(number) if equals else 1 / len(items) for name, equals, number in items}
    except ValueError:
        raise UsageError(f"--style '{text}' must look like conv1_1=0.5,conv2_1=0.5.") from None


def _parse_bins(items: Sequence[str] | None) -> dict[str, int]:
    """``["hour:4"]`` -> ``{"hour": 4}``."""
    found = {}
    for item in items or ():
        name, _, count = item.rpartition(":")
        if not (name and count.isdecimal()):
            raise UsageError(f"--bin '{item}' must look like hour:4, a column and how many bins.")
        found[name] = int(count)
    return found


def _parse_shard(text: str) -> tuple[int, int]:
    number, _, of = text.partition("/")
    if not (number.isdecimal() and of.isdecimal()):
        raise UsageError(f"--shard '{text}' must look like 2/8.")
    return int(number), int(of)
