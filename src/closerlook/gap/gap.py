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
from closerlook.gap import levels, tables
from closerlook.gap.measure.measurement import Measurement
from closerlook.gap.plots.figures import figure_names, importance_figure, interaction_figure, level_figure
from closerlook.gap.scores import Scores
from closerlook.gap.settings import REMEDY, load_settings, remove_settings, save_settings
from closerlook.inputs import GAP_FILE, find_gap
from closerlook.storage.files import explain_os_errors
from closerlook.storage.tables import write_parquet

__all__ = ["Gap"]


@dataclass(frozen=True)
class Gap(Scores):
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
        """A row a level: factor, level, images, identities, pair_loss and fit with their terms, diversity."""
        return levels.estimate_levels(self)

    @cached_property
    def levels(self) -> pl.DataFrame:
        """:attr:`estimates` with 95 % intervals (``fit_low``, ``fit_high``, ``pair_...``, ``diversity_...``) and more.

        ``side`` says where a level's fit lies from its factor's mean line: ``below`` or ``above``, or ``unclear`` where
        the two cannot be told apart (5 %, Holm's correction within the factor). ``kept`` is the share of bootstrap
        replicates in which it is at or below the line, as rule ``mean`` asks: how often it lands in the chosen set.
        ``target_share`` estimates which share of the target's images shows the level, from all levels together: see
        :func:`closerlook.gap.statistics.mixture.estimate_composition`.
        ``pair_sampling`` and ``fit_sampling`` are standard errors from analysing only some images of each cell, a part
        of the intervals. ``coverage``, ``frechet`` and ``kernel`` are of pooled features, see
        :func:`closerlook.gap.statistics.distributions.compare`; coverage with as many images as the smallest level has.
        """
        with step("Intervals of the levels"):
            return levels.level_table(self, self.estimates)

    def combinations(self, order: int = 2) -> pl.DataFrame:
        """Losses of every combination of levels of ``order`` attributes: a column for each attribute, null where it is
        not part of the combination, then images, pair_loss, fit and diversity."""
        return tables.combinations(self, order)

    @cached_property
    def differences(self) -> pl.DataFrame:
        """Every two levels of a factor by fit, and whether they can be told apart; see
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
            factor, level, pair_loss, fit, fit_low, fit_high (over runs of images). The unit of a balanced scaling
            stays that of the whole target.
        """
        return tables.against(self, self.estimates, cameras)

    @property
    def remarks(self) -> list[str]:
        """What to know before reading the numbers, in words: what a subsample costs, what cannot be told apart."""
        return tables.remarks(self, self.levels, self.differences, self.agreement)

    def save(self, folder: str | Path) -> None:
        """Write ``gap.json``, ``moments.safetensors`` and ``images.parquet`` (what :meth:`load` reads), and for other
        readers the tables levels, losses (a row an image), identities, pairs, triples, differences, agreement,
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

    def figure(self, name: str = "fit") -> altair.HConcatChart:
        """An Altair chart: ``fit`` or ``pair_loss`` (Fig. 3), ``diversity``, ``target_share``, ``importance`` (Fig. 4)
        or ``interactions`` (heat maps of fit)."""
        names = figure_names(self, self.levels)
        if name not in names:
            raise unknown("figure", name, names)
        if name == "importance":
            return importance_figure(self)
        return interaction_figure(self) if name == "interactions" else level_figure(self, self.levels, name)

    def figures(self) -> dict[str, altair.HConcatChart]:
        """Every :meth:`figure` that there is, by its name."""
        return {name: self.figure(name) for name in figure_names(self, self.levels)}
