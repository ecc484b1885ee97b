"""A study on the user's own data: plans and the paper's rows against equal-size random controls."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from closerlook.analysis import Gap
from closerlook.dataset import Dataset
from closerlook.errors import UsageError
from closerlook.reid import Recipe
from closerlook.selection import Plan
from closerlook.study.arms import Arm, Run, fixed_arm, run_arms
from closerlook.study.readings import importance_of_study, save_readings
from closerlook.study.record import Record
from closerlook.study.tables import row_part, table_rows

__all__ = ["plan_arms", "run_study"]


def run_study(
    source: Dataset,
    target: Dataset,
    *,
    out: Path,
    plans: Mapping[str, Plan] | None = None,
    table: str | None = None,
    controls: Mapping[str, Plan] | None = None,
    gap: Path | None = None,
    recipe: str | Recipe = "baseline",
    overrides: Mapping[str, Any] | None = None,
    seeds: int = 3,
    first_seed: int = 0,
) -> list[Run]:
    """Train and evaluate all of ``source``, each plan with its random control, and the rows of a table of the paper.

    Args:
        source: labelled synthetic images.
        target: real data with a query and a gallery split.
        out: folder for the runs, ``results.json`` and ``study.json``; a stopped study goes on where it was.
        plans: what :func:`closerlook.select` chose, by name.
        controls: parts that are only there to be compared with, by name, such as the worst part.
        table: ``market`` for the rows of Table 1, ``duke`` for Table 2.
        gap: folder of an analysis of ``source``, to be shown beside the runs. Where these are of four or more different
            parts of the data, how much each attribute matters to them is set beside how much it matters to the losses.
        recipe, overrides: as :func:`closerlook.train` takes them; the same for every run.
        seeds: runs of every arm, with the seeds ``first_seed``, ``first_seed + 1``, ...

    Returns:
        One :class:`Run` an arm and seed, the untrained backbone first.
    """
    plans = dict(plans or {})
    resolved = Recipe.resolve(recipe, overrides)
    source = source.train
    analysis = None if gap is None else Gap.load(gap)
    arms = [fixed_arm("all", source)]
    for name, plan in plans.items():
        arms += plan_arms(name, plan, source)
    arms += [fixed_arm(name, source.subset(plan)) for name, plan in (controls or {}).items()]
    rows = table_rows(table) if table else []
    arms += [fixed_arm(row.name, row_part(row, source)) for row in rows if row.name != "all"]
    _check_names(arms)
    record = Record(
        title=f"{source.name} for {target.name}",
        source=str(source.root.resolve()),
        target=str(target.root.resolve()),
        seed=first_seed,
        recipe=resolved.name,
        seeds=seeds,
        gap=None if gap is None else str(gap.resolve()),
        plans={name: f"{name}.yaml" for name in plans},
        paper={row.name: row.paper for row in rows},
    )
    record.save(out)
    for name, plan in plans.items():
        plan.save(out / f"{name}.yaml")
    runs = run_arms(arms, target, recipe=resolved, seeds=range(first_seed, first_seed + seeds), out=out)
    readings = importance_of_study(arms, runs, source.factors, analysis, first_seed)
    if readings is not None:
        save_readings(readings, out)
    return runs


def plan_arms(name: str, plan: Plan, source: Dataset, control: str | None = None) -> list[Arm]:
    """A plan and its control: random images of ``source``, as many and of as many people, drawn anew for each seed."""
    control = control or f"{name}-random"
    chosen = source.subset(plan)
    return [
        fixed_arm(name, chosen, control=control),
        Arm(control, lambda seed: source.subset(plan.random_control(seed))),
    ]


def _check_names(arms: Sequence[Arm]) -> None:
    names = [arm.name for arm in arms]
    for name in names:
        if names.count(name) > 1:
            raise UsageError(f"Two parts of the study are called '{name}'; rename the plan's file.")
