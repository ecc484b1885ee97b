"""closerlook select: from a measured gap to the images worth training on."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from closerlook.cli.options import Seed, parse_file, parse_levels
from closerlook.errors import UsageError

if TYPE_CHECKING:
    import polars as pl

    from closerlook.gap import Gap
    from closerlook.selection import Plan

__all__ = ["select"]


def select(
    gap: Annotated[Path, typer.Argument(help="Folder that 'closerlook analyze' wrote.")],
    out: Annotated[Path, typer.Option("--out", "-o", callback=parse_file, help="Plan to write (YAML).")] = Path(
        "plan.yaml"
    ),
    method: Annotated[
        Literal["greedy", "exhaustive", "weights"],
        typer.Option(help="greedy: each attribute by itself, as in the paper; or all together."),
    ] = "greedy",
    on: Annotated[
        Literal["mmd2", "total_loss"],
        typer.Option(help="mmd2: unbiased squared distance of the means; total_loss: the paper's (Eq. 3)."),
    ] = "mmd2",
    rule: Annotated[
        str | None,
        typer.Option(
            help="greedy keeps: not-worse (default: all but what is significantly above the attribute's mean), mean "
            "(at or below it), top:N, below:X (a line of your own), paper:market or paper:duke (the paper's levels)."
        ),
    ] = None,
    keep: Annotated[
        list[str] | None, typer.Option(help="Take all levels of this attribute: viewpoint by default; 'none' for none.")
    ] = None,
    budget: Annotated[int | None, typer.Option(help="At most this many images.")] = None,
    diversity: Annotated[float, typer.Option(help="exhaustive: at least this share of the target's diversity.")] = 0.0,
    variety: Annotated[float | None, typer.Option(help="weights: at least so many effective combinations.")] = None,
    cap: Annotated[list[str] | None, typer.Option(help="weights: at most this share: weather=foggy:0.1.")] = None,
    camera: Annotated[int | None, typer.Option(help="For this camera of the target alone.")] = None,
    people: Annotated[int | None, typer.Option(help="Choose so many people as well; needs --data.")] = None,
    people_by: Annotated[
        Literal["far", "near"], typer.Option(help="far: as unlike as possible; near: nearest to --target.")
    ] = "far",
    data: Annotated[str | None, typer.Option(help="The source, to choose people from.")] = None,
    target: Annotated[str | None, typer.Option(help="The target, for --people-by near.")] = None,
    render_next: Annotated[
        int | None, typer.Option(help="Instead: which so many images to render next, to make the choice more certain.")
    ] = None,
    front: Annotated[
        Path | None,
        typer.Option(callback=parse_file, help="Also write the Pareto front of size against distance (CSV)."),
    ] = None,
    controls: Annotated[
        int | None,
        typer.Option(min=0, max=1000, help="Also write the plan's controls: so many random ones, the worst, all."),
    ] = None,
    seed: Seed = 0,
) -> None:
    """Choose the attribute values worth training on and save them as a plan.

    By default all viewpoints, and of the rest what is not significantly farther than the mean. The levels
    that the paper chose for its own targets: --rule paper:market, --rule paper:duke.
    """
    from closerlook.gap import Gap
    from closerlook.selection import controls as controls_of, select, with_people
    from closerlook.storage.tables import write_csv

    if front is not None and front.resolve() == out.resolve():
        raise UsageError(f"--front and --out are the same file, {out}: name another for the front.")
    if people is not None and data is None:
        raise UsageError("--people needs --data, the source to choose them from.")
    found = Gap.load(gap) if camera is None else Gap.load(gap).to_camera(camera)
    if render_next is not None:
        _render_next(found, render_next, out)
        return
    plan = select(
        found,
        method=method,
        on=on,
        rule=rule,
        keep=None if keep is None else [name for name in keep if name != "none"],
        budget=budget,
        diversity=diversity,
        variety=variety,
        caps=_parse_caps(cap),
        seed=seed,
    )
    if people is not None and data is not None:
        from closerlook.dataset import open_dataset
        from closerlook.selection import choose_people

        source = open_dataset(data).train
        pool = source.subset(plan)
        goal = None if target is None else open_dataset(target).train
        plan = with_people(plan, choose_people(found, pool, people, by=people_by, target=goal, seed=seed), source)
    others = {} if controls is None else controls_of(found, plan, seeds=controls, on=on)
    table = None if front is None else _front(found, plan, on)
    plan.save(out)
    if front is not None and table is not None:
        write_csv(table, front)
    for name, other in others.items():
        path = out.with_name(f"{out.stem}-{name}{out.suffix}")
        other.save(path)
        typer.echo(f"control: {other.images:,} images in {path}")
    _tell(plan)
    typer.echo(f"{plan.images:,} images, {plan.share:.1%} of all, in {out}; next: closerlook train DATA --plan {out}")


def _parse_caps(items: list[str] | None) -> dict[str, dict[str | int | float, float]]:
    """``["weather=foggy:0.1"]`` -> ``{"weather": {"foggy": 0.1}}``."""
    caps: dict[str, dict[str | int | float, float]] = {}
    for name, values in parse_levels(items).items():
        for value in values:
            level, colon, share = value.rpartition(":")
            try:
                caps.setdefault(name, {})[level] = float(share)
            except ValueError:
                colon = ""
            if not colon:
                raise UsageError(f"--cap '{name}={value}' must look like weather=foggy:0.1.")
    return caps


def _front(gap: Gap, plan: Plan, on: Literal["mmd2", "total_loss"]) -> pl.DataFrame:
    import polars as pl

    from closerlook.selection import exhaustive

    keep = frozenset(plan.provenance.keep if plan.provenance else ())
    rows = [
        {"images": one.images, on: one.score}
        | {name: " ".join(map(str, levels)) for name, levels in one.values.items()}
        for one in exhaustive(gap, on=on, keep=keep)
    ]
    return pl.DataFrame(rows)


def _tell(plan: Plan) -> None:
    for name, levels in plan.values.items():
        typer.echo(f"{name}: {', '.join(map(str, levels))}")
    if plan.identities:
        typer.echo(f"people: {len(plan.identities)}")
    provenance = plan.provenance
    if provenance is None:
        return
    evidence, optimum = provenance.evidence, provenance.optimum
    if (low := evidence.get("gain_low")) is not None:
        gain, high = evidence["gain"], evidence["gain_high"]
        typer.echo(
            f"Nearer than a random subset of equal size by {gain:.4f} of squared MMD "
            f"(95 % interval {low:.4f} to {high:.4f})"
        )
    if (same := evidence.get("same")) is not None:
        draws = evidence.get("draws") or 0
        typer.echo(
            f"Of {draws:.0f} random halves of people and target, {same:.0%} choose exactly this; two halves share "
            f"{evidence['agreement']:.0%} of their images"
        )
    if "greedy_gap" in optimum:
        typer.echo(f"The certified optimum; greedy is {optimum['greedy_gap']:.4f} of {provenance.on} above it")
    if "bound" in optimum:
        typer.echo(f"Distance {optimum['distance']:.6f}; no distribution has less than {optimum['bound']:.6f}")
    for note in provenance.notes:
        typer.echo(note)


def _render_next(gap: Gap, images: int, out: Path) -> None:
    from closerlook.selection import render_next

    value = render_next(gap, images)
    value.plan.save(out)
    cells = sorted(value.plan.weights, key=lambda cell: -cell.weight)
    for cell in cells[:10]:
        typer.echo(f"{round(cell.weight * images):6,}  {', '.join(map(str, cell.levels.values()))}")
    if len(cells) > 10:
        typer.echo(f"       and {len(cells) - 10} more combinations")
    typer.echo(
        f"Expected to save {value.expected_improvement:.5f} of {value.expected_loss:.5f} of squared MMD lost by levels "
        "on the wrong side of the line."
    )
    if value.stop:
        typer.echo("That is below 1 % of the distance of all data: there is no reason to render more for this choice.")
    typer.echo(f"The order is in {out}; next: closerlook generate DESIGN --plan {out} --first-identity N --out DATA")
