"""What follows from a measurement and a scaling, for single images, for levels and for any set of cells."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Self

import numpy as np
import polars as pl
from numpy.typing import NDArray

from closerlook.arrays import Float, Int
from closerlook.attributes import Factor
from closerlook.errors import UsageError, unknown
from closerlook.gap.losses import Losses, Weights, image_losses, set_losses, weigh
from closerlook.gap.measure.measurement import Measurement
from closerlook.gap.measure.subset import camera_subset, split_halves
from closerlook.gap.settings import Settings
from closerlook.gap.statistics.anova import additive_shares, shares_of_factors, variance_shares
from closerlook.gap.statistics.bootstrap import TargetUnits, bootstrap_mmd2, target_units
from closerlook.gap.statistics.delta_method import mmd2_variance_per_image
from closerlook.gap.statistics.distributions import compare
from closerlook.gap.statistics.importance import attribute_codes, importance

__all__ = ["GapEstimator"]

DISTANCES = ("coverage", "frechet_distance", "kernel_distance")


@dataclass(frozen=True)
class GapEstimator:
    """A measurement and a scaling, and what they say of any set of images: what a gap's tables and figures are made
    from.

    A cell is a combination of levels, one of each factor. A set of images is given by ``shares`` (cells,): the share of
    each cell's images that it takes, ones and zeros for whole cells.

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
        settings, measurement = self.settings, self.measurement
        return weigh(measurement.blocks, measurement.target_spread, settings.scaling, settings.alpha, settings.beta)

    def rescaled(self, *, scaling: str | None = None, alpha: float | None = None, beta: float | None = None) -> Self:
        """The same images under another scaling or other weights; nothing is measured again."""
        asked = {"scaling": scaling, "alpha": alpha, "beta": beta}
        changed: dict[str, Any] = {name: value for name, value in asked.items() if value is not None}
        return replace(self, settings=replace(self.settings, **changed))

    @cached_property
    def target_units(self) -> TargetUnits:
        """What the intervals draw anew on the target's side."""
        return target_units(self.measurement, self.settings.bootstrap_unit)

    @property
    def can_resample(self) -> bool:
        """Whether there are two groups of people and two units of the target to draw from, so that intervals exist."""
        return min(self.measurement.groups, len(self.target_units.counts)) >= 2

    @cached_property
    def mmd2_deviations(self) -> Float:
        """Bootstrap deviations of every level's mmd2, (replicates, levels)."""
        return self.bootstrap(self.measurement.members, self.settings.seed)

    def bootstrap(self, shares: Float, seed: int) -> Float:
        """Bootstrap deviations of the mmd2 of k sets that take ``shares`` (k, cells) of each cell's images,
        (replicates, k).

        All sets of a replicate are of the same drawn people and target, so that differences of sets can be taken.
        """
        return bootstrap_mmd2(self.measurement, self.weights.total, shares, seed, units=self.target_units)

    def split_halves(self, rng: np.random.Generator) -> tuple[Self, Self]:
        """Two gaps that share neither people nor target images: random halves of the groups of either side.

        Raises:
            ValueError: there is only one group of either.
        """
        first, second = split_halves(self.measurement, rng)
        return replace(self, measurement=first), replace(self, measurement=second)

    @property
    def camera_names(self) -> list[int]:
        """The target's cameras; empty where fewer than two are known."""
        cameras = self.measurement.cameras
        return [] if cameras is None else cameras.names.tolist()

    def to_camera(self, camera: int) -> Self:
        """The gap to one camera's images alone; it rests on the projections, and runs of images are drawn.

        Raises:
            UsageError: the target has no such camera.
            CloserlookError: its cameras are not known, or this one's images are too few for intervals.
        """
        settings = replace(self.settings, target=f"{self.settings.target}, camera {camera}", bootstrap_unit="images")
        return replace(self, measurement=camera_subset(self.measurement, camera), settings=settings)

    def compare(self, cells: NDArray[np.bool]) -> dict[str, float]:
        """Coverage, Frechet and kernel distance of the images of ``cells`` (cells,); nan where they are not known."""
        distributions = self.measurement.distributions
        if distributions is None:
            return dict.fromkeys(DISTANCES, np.nan)
        smallest = (self.measurement.members @ distributions.images).min()
        return compare(distributions, cells, max(int(smallest), 1))

    @property
    def images_per_cell(self) -> Int:
        """(cells,) images of the source, analyzed or not."""
        return self.measurement.cell_images

    @property
    def analyzed_per_cell(self) -> Int:
        """(cells,) analyzed images."""
        return self.measurement.cell_counts

    @property
    def cell_levels(self) -> Int:
        """(cells, factors) the level of each cell, numbered within its factor."""
        return self.measurement.cell_levels

    def images_per_level(self, shares: Float) -> Float:
        """(levels,) images of the source with each level, factors in order, in a set that takes ``shares`` (cells,)."""
        return np.asarray(self.measurement.members @ (shares * self.measurement.cell_images))

    @cached_property
    def target_spread(self) -> float:
        """tr Cov_t, unbiased, in the unit of the losses."""
        return float(self.measurement.target_spread @ self.weights.total)

    @cached_property
    def target_bias(self) -> float:
        """tr Cov(m_t): by how much a squared distance to the target's mean is too large on average."""
        return float(self.measurement.target_bias @ self.weights.total)

    def cell_products(self, *, unbiased: bool) -> Float:
        """P, (cells, cells): <m_a - m_t, m_c - m_t> of the cells' means and the target's.

        For any mixture w of cells that sums to 1, w' P w is its squared distance to the target's mean; where
        ``unbiased``, over images of different groups of people only, so that w' P w - :attr:`target_bias` is its mmd2.
        """
        measurement = self.measurement
        products = measurement.unbiased_cell_products if unbiased else measurement.cell_products
        return np.asarray(np.einsum("b,bcd->cd", self.weights.total, products))

    def cell_losses(self, weights: Float | None = None) -> Float:
        """(cells,) sums of the losses of each cell's analyzed images; by default of the total loss, else of blocks
        weighted by ``weights`` (b,)."""
        measurement = self.measurement
        losses = image_losses(measurement, self.weights.total if weights is None else weights)
        return np.asarray(np.bincount(measurement.cell_of_image, losses, minlength=len(measurement.cell_levels)))

    def mmd2_variance_per_image(self) -> Float:
        """(levels, cells): what, divided by a cell's images, is its part of the variance of a level's mmd2."""
        return mmd2_variance_per_image(self.measurement, self.weights.total)

    @cached_property
    def losses(self) -> pl.DataFrame:
        """One row per analyzed source image, in the source's order: file_name, identity, the factors, ``loss`` (its
        exact mean loss to every target image) and its terms."""
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
        """Images analyzed and the losses and distances of the product subset of ``levels``: total_loss, mmd2,
        diversity, coverage, frechet_distance and kernel_distance.

        Factors that are not named keep all; what a set is too small for is None.
        """
        return {**self.score_losses(levels), **_or_none(self.compare(self.cells_of(levels)))}

    def score_losses(self, levels: Mapping[str, Sequence[object]]) -> dict[str, float | None]:
        """That part of :meth:`score` which is fast: images, total_loss, mmd2 and diversity."""
        cells = self.cells_of(levels)
        if not cells.any():
            raise UsageError(f"No analyzed image is in {dict(levels)}.")
        return self.score_cells(cells.astype(float))

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
        """How many images of the source, analyzed or not, are in the product subset with these levels."""
        return int(self.measurement.cell_images[self.cells_of(levels)].sum())

    def score_cells(self, share: Float) -> dict[str, float | None]:
        """Images, total_loss, mmd2 and diversity of a set that takes ``share`` (cells,) of each cell's images."""
        losses = self.set_losses(share[None])
        analyzed = float(self.measurement.cell_counts[share > 0].sum())
        values = {"total_loss": losses.total[0], "mmd2": losses.mmd2[0], "diversity": losses.diversity[0]}
        return {"images": analyzed, **_or_none(values)}

    def set_losses(self, shares: Float) -> Losses:
        """Losses of k sets that take ``shares`` (k, cells) of each cell's images, estimated from all of those.

        All are nan for a set without analyzed images.
        """
        counts = self.measurement.cell_counts
        images = shares @ counts
        with np.errstate(divide="ignore", invalid="ignore"):
            mixtures = shares * counts / images[:, None]
            totals = shares @ self.cell_losses() / images
        products = ((mixtures @ self.cell_products(unbiased=True)) * mixtures).sum(axis=1)
        analyzed = (shares > 0) @ counts.astype(float)
        spread, bias = self.target_spread, self.target_bias
        return set_losses(analyzed, totals, products, target_spread=spread, target_bias=bias)

    @cached_property
    def identities(self) -> pl.DataFrame:
        """One row per person: identity, images and the mean of ``loss`` and its terms; empty where nobody is known."""
        means = [pl.col(name).mean() for name in ("loss", *self.weights.terms)]
        known = self.losses.drop_nulls("identity")
        return known.group_by("identity").agg(pl.len().alias("images"), *means).sort("identity")

    @cached_property
    def projection_error(self) -> float:
        """Largest relative error, over levels, of ||m_l - m_t||^2 when it is computed from cells as :meth:`score` does.

        Zero but for rounding, unless the embedding is too wide for the cells to be kept exactly.
        """
        measurement = self.measurement
        counts = measurement.members * measurement.cell_counts
        mixtures = counts / counts.sum(axis=1, keepdims=True)
        projected = ((mixtures @ self.cell_products(unbiased=False)) * mixtures).sum(axis=1)
        exact = self.weights.total @ measurement.level_gaps
        return float(np.max(np.abs(projected - exact) / exact))


def _or_none(values: Mapping[str, float]) -> dict[str, float | None]:
    return {name: None if np.isnan(value) else float(value) for name, value in values.items()}
