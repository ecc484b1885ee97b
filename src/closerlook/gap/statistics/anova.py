"""Exact shares of variance of the per-image loss: every attribute, every interaction, identity and the rest.

Over a complete grid of cells the effects of attributes and of their interactions are orthogonal, so the variance of
cell means splits into them without a model (Fisher's analysis of variance; Hoeffding's decomposition). What noise adds
to each effect is subtracted; images of one person are not taken for independent. Identity is a random factor: its
variance is what images of one person in different cells have in common, and its interaction with an attribute what only
images at the same level share beyond that.

Where combinations of levels are missing, effects are not orthogonal, and :func:`additive_shares` divides what an
additive model explains instead.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping

import numpy as np
import polars as pl
from scipy import sparse, stats

from closerlook.arrays import Float, Int
from closerlook.gap.statistics.people import covariances

__all__ = ["additive_shares", "shares_of_factors", "variance_shares"]

MAX_PEOPLE = 1000  # in an additive model; more are bundled
MAX_CLUSTERS = 256  # bundles of people whose noise is judged apart


def variance_shares(
    losses: Float, cell: Int, levels: Int, names: list[str], person: Int | None, group: Int | None = None
) -> pl.DataFrame | None:
    """Variance components of losses (n,), as shares of their sum.

    Args:
        cell: (n,) the cell of each image.
        levels: (cells, factors) level numbers.
        names: of the factors.
        person: (n,) identity numbers, if they are known.
        group: (n,) groups of people, for intervals by leaving out one group after another (jackknife).

    Returns:
        Columns ``term`` (``weather``, ``weather x viewpoint``, ``identity``, ``identity x weather``, ``rest``),
        ``order`` (how many attributes take part, identity not counted), ``share``, and ``low`` and ``high``, its 95 %
        interval. Shares lie in [0, 1]; what noise brings below 0 or above 1 counts as that, so that they may sum to a
        little more than 1. An attribute with one level has share 0 and is in no interaction. What no two images of one
        person can tell of identity has no row, and is in ``rest``, with noise and the interaction of identity with all
        attributes. None where combinations are missing, so that effects are not orthogonal, or where no cell has images
        of two people to judge the noise by.
    """
    split = _components(losses, cell, levels, names, person)
    if split is None:
        return None
    components, noise = split
    estimates = _values(components)
    orders = [len(set(term.split(" x ")) & set(names)) for term in components]
    error, quantile = _jackknife(len(components), losses, cell, levels, names, person, group)
    low, high = _score_interval(estimates, error, noise, quantile)
    shares = estimates.clip(0, 1)
    low, high = np.minimum(low, shares).clip(0, 1), np.maximum(high, shares).clip(0, 1)
    table = {"term": list(components), "order": orders, "share": shares, "low": low, "high": high}
    return pl.DataFrame(table).with_columns(pl.col("low", "high").fill_nan(None))


def shares_of_factors(variance: pl.DataFrame, names: list[str]) -> pl.DataFrame:
    """Each factor's own share with its interval, and its total share, which adds the interactions it takes part in.

    All are null for what has no row in ``variance``, an identity that cannot be told.
    """
    rows = []
    for name in names:
        alone = variance.filter(pl.col("term") == name)
        involved = variance.filter(pl.col("term").str.split(" x ").list.contains(name))["share"]
        total = min(float(involved.sum()), 1.0) if len(involved) else None
        bounds = {f"share_{end}": alone[end].first() if alone.height else None for end in ("low", "high")}
        share = alone["share"].first() if alone.height else None
        rows.append({"factor": name, "share": share, **bounds, "total_share": total})
    schema = dict.fromkeys(("share", "share_low", "share_high", "total_share"), pl.Float64)
    return pl.DataFrame(rows, schema_overrides=schema)


def additive_shares(codes: Mapping[str, Int], losses: Float) -> dict[str, float]:
    """Shares of the variance of losses (n,) by an additive model of coded factors: the route for unbalanced tables.

    What the model explains is divided among factors by Shapley values: a factor's share is what it adds to what is
    explained, averaged over all orders of adding factors (Lindeman, Merenda and Gold, 1980). What noise alone adds, as
    the residuals of the whole model show, is subtracted (omega squared). With orthogonal factors these are the
    first-order shares of the analysis of variance; with correlated ones they still add up, and none is favored for
    coming first. Shares lie in [0, 1]; all are nan where the model has as many parameters as there are losses, so that
    nothing tells noise.
    """
    names = list(codes)
    n, total = len(losses), float(((losses - losses.mean()) ** 2).sum())
    if total <= n * (1e-6 * losses.mean()) ** 2:
        return dict.fromkeys(names, 0.0)
    columns = {name: _indicators(code % MAX_PEOPLE) for name, code in codes.items()}
    design = sparse.hstack([np.ones((n, 1)), *columns.values()], format="csr")
    gram, moment = (design.T @ design).toarray(), design.T @ (losses - losses.mean())
    widths = np.cumsum([1, *(column.shape[1] for column in columns.values())])
    places = {name: np.arange(low, high) for name, low, high in zip(names, widths[:-1], widths[1:], strict=True)}
    explained, ranks = {}, {}
    for size in range(len(names) + 1):
        for chosen in itertools.combinations(names, size):
            used = np.concatenate([[0], *(places[name] for name in chosen)]).astype(int)
            solution, _, rank, _ = np.linalg.lstsq(gram[np.ix_(used, used)], moment[used], rcond=1e-10)
            explained[frozenset(chosen)], ranks[frozenset(chosen)] = (
                float(moment[used] @ solution),
                int(rank) - 1,
            )
    everything = frozenset(names)
    freedom = n - 1 - ranks[everything]
    if not freedom:
        return dict.fromkeys(names, math.nan)
    noise = max(total - explained[everything], 0.0) / freedom
    value = {chosen: (explained[chosen] - ranks[chosen] * noise) / (total + noise) for chosen in explained}
    return {name: min(max(_shapley(name, names, value), 0.0), 1.0) for name in names}


def _shapley(name: str, names: list[str], value: Mapping[frozenset[str], float]) -> float:
    others = [other for other in names if other != name]
    return float(
        np.mean(
            [
                np.mean([value[frozenset((*chosen, name))] - value[frozenset(chosen)] for chosen in chosen_of_size])
                for size in range(len(names))
                if (chosen_of_size := list(itertools.combinations(others, size)))
            ]
        )
    )


def _indicators(code: Int) -> sparse.csr_array:
    return sparse.csr_array((np.ones(len(code)), (np.arange(len(code)), code)))


def _components(
    losses: Float, cell: Int, levels: Int, names: list[str], person: Int | None
) -> tuple[dict[str, float], Float] | None:
    """The components, and of each as a share what noise adds to it and the standard error that noise alone gives it,
    (2, components); nan for those of identity, which are no squares."""
    shape = tuple(int(size) for size in levels.max(axis=0) + 1)
    counts = np.bincount(cell, minlength=len(levels)).astype(float)
    if len(levels) < math.prod(shape) or (counts < 1).any():
        return None
    means = np.bincount(cell, losses) / counts
    residuals = losses - means[cell]
    people = np.arange(len(cell)) if person is None else np.unique(person, return_inverse=True)[1]
    alone = not people.max()
    if alone:  # one person: images are all that varies
        people = np.arange(len(cell))
    shared = covariances(residuals, cell, levels, people)
    if shared is None:
        return None
    scatter = _scatter(residuals / counts[cell], cell, people, len(levels))
    scatter *= np.sqrt(max(shared.means.sum(), 0) / max((scatter**2).sum(), 1e-300))
    order = np.lexsort(levels.T[::-1])
    grids = means[order].reshape(shape), scatter[:, order].reshape(-1, *shape)
    components, added = _effects(*grids, shared.between, names)
    of_identity = {} if person is None or alone else _identity(shared.agreeing, names)
    components |= of_identity
    components["rest"] = shared.single - sum(of_identity.values())
    total = sum(components.values())
    if not total > 1e-12 * float((losses**2).mean()):
        return None
    return components, np.pad(added, ((0, 0), (0, len(components) - added.shape[1])), constant_values=np.nan) / total


def _scatter(noise: Float, cell: Int, person: Int, cells: int) -> Float:
    """What each person, or bundle of people, adds to the noise of the cells' means, (clusters, cells)."""
    cluster = person % MAX_CLUSTERS
    scatter = np.zeros((int(cluster.max()) + 1, cells))
    np.add.at(scatter, (cluster, cell), noise)
    return scatter


