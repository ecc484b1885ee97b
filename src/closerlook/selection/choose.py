"""``select``: the methods behind one function, each choice with its evidence."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import get_args

import numpy as np

from closerlook.arrays import Float
from closerlook.attributes import Level
from closerlook.choices import Criterion, Method
from closerlook.errors import CloserlookError, UsageError, unknown
from closerlook.gap import Gap
from closerlook.selection.evidence import Evidence, weigh_evidence
from closerlook.selection.exhaustive import count_subsets, exhaustive
from closerlook.selection.greedy import CRITERIA, Values, greedy, within_budget
from closerlook.selection.plan import Plan, Provenance, cell_weights
from closerlook.selection.rules import parse_rule
from closerlook.selection.weights import mixture

__all__ = ["METHODS", "select"]

METHODS: tuple[Method, ...] = get_args(Method)
# Pairs of halves on which a choice is repeated to see how stable it is: two seconds of them at the paper's design, six
# where there are very many subsets to try.
SPLITS = {"greedy": 20, "exhaustive": 20, "weights": 8}
FEW_SPLITS, MANY_SUBSETS = 2, 10**6

ALL_LEVELS = ("viewpoint",)

Caps = Mapping[str, Mapping[Level, float]]


def select(
    gap: Gap,
    *,
    method: Method = "greedy",
    criterion: Criterion = "mmd2",
    rule: str | None = None,
    all_levels: Collection[str] | None = None,
    budget: int | None = None,
    diversity: float = 0.0,
    min_effective_cells: float | None = None,
    caps: Caps | None = None,
    seed: int = 0,
) -> Plan:
    """Choose the subset of the source worth training on.

    Args:
        method: ``greedy``, the paper's: each attribute by itself, then the product. ``exhaustive``: the best of all
            product subsets with at least the greedy choice's images. ``weights``: the best distribution over all
            combinations of levels, a convex program.
        criterion: ``mmd2`` (unbiased distance of the means) or ``total_loss`` (the paper's; it rewards uniform sets).
        rule: of greedy: ``not-worse`` (the default on mmd2) drops only levels that are significantly above the mean of
            their attribute's levels, ``mean`` (the default on total_loss) all that are above it; ``top:NUMBER`` keeps
            the nearest, ``below:VALUE`` those below a line of one's own, as the paper does on total_loss.
            ``paper:market`` and ``paper:duke`` are the choices of the paper itself. The other methods take as many
            images as greedy.
        all_levels: attributes of which every level is taken, by default ``viewpoint`` where there is one: each side of
            a person brings poses and places of its own, which are worth more in training than a nearer mean. The paper
            takes all of none, and so do its own choices by default.
        budget: at most so many images; for ``weights`` exactly so many, by default as many as greedy takes.
        diversity: of exhaustive: the least tr Cov_s / tr Cov_t; 0 for any.
        min_effective_cells: of weights: the least effective number of combinations.
        caps: of weights: the largest share that a level may have, as ``{"weather": {"foggy": 0.1}}``.
        seed: of the held-out halves and of which images a weighted plan draws.

    Raises:
        UsageError: an unknown method, criterion, rule or attribute, a number that cannot be, or an option that the
            method does not have.
        CloserlookError: nothing can be chosen, or no choice meets the budget.

    Example:
        >>> plan = cl.select(gap, all_levels=["viewpoint"])
        >>> plan.values["viewpoint"]
        (0, 90)
        >>> len(data.subset(plan)) == plan.images
        True
    """
    if method not in METHODS:
        raise unknown("method", method, METHODS)
    if criterion not in CRITERIA:
        raise unknown("criterion", criterion, CRITERIA)
    by = ("not-worse" if criterion == "mmd2" else "mean") if rule is None else rule
    _check_options(
        method, criterion, budget=budget, diversity=diversity, min_effective_cells=min_effective_cells, caps=caps
    )
    chooser = _Chooser(
        method, criterion, by, _whole_factors(gap, all_levels, by), budget, diversity, min_effective_cells, caps or {}
    )
    choice = chooser.choose(gap)
    shares = choice.shares
    evidence = weigh_evidence(
        gap, shares, lambda half: chooser.choose(half).shares, splits=chooser.splits(gap), seed=seed
    )
    images = round(float(shares @ gap.images_per_cell))
    return Plan(
        values=choice.values,
        images=images,
        share=images / gap.settings.source_images,
        counts=_counts(gap, shares),
        weights=cell_weights(gap, shares) if method == "weights" else (),
        seed=seed,
        provenance=_provenance(gap, chooser, choice, evidence),
    )


def _whole_factors(gap: Gap, all_levels: Collection[str] | None, rule: str) -> frozenset[str]:
    names = [factor.name for factor in gap.factors]
    is_papers = parse_rule(rule).name == "paper"
    if all_levels is None:
        return frozenset() if is_papers else frozenset(ALL_LEVELS).intersection(names)
    if isinstance(all_levels, str):
        raise UsageError(f"all_levels is a list of attributes, as ['{all_levels}'], not the text '{all_levels}'.")
    for name in all_levels:
        if name not in names:
            raise unknown("attribute to take all levels of:", name, names)
    return frozenset(all_levels)


def _check_options(
    method: Method,
    criterion: Criterion,
    *,
    budget: int | None,
    diversity: float,
    min_effective_cells: float | None,
    caps: Caps | None,
) -> None:
    if budget is not None and budget < 1:
        raise UsageError(f"The budget must be at least one image, not {budget:,}.")
    if not 0 <= diversity < math.inf:
        raise UsageError(f"The floor on diversity must be 0 or more, not {diversity:g}.")
    if method == "weights" and criterion != "mmd2":
        raise UsageError("Method 'weights' minimizes mmd2; total_loss is linear: all weight would be on one cell.")
    if diversity and method != "exhaustive":
        raise UsageError(f"A floor on diversity belongs to method 'exhaustive', not to '{method}'.")
    if (min_effective_cells is not None or caps) and method != "weights":
        raise UsageError(f"min_effective_cells and caps belong to method 'weights', not to '{method}'.")


@dataclass(frozen=True)
class _Choice:
    """Levels, the share of each cell's images (cells,), and how far that is from the best possible."""

    values: Values
    shares: Float
    optimum: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class _Chooser:
    """What was asked for, as a function of a gap: it is asked again for its halves."""

    method: Method
    criterion: Criterion
    rule: str
    all_levels: frozenset[str]
    budget: int | None
    diversity: float
    min_effective_cells: float | None
    caps: Caps

    def splits(self, gap: Gap) -> int:
        """On how many pairs of halves the choice is worth repeating."""
        many = self.method == "exhaustive" and count_subsets(gap, self.all_levels) > MANY_SUBSETS
        return FEW_SPLITS if many else SPLITS[self.method]

    def choose(self, gap: Gap) -> _Choice:
        if self.method == "weights":
            return self._weights(gap)
        values = self._greedy(gap)
        if self.method == "greedy":
            return _Choice(values, gap.cells_of(values).astype(float))
        least = gap.count_images(values)
        best = exhaustive(
            gap,
            criterion=self.criterion,
            budget=self.budget,
            least=least,
            diversity=self.diversity,
            all_levels=self.all_levels,
        )[0]
        chosen = gap.cells_of(best.values).astype(float)
        return _Choice(best.values, chosen, self._optimum(gap, chosen, gap.cells_of(values).astype(float)))

    def _optimum(self, gap: Gap, best: Float, other: Float) -> dict[str, float]:
        """The best score; and greedy's, unless its choice was not among those searched, being less diverse."""
        scores, greedys = gap.score_cells(best), gap.score_cells(other)
        lowest, score, diversity = scores[self.criterion], greedys[self.criterion], greedys["diversity"]
        if lowest is None:
            return {}
        if score is None or (self.diversity > 0 and (diversity is None or diversity < self.diversity)):
            return {"best": lowest}
        return {"best": lowest, "greedy": score, "greedy_gap": score - lowest}

    def _weights(self, gap: Gap) -> _Choice:
        everything = {factor.name: factor.levels for factor in gap.factors}
        budget = gap.count_images(self._greedy(gap)) if self.budget is None else self.budget
        solution = mixture(
            gap, budget, min_effective_cells=self.min_effective_cells, caps=self.caps, all_levels=self.all_levels
        )
        shares = np.minimum(solution.weights * budget / np.maximum(gap.images_per_cell, 1), 1.0)
        optimum = {"distance": solution.distance, "bound": solution.bound, "effective_cells": solution.effective}
        return _Choice(everything, shares, optimum)

    def _greedy(self, gap: Gap) -> Values:
        values = greedy(gap, criterion=self.criterion, rule=self.rule, all_levels=self.all_levels)
        if self.budget is not None:
            values = within_budget(gap, values, self.budget, criterion=self.criterion, all_levels=self.all_levels)
        if not gap.cells_of(values).any():
            raise CloserlookError("No image has the chosen levels of all attributes together; choose by another rule.")
        return values


def _counts(gap: Gap, shares: Float) -> dict[str, dict[str, int]]:
    """Images of each level that is taken."""
    images = iter(gap.images_per_level(shares).round().astype(int).tolist())
    counts = {factor.name: {str(level): next(images) for level in factor.levels} for factor in gap.factors}
    return {
        name: {level: number for level, number in of_levels.items() if number} for name, of_levels in counts.items()
    }


def _provenance(gap: Gap, chooser: _Chooser, choice: _Choice, evidence: Evidence) -> Provenance:
    settings = gap.settings
    warning = evidence.warning
    return Provenance(
        **{**vars(chooser), "all_levels": _in_order(gap, chooser.all_levels), "caps": _named(chooser.caps)},
        source=settings.source,
        target=settings.target,
        embedding=settings.embedding,
        scaling=settings.scaling,
        scores=gap.score_cells(choice.shares),
        scores_of_all=gap.score({}),
        evidence=evidence.numbers(),
        stability=evidence.stability,
        optimum=choice.optimum,
        notes=(*settings.notes, *([warning] if warning else [])),
    )


def _in_order(gap: Gap, all_levels: frozenset[str]) -> tuple[str, ...]:
    return tuple(factor.name for factor in gap.factors if factor.name in all_levels)


def _named(caps: Caps) -> dict[str, float]:
    return {f"{name}={level}": share for name, shares in caps.items() for level, share in shares.items()}
