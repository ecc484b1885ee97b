"""``select``: the methods behind one function, each choice with its evidence."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from closerlook.analysis import Gap
from closerlook.attributes import Level
from closerlook.errors import CloserlookError, UsageError, unknown
from closerlook.selection.evidence import Evidence, weigh_evidence
from closerlook.selection.exhaustive import count_subsets, exhaustive
from closerlook.selection.greedy import MEASURES, Values, greedy, within_budget
from closerlook.selection.plan import Plan, Provenance, cell_weights
from closerlook.selection.weights import mixture

__all__ = ["METHODS", "select"]

METHODS = ("greedy", "exhaustive", "weights")
# Pairs of halves on which a choice is repeated to see how stable it is: two seconds of them at the paper's design, six
# where there are very many subsets to try.
SPLITS = {"greedy": 20, "exhaustive": 20, "weights": 8}
FEW_SPLITS, MANY_SUBSETS = 2, 10**6

KEPT = ("viewpoint",)

Caps = Mapping[str, Mapping[Level, float]]
Float = NDArray[np.float64]


def select(
    gap: Gap,
    *,
    method: str = "greedy",
    on: str = "fit",
    rule: str | None = None,
    keep: Sequence[str] | None = None,
    budget: int | None = None,
    diversity: float = 0.0,
    variety: float | None = None,
    caps: Caps | None = None,
    seed: int = 0,
) -> Plan:
    """Choose the part of the source worth training on.

    Args:
        method: ``greedy``, the paper's: each attribute by itself, then the product. ``exhaustive``: the best of all
            product subsets with at least the greedy choice's images. ``weights``: the best distribution over all
            combinations of levels, a convex programme.
        on: ``fit`` (unbiased distance of the means) or ``pair_loss`` (the paper's, which rewards uniform sets).
        rule: of greedy: ``sure`` (the default on fit) drops only levels that are above their attribute's mean beyond
            doubt, ``mean`` (the paper's) all that are above it; ``top:NUMBER``, ``below:VALUE``, ``paper:market``,
            ``paper:duke``.
        keep: attributes of which every level is taken, by default ``viewpoint`` where there is one: each side of a
            person brings poses and places of its own, which are worth more in training than a nearer mean. The paper's
            greedy, exactly, is ``rule="mean", keep=[]``.
        budget: at most so many images; for ``weights`` exactly so many, by default as many as greedy takes.
        diversity: of exhaustive: the least tr Cov_s / tr Cov_t.
        variety: of weights: the least effective number of combinations.
        caps: of weights: the largest share that a level may have, as ``{"weather": {"foggy": 0.1}}``.
        seed: of the held-out halves and of which images a weighted plan draws.

    Raises:
        UsageError: an unknown method, measure or rule, or an option that the method does not have.
        CloserlookError: nothing can be chosen, or no choice meets the budget.
    """
    if method not in METHODS:
        raise unknown("method", method, METHODS)
    if on not in MEASURES:
        raise unknown("measure", on, MEASURES)
    rule = rule or ("sure" if on == "fit" else "mean")
    _check_options(method, on, diversity=diversity, variety=variety, caps=caps)
    chooser = _Chooser(method, on, rule, _kept(gap, keep, rule), budget, diversity, variety, caps or {})
    choice = chooser.choose(gap)
    shares = choice.shares
    evidence = weigh_evidence(
        gap, shares, lambda half: chooser.choose(half).shares, splits=chooser.splits(gap), seed=seed
    )
    images = round(float(shares @ gap.measurement.cell_images))
    return Plan(
        values=choice.values,
        images=images,
        share=images / gap.settings.source_images,
        counts=_counts(gap, shares),
        weights=cell_weights(gap, shares) if method == "weights" else (),
        seed=seed,
        provenance=_provenance(gap, chooser, choice, evidence),
    )


def _kept(gap: Gap, keep: Sequence[str] | None, rule: str) -> tuple[str, ...]:
    names = [factor.name for factor in gap.factors]
    if keep is None:
        return tuple(name for name in KEPT if name in names and not rule.startswith("paper:"))
    for name in keep:
        if name not in names:
            raise unknown("attribute to keep", name, names)
    return tuple(keep)


def _check_options(method: str, on: str, *, diversity: float, variety: float | None, caps: Caps | None) -> None:
    if method == "weights" and on != "fit":
        raise UsageError("Method 'weights' minimises fit; pair_loss is linear, so it would put all weight on one cell.")
    if diversity and method != "exhaustive":
        raise UsageError(f"A floor on diversity belongs to method 'exhaustive', not to '{method}'.")
    if (variety is not None or caps) and method != "weights":
        raise UsageError(f"Variety and caps belong to method 'weights', not to '{method}'.")


@dataclass(frozen=True)
class _Choice:
    """Levels, the share of each cell's images (cells,), and how far that is from the best possible."""

    values: Values
    shares: Float
    optimum: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class _Chooser:
    """What was asked for, as a function of a gap: it is asked again for its halves."""

    method: str
    on: str
    rule: str
    keep: tuple[str, ...]
    budget: int | None
    diversity: float
    variety: float | None
    caps: Caps

    def splits(self, gap: Gap) -> int:
        """On how many pairs of halves the choice is worth repeating."""
        many = self.method == "exhaustive" and count_subsets(gap, self.keep) > MANY_SUBSETS
        return FEW_SPLITS if many else SPLITS[self.method]

    def choose(self, gap: Gap) -> _Choice:
        if self.method == "weights":
            return self._weights(gap)
        values = self._greedy(gap)
        if self.method == "greedy":
            return _Choice(values, gap.cells_of(values).astype(float))
        least = gap.count_images(values)
        best = exhaustive(gap, on=self.on, budget=self.budget, least=least, diversity=self.diversity, keep=self.keep)[0]
        score = gap.score(values)[self.on]
        optimum = {} if score is None else {"best": best.score, "greedy": score, "greedy_gap": score - best.score}
        return _Choice(best.values, gap.cells_of(best.values).astype(float), optimum)

    def _weights(self, gap: Gap) -> _Choice:
        everything = {factor.name: factor.levels for factor in gap.factors}
        budget = self.budget or gap.count_images(self._greedy(gap))
        found = mixture(gap, budget, variety=self.variety, caps=self.caps, keep=self.keep)
        shares = np.minimum(found.weights * budget / np.maximum(gap.measurement.cell_images, 1), 1.0)
        optimum = {"distance": found.distance, "bound": found.bound, "effective_cells": found.effective}
        return _Choice(everything, shares, optimum)

    def _greedy(self, gap: Gap) -> Values:
        values = greedy(gap, on=self.on, rule=self.rule, keep=self.keep)
        if self.budget is not None:
            values = within_budget(gap, values, self.budget, on=self.on, keep=self.keep)
        if not gap.cells_of(values).any():
            raise CloserlookError("No image has the chosen levels of all attributes together; choose by another rule.")
        return values


def _counts(gap: Gap, shares: Float) -> dict[str, dict[str, int]]:
    """Images of each level that is taken."""
    images = iter((gap.measurement.members @ (shares * gap.measurement.cell_images)).round().astype(int).tolist())
    counts = {factor.name: {str(level): next(images) for level in factor.levels} for factor in gap.factors}
    return {name: {level: number for level, number in own.items() if number} for name, own in counts.items()}


def _provenance(gap: Gap, chooser: _Chooser, choice: _Choice, evidence: Evidence) -> Provenance:
    settings = gap.settings
    warning = evidence.warning
    return Provenance(
        **{**vars(chooser), "caps": _named(chooser.caps)},
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


def _named(caps: Caps) -> dict[str, float]:
    return {f"{name}={level}": share for name, shares in caps.items() for level, share in shares.items()}