def _effects(
    grid: Float, scatter: Float, between: Mapping[frozenset[int], float], names: list[str]
) -> tuple[dict[str, float], Float]:
    """Mean squares of all effects less those of noise; and those of noise, with their standard errors, (2, effects).

    Noise with covariance S adds tr S to a sum of squares, with variance 2 tr S^2. A factor with one level has no
    effect and takes part in no interaction.

    Args:
        grid: the cells' means, an axis a factor.
        scatter: (clusters, ...) what each cluster of people adds to them.
        between: sums of the covariances of the cells' means, see :class:`closerlook.gap.statistics.people.Covariances`.
    """
    effects, added = {}, []
    for order in range(1, len(names) + 1):
        for axes in itertools.combinations(range(len(names)), order):
            if order > 1 and min(grid.shape[axis] for axis in axes) == 1:
                continue
            effect = _effect(grid[None], axes)
            noise = _effect(scatter, axes).reshape(len(scatter), -1)
            bias = _noise_of_effect(between, axes, grid.shape)
            effects[" x ".join(names[axis] for axis in axes)] = float((effect**2).mean()) - bias
            added.append((bias, math.sqrt(2) * float(np.linalg.norm(noise @ noise.T)) / effect.size))
    return effects, np.array(added).T


def _noise_of_effect(between: Mapping[frozenset[int], float], axes: tuple[int, ...], shape: tuple[int, ...]) -> float:
    """What noise adds to the mean square of an effect.

    The effect of axes A is the sum over parts B of A of (-1)^|A - B| times the mean of all cells that agree in B.
    """
    cells, added = math.prod(shape), 0.0
    for size in range(len(axes) + 1):
        for part in itertools.combinations(axes, size):
            alike = cells // math.prod(shape[axis] for axis in part)
            agreeing = sum(value for shared_axes, value in between.items() if shared_axes >= set(part))
            added += (-1) ** (len(axes) - size) * agreeing / alike / cells
    return added


