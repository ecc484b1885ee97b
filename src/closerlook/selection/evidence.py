"""Whether a choice is better than chance: its gain over random subsets of equal size, with its interval, and held out.

The mmd2 of a random subset of any size is on average that of all data, so the gain is mmd2(all) - mmd2(plan).
Chosen and scored on the same images it flatters; so the choice is also made on half of the people and of the target and
scored on the other halves. Halves drawn at random differ from the whole as the whole differs from what it was drawn
from (McCarthy, Pseudoreplication, 1966), so how often they choose the same says how stable a choice is.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from closerlook.compute.progress import progress, step
from closerlook.errors import CloserlookError
from closerlook.gap import Gap
from closerlook.gap.statistics.intervals import interval
from closerlook.randomness import keyed_rng

__all__ = ["Evidence", "weigh_evidence"]

# (cells,) how much of each cell's images a choice takes, or how often it draws them
Shares = np.ndarray[tuple[int], np.dtype[np.float64]]


@dataclass(frozen=True)
class Evidence:
    """What speaks for a choice.

    Attributes:
        gain: mmd2(all) - mmd2(chosen); positive is better than random.
        gain_low, gain_high: its 95 % interval by bootstrap over people and target; None with too few of either.
        held_out: mean mmd2 of choices made on one half, scored on the other; the distance that a plan really reaches.
        held_out_low, held_out_high: the range of those.
        held_out_gain: the mean gain of the same.
        agreement: how alike choices on separate halves are, in images that both take among those that either takes.
        same: share of the halves that choose exactly what the whole chooses.
        draws: how many halves that are.
        repeated: whether the choice was tried on halves at all.
        stability: per attribute and level, the share of the halves that choose it (for weights: its mean weight).
    """

    gain: float
    gain_low: float | None = None
    gain_high: float | None = None
    held_out: float | None = None
    held_out_low: float | None = None
    held_out_high: float | None = None
    held_out_gain: float | None = None
    agreement: float | None = None
    same: float | None = None
    draws: int = 0
    repeated: bool = True
    stability: dict[str, dict[str, float]] = field(default_factory=dict)

    @property
    def warning(self) -> str | None:
        """What to be careful about, in a sentence."""
        if self.gain_low is None:
            return "There are too few people or target images for an interval of this choice's gain."
        if self.gain_low <= 0:
            return "The choice is not closer to the target than a random subset of equal size, beyond its interval."
        if not self.repeated:
            return None
        if self.held_out_gain is None:
            return "Half of the data is too little to choose on, so the choice could not be checked on the other half."
        if self.held_out_gain <= 0:
            return "Chosen on one half of the data, it is not closer to the target than a random subset on the other."
        return None

    def numbers(self) -> dict[str, float | None]:
        """The finite numbers, by name; what is not known is None."""
        numbers = {name: value for name, value in vars(self).items() if name not in ("stability", "repeated")}
        return {name: value for name, value in numbers.items() if value is None or np.isfinite(value)}


def weigh_evidence(gap: Gap, chosen: Shares, choose: Callable[[Gap], Shares], *, splits: int, seed: int) -> Evidence:
    """The evidence for the shares ``chosen``, which ``choose`` made of ``gap`` and will make of its halves, if any."""
    everything = np.ones(len(chosen))
    gain = _gain(gap, chosen)
    if not gap.can_resample or np.isnan(gain):
        return Evidence(gain)
    with step("Drawing people and target anew"):
        deviations = gap.bootstrap(np.stack([everything, chosen]), seed)
    low, high = interval(np.array([gain]), deviations[:, :1] - deviations[:, 1:])
    if not splits:
        return Evidence(gain, gain_low=float(low[0]), gain_high=float(high[0]), repeated=False)
    held_out, gains, agreements, choices = [], [], [], []
    with progress("Choosing on halves of the data", splits, "pairs of halves") as advance:
        for number in range(splits):
            first, second = gap.split_halves(keyed_rng(seed, "halves", number))
            advance(1)
            try:
                on_first, on_second = choose(first), choose(second)
            except CloserlookError:
                continue  # a half can be too small to choose from
            held_out += [_mmd2(second, on_first), _mmd2(first, on_second)]
            gains += [_gain(second, on_first), _gain(first, on_second)]
            both, either = np.minimum(on_first, on_second), np.maximum(on_first, on_second)
            agreements.append(float(both.sum() / either.sum()))
            choices += [on_first, on_second]
    known = [mmd2 for mmd2 in held_out if np.isfinite(mmd2)]
    return Evidence(
        gain,
        gain_low=float(low[0]),
        gain_high=float(high[0]),
        held_out=_mean(held_out),
        held_out_low=min(known, default=None),
        held_out_high=max(known, default=None),
        held_out_gain=_mean(gains),
        agreement=_mean(agreements),
        same=_mean([float(np.allclose(choice, chosen, atol=0.01)) for choice in choices]),
        draws=len(choices),
        stability=_stability(gap, choices),
    )


def _stability(gap: Gap, choices: list[Shares]) -> dict[str, dict[str, float]]:
    """How often each level is chosen, for choices that take cells wholly or not; else its mean share of the images."""
    if not choices:
        return {}
    whole = all(np.isin(choice, (0.0, 1.0)).all() for choice in choices)
    counts = [gap.images_per_level(choice) for choice in choices]
    if whole:
        shares = [(images > 0).astype(float) for images in counts]
    else:
        shares = [images / (choice @ gap.images_per_cell) for images, choice in zip(counts, choices, strict=True)]
    mean = iter(np.mean(shares, axis=0).round(4).tolist())
    return {factor.name: {str(level): next(mean) for level in factor.levels} for factor in gap.factors}


def _gain(gap: Gap, chosen: Shares) -> float:
    return _mmd2(gap, np.ones(len(chosen))) - _mmd2(gap, chosen)


def _mmd2(gap: Gap, shares: Shares) -> float:
    return float(gap.set_losses(shares[None]).mmd2[0])


def _mean(values: list[float]) -> float | None:
    finite = [value for value in values if np.isfinite(value)]
    return float(np.mean(finite)) if finite else None
