"""Whether an analysis finds what a target shows, and whether its intervals hold, on rendered people.

A pool of source people and one of target people, in other places and through another sensor, are rendered once and
embedded once. Many sources and targets are then drawn from them, which is what rendering them anew would give, and each
is analysed as users' images are.

python bench/planted.py power --pool planted-pool --draws 20
python bench/planted.py coverage --pool planted-pool --draws 100
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import polars as pl
import torch
from numpy.typing import NDArray
from scipy import stats

from analysis import gap_of
from closerlook.analysis.moments import Sketch
from closerlook.analysis.passes import batch_size, cut, run_pass
from closerlook.attributes import Design, Factor, Level
from closerlook.dataset import Dataset
from closerlook.embedding import Block, open_embedding
from closerlook.randomness import keyed_rng
from closerlook.study.planted import SOURCE_SENSOR, TARGET_SENSOR, hidden_levels, places
from closerlook.synthesis import generate

SIZE = (128, 64)
VIEWPOINTS = tuple(range(0, 360, 60))
WIDTH = 1024  # a block's coordinates; products are off by 3 %, the same for a draw and for the pool
IMAGES = 16  # of each target person in a draw
STRENGTHS = (1.0, 0.75, 0.5)


@dataclass(frozen=True)
class Pool:
    """Rendered images and their projected vectors (n, d)."""

    data: Dataset
    phi: torch.Tensor
    blocks: tuple[Block, ...]

    @property
    def people(self) -> NDArray[np.int64]:
        return self.data.table["identity"].unique().sort().to_numpy()


def open_pools(folder: Path, people: int) -> tuple[Pool, Pool]:
    """Source and target, rendered and embedded now where they have not been before."""
    source_places, target_places = places()
    found = []
    for name, seed, backdrops, sensor in (
        ("source", 10, source_places, SOURCE_SENSOR),
        ("target", 11, target_places, TARGET_SENSOR),
    ):
        data = generate(
            "gpr-plus",
            out=folder / name,
            identities=people,
            levels={"viewpoint": VIEWPOINTS},
            size=SIZE,
            seed=seed,
            vary="image",
            backdrops=backdrops,
            sensor=sensor,
        )
        found.append(_embed(data, folder / f"{name}.npy"))
    return found[0], found[1]


def _embed(data: Dataset, cache: Path) -> Pool:
    embedder = open_embedding("lite0", SIZE)
    sketch = Sketch(embedder.blocks, WIDTH, 0)
    blocks = tuple(replace(block, dim=min(block.dim, WIDTH), positions=1) for block in embedder.blocks)
    if not cache.exists():
        batches = list(cut(slice(0, len(data)), batch_size(embedder.dim, None)))
        parts = [phi for _, phi in run_pass(data, embedder, batches, lambda _, phi: sketch(phi))]
        np.save(cache, torch.cat(parts).numpy())
    return Pool(data, torch.from_numpy(np.load(cache)), blocks)


def draw_source(pool: Pool, people: int, rng: np.random.Generator) -> tuple[Dataset, torch.Tensor]:
    """All images of ``people`` people who are drawn with replacement; one drawn twice is two people."""
    rows = _rows_of(pool)
    drawn = rng.choice(pool.people, people)
    row = np.concatenate([rows[person] for person in drawn])
    table = pool.data.table[row].with_columns(
        file_name=pl.Series([str(number) for number in range(len(row))]),
        identity=pl.Series(np.repeat(np.arange(people), [len(rows[person]) for person in drawn])),
    )
    return Dataset.from_table(pool.data.root, table, "source", pool.data.factors), pool.phi[row]


def draw_target(
    pool: Pool,
    people: int,
    rng: np.random.Generator,
    factor: str = "",
    planted: tuple[Level, ...] = (),
    share: float = 0.0,
) -> torch.Tensor:
    """Vectors of :data:`IMAGES` random images of each of ``people`` people, who are drawn with replacement.

    An image shows a ``planted`` level of ``factor`` with probability ``share``, else one of its other levels; without a
    factor every level is as likely.
    """
    rows = _rows_of(pool)
    hit = pool.data.table[factor].is_in(list(planted)).to_numpy() if factor else np.ones(len(pool.data), bool)
    found = []
    for person in rng.choice(pool.people, people):
        own = rows[person]
        inside = hit[own]
        weight = np.where(inside, share / inside.sum(), (1 - share) / max((~inside).sum(), 1)) if factor else None
        found.append(rng.choice(own, IMAGES, p=weight))
    return pool.phi[np.concatenate(found)]


def _rows_of(pool: Pool) -> dict[int, NDArray[np.int64]]:
    identity = pool.data.table["identity"].to_numpy()
    return {int(person): np.flatnonzero(identity == person) for person in pool.people}


def power(source: Pool, target: Pool, draws: int, people: int) -> None:
    """How often the planted levels of a factor are its nearest, by fit and by the paper's pair loss."""
    print(f"{draws} draws a row, {people} source people, {people} target people with {IMAGES} images each, lite0")
    print("factor, planted, share of images | all are the nearest, by fit | by pair loss | below the line, by fit")
    for factor in source.data.factors:
        for count in (1, 2):
            for share in STRENGTHS:
                hits = np.array(list(_hits(source, target, factor, count, share, draws, people)))
                cells = " | ".join(_share(int(column.sum()), draws) for column in hits.T)
                print(f"{factor.name}, {count} of {len(factor)}, {share:.0%} | {cells}", flush=True)


