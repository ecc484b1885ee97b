"""The gap between a source and a target: what ``analyze`` returns, shows and saves."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import altair
import numpy as np
import polars as pl
from numpy.typing import NDArray
from safetensors import SafetensorError

from closerlook.analysis.anova import shares_of_factors, variance_shares
from closerlook.analysis.importance import importance
from closerlook.analysis.intervals import against_line, bootstrap_fit, bootstrap_pair, interval
from closerlook.analysis.losses import Losses, Weights, image_losses, set_losses, weigh
from closerlook.analysis.measurement import Measurement
from closerlook.attributes import Factor
from closerlook.errors import CloserlookError, UsageError, unknown
from closerlook.files import atomic_path, write_json

__all__ = ["Gap", "Settings"]

SETTINGS_NAME = "gap.json"

Float = NDArray[np.float64]


@dataclass(frozen=True)
class Settings:
    """What an analysis was asked for, and on what.

    Attributes:
        source, target: names of the data sets.
        source_images, target_images: how many images each has; the analysed ones may be fewer.
        embedding: its name.
        size: (height, width) of the images as embedded.
        scaling, alpha, beta: see :func:`closerlook.analysis.losses.weigh`.
        per_cell: at most so many images of each cell; None for all.
        seed: of the subsample, the projection and the bootstrap.
        notes: what could not be used, in words.
    """

    source: str
    target: str
    source_images: int
    target_images: int
    embedding: str
    size: tuple[int, int]
    scaling: str
    alpha: float
    beta: float
    per_cell: int | None
    seed: int
    notes: tuple[str, ...]


@dataclass(frozen=True)
class Gap:
    """How far every attribute level of a source is from a target.

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
        unit = (
            "1.0 is the target's mean distance to itself" if settings.scaling == "balanced" else "Eqs. 1-3 as printed"
        )
        height, width = settings.size
        how = f"by {settings.embedding} at {height} x {width} pixels, {settings.scaling} scaling ({unit})"
        return " ".join([f"{images} against {target}, over all pairs, {how}.", *settings.notes])

    @cached_property
    def weights(self) -> Weights:
        """What multiplies each block's squared distance."""
        return weigh(self.measurement, self.settings.scaling, self.settings.alpha, self.settings.beta)

    def rescaled(self, *, scaling: str | None = None, alpha: float | None = None, beta: float | None = None) -> Gap:
        """The same images under another scaling or other weights; nothing is measured again."""
        asked = {"scaling": scaling, "alpha": alpha, "beta": beta}
        changed: dict[str, Any] = {name: value for name, value in asked.items() if value is not None}
        return replace(self, settings=replace(self.settings, **changed))

    @cached_property
    def estimates(self) -> pl.DataFrame:
        """A row a level: factor, level, images, identities, pair_loss and fit with their terms, diversity."""
        measurement, total = self.measurement, self.weights.total
        losses = self._level_losses(total)
        terms = {term: self._level_losses(weights) for term, weights in self.weights.terms.items()}
        columns: dict[str, Any] = {
            "factor": [factor.name for factor in self.factors for _ in factor.levels],
            "level": [str(level) for factor in self.factors for level in factor.levels],
            "images": (measurement.members @ measurement.cell_counts).astype(int),
            "identities": self._identities(),
            "pair_loss": losses.pair,
            **{term: own.pair for term, own in terms.items()},
            "fit": losses.fit,
            **{f"fit_{term}": own.fit for term, own in terms.items()},
            "diversity": losses.diversity,
        }
        return pl.DataFrame(columns).with_columns(pl.selectors.float().fill_nan(None))

    @cached_property
    def levels(self) -> pl.DataFrame:
        """:attr:`estimates` with 95 % intervals (``pair_low``, ``pair_high``, ``fit_low``, ``fit_high``) and ``side``.

        ``side`` says where a level's fit lies from its factor's mean line: ``below`` or ``above``, or ``unclear`` where
        the two cannot be told apart (5 %, Holm's correction within the factor). ``kept`` is the share of bootstrap
        replicates in which it is at or below the line, as the greedy rule asks.
        """
        table, measurement, seed = self.estimates, self.measurement, self.settings.seed
        pair, fit = (table[name].cast(pl.Float64).fill_null(np.nan).to_numpy() for name in ("pair_loss", "fit"))
        pair_low, pair_high = interval(pair, bootstrap_pair(measurement, self.weights.total, seed))
        deviations = bootstrap_fit(measurement, self.weights.total, measurement.members, seed)
        fit_low, fit_high = interval(fit, deviations)
        sizes = [len(factor) for factor in self.factors]
        kept, side = against_line(fit, deviations, sizes)
        bounds = {"pair_low": pair_low, "pair_high": pair_high, "fit_low": fit_low, "fit_high": fit_high, "kept": kept}
        return table.with_columns(
            *(pl.Series(name, values).fill_nan(None) for name, values in bounds.items()), pl.Series("side", side)
        )

    def _level_losses(self, weights: Float) -> Losses:
        measurement = self.measurement
        counts = measurement.members @ measurement.cell_counts
        with np.errstate(invalid="ignore"):  # a part of the data may lack a level
            pairs = measurement.members @ self.cell_sums(weights) / counts
            mixtures = measurement.members * measurement.cell_counts / counts[:, None]
        bias = np.einsum("b,bcd->cd", weights, measurement.cell_gaps - measurement.cell_fits)
        products = weights @ measurement.level_gaps - ((mixtures @ bias) * mixtures).sum(axis=1)
        return set_losses(measurement, weights, counts, pairs, products)

    def cell_sums(self, weights: Float) -> Float:
        """(c,) sums of the image losses of each cell."""
        measurement = self.measurement
        losses = image_losses(measurement, weights)
        return np.asarray(np.bincount(measurement.cell_of_image, losses, minlength=len(measurement.cell_levels)))

    def _identities(self) -> list[int]:
        images = self.measurement.images
        return [
            images.filter(pl.col(factor.name) == level)["identity"].drop_nulls().n_unique()
            for factor in self.factors
            for level in factor.levels
        ]

    @cached_property
    def images(self) -> pl.DataFrame:
        """A row an analysed source image, in the source's order: file_name, identity, the factors, ``loss`` (its exact
        mean loss to every target image) and its terms."""
        columns = {"loss": self.weights.total, **self.weights.terms}
        losses = [pl.Series(name, image_losses(self.measurement, weights)) for name, weights in columns.items()]
        return self.measurement.images.with_columns(losses).sort("row").drop("row", "cell", "group")

    @cached_property
    def importance(self) -> pl.DataFrame:
        """How much each factor and identity matter to the per-image loss; see :mod:`closerlook.analysis.importance`.

        Where the design is complete, ``share`` is from :attr:`variance` and ``total_share`` adds interactions.
        """
        table = importance(self.images, self.images["loss"].to_numpy(), self.factors, self.settings.seed)
        if self.variance is None:
            return table.with_columns(total_share=pl.lit(None, dtype=pl.Float64))
        exact = shares_of_factors(self.variance, table["factor"].to_list())
        return table.drop("share").join(exact, on="factor", how="left", maintain_order="left")

    @cached_property
    def variance(self) -> pl.DataFrame | None:
        """Exact shares of the per-image loss's variance, interactions included; None where the design is not complete.

        See :func:`closerlook.analysis.anova.variance_shares`.
        """
        measurement = self.measurement
        identity = measurement.images["identity"]
        person = None if identity.null_count() else np.unique(identity.to_numpy(), return_inverse=True)[1]
        losses = image_losses(measurement, self.weights.total)
        names = [factor.name for factor in self.factors]
        return variance_shares(losses, measurement.cell_of_image, measurement.cell_levels, names, person)

    def score(self, levels: Mapping[str, Sequence[object]]) -> dict[str, float | None]:
        """Images analysed, pair_loss, fit and diversity of the product subset with these levels.

        Factors that are not named keep all; fit and diversity are None for a single image.
        """
        cells = self.cells_of(levels)
        if not cells.any():
            raise UsageError(f"No analysed image is in {dict(levels)}.")
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
        """How many images of the source, analysed or not, are in the product subset with these levels."""
        return int(self.measurement.cell_images[self.cells_of(levels)].sum())

    def score_cells(self, share: Float) -> dict[str, float | None]:
        """The same for a set that takes ``share`` (cells,) of each cell's images, estimated from all of those."""
        measurement, weights = self.measurement, self.weights.total
        counts = measurement.cell_counts
        mixture = share * counts / (share @ counts)
        product = np.einsum("b,bcd,c,d->", weights, measurement.cell_fits, mixture, mixture, optimize=True)
        pair = share @ self.cell_sums(weights) / (share @ counts)
        analysed = counts[share > 0].sum(keepdims=True)
        losses = set_losses(measurement, weights, analysed, np.array([pair]), np.array([product]))
        values = {"pair_loss": losses.pair, "fit": losses.fit, "diversity": losses.diversity}
        numbers = {name: float(value[0]) for name, value in values.items()}
        return {"images": float(analysed[0]), **{name: None if np.isnan(n) else n for name, n in numbers.items()}}

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

    def save(self, folder: str | Path) -> None:
        """Write ``gap.json``, ``moments.safetensors`` and ``images.parquet`` (what :meth:`load` reads), and the tables
        ``levels.parquet``, ``losses.parquet`` and ``importance.parquet`` for other readers."""
        folder = Path(folder)
        self.measurement.save(folder)
        for name, table in (("levels", self.levels), ("losses", self.images), ("importance", self.importance)):
            with atomic_path(folder / f"{name}.parquet") as draft:
                table.write_parquet(draft)
        write_json(folder / SETTINGS_NAME, {"version": 1, **asdict(self.settings)})

    @classmethod
    def load(cls, folder: str | Path) -> Gap:
        """The gap that :meth:`save` wrote into ``folder``.

        Raises:
            CloserlookError: there is none, or it is incomplete or damaged.
        """
        folder = Path(folder)
        try:
            values = json.loads((folder / SETTINGS_NAME).read_text())
            if values.pop("version") != 1:
                raise CloserlookError(f"{folder} was written by another version of closerlook: analyze again.")
            values["size"], values["notes"] = tuple(values["size"]), tuple(values["notes"])
            return cls(Measurement.load(folder), Settings(**values))
        except FileNotFoundError as error:
            raise CloserlookError(f"{folder} holds no analysis: there is no {error.filename}.") from None
        except (ValueError, KeyError, TypeError, SafetensorError) as error:
            raise CloserlookError(f"The analysis in {folder} is damaged ({error}): analyze again.") from None

    def figures(self) -> dict[str, altair.HConcatChart]:
        """Figures 3 and 4 as Altair charts: ``fit`` and ``pair_loss`` (Fig. 3), ``importance`` (Fig. 4)."""
        from closerlook.analysis import figures

        return figures.all_figures(self)
