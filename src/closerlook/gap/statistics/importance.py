"""How much each attribute matters: the paper's XGBoost gain (Fig. 4), with what is needed to read it.

Gain depends on how attributes are encoded: with equal true effects it can give identity .83 or .26 of the whole. So it
is never shown without exact ANOVA shares of the same response, a null and the encoding. The null of an attribute is
what it scores when its own column is shuffled and all others stay as they are, several times, with the spread. (Were
the response shuffled, the others' effects would go too, and what they explain would count as chance.)

The paper can be read in two ways. A: rows are images and the response is the loss (:func:`importance`). B: rows are
training runs and the response is the mAP they reached (:func:`importance_of_runs`). :func:`rank_agreement` says whether
both order the attributes alike.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import polars as pl
import xgboost
from numpy.typing import NDArray
from scipy import sparse, stats

from closerlook.arrays import Float, Int
from closerlook.attributes import Factor
from closerlook.compute.processes import usable_cores
from closerlook.dataset.threads import map_in_threads
from closerlook.errors import CloserlookError, unknown
from closerlook.gap.statistics.anova import additive_shares
from closerlook.randomness import keyed_rng, keyed_seed

__all__ = ["ENCODINGS", "MEASURES", "attribute_codes", "importance", "importance_of_runs", "rank_agreement"]

ENCODINGS = {
    "codes": "one integer code a level, in the design's order; identity by its number",
    "one-hot": "one column per level, zero or one; scores are summed over an attribute's columns",
}
MEASURES = ("gain", "total_gain", "splits", "permutation", "shap")
NULLS = 5
PARAMETERS = {"max_depth": 6, "eta": 0.3, "tree_method": "hist", "objective": "reg:squarederror"}
ROUNDS = 100  # with the parameters above, XGBoost's defaults
HELD_OUT = 4  # every fourth row is kept from training, for permutation and SHAP values
FEW_ROWS = 64  # with fewer, nothing is held out
MAX_ROWS = 1 << 15
SHAP_ROWS = 256  # TreeSHAP takes 0.5 ms per row, more than all the rest
ROUNDING = 1e-6  # relative spread of losses that are all alike

Scores = dict[str, dict[str, float]]


def importance(images: pl.DataFrame, losses: Float, factors: tuple[Factor, ...], seed: int) -> pl.DataFrame:
    """Importance of every factor, and of identity where it is known, for per-image losses (n,).

    Returns:
        One row per encoding and factor: ``factor``, ``encoding``, and by XGBoost ``gain`` (average per split, Fig. 4),
        ``total_gain``, ``splits`` ("weight"), ``permutation`` (how much the squared error on held-out rows grows when
        the factor is shuffled, over the response's variance) and ``shap`` (mean absolute TreeSHAP value on held-out
        rows, over the response's standard deviation); each with ``null_...`` and ``null_..._sd``, the mean and standard
        deviation over :data:`NULLS` shuffles of the factor's column.
    """
    return _importance(attribute_codes(images, factors), losses, seed)


def importance_of_runs(
    runs: pl.DataFrame, attributes: Sequence[str], *, response: str = "mAP", seed: int = 0
) -> pl.DataFrame:
    """Reading B: how much each attribute of the training set matters to what a training run reaches.

    Args:
        runs: one row per training run, with the ``response`` and a column for each attribute that says which of its
            levels were trained on (``"all"``, ``"sunny,clouds"``) or how many (identities).
        attributes: the columns.

    Returns:
        As :func:`importance`, with ``share``, the additive share of variance for unbalanced tables; null where
        runs are too few to tell.

    Raises:
        UsageError: a column is missing.
        CloserlookError: fewer than four runs have a response.

    Example:
        >>> from closerlook.gap import importance_of_runs
        >>> columns = {"weather": ["sunny", "all"] * 4, "identities": [50, 50, 100, 100] * 2, "mAP": [0.1, 0.3] * 4}
        >>> runs = pl.DataFrame(columns)
        >>> table = importance_of_runs(runs, ["weather", "identities"])
        >>> table["factor"].unique(maintain_order=True).to_list()
        ['weather', 'identities']
    """
    for name in (*attributes, response):
        if name not in runs.columns:
            raise unknown("column of the table of runs", name, runs.columns)
    runs = runs.drop_nulls([response, *attributes])
    if runs.height < 4:
        raise CloserlookError(f"Importance over training runs needs at least 4 of them with a {response}.")
    codes = {name: np.unique(runs[name].to_numpy(), return_inverse=True)[1] for name in attributes}
    values = runs[response].cast(pl.Float64).to_numpy()
    shares = additive_shares(codes, values)
    table = _importance(codes, values, seed)
    share = pl.col("factor").replace_strict(shares, return_dtype=pl.Float64).fill_nan(None)
    return table.with_columns(share=share)


def rank_agreement(first: pl.DataFrame, other: pl.DataFrame, measure: str = "share") -> tuple[float, int]:
    """Kendall's tau between two importance tables' rankings of the factors that both have, and how many these are.

    nan for fewer than three factors.

    Example:
        >>> from closerlook.gap import rank_agreement
        >>> one = pl.DataFrame({"factor": ["weather", "viewpoint", "backdrop"], "share": [0.5, 0.3, 0.1]})
        >>> rank_agreement(one, one)
        (1.0, 3)
    """
    tables = [table.unique("factor", keep="first").select("factor", measure) for table in (first, other)]
    joined = tables[0].join(tables[1], on="factor").drop_nulls()
    if joined.height < 3:
        return float("nan"), joined.height
    return float(stats.kendalltau(joined[measure], joined[f"{measure}_right"]).statistic), joined.height


def attribute_codes(images: pl.DataFrame, factors: tuple[Factor, ...]) -> dict[str, Int]:
    """An integer for each image's level of each factor, and for its person where all are known."""
    codes: dict[str, Int] = {}
    identity = images["identity"]
    if not identity.null_count() and identity.n_unique() > 1:
        codes["identity"] = np.unique(identity.to_numpy(), return_inverse=True)[1]
    for factor in factors:
        column = images[factor.name].replace_strict(list(factor.levels), range(len(factor)), return_dtype=pl.Int64)
        codes[factor.name] = column.to_numpy()
    return codes


def _importance(codes: Mapping[str, Int], response: Float, seed: int) -> pl.DataFrame:
    rows = keyed_rng(seed, "importance", "rows").permutation(len(response))[:MAX_ROWS]
    codes, response = {name: code[rows] for name, code in codes.items()}, _standardized(response[rows])
    tasks = [(name, encoding) for encoding in ENCODINGS for name in codes]

    def null(task: tuple[str, str]) -> dict[str, float]:
        return _null(codes, task[0], response, task[1], seed)

    observed = {encoding: tree_scores(codes, response, encoding, seed) for encoding in ENCODINGS}
    nulls = map_in_threads(null, tasks, usable_cores())
    return pl.DataFrame(
        [
            {"factor": name, "encoding": encoding, **observed[encoding][name], **null_scores}
            for (name, encoding), null_scores in zip(tasks, nulls, strict=True)
        ]
    )


def _null(codes: Mapping[str, Int], name: str, response: Float, encoding: str, seed: int) -> dict[str, float]:
    """Mean and standard deviation of one attribute's scores when its column is shuffled."""
    shuffled = []
    for index in range(NULLS):
        order = keyed_rng(seed, "importance", "null", name, index).permutation(len(response))
        shuffled.append(tree_scores({**codes, name: codes[name][order]}, response, encoding, seed, [name])[name])
    null: dict[str, float] = {}
    for kind in MEASURES:
        values = [scores[kind] for scores in shuffled]
        null |= {f"null_{kind}": float(np.mean(values)), f"null_{kind}_sd": float(np.std(values, ddof=1))}
    return null


def _standardized(response: Float) -> Float:
    """So that scores of different scalings compare; zero where all values are alike."""
    spread = response.std()
    alike = spread <= ROUNDING * abs(response.mean())
    return np.zeros_like(response) if alike else np.asarray((response - response.mean()) / spread)


def tree_scores(
    codes: Mapping[str, Int], response: Float, encoding: str, seed: int, names: Sequence[str] | None = None
) -> Scores:
    """The :data:`MEASURES` of each factor, or of ``names``, by boosted trees of all factors under an encoding.

    Responses have unit variance.
    """
    names = list(codes) if names is None else names
    held = np.arange(len(response)) % HELD_OUT == 0 if len(response) >= FEW_ROWS else np.ones(len(response), bool)
    trained = ~held if len(response) >= FEW_ROWS else held
    widths = {name: int(code.max()) + 1 if encoding == "one-hot" else 1 for name, code in codes.items()}
    owner = np.repeat(list(codes), list(widths.values()))
    matrix = _encoded(codes, encoding, widths)
    parameters = {**PARAMETERS, "seed": keyed_seed(seed, "xgboost") % 2**31, "nthread": 1}
    model = xgboost.train(parameters, xgboost.DMatrix(matrix[trained], label=response[trained], nthread=1), ROUNDS)
    scores = _gains(model, names, owner)
    test = {name: code[held] for name, code in codes.items()}
    seen = _encoded(test, encoding, widths)
    error = float(((model.inplace_predict(seen) - response[held]) ** 2).mean())
    values = model.predict(xgboost.DMatrix(seen[:SHAP_ROWS], nthread=1), pred_contribs=True)[:, :-1]
    for name in names:
        order = keyed_rng(seed, "permutation", name).permutation(int(held.sum()))
        shuffled = _encoded({**test, name: test[name][order]}, encoding, widths)
        worse = float(((model.inplace_predict(shuffled) - response[held]) ** 2).mean())
        scores[name]["permutation"] = worse - error
        scores[name]["shap"] = float(np.abs(values[:, owner == name].sum(axis=1)).mean())
    return scores


def _encoded(codes: Mapping[str, Int], encoding: str, widths: Mapping[str, int]) -> sparse.csr_matrix | Float:
    if encoding == "codes":
        return np.stack(list(codes.values()), axis=1).astype(np.float32)
    offsets = np.cumsum([0, *widths.values()])
    columns = np.stack([code + offset for code, offset in zip(codes.values(), offsets, strict=False)], axis=1)
    rows, ones = np.arange(len(columns)).repeat(len(codes)), np.ones(columns.size, np.float32)
    return sparse.csr_matrix((ones, (rows, columns.ravel())), (len(columns), int(offsets[-1])))


def _gains(model: xgboost.Booster, names: Sequence[str], owner: NDArray[np.str_]) -> Scores:
    total, splits = (model.get_score(importance_type=kind) for kind in ("total_gain", "weight"))
    scores: Scores = {}
    for name in names:
        columns = [f"f{column}" for column in np.flatnonzero(owner == name)]
        gained, used = (float(np.sum([kind.get(column, 0) for column in columns])) for kind in (total, splits))
        scores[name] = {"gain": gained / used if used else 0.0, "total_gain": gained, "splits": used}
    return scores
