"""The gap between a source and a target: what ``analyze`` returns, shows and saves."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import altair
import polars as pl

from closerlook.compute.progress import step
from closerlook.errors import CloserlookError, unknown
from closerlook.escaping import html_table
from closerlook.gap import tables
from closerlook.gap.estimator import GapEstimator
from closerlook.gap.measure.measurement import Measurement
from closerlook.gap.notes import findings_in_words
from closerlook.gap.plots.charts import figure_names, importance_figure, interaction_figure, level_figure
from closerlook.gap.settings import REMEDY, load_settings, remove_settings, save_settings
from closerlook.inputs import GAP_FILE, find_gap
from closerlook.storage.files import explain_os_errors
from closerlook.storage.tables import write_parquet

__all__ = ["Gap"]


@dataclass(frozen=True)
class Gap(GapEstimator):
    """How far every attribute level of a source is from a target.

    Attributes:
        measurement: the moments; everything else follows from them.
        settings: what was asked for.

    Example:
        >>> levels = gap.levels.filter(pl.col("factor") == "weather")["level"].to_list()
        >>> levels
        ['sunny', 'foggy']
        >>> gap.save("gap")  # doctest: +SKIP
        >>> same = cl.Gap.load("gap")  # doctest: +SKIP
    """

    def __repr__(self) -> str:
        settings = self.settings
        varied = ", ".join(f"{factor.name} ({len(factor)})" for factor in self.factors)
        return f"Gap({settings.source!r} to {settings.target!r} by {settings.embedding}; {varied})"

    def _repr_html_(self) -> str:
        settings, analyzed = self.settings, self.measurement.images.height
        target = self.measurement.target_counts.sum()
        return html_table(
            "Gap",
            {
                "source": f"{settings.source}: {analyzed:,} of {settings.source_images:,} images",
                "target": f"{settings.target}: {target:,} of {settings.target_images:,} images",
                "embedding": settings.embedding,
                "scaling": settings.scaling,
                **{factor.name: ", ".join(map(str, factor.levels)) for factor in self.factors},
            },
        )

    @cached_property
    def estimates(self) -> pl.DataFrame:
        """One row per level: factor, level, images, identities, total_loss and mmd2 with their terms, diversity."""
        return tables.estimate_levels(self)

    @cached_property
    def relative_to_mean(self) -> list[str]:
        """That column of :attr:`levels` alone, which takes a tenth of the time."""
        return tables.relations_to_mean(self, self.estimates)[1]

    @cached_property
    def levels(self) -> pl.DataFrame:
        """:attr:`estimates` with 95 % intervals (``mmd2_low``, ``mmd2_high``, ``total_loss_...``, ``diversity_...``)
        and more.

        ``relative_to_mean`` says where a level's mmd2 lies from the mean of its factor's levels: ``below`` or
        ``above``, or ``unclear`` where the difference is not significant (5 %, Holm's correction within the factor).
        ``selection_frequency`` is the share of bootstrap replicates in which it is at or below that mean, as rule
        ``mean`` asks. ``mixture_weight`` is the estimated proportion of the target's images that shows the level, from
        all levels together: see :func:`closerlook.gap.statistics.mixture.estimate_mixture`.
        ``total_loss_subsampling_se`` and ``mmd2_subsampling_se`` are standard errors from analyzing only some images of
        each cell, included in the intervals. ``coverage``, ``frechet_distance`` and ``kernel_distance`` are of pooled
        features, see
        :func:`closerlook.gap.statistics.distributions.compare`; coverage with as many images as the smallest level has.
        """
        with step("Intervals of the levels"):
            return tables.level_table(self, self.estimates)

    def combinations(self, order: int = 2) -> pl.DataFrame:
        """Losses of every combination of levels of ``order`` attributes: a column for each attribute, null where it is
        not part of the combination, then images, total_loss, mmd2 and diversity."""
        return tables.combinations(self, order)

    @cached_property
    def differences(self) -> pl.DataFrame:
        """Every two levels of a factor by mmd2, and whether they differ significantly; see
        :func:`closerlook.gap.statistics.intervals.differences`."""
        return tables.level_differences(self, self.estimates)

    @cached_property
    def agreement(self) -> pl.DataFrame:
        """Kendall's tau between the rankings of a factor's levels by any two measures of distance."""
        return tables.agreement(self.levels)

    @cached_property
    def cameras(self) -> pl.DataFrame:
        """:meth:`against` each camera of the target, with a column ``camera``; empty where fewer than two are known."""
        return tables.per_camera(self, self.estimates)

    def against(self, cameras: Mapping[int, float]) -> pl.DataFrame:
        """The levels against a mixture of the target's cameras, such as ``{1: 1}`` or ``{2: 0.7, 5: 0.3}``.

        Returns:
            factor, level, total_loss, mmd2, mmd2_low, mmd2_high (over runs of images). The unit of a balanced scaling
            stays that of the whole target.
        """
        return tables.against(self, self.estimates, cameras)

    @property
    def notes(self) -> list[str]:
        """What to know before reading the numbers, in words: what was left out, what a subsample costs, what ties."""
        return [*self.settings.notes, *findings_in_words(self, self.levels, self.differences, self.agreement)]

    def save(self, folder: str | Path) -> None:
        """Write ``gap.json``, ``moments.safetensors`` and ``images.parquet`` (what :meth:`load` reads), and for other
        readers the tables levels, losses (one row per image), identities, pairs, triples, differences, agreement,
        cameras, importance and variance, each as Parquet where it is not empty.

        ``gap.json`` is written last, and one of an earlier analysis is removed first: while it is there, all else is
        of one analysis.
        """
        folder = Path(folder)
        tables = self._files()
        with explain_os_errors(folder):
            remove_settings(folder)
            for name in tables:
                (folder / f"{name}.parquet").unlink(missing_ok=True)
        self.measurement.save(folder)
        for name, table in tables.items():
            if table is not None and table.height:
                write_parquet(table, folder / f"{name}.parquet")
        save_settings(self.settings, folder)

    def _files(self) -> dict[str, pl.DataFrame | None]:
        return {
            "levels": self.levels,
            "losses": self.losses,
            "identities": self.identities,
            "pairs": self.combinations(2),
            "triples": self.combinations(3),
            "differences": self.differences,
            "agreement": self.agreement,
            "cameras": self.cameras,
            "importance": self.importance,
            "variance": self.variance,
        }

    @classmethod
    def load(cls, folder: str | Path) -> Gap:
        """The gap that :meth:`save` wrote into ``folder``.

        Raises:
            CloserlookError: there is none, or it is incomplete or damaged.
        """
        folder = find_gap(Path(folder))
        gap = cls(Measurement.load(folder), load_settings(folder))
        try:
            gap.weights, gap.target_units  # noqa: B018 - settings that its own numbers cannot have been made with
        except CloserlookError as error:
            raise CloserlookError(f"{folder / GAP_FILE} is damaged: {error} {REMEDY}") from None
        return gap

    def figure(self, name: str = "mmd2") -> altair.HConcatChart:
        """An Altair chart: ``mmd2`` or ``total_loss`` (Fig. 3), ``diversity``, ``mixture_weight``, ``importance`` (Fig.
        4) or ``interactions`` (heat maps of mmd2)."""
        names = figure_names(self, self.levels)
        if name not in names:
            raise unknown("figure", name, names)
        if name == "importance":
            return importance_figure(self)
        return interaction_figure(self) if name == "interactions" else level_figure(self, self.levels, name)

    def figures(self) -> dict[str, altair.HConcatChart]:
        """Every :meth:`figure` that there is, by its name."""
        return {name: self.figure(name) for name in figure_names(self, self.levels)}
