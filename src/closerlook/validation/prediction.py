"""What a plan may gain in mAP, by what training runs said of the gap to its target."""

from __future__ import annotations

from scipy import stats

from closerlook.errors import CloserlookError, unknown
from closerlook.selection import Plan
from closerlook.selection.plan import PredictedGain
from closerlook.validation.config import EMBEDDING, SCALING
from closerlook.validation.validation import Validation

__all__ = ["predict_gain"]

WIDTH = 2 * float(stats.norm.ppf(0.975))  # of a 95 % interval, in standard errors


def predict_gain(plan: Plan, validation: Validation) -> Plan:
    """The plan with the gain over as many random images that an experiment lets expect.

    The experiment's runs say how mAP falls with the gap to the plan's target, diversity and brightness being equal.
    That slope times how much nearer the plan is than a random subset is the prediction; its interval counts the errors
    of both. It holds for the experiment's recipe and steps, and for subsets as it tried them: levels of its factors.

    Raises:
        UsageError: the experiment was not about the plan's target.
        CloserlookError: the plan's gap was measured in another unit, or it does not say how much nearer it is.

    Example:
        >>> from closerlook.validation import predict_gain
        >>> predict_gain(plan, validation).predicted_gain.mean  # doctest: +SKIP
        0.006
    """
    provenance = plan.provenance
    if provenance is None or not provenance.evidence:
        raise CloserlookError(
            "The plan does not say how much nearer it is than a random subset, so its gain cannot be predicted; use "
            "one that select has made of combinations of levels."
        )
    nearer, low, high = (provenance.evidence.get(name) for name in ("gain", "gain_low", "gain_high"))
    if nearer is None or low is None or high is None:
        raise CloserlookError("There were too few people or target images for an interval of the plan's nearness.")
    for name, had in (("embedding", EMBEDDING), ("scaling", SCALING)):
        asked = getattr(provenance, name)
        if asked != had:
            raise CloserlookError(
                f"The plan's gap has {name} '{asked}' and the experiment's '{had}': they are in other units. Analyze "
                f"with {name} '{had}'."
            )
    wanted = provenance.target.partition("/")[0]
    by_name = {own.target: own for own in validation.outcome.targets}
    if wanted not in by_name:
        raise unknown("target of the experiment", wanted, by_name)
    slope = by_name[wanted].slope
    of_slope, of_gap = (slope.high - slope.low) / WIDTH, (high - low) / WIDTH
    error = ((slope.value * of_gap) ** 2 + (nearer * of_slope) ** 2 + (of_gap * of_slope) ** 2) ** 0.5
    mean, half = -slope.value * nearer, error * WIDTH / 2
    config = validation.config
    basis = f"{config.subsets} subsets by {config.recipe}, {config.steps:,} steps"
    predicted = PredictedGain(mean=mean, low=mean - half, high=mean + half, basis=basis)
    return plan.model_copy(update={"predicted_gain": predicted})
