"""Tables that follow from a gap: combinations of levels, single cameras, and what agrees with what."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy import stats

from closerlook.errors import UsageError, unknown
from closerlook.gap.scores import Scores
from closerlook.gap.statistics.bootstrap import REPLICATES, bootstrap_fit
from closerlook.gap.statistics.intervals import differences, interval
from closerlook.gap.statistics.resampling import draw_mixture

__all__ = ["MEASURES", "against", "agreement", "combinations", "level_differences", "per_camera", "remarks"]

# Measures of a level's distance, with the sign that makes smaller nearer
MEASURES = {"fit": 1, "pair_loss": 1, "frechet": 1, "kernel": 1, "coverage": -1}


def combinations(scores: Scores, order: int) -> pl.DataFrame:
    """See :meth:`closerlook.gap.Gap.combinations`."""
    measurement, factors = scores.measurement, scores.factors
    if order < 1:
        raise UsageError(f"A combination has at least one attribute, not {order}.")
    found = []
    for axes in itertools.combinations(range(len(factors)), order):
        keys, place = np.unique(measurement.cell_levels[:, axes], axis=0, return_inverse=True)
        shares = np.zeros((len(keys), len(measurement.cell_levels)))
        shares[place, np.arange(len(place))] = 1
        present = shares @ measurement.cell_counts > 0
        keys, shares = keys[present], shares[present]
        losses = scores.losses_of(shares)
        columns: dict[str, Any] = {factor.name: [None] * len(keys) for factor in factors}
        for position, axis in enumerate(axes):
            columns[factors[axis].name] = [str(factors[axis].levels[level]) for level in keys[:, position]]
        columns |= {"images": (shares @ measurement.cell_counts).astype(int)}
        columns |= {"pair_loss": losses.pair, "fit": losses.fit, "diversity": losses.diversity}
        found.append(pl.DataFrame(columns, schema_overrides={factor.name: pl.String for factor in factors}))
    return pl.concat(found).with_columns(pl.selectors.float().fill_nan(None)) if found else pl.DataFrame()


def level_differences(scores: Scores, estimates: pl.DataFrame) -> pl.DataFrame:
    """See :attr:`closerlook.gap.Gap.differences`."""
    fit, found, start = _numbers(estimates["fit"]), [], 0
    for factor in scores.factors:
        own = slice(start, start + len(factor))
        names = [str(level) for level in factor.levels]
        table = differences(fit[own], scores.fit_deviations[:, own], names)
        found.append(table.select(pl.lit(factor.name).alias("factor"), pl.all()))
        start += len(factor)
    return pl.concat(found)


def agreement(levels: pl.DataFrame) -> pl.DataFrame:
    """Kendall's tau of the levels' rankings by any two of :data:`MEASURES`, a row a factor and pair of measures.

    Coverage counts as nearness. ``tau`` is null where a measure is missing or there are fewer than three levels.
    """
    rows = []
    for (name,), own in levels.group_by("factor", maintain_order=True):
        for one, other in itertools.combinations(MEASURES, 2):
            x, y = (MEASURES[measure] * _numbers(own[measure]) for measure in (one, other))
            known = np.isfinite(x) & np.isfinite(y)
            tau = float(stats.kendalltau(x[known], y[known]).statistic) if known.sum() > 2 else np.nan
            rows.append({"factor": name, "measure": one, "other": other, "levels": int(known.sum()), "tau": tau})
    return pl.DataFrame(rows).with_columns(pl.col("tau").fill_nan(None))


def per_camera(scores: Scores, estimates: pl.DataFrame) -> pl.DataFrame:
    """See :attr:`closerlook.gap.Gap.cameras`."""
    if scores.measurement.cameras is None:
        return pl.DataFrame()
    names = [int(name) for name in scores.measurement.cameras.names]
    tables = [against(scores, estimates, {name: 1.0}).select(pl.lit(name).alias("camera"), pl.all()) for name in names]
    return pl.concat(tables)


def against(scores: Scores, estimates: pl.DataFrame, cameras: Mapping[int, float]) -> pl.DataFrame:
    """See :meth:`closerlook.gap.Gap.against`."""
    measurement, weights, known = scores.measurement, scores.weights.total, scores.measurement.cameras
    if known is None:
        raise UsageError("The target has no two known cameras.")
    shares = _shares(cameras, [int(name) for name in known.names])
    # ||m_l - m_x||^2 = ||m_l - m_t||^2 - 2 <m_l - m_t, m_x - m_t> + ||m_x - m_t||^2 for the mixture's mean m_x
    moved = np.einsum("b,blk,k->l", weights, known.level_dots, shares)
    length = np.einsum("b,bkj,k,j->", weights, known.products, shares, shares)
    fit = _numbers(estimates["fit"]) + measurement.target_bias @ weights - 2 * moved + length
    fit -= shares**2 @ known.bias @ weights
    spread = (known.distances.sum(axis=0) / known.counts.sum(axis=0)[:, None]) @ weights @ shares
    own = measurement.target_distances.sum(axis=0) @ weights / measurement.target_counts.sum()
    pair = _numbers(estimates["pair_loss"]) - own - 2 * moved + spread
    drawn = draw_mixture(measurement, shares, REPLICATES, scores.settings.seed)
    deviations = bootstrap_fit(measurement, weights, measurement.members, scores.settings.seed, target=drawn)
    low, high = interval(fit, deviations)
    table = estimates.select("factor", "level")
    values = {"pair_loss": pair, "fit": fit, "fit_low": low, "fit_high": high}
    return table.with_columns(pl.Series(name, value).fill_nan(None) for name, value in values.items())


def remarks(scores: Scores, levels: pl.DataFrame, apart: pl.DataFrame, agreed: pl.DataFrame) -> list[str]:
    """See :attr:`closerlook.gap.Gap.remarks`."""
    return [
        *_subsample(scores, levels),
        *_incomplete(scores),
        *_ties(levels, apart),
        *_rankings(agreed),
        *_shown(levels),
    ]


def _subsample(scores: Scores, levels: pl.DataFrame) -> Iterator[str]:
    analysed, there = scores.measurement.images.height, int(scores.measurement.cell_images.sum())
    if analysed < there:
        half = 1.96 * float(np.nanmedian(_numbers(levels["fit_sampling"])))
        yield (
            f"{analysed:,} of {there:,} source images were analysed, evenly from all combinations; that alone makes "
            f"the fit of a level uncertain by {half:.3f} (95 %, median over levels), which the intervals hold."
        )


def _incomplete(scores: Scores) -> Iterator[str]:
    if scores.variance is None:
        yield (
            "Shares of variance are those of an additive model: combinations of levels are missing, have one image "
            "each, or all losses are alike, so that interactions and noise cannot be told apart."
        )


def _ties(levels: pl.DataFrame, differences: pl.DataFrame) -> Iterator[str]:
    for (name,), own in differences.group_by("factor", maintain_order=True):
        apart = int(own["apart"].sum())
        if apart < own.height:
            nearest = levels.filter(pl.col("factor") == name).sort("fit", nulls_last=True)["level"][0]
            with_nearest = own.filter(~pl.col("apart") & ((pl.col("level") == nearest) | (pl.col("other") == nearest)))
            others = [row["other"] if row["level"] == nearest else row["level"] for row in with_nearest.to_dicts()]
            tied = f"; nearest is {nearest}, not to be told from {', '.join(others)}" if others else ""
            yield f"{name}: {apart} of {own.height} pairs of levels can be told apart by fit (5 %, Holm){tied}."


def _rankings(agreed: pl.DataFrame) -> Iterator[str]:
    for row in agreed.filter((pl.col("measure") == "fit") & (pl.col("other") == "pair_loss")).to_dicts():
        if row["tau"] is not None and row["tau"] < 0.5:
            yield (
                f"{row['factor']}: fit and the paper's pair loss rank the levels differently (Kendall's tau "
                f"{row['tau']:.2f}); pair loss also rewards levels that look all alike."
            )


def _shown(levels: pl.DataFrame) -> Iterator[str]:
    """The levels of each factor that make up more of the target than an even mixture, the largest share first."""
    share, low, high = (pl.col(name) for name in ("target_share", "target_share_low", "target_share_high"))
    for (name,), own in levels.group_by("factor", maintain_order=True):
        most = own.filter(share > share.mean()).sort(share, descending=True).select("level", share, low, high)
        parts = [f"{level} {value:.0%} ({least:.0%} to {largest:.0%})" for level, value, least, largest in most.rows()]
        if parts:
            yield f"{name}: the mixture of levels that explains the target best is mostly {', '.join(parts)}."


def _shares(cameras: Mapping[int, float], known: list[int]) -> NDArray[np.float64]:
    strange = sorted(set(cameras) - set(known))
    if strange:
        raise unknown("camera of the target", strange[0], known)
    shares = np.array([float(cameras.get(name, 0)) for name in known])
    if (shares < 0).any() or not shares.sum() > 0:
        raise UsageError(f"Shares of cameras must not be negative and not all zero; they are {dict(cameras)}.")
    return np.asarray(shares / shares.sum())


def _numbers(column: pl.Series) -> NDArray[np.float64]:
    numbers: NDArray[np.float64] = column.cast(pl.Float64).fill_null(np.nan).to_numpy()
    return numbers
