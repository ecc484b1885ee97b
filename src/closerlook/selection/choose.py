"""``select``: the methods behind one function, each choice with its evidence."""

from __future__ import annotations

import math
from collections.abc import Collection
from typing import get_args

from closerlook.arrays import Float
from closerlook.choices import Criterion, Method
from closerlook.dataset import Dataset
from closerlook.errors import UsageError, unknown
from closerlook.gap import Gap
from closerlook.selection.evidence import Evidence, weigh_evidence
from closerlook.selection.methods import CHOOSERS, NEEDS_IMAGES
from closerlook.selection.methods.asked import Asked, Caps, Choice
from closerlook.selection.methods.exhaustive import count_subsets
from closerlook.selection.methods.greedy import CRITERIA
from closerlook.selection.plan import Plan, Provenance, cell_weights
from closerlook.selection.rules import parse_rule

__all__ = ["METHODS", "select"]

METHODS: tuple[Method, ...] = get_args(Method)
# Pairs of halves on which a choice is repeated to see how stable it is: two seconds of them at the paper's design, six
# where there are very many subsets to try. A method that looks at images is not repeated.
SPLITS = {"greedy": 10, "exhaustive": 10, "diverse": 10, "quadratic": 6, "mixture": 6}
FEW_SPLITS, MANY_SUBSETS = 2, 10**6
OWN_OPTIONS: dict[str, tuple[Method, ...]] = {
    "diversity": ("exhaustive",),
    "min_effective_cells": ("quadratic",),
    "caps": ("quadratic",),
}

ALL_LEVELS = ("viewpoint",)


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
    source: Dataset | None = None,
    target: Dataset | None = None,
    seed: int = 0,
) -> Plan:
    """Choose the subset of the source worth training on, or how often each image is worth drawing.

    Args:
        method: a part of the images: ``greedy``, the paper's: each attribute by itself, then the product;
            ``exhaustive``, the best of all product subsets with at least the greedy choice's images; ``diverse``, the
            most diverse of those; ``nearest``, the images of lowest loss; ``trained-head``, the levels that a linear
            head on frozen features does best with, scored on rendered people. All images, drawn by weight in training
            (with a ``budget``, so many images in such shares): ``mixture``, in the proportions that the target seems to
            show; ``quadratic``, the distribution over combinations whose mean is nearest, a convex program;
            ``density-ratio``, each image by how likely the target is to show it.
        criterion: ``mmd2`` (unbiased distance of the means) or ``total_loss`` (the paper's; it rewards uniform sets).
        rule: of greedy: ``not-worse`` (the default on mmd2) drops only levels that are significantly above the mean of
            their attribute's levels, ``mean`` (the default on total_loss) all that are above it; ``top:NUMBER`` keeps
            the nearest, ``below:VALUE`` those below a line of one's own, as the paper does on total_loss.
            ``paper:market`` and ``paper:duke`` are the choices of the paper itself. ``exhaustive``, ``diverse`` and
            ``nearest`` take their number of images from it.
        all_levels: attributes of which every level is taken as often as it is there, by default ``viewpoint`` where
            there is one: each side of a person brings poses and places of its own, which are worth more in training
            than a nearer mean. The paper takes all of none, and so do its own choices by default.
        budget: at most so many images; where images have weights exactly so many.
        diversity: of exhaustive: the least tr Cov_s / tr Cov_t; 0 for any.
        min_effective_cells: of quadratic: the least effective number of combinations.
        caps: of quadratic: the largest share that a level may have, as ``{"weather": {"foggy": 0.1}}``.
        source, target: the analyzed source and the unlabeled target; needed by ``density-ratio`` and ``trained-head``.
        seed: of the held-out halves and of which images a weighted plan draws.

    Raises:
        UsageError: an unknown method, criterion, rule or attribute, a number that cannot be, an option that the
            method does not have, or images that it needs and was not given.
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
    whole = _whole_factors(gap, all_levels, by)
    asked = Asked(
        method, criterion, by, whole, budget, diversity, min_effective_cells, caps or {}, seed, source, target
    )
    _check(gap, asked)
    choice = CHOOSERS[method](gap, asked)
    evidence = _evidence(gap, asked, choice)
    images = _count_images(gap, choice)
    return Plan(
        values=choice.values,
        images=images,
        share=images / gap.settings.source_images,
        counts=choice.counts if choice.shares is None else _counts(gap, _taken(choice, choice.shares)),
        weights=cell_weights(gap, choice.shares) if choice.shares is not None and choice.weighted else (),
        weighted=choice.weighted or "images",
        files=choice.files,
        file_weights=choice.file_weights,
        seed=seed,
        provenance=_provenance(gap, asked, choice, evidence),
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


def _check(gap: Gap, asked: Asked) -> None:
    method, budget = asked.method, asked.budget
    if budget is not None and budget < 1:
        raise UsageError(f"The budget must be at least one image, not {budget:,}.")
    if not 0 <= asked.diversity < math.inf:
        raise UsageError(f"The floor on diversity must be 0 or more, not {asked.diversity:g}.")
    if method in ("quadratic", "mixture") and asked.criterion != "mmd2":
        raise UsageError(
            f"Method '{method}' goes by means, as mmd2 does; by total_loss all weight would be on one combination."
        )
    if method == "mixture" and budget is not None and budget > gap.images_per_cell.sum():
        raise UsageError(f"The budget must be between 1 and {gap.images_per_cell.sum():,} images, not {budget:,}.")
    given = {
        "diversity": asked.diversity > 0,
        "min_effective_cells": asked.min_effective_cells is not None,
        "caps": bool(asked.caps),
    }
    for name, owners in OWN_OPTIONS.items():
        if given[name] and method not in owners:
            raise UsageError(f"{name} belongs to method '{owners[0]}', not to '{method}'.")
    for name, data in (("source", asked.source), ("target", asked.target)):
        if data is None and method in NEEDS_IMAGES:
            raise UsageError(f"Method '{method}' looks at images: give it the {name} that was analyzed.")


def _evidence(gap: Gap, asked: Asked, choice: Choice) -> Evidence | None:
    """None of a choice of single images, whose mean a gap does not hold."""
    if choice.shares is None:
        return None
    splits = SPLITS.get(asked.method, 0)
    if asked.method in ("exhaustive", "diverse") and count_subsets(gap, asked.all_levels) > MANY_SUBSETS:
        splits = FEW_SPLITS

    def again(half: Gap) -> Float:
        shares = CHOOSERS[asked.method](half, asked).shares
        assert shares is not None
        return shares

    return weigh_evidence(gap, choice.shares, again, splits=splits, seed=asked.seed)


def _taken(choice: Choice, shares: Float) -> Float:
    """(cells,) the share of each cell's images that the plan keeps."""
    return (shares > 0).astype(float) if choice.weighted == "batches" else shares


