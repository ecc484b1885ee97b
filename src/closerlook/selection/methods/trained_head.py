"""The levels that a trained head does best without: the nearest thing to training runs that takes seconds.

A linear head on frozen features learns to tell the source's people apart and is scored on other rendered people, whose
levels are mixed as the target's seem to be (:mod:`closerlook.selection.features`). From all levels on, the one whose
removal raises that score most is dropped, until none does.
"""

from __future__ import annotations

from closerlook.embedding import open_embedding
from closerlook.errors import CloserlookError, UsageError
from closerlook.gap import Gap
from closerlook.selection.features import SubsetFeatures, sample_source, sample_target
from closerlook.selection.methods.asked import Asked, Choice, Values, all_values
from closerlook.selection.methods.mixture import mixture_weights

__all__ = ["choose"]

EMBEDDING = "lite0-pooled"


def choose(gap: Gap, asked: Asked) -> Choice:
    """The product subset that backward elimination by the head's score ends with.

    Raises:
        UsageError: the source or the target was not given, or there are fewer than eight people.
        CloserlookError: no subset is within the budget.
    """
    if asked.source is None or asked.target is None:
        raise UsageError("Method 'trained-head' looks at images: give it the source and the target.")
    source = asked.source.people
    embedder = open_embedding(EMBEDDING, gap.settings.size)
    sample = sample_source(source, gap.factors, embedder, asked.seed)
    shares = mixture_weights(gap)
    seen = sample_target(asked.target, sample, [shares[f.name] for f in gap.factors], embedder, asked.seed)

    def score(values: Values) -> float:
        return SubsetFeatures(sample, sample.rows(gap.factors, values)).trained_head(seen)

    best, reached = all_values(gap), score(all_values(gap))
    start = reached
    while smaller := _without_one(best, asked.all_levels):
        scores = [score(values) for values in smaller]
        top = max(range(len(scores)), key=scores.__getitem__)
        too_many = asked.budget is not None and gap.count_images(best) > asked.budget
        if scores[top] <= reached and not too_many:
            break
        best, reached = smaller[top], scores[top]
    if asked.budget is not None and gap.count_images(best) > asked.budget:
        raise CloserlookError(
            f"The smallest choice has {gap.count_images(best):,} images, more than the budget of {asked.budget:,}."
        )
    return Choice(best, gap.cells_of(best).astype(float), optimum={"head": reached, "head_of_all": start})


def _without_one(values: Values, all_levels: frozenset[str]) -> list[Values]:
    """Every set of levels with one less, of an attribute that may lose one."""
    return [
        {**values, name: tuple(other for other in levels if other != level)}
        for name, levels in values.items()
        if len(levels) > 1 and name not in all_levels
        for level in levels
    ]
