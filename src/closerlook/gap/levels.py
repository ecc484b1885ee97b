"""The table of Figure 3: how far every level is from the target, and how sure that is."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from closerlook.gap.losses import Losses, set_losses
from closerlook.gap.scores import Scores
from closerlook.gap.statistics.bootstrap import bootstrap_diversity, bootstrap_pair
from closerlook.gap.statistics.intervals import against_line, interval
from closerlook.gap.statistics.mixture import estimate_composition
from closerlook.gap.statistics.subsampling import subsample_error

__all__ = ["estimate_levels", "level_table"]

Float = NDArray[np.float64]


def estimate_levels(scores: Scores) -> pl.DataFrame:
    """See :attr:`closerlook.gap.Gap.estimates`."""
    measurement = scores.measurement
    losses = _losses(scores, scores.weights.total)
    terms = {term: _losses(scores, weights) for term, weights in scores.weights.terms.items()}
    columns: dict[str, Any] = {
        "factor": [factor.name for factor in scores.factors for _ in factor.levels],
        "level": [str(level) for factor in scores.factors for level in factor.levels],
        "images": (measurement.members @ measurement.cell_counts).astype(int),
        "identities": _identities(scores),
        "pair_loss": losses.pair,
        **{term: own.pair for term, own in terms.items()},
        "fit": losses.fit,
        **{f"fit_{term}": own.fit for term, own in terms.items()},
        "diversity": losses.diversity,
    }
    return pl.DataFrame(columns).with_columns(pl.selectors.float().fill_nan(None))


def level_table(scores: Scores, estimates: pl.DataFrame) -> pl.DataFrame:
    """See :attr:`closerlook.gap.Gap.levels`."""
    measurement, weights, seed = scores.measurement, scores.weights.total, scores.settings.seed
    deviations = {
        "pair": bootstrap_pair(measurement, weights, seed, scores.target_units),
        "fit": scores.fit_deviations,
        "diversity": bootstrap_diversity(measurement, weights, seed, scores.target_units),
    }
    columns: dict[str, Float] = {}
    for stem, name in (("pair", "pair_loss"), ("fit", "fit"), ("diversity", "diversity")):
        estimate = estimates[name].cast(pl.Float64).fill_null(np.nan).to_numpy()
        columns[f"{stem}_low"], columns[f"{stem}_high"] = interval(estimate, deviations[stem])
    fit = estimates["fit"].cast(pl.Float64).fill_null(np.nan).to_numpy()
    columns["kept"], side = against_line(fit, scores.fit_deviations, [len(factor) for factor in scores.factors])
    columns["pair_sampling"], columns["fit_sampling"] = subsample_error(measurement, weights)
    shown = estimate_composition(measurement, weights, seed)
    columns |= {"target_share": shown.share, "target_share_low": shown.low, "target_share_high": shown.high}
    compared = [scores.compare(members.astype(bool)) for members in measurement.members]
    columns |= {name: np.array([one[name] for one in compared]) for name in compared[0]}
    series = [pl.Series(name, values).fill_nan(None) for name, values in columns.items()]
    return estimates.with_columns(*series, pl.Series("side", side))


def _losses(scores: Scores, weights: Float) -> Losses:
    """Of every level, from its exact mean."""
    measurement = scores.measurement
    counts = measurement.members @ measurement.cell_counts
    with np.errstate(invalid="ignore"):  # a part of the data may lack a level
        pairs = measurement.members @ scores.cell_sums(weights) / counts
        mixtures = measurement.members * measurement.cell_counts / counts[:, None]
    bias = np.einsum("b,bcd->cd", weights, measurement.cell_gaps - measurement.cell_fits)
    products = weights @ measurement.level_gaps - ((mixtures @ bias) * mixtures).sum(axis=1)
    return set_losses(measurement, weights, counts, pairs, products)


def _identities(scores: Scores) -> list[int]:
    images = scores.measurement.images
    return [
        images.filter(pl.col(factor.name) == level)["identity"].drop_nulls().n_unique()
        for factor in scores.factors
        for level in factor.levels
    ]
