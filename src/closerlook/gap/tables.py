"""Tables that follow from a gap: levels (Figure 3), combinations of them, single cameras, and what agrees with what."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy import stats

from closerlook.arrays import Float
from closerlook.errors import UsageError, unknown
from closerlook.gap.estimator import GapEstimator
from closerlook.gap.losses import Losses, set_losses
from closerlook.gap.statistics.bootstrap import (
    REPLICATES,
    bootstrap_diversity,
    bootstrap_mmd2,
    bootstrap_total_loss,
    draw_mixture,
)
from closerlook.gap.statistics.delta_method import subsampling_errors
from closerlook.gap.statistics.intervals import against_line, differences, interval
from closerlook.gap.statistics.mixture import estimate_mixture

__all__ = [
    "MEASURES",
    "against",
    "agreement",
    "combinations",
    "estimate_levels",
    "level_differences",
    "level_table",
    "per_camera",
]


# Measures of a level's distance, with the sign that makes smaller nearer
MEASURES = {"mmd2": 1, "total_loss": 1, "frechet_distance": 1, "kernel_distance": 1, "coverage": -1}


def estimate_levels(gap: GapEstimator) -> pl.DataFrame:
    """See :attr:`closerlook.gap.Gap.estimates`."""
    measurement = gap.measurement
    losses = _losses(gap, gap.weights.total)
    terms = {term: _losses(gap, weights) for term, weights in gap.weights.terms.items()}
    columns: dict[str, Any] = {
        "factor": [factor.name for factor in gap.factors for _ in factor.levels],
        "level": [str(level) for factor in gap.factors for level in factor.levels],
        "images": (measurement.members @ measurement.cell_counts).astype(int),
        "identities": _identities(gap),
        "total_loss": losses.total,
        **{term: alone.total for term, alone in terms.items()},
        "mmd2": losses.mmd2,
        **{f"mmd2_{term}": alone.mmd2 for term, alone in terms.items()},
        "diversity": losses.diversity,
    }
    return pl.DataFrame(columns).with_columns(pl.selectors.float().fill_nan(None))


def level_table(gap: GapEstimator, estimates: pl.DataFrame) -> pl.DataFrame:
    """See :attr:`closerlook.gap.Gap.levels`."""
    measurement, weights, seed = gap.measurement, gap.weights.total, gap.settings.seed
    deviations = {
        "total_loss": bootstrap_total_loss(measurement, weights, seed, gap.target_units),
        "mmd2": gap.mmd2_deviations,
        "diversity": bootstrap_diversity(measurement, weights, seed, gap.target_units),
    }
    columns: dict[str, Float] = {}
    for name, noise in deviations.items():
        columns[f"{name}_low"], columns[f"{name}_high"] = interval(_numbers(estimates[name]), noise)
    columns["selection_frequency"], relation = relations_to_mean(gap, estimates)
    columns["total_loss_subsampling_se"], columns["mmd2_subsampling_se"] = subsampling_errors(measurement, weights)
    mixture = estimate_mixture(measurement, weights, seed)
    columns |= {
        "mixture_weight": mixture.weight,
        "mixture_weight_low": mixture.low,
        "mixture_weight_high": mixture.high,
    }
    compared = [gap.compare(members.astype(bool)) for members in measurement.members]
    columns |= {name: np.array([distances[name] for distances in compared]) for name in compared[0]}
    series = [pl.Series(name, values).fill_nan(None) for name, values in columns.items()]
    return estimates.with_columns(*series, pl.Series("relative_to_mean", relation))


def relations_to_mean(gap: GapEstimator, estimates: pl.DataFrame) -> tuple[Float, list[str]]:
    """``selection_frequency`` and ``relative_to_mean`` of :attr:`closerlook.gap.Gap.levels`, which nothing else of it
    is needed for."""
    sizes = [len(factor) for factor in gap.factors]
    return against_line(_numbers(estimates["mmd2"]), gap.mmd2_deviations, sizes)


def _losses(gap: GapEstimator, weights: Float) -> Losses:
    """Of every level, from its exact mean."""
    measurement = gap.measurement
    counts = measurement.members @ measurement.cell_counts
    with np.errstate(invalid="ignore"):  # a subset of the data may lack a level
        totals = measurement.members @ gap.cell_losses(weights) / counts
        mixtures = measurement.members * measurement.cell_counts / counts[:, None]
    bias = np.einsum("b,bcd->cd", weights, measurement.cell_products - measurement.unbiased_cell_products)
    products = weights @ measurement.level_gaps - ((mixtures @ bias) * mixtures).sum(axis=1)
    spread, target_bias = (float(value @ weights) for value in (measurement.target_spread, measurement.target_bias))
    return set_losses(counts, totals, products, target_spread=spread, target_bias=target_bias)


def _identities(gap: GapEstimator) -> list[int]:
    images = gap.measurement.images
    return [
        images.filter(pl.col(factor.name) == level)["identity"].drop_nulls().n_unique()
        for factor in gap.factors
        for level in factor.levels
    ]


def combinations(gap: GapEstimator, order: int) -> pl.DataFrame:
    """See :meth:`closerlook.gap.Gap.combinations`."""
    measurement, factors = gap.measurement, gap.factors
    if order < 1:
        raise UsageError(f"A combination has at least one attribute, not {order}.")
    tables = []
    for axes in itertools.combinations(range(len(factors)), order):
        keys, place = np.unique(measurement.cell_levels[:, axes], axis=0, return_inverse=True)
        shares = np.zeros((len(keys), len(measurement.cell_levels)))
        shares[place, np.arange(len(place))] = 1
        present = shares @ measurement.cell_counts > 0
        keys, shares = keys[present], shares[present]
        losses = gap.set_losses(shares)
        columns: dict[str, Any] = {factor.name: [None] * len(keys) for factor in factors}
        for position, axis in enumerate(axes):
            columns[factors[axis].name] = [str(factors[axis].levels[level]) for level in keys[:, position]]
        columns |= {"images": (shares @ measurement.cell_counts).astype(int)}
        columns |= {"total_loss": losses.total, "mmd2": losses.mmd2, "diversity": losses.diversity}
        tables.append(pl.DataFrame(columns, schema_overrides={factor.name: pl.String for factor in factors}))
    return pl.concat(tables).with_columns(pl.selectors.float().fill_nan(None)) if tables else pl.DataFrame()


def level_differences(gap: GapEstimator, estimates: pl.DataFrame) -> pl.DataFrame:
    """See :attr:`closerlook.gap.Gap.differences`."""
    mmd2, tables, start = _numbers(estimates["mmd2"]), [], 0
    for factor in gap.factors:
        levels = slice(start, start + len(factor))
        names = [str(level) for level in factor.levels]
        table = differences(mmd2[levels], gap.mmd2_deviations[:, levels], names)
        tables.append(table.select(pl.lit(factor.name).alias("factor"), pl.all()))
        start += len(factor)
    return pl.concat(tables)


def agreement(levels: pl.DataFrame) -> pl.DataFrame:
    """Kendall's tau of the levels' rankings by any two of :data:`MEASURES`, one row per factor and pair of measures.

    Coverage counts as nearness. ``tau`` is null where a measure is missing or there are fewer than three levels.
    """
    rows = []
    for (name,), table in levels.group_by("factor", maintain_order=True):
        for first, other in itertools.combinations(MEASURES, 2):
            x, y = (MEASURES[measure] * _numbers(table[measure]) for measure in (first, other))
            known = np.isfinite(x) & np.isfinite(y)
            tau = float(stats.kendalltau(x[known], y[known]).statistic) if known.sum() > 2 else np.nan
            rows.append({"factor": name, "measure": first, "other": other, "levels": int(known.sum()), "tau": tau})
    return pl.DataFrame(rows).with_columns(pl.col("tau").fill_nan(None))


def per_camera(gap: GapEstimator, estimates: pl.DataFrame) -> pl.DataFrame:
    """See :attr:`closerlook.gap.Gap.cameras`."""
    if gap.measurement.cameras is None:
        return pl.DataFrame()
    names = [int(name) for name in gap.measurement.cameras.names]
    tables = [against(gap, estimates, {name: 1.0}).select(pl.lit(name).alias("camera"), pl.all()) for name in names]
    return pl.concat(tables)


def against(gap: GapEstimator, estimates: pl.DataFrame, cameras: Mapping[int, float]) -> pl.DataFrame:
    """See :meth:`closerlook.gap.Gap.against`."""
    measurement, weights, known = gap.measurement, gap.weights.total, gap.measurement.cameras
    if known is None:
        raise UsageError("The target has no two known cameras.")
    shares = _shares(cameras, [int(name) for name in known.names])
    # ||m_l - m_x||^2 = ||m_l - m_t||^2 - 2 <m_l - m_t, m_x - m_t> + ||m_x - m_t||^2 for the mixture's mean m_x
    moved = np.einsum("b,blk,k->l", weights, known.level_dots, shares)
    length = np.einsum("b,bkj,k,j->", weights, known.products, shares, shares)
    mmd2 = _numbers(estimates["mmd2"]) + gap.target_bias - 2 * moved + length
    mmd2 -= shares**2 @ known.bias @ weights
    spread = (known.distances.sum(axis=0) / known.counts.sum(axis=0)[:, None]) @ weights @ shares
    spread_of_all = measurement.target_distances.sum(axis=0) @ weights / measurement.target_counts.sum()
    total = _numbers(estimates["total_loss"]) - spread_of_all - 2 * moved + spread
    drawn = draw_mixture(measurement, shares, REPLICATES, gap.settings.seed)
    deviations = bootstrap_mmd2(measurement, weights, measurement.members, gap.settings.seed, target=drawn)
    low, high = interval(mmd2, deviations)
    table = estimates.select("factor", "level")
    values = {"total_loss": total, "mmd2": mmd2, "mmd2_low": low, "mmd2_high": high}
    return table.with_columns(pl.Series(name, value).fill_nan(None) for name, value in values.items())


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
