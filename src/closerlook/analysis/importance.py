"""How much each attribute matters: the paper's XGBoost gain (Fig. 4), with what is needed to read it.

Gain depends on how attributes are encoded: with equal true effects it can give identity .83 or .26 of the whole. So it
is never shown without exact ANOVA shares of the same response, a null (the response shuffled) and the encoding.
"""

from __future__ import annotations

import numpy as np
import polars as pl
import xgboost
from numpy.typing import NDArray

from closerlook.attributes import Factor
from closerlook.randomness import keyed_rng, keyed_seed

__all__ = ["ENCODING", "anova_shares", "importance", "xgboost_gain"]

ENCODING = "one integer code a level, in the design's order; identity by its number"
NULLS = 5
PARAMETERS = {"max_depth": 6, "eta": 0.3, "tree_method": "hist", "objective": "reg:squarederror"}
ROUNDS = 100  # with the parameters above, XGBoost's defaults
ROUNDING = 1e-6  # relative spread of losses that are all alike

Float = NDArray[np.float64]
Int = NDArray[np.int64]


def importance(images: pl.DataFrame, losses: Float, factors: tuple[Factor, ...], seed: int) -> pl.DataFrame:
    """Importance of every factor, and of identity where it is known, for per-image losses (n,).

    Returns:
        A row a factor: ``gain`` (average a split, Fig. 4), ``total_gain``, ``splits``; ``null_gain`` and
        ``null_total_gain``, the means over shuffled losses; ``share``, the ANOVA share of
        variance with its noise removed; ``encoding``.
    """
    codes = _codes(images, factors)
    names = list(codes)
    matrix = np.stack(list(codes.values()), axis=1)
    observed = xgboost_gain(matrix, names, losses, seed)
    shuffled = [
        xgboost_gain(matrix, names, keyed_rng(seed, "importance", "null", index).permutation(losses), seed)
        for index in range(NULLS)
    ]
    shares = anova_shares(codes, losses)
    rows = [
        {
            "factor": name,
            "share": shares[name],
            **{measure: observed[name][measure] for measure in ("gain", "total_gain", "splits")},
            "null_gain": float(np.mean([null[name]["gain"] for null in shuffled])),
            "null_total_gain": float(np.mean([null[name]["total_gain"] for null in shuffled])),
            "encoding": ENCODING,
        }
        for name in names
    ]
    return pl.DataFrame(rows)


def _codes(images: pl.DataFrame, factors: tuple[Factor, ...]) -> dict[str, Int]:
    codes: dict[str, Int] = {}
    identity = images["identity"]
    if not identity.null_count() and identity.n_unique() > 1:
        codes["identity"] = np.unique(identity.to_numpy(), return_inverse=True)[1]
    for factor in factors:
        column = images[factor.name].replace_strict(list(factor.levels), range(len(factor)), return_dtype=pl.Int64)
        codes[factor.name] = column.to_numpy()
    return codes


def xgboost_gain(matrix: Int, names: list[str], losses: Float, seed: int) -> dict[str, dict[str, float]]:
    """``gain`` (average a split), ``total_gain`` and number of ``splits`` of each column of ``matrix`` (n, k).

    Losses are divided by their standard deviation first, so gains of different scalings compare.
    """
    spread = losses.std()
    alike = spread <= ROUNDING * abs(losses.mean())
    response = np.zeros_like(losses) if alike else (losses - losses.mean()) / spread
    data = xgboost.DMatrix(matrix.astype(np.float32), label=response, feature_names=names)
    parameters = {**PARAMETERS, "seed": keyed_seed(seed, "xgboost") % 2**31, "nthread": 2}
    model = xgboost.train(parameters, data, num_boost_round=ROUNDS)
    scores = {kind: model.get_score(importance_type=kind) for kind in ("gain", "total_gain", "weight")}
    kinds = {"gain": "gain", "total_gain": "total_gain", "splits": "weight"}
    return {name: {kind: _number(scores[own].get(name)) for kind, own in kinds.items()} for name in names}


def _number(score: float | list[float] | None) -> float:
    """A column's score; None where no split uses the column."""
    return float(score) if isinstance(score, float | int) else 0.0


def anova_shares(codes: dict[str, Int], losses: Float) -> dict[str, float]:
    """First-order share of the variance of each factor: omega squared, so that noise alone has an expected share of 0.

    Sums of squares are between levels; in a balanced design they are the exact ANOVA decomposition.
    """
    total = float(((losses - losses.mean()) ** 2).sum())
    between, freedom = {}, {}
    for name, code in codes.items():
        counts = np.bincount(code)
        means = np.bincount(code, losses) / np.maximum(counts, 1)
        between[name] = float((counts * (means - losses.mean()) ** 2).sum())
        freedom[name] = int((counts > 0).sum()) - 1
    rest = max(len(losses) - 1 - sum(freedom.values()), 1)
    noise = max(total - sum(between.values()), 0.0) / rest
    if total <= len(losses) * (ROUNDING * losses.mean()) ** 2:
        return dict.fromkeys(codes, 0.0)
    return {name: (between[name] - freedom[name] * noise) / (total + noise) for name in codes}