def _values(components: Mapping[str, float]) -> Float:
    """The components as shares of their sum."""
    values = np.array(list(components.values()))
    return np.asarray(values / values.sum())


def _effect(grids: Float, axes: tuple[int, ...]) -> Float:
    """The interaction of these axes in each grid: the mean over the others less all effects of lower order."""
    others = tuple(axis + 1 for axis in range(grids.ndim - 1) if axis not in axes)
    effect = grids.mean(axis=others, keepdims=True)
    for axis in axes:
        effect = effect - effect.mean(axis=axis + 1, keepdims=True)
    return np.asarray(effect)


def _identity(agreeing: Mapping[frozenset[int], float], names: list[str]) -> dict[str, float]:
    """Variance of identity and of its interactions with all but all attributes.

    The covariance of two images of one person that agree in exactly the attributes A is the sum of the components of
    identity with every part of A; so components follow from small A to large. Attributes that no person has two levels
    of, such as sex, interact with no identity: identity is then what people differ in within a level.
    """
    axes = [axis for axis in range(len(names)) if any(axis not in subset for subset in agreeing)]
    fixed = frozenset(range(len(names))) - set(axes)
    subsets = [frozenset(subset) for size in range(max(len(axes), 1)) for subset in itertools.combinations(axes, size)]
    components: dict[frozenset[int], float] = {}
    for subset in subsets:
        if subset | fixed in agreeing:
            components[subset] = agreeing[subset | fixed] - sum(
                value for part, value in components.items() if part < subset
            )
    return {
        " x ".join(["identity", *(names[axis] for axis in sorted(subset))]): value
        for subset, value in components.items()
    }


def _jackknife(
    terms: int, losses: Float, cell: Int, levels: Int, names: list[str], person: Int | None, group: Int | None
) -> tuple[Float, float]:
    """Standard errors of shares from leaving out one group of people at a time, and the quantile for 95 % intervals;
    nan where a cell would be left empty, or some term could not be told."""
    unknown = np.full(terms, np.nan)
    groups = np.unique(group) if group is not None else np.empty(0)
    if len(groups) < 2:
        return unknown, np.nan
    without: list[dict[str, float]] = []
    for left_out in groups:
        keep = group != left_out
        kept_person = None if person is None else person[keep]
        components = _components(losses[keep], cell[keep], levels, names, kept_person)
        if components is None:
            return unknown, np.nan
        without.append(components[0])
    if any(list(components) != list(without[0]) or len(components) != terms for components in without):
        return unknown, np.nan  # without that group some of identity cannot be told
    left = np.stack([_values(components) for components in without])
    error = np.sqrt((len(groups) - 1) / len(groups) * ((left - left.mean(axis=0)) ** 2).sum(axis=0))
    return error, float(stats.t.ppf(0.975, len(groups) - 1))


def _score_interval(shares: Float, error: Float, noise: Float, quantile: float) -> tuple[Float, Float]:
    """95 % intervals of shares from jackknife errors and from what noise adds, (2, n), to those that are squares.

    The variance of a square is slope x share + that of noise alone; a jackknife sees the first part only, which says
    nothing where the share is near zero. So the interval holds the shares for which (estimate - share)^2 is at most
    quantile^2 times the variance that they would have, as Wilson's does for proportions (JASA, 1927).
    """
    added, alone = noise
    square = ~np.isnan(alone)
    slope = np.where(square, error**2 / np.maximum(np.where(square, shares + added, 1), 1e-12), 0)
    variance = np.where(square, slope * np.maximum(shares, 0) + alone**2, error**2)
    middle = shares + quantile**2 * slope / 2
    half = quantile * np.sqrt(variance + (quantile * slope) ** 2 / 4)
    return middle - half, middle + half
