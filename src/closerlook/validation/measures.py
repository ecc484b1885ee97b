"""What is known of a subset before training: every measure of how well it may serve a target."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from closerlook.attributes import Level
from closerlook.gap import Gap
from closerlook.selection.methods.mixture import mixture_weights

__all__ = ["MEASURES", "GapMeasures"]

# From a measure's name to what it is, and whether more of it should mean a better training set
MEASURES: dict[str, tuple[str, bool]] = {
    "gap": ("squared distance of mean content and style, without bias (squared MMD)", False),
    "total balanced": ("the paper's total loss, content and style in the target's own spread", False),
    "total literal": ("the paper's total loss as printed", False),
    "content": ("the gap by content alone", False),
    "style": ("the gap by style alone", False),
    "pooled": ("squared distance of mean pooled features", False),
    "Frechet": ("Frechet distance of pooled features", False),
    "kernel": ("kernel distance (KID) of pooled features", False),
    "coverage": ("share of the target's images with a near source image", True),
    "diversity": ("variance beside the target's", True),
    "mixture": ("how far the subset's levels are from the mixture that explains the target", False),
    "likelihood": ("log-likelihood of the target's covariance under that within the subset's people", True),
    "trained head": ("mAP of a linear head on frozen features, on other rendered people in the target's mixture", True),
}


class GapMeasures:
    """The measures that a gap gives of any product subset.

    Args:
        gap: of the whole source against a target.
    """

    def __init__(self, gap: Gap) -> None:
        self.gap = gap
        self._literal = gap.rescaled(scaling="literal")
        terms = {"content": (0.0, 1.0), "style": (1.0, 0.0)}
        known = {name: weights for name, weights in terms.items() if name in gap.weights.terms}
        self._alone = {name: gap.rescaled(alpha=alpha, beta=beta) for name, (alpha, beta) in known.items()}
        self.shares = mixture_weights(gap)

    def values(self, levels: Mapping[str, Sequence[Level]]) -> dict[str, float]:
        """Every measure of the product subset with these levels; nan for what it is too small for."""
        scores = self.gap.score(levels)
        found = {
            "gap": scores["mmd2"],
            "total balanced": scores["total_loss"],
            "total literal": self._literal.score_losses(levels)["total_loss"],
            **{name: gap.score_losses(levels)["mmd2"] for name, gap in self._alone.items()},
            "Frechet": scores["frechet_distance"],
            "kernel": scores["kernel_distance"],
            "coverage": scores["coverage"],
            "diversity": scores["diversity"],
            "mixture": self._from_mixture(levels),
        }
        return {name: np.nan if value is None else float(value) for name, value in found.items()}

    def _from_mixture(self, levels: Mapping[str, Sequence[Level]]) -> float:
        """Half the sum of absolute differences of the levels' shares, averaged over the factors."""
        apart = []
        for name, kept in levels.items():
            factor = next(factor for factor in self.gap.factors if factor.name == name)
            own = np.array([1 / len(kept) if level in kept else 0.0 for level in factor.levels])
            apart.append(float(np.abs(own - self.shares[name]).sum()) / 2)
        return float(np.mean(apart))
