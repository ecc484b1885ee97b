"""closerlook select: from a measured gap to the images worth training on."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from closerlook.choices import Criterion, Method
from closerlook.cli.options import Camera, GapFolder, Seed, load_gap, loading, parse_file, parse_levels
from closerlook.cli.output import Found, answer, say_next, tell
from closerlook.errors import UsageError
from closerlook.inputs import find_data, find_gap

if TYPE_CHECKING:
    import polars as pl

    from closerlook.gap import Gap
    from closerlook.selection import Plan

__all__ = ["select"]

CAP = "weather=foggy:0.1"
LONG = {"files", "file_weights", "weights"}  # of a plan, which the file holds


def select(
    gap: GapFolder,
    out: Annotated[Path, typer.Option("--out", "-o", callback=parse_file, help="Plan to write (YAML).")] = Path(
        "plan.yaml"
    ),
    method: Annotated[
        Method,
        typer.Option(
            help="A part of the images: greedy (each attribute by itself, as in the paper), exhaustive (the nearest "
            "part of all), diverse (the most diverse), nearest (single images), trained-head (by a head on frozen "
            "features). All images, drawn by weight: mixture (as the target seems to be), quadratic (with the nearest "
            "mean), density-ratio (single images)."
        ),
    ] = "greedy",
    criterion: Annotated[
        Criterion,
        typer.Option(help="mmd2: unbiased squared distance of the means; total_loss: the paper's (Eq. 3)."),
    ] = "mmd2",
    rule: Annotated[
        str | None,
        typer.Option(
            help="greedy keeps: not-worse (default: all but what is significantly above the attribute's mean), mean "
            "(at or below it), top:N, below:X (a line of your own), paper:market or paper:duke (the paper's levels)."
        ),
    ] = None,
    all_levels: Annotated[
        list[str] | None, typer.Option(help="Take all levels of this attribute: viewpoint by default; 'none' for none.")
    ] = None,
    budget: Annotated[
        int | None, typer.Option(help="At most this many images; where they have weights, so many, drawn by them.")
    ] = None,
    diversity: Annotated[float, typer.Option(help="exhaustive: at least this share of the target's diversity.")] = 0.0,
    min_effective_cells: Annotated[
        float | None, typer.Option(help="quadratic: at least so many effective combinations.")
    ] = None,
    cap: Annotated[list[str] | None, typer.Option(help="quadratic: at most this share: weather=foggy:0.1.")] = None,
    source: Annotated[
        str | None,
        typer.Option(help="The analyzed source, where a method looks at images: trained-head, density-ratio."),
    ] = None,
    target: Annotated[str | None, typer.Option(help="The target, for the same.")] = None,
    validation: Annotated[
        Path | None,
        typer.Option(help="A finished validate-gap: predict by its training runs what the plan gains in mAP."),
    ] = None,
    camera: Camera = None,
    front: Annotated[
        Path | None,
        typer.Option(callback=parse_file, help="Also write the Pareto front of size against distance (CSV)."),
    ] = None,
    controls: Annotated[
        int | None,
        typer.Option(min=0, max=1000, help="Also write the plan's controls: so many random ones, the worst, all."),
    ] = None,
    seed: Seed = 0,
) -> Found:
    """Choose the attribute values worth training on and save them as a plan.

    By default all viewpoints, and of the rest what is not significantly farther than the mean. The levels
    that the paper chose for its own targets: --rule paper:market, --rule paper:duke.
    People are chosen by 'closerlook select-identities'. Where images have weights, training draws a person's images by
    them, in as many steps as without.
    """
    if front is not None and front.resolve() == out.resolve():
        raise UsageError(f"--front and --out are the same file, {out}: name another for the front.")
    caps = _parse_caps(cap)
    find_gap(gap)
    for data in (source, target):
        if data is not None:
            find_data(data)
    with loading():
        from closerlook.dataset import open_dataset
        from closerlook.selection import controls as controls_of, select
        from closerlook.storage.tables import write_csv
        from closerlook.validation import Validation, predict_gain

    experiment = None if validation is None else Validation.load(validation)
    measured = load_gap(gap, camera)
    plan = select(
        measured,
        method=method,
        criterion=criterion,
        rule=rule,
        all_levels=None if all_levels is None else [name for name in all_levels if name != "none"],
        budget=budget,
        diversity=diversity,
        min_effective_cells=min_effective_cells,
        caps=caps,
        source=None if source is None else open_dataset(source).train,
        target=None if target is None else open_dataset(target).train,
        seed=seed,
    )
    if experiment is not None:
        plan = predict_gain(plan, experiment)
    others = {} if controls is None else controls_of(measured, plan, seeds=controls, criterion=criterion)
    table = None if front is None else _front(measured, plan, criterion)
    plan.save(out)
    if front is not None and table is not None:
        write_csv(table, front)
    written: dict[str, Path] = {}
    for name, other in others.items():
        path = written[name] = out.with_name(f"{out.stem}-{name}{out.suffix}")
        other.save(path)
        tell(f"control: {other.images:,} images in {path}")
    _tell(plan)
    answer(f"{plan.images:,} images, {plan.share:.1%} of all, in {out}")
    say_next("train", "DATA", "--plan", out, "--out", "runs/selected")
    return {"out": out, "controls": written, **plan.model_dump(mode="json", exclude=LONG)}


def _parse_caps(items: list[str] | None) -> dict[str, dict[str | int | float, float]]:
    """``["weather=foggy:0.1"]`` -> ``{"weather": {"foggy": 0.1}}``."""
    caps: dict[str, dict[str | int | float, float]] = {}
    for name, values in parse_levels(items, "--cap", CAP).items():
        for value in values:
            level, colon, share = value.rpartition(":")
            try:
                caps.setdefault(name, {})[level] = float(share)
            except ValueError:
                colon = ""
            if not colon:
                raise UsageError(f"--cap '{name}={value}' must look like {CAP}.")
    return caps


def _front(gap: Gap, plan: Plan, criterion: Criterion) -> pl.DataFrame:
    import polars as pl

    from closerlook.selection import exhaustive

    all_levels = frozenset(plan.provenance.all_levels if plan.provenance else ())
    rows = [
        {"images": one.images, criterion: one.score}
        | {name: " ".join(map(str, levels)) for name, levels in one.values.items()}
        for one in exhaustive(gap, criterion=criterion, all_levels=all_levels)
    ]
    return pl.DataFrame(rows)


def _tell(plan: Plan) -> None:
    for name, levels in plan.values.items():
        answer(f"{name}: {', '.join(map(str, levels))}")
    provenance = plan.provenance
    if provenance is None:
        return
    evidence, optimum = provenance.evidence, provenance.optimum
    if (low := evidence.get("gain_low")) is not None:
        gain, high = evidence["gain"], evidence["gain_high"]
        answer(
            f"Nearer than a random subset of equal size by {gain:.4f} of squared MMD "
            f"(95 % interval {low:.4f} to {high:.4f})"
        )
    if (predicted := plan.predicted_gain) is not None:
        answer(
            f"Predicted: {100 * predicted.mean:+.1f} mAP over as many random images (95 % interval "
            f"{100 * predicted.low:+.1f} to {100 * predicted.high:+.1f}; by {predicted.basis})"
        )
    if (same := evidence.get("same")) is not None:
        draws = evidence.get("draws") or 0
        tell(
            f"Of {draws:.0f} random halves of people and target, {same:.0%} choose exactly this; two halves share "
            f"{evidence['agreement']:.0%} of their images"
        )
    if "greedy_gap" in optimum:
        tell(f"The certified optimum; greedy is {optimum['greedy_gap']:.4f} of {provenance.criterion} above it")
    if "bound" in optimum:
        tell(f"Distance {optimum['distance']:.6f}; no distribution has less than {optimum['bound']:.6f}")
    for note in provenance.notes:
        tell(note)
