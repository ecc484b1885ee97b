"""A study on the user's own data: plans and the paper's rows against equal-size random controls."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from closerlook.compute.progress import step
from closerlook.dataset import Dataset
from closerlook.dataset.dataset import SAMPLING_WEIGHT
from closerlook.errors import UsageError
from closerlook.gap import Gap
from closerlook.reid import Recipe, default_recipe
from closerlook.selection import Plan, worst
from closerlook.storage.files import alone_in
from closerlook.storage.paths import path_within
from closerlook.study.arms import RUNS, Arm, Run, fixed_arm, run_arms, run_imagenet_only
from closerlook.study.config import StudyConfig
from closerlook.study.importance import importance_of_study, save_importance
from closerlook.study.tables import Row, row_plan, table_rows

__all__ = ["EVERYTHING", "plan_arms", "run_study", "study_arms"]

EVERYTHING = "all"  # the arm of all images


def run_study(
    source: Dataset,
    target: Dataset,
    *,
    out: Path,
    plans: Mapping[str, Plan] | None = None,
    table: str | None = None,
    gap: Path | None = None,
    recipe: str | Recipe | None = None,
    overrides: Mapping[str, Any] | None = None,
    seeds: int = 3,
    first_seed: int = 0,
) -> list[Run]:
    """Train and evaluate all of ``source``, each plan and each row of a table, with what they must be compared with.

    Args:
        source: labeled synthetic images.
        target: real data with a query and a gallery split.
        out: folder for the runs, ``results.json`` and ``study.json``; a stopped study resumes.
        plans: what :func:`closerlook.select` chose, by name.
        table: ``market`` for the rows of the paper's Table 1, ``duke`` for Table 2, ``own`` for such rows with the
            levels whose mmd2 in ``gap`` is at or below their attribute's mean.
        gap: folder of an analysis of ``source``, to be shown beside the runs. Where there is one, each plan is compared
            with the worst subset of as many levels too. Where the runs are of four or more different subsets of the
            data, how much each attribute matters to them is set beside how much it matters to the losses.
        recipe, overrides: as :func:`closerlook.train` takes them; the same for every run.
        seeds: runs of every arm, with the seeds ``first_seed``, ``first_seed + 1``, ...

    Returns:
        One :class:`Run` per arm and seed, ``imagenet-only`` first.

    Raises:
        CloserlookError: a plan's name leads out of ``out``.
        UsageError: two arms have one name, a subset has too few people for the recipe, or the table is unknown.

    Example:
        >>> from closerlook.study import run_study
        >>> runs = run_study(data, target, plans={"selected": plan}, out=Path("study"))  # doctest: +SKIP
    """
    plans = dict(plans or {})
    resolved = Recipe.resolve(default_recipe() if recipe is None else recipe, overrides)
    source = source.train.people
    analysis = None if gap is None else Gap.load(gap)
    rows = table_rows(table, analysis) if table else []
    arms = study_arms(source, plans, rows, analysis)
    _check(arms, resolved, first_seed)
    plan_files = {name: path_within(out, f"{name}.yaml") for name in plans}
    for arm in arms:
        path_within(out / RUNS, arm.name)
    config = StudyConfig(
        title=f"{source.name} for {target.name}",
        source=str(source.root.resolve()),
        target=str(target.root.resolve()),
        seed=first_seed,
        recipe=resolved.name,
        seeds=seeds,
        gap=None if gap is None else str(gap.resolve()),
        plans={name: f"{name}.yaml" for name in plans},
        paper={row.name: row.paper for row in rows if row.paper is not None},
    )
    with alone_in(out, "studying in"):
        run_imagenet_only(resolved, target, out)  # so that a target that cannot do is told before anything is written
        config.save(out)
        for name, plan in plans.items():
            plan.save(plan_files[name])
        runs = run_arms(arms, target, recipe=resolved, seeds=range(first_seed, first_seed + seeds), out=out)
        with step("Importance of the attributes to the runs"):
            save_importance(importance_of_study(arms, runs, source.factors, analysis, first_seed), out)
    return runs


def study_arms(source: Dataset, plans: Mapping[str, Plan], rows: Sequence[Row], gap: Gap | None) -> list[Arm]:
    """All images; each plan, a random subset of its size and, by ``gap``, its worst; each row, and a random subset
    where it narrows attributes."""
    arms = [fixed_arm(EVERYTHING, source)]
    for name, plan in plans.items():
        arms += plan_arms(name, plan, source)
        if gap is not None:
            arms += _worst_arm(name, plan, source, gap)
    for row in rows:
        plan = row_plan(row, source)
        if row.levels:
            arms += plan_arms(row.name, plan, source)
        elif plan.identities:
            arms.append(fixed_arm(row.name, source.subset(plan)))
    return arms


def plan_arms(name: str, plan: Plan, source: Dataset, control: str | None = None) -> list[Arm]:
    """A plan and its control: random images of ``source``, as many and of as many people and scenes, drawn anew for
    each seed. Where a plan only weighs all images, these, drawn evenly."""
    chosen = source.subset(plan)
    if SAMPLING_WEIGHT in chosen.table.columns and len(chosen) == len(source):
        return [fixed_arm(name, chosen, control=EVERYTHING)]
    control = control or f"{name}-random"
    return [
        fixed_arm(name, chosen, control=control),
        Arm(control, lambda seed: source.subset(plan.random_control(seed))),
    ]


def _worst_arm(name: str, plan: Plan, source: Dataset, gap: Gap) -> list[Arm]:
    """The subset farthest from the target, beside the plan's random one; none where the plan takes all levels, or only
    weighs them."""
    if plan.weighted == "batches":
        return []
    farthest = worst(gap, plan)
    if not plan.weights and farthest.values == {f.name: f.levels for f in gap.factors}:
        return []
    return [fixed_arm(f"{name}-worst", source.subset(farthest), control=f"{name}-random")]


def _check(arms: Sequence[Arm], recipe: Recipe, seed: int) -> None:
    """See that every arm can be told apart and trained, before the first is."""
    names = [arm.name for arm in arms]
    for arm in arms:
        if names.count(arm.name) > 1:
            raise UsageError(f"Two subsets of the study are called '{arm.name}'; rename the plan's file.")
        identities = arm.subset(seed).counts()["identities"]
        if recipe.sampling == "pk" and identities < recipe.identities_per_batch:
            raise UsageError(
                f"Subset '{arm.name}' has {identities} people; recipe '{recipe.name}' draws "
                f"{recipe.identities_per_batch} for each batch. Use more people, or "
                f"--set identities_per_batch={identities}."
            )