def _hits(
    source: Pool, target: Pool, factor: Factor, count: int, share: float, draws: int, people: int
) -> Iterator[tuple[bool, bool, bool]]:
    for number in range(draws):
        rng = keyed_rng(0, "planted bench", factor.name, count, number)
        start = int(rng.integers(len(factor)))
        planted = tuple(factor.levels[(start + step) % len(factor)] for step in range(count))
        if factor.name == "weather" and count == 2:
            planted = hidden_levels(Design.load("gpr-plus"), number)["weather"]
        data, phi = draw_source(source, people, rng)
        gap = gap_of(data, phi, draw_target(target, people, rng, factor.name, planted, share), source.blocks)
        own = gap.estimates.filter(pl.col("factor") == factor.name)
        names = set(map(str, planted))
        nearest, nearest_pair = (set(own.sort(by)["level"].head(count)) == names for by in ("fit", "pair_loss"))
        below = own.filter(pl.col("fit") <= pl.col("fit").mean())["level"]
        yield nearest, nearest_pair, names <= set(below)


def coverage(source: Pool, target: Pool, draws: int, people: int) -> None:
    """How often 95 % intervals hold the value that the whole pools have, people and images drawn anew each time."""
    whole = gap_of(source.data, source.phi, target.phi, source.blocks)
    literal = np.array([block.weight for block in source.blocks])
    spread = 2 * whole.measurement.target_spread * literal
    terms = {term: sum(spread[[block.term == term for block in source.blocks]]) for term in ("style", "content")}
    scaling = ",".join(f"{term}={value}" for term, value in terms.items())  # one unit for all draws
    whole = whole.rescaled(scaling=scaling)
    # Draws with replacement are independent draws from the pools as they are, whose fit needs no correction.
    truth = {
        "fit": whole.weights.total @ whole.measurement.level_gaps,
        "pair": whole.estimates["pair_loss"].to_numpy(),
    }
    inside: dict[str, list[NDArray[np.bool_]]] = {"fit": [], "pair": []}
    for number in range(draws):
        rng = keyed_rng(0, "planted bench", "coverage", number)
        data, phi = draw_source(source, people, rng)
        gap = gap_of(data, phi, draw_target(target, people, rng), source.blocks, scaling=scaling)
        for name, value in truth.items():
            low, high = (gap.levels[f"{name}_{end}"].to_numpy() for end in ("low", "high"))
            inside[name].append((low <= value) & (value <= high))
    factors = whole.estimates["factor"].to_numpy()
    print(f"{draws} draws of {people} source people and {people} target people with {IMAGES} images each, lite0")
    for name, found in inside.items():
        hits = np.array(found)
        error = hits.mean(axis=1).std(ddof=1) / np.sqrt(draws)  # levels of a draw share its people
        parts = ", ".join(f"{factor} {hits[:, factors == factor].mean():.1%}" for factor in dict.fromkeys(factors))
        print(f"{name}: 95 % intervals hold the pools' value in {hits.mean():.1%} +- {1.96 * error:.1%} ({parts})")


def _share(hits: int, draws: int) -> str:
    bounds = stats.binomtest(hits, draws).proportion_ci(method="wilson")
    return f"{hits / draws:.0%} ({bounds.low:.0%} to {bounds.high:.0%})"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["power", "coverage"])
    parser.add_argument("--pool", type=Path, default=Path("planted-pool"))
    parser.add_argument("--pool-people", type=int, default=32)
    parser.add_argument("--draws", type=int, default=20)
    parser.add_argument("--people", type=int, default=24)
    options = parser.parse_args()
    source, target = open_pools(options.pool, options.pool_people)
    {"power": power, "coverage": coverage}[options.what](source, target, options.draws, options.people)


if __name__ == "__main__":
    main()
