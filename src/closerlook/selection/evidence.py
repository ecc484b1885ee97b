"""Whether a choice is better than chance: its gain over random parts of equal size, with its interval, and held out.

The unbiased fit of a random part of any size is on average the fit of all data, so the gain is fit(all) - fit(plan).
Chosen and scored on the same images it flatters; so the choice is also made on half of the people and of the target and
scored on the other halves.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from closerlook.analysis import Gap
from closerlook.analysis.intervals import bootstrap_fit, interval
from closerlook.analysis.parts import halves
from closerlook.errors import CloserlookError
from closerlook.randomness import keyed_rng

__all__ = ["Evidence", "weigh_evidence"]

Shares = np.ndarray[tuple[int], np.dtype[np.float64]]  # (cells,) what part of each cell's images a choice takes


@dataclass(frozen=True)
class Evidence:
    """How sure a choice is.

    Attributes:
        gain: fit(all) - fit(chosen); positive is better than random.
        gain_low, gain_high: its 95 % interval by bootstrap over people and target; None with too few of either.
        held_out_gain: the mean gain of choices made on one half and scored on the other.
        agreement: how alike choices on separate halves are, in images that both take among those that either takes.
    """

    gain: float
    gain_low: float | None = None
    gain_high: float | None = None
    held_out_gain: float | None = None
    agreement: float | None = None

    @property
    def warning(self) -> str | None:
        """What to be careful about, in a sentence."""
        if self.gain_low is not None and self.gain_low <= 0:
            return "The choice is not closer to the target than a random part of equal size, beyond its interval."
        if self.held_out_gain is not None and self.held_out_gain <= 0:
            return "Chosen on one half of the data, it is not closer to the target than a random part on the other."
        return None


def weigh_evidence(gap: Gap, chosen: Shares, choose: Callable[[Gap], Shares], *, splits: int, seed: int) -> Evidence:
    """The evidence for the shares ``chosen``, which ``choose`` made of ``gap`` and will make of its halves."""
    everything = np.ones(len(chosen))
    gain = _gain(gap, chosen)
    if min(gap.measurement.groups, len(gap.measurement.target_counts)) < 2 or np.isnan(gain):
        return Evidence(gain)
    deviations = bootstrap_fit(gap.measurement, gap.weights.total, np.stack([everything, chosen]), seed)
    low, high = interval(np.array([gain]), deviations[:, :1] - deviations[:, 1:])
    gains, agreements = [], []
    for number in range(splits):
        pair = halves(gap.measurement, keyed_rng(seed, "halves", number))
        gaps = [replace(gap, measurement=half) for half in pair]
        try:
            choices = [choose(half) for half in gaps]
        except CloserlookError:
            continue  # a half can be too small to choose from
        gains += [_gain(gaps[1], choices[0]), _gain(gaps[0], choices[1])]
        both, either = np.minimum(*choices), np.maximum(*choices)
        agreements.append(float(both.sum() / either.sum()))
    return Evidence(gain, float(low[0]), float(high[0]), _mean(gains), _mean(agreements))


def _gain(gap: Gap, chosen: Shares) -> float:
    if not (chosen * gap.measurement.cell_counts).any():
        return np.nan
    fits = [gap.score_cells(share)["fit"] for share in (np.ones(len(chosen)), chosen)]
    return np.nan if None in fits else float(fits[0] - fits[1])  # type: ignore[operator]


def _mean(values: list[float]) -> float | None:
    finite = [value for value in values if np.isfinite(value)]
    return float(np.mean(finite)) if finite else None
