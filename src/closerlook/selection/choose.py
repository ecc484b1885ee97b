"""``select``: the methods behind one function, each choice with its evidence."""

from __future__ import annotations

from dataclasses import asdict, dataclass

import numpy as np
from numpy.typing import NDArray

from closerlook.analysis import Gap
from closerlook.errors import CloserlookError, UsageError, unknown
from closerlook.selection.evidence import Evidence, weigh_evidence
from closerlook.selection.exhaustive import exhaustive
from closerlook.selection.greedy import MEASURES, Values, greedy, within_budget
from closerlook.selection.plan import CellWeight, Plan, Provenance
from closerlook.selection.weights import mixture

__all__ = ["METHODS", "select"]

METHODS = ("greedy", "exhaustive", "weights")
SPLITS = {"greedy": 2, "exhaustive": 1, "weights": 2}  # how often a choice is repeated on halves, by what it costs

Float = NDArray[np.float64]


def select(
    gap: Gap,
    *,
    method: str = "greedy",
    on: str = "fit",
    rule: str = "mean",
    budget: int | None = None,
    diversity: float = 0.0,
    variety: float | None = None,
    seed: int = 0,
) -> Plan:
    """Choose the part of the source worth training on.

    Args:
        method: ``greedy``, the paper's: each attribute by itself, then the product. ``exhaustive``: the best of all
            product subsets with at least the greedy choice's images. ``weights``: the best distribution over all
            combinations of levels, a convex programme.
        on: ``fit`` (unbiased distance of the means) or ``pair_loss`` (the paper's, which rewards uniform sets).
        rule: of greedy: ``mean`` (the paper's), ``sure``, ``top:NUMBER`` or ``below:VALUE``.
        budget: at most so many images; for ``weights`` exactly so many, by default as many as greedy takes.
        diversity: of exhaustive: the least tr Cov_s / tr Cov_t.
        variety: of weights: the least effective number of combinations.
        seed: of the held-out halves and of which images a weighted plan draws.

    Raises:
        UsageError: an unknown method, measure or rule.
        CloserlookError: nothing can be chosen, or no choice meets the budget.
    """
    if method not in METHODS:
        raise unknown("method", method, METHODS)
    if on not in MEASURES:
        raise unknown("measure", on, MEASURES)
    if method == "weights" and on != "fit":
        raise UsageError("Method 'weights' minimises fit; pair_loss is linear, so it would put all weight on one cell.")
    chooser = _Chooser(method, on, rule, budget, diversity, variety)
    values, shares = chooser.choose(gap)
    evidence = weigh_evidence(gap, shares, lambda half: chooser.choose(half)[1], splits=SPLITS[method], seed=seed)
    images = round(float(shares @ gap.measurement.cell_images))
    return Plan(
        values=values,
        images=images,
        share=images / gap.settings.source_images,
        weights=_cell_weights(gap, shares) if method == "weights" else (),
        seed=seed,
        provenance=_provenance(gap, chooser, shares, evidence),
    )


@dataclass(frozen=True)
class _Chooser:
    """What was asked for, as a function of a gap: it is asked again for its halves."""

    method: str
    on: str
    rule: str
    budget: int | None
    diversity: float
    variety: float | None

    def choose(self, gap: Gap) -> tuple[Values, Float]:
        """The levels, and the share of each cell's images, (cells,)."""
        if self.method == "weights":
            everything = {factor.name: factor.levels for factor in gap.factors}
            budget = self.budget or self._greedy_images(gap)
            solution = mixture(gap, budget, variety=self.variety)
            return everything, np.minimum(solution.weights * budget / gap.measurement.cell_images, 1.0)
        values = self._greedy(gap)
        if self.method == "exhaustive":
            least = gap.count_images(values)
            values = exhaustive(gap, on=self.on, budget=self.budget, least=least, diversity=self.diversity)[0].values
        return values, gap.cells_of(values).astype(float)

    def _greedy(self, gap: Gap) -> Values:
        values = greedy(gap, on=self.on, rule=self.rule)
        if self.budget is not None:
            values = within_budget(gap, values, self.budget, on=self.on)
        if not gap.cells_of(values).any():
            raise CloserlookError("No image has the chosen levels of all attributes together; choose by another rule.")
        return values

    def _greedy_images(self, gap: Gap) -> int:
        return gap.count_images(self._greedy(gap))


def _cell_weights(gap: Gap, shares: Float) -> tuple[CellWeight, ...]:
    images = shares * gap.measurement.cell_images
    weights = images / images.sum()
    return tuple(
        CellWeight(
            levels={f.name: f.levels[number] for f, number in zip(gap.factors, cell, strict=True)}, weight=float(weight)
        )
        for cell, weight in zip(gap.measurement.cell_levels, weights, strict=True)
        if weight > 0
    )


def _provenance(gap: Gap, chooser: _Chooser, shares: Float, evidence: Evidence) -> Provenance:
    settings = gap.settings
    warning = evidence.warning
    return Provenance(
        **asdict(chooser),
        source=settings.source,
        target=settings.target,
        embedding=settings.embedding,
        scaling=settings.scaling,
        scores=gap.score_cells(shares),
        scores_of_all=gap.score({}),
        evidence={name: value for name, value in asdict(evidence).items() if value is None or np.isfinite(value)},
        notes=(*settings.notes, *([warning] if warning else [])),
    )
