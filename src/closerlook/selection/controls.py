"""What a selection must be compared with: random parts of equal size, the worst part, and everything."""

from __future__ import annotations

import numpy as np
import polars as pl

from closerlook.attributes import Level
from closerlook.choices import Criterion
from closerlook.gap import Gap
from closerlook.selection.plan import Plan, cell_weights

__all__ = ["controls", "everything", "worst"]


def controls(gap: Gap, plan: Plan, *, seeds: int, criterion: Criterion = "fit") -> dict[str, Plan]:
    """A plan's controls, ready to train: ``random-0`` ... of as many images and people, ``worst``, ``all``.

    Example:
        >>> from closerlook.selection import controls
        >>> list(controls(gap, plan, seeds=2))
        ['random-0', 'random-1', 'worst', 'all']
    """
    randoms = {f"random-{seed}": plan.random_control(seed) for seed in range(seeds)}
    return {**randoms, "worst": worst(gap, plan, criterion=criterion), "all": everything(gap)}


def worst(gap: Gap, plan: Plan, *, criterion: Criterion = "fit") -> Plan:
    """The product subset of the levels highest by ``criterion``, as many in each factor as ``plan`` has, of its people.

    Of a weighted plan: as many images of the combinations that are farthest by themselves.

    Example:
        >>> from closerlook.selection import worst
        >>> {name: len(levels) for name, levels in worst(gap, plan).values.items()}["viewpoint"]
        2
    """
    if plan.weights:
        return _worst_cells(gap, plan)
    values: dict[str, tuple[Level, ...]] = {}
    for factor in gap.factors:
        column = gap.estimates.filter(pl.col("factor") == factor.name)[criterion]
        order = np.argsort(-column.cast(pl.Float64).fill_null(-np.inf).to_numpy(), kind="stable")
        kept = set(order[: len(plan.values.get(factor.name, factor.levels))].tolist())
        values[factor.name] = tuple(level for number, level in enumerate(factor.levels) if number in kept)
    images = gap.count_images(values)
    share = images / gap.settings.source_images
    return Plan(values=values, images=images, share=share, identities=plan.identities)


def _worst_cells(gap: Gap, plan: Plan) -> Plan:
    measurement = gap.measurement
    distance = np.einsum("b,bcc->c", gap.weights.total, measurement.cell_fits)
    order = np.argsort(-distance, kind="stable")
    before = np.cumsum(measurement.cell_images[order]) - measurement.cell_images[order]
    taken = np.clip(plan.images - before, 0, measurement.cell_images[order])
    shares = np.zeros(len(order))
    shares[order] = taken / np.maximum(measurement.cell_images[order], 1)
    return plan.model_copy(update={"weights": cell_weights(gap, shares), "counts": {}, "provenance": None})


def everything(gap: Gap) -> Plan:
    """All levels: the plan that trains on everything.

    Example:
        >>> from closerlook.selection import everything
        >>> everything(gap).images == len(data)
        True
    """
    values = {factor.name: factor.levels for factor in gap.factors}
    images = gap.count_images(values)
    return Plan(values=values, images=images, share=images / gap.settings.source_images)
