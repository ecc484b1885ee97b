"""What follows from a measurement and a scaling, for single images, for levels and for any set of cells."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Self

import numpy as np
import polars as pl
from numpy.typing import NDArray

from closerlook.attributes import Factor
from closerlook.errors import UsageError, unknown
from closerlook.gap.losses import Losses, Weights, image_losses, set_losses, weigh
from closerlook.gap.measure.measurement import Measurement
from closerlook.gap.settings import Settings
from closerlook.gap.statistics.anova import additive_shares, shares_of_factors, variance_shares
from closerlook.gap.statistics.bootstrap import TargetUnits, bootstrap_fit, target_units
from closerlook.gap.statistics.distributions import compare
from closerlook.gap.statistics.importance import attribute_codes, importance

__all__ = ["GapEstimator"]

DISTANCES = ("coverage", "frechet", "kernel")

Float = NDArray[np.float64]


@dataclass(frozen=True)
class GapEstimator:
    """What a gap is made of, without its tables and figures, which are made from this.

    Attributes:
        measurement: the moments; everything else follows from them.
        settings: what was asked for.
    """

    measurement: Measurement
    settings: Settings

    @property
    def factors(self) -> tuple[Factor, ...]:
        return self.measurement.factors

    @property
    def description(self) -> str:
        """What was measured and how, in one sentence or two."""
        settings, measurement = self.settings, self.measurement
        images = f"{measurement.images.height:,} of {settings.source_images:,} images of {settings.source}"
        target = f"{measurement.target_counts.sum():,} of {settings.target_images:,} of {settings.target}"
        units = {"balanced": " (1.0 is the target's mean distance to itself)", "literal": " (Eqs. 1-3 as printed)"}
        height, width = settings.size
        how = f"by {settings.embedding} at {height} x {width} pixels, {settings.scaling} scaling"
        how += units.get(settings.scaling, "")
        return " ".join([f"{images} against {target}, over all pairs, {how}.", *settings.notes])

    @cached_property
    def weights(self) -> Weights:
        """What multiplies each block's squared distance."""
        return weigh(self.measurement, self.settings.scaling, self.settings.alpha, self.settings.beta)

    def rescaled(self, *, scaling: str | None = None, alpha: float | None = None, beta: float | None = None) -> Self:
        """The same images under another scaling or other weights; nothing is measured again."""
        asked = {"scaling": scaling, "alpha": alpha, "beta": beta}
        changed: dict[str, Any] = {name: value for name, value in asked.items() if value is not None}
        return replace(self, settings=replace(self.settings, **changed))

    @cached_property
    def target_units(self) -> TargetUnits:
        """What the intervals draw anew on the target's side."""
        return target_units(self.measurement, self.settings.over)

    @cached_property
    def fit_deviations(self) -> Float:
        """Bootstrap deviations of every level's fit, (replicates, levels)."""
        measurement = self.measurement
        return bootstrap_fit(
            measurement, self.weights.total, measurement.members, self.settings.seed, units=self.target_units
        )

    def compare(self, cells: NDArray[np.bool]) -> dict[str, float]:
        """Coverage, Frechet and kernel distance of the images of ``cells`` (cells,); nan where they are not known."""
        found = self.measurement.distributions
        if found is None:
            return dict.fromkeys(DISTANCES, np.nan)
        smallest = (self.measurement.members @ found.images).min()
        return compare(found, cells, max(int(smallest), 1))

    def cell_sums(self, weights: Float) -> Float:
        """(c,) sums of the image losses of each cell."""
        measurement = self.measurement
        losses = image_losses(measurement, weights)
        return np.asarray(np.bincount(measurement.cell_of_image, losses, minlength=len(measurement.cell_levels)))

    @cached_property
    def losses(self) -> pl.DataFrame:
        """A row an analysed source image, in the source's order: file_name, identity, the factors, ``loss`` (its exact
        mean loss to every target image) and its terms."""
        columns = {"loss": self.weights.total, **self.weights.terms}
        losses = [pl.Series(name, image_losses(self.measurement, weights)) for name, weights in columns.items()]
        return self.measurement.images.with_columns(losses).sort("row").drop("row", "cell", "group")

    @cached_property
    def importance(self) -> pl.DataFrame:
        """How much each factor and identity matter to the per-image loss, by XGBoost under two encodings and exactly.

        See :func:`closerlook.gap.statistics.importance.importance`. ``share`` (``share_low`` to ``share_high``) is
        the exact share of variance, ``total_share`` with interactions, from :attr:`variance`; where the design is not
        complete that of an additive model (:func:`closerlook.gap.statistics.anova.additive_shares`), without interval
        and total.
        """
        losses = self.losses["loss"].to_numpy()
        table = importance(self.losses, losses, self.factors, self.settings.seed)
        names = table["factor"].unique(maintain_order=True).to_list()
        if self.variance is not None:
            exact = shares_of_factors(self.variance, names)
        else:
            additive = additive_shares(attribute_codes(self.losses, self.factors), losses)
            unknown = dict.fromkeys(("share_low", "share_high", "total_share"), pl.lit(None, pl.Float64))
            shares = pl.Series("share", [additive[name] for name in names]).fill_nan(None)
            exact = pl.DataFrame({"factor": names}).with_columns(shares, **unknown)
        return table.join(exact, on="factor", how="left", maintain_order="left")

    @cached_property
    def variance(self) -> pl.DataFrame | None:
        """Exact shares of the per-image loss's variance with intervals, interactions included; None where the design is
        not complete. See :func:`closerlook.gap.statistics.anova.variance_shares`."""
        images = self.measurement.images
        identity = images["identity"]
        person = None if identity.null_count() else np.unique(identity.to_numpy(), return_inverse=True)[1]
        losses = image_losses(self.measurement, self.weights.total)
        names = [factor.name for factor in self.factors]
        cell, levels = self.measurement.cell_of_image, self.measurement.cell_levels
        return variance_shares(losses, cell, levels, names, person, images["group"].to_numpy())

    def score(self, levels: Mapping[str, Sequence[object]]) -> dict[str, float | None]:
        """Images analysed, pair_loss, fit, diversity, coverage, frechet and kernel of the product subset of ``levels``.

        Factors that are not named keep all; what a set is too small for is None.
        """
        cells = self.cells_of(levels)
        if not cells.any():
            raise UsageError(f"No analysed image is in {dict(levels)}.")
        return {**self.score_cells(cells.astype(float)), **_or_none(self.compare(cells))}

    def cells_of(self, levels: Mapping[str, Sequence[object]]) -> NDArray[np.bool]:
        """Which cells belong to the product subset with these levels, (cells,)."""
        inside = np.ones(len(self.measurement.cell_levels), bool)
        names = [factor.name for factor in self.factors]
        for name, wanted in levels.items():
            if name not in names:
                raise unknown("attribute of the gap", name, names)
            position = names.index(name)
            kept = [self.factors[position].index(level) for level in wanted]
            inside &= np.isin(self.measurement.cell_levels[:, position], kept)
        return inside

    def count_images(self, levels: Mapping[str, Sequence[object]]) -> int:
        """How many images of the source, analysed or not, are in the product subset with these levels."""
        return int(self.measurement.cell_images[self.cells_of(levels)].sum())

    def score_cells(self, share: Float) -> dict[str, float | None]:
        """Images, pair_loss, fit and diversity of a set that takes ``share`` (cells,) of each cell's images."""
        losses = self.losses_of(share[None])
        analysed = float(self.measurement.cell_counts[share > 0].sum())
        values = {"pair_loss": losses.pair[0], "fit": losses.fit[0], "diversity": losses.diversity[0]}
        return {"images": analysed, **_or_none(values)}

    def losses_of(self, shares: Float) -> Losses:
        """Losses of k sets that take ``shares`` (k, cells) of each cell's images, estimated from all of those."""
        measurement, weights = self.measurement, self.weights.total
        counts = measurement.cell_counts
        images = shares @ counts
        mixtures = shares * counts / images[:, None]
        fits = np.einsum("b,bcd->cd", weights, measurement.cell_fits)
        pairs = shares @ self.cell_sums(weights) / images
        analysed = (shares > 0) @ counts.astype(float)
        return set_losses(measurement, weights, analysed, pairs, ((mixtures @ fits) * mixtures).sum(axis=1))

    @cached_property
    def identities(self) -> pl.DataFrame:
        """A row a person: identity, images and the mean of ``loss`` and its terms; empty where nobody is known."""
        means = [pl.col(name).mean() for name in ("loss", *self.weights.terms)]
        known = self.losses.drop_nulls("identity")
        return known.group_by("identity").agg(pl.len().alias("images"), *means).sort("identity")

    @cached_property
    def projection_error(self) -> float:
        """Largest relative error, over levels, of ||m_l - m_t||^2 when it is computed from cells as :meth:`score` does.

        Zero but for rounding, unless the embedding is too wide for the cells to be kept exactly.
        """
        measurement, weights = self.measurement, self.weights.total
        counts = measurement.members * measurement.cell_counts
        mixtures = counts / counts.sum(axis=1, keepdims=True)
        gaps = np.einsum("b,bcd->cd", weights, measurement.cell_gaps)
        exact = weights @ measurement.level_gaps
        return float(np.max(np.abs(((mixtures @ gaps) * mixtures).sum(axis=1) - exact) / exact))


def _or_none(values: Mapping[str, float]) -> dict[str, float | None]:
    return {name: None if np.isnan(value) else float(value) for name, value in values.items()}
