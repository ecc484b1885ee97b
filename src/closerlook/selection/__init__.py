"""From a measured gap to the images worth training on."""

from __future__ import annotations

from closerlook.analysis import Gap
from closerlook.errors import CloserlookError, unknown
from closerlook.selection.controls import everything, random_control, worst
from closerlook.selection.greedy import MEASURES, Values, greedy, within_budget
from closerlook.selection.plan import Plan, Provenance

__all__ = ["METHODS", "Plan", "Provenance", "everything", "random_control", "select", "worst"]

METHODS = ("greedy",)


def select(
    gap: Gap,
    *,
    method: str = "greedy",
    on: str = "fit",
    rule: str = "mean",
    budget: int | None = None,
    seed: int = 0,
) -> Plan:
    """Choose the attribute levels worth training on.

    Args:
        method: ``greedy`` is the paper's: each attribute by itself, then the product.
        on: ``fit`` (unbiased distance of the means) or ``pair_loss`` (the paper's, which rewards uniform sets).
        rule: for greedy, ``mean``, ``top:NUMBER`` or ``below:VALUE``.
        budget: at most so many images.
        seed: of what is random; recorded in the plan.

    Raises:
        UsageError: an unknown method, measure or rule.
        CloserlookError: nothing can be chosen, or no choice meets the budget.
    """
    if method not in METHODS:
        raise unknown("method", method, METHODS)
    if on not in MEASURES:
        raise unknown("measure", on, MEASURES)
    values = greedy(gap, on=on, rule=rule)
    if budget is not None:
        values = within_budget(gap, values, budget, on=on)
    images = gap.count_images(values)
    if not images:
        raise CloserlookError("No image has the chosen levels of all attributes together; choose with another rule.")
    return Plan(
        values=values,
        images=images,
        share=images / gap.settings.source_images,
        provenance=_provenance(gap, values, method, on, rule, budget, seed),
    )


def _provenance(gap: Gap, values: Values, method: str, on: str, rule: str, budget: int | None, seed: int) -> Provenance:
    return Provenance(
        method=method,
        on=on,
        rule=rule,
        budget=budget,
        seed=seed,
        source=gap.settings.source,
        target=gap.settings.target,
        embedding=gap.settings.embedding,
        scaling=gap.settings.scaling,
        scores=gap.score(values),
        scores_of_all=gap.score({}),
    )