def _count_images(gap: Gap, choice: Choice) -> int:
    if choice.shares is None:
        return len(choice.files)
    return round(float(_taken(choice, choice.shares) @ gap.images_per_cell))


def _counts(gap: Gap, shares: Float) -> dict[str, dict[str, int]]:
    """Images of each level that is taken."""
    images = iter(gap.images_per_level(shares).round().astype(int).tolist())
    counts = {factor.name: {str(level): next(images) for level in factor.levels} for factor in gap.factors}
    return {
        name: {level: number for level, number in of_levels.items() if number} for name, of_levels in counts.items()
    }


def _provenance(gap: Gap, asked: Asked, choice: Choice, evidence: Evidence | None) -> Provenance:
    settings = gap.settings
    if evidence is None:
        note: str | None = "Single images were chosen, of whose mean the gap says nothing: only training runs can."
    else:
        note = evidence.warning
    return Provenance(
        method=asked.method,
        criterion=asked.criterion,
        rule=asked.rule,
        all_levels=_in_order(gap, asked.all_levels),
        budget=asked.budget,
        diversity=asked.diversity,
        min_effective_cells=asked.min_effective_cells,
        caps=_named(asked.caps),
        source=settings.source,
        target=settings.target,
        embedding=settings.embedding,
        scaling=settings.scaling,
        scores={} if choice.shares is None else gap.score_cells(choice.shares),
        scores_of_all=gap.score({}),
        evidence={} if evidence is None else evidence.numbers(),
        stability={} if evidence is None else evidence.stability,
        optimum=choice.optimum,
        notes=(*settings.notes, *([note] if note else [])),
    )


def _in_order(gap: Gap, all_levels: frozenset[str]) -> tuple[str, ...]:
    return tuple(factor.name for factor in gap.factors if factor.name in all_levels)


def _named(caps: Caps) -> dict[str, float]:
    return {f"{name}={level}": share for name, shares in caps.items() for level, share in shares.items()}
